//! What GitHub shows: the check run or commit status, and the pull request comment; and the messages that bring both there.

mod answer;
mod check;
mod check_run;
mod comment;
mod logs;
mod markdown;
mod message;
mod otlp;
mod outbox;
mod plan;
mod proposed_gate;
#[cfg(test)]
mod tests;

pub use answer::{Answering, refusal_marker};
pub use check::{Answer, AskedBy, BranchSeen, Finding, PullRequestSeen, Question, Remark, Subject, Telling, shown};
pub use check_run::{
    Action, Annotation, Call, CheckRun, CheckTold, Conclusion, MOST_ANNOTATIONS, Progress, call, grows_old_before,
};
pub use comment::{comment, marker};
pub use markdown::escape;
pub use message::{Comment, CommitStatus, Message, MessageKind, OutboxItem, Outgoing, Shown, Urgency};
pub use otlp::trace;
pub use outbox::Audience;
pub use plan::{PlanRow, images_sentence, plan_rows, plan_sentence, unbuilt};

use crate::figure::{self, Figures};
use crate::gate::{Blessing, Comparison, Verdict};
use crate::log;
use crate::problem::Problem;
use crate::run::{Run, RunState};
use crate::trigger::Cause;
use serde::{Deserialize, Serialize};

/// GitHub's limit of a status description, in characters.
const MAX_DESCRIPTION: usize = 140;

/// GitHub's commit status states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusState {
    /// Queued or running.
    Pending,
    /// The run succeeded and its model was approved, unchanged or not judged, or it was skipped.
    Success,
    /// The model was not approved, or a pull request's run was skipped before the gate.
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
    run.request.repo.as_ref().and(run.request.commit.as_ref())?;
    let summary = run.summary.as_deref().unwrap_or_default();
    let (state, description) = match run.state {
        RunState::WaitingForApproval => {
            let awaited = run.awaits().map(|awaited| awaited.short_sentence(&run.request.id));
            (StatusState::Pending, awaited.unwrap_or_default())
        }
        RunState::Queued => (StatusState::Pending, format!("waiting to run: {}", run.request.cause)),
        RunState::Running => (StatusState::Pending, format!("running: {}", run.request.cause)),
        RunState::Succeeded if blessing(run) == Some(Blessing::NotBlessed) => {
            (StatusState::Failure, summary.to_owned())
        }
        // A pull request may itself have asked for more spans than there are: no gate, no approval.
        RunState::Succeeded if run.request.pull_request.is_some() && unjudged(run) => {
            (StatusState::Failure, format!("not judged, {summary}"))
        }
        RunState::Succeeded => (StatusState::Success, summary.to_owned()),
        RunState::Failed => (StatusState::Error, summary.to_owned()),
        RunState::Cancelled => (StatusState::Error, summary.to_owned()),
    };
    Some(Status {
        state,
        context: context(&run.request.plan.pipeline),
        description: one_line(&description, MAX_DESCRIPTION),
    })
}

/// The status of a commit whose pipeline file is wrong; `name` is the pipeline's, or its folder's
/// when the file cannot even tell that.
pub fn invalid_pipeline_status(name: &str, problems: &[Problem]) -> Status {
    let description = match problems {
        [] => "the pipeline file is wrong".to_owned(),
        [only] => only.to_string(),
        [first, ..] => format!("{} problems, the first: {first}", problems.len()),
    };
    Status {
        state: StatusState::Error,
        context: context(name),
        description: one_line(&description, MAX_DESCRIPTION),
    }
}

/// The status of a commit that starts no run although the pipeline listens to its like: a required
/// check would otherwise wait for ever.
pub fn nothing_to_do_status(pipeline: &str, reason: &str) -> Status {
    let description = one_line(reason, MAX_DESCRIPTION);
    Status {
        state: StatusState::Success,
        context: context(pipeline),
        description,
    }
}

/// The status of a commit whose push was told, and that nobody looked at yet.
pub fn awaited_status(pipeline: &str, cause: &Cause) -> Status {
    let description = one_line(
        &format!("waiting to be looked at: {}", cause.sentence()),
        MAX_DESCRIPTION,
    );
    Status {
        state: StatusState::Pending,
        context: context(pipeline),
        description,
    }
}

fn context(pipeline: &str) -> String {
    format!("trainyard/{pipeline}")
}

fn blessing(run: &Run) -> Option<Blessing> {
    run.verdict.as_ref().map(|verdict| verdict.blessing())
}

/// Whether the run came to its end before its gate: it was skipped.
fn unjudged(run: &Run) -> bool {
    run.request.plan.gate.is_some() && run.verdict.is_none()
}

/// A difference for people, with its interval where there is one: `+0.0042 [+0.0010, +0.0074]`, `–`
/// without any. As many digits as show the interval's width, four decimals at least.
pub fn difference(row: &Comparison) -> String {
    let Some(value) = row.difference else {
        return "–".to_owned();
    };
    match row.interval {
        None => figure::signed(value),
        Some([lower, upper]) => match figure::within(upper - lower, &[value, lower, upper]).as_slice() {
            [value, lower, upper] => format!("{value} [{lower}, {upper}]"),
            _ => figure::signed(value),
        },
    }
}

/// The values of candidate and baseline for people: `0.6500`, `1.96e-14`, `–` without any. As many digits as tell
/// them apart.
pub fn values(row: &Comparison) -> [String; 2] {
    let values = [row.candidate, row.baseline];
    let figures = Figures::of(&values.into_iter().flatten().collect::<Vec<_>>());
    values.map(|value| value.map_or_else(|| "–".to_owned(), |value| figures.show(value)))
}

/// How a row of the table ended, in a sign.
pub fn mark(row: &Comparison) -> &'static str {
    match row.passed {
        Some(true) => "✓",
        Some(false) => "✗",
        None if row.threshold.is_empty() => "",
        None => "too small",
    }
}

/// What the column of [`difference`] is called: `difference`, or `difference, 95% interval`.
pub fn difference_heading(verdict: &Verdict) -> String {
    match verdict.interval_level() {
        None => "difference".to_owned(),
        Some(level) => format!("difference, {} interval", figure::level(level)),
    }
}

/// Text without line breaks or control characters, cut to `most` characters.
fn one_line(text: &str, most: usize) -> String {
    let text = log::one_line(text);
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let cut: String = line.chars().take(most - 1).collect();
    format!("{}…", cut.trim_end())
}
