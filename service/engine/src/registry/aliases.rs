//! The registry: a registered model is a push target, its versions are the ledger's, and names such as
//! `champion` and `challenger` stand for versions.

use crate::content::artifacts::digest;
use crate::engine::Engine;
use crate::house::context::Context;
use crate::registry::rollback::ledger;
use crate::serving::served;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::plan::Plan;
use trainyard_core::spec::{Baseline, is_model_name};
use trainyard_store::{Alias, NewAlias, Promotion, PromotionAction, StoreError};

/// The alias of what serves. It moves by itself, and nobody sets it.
pub const CHAMPION: &str = "champion";

/// Why a model was not found, or a name not given.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A sentence for whoever asked.
    #[error("{0}")]
    Refused(String),
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn refused<T>(sentence: String) -> Result<T, RegistryError> {
    Err(RegistryError::Refused(sentence))
}

impl Engine {
    /// Gives a name to a version of a registered model.
    pub async fn set_alias(
        &self,
        model: &str,
        alias: &str,
        version: &str,
        actor: &str,
        reason: Option<String>,
    ) -> Result<Alias, RegistryError> {
        if !is_model_name(alias) {
            return refused(format!(
                "'{alias}' cannot be an alias: write letters, digits, '.', '_' or '-', at most 64"
            ));
        }
        let context = self.context();
        let _in_use = context
            .collecting
            .hold_off()
            .await
            .map_err(|error| RegistryError::Refused(format!("the data folder cannot be written: {error}")))?;
        let entries = entries(context, model).await?;
        version_of(&entries, model, version)?;
        self.alias(model, alias, Some(version.to_owned()), actor, reason).await
    }

    /// Takes a name away from a registered model.
    pub async fn remove_alias(
        &self,
        model: &str,
        alias: &str,
        actor: &str,
        reason: Option<String>,
    ) -> Result<Alias, RegistryError> {
        let names = self.context().store.aliases(Some(model)).await?;
        if alias != CHAMPION && !names.iter().any(|entry| entry.alias == alias) {
            return refused(no_alias(model, alias, &names));
        }
        self.alias(model, alias, None, actor, reason).await
    }

    async fn alias(
        &self,
        model: &str,
        alias: &str,
        version: Option<String>,
        actor: &str,
        reason: Option<String>,
    ) -> Result<Alias, RegistryError> {
        if alias == CHAMPION {
            return refused(format!(
                "'{CHAMPION}' follows what serves and is never set by hand: use `trainyard promote` or `trainyard rollback`"
            ));
        }
        let context = self.context();
        let new = NewAlias {
            model: model.to_owned(),
            alias: alias.to_owned(),
            version,
            actor: actor.to_owned(),
            reason,
            at: context.now(),
        };
        let id = context.store.put_alias(&new).await?;
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

/// The ledger of a registered model, oldest first; one without entries is not registered.
async fn entries(context: &Context, model: &str) -> Result<Vec<Promotion>, RegistryError> {
    let ledger = ledger(context, model).await?;
    if ledger.is_empty() {
        return refused(format!(
            "there is no registered model '{model}': nothing was ever pushed to a target of this name; see `trainyard models`"
        ));
    }
    Ok(ledger)
}

/// The entry that made this version serve first.
fn version_of<'a>(ledger: &'a [Promotion], model: &str, version: &str) -> Result<&'a Promotion, RegistryError> {
    let pushed = |entry: &&Promotion| entry.action == PromotionAction::Push && entry.version == version;
    match ledger.iter().find(pushed) {
        Some(entry) => Ok(entry),
        None => refused(format!(
            "model '{model}' has no version '{version}': see `trainyard models {model}`"
        )),
    }
}

fn no_alias(model: &str, alias: &str, known: &[Alias]) -> String {
    let mut names: Vec<_> = known.iter().map(|entry| entry.alias.as_str()).collect();
    names.push(CHAMPION);
    format!(
        "model '{model}' has no alias '{alias}' (known: {}): give it with `trainyard alias set {model} {alias} VERSION`",
        names.join(", ")
    )
}

/// The model that a run's candidate is compared with, by the gate's `baseline`. An alias or a version
/// that does not exist is refused with a sentence.
pub(crate) async fn baseline(context: &Context, plan: &Plan) -> Result<Option<ArtifactRef>, RegistryError> {
    let serving = Baseline::default();
    let baseline = plan.gate.as_ref().map_or(&serving, |planned| &planned.gate.baseline);
    let target = plan.push.as_ref().map(|push| push.target.as_str());
    let named = |target: Option<&'_ str>| match target {
        Some(target) => Ok(target.to_owned()),
        None => refused(format!(
            "gate.baseline is {baseline}, but pipeline '{}' has no push target whose versions it could name",
            plan.pipeline
        )),
    };
    match baseline {
        Baseline::None => Ok(None),
        Baseline::LatestBlessed => Ok(context.store.latest_blessed(&plan.pipeline).await?),
        Baseline::Serving => match target {
            None => Ok(context.store.latest_blessed(&plan.pipeline).await?),
            Some(target) => Ok(context.store.serving(target).await?.map(|entry| entry.model)),
        },
        Baseline::LatestPushed => {
            let ledger = ledger(context, &named(target)?).await?;
            let pushed = ledger.iter().rfind(|entry| entry.action == PromotionAction::Push);
            Ok(pushed.map(|entry| entry.model.clone()))
        }
        Baseline::Pinned(version) => {
            let model = named(target)?;
            let ledger = ledger(context, &model).await?;
            version_of(&ledger, &model, version).map(|entry| Some(entry.model.clone()))
        }
        Baseline::Alias(alias) => {
            let model = named(target)?;
            let ledger = ledger(context, &model).await?;
            if alias == CHAMPION {
                return Ok(served(&ledger).last().map(|entry| entry.model.clone()));
            }
            let names = context.store.aliases(Some(&model)).await?;
            let version = names.iter().find(|entry| entry.alias == *alias);
            match version.and_then(|entry| entry.version.as_deref()) {
                Some(version) => version_of(&ledger, &model, version).map(|entry| Some(entry.model.clone())),
                None => refused(no_alias(&model, alias, &names)),
            }
        }
    }
}

/// Whether a model's files are still what was sealed; the error is a sentence.
pub(crate) async fn intact(context: &Context, model: &ArtifactRef) -> Result<(), String> {
    let (artifacts, model) = (context.artifacts.clone(), model.clone());
    let looked = move || {
        let place = artifacts.path(&model.digest);
        if !artifacts.contains(&model.digest) {
            return Err(format!("the model's files are gone: restore {}", place.display()));
        }
        match digest(&place) {
            Ok(found) if found == model.digest => Ok(()),
            Ok(_) => Err(format!(
                "the model's files changed since they were sealed: restore {}, or train it again",
                place.display()
            )),
            Err(error) => Err(format!("the model's files cannot be read: {error}")),
        }
    };
    tokio::task::spawn_blocking(looked)
        .await
        .unwrap_or_else(|error| Err(format!("the model's files could not be read: {error}")))
}
