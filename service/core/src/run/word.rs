//! What a run that waits for a person is bound to, and the word that it waits for.

use crate::ids::CommitSha;
use serde::{Deserialize, Serialize};

/// Who asks for the end of a fork's run when its pull request has other commits.
pub const VOIDED_BY_PUSH: &str = "a new push to its pull request, which voids an approval";
/// The same for another base.
pub const VOIDED_BY_BASE: &str = "the new base of its pull request, which voids an approval";
/// The same for a pull request that is over.
pub const VOIDED_BY_CLOSING: &str = "the closing of its pull request, which voids an approval";

/// The stranger's repository that a run's commit comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// Its number; `None` when it is gone.
    pub repo_id: Option<i64>,
    /// The commit of the base whose pipeline file and Dockerfiles say what may be done.
    pub base_sha: CommitSha,
}

/// A person's word on a run: who and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Who.
    pub by: String,
    /// The number of their account at GitHub, if the word came from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<i64>,
    /// Why.
    pub reason: String,
}

/// The two answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It may go on.
    Approve,
    /// It ends.
    Reject,
}
