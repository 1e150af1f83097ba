//! What the standard evaluator measures: its parameters, which a gate may add to.

use super::gate::Gate;
use super::slicing::{CrossSlicingSpec, SlicingSpec};
use super::step::{ImageSource, PlannedStep};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What is known of the step whose evaluation a gate judges; nothing of a component of the user's own.
#[derive(Default)]
pub(crate) struct Evaluator {
    /// Its `model_type`.
    pub(crate) model_type: Option<String>,
    /// The slices it computes.
    pub(crate) slices: Option<Vec<SlicingSpec>>,
    /// The slices it compares with others.
    pub(crate) cross_slices: Option<Vec<CrossSlicingSpec>>,
    /// Whether its bootstrap is switched off.
    pub(crate) without_bootstrap: bool,
}

impl Evaluator {
    /// What the step's parameters say, if it is the standard evaluator.
    pub(crate) fn of(step: &PlannedStep) -> Option<Self> {
        let samples = step.parameters.get("bootstrap").and_then(|b| b.get("num_samples"));
        is_standard(step).then(|| Self {
            model_type: parameter(step, "model_type"),
            slices: parameter(step, "slicing_specs"),
            cross_slices: parameter(step, "cross_slicing_specs"),
            without_bootstrap: samples.and_then(Value::as_u64) == Some(0),
        })
    }

    /// The same, once a step that names no slices of its own measures those that the gate asks for.
    pub(crate) fn asked_by(gate: &Gate, step: &mut PlannedStep) -> Option<Self> {
        if !is_standard(step) {
            return None;
        }
        let parameters = &mut step.parameters;
        let slices = || asked(vec![SlicingSpec::default()], gate.asked_slices().cloned());
        parameters.entry("slicing_specs").or_insert_with(slices);
        if gate.asked_cross_slices().next().is_some() {
            let pairs = || asked(Vec::new(), gate.asked_cross_slices());
            parameters.entry("cross_slicing_specs").or_insert_with(pairs);
        }
        Self::of(step)
    }

    /// Has it measure what the gate asks for beside what it measures already.
    pub(super) fn measure_too(self, step: &mut PlannedStep, gate: &Gate) {
        let mut measure = |name: &str, specs: Value| step.parameters.insert(name.to_owned(), specs);
        if let Some(slices) = self.slices {
            measure("slicing_specs", asked(slices, gate.asked_slices().cloned()));
        }
        if gate.asked_cross_slices().next().is_some() {
            let pairs = asked(self.cross_slices.unwrap_or_default(), gate.asked_cross_slices());
            measure("cross_slicing_specs", pairs);
        }
    }
}

fn is_standard(step: &PlannedStep) -> bool {
    step.image == ImageSource::Components && step.component == "Evaluator"
}

/// A parameter, if it is there and of its shape.
fn parameter<T: DeserializeOwned>(step: &PlannedStep, name: &str) -> Option<T> {
    let found = step.parameters.get(name)?;
    serde_json::from_value(found.clone()).ok()
}

/// `specs` and every one that is asked for.
fn asked<T: PartialEq + Serialize>(mut specs: Vec<T>, asked: impl Iterator<Item = T>) -> Value {
    for spec in asked {
        if !specs.contains(&spec) {
            specs.push(spec);
        }
    }
    serde_json::to_value(specs).unwrap_or(Value::Null)
}
