//! `trainyard metrics`.

use super::output::{self, Table};
use super::runs;
use crate::config::Config;
use crate::views::{RunItem, Trend};
use anyhow::{Result, bail};
use std::process::ExitCode;
use trainyard_store::RunFilter;

/// Show a metric over the runs of a pipeline
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard metrics flights\n  trainyard metrics flights auc\n  trainyard metrics flights took --limit 20 --json"
)]
pub(super) struct Metrics {
    /// The pipeline
    pipeline: String,
    /// The metric, or `took` for seconds; the first that there is if absent
    metric: Option<String>,
    /// Runs looked at, the newest
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Print as JSON, as the API answers
    #[arg(long)]
    json: bool,
}

impl Metrics {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let newest = RunFilter {
            pipeline: Some(self.pipeline.clone()),
            limit: self.limit,
            ..RunFilter::default()
        };
        let rows = store.runs(&newest).await?;
        if rows.is_empty() {
            bail!(
                "there is no run of a pipeline '{}': see `trainyard runs`",
                self.pipeline
            );
        }
        let items: Vec<RunItem> = rows.into_iter().map(RunItem::from).collect();
        let trend = Trend::of(&self.pipeline, &items, self.metric.as_deref());
        if self.json {
            output::json(&trend)?;
            return Ok(ExitCode::SUCCESS);
        }
        if trend.points.is_empty() {
            bail!("no run has {}: they have {}", trend.metric, trend.metrics.join(", "));
        }
        let mut table = Table::new(&[
            "RUN",
            "CREATED",
            "VERDICT",
            &trend.metric.to_uppercase(),
            "COMPARED WITH",
        ]);
        for point in trend.points.iter().rev() {
            table.row(vec![
                runs::short(&point.run).to_owned(),
                runs::when(&point.created_at),
                point.blessing.clone().unwrap_or_else(|| "–".to_owned()),
                format!("{:.4}", point.value),
                point
                    .baseline
                    .map_or_else(|| "–".to_owned(), |value| format!("{value:.4}")),
            ]);
        }
        output::text(&table.render())?;
        Ok(ExitCode::SUCCESS)
    }
}
