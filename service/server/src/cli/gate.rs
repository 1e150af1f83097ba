//! `trainyard gate`.

use super::{output, runs, verdict};
use crate::config::Config;
use crate::views::Replay as ReplayView;
use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trainyard_core::evaluation::{self, Evaluation};
use trainyard_core::gate::{Blessing, Replayed, judge};
use trainyard_core::{plan, spec, suggest};
use trainyard_engine::Past;
use trainyard_store::{Reads, RunFilter};

/// Not blessed; what `run` answers too.
const NOT_BLESSED: u8 = 2;
/// There was nothing to judge by.
const NOT_EVALUATED: u8 = 3;
/// Where a slice that the gate asks for was not measured.
const MEASURE: &str = "slices are measured by `trainyard-components evaluate` with --slice and --bins, pairs of them with --cross-slice\n";
/// Runs looked at for the names of pipelines.
const LOOKED_AT: u32 = 500;

/// Judge an evaluation by a gate, without a service
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  \
    trainyard gate --evaluation evaluation.json --gate gate.yaml\n  \
    trainyard gate --evaluation evaluation.json --gate pipelines/flights/pipeline.yaml --json\n\n\
    The evaluation comes from `trainyard-components evaluate`.\n\
    Exits with 0 if the model is blessed, 2 if it is not, 3 if there was nothing to judge by, 1 if a file is unreadable."
)]
pub(super) struct Gate {
    /// The evaluator's evaluation.json, or the folder it is in
    #[arg(long, value_name = "FILE", required = true)]
    evaluation: Option<PathBuf>,
    /// The gate: the section of a pipeline file on its own, or a file that has it under `gate`
    #[arg(long, value_name = "FILE", required = true)]
    gate: Option<PathBuf>,
    /// Print the verdict as JSON, in the shape of TFMA's ValidationResult
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<GateCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum GateCommand {
    Replay(Replay),
}

/// Judge recorded runs anew by another gate, without training
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard gate replay --gate new.yaml\n  \
    trainyard gate replay --gate pipelines/flights/pipeline.yaml --pipeline flights\n  \
    trainyard gate replay --gate new.yaml --run 0192f0c1\n  \
    trainyard gate replay --gate new.yaml --limit 100 --json\n\n\
    Every recorded evaluation is judged again; nothing is trained, and no verdict is changed.")]
struct Replay {
    /// The other gate
    #[arg(long, value_name = "FILE")]
    gate: PathBuf,
    /// Only runs of this pipeline
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// Only this run, with the whole verdict; the beginning of its id is enough
    #[arg(long, value_name = "RUN", conflicts_with = "pipeline")]
    run: Option<String>,
    /// Judged runs looked at, newest first
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print the verdicts as JSON
    #[arg(long)]
    json: bool,
}

impl Replay {
    async fn perform(self, config: &Config) -> Result<ExitCode> {
        let gate = read_gate(&self.gate)?;
        let store = super::reads(config).await?;
        if let Some(run) = &self.run {
            let run = store.load_run(&runs::row(&store, run).await?.id).await?;
            let id = run.request.id.clone();
            let judged = trainyard_engine::judged_with(&config.engine()?, &gate, run).await?;
            let verdict = match judged {
                Ok(verdict) => verdict,
                Err(error) => bail!("run {id} cannot be judged anew: {error}"),
            };
            match self.json {
                true => output::json(&verdict.validation_result())?,
                false => output::text(&verdict::render(&verdict))?,
            }
            return Ok(ExitCode::SUCCESS);
        }
        let past = Past {
            pipeline: self.pipeline,
            repo: None,
            limit: self.limit as usize,
        };
        let replayed = trainyard_engine::replay_recorded(&config.engine()?, &store, &gate, &past).await?;
        if let (true, Some(pipeline)) = (replayed.is_empty(), &past.pipeline) {
            known(&store, pipeline).await?;
        }
        if self.json {
            output::json(&ReplayView::from(replayed.as_slice()))?;
        } else {
            output::text(&table(&replayed))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// An error with the names there are, unless the store knows the pipeline.
async fn known(store: &Reads, pipeline: &str) -> Result<()> {
    let pushed = store.pipelines().await?.into_iter().map(|known| known.name);
    let recent = RunFilter {
        limit: LOOKED_AT,
        ..RunFilter::default()
    };
    let ran = store.runs(&recent).await?.into_iter().map(|run| run.pipeline);
    let names: BTreeSet<String> = pushed.chain(ran).collect();
    if !names.contains(pipeline) {
        let hint = suggest::hint(pipeline, names.iter().map(String::as_str));
        bail!("there is no pipeline '{pipeline}': {hint}");
    }
    Ok(())
}

fn table(replayed: &[Replayed]) -> String {
    let replay = ReplayView::from(replayed);
    if replayed.is_empty() {
        return "there is no recorded verdict to try the gate on\n".to_owned();
    }
    let mut text = format!(
        "{} of {} recorded verdicts would change",
        replay.changed, replay.verdicts
    );
    if replay.gone > 0 {
        text.push_str(&format!("; {} more cannot be judged anew", replay.gone));
    }
    text.push('\n');
    let mut table = output::Table::new(&["RUN", "CREATED", "PIPELINE", "THEN", "NOW", "", "REASON"]);
    for (run, item) in replayed.iter().zip(&replay.runs) {
        table.row(vec![
            runs::short(&item.run).to_owned(),
            runs::when(&item.created_at),
            item.pipeline.clone(),
            run.then.as_str().to_owned(),
            run.now.map_or("–", |now| now.as_str()).to_owned(),
            if item.changes { "changes" } else { "" }.to_owned(),
            item.reason.clone().unwrap_or_default(),
        ]);
    }
    text + &table.render()
}

impl Gate {
    pub(super) async fn perform(self, load: impl Fn() -> Result<Config>) -> Result<ExitCode> {
        if let Some(GateCommand::Replay(replay)) = self.command {
            return replay.perform(&load()?).await;
        }
        let (Some(gate), Some(evaluation)) = (&self.gate, &self.evaluation) else {
            bail!("name both files: --evaluation and --gate");
        };
        let gate = read_gate(gate)?;
        // A large evaluation is gone before its verdict is written.
        let verdict = judge(&gate, &read_evaluation(evaluation)?);
        if self.json {
            output::json(&verdict.validation_result())?;
        } else {
            let mut text = verdict::render(&verdict);
            if verdict
                .slicing_details()
                .iter()
                .any(|asked| asked.num_matching_slices == 0)
            {
                text.push_str(MEASURE);
            }
            output::text(&text)?;
        }
        Ok(match verdict.blessing() {
            // The command judges a file and knows no model: it never says unchanged.
            Blessing::Blessed | Blessing::Unchanged => ExitCode::SUCCESS,
            Blessing::NotBlessed => ExitCode::from(NOT_BLESSED),
            Blessing::NotEvaluated => ExitCode::from(NOT_EVALUATED),
        })
    }
}

fn read_gate(path: &Path) -> Result<plan::Gate> {
    let name = path.display().to_string();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => bail!("{name} cannot be read: {error}"),
    };
    let text = String::from_utf8_lossy(&bytes);
    spec::load_gate(&name, &text).or_else(|problems| {
        let shown: Vec<String> = problems.iter().map(|problem| problem.render(&text)).collect();
        bail!("the gate is wrong\n{}", shown.join("\n"))
    })
}

fn read_evaluation(path: &Path) -> Result<Evaluation> {
    let file = if path.is_dir() {
        path.join("evaluation.json")
    } else {
        path.to_owned()
    };
    let name = file.display();
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => bail!("{name} cannot be read: {error}; make it with `trainyard-components evaluate`"),
    };
    evaluation::parse(&text).or_else(|reason| bail!("{name}: {reason}"))
}
