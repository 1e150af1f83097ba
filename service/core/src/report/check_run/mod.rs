//! A check run of GitHub's Checks API, beside the status that older GitHubs and tokens show: what it says of a commit,
//! with a table, annotations and buttons. Limits and fields are those of its published REST description.

mod call;
mod place;
mod summary;
mod text;

pub use call::{Call, CheckTold, call, grows_old_before};

use super::{Status, StatusState, blessing, unjudged};
use crate::gate::Blessing;
use crate::ids::Micros;
use crate::problem::Problem;
use crate::run::{Run, RunState, StepState};
use serde::{Deserialize, Serialize};

/// How many annotations one request may have; more follow in others.
pub const MOST_ANNOTATIONS: usize = 50;
/// More annotations than this say nothing more.
const MOST_IN_ALL: usize = 200;

/// What a check run shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRun {
    /// The run that it tells of; the event that found nothing to run, where there is none.
    pub external_id: String,
    /// How far it is.
    pub progress: Progress,
    /// Markdown, at most 65,535 bytes.
    pub summary: String,
    /// What is wrong, where in the repository's files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
    /// Buttons, three at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// When work on it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Micros>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Micros>,
}

/// How far a check run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// It waits for its turn.
    Queued,
    /// It is at work.
    InProgress,
    /// It is over.
    Completed(Conclusion),
}

/// GitHub's conclusions, without `stale`, which only GitHub gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Approved, unchanged, or nothing was to be judged.
    Success,
    /// Not approved, or it went wrong.
    Failure,
    /// Nobody can say: it keeps nothing from a merge.
    Neutral,
    /// Somebody or something ended it.
    Cancelled,
    /// A step's time was up.
    TimedOut,
    /// It waits for a person.
    ActionRequired,
    /// There was nothing to do.
    Skipped,
}

/// A button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Run it again.
    Rerun,
    /// Let it go on.
    Approve,
    /// Let it not go on.
    Reject,
}

/// What is wrong at a line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// The file's path in the repository.
    pub path: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What it is about, at most 255 characters.
    pub title: String,
    /// One sentence, at most 64 KB.
    pub message: String,
}

impl Progress {
    /// GitHub's `status`.
    pub fn status(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed(_) => "completed",
        }
    }

    /// GitHub's `conclusion`, once there is one.
    pub fn conclusion(self) -> Option<Conclusion> {
        match self {
            Self::Queued | Self::InProgress => None,
            Self::Completed(conclusion) => Some(conclusion),
        }
    }
}

impl Conclusion {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Success,
        Self::Failure,
        Self::Neutral,
        Self::Cancelled,
        Self::TimedOut,
        Self::ActionRequired,
        Self::Skipped,
    ];

    /// As GitHub writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::ActionRequired => "action_required",
            Self::Skipped => "skipped",
        }
    }

    /// Whether a required check lets a merge through.
    pub fn lets_through(self) -> bool {
        matches!(self, Self::Success | Self::Neutral | Self::Skipped)
    }
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rerun, Self::Approve, Self::Reject];

    /// By what it comes back in `check_run.requested_action`, at most 20 characters.
    pub fn identifier(self) -> &'static str {
        match self {
            Self::Rerun => "rerun",
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }

    /// On the button, at most 20 characters.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rerun => "Rerun",
            Self::Approve => "Approve model",
            Self::Reject => "Reject",
        }
    }

    /// Beside it, at most 40 characters.
    pub fn description(self) -> &'static str {
        match self {
            Self::Rerun => "Run this pipeline again",
            Self::Approve => "Let what waits here go on",
            Self::Reject => "Let what waits here not go on",
        }
    }
}

impl CheckRun {
    /// A run's, as far as it is; people read on at `url`.
    pub(super) fn of_run(run: &Run, url: Option<&str>) -> Self {
        let progress = progress(run);
        let over = progress.conclusion().is_some();
        Self {
            external_id: run.request.id.to_string(),
            progress,
            summary: text::cut(summary::of_run(run, url)),
            annotations: if over { place::of_run(run) } else { Vec::new() },
            actions: match run.state {
                RunState::WaitingForApproval => vec![Action::Approve, Action::Reject],
                _ if over => vec![Action::Rerun],
                _ => Vec::new(),
            },
            started_at: run.started_at,
            completed_at: run.ended_at.filter(|_| over),
        }
    }

    /// That of a commit that nobody looked at yet, of which a delivery tells.
    pub(crate) fn awaited(delivery: &str, status: &Status) -> Self {
        Self {
            progress: Progress::Queued,
            ..Self::of_status(delivery, status)
        }
    }

    /// That of a commit for which nothing runs; `why` in whole, and `problems` with their places.
    pub(crate) fn of_finding(
        (asked, at): (&str, Micros),
        conclusion: Conclusion,
        why: &str,
        problems: &[Problem],
    ) -> Self {
        Self {
            external_id: asked.to_owned(),
            progress: Progress::Completed(conclusion),
            summary: text::cut(summary::of_finding(why, problems)),
            annotations: place::of_problems(problems),
            actions: Vec::new(),
            started_at: None,
            completed_at: Some(at),
        }
    }

    /// What is shown where nothing but a status is known: an older version stored no more.
    pub(super) fn of_status(asked: &str, status: &Status) -> Self {
        let progress = match status.state {
            StatusState::Pending => Progress::InProgress,
            StatusState::Success => Progress::Completed(Conclusion::Success),
            StatusState::Failure | StatusState::Error => Progress::Completed(Conclusion::Failure),
        };
        Self {
            external_id: asked.to_owned(),
            progress,
            summary: text::cut(super::markdown::escape(&status.description)),
            annotations: Vec::new(),
            actions: Vec::new(),
            started_at: None,
            completed_at: None,
        }
    }
}

fn progress(run: &Run) -> Progress {
    let conclusion = match (run.state, blessing(run)) {
        (RunState::WaitingForApproval, _) => Conclusion::ActionRequired,
        (RunState::Queued, _) => return Progress::Queued,
        (RunState::Running, _) => return Progress::InProgress,
        (RunState::Cancelled, _) => Conclusion::Cancelled,
        (RunState::Failed, _) if timed_out(run) => Conclusion::TimedOut,
        (RunState::Failed, _) | (_, Some(Blessing::NotBlessed)) => Conclusion::Failure,
        (_, Some(Blessing::NotEvaluated)) => Conclusion::Neutral,
        (_, Some(Blessing::Blessed | Blessing::Unchanged)) => Conclusion::Success,
        // A pull request may itself have asked for more spans than there are: no gate, no approval.
        (_, None) if run.request.pull_request.is_some() && unjudged(run) => Conclusion::Failure,
        (_, None) if was_skipped(run) => Conclusion::Skipped,
        (_, None) => Conclusion::Success,
    };
    Progress::Completed(conclusion)
}

/// Whether what failed it is that a step's time was up.
fn timed_out(run: &Run) -> bool {
    let failed = run
        .steps
        .values()
        .filter(|step| matches!(step.state, StepState::Failed { .. }));
    failed.clone().next().is_some() && failed.into_iter().all(|step| step.timed_out)
}

/// Whether it came to no result, since its data are not there yet.
fn was_skipped(run: &Run) -> bool {
    let skipped = |step: &StepState| matches!(step, StepState::Skipped { .. });
    unjudged(run) || !run.steps.is_empty() && run.steps.values().all(|step| skipped(&step.state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_keep_to_their_limits() {
        for action in Action::ALL {
            assert!(action.identifier().chars().count() <= 20, "{action:?}");
            assert!(action.label().chars().count() <= 20, "{action:?}");
            assert!(action.description().chars().count() <= 40, "{action:?}");
        }
    }

    #[test]
    fn words_are_those_that_are_stored() {
        for conclusion in Conclusion::ALL {
            let stored = serde_json::to_value(conclusion).unwrap();
            assert_eq!(stored, conclusion.as_str());
        }
    }
}
