//! The state machine of a run.
//!
//! [`Run::apply`] folds events into state and never refuses to look at one twice;
//! [`decide::decide`] reads the state and says what to do next. Neither performs anything.

pub mod decide;
mod event;
mod run_state;
pub mod sentence;
mod skip;
mod state;
mod withheld;

#[cfg(test)]
mod tests;

pub use decide::{Command, Decision, Limits, decide};
pub use event::{Exit, RunEvent};
pub use run_state::RunState;
pub use skip::SkipCause;
pub use state::{Applied, ImageState, PushState, Run, StepRecord, StepState};
pub use withheld::Withheld;

use crate::ids::{CommitSha, EventId, Micros, RepoName, RunId};
use crate::plan::Plan;
use crate::stored::{self, Stored, StoredError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A run as it was asked for; never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRequest {
    /// The run.
    pub id: RunId,
    /// The event that started it, if any.
    pub event: Option<EventId>,
    /// Why it started, for listings: `push`, `pull_request`, `data`, `schedule`, `manual`.
    pub trigger: String,
    /// The reason in words, for example `push of main by ada` or `data flights 2013-04`.
    pub cause: String,
    /// The repository; `None` for a folder on this machine.
    pub repo: Option<RepoName>,
    /// The App installation to answer through.
    pub installation_id: Option<i64>,
    /// The commit that is checked out.
    pub commit: Option<CommitSha>,
    /// The branch.
    pub branch: Option<String>,
    /// The pull request, if it is judged for one.
    pub pull_request: Option<u64>,
    /// The folder of the pipeline file in the repository (or on this machine), for example `pipelines/flights`.
    pub folder: String,
    /// The newest span the run may see, by source name; sources not named here use all they have.
    #[serde(default)]
    pub newest_spans: std::collections::BTreeMap<String, String>,
    /// Whether an approved model is pushed; pull requests only get a verdict.
    pub may_push: bool,
    /// When it was asked for.
    pub created_at: Micros,
    /// The pipeline, ready to run.
    #[serde(serialize_with = "stored::serialize_inner")]
    pub plan: Plan,
}

impl Stored for RunRequest {
    const WHAT: &'static str = "run request";
    const VERSION: u32 = 1;

    fn upgrade(_: u32, mut value: Value) -> Result<Value, StoredError> {
        stored::upgrade_inner::<Plan>(&mut value, "plan")?;
        Ok(value)
    }
}
