//! Pushes and pull requests: the pipelines at their commits decide.

use super::interpretation::{Draft, Given, Interpretation};
use super::origin::Origin;
use super::pipelines::FoundPipeline;
use super::reason::Reason;
use crate::event::{Event, PullRequest, Push};
use crate::ids::{CommitSha, RepoName};
use crate::plan::{Plan, with_base_gate};
use crate::problem::Problem;
use crate::report::{self, Status, StatusState};
use crate::trigger::{Cause, Match, NotStarted, Why, matches};

/// A push: `found` are the pipelines at its new head, `changed` the paths between old and new head, if
/// that can be told.
pub fn push(push: &Push, found: &[FoundPipeline], changed: Option<&[String]>, given: Given<'_>) -> Interpretation {
    let event = Event::Push(push.clone());
    let origin = Origin::push(push);
    let mut draft = Draft::new(given);
    draft.expect_some(found, &push.repo, &push.after);
    for pipeline in found {
        match &pipeline.plan {
            Ok(plan) => draft.start_if(matches(plan, &event, changed), &origin, &pipeline.folder, plan),
            Err(problems) => draft.invalid(pipeline.name(), problems, &origin),
        }
    }
    draft.of(event)
}

/// A pull request: `base` and `head` are the pipelines at its two commits, `changed` the paths since it
/// left its base, if that can be told. Of a fork nothing is fetched, and the caller has the base's pipelines for both.
pub fn pull_request(
    pull: &PullRequest,
    base: &[FoundPipeline],
    head: &[FoundPipeline],
    changed: Option<&[String]>,
    given: Given<'_>,
) -> Interpretation {
    let event = Event::PullRequest(pull.clone());
    let origin = Origin::pull_request(pull);
    let mut draft = Draft::new(given);
    draft.expect_some(head, &pull.repo, &pull.head_sha);
    for pipeline in head {
        let plan = match &pipeline.plan {
            Ok(plan) => plan,
            Err(problems) => {
                draft.invalid(pipeline.name(), problems, &origin);
                continue;
            }
        };
        match matches(plan, &event, changed) {
            Match::Start(cause) | Match::Hold { cause, .. } => {
                draft.judge(&origin, &pipeline.folder, plan, base, &cause);
            }
            Match::No(not_started) => draft.not_judged(&origin, not_started),
        }
    }
    draft.of(event)
}

impl Draft<'_> {
    fn expect_some(&mut self, found: &[FoundPipeline], repo: &RepoName, commit: &CommitSha) {
        if found.is_empty() {
            self.because(Reason::NoPipelineFile {
                repo: repo.clone(),
                commit: commit.clone(),
            });
        }
    }

    /// A file that cannot be run is told to the commit, not only to the log.
    fn invalid(&mut self, name: &str, problems: &[Problem], origin: &Origin) {
        if let Some(first) = problems.first() {
            self.because(Reason::Invalid(first.clone()));
        }
        self.tell(origin, report::invalid_pipeline_status(name, problems));
    }

    /// The bar is the base's: a change cannot lower what it is judged by.
    fn judge(&mut self, origin: &Origin, folder: &str, plan: &Plan, base: &[FoundPipeline], cause: &Cause) {
        let mut merged = base.iter().filter_map(|found| found.plan.as_ref().ok());
        let same = merged.find(|merged| merged.pipeline == plan.pipeline);
        match with_base_gate(plan.clone(), same) {
            Ok(plan) => self.start(origin, folder, plan, cause),
            Err(gone) => self.unjudged(origin, &plan.pipeline, StatusState::Error, Reason::TakenAway(gone)),
        }
    }

    /// A pull request that a pipeline does not run for.
    fn not_judged(&mut self, origin: &Origin, not_started: NotStarted) {
        let state = match &not_started.why {
            Why::NotListening => return self.because(Reason::NotStarted(not_started)),
            // What nobody looked at must not look approved.
            Why::Fork => StatusState::Pending,
            // A required check that is never set would block the pull request for ever.
            _ => StatusState::Success,
        };
        let pipeline = not_started.pipeline.clone();
        self.unjudged(origin, &pipeline, state, Reason::NotStarted(not_started));
    }

    /// A pull request that starts no run hears why.
    fn unjudged(&mut self, origin: &Origin, pipeline: &str, state: StatusState, reason: Reason) {
        let status = Status {
            state,
            ..report::nothing_to_do_status(pipeline, &reason.sentence())
        };
        self.tell(origin, status);
        self.because(reason);
    }
}
