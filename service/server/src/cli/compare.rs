//! `trainyard compare`.

use super::output::{self, Table};
use super::runs;
use crate::config::Config;
use crate::views::Comparison;
use anyhow::Result;
use std::process::ExitCode;

/// Show runs side by side: parameters, metrics, data, images, gate
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard compare 0192f0c1 0192f0d7\n  trainyard compare 0192f0c1 0192f0d7 --all --json"
)]
pub(super) struct Compare {
    /// The runs, 2 to 10; the beginnings of their ids are enough
    #[arg(required = true, num_args = 2..=10)]
    run: Vec<String>,
    /// Also what does not differ
    #[arg(long)]
    all: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Compare {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let mut compared = Vec::new();
        for run in &self.run {
            let row = runs::row(&store, run).await?;
            let run = store.load_run(&row.id).await?;
            compared.push((row, run));
        }
        let mut told = Comparison::of(&compared);
        if !self.all {
            told = told.differences();
        }
        if self.json {
            output::json(&told)?;
            return Ok(ExitCode::SUCCESS);
        }
        if told.rows.is_empty() {
            output::text("the runs do not differ in anything that is recorded\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        let short = |id: &String| id.chars().take(13).collect::<String>();
        let mut heading = vec!["what".to_owned()];
        heading.extend(told.runs.iter().map(short));
        let heading: Vec<&str> = heading.iter().map(String::as_str).collect();
        let mut table = Table::new(&heading);
        for row in told.rows {
            let mut cells = vec![format!("{} {}", row.section, row.name)];
            let values = row.values.into_iter();
            cells.extend(values.map(|value| value.unwrap_or_else(|| "–".to_owned())));
            table.row(cells);
        }
        output::text(&table.render())?;
        Ok(ExitCode::SUCCESS)
    }
}
