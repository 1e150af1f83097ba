//! The state machine of a run.
//!
//! [`Run::apply`] folds events into state and never refuses to look at one twice;
//! [`decide::decide`] reads the state and says what to do next. Neither performs anything.

mod approval;
pub mod crashed;
pub mod decide;
mod disagreement;
mod drift;
pub mod estimate;
mod event;
pub mod forecast;
mod rerun;
mod run_state;
pub mod sentence;
mod sight;
mod skip;
mod state;
mod step;
mod withheld;
mod word;

#[cfg(test)]
mod tests;

pub use approval::{Awaited, DEFAULT_PATIENCE, NoWord, Permission, Person, WaitingModel, patience, superseding};
pub use decide::{Command, Decision, Limits, decide};
pub use disagreement::{Disagreement, Finding};
pub use drift::Drift;
pub use event::{ENDS, Exit, RunEvent};
pub use forecast::Forecast;
pub use rerun::{Rerun, Which};
pub use run_state::RunState;
pub use skip::SkipCause;
pub use state::{ImageState, PushState, Run, first_state};
pub use step::{Applied, StepRecord, StepState};
pub use withheld::Withheld;
pub use word::{Answer, Fork, VOIDED_BY_BASE, VOIDED_BY_CLOSING, VOIDED_BY_PUSH, Word};

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
    /// The branch it would be merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The stranger's repository that the commit comes from: the run waits for a person's word, and what it makes reaches
    /// no other run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<Fork>,
    /// The folder of the pipeline file in the repository (or on this machine), for example `pipelines/flights`.
    pub folder: String,
    /// The span that was announced, by source name: the run sees none that is newer than it and than what earlier runs
    /// have seen. Of sources not named here it sees all there is.
    #[serde(default)]
    pub newest_spans: std::collections::BTreeMap<String, String>,
    /// Spans that were announced together with the newest one, by source name: what is read where that one is not there.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub waited_spans: std::collections::BTreeMap<String, Vec<String>>,
    /// The span that a person named, by source: the run sees no newer one, whatever was seen before.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub as_of_spans: std::collections::BTreeMap<String, String>,
    /// The person's work tree, of a folder on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_tree: Option<WorkTree>,
    /// The run that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<Rerun>,
    /// Whether a person tries the pull request with other parameters than its file's: the verdict is no answer to what
    /// the pull request asks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
    /// Whether an approved model is pushed; pull requests only get a verdict.
    pub may_push: bool,
    /// When it was asked for.
    pub created_at: Micros,
    /// The pipeline, ready to run.
    #[serde(serialize_with = "stored::serialize_inner")]
    pub plan: Plan,
}

/// A work tree on a person's machine, as it was when a run of it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkTree {
    /// Who asked.
    pub actor: String,
    /// The commit that is checked out; `None` outside a repository, or before its first commit.
    pub commit: Option<CommitSha>,
    /// Whether anything is not what that commit says.
    pub dirty: bool,
}

impl WorkTree {
    /// For people: `a work tree at 1234567 with changes`.
    pub fn sentence(&self) -> String {
        match (&self.commit, self.dirty) {
            (None, _) => "a folder without a commit".to_owned(),
            (Some(commit), dirty) => {
                let commit: String = commit.as_str().chars().take(7).collect();
                let changes = if dirty { " with changes" } else { "" };
                format!("a work tree at {commit}{changes}")
            }
        }
    }
}

impl Stored for RunRequest {
    const WHAT: &'static str = "run request";
    const VERSION: u32 = 1;

    fn upgrade(_: u32, mut value: Value) -> Result<Value, StoredError> {
        stored::upgrade_inner::<Plan>(&mut value, "plan")?;
        Ok(value)
    }
}
