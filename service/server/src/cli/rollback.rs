//! `trainyard rollback`.

use super::output;
use super::service::Service;
use crate::config::Config;
use crate::views::path_part;
use anyhow::Result;
use serde_json::{Value, json};
use std::process::ExitCode;
use trainyard_engine::Engine;

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
        let done: Value = match Service::find(config).await {
            Some(service) => {
                let path = format!("/api/v1/targets/{}/rollback", path_part(&self.target));
                service.post(&path, &json!({"actor": super::actor()})).await?
            }
            None => {
                let engine = Engine::open(config.engine()?).await?;
                let done = engine.roll_back(&self.target, &super::actor()).await?;
                engine.store().close().await;
                serde_json::to_value(done)?
            }
        };
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
