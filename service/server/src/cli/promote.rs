//! `trainyard promote`.

use super::door::Door;
use super::output;
use crate::config::Config;
use anyhow::Result;
use serde_json::Value;
use std::process::ExitCode;
use trainyard_engine::PromoteRequest;

/// Make the model of a run, or an earlier version, serve
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard promote 0192f0c1\n  \
    trainyard promote 000003 --target flights\n  \
    trainyard promote 0192f0c1 --reason \"the slice that failed is closed since March\"\n\n\
    The model is proved as by a push, served under a new version and read back. The ledger keeps who, why, the \
    verdict, the commit and the data. A running service is asked to do it; without one it is done here.")]
pub(super) struct Promote {
    /// A run's id or its beginning, or a version of the target
    #[arg(value_name = "RUN|VERSION")]
    model: String,
    /// The push target; the run's own, or the only one, if absent
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Why; needed for a model that the gate did not approve
    #[arg(long, value_name = "TEXT", value_parser = not_empty)]
    reason: Option<String>,
    /// Who, for the record; the user of this machine if absent
    #[arg(long, value_name = "NAME", value_parser = not_empty)]
    actor: Option<String>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn not_empty(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it must not be empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}

impl Promote {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let request = PromoteRequest {
            model: self.model,
            target: self.target,
            reason: self.reason,
            actor: self.actor.unwrap_or_else(super::actor),
        };
        let door = Door::open(config).await?;
        let done = door.promote(request).await;
        door.close().await;
        let done = done?;
        if self.json {
            output::json(&done)?;
        } else {
            output::text(&sentence(&done))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn sentence(done: &Value) -> String {
    let word = |key: &str| output::plain(done[key].as_str().unwrap_or_default());
    let instead = match done["from"].as_str() {
        Some(from) => format!(" instead of {}", output::plain(from)),
        None => String::new(),
    };
    let forced = if done["forced"] == true {
        "; the gate did not approve it, and the reason is in the ledger"
    } else {
        ""
    };
    let restored = match done["restored"].as_str() {
        Some(found) => format!("; it was to serve already: {}", output::plain(found)),
        None => String::new(),
    };
    format!(
        "{} serves version {}{instead}{restored}{forced}\n",
        word("target"),
        word("version")
    )
}
