//! How the runs of one pipeline on one branch have been lately: what makes the difference between news and a storm.

use crate::ids::{Micros, RunId};
use crate::plan::Condition;
use crate::stored::Stored;
use serde::{Deserialize, Serialize};

/// How a pipeline is on a branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// *Failed* or *rejected*, and the first run of which that is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Found>,
    /// The first run whose data drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Found>,
    /// When the newest run was asked for that is known here; what an older one finds is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Micros>,
}

/// Something that is so since a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What.
    pub what: Condition,
    /// The run.
    pub run: RunId,
    /// When it was over.
    pub at: Micros,
}

impl Stored for Health {
    const WHAT: &'static str = "health of a pipeline";
    const VERSION: u32 = 1;
}
