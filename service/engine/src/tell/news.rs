//! News, routed to those who are told of them: what each channel hears is decided in core, and stored in the outbox with
//! how the pipeline is from now on.

use super::Teller;
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use trainyard_core::notify::told;
use trainyard_store::StoreError;

/// News that are read at once.
const BATCH: u32 = 50;

impl Teller {
    /// Routes all that is there.
    pub(super) async fn route(&self) -> Result<(), StoreError> {
        loop {
            let all = self.store.news_to_route(BATCH).await?;
            if all.is_empty() {
                return Ok(());
            }
            for news in &all {
                let before = self.store.health(&news.about).await?;
                let (notices, health) = told(news, &before, self.channels.all());
                let routed = self.store.route(news, notices, health.as_ref(), now());
                passing(Effect::RouteNews, routed).await?;
            }
        }
    }
}
