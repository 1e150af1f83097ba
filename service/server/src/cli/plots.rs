//! `trainyard plots`.

use super::output::{self, Table};
use super::runs;
use crate::config::Config;
use crate::views::{NO_PLOTS, PLOTS, RunPlots};
use anyhow::{Result, bail};
use std::process::ExitCode;
use trainyard_core::evaluation::Curves;

/// Points of a model in a table; `--json` has all.
const SHOWN: usize = 11;

/// Show reliability, ROC, and precision against recall of the models that a run compared
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard plots 0192f0c1-2b3c\n  trainyard plots 0192f0c1-2b3c --json\n\n\
    They are of all rows, from the evaluation that the gate judged; the standard evaluator makes them of binary\n\
    classification. The run's page draws them."
)]
pub(super) struct Plots {
    /// The run; the beginning of its id is enough
    run: String,
    /// Print all points as JSON, as the API answers
    #[arg(long)]
    json: bool,
}

impl Plots {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let run = store.load_run(&runs::row(&store, &self.run).await?.id).await?;
        let id = run.request.id.to_string();
        let told = match trainyard_engine::curves(&config.engine()?, run).await? {
            Ok(curves) => RunPlots { run: id, curves },
            Err(error) => bail!("run {id} has no plots: {error}"),
        };
        match (self.json, &told.curves) {
            (true, _) => output::json(&told)?,
            (false, Some(curves)) => output::text(&tables(curves))?,
            (false, None) => bail!("{NO_PLOTS}"),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A table for each plot, with some points of each model, its first and last among them.
fn tables(curves: &Curves) -> String {
    let table = |plot: crate::views::Plot| {
        let models = plot.of(curves);
        let mut table = Table::new(&["MODEL", &plot.x.to_uppercase(), &plot.y.to_uppercase()]);
        for (side, points) in &models {
            let last = points.len() - 1;
            let shown = SHOWN.min(points.len());
            for at in 0..shown {
                let [x, y] = points[at * last / (shown - 1).max(1)];
                table.row(vec![(*side).to_owned(), format!("{x:.4}"), format!("{y:.4}")]);
            }
        }
        (!models.is_empty()).then(|| format!("{}\n{}", plot.name, table.render()))
    };
    PLOTS.into_iter().filter_map(table).collect::<Vec<_>>().join("\n")
}
