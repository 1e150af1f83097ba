//! A target is made to say what its ledger says, after a crash in the middle of a change.

use super::Registry;
use super::serve::Turn;
use crate::serving::{Servable, ServingError, Target};
use trainyard_core::registry::{Unknown, left_alone};
use trainyard_core::run::Drift;

/// What a target is found to be, for a person.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What is in its folder and not provably ours.
    pub others: Vec<String>,
    /// What is found in place of what its ledger says serves, with what the ledger says.
    pub drift: Option<(String, Drift)>,
}

/// Why a target could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// No such target.
    #[error("{}", .0.sentence())]
    Unknown(Unknown),
    /// Its ledger cannot be read, or another process changes it for a long time.
    #[error("{0}")]
    NoTurn(String),
    /// Its folder cannot be read.
    #[error(transparent)]
    Serving(#[from] ServingError),
}

impl Registry {
    /// Looks at a target and changes nothing.
    pub(crate) async fn look_at(&self, name: &str) -> Result<Found, LookError> {
        let config = self.targets.get(name).map_err(LookError::Unknown)?;
        let turn = self
            .turn(name)
            .await
            .map_err(|error| LookError::NoTurn(error.to_string()))?;
        let drift = self.drift(name, config, &turn).await?;
        let version = turn.ledger.serving().map(|serving| serving.pushed.version.clone());
        Ok(Found {
            others: Target::new(&self.http, name, config).others(&turn.claims).await?,
            drift: version.zip(drift),
        })
    }

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
