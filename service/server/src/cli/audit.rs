//! `trainyard audit`: what people and programs did.

use super::output::{self, Table};
use crate::config::Config;
use crate::views::Audit as Entries;
use anyhow::Result;
use std::process::ExitCode;

/// List what people and programs did by hand
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard audit\n  trainyard audit --limit 500 --json > audit.json\n\n\
    A name in parentheses is what a request said of itself; what stands before it was proved."
)]
pub(super) struct Audit {
    /// At most so many, newest first
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Only older than this entry
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let rows = super::reads(config).await?.audit(self.before, self.limit).await?;
        let all = Entries::new(rows, self.limit);
        if self.json {
            output::json(&all)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new(&["when", "who", "what", "to", "done", "why, and what came of it"]);
        if all.entries.is_empty() {
            output::text("nobody did anything by hand yet\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        for entry in all.entries {
            let said = [entry.reason, entry.outcome].into_iter().flatten();
            table.row(vec![
                entry.at.get(..19).unwrap_or(&entry.at).replace('T', " "),
                entry.actor,
                entry.deed.replace('_', " "),
                entry.subject,
                match entry.done {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "unknown",
                }
                .to_owned(),
                said.collect::<Vec<_>>().join("; "),
            ]);
        }
        output::text(&table.render())?;
        Ok(ExitCode::SUCCESS)
    }
}
