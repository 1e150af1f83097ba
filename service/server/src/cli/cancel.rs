//! `trainyard cancel`.

use super::service::Service;
use super::{output, runs};
use crate::config::Config;
use crate::views::path_part;
use anyhow::{Result, bail};
use serde_json::json;
use std::process::ExitCode;
use trainyard_core::ids::Micros;

/// Ask a run to end
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard cancel 0192f0c1-2b3c")]
pub(super) struct Cancel {
    /// The run; the beginning of its id is enough
    run: String,
}

impl Cancel {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::open_store(config).await?;
        let row = runs::row(&store, &self.run).await?;
        match Service::find(config).await {
            Some(service) => {
                let path = format!("/api/v1/runs/{}/cancel", path_part(row.id.as_str()));
                service.post(&path, &json!({"actor": super::actor()})).await?;
            }
            None => {
                let now = Micros(chrono::Utc::now().timestamp_micros());
                if !store.request_cancel(&row.id, &super::actor(), now).await? {
                    bail!("run {} is over already: {}", row.id, row.state.as_str());
                }
            }
        }
        output::text(&format!("run {} is asked to end\n", row.id))?;
        Ok(ExitCode::SUCCESS)
    }
}
