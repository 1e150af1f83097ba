//! `trainyard rollback`.

use super::door::Door;
use super::output;
use crate::config::Config;
use anyhow::Result;
use std::process::ExitCode;

/// Make the version before the current one serve again, proved loadable first
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard rollback flights\n\n\
    A running service is asked to do it, so that it cannot meet a push half way; without one it is done here.")]
pub(super) struct Rollback {
    /// The push target, a name of [targets] in trainyard.toml
    target: String,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

impl Rollback {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let door = Door::open(config).await?;
        let done = door.roll_back(&self.target, &super::actor()).await;
        door.close().await;
        let done = done?;
        if self.json {
            output::json(&done)?;
        } else {
            let word = |key: &str| done[key].as_str().unwrap_or_default().to_owned();
            output::text(&format!(
                "{} serves version {} again; version {} is withdrawn\n",
                word("target"),
                word("to"),
                word("from")
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
