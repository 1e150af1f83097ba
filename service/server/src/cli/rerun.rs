//! `trainyard rerun`.

use super::door::Door;
use super::{output, runs};
use crate::config::Config;
use anyhow::Result;
use serde_json::json;
use std::process::ExitCode;
use trainyard_core::run::Which;

/// Run again: a new run of the same commit and plan
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard rerun 0192f0c1-2b3c            what succeeded stands in, and the rest is run\n  \
    trainyard rerun 0192f0c1-2b3c --all      every step is run\n  \
    trainyard rerun 0192f0c1-2b3c --json\n\n\
    The check on GitHub follows the new run. Of a branch that has moved on the model is judged and not pushed. A \
    running service starts at once; without one the run waits for the next `trainyard serve`.")]
pub(super) struct Rerun {
    /// The run; the beginning of its id is enough
    run: String,
    /// Run every step, whatever was made before
    #[arg(long)]
    all: bool,
    /// Print the new run as JSON
    #[arg(long)]
    json: bool,
}

impl Rerun {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let row = runs::row(&store, &self.run).await?;
        let which = if self.all { Which::All } else { Which::Failed };
        let door = Door::open(config).await?;
        let waits = match door.is_service() {
            true => "",
            false => "; it waits for the next `trainyard serve`",
        };
        let made = door.rerun(&row, which, &super::actor()).await;
        door.close().await;
        let run = made?;
        if self.json {
            output::json(&json!({"run": run, "repeats": row.id, "status": "queued"}))?;
        } else {
            output::text(&format!(
                "run {run} repeats {} of run {} and is queued{waits}\n",
                which.words(),
                row.id
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
