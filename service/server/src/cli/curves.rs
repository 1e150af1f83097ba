//! `trainyard curves`.

use super::output::{self, Table};
use super::runs;
use crate::config::Config;
use crate::run_logs::Reported;
use crate::views::RunCurves;
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Show what the steps of a run report while they train
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A report is a line of a step's log: a JSON object with a whole number \"step\" or \"epoch\", and numbers, for\n\
    example {\"step\": 100, \"loss\": 0.41, \"auc\": 0.73}; or a scalar in an event file of TensorBoard's in one of its outputs.\n\
    The run's page draws them while the step runs.\n\n\
    Examples:\n  trainyard curves 0192f0c1-2b3c\n  trainyard curves 0192f0c1-2b3c --json"
)]
pub(super) struct Curves {
    /// The run; the beginning of its id is enough
    run: String,
    /// Print all points as JSON, as the API answers
    #[arg(long)]
    json: bool,
}

impl Curves {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let row = runs::row(&store, &self.run).await?;
        let run = store.load_run(&row.id).await?;
        let read = Reported::default().of_run(&super::folders(config), &run);
        let told = RunCurves::new(row.id.as_str(), &read);
        if self.json {
            output::json(&told)?;
            return Ok(ExitCode::SUCCESS);
        }
        if told.steps.is_empty() {
            bail!(
                "no step of run {} reports anything: a report is a line such as {{\"step\": 100, \"loss\": 0.41}}, or a scalar of TensorBoard's in an output",
                row.id
            );
        }
        let mut table = Table::new(&["STEP", "METRIC", "FIRST", "LAST", "AT"]);
        for step in &told.steps {
            for (metric, points) in &step.metrics {
                let (Some(first), Some(last)) = (points.first(), points.last()) else {
                    continue;
                };
                table.row(vec![
                    step.step.clone(),
                    metric.clone(),
                    first.value.to_string(),
                    last.value.to_string(),
                    last.step.to_string(),
                ]);
            }
        }
        let problems = told.steps.iter().flat_map(|step| &step.problems);
        let problems: String = problems
            .map(|problem| format!("! {}\n", output::plain(problem)))
            .collect();
        output::text(&(table.render() + &problems))?;
        Ok(ExitCode::SUCCESS)
    }
}
