//! Pushes and pull requests: the pipelines at their commits decide.

use super::interpretation::{Draft, Given, Interpretation};
use super::origin::Origin;
use super::pipelines::{FoundPipeline, told_apart};
use super::reason::Reason;
use crate::event::{Event, PullRequest, PullRequestAction, Push};
use crate::ids::{CommitSha, RepoName};
use crate::plan::{Plan, narrow, narrowed, of_stranger, with_reviewed_rights};
use crate::problem::Problem;
use crate::report::{self, Finding, Status, StatusState};
use crate::run::RunRequest;
use crate::trigger::{Cause, Look, Match, NotStarted, Why};

/// A push: `found` are the pipelines at its new head, `changed` the paths between old and new head, if that can be told.
/// `reviewed` are those of the default branch, `None` for a push to it.
pub fn push(
    push: &Push,
    found: &[FoundPipeline],
    reviewed: Option<&[FoundPipeline]>,
    changed: Option<&[String]>,
    given: Given<'_>,
) -> Interpretation {
    let event = Event::Push(push.clone());
    let origin = Origin::push(push);
    let mut draft = Draft::new(given);
    draft.see_branch(push);
    draft.expect_some(found, &push.repo, &push.after);
    for pipeline in draft.apart(found, &origin) {
        let plan = match &pipeline.plan {
            Ok(plan) => plan,
            Err(problems) => {
                let name = pipeline.name_beside(reviewed.unwrap_or_default());
                draft.invalid(pipeline, name, problems, &origin);
                continue;
            }
        };
        let Some(reviewed) = reviewed else {
            let matched = draft.meet(plan, &pipeline.folder, &event, changed);
            draft.start_if(matched, &origin, &pipeline.folder, plan);
            continue;
        };
        let reviewed = named(reviewed, &plan.pipeline);
        match draft.meet(reviewed.unwrap_or(plan), &pipeline.folder, &event, changed) {
            Match::Start(cause) | Match::Hold { cause, .. } => {
                let default = push.default_branch.as_deref().unwrap_or_default();
                draft.judge(&origin, pipeline, plan, (reviewed, default), &cause);
            }
            Match::No(not_started) => draft.because(Reason::NotStarted(not_started)),
        }
    }
    draft.of(event)
}

/// A push whose head commit asks for no run by this word.
pub fn skipped_push(push: &Push, word: &'static str, given: Given<'_>) -> Interpretation {
    let mut draft = Draft::new(given);
    draft.see_branch(push);
    draft.because(Reason::Skipped {
        commit: push.after.clone(),
        word,
    });
    draft.of(Event::Push(push.clone()))
}

/// A pull request whose head commit asks for no run: what would have been judged is not, and does not look so.
pub fn skipped_pull_request(
    pull: &PullRequest,
    base: &[FoundPipeline],
    changed: Option<&[String]>,
    word: &'static str,
    given: Given<'_>,
) -> Interpretation {
    let event = Event::PullRequest(pull.clone());
    let origin = Origin::pull_request(pull);
    let mut draft = Draft::new(given);
    draft.see(pull);
    let reason = Reason::Skipped {
        commit: pull.head_sha.clone(),
        word,
    };
    let (apart, _) = told_apart(base);
    for pipeline in apart {
        let Ok(plan) = &pipeline.plan else { continue };
        match draft.meet(plan, &pipeline.folder, &event, changed) {
            Match::No(not_started) => draft.not_judged(&origin, not_started),
            _ => draft.unjudged(&origin, &plan.pipeline, StatusState::Pending, reason.clone(), &[]),
        }
    }
    if draft.is_empty() {
        draft.because(reason);
    }
    draft.of(event)
}

/// A pull request: `base` and `head` are the pipelines at its two commits, `changed` the paths since it
/// left its base, if that can be told. Of a fork the caller has the base's pipelines for both: what a stranger wrote there
/// is not even read, and what runs of it waits for a person.
/// `default` are those of the default branch, `None` for a pull request into it: nobody may have reviewed another base.
pub fn pull_request(
    pull: &PullRequest,
    base: &[FoundPipeline],
    default: Option<&[FoundPipeline]>,
    head: &[FoundPipeline],
    changed: Option<&[String]>,
    given: Given<'_>,
) -> Interpretation {
    let event = Event::PullRequest(pull.clone());
    let origin = Origin::pull_request(pull);
    let mut draft = Draft::new(given);
    draft.see(pull);
    if pull.action == PullRequestAction::Closed {
        draft.because(Reason::Closed {
            repo: pull.repo.clone(),
            number: pull.number,
        });
        if base.is_empty() {
            return draft.of(event);
        }
    }
    draft.expect_some(head, &pull.repo, &pull.head_sha);
    for pipeline in draft.apart(head, &origin) {
        let plan = match &pipeline.plan {
            Ok(plan) => plan,
            Err(problems) => {
                draft.invalid(pipeline, pipeline.name_beside(base), problems, &origin);
                continue;
            }
        };
        let merged = named(base, &plan.pipeline);
        match draft.meet(merged.unwrap_or(plan), &pipeline.folder, &event, changed) {
            Match::Start(cause) | Match::Hold { cause, .. } => {
                let mut plan = plan.clone();
                if let Some(default) = default {
                    narrow(&mut plan, named(default, pipeline.name()));
                }
                draft.judge(&origin, pipeline, &plan, (merged, &pull.base_branch), &cause);
            }
            // What is judged is as it was, and was answered.
            Match::No(not_started)
                if pull.action.changes_nothing_judged() || pull.action == PullRequestAction::Closed =>
            {
                draft.because(Reason::NotStarted(not_started));
            }
            Match::No(not_started) => draft.not_judged(&origin, not_started),
        }
    }
    draft.not_here(&origin, base, head);
    draft.of(event)
}

/// The pipeline of that name, if it can be run and is the only one.
pub(super) fn named<'a>(found: &'a [FoundPipeline], name: &str) -> Option<&'a Plan> {
    let (apart, _) = told_apart(found);
    apart
        .into_iter()
        .filter_map(|found| found.plan.as_ref().ok())
        .find(|plan| plan.pipeline == name)
}

impl Draft<'_> {
    pub(super) fn expect_some(&mut self, found: &[FoundPipeline], repo: &RepoName, commit: &CommitSha) {
        if found.is_empty() {
            self.because(Reason::NoPipelineFile {
                repo: repo.clone(),
                commit: commit.clone(),
            });
        }
    }

    /// The pipelines that can be told apart; the commit hears of the others.
    pub(super) fn apart<'f>(&mut self, found: &'f [FoundPipeline], origin: &Origin) -> Vec<&'f FoundPipeline> {
        let (apart, same) = told_apart(found);
        for same in same {
            let name = same.name.clone();
            for file in &same.files {
                let folder = file.trim_end_matches("/pipeline.yaml");
                self.look(Look::not_asked(&name, folder, same.sentence()));
            }
            let of_file = |file: &String| Problem::whole(file, same.sentence(), None);
            let problems: Vec<Problem> = same.files.iter().map(of_file).collect();
            self.unjudged(origin, &name, StatusState::Error, Reason::SameName(same), &problems);
        }
        apart
    }

    /// A file that cannot be run is told to the commit, not only to the log.
    pub(super) fn invalid(&mut self, found: &FoundPipeline, name: &str, problems: &[Problem], origin: &Origin) {
        if let Some(first) = problems.first() {
            self.look(Look::not_asked(name, &found.folder, first.to_string()));
            self.because(Reason::Invalid(first.clone()));
        }
        let status = report::invalid_pipeline_status(name, problems);
        let why = match problems {
            [] | [_] => status.description.clone(),
            [_, _, ..] => format!("{} problems", problems.len()),
        };
        self.tell(origin, name, (Finding::Unjudged, status), &why, problems);
    }

    /// A required check of the base's would be waited for for ever where the commit does not have its pipeline: it was
    /// removed, or came later.
    fn not_here(&mut self, origin: &Origin, base: &[FoundPipeline], head: &[FoundPipeline]) {
        let (apart, _) = told_apart(base);
        for pipeline in apart {
            let Ok(plan) = &pipeline.plan else { continue };
            let here = |found: &FoundPipeline| found.name_beside(base) == plan.pipeline;
            if plan.triggers.pull_request.is_none() || head.iter().any(here) {
                continue;
            }
            let reason = Reason::NotHere {
                pipeline: plan.pipeline.clone(),
                base: origin.base.clone().unwrap_or_default(),
            };
            self.unjudged(origin, &plan.pipeline, StatusState::Success, reason, &[]);
        }
    }

    /// A run with the bar and the rights of the reviewed file: a change cannot lower what it is judged by, nor give
    /// itself a way to a target or to the network.
    pub(super) fn judge(
        &mut self,
        origin: &Origin,
        found: &FoundPipeline,
        plan: &Plan,
        (reviewed, branch): (Option<&Plan>, &str),
        cause: &Cause,
    ) {
        match with_reviewed_rights(plan.clone(), reviewed) {
            Ok(judged) => {
                let judged = match &origin.fork {
                    Some(_) => of_stranger(judged),
                    None => judged,
                };
                let steps: Vec<_> = narrowed(plan, &judged).cloned().collect();
                if !steps.is_empty() && origin.fork.is_none() {
                    self.because(Reason::NoNetwork {
                        pipeline: plan.pipeline.clone(),
                        steps,
                        branch: branch.to_owned(),
                    });
                }
                let run = self.request(origin, &found.folder, judged, cause);
                let may_push = run.may_push && reviewed.is_some();
                self.begin(RunRequest { may_push, ..run });
            }
            Err(gone) => {
                let file = format!("{}/pipeline.yaml", found.folder);
                let problem = Problem::whole(&file, gone.to_string(), None);
                let reason = Reason::TakenAway(gone);
                self.unjudged(origin, &plan.pipeline, StatusState::Error, reason, &[problem]);
            }
        }
    }

    /// A pull request that a pipeline does not run for.
    fn not_judged(&mut self, origin: &Origin, not_started: NotStarted) {
        let state = match &not_started.why {
            Why::NotListening => return self.because(Reason::NotStarted(not_started)),
            // What nobody looked at must not look approved.
            Why::OtherTypes(_) | Why::OtherLabels(_) => StatusState::Pending,
            // A required check that is never set would block the pull request for ever.
            _ => StatusState::Success,
        };
        let pipeline = not_started.pipeline.clone();
        self.unjudged(origin, &pipeline, state, Reason::NotStarted(not_started), &[]);
    }

    /// A commit for which no run starts hears why.
    fn unjudged(&mut self, origin: &Origin, pipeline: &str, state: StatusState, reason: Reason, problems: &[Problem]) {
        let why = reason.told();
        let status = Status {
            state,
            ..report::nothing_to_do_status(pipeline, &why)
        };
        let finding = match state {
            StatusState::Success => Finding::Nothing,
            _ => Finding::Unjudged,
        };
        self.tell(origin, pipeline, (finding, status), &why, problems);
        self.because(reason);
    }
}
