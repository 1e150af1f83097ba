//! `trainyard github setup --token`: a personal access token and a webhook in each repository.

use super::files::{Place, lines, write_new};
use super::ping::{Ear, verified};
use crate::config::Config;
use crate::secret::secret;
use anyhow::{Context as _, Result, bail};
use secrecy::SecretString;
use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;
use trainyard_core::ids::RepoName;
use trainyard_core::permission::{EVENTS, Who};
use trainyard_engine::{GitHub, GitHubAuth, HookOf};

/// A token is one line.
const LONGEST: usize = 1000;

pub(super) async fn perform(
    repos: &[String],
    patience: Duration,
    place: &Place,
    config: &Config,
    webhook: &str,
) -> Result<()> {
    let repos: Vec<RepoName> = repos
        .iter()
        .map(|repo| RepoName::parse(repo).with_context(|| format!("--repo '{repo}' is not OWNER/NAME")))
        .collect::<Result<_>>()?;
    if repos.is_empty() {
        bail!("name the repositories that get a webhook: --repo OWNER/NAME, as often as you like");
    }
    let html = &config.github.git_url;
    let (token, new_token) = match &config.github.token {
        Some(token) => (token.clone(), false),
        None => (ask(html)?, true),
    };
    let auth = GitHubAuth::Token(token.clone());
    let github = GitHub::new(&config.github.api_url, html, auth)?;
    let known = github.token_info().await?;
    println!(
        "GitHub knows the token as {}.",
        trainyard_core::log::one_line(&known.login)
    );
    for repo in &repos {
        github.try_status(repo).await?;
        github.try_pull_requests(repo).await?;
        // Before a secret is written: what may not be looked at may not be made either.
        github.hooks(repo).await?;
    }

    let mut settings = Vec::new();
    if new_token {
        settings.push(("token_file", keep(place, "github-token", &token)?));
    }
    let webhook_secret = match &config.github.webhook_secret {
        Some(secret) => secret.clone(),
        None => {
            let file = place.folder.join("github-webhook-secret");
            let secret = match std::fs::read_to_string(&file) {
                // Of a setup that was interrupted.
                Ok(text) if !text.trim().is_empty() => SecretString::from(text.trim().to_owned()),
                _ => {
                    let secret = SecretString::from(secret()?);
                    keep(place, "github-webhook-secret", &secret)?;
                    secret
                }
            };
            settings.push(("webhook_secret_file", file.display().to_string()));
            secret
        }
    };
    if !settings.is_empty() {
        place.tell(&lines(config, &settings));
    }

    let events: Vec<&str> = EVENTS
        .iter()
        .filter(|need| need.of_repositories)
        .map(|need| need.event)
        .collect();
    let ear = Ear::open(config, &webhook_secret).await;
    for repo in &repos {
        let there = github.hooks(repo).await?;
        let there = there.iter().find(|hook| hook.config.url.as_deref() == Some(webhook));
        let hook = match there {
            Some(hook) => {
                println!(
                    "{repo} has a webhook to {webhook} already ({}): it stays as it is.",
                    hook.id
                );
                github.ping_hook(repo, hook.id).await?;
                hook.id
            }
            None => github.create_hook(repo, webhook, &webhook_secret, &events).await?,
        };
        let guid = verified(&ear, &github, &HookOf::Repository(repo.clone(), hook), patience).await?;
        println!("A ping of {repo} arrived with the right signature ({guid}).");
    }
    Ok(())
}

/// Writes a secret to a file of its own; its path.
fn keep(place: &Place, name: &str, secret: &SecretString) -> Result<String> {
    use secrecy::ExposeSecret as _;
    let path = place.folder.join(name);
    let written = write_new(&path, &format!("{}\n", secret.expose_secret()));
    written.with_context(|| {
        format!(
            "{} cannot be written: if it is there, move it away, since nothing is ever replaced",
            path.display()
        )
    })?;
    Ok(path.display().to_string())
}

/// The token, from whoever types or pipes it.
fn ask(html: &str) -> Result<SecretString> {
    eprintln!(
        "A fine-grained token: {html}/settings/personal-access-tokens/new, with these repositories, and the permissions \
         Contents: read-only, Commit statuses, Pull requests and Webhooks: read and write.\n\
         Or a classic one: {html}/settings/tokens/new?scopes=repo&description=Trainyard"
    );
    if std::io::stdin().is_terminal() {
        eprintln!("Paste it here and press enter (it is shown; `trainyard github setup --token < FILE` does not):");
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let token = line.trim();
    if token.is_empty() || token.len() > LONGEST || token.contains(|c: char| c.is_whitespace() || c.is_control()) {
        bail!("no token was given: set github.token or TRAINYARD_GITHUB_TOKEN, or give it on standard input");
    }
    if Who::of_token(token) == Who::Token {
        eprintln!(
            "This does not begin like a personal access token of GitHub (github_pat_ or ghp_): it is tried all the same."
        );
    }
    Ok(SecretString::from(token.to_owned()))
}
