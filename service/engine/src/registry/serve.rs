//! A version begins to serve. A push, a promotion and a rollback differ in who decides and why; what happens
//! then happens here, once: the target is held, its ledger read, the model served and read back, and the entry
//! for the ledger made. The target is held until that entry is stored, where the next one looks.

use super::Registry;
use crate::house::clock::now;
use crate::house::config::TargetConfig;
use crate::house::crash::{Effect, passing};
use crate::house::exclusive::ExclusiveGuard;
use crate::house::identity::identity;
use crate::serving::{Claims, Servable, ServingError, Target};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use trainyard_core::gate::Blessed;
use trainyard_core::ids::RunId;
use trainyard_core::plan::Push;
use trainyard_core::registry::{
    Evidence, Intent, IntentAction, Ledger, NewIntent, NewPromotion, Promotion, Refusal, TargetHold,
};
use trainyard_core::run::{Disagreement, Drift};
use trainyard_store::{MetadataWrite, Store, StoreError};

/// The right to change a target, and what its ledger says.
pub(crate) struct Turn {
    pub(crate) ledger: Ledger,
    /// What of the target is ours.
    pub(crate) claims: Claims,
    /// Everything that was ever begun there, newest first.
    pub(crate) intents: Vec<Intent>,
    /// Who froze the target, if it is frozen: then nothing new may serve.
    pub(crate) hold: Option<TargetHold>,
    /// What of the target a person has to decide first.
    pub(crate) disagreement: Option<Disagreement>,
    pub(super) guard: ExclusiveGuard,
}

/// What is to serve.
pub(crate) enum Change<'a> {
    /// An approved model under a new number, proved as the plan says.
    New {
        blessed: Blessed,
        /// Its bytes, proved.
        files: PathBuf,
        plan: &'a Push,
    },
    /// A version that served before, in place of the one that does.
    Back {
        to: &'a Promotion,
        /// Its bytes, proved.
        files: PathBuf,
        from: &'a Promotion,
    },
}

/// For whom and why.
pub(crate) struct Reason {
    pub(crate) pipeline: String,
    pub(crate) run: Option<RunId>,
    pub(crate) actor: String,
    pub(crate) evidence: Evidence,
}

/// A model serves, and the ledger does not know it yet.
pub(crate) struct Served {
    /// What was done.
    pub(crate) action: IntentAction,
    /// The entry to store.
    pub(crate) promotion: NewPromotion,
    /// The version that served until now.
    pub(crate) from: Option<String>,
    /// Where it was written, or who was told.
    pub(crate) destination: PathBuf,
    /// The entry of the ledger that it follows.
    pub(crate) follows: Option<i64>,
    /// Held until the entry is stored.
    pub(crate) guard: ExclusiveGuard,
}

/// Why there is no turn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TurnError {
    /// The lock cannot be taken.
    #[error(transparent)]
    Lock(#[from] io::Error),
    /// The ledger cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This engine was stopped meanwhile, and another one changes targets now.
    #[error("another engine of this database changes the push targets now: it is tried again")]
    Lost,
    /// Nobody knows what the target serves.
    #[error("{sentence}")]
    Unknown {
        /// That, and what is done about it.
        sentence: String,
        /// When it is read back again.
        after: Duration,
    },
}

impl Turn {
    /// Whether nobody has to decide first what serves.
    pub(super) fn is_sure(&self, target: &str) -> Result<(), Refusal> {
        match &self.disagreement {
            None => Ok(()),
            Some(disagreement) => Err(Refusal::Disagrees {
                target: target.to_owned(),
                disagreement: disagreement.clone(),
            }),
        }
    }
}

impl Registry {
    /// Waits until nobody else changes a target, ends what was begun there, and reads its ledger, whether it is frozen,
    /// and whether it is in doubt.
    pub(crate) async fn turn(&self, target: &str) -> Result<Turn, TurnError> {
        let guard = self.changing.hold().await?;
        let Ok(config) = self.targets.get(target) else {
            return Box::pin(self.reading(target, guard)).await;
        };
        Box::pin(self.end_open_intent(target, config, &guard)).await?;
        let mut turn = Box::pin(self.reading(target, guard)).await?;
        turn.disagreement = Box::pin(self.in_doubt(target, config, &turn)).await?;
        Ok(turn)
    }

    /// The same for who changes nothing at the target.
    pub(crate) async fn bare_turn(&self, target: &str) -> Result<Turn, TurnError> {
        let guard = self.changing.hold().await?;
        Box::pin(self.reading(target, guard)).await
    }

    async fn reading(&self, target: &str, guard: ExclusiveGuard) -> Result<Turn, TurnError> {
        let ledger = self.store.ledger(target).await?;
        Ok(Turn {
            claims: self.claims(target, &ledger).await?,
            intents: self.store.intents(target).await?,
            hold: self.store.target_hold(target).await?,
            disagreement: None,
            ledger,
            guard,
        })
    }

    /// What of a target is ours.
    pub(super) async fn claims(&self, target: &str, ledger: &Ledger) -> Result<Claims, TurnError> {
        let instance = identity(&self.folders.identity())?;
        let intents = self.store.intents(target).await?;
        let attempts = self.folders.attempts(target);
        let content = self.content.clone();
        Ok(Claims::read(
            instance,
            target,
            ledger.clone(),
            &intents,
            attempts,
            content,
        )?)
    }

    /// What is found at a target in place of what its ledger says serves. Changes nothing.
    pub(crate) async fn drift(
        &self,
        name: &str,
        config: &TargetConfig,
        turn: &Turn,
    ) -> Result<Option<Drift>, ServingError> {
        let Some(serving) = turn.ledger.serving() else {
            return Ok(None);
        };
        let files = self.content.place(&serving.pushed.model.digest);
        let current = Servable {
            model: &serving.pushed.model,
            files: &files,
            version: &serving.pushed.version,
        };
        Target::new(&self.http, name, config).drift(current, &turn.claims).await
    }

    /// Makes the model serve and reads that back. On an error what served before still serves, unless it says that
    /// nobody knows. The intent is stored before the first byte goes out.
    pub(crate) async fn serve(
        &self,
        name: &str,
        config: &TargetConfig,
        turn: Turn,
        change: Change<'_>,
        reason: Reason,
    ) -> Result<Served, ServingError> {
        let Turn {
            ledger, claims, guard, ..
        } = turn;
        let from = ledger.serving().map(|serving| serving.pushed.version.clone());
        let action = match (&change, &reason.evidence) {
            (Change::Back { .. }, _) => IntentAction::Rollback,
            (Change::New { .. }, Evidence::Gate(_)) => IntentAction::Push,
            (Change::New { .. }, _) => IntentAction::Promote,
        };
        let entry = NewPromotion {
            target: name.to_owned(),
            pipeline: reason.pipeline,
            action: action.promotion(),
            version: String::new(),
            model: match &change {
                Change::New { blessed, .. } => blessed.model().clone(),
                Change::Back { to, .. } => to.model.clone(),
            },
            run: reason.run,
            actor: reason.actor,
            evidence: reason.evidence,
            at: now(),
        };
        let intent = NewIntent {
            action,
            entry: entry.clone(),
            fresh: true,
        };
        let claims = claims.intending(guard.fenced(&self.store), intent);
        let target = Target::new(&self.http, name, config).because(&entry.evidence);
        let version = match &change {
            Change::New { blessed, files, plan } => {
                let target = target.clone().within(plan.max_latency());
                let pushing = target.push(blessed, files, claims, plan.infra_validation);
                let pushed = guard
                    .while_ours(Box::pin(pushing))
                    .await
                    .unwrap_or(Err(ServingError::TurnLost));
                metrics::counter!("trainyard_pushes_total", "target" => name.to_owned())
                    .increment(pushed.is_ok().into());
                pushed
            }
            Change::Back { to, files, from } => {
                let earlier = Servable {
                    model: &to.model,
                    files,
                    version: &to.version,
                };
                let going_back = target.roll_back(earlier, &from.version, claims);
                guard
                    .while_ours(Box::pin(going_back))
                    .await
                    .unwrap_or(Err(ServingError::TurnLost))
            }
        };
        let version = match version {
            Ok(version) => version,
            Err(error) => {
                self.not_served(name, &error, &guard).await;
                return Err(error);
            }
        };
        Ok(Served {
            action,
            from,
            destination: target.destination(&version),
            follows: ledger.newest(),
            promotion: NewPromotion {
                version,
                at: now(),
                ..entry
            },
            guard,
        })
    }

    /// Withdraws what was begun and does not serve, or notes that nobody knows.
    async fn not_served(&self, name: &str, error: &ServingError, guard: &ExclusiveGuard) {
        let settled = match self.store.open_intent(name).await {
            Ok(None) => Ok(()),
            Ok(Some(intent)) => match error {
                ServingError::Unknown { problem, .. } => self.unknown(&intent, problem, guard).await.map(drop),
                ServingError::NotUndone(error) => self.unknown(&intent, &error.to_string(), guard).await.map(drop),
                // Whoever has the turn now reads back what came of it.
                ServingError::TurnLost => Ok(()),
                error => self.withdraw(&intent, &error.to_string(), guard).await,
            },
            Err(error) => Err(error),
        };
        if let Err(error) = settled {
            tracing::warn!(target = name, %error, "what was begun stays open, and the target is read back");
        }
    }
}

impl Served {
    /// Stores the entry, and what ML Metadata learns, in one transaction; then others may change the target.
    pub(crate) async fn record(self, store: &Store, metadata: Vec<MetadataWrite>) -> Result<NewPromotion, StoreError> {
        let store = self.guard.fenced(store);
        let recorded = store.append_promotion(&self.promotion, self.follows, metadata);
        passing(Effect::Record(self.action), recorded).await?;
        drop(self.guard);
        Ok(self.promotion)
    }
}
