//! The pipeline file: `pipelines/<name>/pipeline.yaml`.
//!
//! [`Pipeline`] is the file's shape; `parse` reads it strictly and `lint` finds what a shape
//! cannot: cycles, unknown inputs, missing pieces.

mod baseline;
mod compile;
mod components;
mod files;
mod gate;
mod gate_file;
mod gate_lint;
mod graph;
mod inputs;
mod judged;
mod lint;
mod parse;
mod problem;
mod quantity;
mod requirement;
mod schema;
mod slicing;
mod source_map;
mod step;
mod suggest;
#[cfg(test)]
pub(crate) mod tests;
mod window;

pub use baseline::{Baseline, is_model_name};
pub use compile::{load, plan};
pub use files::missing as missing_files;
pub use gate::{
    CONFIDENCE_LEVEL, ChangeThreshold, CrossSliceThreshold, Direction, Gate, MetricThreshold, PerSliceThreshold,
    ValueThreshold,
};
pub use gate_file::load_gate;
pub use judged::with_base_gate;
pub use parse::parse;
pub use problem::Problem;
pub(crate) use quantity::seconds as duration_seconds;
pub use requirement::{Correction, InsufficientData, MissingBaseline, Requirement, SuspiciousImprovement};
pub use schema::json_schema;
pub use slicing::{CrossSlicingSpec, SlicingSpec};
pub use suggest::hint as did_you_mean;
pub use window::{RollingRange, SpanName, StaticRange, Window};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A whole pipeline file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Unique in the repository, `[a-z][a-z0-9_-]*`; the status check is `trainyard/<name>`.
    pub name: String,
    /// Default parameters, `{{parameters.NAME}}` in commands.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// What starts a run.
    #[serde(default)]
    pub on: Triggers,
    /// How many runs at once.
    #[serde(default)]
    pub concurrency: Concurrency,
    /// Data sources by name.
    #[serde(default)]
    pub data: IndexMap<String, DataSource>,
    /// The steps, in any order; the graph comes from their inputs.
    pub steps: IndexMap<String, Step>,
    /// When the candidate model is approved. Without it no model is ever pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// Where an approved model goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<Push>,
}

/// What starts a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// Commits on a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushTrigger>,
    /// Pull requests into a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PushTrigger>,
    /// New data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataTrigger>,
    /// The clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
}

/// Filters of commits; an absent filter lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushTrigger {
    /// Branch globs (for a pull request: of the base branch).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branches: Option<Vec<String>>,
    /// Path globs; one changed file that matches is enough. `!` excludes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
}

/// New data of one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataTrigger {
    /// A name of the `data` section.
    pub source: String,
    /// How long to wait for further arrivals before one run takes them all, for example `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_period: Option<String>,
}

/// A cron schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five fields, `minute hour day-of-month month day-of-week`.
    pub cron: String,
    /// An IANA zone; `UTC` if absent.
    #[serde(default = "utc")]
    pub timezone: String,
    /// What happens with slots that passed while the service was down.
    #[serde(default)]
    pub catchup: Catchup,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// What happens with missed slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Catchup {
    /// Nothing: the next slot is the next one in the future.
    None,
    /// One run for the newest missed slot.
    #[default]
    Latest,
    /// One run for each missed slot, oldest first.
    All,
}

/// How many runs of this pipeline at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Concurrency {
    /// At least 1; pull-request runs count too.
    pub max_active_runs: u32,
    /// What a new run does when the limit is reached.
    pub on_conflict: OnConflict,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self {
            max_active_runs: 1,
            on_conflict: OnConflict::Queue,
        }
    }
}

/// What a new run does when `max_active_runs` is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// It waits.
    Queue,
    /// Older waiting and running runs of the same branch or pull request are cancelled.
    CancelPrevious,
}

/// External data, named by the time it covers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// A path below the service's `data_root`, with `{YYYY}`, `{MM}`, `{DD}` or `{SPAN}`, and `{VERSION}`;
    /// with a `*` behind them a span is several files.
    pub uri: String,
    /// Which spans a run takes unless its step says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

/// One step: a standard component (`uses`), an image built from the repository (`build`), or an
/// existing image (`image`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// A standard component: `example-gen`, `statistics-gen`, `schema-gen`, `example-validator`, `evaluator`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<String>,
    /// Parameters of this step; they win over the pipeline's.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub with: Map<String, Value>,
    /// An image to build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// An image to take as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The program and its arguments, with placeholders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Input name to `step`, `step.output`, `baseline.model`, or `file:PATH` of a file in the repository.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub inputs: IndexMap<String, String>,
    /// Steps that must be done first although nothing of theirs is read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Output name to artifact type; standard components have theirs.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub outputs: IndexMap<String, String>,
    /// Environment variables; part of the cache key.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub environment: IndexMap<String, String>,
    /// Limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Time allowed to one attempt, for example `30m`; one hour if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// What happens after a failed attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Network reach; none if absent.
    #[serde(default)]
    pub network: NetworkAccess,
    /// Whether an earlier execution with the same key may stand in; yes if absent.
    #[serde(default = "yes")]
    pub cache: bool,
}

fn yes() -> bool {
    true
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
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub args: std::collections::BTreeMap<String, String>,
}

/// Limits of a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// CPUs, for example 0.5 or 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// Memory, for example `512Mi` or `4Gi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
}

/// KFP's retry policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts after the first.
    pub max_retry_count: u32,
    /// The wait before the first retry, for example `10s`.
    #[serde(default = "ten_seconds")]
    pub backoff_duration: String,
    /// How the wait grows.
    #[serde(default = "two")]
    pub backoff_factor: f64,
    /// The longest wait.
    #[serde(default = "one_hour")]
    pub backoff_max_duration: String,
}

fn ten_seconds() -> String {
    "10s".to_owned()
}

fn two() -> f64 {
    2.0
}

fn one_hour() -> String {
    "1h".to_owned()
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

/// Where an approved model goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// A name of the service's `[targets]`.
    pub target: String,
    /// What is tried before the new version counts.
    #[serde(default)]
    pub infra_validation: InfraValidation,
    /// How long the new version may take for the sample request, as the median of ten, for example `100ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_latency: Option<String>,
}

impl Push {
    /// [`Push::max_latency`] as a duration; `None` also for text that lint refuses.
    pub fn latency_bound(&self) -> Option<std::time::Duration> {
        quantity::latency(self.max_latency.as_deref()?).ok()
    }
}

/// TFX's infra validation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum InfraValidation {
    /// The server loads it.
    #[serde(rename = "LOAD_ONLY")]
    LoadOnly,
    /// And it answers sample rows as expected.
    #[default]
    #[serde(rename = "LOAD_AND_QUERY")]
    LoadAndQuery,
}
