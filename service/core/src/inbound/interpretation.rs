//! What an event means, as it is put together.

use super::hold::{Hold, HoldPayload};
use super::origin::Origin;
use super::reason::Reason;
use crate::event::Event;
use crate::ids::{EventId, Micros, RunId};
use crate::plan::Plan;
use crate::report::{Audience, OutboxItem, Status};
use crate::run::RunRequest;
use crate::trigger::{Cause, Match};

/// What follows from an event.
///
/// Events that ask for the end of a run, for an approval or for a promotion (a comment on a pull request, a review)
/// will have their consequences here. That a newer run overtakes an older one is not one of them: it depends on what
/// is at work at that moment, and [`admission`](crate::admission) finds it anew at each look.
#[derive(Clone, Debug, PartialEq)]
pub enum Consequence {
    /// A run starts.
    Start(Box<RunRequest>),
    /// A data arrival waits for more.
    Hold(Hold),
    /// GitHub must hear something.
    Tell(OutboxItem),
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
}

impl Interpretation {
    /// An event from which nothing follows.
    pub fn nothing(id: EventId, event: Event, reason: Reason) -> Self {
        Self {
            id,
            event,
            consequences: Vec::new(),
            reasons: vec![reason],
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
        let starts = |run: &RunRequest| format!("run {} of pipeline '{}' starts", run.id, run.plan.pipeline);
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
}

impl<'a> Draft<'a> {
    pub(super) fn new(given: Given<'a>) -> Self {
        Self {
            given,
            consequences: Vec::new(),
            reasons: Vec::new(),
        }
    }

    pub(super) fn of(self, event: Event) -> Interpretation {
        Interpretation {
            id: self.given.event,
            event,
            consequences: self.consequences,
            reasons: self.reasons,
        }
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
        let ids = ((self.given.run_ids)(), self.given.event.clone(), self.given.at);
        origin.request(ids, folder, plan, cause)
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

    /// A status of the origin's commit, which has no run.
    pub(super) fn tell(&mut self, origin: &Origin, status: Status) {
        if let (Some(repo), Some(commit)) = (&origin.repo, &origin.commit) {
            let item = OutboxItem::without_run(repo, origin.installation_id, commit, status);
            self.consequences.push(Consequence::Tell(item));
        }
    }
}
