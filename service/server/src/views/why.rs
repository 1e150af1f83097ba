//! Why a step ran again, or why it did not.

use serde::Serialize;
use serde_json::Value;
use trainyard_core::cache_key;
use trainyard_core::ids::{RunId, StepName};
use trainyard_core::run::{Run, StepRecord, StepState};
use trainyard_store::{Reads, StoreError};
use utoipa::ToSchema;

/// Why a step ran or not.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Why {
    /// The run.
    pub run: String,
    /// The step.
    pub step: String,
    /// Where the step is.
    pub state: String,
    /// The answer in one sentence.
    pub answer: String,
    /// What differs, one sentence each.
    pub differences: Vec<String>,
    /// The run it is compared with.
    pub compared_with: Option<String>,
    /// Its cache key, if it came so far.
    pub cache_key: Option<String>,
    /// What the key was made of.
    #[schema(value_type = Option<Object>)]
    pub parts: Option<Value>,
}

impl Why {
    /// Of a step of a run; else the sentence that there is no such step.
    pub async fn read(store: &Reads, run: &Run, name: &str) -> Result<Result<Self, String>, StoreError> {
        let id = &run.request.id;
        let Some((step, record)) = run.steps.get_key_value(name) else {
            let known: Vec<&str> = run.steps.keys().map(StepName::as_str).collect();
            return Ok(Err(format!(
                "run {id} has no step '{name}': it has {}",
                known.join(", ")
            )));
        };
        let ours = store.preimage(id, step).await?;
        let before = store.previous_preimage(&run.request.plan.pipeline, step, id).await?;
        Ok(Ok(Self::of(run, step, record, ours, before)))
    }

    fn of(
        run: &Run,
        step: &StepName,
        record: &StepRecord,
        ours: Option<(String, Value)>,
        before: Option<(RunId, String, Value)>,
    ) -> Self {
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
        Self {
            run: run.request.id.to_string(),
            step: step.to_string(),
            state: record.state.as_str().to_owned(),
            answer,
            differences,
            compared_with: before.map(|(run, _, _)| run.to_string()),
            cache_key,
            parts,
        }
    }
}

/// The run that made the outputs: artifacts are named `<run>/<step>/<output>`.
fn made_by(record: &StepRecord) -> Option<&str> {
    record.outputs.values().next()?.name.split('/').next()
}
