//! What GitHub shows: the commit status and the pull request comment.

use crate::run::Run;
use crate::spec::Problem;
use serde::{Deserialize, Serialize};

/// GitHub's commit status states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusState {
    /// Queued or running.
    Pending,
    /// The run succeeded and its model was approved or not judged.
    Success,
    /// The model was not approved.
    Failure,
    /// The run failed or was cancelled, or the pipeline file is wrong.
    Error,
}

/// A commit status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The state.
    pub state: StatusState,
    /// `trainyard/<pipeline>`.
    pub context: String,
    /// At most 140 characters.
    pub description: String,
}

/// The run's commit status; `None` when it has no commit to put it on. It changes only when the
/// run is queued, starts or ends, so an equal status need not be sent again.
pub fn status(run: &Run) -> Option<Status> {
    let _ = run;
    None
}

/// The status of a commit whose pipeline file is wrong; `name` is the pipeline's, or its folder's
/// when the file cannot even tell that.
pub fn invalid_pipeline_status(name: &str, problems: &[Problem]) -> Status {
    let _ = problems;
    Status { state: StatusState::Error, context: format!("trainyard/{name}"), description: String::new() }
}

/// The pull request comment, at most 65,535 characters; `None` unless the run is of a pull request
/// and over.
pub fn comment(run: &Run, details_url: &str) -> Option<String> {
    let _ = (run, details_url);
    None
}

/// The hidden first line by which the comment is found again.
pub fn marker(pipeline: &str) -> String {
    format!("<!-- trainyard:{pipeline} -->")
}
