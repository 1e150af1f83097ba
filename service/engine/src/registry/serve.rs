//! A version begins to serve. A push, a promotion and a rollback differ in who decides and why; what happens
//! then happens here, once: the target is held, its ledger read, the model served and read back, and the entry
//! for the ledger made. The target is held until that entry is stored, where the next one looks.

use super::Registry;
use crate::house::clock::now;
use crate::house::config::TargetConfig;
use crate::house::exclusive::ExclusiveGuard;
use crate::house::identity::identity;
use crate::serving::{Claims, Servable, ServingError, Target};
use std::io;
use std::path::PathBuf;
use trainyard_core::gate::Blessed;
use trainyard_core::ids::RunId;
use trainyard_core::plan::Push;
use trainyard_core::registry::{Evidence, Ledger, NewPromotion, Promotion, PromotionAction, TargetHold};
use trainyard_core::run::Drift;
use trainyard_store::{MetadataWrite, Store, StoreError};

/// The right to change a target, and what its ledger says.
pub(crate) struct Turn {
    pub(crate) ledger: Ledger,
    /// What of the target is ours.
    pub(crate) claims: Claims,
    /// Who froze the target, if it is frozen: then nothing new may serve.
    pub(crate) hold: Option<TargetHold>,
    guard: ExclusiveGuard,
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
}

impl Registry {
    /// Waits until nobody else changes a target, and reads the ledger of this one and whether it is frozen.
    pub(crate) async fn turn(&self, target: &str) -> Result<Turn, TurnError> {
        let guard = self.changing.hold().await?;
        let ledger = self.store.ledger(target).await?;
        let instance = identity(&self.folders.identity())?;
        let attempts = self.folders.attempts(target);
        let claims = Claims::read(instance, target, ledger.clone(), attempts, self.content.clone())?;
        let hold = self.store.target_hold(target).await?;
        Ok(Turn {
            ledger,
            claims,
            hold,
            guard,
        })
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

    /// Makes the model serve and reads that back. On an error what served before still serves.
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
        let target = Target::new(&self.http, name, config).because(&reason.evidence);
        let from = ledger.serving().map(|serving| serving.pushed.version.clone());
        let (action, version, model, destination) = match change {
            Change::New { blessed, files, plan } => {
                let target = target.within(plan.max_latency());
                let pushing = target.push(&blessed, &files, claims, plan.infra_validation);
                let version = guard.while_ours(pushing).await.ok_or(ServingError::TurnLost)??;
                metrics::counter!("trainyard_pushes_total", "target" => name.to_owned()).increment(1);
                let destination = target.destination(&version);
                (PromotionAction::Push, version, blessed.model().clone(), destination)
            }
            Change::Back { to, files, from } => {
                let earlier = Servable {
                    model: &to.model,
                    files: &files,
                    version: &to.version,
                };
                let going_back = target.roll_back(earlier, &from.version, claims);
                let version = guard.while_ours(going_back).await.ok_or(ServingError::TurnLost)??;
                let destination = target.destination(&version);
                (PromotionAction::Rollback, version, to.model.clone(), destination)
            }
        };
        let promotion = NewPromotion {
            target: name.to_owned(),
            pipeline: reason.pipeline,
            action,
            version,
            model,
            run: reason.run,
            actor: reason.actor,
            evidence: reason.evidence,
            at: now(),
        };
        Ok(Served {
            promotion,
            from,
            destination,
            follows: ledger.newest(),
            guard,
        })
    }
}

impl Served {
    /// Stores the entry, and what ML Metadata learns, in one transaction; then others may change the target.
    pub(crate) async fn record(self, store: &Store, metadata: Vec<MetadataWrite>) -> Result<NewPromotion, StoreError> {
        store.append_promotion(&self.promotion, self.follows, metadata).await?;
        drop(self.guard);
        Ok(self.promotion)
    }
}
