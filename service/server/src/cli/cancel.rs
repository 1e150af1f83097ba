//! `trainyard cancel`.

use super::door::Door;
use super::{output, runs};
use crate::config::Config;
use anyhow::Result;
use std::process::ExitCode;

/// Ask a run to end
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard cancel 0192f0c1-2b3c")]
pub(super) struct Cancel {
    /// The run; the beginning of its id is enough
    run: String,
}

impl Cancel {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let row = runs::row(&store, &self.run).await?;
        let door = Door::open(config).await?;
        let asked = door.cancel(&row, &super::actor()).await;
        door.close().await;
        asked?;
        output::text(&format!("run {} is asked to end\n", row.id))?;
        Ok(ExitCode::SUCCESS)
    }
}
