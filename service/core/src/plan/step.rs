//! A step: a program, what it reads and makes, and how it is run.

use super::data::SourceWindow;
use crate::gpu::Gpus;
use crate::ids::StepName;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One step, ready to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// MLMD's execution type: `ExampleGen`, `Trainer`, …, or the step's own name.
    pub component: String,
    /// Where its image comes from.
    pub image: ImageSource,
    /// The program, placeholders not yet replaced.
    pub command: Vec<String>,
    /// The pipeline's parameters with the step's own over them.
    pub parameters: Map<String, Value>,
    /// Input name to where it comes from.
    pub inputs: IndexMap<String, InputSource>,
    /// The inputs that are empty folders when the step that makes them was skipped; without the others
    /// it is skipped too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<String>,
    /// What it remembers of its earlier executions, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memo: Option<Memo>,
    /// Steps that must be done first although nothing of theirs is read.
    #[serde(default)]
    pub after: Vec<StepName>,
    /// Output name to artifact type.
    pub outputs: IndexMap<String, String>,
    /// The external data it reads, if it is an example-gen.
    pub source: Option<SourceWindow>,
    /// Environment variables.
    pub environment: IndexMap<String, String>,
    /// The secrets it is given, by the name under which it finds each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, PlannedSecret>,
    /// CPUs.
    pub cpus: Option<f64>,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Bytes in `/dev/shm`, which are memory as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shm_bytes: Option<u64>,
    /// GPUs of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<Gpus>,
    /// Time allowed to one attempt.
    pub timeout_seconds: u64,
    /// What happens after a failed attempt.
    pub retry: RetryPolicy,
    /// Network reach.
    pub network: NetworkAccess,
    /// Whether an earlier execution may stand in.
    pub cache: bool,
}

impl PlannedStep {
    /// The steps that must be done first.
    pub fn upstream(&self) -> impl Iterator<Item = &StepName> {
        let read = self.inputs.values().filter_map(|source| match source {
            InputSource::Output { step, .. } => Some(step),
            InputSource::Baseline | InputSource::File { .. } => None,
        });
        read.chain(&self.after)
    }

    /// Whether it runs although that step was skipped: all it reads of it is optional.
    pub fn can_do_without(&self, upstream: &StepName) -> bool {
        let of_it = |source: &InputSource| matches!(source, InputSource::Output { step, .. } if step == upstream);
        let mut read = self.inputs.iter().filter(|(_, source)| of_it(source)).peekable();
        !self.after.contains(upstream) && read.peek().is_some() && read.all(|(input, _)| self.optional.contains(input))
    }
}

/// A secret that a step asks for. Its value is in no plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSecret {
    /// What the settings of the service call it.
    pub name: String,
    /// Whether it is an environment variable as well as a file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub environment: bool,
    /// Whether only the commit that is judged asks for it, and no reviewed file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreviewed: bool,
}

/// Where a step's image comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageSource {
    /// The image of the standard components.
    Components,
    /// Built from the repository; a key of [`super::Plan::images`].
    Build(String),
    /// Taken as it is.
    Reference(String),
}

/// An image built from the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The Dockerfile's path in the repository.
    pub dockerfile: String,
    /// The folder sent to the builder; `.` is the repository.
    pub context: String,
    /// Build arguments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// What its `RUN` lines reach.
    #[serde(default, skip_serializing_if = "BuildNetwork::is_bridge")]
    pub network: BuildNetwork,
}

/// Network reach of the `RUN` lines of a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BuildNetwork {
    /// Outbound, since packages are mostly installed there.
    #[default]
    Bridge,
    /// None.
    None,
}

impl BuildNetwork {
    fn is_bridge(&self) -> bool {
        *self == Self::Bridge
    }
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputSource {
    /// Another step's output.
    Output {
        /// That step.
        step: StepName,
        /// Its output.
        output: String,
    },
    /// The model the gate compares with; an empty folder when there is none.
    Baseline,
    /// A file of the repository at the run's commit.
    File {
        /// Its path from the top of the repository.
        path: String,
        /// The type of the artifact it becomes.
        type_name: String,
    },
}

/// An input with what the same step published in an earlier run; an empty folder when there is
/// nothing. It only saves work: the result is the same without it, so no cache key has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memo {
    /// The output of the earlier execution.
    pub output: String,
    /// The input under which the step finds it.
    pub input: String,
}

/// KFP's retry policy in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts after the first.
    pub max_retry_count: u32,
    /// The wait before the first retry.
    pub backoff_seconds: f64,
    /// How the wait grows.
    pub backoff_factor: f64,
    /// The longest wait.
    pub backoff_max_seconds: f64,
}

impl RetryPolicy {
    /// No retries.
    pub const NEVER: Self = Self {
        max_retry_count: 0,
        backoff_seconds: 0.0,
        backoff_factor: 1.0,
        backoff_max_seconds: 0.0,
    };

    /// Seconds to wait after failed attempt number `attempt` (from 1), or `None` to give up:
    /// `min(backoff * factor^(attempt-1), max)`.
    pub fn wait_after(&self, attempt: u32) -> Option<f64> {
        if attempt > self.max_retry_count {
            return None;
        }
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let wait = self.backoff_seconds * self.backoff_factor.powi(exponent);
        Some(wait.min(self.backoff_max_seconds).max(0.0))
    }
}

/// Network reach of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetworkAccess {
    /// None.
    #[default]
    None,
    /// Outbound.
    Bridge,
}
