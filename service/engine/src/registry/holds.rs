//! Targets that people freeze and release.

use super::Registry;
use super::promote::PromotionError;
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use trainyard_core::registry::{HoldRefusal, NewTargetHold, Refusal, TargetHold, hold, release};

impl Registry {
    /// Freezes a target against pushes and promotions. When this returns none is under way any more.
    pub(crate) async fn hold_target(
        &self,
        name: &str,
        actor: &str,
        reason: &str,
    ) -> Result<NewTargetHold, PromotionError> {
        self.change_hold(name, |held| hold(name, held, actor, reason, now()))
            .await
    }

    /// Releases a target. What was kept back meanwhile stays so until a run or a person brings it again.
    pub(crate) async fn release_target(
        &self,
        name: &str,
        actor: &str,
        reason: Option<&str>,
    ) -> Result<NewTargetHold, PromotionError> {
        self.change_hold(name, |held| release(name, held, actor, reason, now()))
            .await
    }

    async fn change_hold(
        &self,
        name: &str,
        change: impl FnOnce(Option<&TargetHold>) -> Result<NewTargetHold, HoldRefusal>,
    ) -> Result<NewTargetHold, PromotionError> {
        self.targets.get(name)?;
        let turn = self.bare_turn(name).await?;
        let entry = change(turn.hold.as_ref()).map_err(Refusal::Hold)?;
        passing(Effect::HoldTarget, self.store.put_target_hold(&entry)).await?;
        Ok(entry)
    }
}
