//! Rollback: the version that served before serves again, proved loadable first.

use crate::context::Context;
use crate::engine::Engine;
use crate::serving::{ServingError, Target, served};
use serde_json::json;
use trainyard_store::{NewPromotion, Promotion, PromotionAction, StoreError};

/// What a rollback did.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RolledBack {
    /// The target.
    pub target: String,
    /// The version that served until now.
    pub from: String,
    /// The version that serves from now on.
    pub to: String,
}

/// Why nothing was rolled back; what served before still serves.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// No such target.
    #[error("there is no push target '{name}' (known: {known}): see [targets] in trainyard.toml")]
    NoTarget {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// There is no earlier version.
    #[error("target '{0}' has no earlier version to go back to: see `trainyard models`")]
    NothingEarlier(String),
    /// The earlier version's bytes are gone.
    #[error("version {version} of target '{target}' is no longer in the artifact folder: restore {uri}")]
    Gone {
        /// The target.
        target: String,
        /// The version.
        version: String,
        /// Where the bytes were.
        uri: String,
    },
    /// The server did not take it.
    #[error("target '{target}' was not rolled back: {error}")]
    Serving {
        /// The target.
        target: String,
        /// What happened.
        #[source]
        error: ServingError,
    },
    /// The lock on push targets cannot be taken.
    #[error("the data folder cannot be written: {0}")]
    Lock(#[source] std::io::Error),
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Ledger entries read; far more than versions that could still be in a repository.
const LEDGER: u32 = 10_000;

/// The ledger of a target, oldest first.
pub(crate) async fn ledger(context: &Context, target: &str) -> Result<Vec<Promotion>, StoreError> {
    let mut ledger = context.store.promotions(Some(target), LEDGER).await?;
    ledger.sort_by_key(|entry| entry.id);
    Ok(ledger)
}

impl Engine {
    /// Makes the version before the current one serve, and records who asked.
    pub async fn roll_back(&self, name: &str, actor: &str) -> Result<RolledBack, RollbackError> {
        let context = self.context();
        let Some(config) = context.config.targets.get(name) else {
            let known: Vec<_> = context.config.targets.keys().map(String::as_str).collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            return Err(RollbackError::NoTarget {
                name: name.to_owned(),
                known,
            });
        };
        let _alone = context.pushing.hold().await.map_err(RollbackError::Lock)?;
        let ledger = ledger(context, name).await?;
        let stack = served(&ledger);
        let [.., earlier, current] = stack.as_slice() else {
            return Err(RollbackError::NothingEarlier(name.to_owned()));
        };
        if !context.artifacts.contains(&earlier.model.digest) {
            let (target, version, uri) = (name.to_owned(), earlier.version.clone(), earlier.model.uri.clone());
            return Err(RollbackError::Gone { target, version, uri });
        }
        let target = Target::new(&context.http, name, config);
        target
            .roll_back(&earlier.model, &earlier.version, &current.version)
            .await
            .map_err(|error| RollbackError::Serving {
                target: name.to_owned(),
                error,
            })?;
        let promotion = self.rollback_entry(name, actor, earlier, current);
        let newest = ledger.last().map(|entry| entry.id);
        context.store.append_promotion(&promotion, newest).await?;
        Ok(RolledBack {
            target: name.to_owned(),
            from: current.version.clone(),
            to: earlier.version.clone(),
        })
    }

    fn rollback_entry(&self, target: &str, actor: &str, earlier: &Promotion, current: &Promotion) -> NewPromotion {
        NewPromotion {
            target: target.to_owned(),
            pipeline: earlier.pipeline.clone(),
            action: PromotionAction::Rollback,
            version: earlier.version.clone(),
            model: earlier.model.clone(),
            run: earlier.run.clone(),
            actor: actor.to_owned(),
            evidence: json!({"rolled_back": current.version}),
            at: self.context().now(),
        }
    }
}
