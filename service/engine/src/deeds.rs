//! What people do, each between two entries of the audit: the first says that it is about to be done, so that nothing is
//! done unseen, and the second what came of it.

use crate::engine::Engine;
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::inbound::manual::{ManualError, RunAsked};
use crate::inbound::rerun::RerunError;
use crate::registry::aliases::AliasError;
use crate::registry::promote::{PromoteRequest, Promoted, PromotionError};
use crate::registry::reconcile::{Keep, Reconciled};
use crate::registry::rollback::RolledBack;
use crate::run::approval::{self, ApprovalError, Decided};
use serde_json::{Map, Value};
use std::fmt::Display;
use trainyard_core::access::Deed;
use trainyard_core::ids::{DeliveryId, RepoName, RunId};
use trainyard_core::registry::{Alias, NewTargetHold};
use trainyard_core::run::{Answer, Person, Which};
use trainyard_store::{AskedAnew, NewDeed, Over, SessionRow, StoreError, Token};

/// Characters of what something is done to.
const LONGEST_SUBJECT: usize = 500;

/// Whether it was done, and what came of it.
type End = (bool, Option<String>);

impl Engine {
    /// Does it, and keeps who did.
    pub(crate) async fn noted<T, E>(
        &self,
        (deed, actor, reason): (Deed, &str, Option<&str>),
        subject: String,
        work: impl Future<Output = Result<T, E>>,
        end: impl FnOnce(&T) -> End,
    ) -> Result<T, E>
    where
        E: From<StoreError> + Display,
    {
        let store = &self.runs.store;
        let new = NewDeed {
            actor: actor.to_owned(),
            deed,
            subject,
            reason: reason.filter(|reason| !reason.trim().is_empty()).map(str::to_owned),
            at: now(),
        };
        let number = passing(Effect::BeginDeed, store.begin_deed(new)).await?;
        let done = work.await;
        let (well, outcome) = match &done {
            Ok(done) => end(done),
            Err(error) => (false, Some(error.to_string())),
        };
        let ended = passing(Effect::EndDeed, store.end_deed(number, well, outcome.as_deref())).await;
        // It is done or not, whether or not that can be written.
        if let Err(error) = ended {
            tracing::warn!(number, %error, "the audit does not say what came of it");
        }
        done
    }

    /// Has a delivery looked at anew, as a person asks for it; where runs followed from it only if it is `forced`.
    pub async fn replay_delivery(&self, id: &DeliveryId, actor: &str, forced: bool) -> Result<AskedAnew, StoreError> {
        let replay = self.inbound.replay(id, actor, forced);
        let deed = (Deed::ReplayDelivery, actor, None);
        let end = |asked: &AskedAnew| match asked {
            AskedAnew::Waits => (true, None),
            AskedAnew::WaitedAlready => (false, Some("it waits to be looked at already".to_owned())),
            AskedAnew::Started(_) => (false, Some("runs followed from it".to_owned())),
            AskedAnew::Heard => (false, Some("what was asked in it was heard".to_owned())),
        };
        let subject = match forced {
            true => format!("{id}, whatever followed from it"),
            false => id.to_string(),
        };
        self.noted(deed, subject, replay, end).await
    }

    /// Makes a run of a known pipeline at the head of its default branch, as far as a push told us.
    /// `parameters` replace the file's. The run is queued like any other.
    pub async fn request_known(
        &self,
        repo: &RepoName,
        pipeline: &str,
        parameters: &Map<String, Value>,
        actor: &str,
    ) -> Result<RunId, ManualError> {
        let asked = RunAsked {
            parameters: parameters.clone(),
            actor: actor.to_owned(),
            ..RunAsked::default()
        };
        self.request_known_so(repo, pipeline, &asked).await
    }

    /// The same, as of spans or without a push.
    pub async fn request_known_so(
        &self,
        repo: &RepoName,
        pipeline: &str,
        asked: &RunAsked,
    ) -> Result<RunId, ManualError> {
        let deed = (Deed::StartRun, asked.actor.as_str(), None);
        let request = self.inbound.request_known(repo, pipeline, asked);
        let mut subject = format!("{pipeline} of {repo}");
        if !asked.spans.is_empty() {
            subject.push_str(&format!(" as of {}", asked.spans.join(", ")));
        }
        if asked.no_push {
            subject.push_str(" without a push");
        }
        for (name, value) in &asked.parameters {
            subject.push_str(&format!(", {name}={value}"));
        }
        let subject = subject.chars().take(LONGEST_SUBJECT).collect();
        self.noted(deed, subject, request, new_run).await
    }

    /// Makes a run that repeats another one: the same commit, plan and kind. It is queued like any other.
    pub async fn rerun(&self, run: &RunId, which: Which, actor: &str) -> Result<RunId, RerunError> {
        let rerun = self.inbound.request_rerun(run, which, actor);
        let subject = match which {
            Which::All => format!("every step of run {run}"),
            Which::Failed => of_run(run),
        };
        self.noted((Deed::RerunRun, actor, None), subject, rerun, new_run).await
    }

    /// Asks a run to end. False when it is over already.
    pub async fn cancel(&self, id: &RunId, by: &str) -> Result<bool, StoreError> {
        let cancel = passing(Effect::ASK_CANCEL, self.runs.store.request_cancel(id, by, now()));
        let end = |asked: &bool| (*asked, (!asked).then(|| "it is over already".to_owned()));
        self.noted((Deed::CancelRun, by, None), of_run(id), cancel, end).await
    }

    /// A person says yes to what a run waits for: a fork's commit runs, or an approved model is pushed. `why` is kept.
    /// The word of an account of GitHub counts by the permission that was looked up for its number on the run's repository.
    pub async fn approve(&self, run: &RunId, person: &Person, why: &str) -> Result<Decided, ApprovalError> {
        self.decide(run, Answer::Approve, person, why).await
    }

    /// A person says no, and the run ends.
    pub async fn reject(&self, run: &RunId, person: &Person, why: &str) -> Result<Decided, ApprovalError> {
        self.decide(run, Answer::Reject, person, why).await
    }

    async fn decide(&self, run: &RunId, answer: Answer, person: &Person, why: &str) -> Result<Decided, ApprovalError> {
        let deed = match answer {
            Answer::Approve => Deed::Approve,
            Answer::Reject => Deed::Reject,
        };
        let say = approval::say(&self.runs, run, answer, person, why);
        let end = |decided: &Decided| (true, Some(format!("its {}", decided.what)));
        self.noted((deed, person.name(), Some(why)), of_run(run), say, end)
            .await
    }

    /// Makes a model serve that a run made, or an earlier version under a new number. A model that the gate
    /// did not approve needs a reason. Everything a push proves is proved, and what is done is recorded.
    pub async fn promote(&self, request: &PromoteRequest) -> Result<Promoted, PromotionError> {
        let deed = (Deed::Promote, request.actor.as_str(), request.reason.as_deref());
        let subject = match &request.target {
            Some(target) => format!("{} on {target}", request.model),
            None => request.model.clone(),
        };
        let end = |done: &Promoted| {
            let against = if done.forced { ", against the gate" } else { "" };
            (
                true,
                Some(format!("version {} of {}{against}", done.version, done.target)),
            )
        };
        let promoted = self.noted(deed, subject, self.runs.registry.promote(request), end);
        let promoted = promoted.await;
        self.runs.signals.report.notify_one();
        promoted
    }

    /// Makes the version before the current one serve, and records who asked and why.
    pub async fn roll_back(
        &self,
        target: &str,
        actor: &str,
        reason: Option<&str>,
    ) -> Result<RolledBack, PromotionError> {
        let roll_back = self.runs.registry.roll_back(target, actor, reason);
        let end = |done: &RolledBack| (true, Some(format!("from {} to {}", done.from, done.to)));
        let deed = (Deed::RollBack, actor, reason);
        let rolled_back = self.noted(deed, of_target(target), roll_back, end).await;
        self.runs.signals.report.notify_one();
        rolled_back
    }

    /// A person decides between a push target and its ledger, which disagree.
    pub async fn reconcile_target(
        &self,
        target: &str,
        keep: Keep,
        actor: &str,
        reason: &str,
    ) -> Result<Reconciled, PromotionError> {
        let reconcile = self.runs.registry.reconcile(target, keep, actor, reason);
        let end = |_: &Reconciled| {
            let kept = match keep {
                Keep::Served => "what serves stays",
                Keep::Ledger => "the ledger's model serves again",
            };
            (true, Some(kept.to_owned()))
        };
        let deed = (Deed::ReconcileTarget, actor, Some(reason));
        let reconciled = self.noted(deed, of_target(target), reconcile, end).await;
        self.runs.signals.report.notify_one();
        reconciled
    }

    /// Freezes a push target: nothing new serves there until it is released. A reason is needed.
    pub async fn hold_target(&self, target: &str, actor: &str, reason: &str) -> Result<NewTargetHold, PromotionError> {
        let hold = self.runs.registry.hold_target(target, actor, reason);
        let deed = (Deed::HoldTarget, actor, Some(reason));
        self.noted(deed, of_target(target), hold, |_| (true, None)).await
    }

    /// Releases a push target that is held.
    pub async fn release_target(
        &self,
        target: &str,
        actor: &str,
        reason: Option<&str>,
    ) -> Result<NewTargetHold, PromotionError> {
        let release = self.runs.registry.release_target(target, actor, reason);
        let deed = (Deed::ReleaseTarget, actor, reason);
        self.noted(deed, of_target(target), release, |_| (true, None)).await
    }

    /// Gives a name to a version of a registered model.
    pub async fn set_alias(
        &self,
        model: &str,
        alias: &str,
        version: &str,
        actor: &str,
        reason: Option<String>,
    ) -> Result<Alias, AliasError> {
        let deed = (Deed::SetAlias, actor, reason.as_deref());
        let registry = &self.runs.registry;
        let set = registry.set_alias(model, alias, Some(version), actor, reason.clone());
        let subject = format!("{alias} of {model}");
        let end = |_: &Alias| (true, Some(format!("version {version}")));
        self.noted(deed, subject, set, end).await
    }

    /// Takes a name away from a registered model.
    pub async fn remove_alias(
        &self,
        model: &str,
        alias: &str,
        actor: &str,
        reason: Option<String>,
    ) -> Result<Alias, AliasError> {
        let deed = (Deed::RemoveAlias, actor, reason.as_deref());
        let remove = self.runs.registry.set_alias(model, alias, None, actor, reason.clone());
        let subject = format!("{alias} of {model}");
        self.noted(deed, subject, remove, |_| (true, None)).await
    }

    /// Keeps a new token by the hash of its text.
    pub async fn create_token(&self, hash: &str, token: Token) -> Result<(), StoreError> {
        let (actor, subject) = (token.created_by.clone(), token.name.clone());
        let reach = match &token.scope.pipelines {
            None => "everything".to_owned(),
            Some(pipelines) => pipelines.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        let outcome = format!("{} of {reach}", token.scope.role);
        let add = passing(Effect::AddToken, self.runs.store.add_token(hash, token));
        let deed = (Deed::CreateToken, actor.as_str(), None);
        self.noted(deed, subject, add, |()| (true, Some(outcome))).await
    }

    /// Makes a token worthless from now on; false when none has this name.
    pub async fn revoke_token(&self, name: &str, actor: &str) -> Result<bool, StoreError> {
        let revoke = passing(Effect::RevokeToken, self.runs.store.revoke_token(name, actor, now()));
        let end = |done: &bool| (*done, (!done).then(|| "there is no such token".to_owned()));
        let deed = (Deed::RevokeToken, actor, None);
        self.noted(deed, name.to_owned(), revoke, end).await
    }

    /// Notes that a token was used.
    pub async fn token_used(&self, hash: &str) -> Result<(), StoreError> {
        passing(Effect::UseToken, self.runs.store.token_used(hash, now())).await
    }

    /// Begins somebody's session, by the hash of what the cookie holds.
    pub async fn begin_session(&self, hash: &str, new: SessionRow, over: Over) -> Result<(), StoreError> {
        let actor = new.identity.name().to_owned();
        let begin = passing(Effect::BeginSession, self.runs.store.begin_session(hash, new, over));
        let deed = (Deed::SignIn, actor.as_str(), None);
        self.noted(deed, "the pages".to_owned(), begin, |()| (true, None)).await
    }

    /// Notes that a session was used.
    pub async fn session_used(&self, hash: &str) -> Result<(), StoreError> {
        passing(Effect::UseSession, self.runs.store.session_used(hash, now())).await
    }

    /// Ends a session that somebody names.
    pub async fn end_session_of(&self, hash: &str, subject: &str, actor: &str) -> Result<(), StoreError> {
        let end = self.end_session(hash);
        let deed = (Deed::EndSession, actor, None);
        self.noted(deed, subject.to_owned(), end, |()| (true, None)).await
    }

    /// Notes that somebody asked for a deed and was refused.
    pub async fn note_refused(&self, deed: Deed, actor: &str, subject: &str, why: &str) -> Result<(), StoreError> {
        let refused = std::future::ready(Ok(()));
        let why = Some(why.chars().take(LONGEST_SUBJECT).collect());
        self.noted((deed, actor, None), subject.to_owned(), refused, |()| (false, why))
            .await
    }

    /// Ends a session.
    pub async fn end_session(&self, hash: &str) -> Result<(), StoreError> {
        passing(Effect::EndSession, self.runs.store.end_session(hash)).await
    }
}

fn of_run(run: &RunId) -> String {
    format!("run {run}")
}

fn of_target(target: &str) -> String {
    format!("target {target}")
}

fn new_run(run: &RunId) -> End {
    (true, Some(of_run(run)))
}
