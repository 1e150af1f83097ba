//! What a person asked for on GitHub, on its way to be done.

use super::{Asked, Through};
use crate::ids::CommitSha;
use crate::stored::Stored;
use serde::{Deserialize, Serialize};

/// What was asked, with how far it is done: its commands in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// What was asked.
    pub asked: Asked,
    /// The head of the pull request, as far as it was known here when it was asked; what is asked is about no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<CommitSha>,
    /// What came of each command so far, in Markdown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
}

impl Stored for Ask {
    const WHAT: &'static str = "request by a comment or button";
    const VERSION: u32 = 1;
}

impl Ask {
    /// The pull request whose comment it is.
    pub fn pull_request(&self) -> Option<u64> {
        match &self.asked.through {
            Through::Comment { pull_request, .. } => Some(*pull_request),
            Through::CheckRun { .. } | Through::CheckSuite { .. } => None,
        }
    }
}
