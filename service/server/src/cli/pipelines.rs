//! `trainyard pipelines`.

use super::output::{self, Table};
use super::runs;
use crate::config::Config;
use crate::views::{Models, PipelineItem, Pipelines, Slot};
use anyhow::Result;
use std::process::ExitCode;

/// Show the pipelines of default branches: what serves of them, and when they are due
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard pipelines\n  trainyard pipelines --json\n\n\
    `trainyard runs --pipeline NAME` has the runs of one, `trainyard trigger NAME` starts it.")]
pub(super) struct Listed {
    /// Print as JSON, as GET /api/v1/pipelines answers
    #[arg(long)]
    json: bool,
}

impl Listed {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let models = Models::read(&store, config).await?;
        let slots = Slot::read(&store).await?;
        let known = store.pipelines().await?;
        let item = |known| PipelineItem::of(known, &models, &slots);
        let told = Pipelines {
            pipelines: known.iter().map(item).collect(),
        };
        if self.json {
            output::json(&told)?;
            return Ok(ExitCode::SUCCESS);
        }
        if told.pipelines.is_empty() {
            output::text("no pipeline is known: push a pipelines/NAME/pipeline.yaml to a default branch\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        let dash = |text: String| if text.is_empty() { "–".to_owned() } else { text };
        let mut table = Table::new(&["PIPELINE", "REPOSITORY", "FILE IN", "SERVES", "NEXT SLOT", "DATA"]);
        for item in told.pipelines {
            let serves = item.serves.iter().map(|at| format!("{} on {}", at.version, at.target));
            table.row(vec![
                item.pipeline,
                item.repo,
                item.folder,
                dash(serves.collect::<Vec<_>>().join(", ")),
                item.next_slot.map_or_else(|| "–".to_owned(), |at| runs::when(&at)),
                dash(item.sources.join(", ")),
            ]);
        }
        output::text(&table.render())?;
        Ok(ExitCode::SUCCESS)
    }
}
