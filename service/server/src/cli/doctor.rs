//! `trainyard doctor`.

use super::output::{self, Tone, plain};
use super::service::Service;
use crate::config::Config;
use anyhow::Result;
use secrecy::ExposeSecret;
use serde::Serialize;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use trainyard_core::sentence;
use trainyard_engine::serving::ModelServer;
use trainyard_engine::{Engine, EngineConfig, ExecutorKind};

/// Less room than this is worth a warning: one model or dataset may need it.
const LOW_DISK_BYTES: u64 = 2 << 30;

/// Check the configuration and everything the service needs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard doctor\n  trainyard doctor --config /etc/trainyard/trainyard.toml --json\n\n\
    Exits with 1 if there is a problem; warnings are things that may be as you want them."
)]
pub(super) struct Doctor {
    /// Print the checks as JSON
    #[arg(long)]
    json: bool,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Ok,
    Warning,
    Problem,
}

#[derive(Debug, Serialize)]
struct Check {
    check: String,
    health: Health,
    /// What was found, and what to do about it.
    finding: String,
}

#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, check: impl Into<String>, health: Health, finding: impl Into<String>) {
        self.0.push(Check {
            check: check.into(),
            health,
            finding: finding.into(),
        });
    }

    fn ok(&mut self, check: impl Into<String>, finding: impl Into<String>) {
        self.add(check, Health::Ok, finding);
    }

    fn warn(&mut self, check: impl Into<String>, finding: impl Into<String>) {
        self.add(check, Health::Warning, finding);
    }

    fn problem(&mut self, check: impl Into<String>, finding: impl ToString) {
        self.add(check, Health::Problem, finding.to_string());
    }
}

impl Doctor {
    pub(super) async fn perform(
        self,
        path: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<ExitCode> {
        let mut checks = Checks::default();
        let from = match Config::place(path) {
            Some(file) => file.display().to_string(),
            None => "no file, all defaults: `trainyard.toml` here or in /etc/trainyard would be read".to_owned(),
        };
        let loaded = Config::load(path, variable).and_then(|config| Ok((config.engine()?, config)));
        match loaded {
            Err(error) => checks.problem("configuration", error),
            Ok((engine, config)) => {
                checks.ok("configuration", from);
                examine(&mut checks, &config, engine).await;
            }
        }
        let sick = checks.0.iter().any(|check| check.health == Health::Problem);
        if self.json {
            output::json(&serde_json::json!({"checks": checks.0}))?;
        } else {
            output::text(&checks.0.iter().map(line).collect::<String>())?;
        }
        Ok(if sick { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn line(check: &Check) -> String {
    let word = match check.health {
        Health::Ok => "ok",
        Health::Warning => "warning",
        Health::Problem => "problem",
    };
    let gap = " ".repeat(8_usize.saturating_sub(word.len()));
    format!(
        "{}{gap} {:<20} {}\n",
        Tone::of(word).paint(word),
        check.check,
        plain(&check.finding)
    )
}

async fn examine(checks: &mut Checks, config: &Config, engine: EngineConfig) {
    listening(checks, config).await;
    secrets(checks, config);
    data_folder(checks, config);
    database(checks, &engine).await;
    match Engine::open(engine).await {
        Err(error) => checks.problem("engine", error),
        Ok(engine) => {
            executor(checks, &engine).await;
            github(checks, &engine).await;
            targets(checks, &engine).await;
        }
    }
}

async fn listening(checks: &mut Checks, config: &Config) {
    if let Err(error) = config.check_reach() {
        checks.problem("listen", error);
    } else if Service::find(config).await.is_some() {
        checks.ok("service", format!("running on {}", config.listen));
    } else {
        match std::net::TcpListener::bind(config.listen) {
            Ok(_) => checks.ok("service", format!("not running; {} is free", config.listen)),
            Err(error) => checks.problem(
                "listen",
                format!("{} cannot be listened on: {error}; set listen", config.listen),
            ),
        }
    }
}

fn secrets(checks: &mut Checks, config: &Config) {
    let github = config.github.token.is_some() || config.github.app_id.is_some();
    if github && config.github.webhook_secret.is_none() {
        checks.warn(
            "webhooks",
            "every webhook is refused: set github.webhook_secret, the same as in GitHub's settings",
        );
    }
    if config.events.token.is_none() {
        checks.warn(
            "events",
            "data arrivals are refused: set [events] token if something shall announce data",
        );
    }
    let short = |secret: &secrecy::SecretString| secret.expose_secret().len() < 16;
    for (name, secret) in [
        ("api_token", &config.api_token),
        ("events.token", &config.events.token),
        ("github.webhook_secret", &config.github.webhook_secret),
    ] {
        if secret.as_ref().is_some_and(short) {
            checks.warn(
                "secrets",
                format!("{name} is shorter than 16 characters and could be guessed"),
            );
        }
    }
}

fn data_folder(checks: &mut Checks, config: &Config) {
    let folder = &config.data_dir;
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&probe, b"probe"))
        .and_then(|()| fs::remove_file(&probe));
    match (written, rustix::fs::statvfs(folder)) {
        (Err(error), _) => checks.problem(
            "data_dir",
            format!(
                "{} cannot be written: {error}; correct data_dir or its permissions",
                folder.display()
            ),
        ),
        (Ok(()), Ok(disk)) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let finding = format!("{} is writable, {} are free", folder.display(), sentence::bytes(free));
            if free < LOW_DISK_BYTES {
                checks.warn("data_dir", format!("{finding}: make room before a run needs it"));
            } else {
                checks.ok("data_dir", finding);
            }
        }
        (Ok(()), Err(error)) => checks.warn(
            "data_dir",
            format!("{} is writable; its free space is unknown: {error}", folder.display()),
        ),
    }
    if config.data_root.is_dir() {
        checks.ok("data_root", format!("{} is there", config.data_root.display()));
    } else {
        checks.warn(
            "data_root",
            format!(
                "{} is not there: set data_root if pipelines read external data",
                config.data_root.display()
            ),
        );
    }
}

async fn database(checks: &mut Checks, engine: &EngineConfig) {
    let store = match Engine::open_store(engine).await {
        Ok(store) => store,
        Err(error) => return checks.problem("database", error),
    };
    match store.check().await {
        Err(error) => checks.problem("database", error),
        Ok(found) if found.problems.is_empty() => {
            checks.ok("database", format!("{}, {}", found.engine, found.database))
        }
        Ok(found) => checks.problem(
            "database",
            format!(
                "{} is damaged ({}): restore a backup",
                found.database,
                found.problems.join("; ")
            ),
        ),
    }
    store.close().await;
}

async fn executor(checks: &mut Checks, engine: &Engine) {
    match engine.describe_executor().await {
        Err(error) => return checks.problem("executor", error),
        Ok(found) if engine.config().executor == ExecutorKind::Process => {
            return checks.warn(
                "executor",
                format!("{found}: for development only, set executor.kind = \"docker\""),
            );
        }
        Ok(found) => checks.ok("executor", found),
    }
    let image = &engine.config().components_image;
    match engine.probe_components().await {
        Ok(id) => checks.ok(
            "components image",
            format!("{image} is {}", id.get(..19).unwrap_or(&id)),
        ),
        Err(error) => checks.problem(
            "components image",
            format!("{error}; `make images` makes it, or set executor.components_image"),
        ),
    }
}

async fn github(checks: &mut Checks, engine: &Engine) {
    match engine.github_account().await {
        None => checks.warn(
            "github",
            "not configured: pushes and pull requests start nothing; set [github]",
        ),
        Some(Ok(account)) => checks.ok("github", format!("known as {account}")),
        Some(Err(error)) => checks.problem("github", format!("{error}; correct [github], or the way there")),
    }
}

async fn targets(checks: &mut Checks, engine: &Engine) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
    for (name, target) in &engine.config().targets {
        let check = format!("target {name}");
        let model = target.model.as_deref().unwrap_or(name);
        let folder = &target.repository;
        if !folder.is_dir() {
            checks.problem(
                &check,
                format!(
                    "its repository {} is not there: make the folder, or correct it",
                    folder.display()
                ),
            );
        }
        match ModelServer::new(http.clone(), &target.url, model, target.max_loading_time)
            .live()
            .await
        {
            Ok(()) => checks.ok(check, format!("{} answers", target.url)),
            Err(error) => checks.problem(check, error),
        }
    }
    if engine.config().targets.is_empty() {
        checks.warn("targets", "none: approved models go nowhere; name one in [targets]");
    }
}
