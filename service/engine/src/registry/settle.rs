//! What was begun at a target and never ended is finished or withdrawn by what the target is found to serve, before
//! anything else is sent there. Where target and ledger contradict each other and no intent explains it, nothing is
//! changed.

use super::Registry;
use super::serve::{Turn, TurnError};
use crate::house::clock::now;
use crate::house::config::TargetConfig;
use crate::house::crash::{Effect, passing};
use crate::house::exclusive::ExclusiveGuard;
use crate::serving::{Claims, Servable, ServingError, Target};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use trainyard_core::registry::{
    Intent, IntentAction, IntentEvent, IntentState, Ledger, Look, NewPromotion, Sighting, Stage, Unknown, disagreement,
    left_alone, until_next_look,
};
use trainyard_core::run::{Disagreement, Drift, Finding};
use trainyard_store::StoreError;

/// Nothing is open: who opens something changes the database, and is heard.
const NOTHING_OPEN: Duration = Duration::from_secs(3600);
/// The database does not answer.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);

/// When targets were read back whose intent is open. Waits are measured by the monotonic clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looks(Arc<Mutex<HashMap<i64, Looked>>>);

#[derive(Clone, Copy, Debug)]
struct Looked {
    first: Instant,
    next: Instant,
    times: u32,
}

impl Looks {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<i64, Looked>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How long it is until the next look; `None` if it is due.
    fn wait(&self, intent: i64) -> Option<Duration> {
        let wait = self.with(|looks| Some(looks.get(&intent)?.next.duration_since(Instant::now())))?;
        (!wait.is_zero()).then_some(wait)
    }

    /// How long ago the first look was.
    fn waited(&self, intent: i64) -> Duration {
        self.looked(intent, |looked, now| now.duration_since(looked.first))
    }

    /// A look said nothing: how long to wait for the next one.
    fn again(&self, intent: i64) -> Duration {
        self.looked(intent, |looked, now| {
            let wait = until_next_look(looked.times);
            looked.times = looked.times.saturating_add(1);
            looked.next = now + wait;
            wait
        })
    }

    /// The looks at an intent and the time; the first begin now.
    fn looked<T>(&self, intent: i64, act: impl FnOnce(&mut Looked, Instant) -> T) -> T {
        let now = Instant::now();
        let none = Looked {
            first: now,
            next: now,
            times: 0,
        };
        self.with(|looks| act(looks.entry(intent).or_insert(none), now))
    }

    fn forget(&self, intent: i64) {
        self.with(|looks| looks.remove(&intent));
    }
}

/// What a target is found to be, for a person.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What is in its folder and not provably ours.
    pub others: Vec<String>,
    /// What is found in place of what its ledger says serves, with what the ledger says.
    pub drift: Option<(String, Drift)>,
    /// What of it a person decides, or what nobody knows, in a sentence.
    pub undecided: Option<String>,
}

/// Why a target could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// No such target.
    #[error("{}", .0.sentence())]
    Unknown(Unknown),
    /// Its ledger cannot be read, or another process changes it for a long time.
    #[error("{0}")]
    NoTurn(String),
    /// Its folder cannot be read.
    #[error(transparent)]
    Serving(#[from] ServingError),
}

impl Registry {
    /// Looks at a target and changes nothing.
    pub(crate) async fn look_at(&self, name: &str) -> Result<Found, LookError> {
        let config = self.targets.get(name).map_err(LookError::Unknown)?;
        let turn = self.bare_turn(name).await;
        let turn = turn.map_err(|error| LookError::NoTurn(error.to_string()))?;
        let open = self.store.open_intent(name).await;
        let open = open.map_err(|error| LookError::NoTurn(error.to_string()))?;
        let target = Target::new(&self.http, name, config);
        let (sight, seen) = target.sight(&turn.claims).await?;
        let disagreement = disagreement(&turn.ledger, turn.claims.begun(), sight, &seen);
        let undecided = match (open, disagreement) {
            (Some(open), _) => Some(open.unknown()),
            (None, Some(disagreement)) => Some(disagreement.of_target(name)),
            (None, None) => None,
        };
        let drift = match undecided {
            Some(_) => None,
            None => self.drift(name, config, &turn).await?,
        };
        let version = turn.ledger.serving().map(|serving| serving.pushed.version.clone());
        Ok(Found {
            others: target.others(&turn.claims).await?,
            drift: version.zip(drift),
            undecided,
        })
    }

    /// Looks at every target once, at the start. A failure is only logged: nothing depends on it.
    pub(crate) async fn settle(&self) {
        for name in self.targets.names() {
            if let Err(error) = self.settle_target(name).await {
                tracing::warn!(target = name, %error, "a push target may not serve what the ledger says");
            }
        }
    }

    /// Finishes or withdraws what a crash left open, and says what else is not as the ledger says. Only an open intent
    /// changes anything at the target.
    async fn settle_target(&self, name: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Ok(config) = self.targets.get(name) else {
            return Ok(());
        };
        let target = Target::new(&self.http, name, config);
        for blind in target.blind().await {
            tracing::warn!(target = name, "{}", blind.sentence());
        }
        let turn = self.turn(name).await?;
        let mut finding = turn
            .disagreement
            .clone()
            .map(|disagreement| Finding::Disagrees { disagreement });
        if finding.is_none() {
            target.adopt_older(&turn.claims).await?;
            let drift = self.drift(name, config, &turn).await?;
            finding = drift.map(|drift| Finding::Drifted { drift });
        }
        self.note(name, finding.as_ref(), &turn).await?;
        if let Some(finding) = &finding {
            tracing::warn!(target = name, "{}", finding.of_target(name));
        }
        if let Some(sentence) = left_alone(&target.others(&turn.claims).await?) {
            tracing::warn!(target = name, "{sentence}");
        }
        Ok(())
    }

    /// Stores what was found at a target, where that is new.
    async fn note(&self, name: &str, finding: Option<&Finding>, turn: &Turn) -> Result<(), StoreError> {
        if self.store.finding(name).await?.as_ref() == finding {
            return Ok(());
        }
        let store = turn.guard.fenced(&self.store);
        passing(Effect::PutFinding, store.put_finding(name, finding, now())).await
    }

    /// What of the target a person has to decide, as it is now; where it does not say, as it was last known.
    pub(super) async fn in_doubt(
        &self,
        name: &str,
        config: &TargetConfig,
        turn: &Turn,
    ) -> Result<Option<Disagreement>, StoreError> {
        let (ledger, claims) = (&turn.ledger, &turn.claims);
        let known = self.store.finding(name).await?;
        let known = known.as_ref().and_then(Finding::disagreement);
        match Target::new(&self.http, name, config).sight(claims).await {
            Err(_) | Ok((_, Sighting::Silent)) => Ok(known.cloned()),
            Ok((sight, seen)) => {
                let found = disagreement(ledger, claims.begun(), sight, &seen);
                if found.as_ref() != known {
                    let finding = found.clone().map(|disagreement| Finding::Disagrees { disagreement });
                    self.note(name, finding.as_ref(), turn).await?;
                }
                Ok(found)
            }
        }
    }

    /// Ends what is open at a target, whose lock is held, by what it is found to serve. An error says that nobody knows
    /// yet: then nothing may be sent.
    /// An engine that was stopped meanwhile goes no further, and stores nothing of what it saw before.
    pub(super) async fn end_open_intent(
        &self,
        name: &str,
        config: &TargetConfig,
        guard: &ExclusiveGuard,
    ) -> Result<(), TurnError> {
        let Some(intent) = self.store.open_intent(name).await? else {
            return Ok(());
        };
        let ended = guard.while_ours(Box::pin(self.end(name, config, intent, guard)));
        ended.await.unwrap_or(Err(TurnError::Lost))
    }

    async fn end(
        &self,
        name: &str,
        config: &TargetConfig,
        intent: Intent,
        guard: &ExclusiveGuard,
    ) -> Result<(), TurnError> {
        if let Some(after) = self.looks.wait(intent.id) {
            return Err(TurnError::Unknown {
                sentence: intent.unknown(),
                after,
            });
        }
        let ledger = self.store.ledger(name).await?;
        let claims = self.claims(name, &ledger).await?;
        let target = Target::new(&self.http, name, config).because(&intent.entry.evidence);
        let files = self.content.place(&intent.entry.model.digest);
        let wanted = Servable {
            model: &intent.entry.model,
            files: &files,
            version: &intent.entry.version,
        };
        let waited = self.looks.waited(intent.id);
        let look = match target.look_for(wanted, intent.entry.action, &claims).await {
            Ok(look) => look.with_patience(waited, config.max_loading_time),
            Err(error) => {
                tracing::warn!(target = name, version = intent.entry.version, %error, "a push target cannot be read back");
                Look::Silent
            }
        };
        match Stage::Unknown.after(IntentEvent::Looked(look)) {
            Some(Stage::ReadBack) => self.finish(&intent, &ledger, guard).await?,
            Some(Stage::Withdrawn) => {
                if !self.put_right(name, &target, &ledger, &claims).await {
                    return Err(self.still_unknown(intent, guard).await?);
                }
                let reason = "the target was found not to serve it";
                self.withdraw(&intent, intent.reason.as_deref().unwrap_or(reason), guard)
                    .await?;
            }
            _ => return Err(self.still_unknown(intent, guard).await?),
        }
        self.looks.forget(intent.id);
        Ok(())
    }

    /// It serves: the ledger gets its entry.
    async fn finish(&self, intent: &Intent, ledger: &Ledger, guard: &ExclusiveGuard) -> Result<(), TurnError> {
        let (name, version) = (&intent.entry.target, &intent.entry.version);
        let entry = NewPromotion {
            at: now(),
            ..intent.entry.clone()
        };
        self.record_finished(intent.action, &entry, ledger, guard).await?;
        tracing::info!(
            target = name,
            version,
            "what was begun serves, and the ledger knows it now"
        );
        // What it replaced goes, as after every push.
        let ledger = self.store.ledger(name).await?;
        let claims = self.claims(name, &ledger).await?;
        if let Ok(config) = self.targets.get(name) {
            let target = Target::new(&self.http, name, config);
            self.put_right(name, &target, &ledger, &claims).await;
        }
        Ok(())
    }

    /// Stores the entry of what was begun and serves, and what ML Metadata learns of it.
    pub(super) async fn record_finished(
        &self,
        action: IntentAction,
        entry: &NewPromotion,
        ledger: &Ledger,
        guard: &ExclusiveGuard,
    ) -> Result<(), TurnError> {
        let metadata = self.of_finished(action, entry, ledger).await?;
        let store = guard.fenced(&self.store);
        let recorded = store.append_promotion(entry, ledger.newest(), metadata);
        passing(Effect::Record(action), recorded).await?;
        Ok(())
    }

    /// It does not serve, and its number is never given again.
    pub(super) async fn withdraw(
        &self,
        intent: &Intent,
        reason: &str,
        guard: &ExclusiveGuard,
    ) -> Result<(), StoreError> {
        let (name, version) = (&intent.entry.target, &intent.entry.version);
        tracing::info!(
            target = name,
            version,
            reason,
            "what was begun does not serve and is withdrawn"
        );
        self.settle_intent(intent, IntentState::Withdrawn, reason, guard)
            .await?;
        self.looks.forget(intent.id);
        Ok(())
    }

    async fn still_unknown(&self, mut intent: Intent, guard: &ExclusiveGuard) -> Result<TurnError, StoreError> {
        if intent.state != IntentState::Unknown {
            let reason = intent
                .reason
                .as_deref()
                .unwrap_or("the service ended while it was changed")
                .to_owned();
            intent.reason = Some(self.unknown(&intent, &reason, guard).await?);
        }
        let after = self.looks.again(intent.id);
        let sentence = intent.unknown();
        tracing::warn!(
            target = intent.entry.target,
            version = intent.entry.version,
            ?after,
            "{sentence}"
        );
        Ok(TurnError::Unknown { sentence, after })
    }

    /// Nobody knows whether it serves: why, as it is stored.
    pub(super) async fn unknown(
        &self,
        intent: &Intent,
        reason: &str,
        guard: &ExclusiveGuard,
    ) -> Result<String, StoreError> {
        let asked_again = match self.targets.get(&intent.entry.target).map(TargetConfig::can_be_asked) {
            Ok(false) => "; it has no status_url, so that the same request is sent again until it is answered",
            _ => "",
        };
        let reason = format!("{reason}{asked_again}");
        self.settle_intent(intent, IntentState::Unknown, &reason, guard).await?;
        Ok(reason)
    }

    async fn settle_intent(
        &self,
        intent: &Intent,
        state: IntentState,
        reason: &str,
        guard: &ExclusiveGuard,
    ) -> Result<(), StoreError> {
        let store = guard.fenced(&self.store);
        let settled = store.settle_intent(intent.id, state, reason, now());
        passing(Effect::SettleIntent, settled).await.map(drop)
    }

    /// What a crash left in a folder: what serves comes back, and what the ledger does not keep goes. False says that a
    /// server may still have loaded what it should not.
    async fn put_right(&self, name: &str, target: &Target, ledger: &Ledger, claims: &Claims) -> bool {
        let serving = ledger.serving().map(|serving| serving.pushed);
        let files = serving.map(|entry| self.content.place(&entry.model.digest));
        let current = serving.zip(files.as_deref()).map(|(entry, files)| Servable {
            model: &entry.model,
            files,
            version: &entry.version,
        });
        match target.settle(current, claims).await {
            Ok(settled) => {
                if settled.put_right {
                    tracing::info!(target = name, "the push target serves what the ledger says again");
                }
                true
            }
            Err(error) => {
                tracing::warn!(target = name, %error, "a push target may not serve what the ledger says");
                // What is wrong with a folder only a person puts right.
                matches!(error, ServingError::Folder(_) | ServingError::NotOurs(_))
            }
        }
    }

    /// Reads targets back of which nobody knows what they serve, until that is known. Never returns.
    pub(crate) async fn read_back(&self) {
        let mut changes = self.store.changes();
        loop {
            let next = match self.end_open_intents().await {
                Ok(next) => next.unwrap_or(NOTHING_OPEN),
                Err(error) => {
                    tracing::warn!(%error, "push targets cannot be read back");
                    AFTER_TROUBLE
                }
            };
            tokio::select! {
                biased;
                _ = changes.next() => {}
                () = sleep(next) => {}
            }
        }
    }

    /// How long it is until the next look.
    async fn end_open_intents(&self) -> Result<Option<Duration>, TurnError> {
        let mut next: Option<Duration> = None;
        for intent in self.store.open_intents().await? {
            let Ok(config) = self.targets.get(&intent.entry.target) else {
                continue;
            };
            let wait = match self.looks.wait(intent.id) {
                Some(wait) => Some(wait),
                None => {
                    // A push that is at work has it: then it is over.
                    let guard = self.changing.hold().await?;
                    match self.end_open_intent(&intent.entry.target, config, &guard).await {
                        Ok(()) => None,
                        // Who has the turn now does it.
                        Err(TurnError::Lost) => Some(AFTER_TROUBLE),
                        Err(TurnError::Unknown { after, .. }) => Some(after),
                        Err(error) => return Err(error),
                    }
                }
            };
            next = next.into_iter().chain(wait).min();
        }
        Ok(next)
    }
}
