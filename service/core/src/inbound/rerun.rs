//! A run again: a new run of the same commit, plan and kind.

use super::interpretation::{Draft, Given, Interpretation};
use super::pipelines::KnownPipeline;
use super::reason::Reason;
use crate::event::{Event, Manual};
use crate::ids::{CommitSha, RunId};
use crate::report::PullRequestSeen;
use crate::run::{Rerun, RunRequest, RunState, Which};

/// A run that is to be repeated, with what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Repeated<'a> {
    /// As it was asked for.
    pub request: &'a RunRequest,
    /// Where it is.
    pub state: RunState,
    /// A run at work that repeats it already.
    pub by: Option<&'a RunId>,
    /// Its pull request, as far as it is known.
    pub pull: Option<&'a PullRequestSeen>,
}

/// Why a run is not repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRerun {
    /// It is not over.
    AtWork {
        /// The run.
        run: RunId,
    },
    /// Another one repeats it already.
    Already {
        /// The run.
        run: RunId,
        /// The one that repeats it.
        by: RunId,
    },
    /// It is of a folder on somebody's machine.
    Local {
        /// The run.
        run: RunId,
        /// The folder.
        folder: String,
    },
    /// Its pull request has other commits by now.
    OldHead {
        /// The run.
        run: RunId,
        /// The pull request.
        number: u64,
        /// The head.
        head: CommitSha,
    },
}

impl NotRerun {
    /// Why, and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::AtWork { run } => {
                format!("run {run} is not over yet: wait for its end, or cancel it first")
            }
            Self::Already { run, by } => format!("run {by} repeats run {run} already, and is not over yet"),
            Self::Local { run, folder } => format!(
                "run {run} is of a folder on a machine, which may have changed: run it there with `trainyard run {folder}`"
            ),
            Self::OldHead { run, number, head } => format!(
                "run {run} is of an older commit of pull request #{number}, whose head is {head} by now: ask for a run of that one"
            ),
        }
    }
}

/// Whether a run may be repeated now.
pub fn may_rerun(of: Repeated<'_>) -> Result<(), NotRerun> {
    let request = of.request;
    let run = request.id.clone();
    if request.repo.is_none() || request.commit.is_none() {
        let folder = request.folder.clone();
        return Err(NotRerun::Local { run, folder });
    }
    if !of.state.is_final() {
        return Err(NotRerun::AtWork { run });
    }
    if let Some(by) = of.by {
        return Err(NotRerun::Already { run, by: by.clone() });
    }
    // It would end, or be taken for, what is asked of the head.
    match (of.pull, &request.commit) {
        (Some(pull), Some(commit)) if pull.open && pull.head != *commit => Err(NotRerun::OldHead {
            run,
            number: pull.number,
            head: pull.head.clone(),
        }),
        _ => Ok(()),
    }
}

/// Whether an approved model of a run that is repeated may be pushed: where its commit is the head of its branch still,
/// and what was reviewed says the same of gate and target today.
pub fn may_push_again(of: &RunRequest, known: &[KnownPipeline], head: Option<&CommitSha>) -> bool {
    let reviewed = known
        .iter()
        .find(|known| Some(&known.repo) == of.repo.as_ref() && known.name == of.plan.pipeline);
    let Some(reviewed) = reviewed.filter(|_| of.may_push) else {
        return false;
    };
    let head = if of.branch.as_deref() == Some(reviewed.branch.as_str()) {
        Some(&reviewed.commit)
    } else {
        head
    };
    let gate = |plan: &crate::plan::Plan| plan.gate.as_ref().map(|gate| gate.gate.clone());
    head.is_some()
        && head == of.commit.as_ref()
        && gate(&reviewed.plan) == gate(&of.plan)
        && reviewed.plan.push == of.plan.push
}

/// The run that repeats another one.
pub fn rerun(of: &RunRequest, which: Which, actor: &str, may_push: bool, given: Given<'_>) -> Interpretation {
    let mut draft = Draft::new(given);
    let (id, event, created_at) = draft.ids();
    let cause = match &of.rerun {
        Some(_) => of.cause.split_once(": ").map_or(of.cause.as_str(), |(_, cause)| cause),
        None => &of.cause,
    };
    let run = RunRequest {
        id,
        event: Some(event),
        created_at,
        cause: format!("rerun by {actor} of {}: {cause}", which.words()),
        rerun: Some(Rerun {
            of: of.id.clone(),
            which,
        }),
        may_push,
        ..of.clone()
    };
    if of.may_push && !may_push {
        draft.because(Reason::OnlyJudged {
            pipeline: of.plan.pipeline.clone(),
        });
    }
    draft.begin(run);
    draft.of(Event::Manual(Manual {
        repo: of.repo.clone(),
        pipeline: of.plan.pipeline.clone(),
        git_ref: of.commit.as_ref().map(ToString::to_string),
        actor: actor.to_owned(),
        parameters: serde_json::Map::new(),
        spans: of.as_of_spans.clone(),
        no_push: !may_push,
    }))
}
