//! `trainyard attention`.

use super::output;
use crate::config::Config;
use crate::views::{self, Models};
use anyhow::Result;
use std::process::ExitCode;

/// Show what needs somebody: targets out of step, pipeline files that cannot run
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard attention\n  trainyard attention --json\n\n\
    Of a repository it is the head of the default branch. Whether the machine is in order says `trainyard doctor`,\n\
    and what waits for a person `trainyard runs --state waiting_for_approval`.")]
pub(super) struct Attention {
    /// Print as JSON, as GET /api/v1/attention answers
    #[arg(long)]
    json: bool,
}

impl Attention {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let (models, repositories) = (Models::read(&store, config).await?, store.known_repositories().await?);
        let mut told = views::Attention::read(&store, Vec::new(), &models, repositories).await?;
        // Known when everything else was read.
        let unreadable: Vec<String> = store.unreadable().iter().map(|row| row.sentence()).collect();
        told.add_troubles(unreadable);
        if self.json {
            output::json(&told)?;
            return Ok(ExitCode::SUCCESS);
        }
        let lines: String = told
            .items
            .iter()
            .map(|item| format!("! {}\n", output::plain(&item.told())))
            .collect();
        output::text(if lines.is_empty() {
            "nothing needs attention\n"
        } else {
            &lines
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
