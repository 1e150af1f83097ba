//! `trainyard backup` and `trainyard restore`.

use super::output::{self, plain};
use crate::config::Config;
use crate::views::time;
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use trainyard_core::artifact::Digest;
use trainyard_core::sentence;
use trainyard_engine::{BackedUp, Engine, Restored};

/// Artifacts that are named one by one.
const NAMED: usize = 10;

/// Copy the database into one file, while the service goes on
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard backup /backup/trainyard-2026-11-27.db\n  \
    trainyard backup /backup/trainyard.db --force --artifacts /backup/artifacts\n\n\
    The file is whole or not there, and only its owner reads it. It has everything but artifacts, logs and \
    mirrors of repositories: mirrors are fetched again. Artifacts never change: --artifacts copies those that are \
    not in its folder yet, each proved by its digest, and any other copy of artifacts/ in the data folder that was \
    made after the backup will do as well. A database on PostgreSQL is backed up by pg_dump.")]
pub(super) struct Backup {
    /// The file to write
    file: PathBuf,
    /// Also copy the artifacts that the database needs into this folder, those that are not there yet
    #[arg(long, value_name = "FOLDER")]
    artifacts: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// Make a backup the database of this data folder; the service must not run
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard restore /backup/trainyard-2026-11-27.db\n  \
    trainyard restore /backup/trainyard.db --force --artifacts /backup/artifacts\n\n\
    The database that was there stays beside the new one. Every artifact that the backup needs is hashed; exits with \
    1 if some are missing. Nothing is pushed by restoring: a target that serves what the restored ledger does not \
    know is left as it is, `trainyard targets` says so, and a person decides with `trainyard targets reconcile`. \
    What happened after the backup is not in it: let GitHub deliver again what came since.")]
pub(super) struct Restore {
    /// The file that `trainyard backup` wrote
    file: PathBuf,
    /// Bring the artifacts that are missing from this folder
    #[arg(long, value_name = "FOLDER")]
    artifacts: Option<PathBuf>,
    /// Restore even if there is a database; it is kept under another name
    #[arg(long)]
    force: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let engine = config.engine()?;
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let work = Engine::back_up(&engine, &self.file, self.artifacts.as_deref(), self.force);
        // What was written until then goes with the work.
        let done = tokio::select! {
            done = work => done?,
            _ = terminate.recv() => bail!("the backup was stopped: nothing was written"),
            _ = interrupt.recv() => bail!("the backup was stopped: nothing was written"),
        };
        if self.json {
            output::json(&done)?;
        } else {
            output::text(&backed_up(&done))?;
        }
        Ok(code(&done.missing))
    }
}

impl Restore {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let engine = config.engine()?;
        let done = Engine::restore(&engine, &self.file, self.artifacts.as_deref(), self.force).await?;
        if self.json {
            output::json(&done)?;
        } else {
            output::text(&restored(&done))?;
        }
        Ok(code(&done.missing))
    }
}

fn code(missing: &[Digest]) -> ExitCode {
    if missing.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn backed_up(done: &BackedUp) -> String {
    let file = plain(&done.file.display().to_string());
    let mut text = format!("{file}: the database, {}", sentence::bytes(done.bytes));
    match done.copied {
        Some(copied) => text += &format!("; {} needed, {copied} of them copied now\n", artifacts(done.artifacts)),
        None => {
            text += &format!("; {} needed, which --artifacts copies too\n", artifacts(done.artifacts));
        }
    }
    text + &without(&done.missing)
}

fn restored(done: &Restored) -> String {
    let mut text = plain(&done.database.display().to_string());
    text += &match done.made_at {
        Some(made_at) => format!(" is the database of {}\n", time(made_at)),
        None => " is the database of the backup\n".to_owned(),
    };
    if let Some(replaced) = &done.replaced {
        text += &format!(
            "the one before is {}: remove it when it is not needed any more\n",
            plain(&replaced.display().to_string())
        );
    }
    if done.at_work > 0 {
        text += &format!(
            "{} at work when it was made go on at the next start\n",
            count(done.at_work, "run")
        );
    }
    if !done.targets.is_empty() {
        text += &format!(
            "look at `trainyard targets` before you start the service: {} may serve what came after the backup\n",
            plain(&done.targets.join(", "))
        );
    }
    let proved = done.artifacts - done.missing.len();
    text += &format!("{} needed, {proved} are here and proved\n", artifacts(done.artifacts));
    text + &without(&done.missing)
}

fn without(missing: &[Digest]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    let named: Vec<_> = missing.iter().take(NAMED).map(Digest::to_string).collect();
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{} missing or changed: {}{more}; bring them from another backup, or train again\n",
        artifacts(missing.len()),
        named.join(", ")
    )
}

fn artifacts(number: usize) -> String {
    count(number, "artifact")
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
