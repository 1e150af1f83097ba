//! Rollback: the version that served before serves again, proved loadable first.

use super::Registry;
use super::promote::PromotionError;
use super::record;
use super::serve::{Change, Reason};
use trainyard_core::registry::{Evidence, Refusal};

/// What a rollback did.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RolledBack {
    /// The target.
    pub target: String,
    /// The version that served until now.
    pub from: String,
    /// The version that serves from now on.
    pub to: String,
    /// The earlier version whose model it is, where something of others was in the way of its number.
    pub model_of: Option<String>,
}

impl Registry {
    /// Makes the version before the current one serve, and records who asked and why. A target that is held is no
    /// hindrance: a rollback brings nothing new.
    pub(crate) async fn roll_back(
        &self,
        name: &str,
        actor: &str,
        reason: Option<&str>,
    ) -> Result<RolledBack, PromotionError> {
        let config = self.targets.get(name)?;
        let _in_use = self.content.hold_off().await.map_err(PromotionError::Lock)?;
        let turn = self.turn(name).await?;
        turn.is_sure(name)?;
        let way_back = turn.ledger.way_back().map(|(to, from)| (to.clone(), from.clone()));
        let (to, from) = way_back.ok_or_else(|| Refusal::NoWayBack {
            target: name.to_owned(),
        })?;
        if !self.content.contains(&to.model.digest) {
            return Err(PromotionError::Refused(Refusal::Gone {
                target: name.to_owned(),
                version: to.version,
                place: self.content.place(&to.model.digest).display().to_string(),
            }));
        }
        let not_done = format!("target '{name}' was not rolled back");
        let files = self.content.open_proved(&to.model.digest).await;
        let files = files.map_err(|error| PromotionError::Content {
            what: format!("{not_done}: "),
            error,
        })?;
        let reason = Reason {
            pipeline: to.pipeline.clone(),
            run: to.run.clone(),
            actor: actor.to_owned(),
            evidence: Evidence::Rollback {
                rolled_back: from.version.clone(),
                judged: to.evidence.judged(),
                reason: reason.map(str::to_owned),
            },
        };
        let change = Change::Back {
            to: &to,
            files,
            from: &from,
        };
        let ledger = turn.ledger.clone();
        let served = Box::pin(self.serve(name, config, turn, change, reason))
            .await
            .map_err(|error| PromotionError::not_served(not_done, error))?;
        let metadata = record::rollback(&served.promotion, &served.destination, &ledger);
        let promotion = served.record(&self.store, vec![metadata]).await?;
        Ok(RolledBack {
            target: name.to_owned(),
            from: from.version,
            model_of: (promotion.version != to.version).then_some(to.version),
            to: promotion.version,
        })
    }
}
