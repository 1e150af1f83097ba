//! Where a run is, in a word: what its events and its state both say.

use serde::{Deserialize, Serialize};

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waiting for a person's word: a fork's run before it starts, an approved model's before its push. It has no worker.
    WaitingForApproval,
    /// Waiting for `max_active_runs`.
    Queued,
    /// At work.
    Running,
    /// Every step is done, and the gate has spoken; a rejected model is a success of the system, and
    /// so is a run that was skipped because its window has not enough spans yet.
    Succeeded,
    /// A step, the gate's reading or the push failed.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

impl RunState {
    /// Whether nothing more happens.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// As the API, the CLI and the store write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WaitingForApproval => "waiting_for_approval",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// What a run in this state does or did, behind "it".
    pub(super) fn predicate(self) -> &'static str {
        match self {
            Self::WaitingForApproval => "waits for approval",
            Self::Queued => "is queued",
            Self::Running => "is running",
            Self::Succeeded => "has succeeded",
            Self::Failed => "has failed",
            Self::Cancelled => "was cancelled",
        }
    }
}
