//! The shape of a pipeline file: what its keys hold, as people write it.
//!
//! What is the same in the plan is the plan's own type.

use super::gate::Gate;
use crate::plan::{
    Approval, Build, Concurrency, DataSource, InfraValidation, NetworkAccess, NotifyRules, PullRequestTrigger,
    PushTrigger, Schedule, TypesTrigger, WorkflowRunTrigger,
};
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
    /// Who is told of its runs beside GitHub: by the name of a `[notify.NAME]` of the service's settings what it hears
    /// of, in place of what is said there; an empty list is nothing.
    #[serde(default, skip_serializing_if = "NotifyRules::is_empty")]
    pub notify: NotifyRules,
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
    pub pull_request: Option<PullRequestTrigger>,
    /// Releases: the pipeline runs as the default branch has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<TypesTrigger>,
    /// Workflows of GitHub Actions: the pipeline runs as the default branch has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_run: Option<WorkflowRunTrigger>,
    /// What others announce by GitHub's API: the pipeline runs as the default branch has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_dispatch: Option<TypesTrigger>,
    /// New data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataTrigger>,
    /// The clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
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
    /// Secrets as files: the name under which the step finds one in `/run/secrets`, and that of a `[secrets.NAME]` of the
    /// service's settings. Where the file is says the variable `<name>_FILE`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub secrets: IndexMap<String, String>,
    /// Secrets as environment variables too, where a program reads nothing else: who may ask the Docker engine sees them.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub secret_environment: IndexMap<String, String>,
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
    /// The room in `/dev/shm`, for example `1Gi`, by which programs such as PyTorch's data loaders hand data to each
    /// other; 64Mi if absent. It counts as memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shm_size: Option<String>,
    /// GPUs, which no other step has meanwhile; none if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<u32>,
    /// A part of the name of their model, for example `A100`; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_type: Option<String>,
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
    /// Whether a model made as of an older span than what serves is pushed, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_older_data: bool,
    /// Whether a person must approve what the gate approved; `none` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// How long an approved model waits for that person, for example `36h` or `14d`; 7 days if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_expires: Option<String>,
}
