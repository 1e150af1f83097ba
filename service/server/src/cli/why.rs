//! `trainyard why`.

use super::{output, runs};
use crate::config::Config;
use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::Value;
use std::process::ExitCode;
use trainyard_core::cache_key;
use trainyard_core::ids::{RunId, StepName};
use trainyard_core::run::{Run, StepRecord, StepState};

/// Show why a step ran again, or why it did not
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard why 0192f0c1-2b3c train\n  trainyard why 0192f0c1-2b3c train --json\n\n\
    A step runs again when a part of its cache key differs: component, image, command, parameters, environment, \
    inputs or external data. It is compared with the last earlier run of the pipeline that came to this step."
)]
pub(super) struct Why {
    /// The run; the beginning of its id is enough
    run: String,
    /// The step
    step: String,
    /// Print as JSON, the parts of the key included
    #[arg(long)]
    json: bool,
}

/// Why a step ran or not.
#[derive(Debug, Serialize)]
struct Reason {
    run: RunId,
    step: StepName,
    state: String,
    /// The answer in one sentence.
    answer: String,
    /// What differs, one sentence each.
    differences: Vec<String>,
    /// The run it is compared with.
    compared_with: Option<RunId>,
    cache_key: Option<String>,
    /// What the key was made of.
    parts: Option<Value>,
}

impl Why {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let id = runs::row(&store, &self.run).await?.id;
        let run = store.load_run(&id).await?;
        let Some((step, record)) = run.steps.get_key_value(self.step.as_str()) else {
            let known: Vec<&str> = run.steps.keys().map(StepName::as_str).collect();
            bail!("run {id} has no step '{}': it has {}", self.step, known.join(", "));
        };
        let ours = store.preimage(&id, step).await?;
        let before = store.previous_preimage(&run.request.plan.pipeline, step, &id).await?;
        let reason = reason(&run, step, record, ours, before);
        if self.json {
            output::json(&reason)?;
        } else {
            let differences = reason
                .differences
                .iter()
                .map(|line| format!("  {}\n", output::plain(line)));
            output::text(&format!(
                "{}\n{}",
                output::plain(&reason.answer),
                differences.collect::<String>()
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn reason(
    run: &Run,
    step: &StepName,
    record: &StepRecord,
    ours: Option<(String, Value)>,
    before: Option<(RunId, String, Value)>,
) -> Reason {
    let mut differences = Vec::new();
    let answer = match (&record.state, &ours, &before) {
        (StepState::Skipped { cause }, _, _) => format!("step '{step}' did not run: {}", cause.sentence()),
        (StepState::Cached, _, _) => match made_by(record) {
            Some(maker) => format!(
                "step '{step}' did not run: nothing of its cache key changed since run {maker}, whose outputs stand in"
            ),
            None => format!("step '{step}' did not run: an earlier execution with the same cache key stands in"),
        },
        (_, None, _) => format!("step '{step}' has no cache key: its run did not come so far"),
        (_, Some(_), None) => format!("step '{step}' ran, because no earlier run of the pipeline came to it"),
        (_, Some((_, now)), Some((earlier, _, then))) => {
            differences = cache_key::explain(then, now);
            let cached = run.request.plan.steps.get(step).is_some_and(|planned| planned.cache);
            match (differences.len(), cached) {
                (0, false) => format!("step '{step}' ran, because its pipeline file says cache: false"),
                (0, true) => format!(
                    "step '{step}' ran, although nothing of its cache key changed since run {earlier}: that execution did not succeed, or its outputs were collected by retention"
                ),
                _ => format!("step '{step}' ran, because since run {earlier}:"),
            }
        }
    };
    let (cache_key, parts) = ours.unzip();
    Reason {
        run: run.request.id.clone(),
        step: step.clone(),
        state: record.state.as_str().to_owned(),
        answer,
        differences,
        compared_with: before.map(|(run, _, _)| run),
        cache_key,
        parts,
    }
}

/// The run that made the outputs: artifacts are named `<run>/<step>/<output>`.
fn made_by(record: &StepRecord) -> Option<&str> {
    record.outputs.values().next()?.name.split('/').next()
}
