//! What people and programs can ask to be told of, beside GitHub.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a pipeline's file wants to be told, by the channel of the service's settings: in place of what is said there.
pub type NotifyRules = IndexMap<String, Vec<Condition>>;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Runs of a branch begin to fail.
    Failed,
    /// Models of a branch begin to be rejected by the gate.
    Rejected,
    /// They no longer do.
    Recovered,
    /// A model serves that did not.
    Pushed,
    /// An earlier model serves again.
    RolledBack,
    /// A model, or a fork's commit, waits for a person's word.
    WaitingForApproval,
    /// The data drift from those before, or skew from what is served; and when that is over.
    Drift,
    /// A schedule was due while nobody was there to follow it.
    ScheduleMissed,
    /// A run is over, however.
    Finished,
    /// The gate spoke, whatever it said.
    Judged,
}

impl Condition {
    /// What people hear of who do not say.
    pub const FOR_PEOPLE: &'static [Self] = &[
        Self::Failed,
        Self::Rejected,
        Self::Recovered,
        Self::Pushed,
        Self::RolledBack,
        Self::WaitingForApproval,
        Self::Drift,
        Self::ScheduleMissed,
    ];
    /// What programs hear of that do not say.
    pub const FOR_PROGRAMS: &'static [Self] = &[
        Self::Finished,
        Self::Judged,
        Self::Pushed,
        Self::RolledBack,
        Self::ScheduleMissed,
    ];

    /// As files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Recovered => "recovered",
            Self::Pushed => "pushed",
            Self::RolledBack => "rolled_back",
            Self::WaitingForApproval => "waiting_for_approval",
            Self::Drift => "drift",
            Self::ScheduleMissed => "schedule_missed",
            Self::Finished => "finished",
            Self::Judged => "judged",
        }
    }
}
