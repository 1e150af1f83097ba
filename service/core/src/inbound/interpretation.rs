//! What an event means, as it is put together.

use super::hold::{Hold, HoldPayload};
use super::origin::Origin;
use super::reason::Reason;
use crate::command::Ask;
use crate::event::{Event, PullRequest, PullRequestAction, Push};
use crate::ids::{EventId, Micros, RunId};
use crate::plan::Plan;
use crate::problem::Problem;
use crate::report::{
    Answer, AskedBy, Audience, BranchSeen, CheckRun, Finding, PullRequestSeen, Question, Status, Subject, Telling,
};
use crate::run::RunRequest;
use crate::trigger::{Cause, Look, Match, meet};

/// What follows from an event.
///
/// That a newer run overtakes an older one is not one of them: it depends on what is at work at that moment, and
/// [`admission`](crate::admission) finds it anew at each look.
#[derive(Clone, Debug, PartialEq)]
pub enum Consequence {
    /// A run starts.
    Start(Box<RunRequest>),
    /// A data arrival waits for more.
    Hold(Hold),
    /// GitHub must hear something.
    Tell(Telling),
    /// A pull request was seen: what its commits are asked follows from it, also where the event was seen before.
    See(PullRequestSeen),
    /// A push brought a branch somewhere.
    SeeBranch(BranchSeen),
    /// Something is to be done that a person asked for on GitHub.
    Ask(Box<Ask>),
}

/// What the caller brings along: core has no ids, no clock and no settings.
pub struct Given<'a> {
    /// The event's id.
    pub event: EventId,
    /// Now.
    pub at: Micros,
    /// Makes run ids; later ones sort after earlier ones.
    pub run_ids: Box<dyn FnMut() -> RunId + Send + 'a>,
    /// Who hears of new runs.
    pub audience: &'a Audience,
}

/// An event with what follows from it; stored in one transaction, or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Interpretation {
    /// The event's id.
    pub id: EventId,
    /// What happened.
    pub event: Event,
    /// What follows, in order.
    pub consequences: Vec<Consequence>,
    /// Why pipelines do not run, or not yet.
    pub reasons: Vec<Reason>,
    /// How each pipeline's triggers met it.
    pub looks: Vec<Look>,
    /// Whether it was looked at; the same fact may come again if not.
    pub looked_at: bool,
}

impl Interpretation {
    /// An event from which nothing follows.
    pub fn nothing(id: EventId, event: Event, reason: Reason) -> Self {
        Self {
            id,
            event,
            consequences: Vec::new(),
            reasons: vec![reason],
            looks: Vec::new(),
            looked_at: true,
        }
    }

    /// An event that could not be looked at, and never will be.
    pub fn given_up(id: EventId, event: Event, reason: Reason) -> Self {
        Self {
            looked_at: false,
            ..Self::nothing(id, event, reason)
        }
    }

    /// The runs that start.
    pub fn runs(&self) -> impl Iterator<Item = &RunRequest> {
        self.consequences.iter().filter_map(|consequence| match consequence {
            Consequence::Start(run) => Some(run.as_ref()),
            _ => None,
        })
    }

    /// In one line: the runs that start, and why other pipelines do not run, or not yet.
    pub fn outcome(&self) -> String {
        let starts = |run: &RunRequest| {
            let what = match &run.fork {
                Some(_) => "waits for approval, since its commit comes from a fork",
                None => "starts",
            };
            format!("run {} of pipeline '{}' {what}", run.id, run.plan.pipeline)
        };
        let sentences: Vec<String> = self
            .runs()
            .map(starts)
            .chain(self.reasons.iter().map(Reason::sentence))
            .collect();
        sentences.join("; ")
    }
}

/// An interpretation that grows.
pub(super) struct Draft<'a> {
    given: Given<'a>,
    consequences: Vec<Consequence>,
    reasons: Vec<Reason>,
    looks: Vec<Look>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(given: Given<'a>) -> Self {
        Self {
            given,
            consequences: Vec::new(),
            reasons: Vec::new(),
            looks: Vec::new(),
        }
    }

    pub(super) fn of(self, event: Event) -> Interpretation {
        Interpretation {
            id: self.given.event,
            event,
            consequences: self.consequences,
            reasons: self.reasons,
            looks: self.looks,
            looked_at: true,
        }
    }

    /// Whether nothing was said yet.
    pub(super) fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Whether a pipeline's triggers start a run of it; how they met the event is kept.
    pub(super) fn meet(&mut self, plan: &Plan, folder: &str, event: &Event, changed: Option<&[String]>) -> Match {
        let (matched, look) = meet(plan, folder, event, changed);
        self.look(look);
        matched
    }

    /// How a pipeline's triggers met the event.
    pub(super) fn look(&mut self, look: Look) {
        self.looks.push(look);
    }

    pub(super) fn because(&mut self, reason: Reason) {
        self.reasons.push(reason);
    }

    /// A run of `plan`.
    pub(super) fn start(&mut self, origin: &Origin, folder: &str, plan: Plan, cause: &Cause) {
        let run = self.request(origin, folder, plan, cause);
        self.begin(run);
    }

    /// What a run of `plan` asks for; it does not begin yet.
    pub(super) fn request(&mut self, origin: &Origin, folder: &str, plan: Plan, cause: &Cause) -> RunRequest {
        let ids = self.ids();
        origin.request(ids, folder, plan, cause)
    }

    /// What a run of its own is made of: its id, its event and its time.
    pub(super) fn ids(&mut self) -> (RunId, EventId, Micros) {
        ((self.given.run_ids)(), self.given.event.clone(), self.given.at)
    }

    /// A run with its first status.
    pub(super) fn begin(&mut self, run: RunRequest) {
        let first = self.given.audience.of_new(&run);
        self.consequences.push(Consequence::Start(Box::new(run)));
        self.consequences.extend(first.into_iter().map(Consequence::Tell));
    }

    /// A run, or the reason for none.
    pub(super) fn start_if(&mut self, matched: Match, origin: &Origin, folder: &str, plan: &Plan) {
        match matched {
            Match::Start(cause) | Match::Hold { cause, .. } => self.start(origin, folder, plan.clone(), &cause),
            Match::No(not_started) => self.because(Reason::NotStarted(not_started)),
        }
    }

    pub(super) fn hold(&mut self, payload: HoldPayload, seconds: u64) {
        self.consequences.push(Consequence::Hold(Hold {
            until: self.given.at.plus_seconds(seconds),
            event: self.given.event.clone(),
            payload,
        }));
    }

    /// Something to be done.
    pub(super) fn ask(&mut self, ask: Ask) {
        self.consequences.push(Consequence::Ask(Box::new(ask)));
    }

    /// A pull request as the event tells of it.
    pub(super) fn see(&mut self, pull: &PullRequest) {
        self.consequences.push(Consequence::See(PullRequestSeen {
            repo: pull.repo.clone(),
            number: pull.number,
            open: pull.action != PullRequestAction::Closed,
            base: pull.base_branch.clone(),
            head: pull.head_sha.clone(),
            at: pull.updated_at.unwrap_or(self.given.at),
        }));
    }

    /// A branch as the push tells of it.
    pub(super) fn see_branch(&mut self, push: &Push) {
        self.consequences.push(Consequence::SeeBranch(BranchSeen {
            repo: push.repo.clone(),
            branch: push.branch.clone(),
            head: push.after.clone(),
        }));
    }

    /// A status of the origin's commit, which has no run: `why` in whole, and the `problems` of its files.
    pub(super) fn tell(
        &mut self,
        origin: &Origin,
        pipeline: &str,
        (finding, status): (Finding, Status),
        why: &str,
        problems: &[Problem],
    ) {
        let (Some(repo), Some(commit)) = (&origin.repo, &origin.commit) else {
            return;
        };
        let (asked_by, base) = match origin.pull_request {
            Some(_) => (AskedBy::PullRequest, &origin.base),
            None => (AskedBy::Branch, &origin.branch),
        };
        let asked = self.given.event.to_string();
        let check = CheckRun::of_finding((&asked, self.given.at), finding.conclusion(status.state), why, problems);
        self.consequences
            .push(Consequence::Tell(Telling::Answer(Box::new(Answer {
                subject: Subject {
                    repo: repo.clone(),
                    commit: commit.clone(),
                    pipeline: pipeline.to_owned(),
                },
                question: Question {
                    asked_by,
                    base: base.clone().unwrap_or_default(),
                },
                asked,
                pull_request: origin.pull_request,
                finding,
                status,
                check: Some(Box::new(check)),
                target_url: None,
                installation_id: origin.installation_id,
            }))));
    }
}
