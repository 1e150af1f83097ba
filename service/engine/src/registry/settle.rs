//! A target is made to say what its ledger says, after a crash in the middle of a change.

use super::Registry;
use super::serve::Turn;
use crate::serving::{Servable, Target};
use trainyard_core::registry::left_alone;

impl Registry {
    /// Looks at every target once, at the start. A failure is only logged: nothing depends on it.
    pub(crate) async fn settle(&self) {
        for name in self.targets.names() {
            if let Err(error) = self.settle_target(name).await {
                tracing::warn!(target = name, %error, "a push target may not serve what the ledger says");
            }
        }
    }

    async fn settle_target(&self, name: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Ok(config) = self.targets.get(name) else {
            return Ok(());
        };
        let Turn { ledger, claims, .. } = &self.turn(name).await?;
        let target = Target::new(&self.http, name, config);
        let serving = ledger.serving().map(|serving| serving.pushed);
        let files = serving.map(|entry| self.content.place(&entry.model.digest));
        let current = serving.zip(files.as_deref()).map(|(entry, files)| Servable {
            model: &entry.model,
            files,
            version: &entry.version,
        });
        let settled = target.settle(current, claims).await?;
        if let Some(sentence) = left_alone(&settled.others) {
            tracing::warn!(target = name, "{sentence}");
        }
        if settled.put_right {
            tracing::info!(target = name, "the push target serves what the ledger says again");
        }
        Ok(())
    }
}
