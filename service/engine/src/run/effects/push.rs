//! `Push`: the approved model reaches its endpoint, read back, and the ledger says so.

use super::{execution, judge};
use crate::house::config::TargetConfig;
use crate::house::context::Context;
use crate::house::error::EffectError;
use crate::registry::aliases;
use crate::registry::infra_validation::{self, Validated};
use crate::registry::promote;
use crate::registry::rollback;
use crate::run::outcome::Outcome;
use crate::serving::{ServingError, Target, kept, next_version, served};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::ids::{Micros, RunId, StepName};
use trainyard_core::run::{Run, RunEvent};
use trainyard_core::sentence;
use trainyard_core::spec::Baseline;
use trainyard_store::{
    EndState, ExecutionIdentity, MetadataWrite, NewPromotion, Promotion, PromotionAction, PublishExecution,
    StartExecution,
};

/// The configuration of a push target.
pub(super) fn target<'a>(context: &'a Context, name: &str) -> Result<&'a TargetConfig, EffectError> {
    context.config.targets.get(name).ok_or_else(|| {
        let known = context.config.known_targets();
        EffectError::Broken(format!(
            "push target '{name}' is not configured (known: {known}): add [targets.{name}] to trainyard.toml, or run with --no-push"
        ))
    })
}

pub(super) async fn push(context: &Context, run: &Run, now: Micros) -> Result<Outcome, EffectError> {
    let (Some(verdict), Some(plan), Some(gate)) = (&run.verdict, &run.request.plan.push, &run.request.plan.gate) else {
        return Err(EffectError::Broken("there is nothing to push".to_owned()));
    };
    let candidate = judge::found(run, &gate.model);
    let Some(model) = candidate.and_then(|candidate| verdict.bless(candidate)) else {
        return Err(EffectError::Broken("the model is not approved".to_owned()));
    };
    let config = target(context, &plan.target)?;
    aliases::intact(context, model.get())
        .await
        .map_err(|reason| EffectError::Broken(format!("the approved model was not pushed: {reason}")))?;
    // Before the lock: a rollback does not wait for it.
    let validated = infra_validation::validate(context, &run.request.id, model.get(), plan, config).await?;
    if let Some(validated) = &validated
        && let Some(reason) = validated.refusal.clone()
    {
        return Ok(infra_validation::refused(run, validated, reason, now));
    }
    let lock = context.pushing.hold().await.map_err(EffectError::again)?;
    let ledger = rollback::ledger(context, &plan.target)
        .await
        .map_err(EffectError::again)?;
    let stack = served(&ledger);
    let serving = stack.last().copied();
    still_the_judged(run, serving, &gate.gate.baseline)?;
    still_the_newest(context, run, serving).await?;

    let evidence = json!({"verdict": verdict, "commit": run.request.commit, "data": promote::data(run)});
    let target = Target::new(&context.http, &plan.target, config)
        .within(plan.latency_bound())
        .because(evidence.clone());
    let version = next_version(&ledger);
    match target
        .push(&model, &version, &kept(&stack), plan.infra_validation)
        .await
    {
        Ok(()) => {}
        Err(error @ ServingError::Unreachable { .. }) if first_tries(run, now, config.max_loading_time) => {
            return Err(EffectError::again(error));
        }
        Err(error) => {
            return Err(EffectError::Broken(format!(
                "the approved model was not pushed: {error}"
            )));
        }
    }
    metrics::counter!("trainyard_pushes_total", "target" => plan.target.clone()).increment(1);
    let destination = target.destination(&version);
    let pushed = pushed_model(&run.request.id, model.get(), &version, &destination);
    let event = RunEvent::ModelPushed {
        target: plan.target.clone(),
        version: version.clone(),
        destination: destination.display().to_string(),
        model: model.get().clone(),
    };
    let promotion = NewPromotion {
        target: plan.target.clone(),
        pipeline: run.request.plan.pipeline.clone(),
        action: PromotionAction::Push,
        version,
        model: model.get().clone(),
        run: Some(run.request.id.clone()),
        actor: "gate".to_owned(),
        evidence,
        at: now,
    };
    Ok(Outcome {
        events: vec![event],
        metadata: recorded(run, pushed, validated.as_ref(), now),
        promotion: Some(promotion),
        lock: Some(lock),
        ..Outcome::default()
    })
}

/// A verdict is about two models: if another one serves by now, it says nothing.
fn still_the_judged(run: &Run, serving: Option<&Promotion>, baseline: &Baseline) -> Result<(), EffectError> {
    let judged = run
        .baseline
        .as_ref()
        .and_then(Option::as_ref)
        .map(|model| &model.digest);
    let serving = serving.map(|entry| &entry.model.digest);
    if *baseline != Baseline::Serving || judged == serving {
        return Ok(());
    }
    Err(EffectError::Broken(
        "another model began to serve while this one was judged: start the run again to compare with it".to_owned(),
    ))
}

/// A run that was held up does not replace the model of a newer one, whatever it was compared with.
async fn still_the_newest(context: &Context, run: &Run, serving: Option<&Promotion>) -> Result<(), EffectError> {
    let of_the_pipeline =
        |entry: &&Promotion| entry.action == PromotionAction::Push && entry.pipeline == run.request.plan.pipeline;
    let Some(of) = serving.filter(of_the_pipeline).and_then(|entry| entry.run.as_ref()) else {
        return Ok(());
    };
    let newer = context.store.run_row(of.as_str()).await.map_err(EffectError::again)?;
    match newer {
        Some(newer) if newer.created_at > run.request.created_at => Err(EffectError::Broken(format!(
            "the model of the newer run {} began to serve while this run was held up: start it again to have its model judged anew",
            newer.id
        ))),
        _ => Ok(()),
    }
}

/// A server that is being restarted is waited for as long as it may take to load its models; one
/// that is gone is not waited for for ever.
fn first_tries(run: &Run, now: Micros, patience: Duration) -> bool {
    let last_step = run
        .steps
        .values()
        .filter_map(|record| record.ended_at)
        .max()
        .or(run.started_at)
        .unwrap_or(now);
    now < last_step.plus_seconds(patience.as_secs())
}

/// MLMD's execution of the push.
pub(crate) fn identity(run: &Run) -> ExecutionIdentity {
    execution(run, &StepName::from("push"), "Pusher")
}

/// What a push reads, under TFX's names.
pub(crate) fn inputs(run: &Run, validated: Option<&Validated>) -> BTreeMap<String, ArtifactRef> {
    let model = run
        .request
        .plan
        .gate
        .as_ref()
        .and_then(|gate| judge::found(run, &gate.model));
    let Some(model) = model else { return BTreeMap::new() };
    // Its row is there since the verdict, and rows are found by type and name.
    let blessing = ArtifactRef {
        name: format!("{}/gate/blessing", run.request.id),
        type_name: "ModelBlessing".to_owned(),
        ..model.clone()
    };
    let infra_blessing = validated.map(|validated| ("infra_blessing".to_owned(), validated.blessing.clone()));
    let judged = [("model".to_owned(), model), ("model_blessing".to_owned(), blessing)];
    judged.into_iter().chain(infra_blessing).collect()
}

/// The CANCELED execution of a push that the verdict made needless, if the pipeline has a push.
pub(super) fn not_needed(run: &Run, judged: &RunEvent, at: Micros) -> Option<MetadataWrite> {
    run.request.plan.push.as_ref()?;
    let mut next = run.clone();
    next.apply(judged, at);
    (!next.wants_push()).then(|| MetadataWrite::End {
        identity: identity(run),
        state: EndState::Canceled,
        reason: sentence::run_succeeded(&next),
        at,
    })
}

/// What a run's push leaves in MLMD.
pub(crate) fn pushed_model(run: &RunId, model: &ArtifactRef, version: &str, destination: &Path) -> ArtifactRef {
    pushed_as(format!("{run}/push/pushed_model"), model, version, destination)
}

/// A PushedModel. Its bytes are the sealed model's, which stay; the served folder makes room for later
/// versions.
pub(crate) fn pushed_as(name: String, model: &ArtifactRef, version: &str, destination: &Path) -> ArtifactRef {
    let said = json!({"pushed": 1, "pushed_destination": destination, "pushed_version": version});
    ArtifactRef {
        name,
        type_name: "PushedModel".to_owned(),
        digest: model.digest.clone(),
        uri: model.uri.clone(),
        properties: said.as_object().cloned().unwrap_or_default(),
    }
}

fn recorded(run: &Run, pushed: ArtifactRef, validated: Option<&Validated>, at: Micros) -> Vec<MetadataWrite> {
    let identity = identity(run);
    let push = [
        MetadataWrite::StartExecution(StartExecution {
            identity: identity.clone(),
            inputs: inputs(run, validated),
            properties: serde_json::Map::new(),
            at,
        }),
        MetadataWrite::Publish(PublishExecution {
            identity,
            cache_key: None,
            outputs: BTreeMap::from([("pushed_model".to_owned(), pushed)]),
            properties: serde_json::Map::new(),
            at,
        }),
    ];
    let infra = validated.map(|validated| infra_validation::recorded(run, validated, at));
    infra.into_iter().flatten().chain(push).collect()
}
