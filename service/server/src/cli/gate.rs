//! `trainyard gate`.

use super::{output, verdict};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trainyard_core::evaluation::{self, Evaluation};
use trainyard_core::gate::{Blessing, judge};
use trainyard_core::spec;

/// Not blessed; what `run` answers too.
const NOT_BLESSED: u8 = 2;
/// There was nothing to judge by.
const NOT_EVALUATED: u8 = 3;

/// Judge an evaluation by a gate, without a service
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard gate --evaluation evaluation.json --gate gate.yaml\n  \
    trainyard gate --evaluation evaluation.json --gate pipelines/flights/pipeline.yaml --json\n\n\
    The evaluation comes from `trainyard-components evaluate`.\n\
    Exits with 0 if the model is blessed, 2 if it is not, 3 if there was nothing to judge by, 1 if a file is unreadable.")]
pub(super) struct Gate {
    /// The evaluator's evaluation.json, or the folder it is in
    #[arg(long, value_name = "FILE")]
    evaluation: PathBuf,
    /// The gate: the section of a pipeline file on its own, or a file that has it under `gate`
    #[arg(long, value_name = "FILE")]
    gate: PathBuf,
    /// Print the verdict as JSON, in the shape of TFMA's ValidationResult
    #[arg(long)]
    json: bool,
}

impl Gate {
    pub(super) fn perform(self) -> Result<ExitCode> {
        let gate = read_gate(&self.gate)?;
        let evaluation = read_evaluation(&self.evaluation)?;
        let verdict = judge(&gate, &evaluation);
        if self.json {
            output::json(&verdict.validation_result())?;
        } else {
            output::text(&verdict::render(&verdict))?;
        }
        Ok(match verdict.blessing() {
            Blessing::Blessed => ExitCode::SUCCESS,
            Blessing::NotBlessed => ExitCode::from(NOT_BLESSED),
            Blessing::NotEvaluated => ExitCode::from(NOT_EVALUATED),
        })
    }
}

fn read_gate(path: &Path) -> Result<spec::Gate> {
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
