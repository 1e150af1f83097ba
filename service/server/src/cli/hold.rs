//! `trainyard hold` and `trainyard release`.

use super::door::Door;
use super::output;
use super::promote::not_empty;
use crate::config::Config;
use anyhow::Result;
use std::process::ExitCode;

/// Freeze a push target: nothing new serves there until it is released
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard hold flights --reason \"incident 7: the labels of May are wrong\"\n\n\
    Runs go on and are judged; what they approve is not pushed, and `trainyard promote` is refused. A rollback is \
    still possible. `trainyard models` shows who holds a target and why, and `trainyard release` ends it."
)]
pub(super) struct Hold {
    /// The push target, a name of [targets] in trainyard.toml
    target: String,
    /// Why; whoever finds the target held reads it
    #[arg(long, value_name = "TEXT", value_parser = not_empty)]
    reason: String,
    /// Who, for the record; the user of this machine if absent
    #[arg(long, value_name = "NAME", value_parser = not_empty)]
    actor: Option<String>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// Let new models serve at a push target again
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard release flights\n\n\
    What was approved meanwhile is not pushed by itself: the next run does it, or `trainyard promote RUN`.")]
pub(super) struct Release {
    /// The push target, a name of [targets] in trainyard.toml
    target: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = not_empty)]
    reason: Option<String>,
    /// Who, for the record; the user of this machine if absent
    #[arg(long, value_name = "NAME", value_parser = not_empty)]
    actor: Option<String>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

impl Hold {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let actor = self.actor.unwrap_or_else(super::actor);
        let door = Door::open(config).await?;
        let done = door.hold(&self.target, &actor, &self.reason).await;
        door.close().await;
        let done = done?;
        if self.json {
            output::json(&done)?;
        } else {
            let target = output::plain(&self.target);
            output::text(&format!(
                "{target} is held: nothing new serves there until `trainyard release {target}`\n"
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Release {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let actor = self.actor.unwrap_or_else(super::actor);
        let door = Door::open(config).await?;
        let done = door.release(&self.target, &actor, self.reason.as_deref()).await;
        door.close().await;
        let done = done?;
        if self.json {
            output::json(&done)?;
        } else {
            let target = output::plain(&self.target);
            output::text(&format!("{target} is released: runs push there again\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
