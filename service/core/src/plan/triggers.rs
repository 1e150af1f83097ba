//! What starts runs, and how many at once.

use crate::event::PullRequestAction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What starts a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// Commits on a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushTrigger>,
    /// Pull requests into a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequestTrigger>,
    /// Releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<TypesTrigger>,
    /// Workflows of GitHub Actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_run: Option<WorkflowRunTrigger>,
    /// What others announce by GitHub's API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_dispatch: Option<TypesTrigger>,
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

/// Filters of pull requests; an absent filter lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PullRequestTrigger {
    /// Globs of the base branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branches: Option<Vec<String>>,
    /// Path globs; one changed file that matches is enough. `!` excludes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    /// What happened to it; if absent `opened`, `synchronize`, `reopened` and `edited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<PullRequestAction>>,
    /// Label globs: with `labeled` and `unlabeled` of the label that is given or taken, else of any that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
}

/// Something that has types: of releases GitHub's words, of what others announce theirs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypesTrigger {
    /// Type globs; of releases `published` if absent, else everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
}

/// Workflows of GitHub Actions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowRunTrigger {
    /// Globs of the workflow's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflows: Option<Vec<String>>,
    /// Type globs (`requested`, `in_progress`, `completed`); `completed` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// Globs of the branch that it ran for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branches: Option<Vec<String>>,
    /// Globs of how it ended (`success`, `failure`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusions: Option<Vec<String>>,
}

/// New data of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataTrigger {
    /// A name of [`super::Plan::data`].
    pub source: String,
    /// How long to wait for further arrivals before one run takes them all; 0 is not at all.
    pub quiet_period_seconds: u64,
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
    /// Older waiting and running runs that ask for the same are cancelled: pushes of the same branch, the
    /// same pull request, the same span of data, the same schedule, a manual run with the same parameters. So are
    /// those of a pull request that is closed and of a branch that is deleted.
    CancelPrevious,
}
