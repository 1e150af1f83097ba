//! `trainyard why`.

use super::{output, runs};
use crate::config::Config;
use crate::views;
use anyhow::Result;
use std::process::ExitCode;

/// Show why a step ran again, or why it did not
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard why 0192f0c1-2b3c train\n  trainyard why 0192f0c1-2b3c train --json\n\n\
    A step runs again when a part of its cache key differs: component, image, command, parameters, environment, \
    inputs or external data. It is compared with the last earlier run of the pipeline that came to this step."
)]
pub(super) struct Why {
    /// The run; the beginning of its id is enough
    run: String,
    /// The step
    step: String,
    /// Print as JSON, the parts of the key included
    #[arg(long)]
    json: bool,
}

impl Why {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let id = runs::row(&store, &self.run).await?.id;
        let run = store.load_run(&id).await?;
        let reason = views::Why::read(&store, &run, &self.step)
            .await?
            .map_err(anyhow::Error::msg)?;
        if self.json {
            output::json(&reason)?;
        } else {
            let differences = reason
                .differences
                .iter()
                .map(|line| format!("  {}\n", output::plain(line)));
            output::text(&format!(
                "{}\n{}",
                output::plain(&reason.answer),
                differences.collect::<String>()
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
