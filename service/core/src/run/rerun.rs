//! A run that repeats another one.

use crate::ids::RunId;
use serde::{Deserialize, Serialize};

/// What a run repeats: the same commit, plan and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rerun {
    /// The run.
    pub of: RunId,
    /// How much of it.
    pub which: Which,
}

/// How much is run again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// What did not succeed: for the rest, what was made stands in, as long as it would be made of the same.
    #[default]
    Failed,
    /// Every step, whatever was made before.
    All,
}

impl Which {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Failed => "what did not succeed",
            Self::All => "every step",
        }
    }
}
