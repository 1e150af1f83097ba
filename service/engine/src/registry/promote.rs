//! Promotion by a person: the model of a run, or an earlier version, serves from now on.

use crate::content::artifacts::remove_tree;
use crate::engine::Engine;
use crate::house::config::TargetConfig;
use crate::house::context::{Context, new_run_id};
use crate::house::error::EffectError;
use crate::registry::aliases::intact;
use crate::registry::infra_validation::{self, Validated};
use crate::registry::rollback::ledger;
use crate::run::effects::{judge, push::pushed_as};
use crate::serving::{ServingError, Target, kept, next_version, served};
use serde::Serialize;
use serde_json::{Value, json};
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::gate::{Blessed, Override};
use trainyard_core::run::Run;
use trainyard_core::spec::{InfraValidation, Push};
use trainyard_store::{NewPromotion, Promotion, PromotionAction, StoreError};

/// What a person asks for.
#[derive(Clone, Debug, Default)]
pub struct PromoteRequest {
    /// A run's id or its beginning, or a version of the target.
    pub model: String,
    /// The push target; the run's own, or the only one, if absent.
    pub target: Option<String>,
    /// Why; needed when the gate did not approve the model.
    pub reason: Option<String>,
    /// Who.
    pub actor: String,
}

/// What a promotion did.
#[derive(Clone, Debug, Serialize)]
pub struct Promoted {
    /// The target.
    pub target: String,
    /// The version that serves from now on.
    pub version: String,
    /// The version that served until now.
    pub from: Option<String>,
    /// The run that made the model.
    pub run: Option<String>,
    /// The model's digest.
    pub model: String,
    /// Whether a person approved what the gate did not.
    pub forced: bool,
}

/// Why nothing was promoted or rolled back; what served before still serves.
#[derive(Debug, thiserror::Error)]
pub enum PromotionError {
    /// No such run, version or target.
    #[error("{0}")]
    Unknown(String),
    /// It is there and cannot serve so.
    #[error("{0}")]
    Refused(String),
    /// The server did not take it.
    #[error("{what}: {error}")]
    Serving {
        /// What did not happen.
        what: String,
        /// Why.
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

/// The model that was asked for, with all that is known of it.
pub(super) struct Found {
    pub(super) model: ArtifactRef,
    pub(super) pipeline: String,
    pub(super) run: Option<Run>,
    /// The version it served as, if a version was named.
    version: Option<String>,
    /// Whether a person approved it for that version.
    forced_before: bool,
}

impl Engine {
    /// Makes a model serve that a run made, or an earlier version under a new number. A model that the gate
    /// did not approve needs a reason. Everything a push proves is proved, and what is done is recorded.
    pub async fn promote(&self, request: &PromoteRequest) -> Result<Promoted, PromotionError> {
        let context = self.context();
        let _in_use = context.collecting.hold_off().await.map_err(PromotionError::Lock)?;
        let (name, found) = find(context, request).await?;
        let config = configured(context, &name)?;
        let (blessed, forced) = approve(&found, request)?;
        intact(context, blessed.get()).await.map_err(PromotionError::Refused)?;
        let plan = plan(&name, &found);
        // Before the lock: a rollback does not wait for it.
        let validated = validate(context, &found, &plan, config, request).await?;

        let _alone = context.pushing.hold().await.map_err(PromotionError::Lock)?;
        let ledger = ledger(context, &name).await?;
        let stack = served(&ledger);
        let current = stack.last().copied();
        if let Some(serving) = current.filter(|serving| serving.model.digest == found.model.digest) {
            return Err(PromotionError::Refused(format!(
                "target '{name}' serves this model already, as version {}",
                serving.version
            )));
        }
        let version = next_version(&ledger);
        let evidence = evidence(&found, request, forced.as_ref(), current);
        let target = Target::new(&context.http, &name, config)
            .within(plan.latency_bound())
            .because(evidence.clone());
        target
            .push(&blessed, &version, &kept(&stack), plan.infra_validation)
            .await
            .map_err(|error| PromotionError::Serving {
                what: format!("the model was not promoted to target '{name}'"),
                error,
            })?;
        metrics::counter!("trainyard_pushes_total", "target" => name.clone()).increment(1);
        let promotion = NewPromotion {
            target: name.clone(),
            pipeline: found.pipeline.clone(),
            action: PromotionAction::Push,
            version: version.clone(),
            model: found.model.clone(),
            run: found.run.as_ref().map(|run| run.request.id.clone()),
            actor: request.actor.clone(),
            evidence,
            at: context.now(),
        };
        let mut metadata = Vec::new();
        if let Some(forced) = &forced {
            metadata.push(super::record::blessing(context, &promotion, &found, forced)?);
        }
        let pushed = pushed_as(
            super::record::pushed_name(&name, &version),
            &found.model,
            &version,
            &target.destination(&version),
        );
        let infra_blessing = validated.as_ref().map(|validated| validated.blessing.clone());
        metadata.extend(
            validated.map(|validated| super::record::infra_validator(&found, &plan, validated, request, promotion.at)),
        );
        metadata.push(super::record::pusher(
            &promotion,
            pushed,
            infra_blessing,
            forced.is_some(),
        ));
        let newest = ledger.last().map(|entry| entry.id);
        context.store.append_promotion(&promotion, newest, metadata).await?;
        Ok(Promoted {
            target: name,
            version,
            from: current.map(|entry| entry.version.clone()),
            run: promotion.run.as_ref().map(ToString::to_string),
            model: found.model.digest.to_string(),
            forced: forced.is_some(),
        })
    }
}

/// In a throw-away copy of the serving container, where one is configured. A refusal is recorded.
async fn validate(
    context: &Context,
    found: &Found,
    plan: &Push,
    config: &TargetConfig,
    request: &PromoteRequest,
) -> Result<Option<Validated>, PromotionError> {
    // Of its own, since the run may be gone or be tried at this very moment.
    let id = new_run_id();
    let validated = infra_validation::validate(context, &id, &found.model, plan, config).await;
    let folders = [context.folders.work(&id), context.folders.logs(&id)];
    let _ = tokio::task::spawn_blocking(move || folders.map(|folder| remove_tree(&folder))).await;
    let not_promoted = |reason: &str| PromotionError::Refused(format!("the model was not promoted: {reason}"));
    let validated = validated.map_err(|error| match error {
        EffectError::Again { reason, .. } | EffectError::Broken(reason) => not_promoted(&reason),
    })?;
    let Some(validated) = validated else { return Ok(None) };
    let Some(refusal) = validated.refusal.clone() else {
        return Ok(Some(validated));
    };
    let write = super::record::infra_validator(found, plan, validated, request, context.now());
    context.store.record_metadata(vec![write]).await?;
    Err(not_promoted(&refusal))
}

/// The settings of a target.
pub(crate) fn configured<'a>(context: &'a Context, name: &str) -> Result<&'a TargetConfig, PromotionError> {
    context.config.targets.get(name).ok_or_else(|| {
        let known = context.config.known_targets();
        PromotionError::Unknown(format!(
            "there is no push target '{name}' (known: {known}): see [targets] in trainyard.toml"
        ))
    })
}

/// The target and the model. A version of the target comes before a run whose id begins like it.
async fn find(context: &Context, request: &PromoteRequest) -> Result<(String, Found), PromotionError> {
    let asked = request.model.as_str();
    let only = match context.config.targets.keys().collect::<Vec<_>>().as_slice() {
        [only] => Some((*only).clone()),
        _ => None,
    };
    if let Some(name) = request.target.clone().or(only) {
        configured(context, &name)?;
        let ledger = ledger(context, &name).await?;
        let pushed = |entry: &&Promotion| entry.action == PromotionAction::Push && entry.version == asked;
        if let Some(entry) = ledger.iter().find(pushed) {
            let found = of_version(context, entry).await?;
            return Ok((name, found));
        }
    }
    let run = match context.store.run_row(asked).await? {
        Some(row) => context.store.load_run(&row.id).await?,
        None => {
            return Err(PromotionError::Unknown(format!(
                "there is no run and no version '{asked}': see `trainyard runs` and `trainyard models`, and name the --target of a version"
            )));
        }
    };
    let own = run.request.plan.push.as_ref().map(|push| push.target.clone());
    let Some(name) = request.target.clone().or(own) else {
        return Err(PromotionError::Refused(format!(
            "pipeline '{}' has no push target: name one with --target (known: {})",
            run.request.plan.pipeline,
            context.config.known_targets()
        )));
    };
    Ok((name, of_run(run)?))
}

async fn of_version(context: &Context, entry: &Promotion) -> Result<Found, PromotionError> {
    let run = match &entry.run {
        Some(id) => match context.store.load_run(id).await {
            Ok(run) => Some(run),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    Ok(Found {
        model: entry.model.clone(),
        pipeline: entry.pipeline.clone(),
        run,
        version: Some(entry.version.clone()),
        forced_before: entry.evidence.get("forced").is_some(),
    })
}

fn of_run(run: Run) -> Result<Found, PromotionError> {
    let (id, plan) = (&run.request.id, &run.request.plan);
    if !run.state.is_final() {
        return Err(PromotionError::Refused(format!(
            "run {id} is not over yet: wait for its verdict, or cancel it first"
        )));
    }
    let models: Vec<_> = match &plan.gate {
        Some(gate) => judge::found(&run, &gate.model).into_iter().collect(),
        None => {
            let outputs = run.steps.values().flat_map(|step| step.outputs.values());
            outputs.filter(|output| output.type_name == "Model").cloned().collect()
        }
    };
    match models.as_slice() {
        [model] => Ok(Found {
            model: model.clone(),
            pipeline: plan.pipeline.clone(),
            version: None,
            forced_before: false,
            run: Some(run),
        }),
        [] => Err(PromotionError::Refused(format!(
            "run {id} made no model: see `trainyard runs {id}`"
        ))),
        _ => Err(PromotionError::Refused(format!(
            "run {id} made several models and its pipeline has no gate that names one of them"
        ))),
    }
}

/// The proof of approval: the gate's, where it gave one for the base branch; else the person's, who says why.
fn approve(
    found: &Found,
    request: &PromoteRequest,
) -> Result<(Blessed<ArtifactRef>, Option<Override>), PromotionError> {
    let run = found.run.as_ref();
    let verdict = run.and_then(|run| run.verdict.as_ref());
    let pull_request = run.and_then(|run| run.request.pull_request);
    let by_gate = verdict
        .filter(|_| pull_request.is_none() && !found.forced_before)
        .and_then(|verdict| verdict.bless(found.model.clone()));
    if let Some(blessed) = by_gate {
        return Ok((blessed, None));
    }
    let Some(reason) = request.reason.as_deref() else {
        let why = match (pull_request, verdict) {
            (Some(number), _) => {
                format!("this model was made for pull request #{number}, which a promotion does not merge")
            }
            (None, _) if found.forced_before => "the gate never approved this model".to_owned(),
            (None, Some(verdict)) => match verdict.failures().next() {
                Some(failure) => format!("the gate did not approve this model: {}", failure.sentence),
                None => format!("the gate's verdict on this model is {}", verdict.blessing().as_str()),
            },
            (None, None) => "no gate judged this model".to_owned(),
        };
        return Err(PromotionError::Refused(format!(
            "{why}; to promote it nevertheless, say why with --reason \"…\", which the ledger keeps"
        )));
    };
    let forced = Override::new(&request.actor, reason).map_err(PromotionError::Refused)?;
    Ok((Blessed::by_person(found.model.clone(), &forced), Some(forced)))
}

/// How the target proves the model: as the run's own plan says.
fn plan(target: &str, found: &Found) -> Push {
    let own = found.run.as_ref().and_then(|run| run.request.plan.push.clone());
    let own = own.unwrap_or(Push {
        target: String::new(),
        infra_validation: InfraValidation::default(),
        max_latency: None,
    });
    Push {
        target: target.to_owned(),
        ..own
    }
}

fn evidence(found: &Found, request: &PromoteRequest, forced: Option<&Override>, current: Option<&Promotion>) -> Value {
    let run = found.run.as_ref();
    let mut said = json!({
        "promoted": found.version.as_deref().or(run.map(|run| run.request.id.as_str())),
        "instead_of": current.map(|entry| &entry.version),
        "verdict": run.and_then(|run| run.verdict.as_ref()),
        "commit": run.and_then(|run| run.request.commit.as_ref()),
        "data": run.map(data).unwrap_or_default(),
        "reason": request.reason,
    });
    if let (Some(forced), Some(said)) = (forced, said.as_object_mut()) {
        said.insert(
            "forced".to_owned(),
            json!({"by": forced.actor(), "reason": forced.reason()}),
        );
    }
    said
}

/// The external data a run read: digest and spans of each source.
pub(crate) fn data(run: &Run) -> Vec<Value> {
    let inputs = run.steps.values().flat_map(|step| step.inputs.values());
    let external = inputs.filter(|input| input.type_name == "ExternalData");
    external
        .map(|data| {
            let spans = data
                .properties
                .get("spans")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let labels: Vec<_> = spans.map(|span| &span["label"]).collect();
            json!({"source": data.properties.get("source"), "digest": data.digest, "spans": labels})
        })
        .collect()
}
