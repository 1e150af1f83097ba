//! `trainyard rollback`.

use super::door::Door;
use super::output;
use super::promote::not_empty;
use crate::config::Config;
use anyhow::Result;
use std::process::ExitCode;

/// Make the version before the current one serve again, proved loadable first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard rollback flights --reason \"answers late in every test\"\n\n\
    A running service is asked to do it, so that it cannot meet a push half way; without one it is done here. The \
    withdrawn model comes back by `trainyard promote` only, never by a run; `trainyard hold` keeps new models out, too."
)]
pub(super) struct Rollback {
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

impl Rollback {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let door = Door::open(config).await?;
        let actor = self.actor.unwrap_or_else(super::actor);
        let done = door.roll_back(&self.target, &actor, self.reason.as_deref()).await;
        door.close().await;
        let done = done?;
        if self.json {
            output::json(&done)?;
        } else {
            let word = |key: &str| done[key].as_str().unwrap_or_default().to_owned();
            let (target, to, from) = (word("target"), word("to"), word("from"));
            let serves = match done["model_of"].as_str() {
                None => format!("version {to} again"),
                Some(earlier) => format!(
                    "the model of version {earlier} again, as version {to}, since something of others is in the way of its number"
                ),
            };
            output::text(&format!("{target} serves {serves}; version {from} is withdrawn\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
