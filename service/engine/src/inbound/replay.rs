//! A delivery is looked at anew, because a person asks for it.

use super::Inbound;
use crate::house::crash::{Effect, passing};
use trainyard_core::ids::DeliveryId;
use trainyard_store::{AskedAnew, StoreError};

impl Inbound {
    /// One that waits already is looked at at once.
    pub(crate) async fn replay(&self, id: &DeliveryId, actor: &str, forced: bool) -> Result<AskedAnew, StoreError> {
        let asked = self.store.replay_delivery(id, actor, forced);
        let asked = passing(Effect::ReplayDelivery, asked).await?;
        if asked == AskedAnew::Waits {
            tracing::info!(delivery = %id, actor, forced, "a delivery is looked at anew");
        }
        self.signals.ingest.notify_one();
        Ok(asked)
    }
}
