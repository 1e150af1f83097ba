//! Names such as `challenger` for versions of a registered model.

use super::Registry;
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use trainyard_core::registry::{Alias, AliasRefusal, NewAlias, check_alias};
use trainyard_store::StoreError;

/// Why a name was not given or taken away.
#[derive(Debug, thiserror::Error)]
pub enum AliasError {
    /// It may not be.
    #[error("{}", .0.sentence())]
    Refused(AliasRefusal),
    /// The lock cannot be taken.
    #[error("the data folder cannot be written: {0}")]
    Lock(#[source] std::io::Error),
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Registry {
    /// Gives a name to a version of a registered model, or with `None` takes it away.
    pub(crate) async fn set_alias(
        &self,
        model: &str,
        alias: &str,
        version: Option<&str>,
        actor: &str,
        reason: Option<String>,
    ) -> Result<Alias, AliasError> {
        let _in_use = self.content.hold_off().await.map_err(AliasError::Lock)?;
        let (ledger, given) = (self.store.ledger(model).await?, self.store.aliases(Some(model)).await?);
        check_alias(model, alias, version, &ledger, &given).map_err(AliasError::Refused)?;
        let new = NewAlias {
            model: model.to_owned(),
            alias: alias.to_owned(),
            version: version.map(str::to_owned),
            actor: actor.to_owned(),
            reason,
            at: now(),
        };
        let id = passing(Effect::PutAlias, self.store.put_alias(&new)).await?;
        Ok(Alias {
            id,
            model: new.model,
            alias: new.alias,
            version: new.version,
            actor: new.actor,
            reason: new.reason,
            at: new.at,
        })
    }
}
