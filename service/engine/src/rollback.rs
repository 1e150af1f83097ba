//! Rollback: the version that served before serves again, proved loadable first.

use crate::context::Context;
use crate::effects::push::{pushed_as, pushed_model};
use crate::engine::Engine;
use crate::promote;
use crate::registry::intact;
use crate::serving::{ServingError, Target, served};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use trainyard_store::{MetadataWrite, NewPromotion, Promotion, PromotionAction, StoreError};

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
    /// The earlier version's bytes are not what was sealed.
    #[error("target '{target}' was not rolled back: {reason}")]
    Changed {
        /// The target.
        target: String,
        /// What was found.
        reason: String,
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
            return Err(RollbackError::NoTarget {
                name: name.to_owned(),
                known: context.config.known_targets(),
            });
        };
        let _in_use = context.collecting.hold_off().await.map_err(RollbackError::Lock)?;
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
        intact(context, &earlier.model)
            .await
            .map_err(|reason| RollbackError::Changed {
                target: name.to_owned(),
                reason,
            })?;
        let promotion = self.rollback_entry(name, actor, earlier, current);
        let target = Target::new(&context.http, name, config).because(promotion.evidence.clone());
        target
            .roll_back(&earlier.model, &earlier.version, &current.version)
            .await
            .map_err(|error| RollbackError::Serving {
                target: name.to_owned(),
                error,
            })?;
        let newest = ledger.last().map(|entry| entry.id);
        let metadata = recorded(&promotion, earlier, newest, &target.destination(&promotion.version));
        context
            .store
            .append_promotion(&promotion, newest, vec![metadata])
            .await?;
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

/// A rollback in MLMD: a Pusher whose output is the PushedModel of the model's first push. `newest` is
/// the entry of the ledger that it follows, as only one does.
fn recorded(promotion: &NewPromotion, earlier: &Promotion, newest: Option<i64>, destination: &Path) -> MetadataWrite {
    let NewPromotion {
        target,
        pipeline,
        version,
        model,
        ..
    } = promotion;
    let first = match (&promotion.run, earlier.evidence.get("promoted")) {
        (_, Some(_)) => Some(pushed_as(
            promote::pushed_name(target, version),
            model,
            version,
            destination,
        )),
        (Some(run), None) => Some(pushed_model(run, model, version, destination)),
        (None, None) => None,
    };
    let mut properties = Map::from_iter([
        ("actor".to_owned(), Value::from(promotion.actor.as_str())),
        ("target".to_owned(), Value::from(target.as_str())),
        ("pushed_version".to_owned(), Value::from(version.as_str())),
    ]);
    properties.extend(promotion.evidence.as_object().cloned().unwrap_or_default());
    MetadataWrite::ByHand {
        component: "Pusher".to_owned(),
        node: "rollback".to_owned(),
        name: format!("rollback/{target}/{}", newest.unwrap_or_default()),
        pipeline: pipeline.clone(),
        inputs: BTreeMap::from([("model".to_owned(), model.clone())]),
        outputs: first
            .map(|pushed| ("pushed_model".to_owned(), pushed))
            .into_iter()
            .collect(),
        properties,
        at: promotion.at,
    }
}
