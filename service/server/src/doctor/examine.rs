//! What the doctor looks at.

use super::checks::Checks;
use super::github;
use crate::config::Config;
use secrecy::ExposeSecret;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};
use tokio::time::timeout;
use trainyard_core::ids::RepoName;
use trainyard_core::registry::left_alone;
use trainyard_core::sentence;
use trainyard_engine::serving::Target;
use trainyard_engine::{Engine, EngineConfig, ExecutorKind, Found};

/// Less room than this is worth a warning: one model or dataset may need it.
const LOW_DISK_BYTES: u64 = 2 << 30;
/// A target that is changed for longer is not waited for.
const LOOK: Duration = Duration::from_secs(10);

/// Whether a program of ours could serve with these settings, in the order in which things need each other.
pub(crate) async fn before_it_serves(checks: &mut Checks, config: &Config, engine: EngineConfig, repos: &[RepoName]) {
    secrets(checks, config);
    data_folder(checks, config);
    database(checks, &engine).await;
    match Engine::open(engine).await {
        Err(error) => checks.problem("engine", error),
        Ok(engine) => {
            executor(checks, &engine).await;
            object_stores(checks, &engine).await;
            github::examine(checks, config, &engine, repos).await;
            targets(checks, &engine).await;
        }
    }
}

/// The same of the service that is asked, with the engine it works with.
pub(crate) async fn while_it_serves(checks: &mut Checks, config: &Config, engine: &Engine) {
    secrets(checks, config);
    data_folder(checks, config);
    match engine.check_writable().await {
        Err(error) => checks.problem("database", error),
        Ok(()) => checks.ok(
            "database",
            "it takes writes; `trainyard doctor` looks whether all of it is whole",
        ),
    }
    for row in engine.reads().unreadable() {
        checks.problem("database", row.sentence());
    }
    executor(checks, engine).await;
    object_stores(checks, engine).await;
    github::examine(checks, config, engine, &[]).await;
    targets(checks, engine).await;
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
    for (name, file) in [
        ("private_key_file", &config.github.private_key_file),
        ("token_file", &config.github.token_file),
        ("webhook_secret_file", &config.github.webhook_secret_file),
    ] {
        let Some(file) = file else { continue };
        if fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o077 != 0) {
            let (path, name) = (file.display(), format!("github.{name}"));
            checks.warn(
                "secrets",
                format!("{name} {path} is readable by others: chmod 600 {path}"),
            );
        }
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

/// Whether something can be written there.
fn writable(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    fs::write(&probe, b"probe")?;
    fs::remove_file(&probe)
}

fn data_folder(checks: &mut Checks, config: &Config) {
    let (folder, name) = (&config.data_dir, config.data_dir.display());
    let written = fs::create_dir_all(folder).and_then(|()| writable(folder));
    match (written, rustix::fs::statvfs(folder)) {
        (Err(error), _) => checks.problem(
            "data_dir",
            format!("{name} cannot be written: {error}; correct data_dir or its permissions"),
        ),
        (Ok(()), Err(error)) => checks.warn(
            "data_dir",
            format!("{name} is writable; its free space is unknown: {error}"),
        ),
        (Ok(()), Ok(disk)) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let finding = format!("{name} is writable, {} are free", sentence::bytes(free));
            if free < LOW_DISK_BYTES {
                checks.warn("data_dir", format!("{finding}: make room before a run needs it"));
            } else {
                checks.ok("data_dir", finding);
            }
        }
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

/// Whether those of the settings let us list them.
async fn object_stores(checks: &mut Checks, engine: &Engine) {
    for store in &engine.config().objects.stores {
        let name = format!("object store {}", store.name);
        match timeout(LOOK, engine.external().objects().check(store)).await {
            Ok(Ok(())) => checks.ok(&name, format!("{} can be listed", store.bucket)),
            Ok(Err(error)) => checks.problem(&name, error),
            Err(_) => checks.problem(
                &name,
                format!("{} was not listed within {} s", store.bucket, LOOK.as_secs()),
            ),
        }
    }
}

async fn database(checks: &mut Checks, engine: &EngineConfig) {
    match Engine::check_database(engine).await {
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
}

async fn executor(checks: &mut Checks, engine: &Engine) {
    match engine.describe_executor().await {
        Err(error) => return checks.problem("executor", error),
        Ok(found) if matches!(engine.config().executor, ExecutorKind::Process) => {
            return checks.warn(
                "executor",
                format!("{found}: for development only, set executor.kind = \"docker\""),
            );
        }
        Ok(found) => checks.ok("executor", found),
    }
    let gpus: Vec<String> = engine
        .gpus()
        .iter()
        .map(|gpu| format!("{} {}", gpu.id, gpu.model))
        .collect();
    if !gpus.is_empty() {
        checks.ok("gpus", gpus.join(", ").replace(" ,", ",").trim_end().to_owned());
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

/// What others have there, and whether it serves what its ledger says.
fn found_at(checks: &mut Checks, check: &str, target: &str, found: &Found) {
    if let Some(undecided) = &found.undecided {
        checks.problem(check, undecided);
    }
    if let Some((version, drift)) = &found.drift {
        let finding = format!(
            "version {version}, which the ledger says serves, does not: {}; `trainyard targets reconcile {target} --restore-ledger --reason WHY` makes its model serve again, under a new number",
            drift.sentence()
        );
        checks.problem(check, finding);
    }
    if let Some(sentence) = left_alone(&found.others) {
        checks.warn(check, sentence);
    }
}

async fn targets(checks: &mut Checks, engine: &Engine) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
    for (name, target) in &engine.config().targets {
        let check = format!("target {name}");
        if let Some(folder) = target.repository()
            && let Err(error) = writable(folder)
        {
            let folder = folder.display();
            checks.problem(
                &check,
                format!("its repository {folder} cannot be written: {error}; make it, or correct it"),
            );
        }
        match Target::new(&http, name, target).probe().await {
            Ok(said) => checks.ok(&check, said),
            Err(error) => checks.problem(&check, error),
        }
        for blind in Target::new(&http, name, target).blind().await {
            checks.warn(&check, blind.sentence());
        }
        match timeout(LOOK, engine.look_at_target(name)).await {
            Ok(Ok(found)) => found_at(checks, &check, name, &found),
            Ok(Err(error)) => checks.problem(&check, error),
            Err(_) => checks.warn(
                &check,
                "a push or rollback is at work, so that its folder was not looked at",
            ),
        }
    }
    if engine.config().targets.is_empty() {
        checks.warn("targets", "none: approved models go nowhere; name one in [targets]");
    }
}
