//! Whether GitHub lets the service do its work: what is missing, by name, and where it is granted.

use super::checks::Checks;
use crate::config::{Config, GitHub as Settings, names_this_machine};
use std::collections::BTreeSet;
use trainyard_core::ids::RepoName;
use trainyard_core::log::one_line;
use trainyard_core::permission::{Missing, NEEDS, Place, Who, missing_events, missing_permissions};
use trainyard_engine::{AppInfo, Engine, GitHub, GitHubError, Hook, HookOf, InstallationInfo};

/// Repositories whose names are shown of an installation, and that are asked about one by one.
const SHOWN: usize = 5;
const ASKED: usize = 20;

/// The page of an App's permissions and events.
pub(crate) fn app_settings(app: &AppInfo, html: &str) -> String {
    match &app.owner {
        Some(owner) if owner.is_organization() => {
            format!(
                "{html}/organizations/{}/settings/apps/{}/permissions",
                owner.login, app.slug
            )
        }
        _ => format!("{html}/settings/apps/{}/permissions", app.slug),
    }
}

/// The page where an installation's owner accepts what the App asks for.
pub(crate) fn installation_place(at: &InstallationInfo) -> Place {
    Place::Installation {
        account: account(at).to_owned(),
        url: at.html_url.clone(),
    }
}

/// Whose installation it is.
pub(crate) fn account(at: &InstallationInfo) -> &str {
    at.account
        .as_ref()
        .map_or("an unnamed account", |account| account.login.as_str())
}

/// How many repositories there are, and the names of the first.
pub(crate) fn repositories(count: usize, names: &[String]) -> String {
    let shown = names
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match count {
        1 => format!("1 repository ({shown})"),
        _ if count > SHOWN => format!("{count} repositories ({shown}, …)"),
        _ => format!("{count} repositories ({shown})"),
    }
}

pub(super) async fn examine(checks: &mut Checks, config: &Config, engine: &Engine, repos: &[RepoName]) {
    let Some(github) = engine.github() else {
        return checks.warn(
            "github",
            "not configured: pushes and pull requests start nothing; `trainyard github setup`, or set [github]",
        );
    };
    addresses(checks, config);
    match engine.github_account().await {
        None => return,
        Some(Err(error)) => return checks.problem("github", format!("{error}; correct [github], or the way there")),
        Some(Ok(account)) => checks.ok("github", format!("known as {account}")),
    }
    let mut repos: BTreeSet<RepoName> = repos.iter().cloned().collect();
    let known = engine.reads().pipelines().await.unwrap_or_default();
    repos.extend(known.into_iter().map(|pipeline| pipeline.repo));
    // A folder of this machine is nobody's repository at GitHub.
    repos.retain(|repo| repo.owner() != "local");
    let looked = match github.is_app() {
        true => app(checks, config, github, &repos).await,
        false => token(checks, config, github, &repos).await,
    };
    if let Err(error) = looked {
        checks.problem("github", error);
    }
}

/// An Enterprise server has both of its addresses in the settings.
fn addresses(checks: &mut Checks, config: &Config) {
    let (usual, now) = (Settings::default(), &config.github);
    if (now.api_url == usual.api_url) != (now.git_url == usual.git_url) {
        checks.problem(
            "github addresses",
            format!(
                "api_url is {} and git_url is {}: of an Enterprise server both are its own (https://HOST/api/v3 and https://HOST)",
                now.api_url, now.git_url
            ),
        );
    }
}

fn told(checks: &mut Checks, check: &str, missing: &[Missing], place: &Place) {
    for missing in missing {
        let sentence = missing.sentence(place);
        if missing.is_required() {
            checks.problem(check, sentence);
        } else {
            checks.warn(check, sentence);
        }
    }
}

async fn app(
    checks: &mut Checks,
    config: &Config,
    github: &GitHub,
    repos: &BTreeSet<RepoName>,
) -> Result<(), GitHubError> {
    let html = &config.github.git_url;
    let app = github.app_info().await?;
    let asked = missing_permissions(&NEEDS, &app.permissions);
    let heard = missing_events(&app.events, false);
    let place = Place::App(app_settings(&app, html));
    told(checks, "github permissions", &asked, &place);
    told(checks, "github events", &heard, &place);
    if asked.is_empty() && heard.is_empty() {
        checks.ok("github permissions", "the App asks for everything that is needed");
    }
    app_hook(checks, config, github, &app).await?;
    let installations = github.installations().await?;
    let install = format!("{html}/apps/{}/installations/new", app.slug);
    if installations.is_empty() {
        checks.problem(
            "github installations",
            format!("the App is installed nowhere: install it at {install}"),
        );
    }
    for at in &installations {
        let check = format!("installation {}", at.id);
        if at.suspended_at.is_some() {
            let finding = format!("{} suspended it: unsuspend it at {}", account(at), at.html_url);
            checks.problem(&check, finding);
            continue;
        }
        // What the App does not ask for was said above.
        let mut missing = missing_permissions(&NEEDS, &at.permissions);
        missing.extend(missing_events(&at.events, false));
        missing.retain(|missing| !asked.contains(missing) && !heard.contains(missing));
        told(checks, &check, &missing, &installation_place(at));
        let (count, names) = github.installation_repositories(at.id).await?;
        if count == 0 {
            checks.problem(
                &check,
                format!("{} gave it no repository: choose some at {}", account(at), at.html_url),
            );
            continue;
        }
        checks.ok(&check, format!("{}: {}", account(at), repositories(count, &names)));
    }
    for repo in repos.iter().take(ASKED) {
        if let Err(error) = github.default_branch(repo).await {
            checks.problem(format!("repository {repo}"), format!("{error}; its pipelines wait"));
        }
    }
    Ok(())
}

/// Where deliveries have to go; nothing is said of it where the settings do not tell.
fn expected(config: &Config) -> Option<String> {
    config.webhook_url(None).filter(|url| !names_this_machine(url))
}

async fn app_hook(checks: &mut Checks, config: &Config, github: &GitHub, app: &AppInfo) -> Result<(), GitHubError> {
    let check = "github webhook";
    let settings = app_settings(app, &config.github.git_url);
    let settings = settings.trim_end_matches("/permissions");
    let hook = github.app_hook().await?;
    let Some(url) = hook.url.as_deref().filter(|url| !url.is_empty()) else {
        checks.problem(
            check,
            format!("the App's webhook has no address: set one, and tick 'Active', at {settings}"),
        );
        return Ok(());
    };
    let mut fine = address(checks, check, config, url, settings);
    fine &= content_type(checks, check, hook.content_type.as_deref(), settings);
    if hook.secret.as_deref().unwrap_or_default().is_empty() {
        fine = false;
        checks.problem(
            check,
            format!("the App's webhook has no secret, so that all it sends is refused: set one at {settings}, and as github.webhook_secret"),
        );
    }
    if hook.is_insecure() {
        checks.warn(
            check,
            format!("the App's webhook does not look at certificates: enable SSL verification at {settings}"),
        );
    }
    fine &= last_delivery(checks, check, github, &HookOf::App, settings).await?;
    if fine {
        checks.ok(
            check,
            format!("goes to {}, and the last delivery was taken", one_line(url)),
        );
    }
    Ok(())
}

fn address(checks: &mut Checks, check: &str, config: &Config, url: &str, settings: &str) -> bool {
    match expected(config) {
        Some(expected) if expected != url => {
            let url = one_line(url);
            checks.warn(check, format!("it goes to {url}, where public_url says {expected}: if that is no relay of yours, change it at {settings}"));
            false
        }
        _ => true,
    }
}

fn content_type(checks: &mut Checks, check: &str, kind: Option<&str>, settings: &str) -> bool {
    let json = kind == Some("json");
    if !json {
        checks.problem(
            check,
            format!("it sends forms, which are refused: choose the content type application/json at {settings}"),
        );
    }
    json
}

/// How the newest delivery went.
async fn last_delivery(
    checks: &mut Checks,
    check: &str,
    github: &GitHub,
    of: &HookOf,
    settings: &str,
) -> Result<bool, GitHubError> {
    let deliveries = github.hook_deliveries(of).await?;
    let Some(last) = deliveries.first() else {
        checks.warn(
            check,
            format!("GitHub sent nothing yet: if something happened, tick 'Active' at {settings}"),
        );
        return Ok(false);
    };
    if last.is_taken() {
        return Ok(true);
    }
    let (what, when) = (one_line(&last.event), one_line(&last.delivered_at));
    let finding = match last.status_code {
        401 | 403 => format!(
            "the last delivery ({what}, {when}) was refused with {}: the secret at GitHub and github.webhook_secret differ, or the service was not restarted; see {settings}",
            last.status_code
        ),
        0 => format!(
            "the last delivery ({what}, {when}) did not arrive ({}): does the address lead to the service, and is it running?",
            one_line(&last.status)
        ),
        code => format!("the last delivery ({what}, {when}) was answered with {code}: look at it at {settings}"),
    };
    checks.problem(check, finding);
    Ok(false)
}

async fn token(
    checks: &mut Checks,
    config: &Config,
    github: &GitHub,
    repos: &BTreeSet<RepoName>,
) -> Result<(), GitHubError> {
    let html = &config.github.git_url;
    let known = github.token_info().await?;
    if let Some(scopes) = &known.scopes {
        let has = |scope: &str| scopes.iter().any(|known| known == scope);
        let page = format!("tick it at {html}/settings/tokens");
        if has("repo") {
            checks.ok("github permissions", "the token has the scope 'repo'");
        } else if has("public_repo") {
            checks.warn("github permissions", format!("the token's scope 'public_repo' reaches public repositories only: for private ones it needs 'repo'; {page}"));
        } else {
            checks.problem(
                "github permissions",
                format!("the token needs the scope 'repo' to read commits and tell verdicts: {page}"),
            );
        }
    }
    if let Some(expires) = &known.expires {
        checks.warn(
            "github token",
            format!("expires on {}: make another one before", one_line(expires)),
        );
    }
    if known.who != Who::Token || known.scopes.is_some() {
        checks.warn(
            "github app",
            "with a token there are no checks with tables and buttons, and it acts as its owner: `trainyard github setup` makes an App",
        );
    }
    if repos.is_empty() {
        checks.warn(
            "github repositories",
            "none is known yet, so that none was looked at: name one with --repo OWNER/NAME",
        );
    }
    for repo in repos.iter().take(ASKED) {
        let check = format!("repository {repo}");
        let mut fine = true;
        let mut tried = |answer: Result<(), GitHubError>, checks: &mut Checks| {
            if let Err(error) = answer {
                fine = false;
                checks.problem(&check, error);
            }
        };
        let branch = match github.default_branch(repo).await {
            Ok(branch) => branch,
            Err(error) => {
                checks.problem(&check, error);
                continue;
            }
        };
        tried(github.branch_head(repo, &branch).await.map(drop), checks);
        tried(github.try_status(repo).await, checks);
        tried(github.try_pull_requests(repo).await, checks);
        if fine {
            checks.ok(&check, "can be read, and its commits given statuses");
        }
        match github.hooks(repo).await {
            Ok(hooks) => repository_hook(checks, config, repo, &hooks),
            Err(error) => checks.warn(format!("webhook of {repo}"), format!("cannot be looked at: {error}")),
        }
    }
    Ok(())
}

/// The webhook that leads here, as far as that can be told.
fn repository_hook(checks: &mut Checks, config: &Config, repo: &RepoName, hooks: &[Hook]) {
    let check = format!("webhook of {repo}");
    let page = format!("{}/{repo}/settings/hooks", config.github.git_url);
    let url = |hook: &Hook| hook.config.url.clone().unwrap_or_default();
    let ours = |hook: &&Hook| match expected(config) {
        Some(expected) => url(hook) == expected,
        None => url(hook).ends_with("/webhooks/github"),
    };
    let Some(hook) = hooks.iter().find(ours) else {
        let wanted = expected(config).unwrap_or_else(|| "https://HOST/webhooks/github".to_owned());
        return checks.problem(
            check,
            format!(
                "none goes to {wanted}: `trainyard github setup --token --repo {repo}` makes it, or add it at {page}"
            ),
        );
    };
    let page = format!("{page}/{}", hook.id);
    let mut fine = content_type(checks, &check, hook.config.content_type.as_deref(), &page);
    if !hook.active {
        fine = false;
        checks.problem(&check, format!("it is not active: tick 'Active' at {page}"));
    }
    if hook.config.secret.as_deref().unwrap_or_default().is_empty() {
        fine = false;
        checks.problem(
            &check,
            format!(
                "it has no secret, so that all it sends is refused: set one at {page}, and as github.webhook_secret"
            ),
        );
    }
    let missing = missing_events(&hook.events, true);
    fine &= missing.is_empty();
    told(checks, &check, &missing, &Place::Webhook(page.clone()));
    if let Some(code) = hook.last_response.code.filter(|code| !(200..300).contains(code)) {
        fine = false;
        let why = hook.last_response.message.as_deref().unwrap_or_default();
        checks.problem(
            &check,
            format!(
                "its last delivery was answered with {code} ({}): look at it at {page}",
                one_line(why)
            ),
        );
    }
    if fine {
        checks.ok(check, format!("goes to {}", one_line(&url(hook))));
    }
}
