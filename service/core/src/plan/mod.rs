//! A pipeline, ready to run: the form between the files that people write and everything that runs.
//!
//! A front end (`spec` reads `pipeline.yaml`) fills in defaults, turns text into numbers,
//! resolves inputs to steps and sorts these; the plan knows no front end. It is stored with its run.

mod base_gate;
mod baseline;
mod data;
mod evaluator;
mod gate;
mod metric;
mod notify;
mod push;
mod requirement;
mod slicing;
mod step;
mod triggers;
mod upgrade;

pub use base_gate::{TakenAway, narrow, narrowed, of_stranger, with_base_gate, with_reviewed_rights};
pub use baseline::{Baseline, InvalidBaseline, is_model_name};
pub use data::{DataSource, RollingRange, SourceWindow, SpanName, StaticRange, Window};
pub(crate) use evaluator::Evaluator;
pub(crate) use gate::is_default;
pub use gate::{
    CONFIDENCE_LEVEL, ChangeThreshold, CrossSliceThreshold, Gate, MetricThreshold, PerSliceThreshold, PlannedGate,
    ValueThreshold,
};
pub use metric::Direction;
pub(crate) use metric::METRICS;
pub use notify::{Condition, NotifyRules};
pub use push::{Approval, InfraValidation, Push};
pub use requirement::{Correction, InsufficientData, MissingBaseline, Requirement, SuspiciousImprovement};
pub use slicing::{CrossSlicingSpec, SlicingSpec};
pub use step::{
    Build, BuildNetwork, ImageSource, InputSource, Memo, NetworkAccess, PlannedSecret, PlannedStep, RetryPolicy,
};
pub use triggers::{
    Catchup, Concurrency, DataTrigger, OnConflict, PullRequestTrigger, PushTrigger, Schedule, Triggers, TypesTrigger,
    WorkflowRunTrigger,
};

use crate::ids::StepName;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A pipeline, ready to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The pipeline's name.
    pub pipeline: String,
    /// Its parameters, the request's replacements included.
    pub parameters: Map<String, Value>,
    /// What starts it.
    pub triggers: Triggers,
    /// How many runs at once.
    pub concurrency: Concurrency,
    /// Its data sources.
    pub data: IndexMap<String, DataSource>,
    /// Images to build, each once however many steps share it; the key is a name for people.
    pub images: IndexMap<String, Build>,
    /// The steps, each after the steps it needs.
    pub steps: IndexMap<StepName, PlannedStep>,
    /// What the gate judges, if there is one.
    pub gate: Option<PlannedGate>,
    /// Where an approved model goes.
    pub push: Option<Push>,
    /// What is told of its runs beside GitHub, where the service's settings are not to say.
    #[serde(default, skip_serializing_if = "NotifyRules::is_empty")]
    pub notify: NotifyRules,
}

impl Plan {
    /// Whether any step reads the baseline model, or the gate compares with it.
    pub fn needs_baseline(&self) -> bool {
        let read = self
            .steps
            .values()
            .any(|step| step.inputs.values().any(|i| *i == InputSource::Baseline));
        read || self.gate.is_some()
    }

    /// Whether a run is whole without this step: something reads it, and all of that can do without.
    pub fn spares(&self, step: &StepName) -> bool {
        let mut readers = self
            .steps
            .iter()
            .filter(|(_, reader)| reader.upstream().any(|upstream| upstream == step))
            .peekable();
        // The steps have no circle.
        readers.peek().is_some() && readers.all(|(name, reader)| reader.can_do_without(step) || self.spares(name))
    }

    /// The data sources that a step's inputs come from, through all that is before it; empty for a step that is not here.
    pub fn sources_of(&self, step: &str) -> BTreeSet<&str> {
        let (mut open, mut seen, mut sources) = (vec![step], BTreeSet::new(), BTreeSet::new());
        while let Some((name, planned)) = open.pop().and_then(|name| self.steps.get_key_value(name)) {
            if !seen.insert(name.as_str()) {
                continue;
            }
            sources.extend(planned.source.as_ref().map(|window| window.source.as_str()));
            open.extend(planned.inputs.values().filter_map(|input| match input {
                InputSource::Output { step, .. } => Some(step.as_str()),
                InputSource::Baseline | InputSource::File { .. } => None,
            }));
        }
        sources
    }

    /// The files of the repository that steps read: step, input and path, in the plan's order.
    pub fn files(&self) -> impl Iterator<Item = (&StepName, &str, &str)> {
        self.steps.iter().flat_map(|(step, planned)| {
            planned.inputs.iter().filter_map(move |(input, source)| match source {
                InputSource::File { path, .. } => Some((step, input.as_str(), path.as_str())),
                InputSource::Output { .. } | InputSource::Baseline => None,
            })
        })
    }
}
