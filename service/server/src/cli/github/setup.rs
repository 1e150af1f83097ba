//! `trainyard github setup`.

use super::files::{KEY, Place, check_folder, left_behind, lines, write_beside};
use super::manifest::{checked_name, manifest};
use super::page::{Asked, Keep, Page};
use super::ping::{Ear, verified};
use super::token;
use crate::config::{Config, names_this_machine};
use crate::doctor::{account, app_settings, installation_place, repositories};
use anyhow::{Context as _, Result, bail};
use secrecy::{ExposeSecret as _, SecretString};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use trainyard_core::log::one_line;
use trainyard_core::permission::{self, NEEDS, missing_events, missing_permissions};
use trainyard_engine::{AppInfo, GitHub, GitHubAuth, HookOf, InstallationInfo, NewApp};

/// How often it is looked whether the App was installed.
const LOOK: Duration = Duration::from_secs(2);
/// No address of GitHub's or of a service is longer.
const LONGEST_URL: usize = 2000;

/// Make and install the service's GitHub App, or make a token's webhooks, and prove that deliveries arrive
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard github setup --webhook-url https://yard.example.org/webhooks/github\n  \
    trainyard github setup --org acme --no-browser --port 8788     # over ssh -L 8788:127.0.0.1:8788\n  \
    trainyard github setup --server https://ghe.example.com\n  \
    trainyard github setup --token --repo acme/flights < token.txt\n\n\
    A page on this machine sends you to GitHub to create the App, and GitHub sends you back; then you choose the\n\
    repositories it is installed in. Its key and its webhook's secret are written for your eyes only, beside\n\
    trainyard.toml, which is written if there is none; nothing that is there is ever replaced. At the end a ping of\n\
    GitHub's is verified: by the running service, or by this command in its place. Interrupted, the same command\n\
    goes on. Permissions, events and what to do by hand are in service/server/GITHUB.md.")]
pub(super) struct Setup {
    /// The organisation that shall own the App; your own account if absent
    #[arg(long, conflicts_with = "token")]
    org: Option<String>,
    /// The App's name, that nobody else has at GitHub; one is made up if absent
    #[arg(long, conflicts_with = "token")]
    name: Option<String>,
    /// Where GitHub sends deliveries; PUBLIC_URL/webhooks/github if absent
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// An Enterprise server, as https://HOST; github.api_url and git_url of the settings if absent
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The page's port on 127.0.0.1; a free one if absent
    #[arg(long, default_value_t = 0, conflicts_with = "token")]
    port: u16,
    /// Open no browser; the page's address is printed
    #[arg(long)]
    no_browser: bool,
    /// Where the key and the secrets are written; the folder of trainyard.toml if absent
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Make another App although there is one
    #[arg(long, conflicts_with = "token")]
    new: bool,
    /// Use a personal access token, from the settings or standard input, and make a webhook in each --repo
    #[arg(long)]
    token: bool,
    /// A repository that gets a webhook, as OWNER/NAME
    #[arg(long = "repo", value_name = "OWNER/NAME", requires = "token")]
    repos: Vec<String>,
    /// How many seconds to wait for you at GitHub
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    wait: u64,
    /// How many seconds to wait for the ping
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    wait_ping: u64,
}

/// An App whose key is here.
struct Kept {
    id: u64,
    key: SecretString,
    webhook_secret: Option<SecretString>,
}

impl Setup {
    fn ping_patience(&self) -> Duration {
        Duration::from_secs(self.wait_ping)
    }

    pub(super) async fn perform(self, path: Option<&Path>, mut config: Config) -> Result<ExitCode> {
        if let Some(server) = &self.server {
            (config.github.git_url, config.github.api_url) = addresses(server)?;
        }
        let place = self.place(path)?;
        let url = config.webhook_url(self.webhook_url.as_deref());
        let Some(webhook) = url.filter(|url| url.len() <= LONGEST_URL) else {
            bail!(
                "GitHub has to reach the service: name where, with --webhook-url https://HOST/webhooks/github, or set public_url"
            );
        };
        if !(webhook.starts_with("https://") || webhook.starts_with("http://")) || webhook.contains(char::is_whitespace)
        {
            bail!(
                "--webhook-url '{}' is not an address: write https://HOST/webhooks/github",
                one_line(&webhook)
            );
        }
        if names_this_machine(&webhook) && !names_this_machine(&config.github.git_url) {
            bail!(
                "GitHub cannot reach {webhook}: name the address of your TLS proxy or of a relay with --webhook-url, or set public_url"
            );
        }
        if self.token {
            if config.github.app_id.is_some() {
                bail!(
                    "the settings name a GitHub App, which needs no token: remove github.app_id first, or leave out --token"
                );
            }
            token::perform(&self.repos, self.ping_patience(), &place, &config, &webhook).await?;
        } else {
            self.app(&place, &config, &webhook).await?;
        }
        println!("Done. `trainyard doctor` looks at all of it; `trainyard serve` begins.");
        Ok(ExitCode::SUCCESS)
    }

    fn place(&self, path: Option<&Path>) -> Result<Place> {
        let file = path
            .or_else(|| Config::place(None))
            .unwrap_or(Path::new("trainyard.toml"));
        let file = std::path::absolute(file)?;
        let folder = match &self.dir {
            Some(folder) => std::path::absolute(folder)?,
            None => file.parent().unwrap_or(Path::new("/")).to_owned(),
        };
        // Before anything is made at GitHub: a key comes once.
        check_folder(&folder).with_context(|| {
            format!(
                "{} cannot be written to, where the App's key would go: name another with --dir",
                folder.display()
            )
        })?;
        Ok(Place { folder, file })
    }

    async fn app(&self, place: &Place, config: &Config, webhook: &str) -> Result<()> {
        let (kept, _page) = match self.known(config)? {
            Some(kept) => (kept, None),
            None => {
                let (kept, page) = self.make(place, config, webhook).await?;
                // Loaded again, it still shows the way on.
                (kept, Some(page))
            }
        };
        let auth = GitHubAuth::App {
            app_id: kept.id,
            private_key: kept.key,
        };
        let github = GitHub::new(&config.github.api_url, &config.github.git_url, auth)?;
        let app = github.app_info().await?;
        // From here on deliveries come.
        let secret = kept.webhook_secret.context(
            "the App's webhook has no secret here: set one in the App's settings at GitHub and as github.webhook_secret, and run this command again",
        )?;
        let ear = Ear::open(config, &secret).await;
        let installations = self.installed(&github, &app, &config.github.git_url).await?;
        let html = &config.github.git_url;
        for at in &installations {
            tell_installation(&github, at).await?;
        }
        for line in missing(&app, &installations, html) {
            println!("{}", one_line(&line));
        }
        let guid = verified(&ear, &github, &HookOf::App, self.ping_patience()).await?;
        println!("A ping of GitHub arrived with the right signature ({guid}).");
        Ok(())
    }

    /// The App of the settings, if it is the one to go on with.
    fn known(&self, config: &Config) -> Result<Option<Kept>> {
        let (false, Some(id), Some(file)) = (self.new, config.github.app_id, &config.github.private_key_file) else {
            return Ok(None);
        };
        let key = std::fs::read_to_string(file);
        let key = key.with_context(|| format!("github.private_key_file {} cannot be read", file.display()))?;
        println!("The settings name the App {id}: going on with it (--new makes another).");
        Ok(Some(Kept {
            id,
            key: key.into(),
            webhook_secret: config.github.webhook_secret.clone(),
        }))
    }

    /// Has a person make the App, and keeps its key.
    async fn make(&self, place: &Place, config: &Config, webhook: &str) -> Result<(Kept, Page<Kept>)> {
        if !self.new
            && let Some((id, key)) = left_behind(&place.folder)
        {
            let secret = secret_of(&key);
            bail!(
                "an earlier setup made the App {id}: to go on with it, let [github] of {} say app_id = {id}, private_key_file = \"{}\" and webhook_secret_file = \"{}\"; --new makes another App",
                place.file.display(),
                key.display(),
                secret.display()
            );
        }
        let name = self.name.as_deref().map(checked_name).transpose()?;
        let html = config.github.git_url.clone();
        let action = match &self.org {
            Some(org) if org.is_empty() || !org.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) => {
                bail!("--org '{}' is not the name of an organisation", one_line(org))
            }
            Some(org) => format!("{html}/organizations/{org}/settings/apps/new"),
            None => format!("{html}/settings/apps/new"),
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = tokio::net::TcpListener::bind(address).await;
        let listener =
            listener.with_context(|| format!("the page cannot listen on {address}: choose another --port"))?;
        let asked = Asked {
            action,
            manifest: manifest(name.as_deref().unwrap_or_default(), config, Some(webhook), None),
            named: name.is_some(),
            api_url: config.github.api_url.clone(),
            html_url: html,
        };
        let keep: Keep<Kept> = {
            let (place, config) = (place.clone(), config.clone());
            Box::new(move |app| keep(&place, &config, app))
        };
        let mut page = Page::serve(listener, asked, keep)?;
        println!(
            "Open {} in a browser on this machine and create the App at GitHub.",
            page.url
        );
        if !self.no_browser {
            open_browser(&page.url);
        }
        match timeout(Duration::from_secs(self.wait), page.made()).await {
            Ok(made) => Ok((made?, page)),
            Err(_) => bail!("no App was made within {}s: run this command again", self.wait),
        }
    }

    /// Waits until the App is installed somewhere.
    async fn installed(&self, github: &GitHub, app: &AppInfo, html: &str) -> Result<Vec<InstallationInfo>> {
        let waiting = async {
            let mut said = false;
            loop {
                let found = github.installations().await?;
                if !found.is_empty() {
                    return Ok::<_, anyhow::Error>(found);
                }
                if !said {
                    println!(
                        "Install the App in your repositories: {html}/apps/{}/installations/new",
                        one_line(&app.slug)
                    );
                    said = true;
                }
                sleep(LOOK).await;
            }
        };
        match timeout(Duration::from_secs(self.wait), waiting).await {
            Ok(found) => found,
            Err(_) => bail!(
                "the App was installed nowhere within {}s: install it, and run this command again",
                self.wait
            ),
        }
    }
}

/// Pages and API of a server.
fn addresses(server: &str) -> Result<(String, String)> {
    let html = server.trim_end_matches('/');
    let host = html
        .strip_prefix("https://")
        .or_else(|| html.strip_prefix("http://"))
        .unwrap_or_default();
    if host.is_empty() || host.contains(|c: char| c == '/' || c == '@' || c.is_whitespace()) {
        bail!("--server '{}' is not an address: write https://HOST", one_line(server));
    }
    let api = match host {
        "github.com" => "https://api.github.com".to_owned(),
        _ if host.ends_with(".ghe.com") => html.replacen("://", "://api.", 1),
        _ => format!("{html}/api/v3"),
    };
    Ok((html.to_owned(), api))
}

/// Writes the key and the secret before anything else: GitHub tells them once.
fn keep(place: &Place, config: &Config, app: NewApp) -> Result<(Kept, String)> {
    let html = &config.github.git_url;
    let path = place.folder.join(format!("{KEY}{}.pem", app.id));
    let lost = |error: std::io::Error| {
        anyhow::anyhow!(
            "the App {} was made at GitHub, but its key cannot be kept in {}: {error}; delete it at {html}/settings/apps and begin again, or generate another key there",
            one_line(&app.name),
            place.folder.display()
        )
    };
    let key = write_beside(&path, app.pem.expose_secret()).map_err(lost)?;
    println!(
        "The App {} ({}) is made; its key is in {}.",
        one_line(&app.name),
        app.id,
        key.display()
    );
    let mut settings = vec![
        ("app_id", app.id.to_string()),
        ("private_key_file", key.display().to_string()),
    ];
    if let Some(secret) = &app.webhook_secret {
        let written = write_beside(&secret_of(&path), &format!("{}\n", secret.expose_secret())).map_err(lost)?;
        settings.push(("webhook_secret_file", written.display().to_string()));
    }
    if let Some(secret) = app
        .client_secret
        .as_ref()
        .filter(|_| config.public_url.is_some() && !app.client_id.is_empty())
    {
        let file = path.with_extension("client-secret");
        let written = write_beside(&file, &format!("{}\n", secret.expose_secret())).map_err(lost)?;
        settings.push(("client_id", app.client_id.clone()));
        settings.push(("client_secret_file", written.display().to_string()));
    }
    place.tell(&lines(config, &settings));
    if config.github.token.is_some() {
        println!("Remove github.token (or TRAINYARD_GITHUB_TOKEN): the App takes its place.");
    }
    let install = format!("{html}/apps/{}/installations/new", path_part(&app.slug));
    let kept = Kept {
        id: app.id,
        key: app.pem,
        webhook_secret: app.webhook_secret,
    };
    Ok((kept, install))
}

/// The file of the webhook's secret, beside that of the key.
fn secret_of(key: &Path) -> PathBuf {
    key.with_extension("webhook-secret")
}

/// GitHub's slugs have no other characters.
fn path_part(slug: &str) -> String {
    slug.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect()
}

async fn tell_installation(github: &GitHub, at: &InstallationInfo) -> Result<()> {
    let account = account(at);
    if at.suspended_at.is_some() {
        println!(
            "{} suspended its installation: unsuspend it at {}",
            one_line(account),
            one_line(&at.html_url)
        );
        return Ok(());
    }
    let (count, names) = github.installation_repositories(at.id).await?;
    println!(
        "Installed for {}: {}.",
        one_line(account),
        one_line(&repositories(count, &names))
    );
    Ok(())
}

/// What the App or an installation of it was not given, a line each.
fn missing(app: &AppInfo, installations: &[InstallationInfo], html: &str) -> Vec<String> {
    let place = permission::Place::App(app_settings(app, html));
    let mut lines = Vec::new();
    let asked = missing_permissions(&NEEDS, &app.permissions);
    for missing in asked.iter().chain(&missing_events(&app.events, false)) {
        lines.push(missing.sentence(&place));
    }
    for at in installations {
        let place = installation_place(at);
        for missing in missing_permissions(&NEEDS, &at.permissions) {
            if !asked.contains(&missing) {
                lines.push(missing.sentence(&place));
            }
        }
    }
    lines
}

/// Opens a browser if there is one; the address was printed anyway.
fn open_browser(url: &str) {
    let graphical = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if graphical {
        "xdg-open"
    } else {
        return;
    };
    let opened = std::process::Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = opened {
        tracing::debug!(%error, "no browser was opened");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_server_is_known_by_its_address() {
        for (server, html, api) in [
            ("https://github.com/", "https://github.com", "https://api.github.com"),
            (
                "https://ghe.example.com",
                "https://ghe.example.com",
                "https://ghe.example.com/api/v3",
            ),
            (
                "https://acme.ghe.com",
                "https://acme.ghe.com",
                "https://api.acme.ghe.com",
            ),
        ] {
            assert_eq!(addresses(server).unwrap(), (html.to_owned(), api.to_owned()));
        }
        for wrong in [
            "ghe.example.com",
            "https://",
            "ssh://x",
            "https://a@b",
            "https://ghe.example.com/api/v3",
        ] {
            assert!(addresses(wrong).is_err(), "{wrong}");
        }
    }
}
