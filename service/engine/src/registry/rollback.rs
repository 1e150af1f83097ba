//! Rollback: the version that served before serves again, proved loadable first.

use crate::engine::Engine;
use crate::house::context::Context;
use crate::registry::aliases::intact;
use crate::registry::promote::{PromotionError, configured};
use crate::run::effects::push::{pushed_as, pushed_model};
use crate::serving::{Target, served};
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
    pub async fn roll_back(&self, name: &str, actor: &str) -> Result<RolledBack, PromotionError> {
        let context = self.context();
        let config = configured(context, name)?;
        let _in_use = context.collecting.hold_off().await.map_err(PromotionError::Lock)?;
        let _alone = context.pushing.hold().await.map_err(PromotionError::Lock)?;
        let ledger = ledger(context, name).await?;
        let stack = served(&ledger);
        let [.., earlier, current] = stack.as_slice() else {
            return Err(PromotionError::Refused(format!(
                "target '{name}' has no earlier version to go back to: see `trainyard models`"
            )));
        };
        if !context.artifacts.contains(&earlier.model.digest) {
            return Err(PromotionError::Refused(format!(
                "version {} of target '{name}' is no longer in the artifact folder: restore {}",
                earlier.version, earlier.model.uri
            )));
        }
        let not_done = format!("target '{name}' was not rolled back");
        intact(context, &earlier.model)
            .await
            .map_err(|reason| PromotionError::Refused(format!("{not_done}: {reason}")))?;
        let promotion = self.rollback_entry(name, actor, earlier, current);
        let target = Target::new(&context.http, name, config).because(promotion.evidence.clone());
        target
            .roll_back(&earlier.model, &earlier.version, &current.version)
            .await
            .map_err(|error| PromotionError::Serving { what: not_done, error })?;
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
            evidence: json!({
                "rolled_back": current.version,
                "verdict": earlier.evidence.get("verdict"),
                "commit": earlier.evidence.get("commit"),
                "data": earlier.evidence.get("data"),
            }),
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
            super::record::pushed_name(target, version),
            model,
            version,
            destination,
        )),
        (Some(run), None) => Some(pushed_model(run, model, version, destination)),
        (None, None) => None,
    };
    let properties = Map::from_iter([
        ("actor".to_owned(), Value::from(promotion.actor.as_str())),
        ("target".to_owned(), Value::from(target.as_str())),
        ("pushed_version".to_owned(), Value::from(version.as_str())),
        ("rolled_back".to_owned(), promotion.evidence["rolled_back"].clone()),
    ]);
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
