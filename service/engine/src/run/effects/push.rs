//! `Push`: the approved model reaches its endpoint, read back, and the ledger says so.

use crate::house::config::TargetConfig;
use crate::house::error::EffectError;
use crate::registry::Registry;
use crate::registry::infra_validation::Validated;
use crate::registry::record::pushed_model;
use crate::registry::serve::{Change, Reason, Served, Turn, TurnError};
use crate::run::first_byte::FirstByte;
use crate::run::outcome::{Outcome, execution, failed_execution};
use crate::serving::{ServingError, Target};
use serde_json::Map;
use std::collections::BTreeMap;
use std::time::Duration;
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_core::gate::Blessed;
use trainyard_core::ids::Micros;
use trainyard_core::node::NodeId;
use trainyard_core::registry::{
    Evidence, Intent, IntentState, Judged, Ledger, NewPromotion, NewerRun, Promotion, PromotionAction, PushFacts,
    PushRefusal, approved, may_push,
};
use trainyard_core::run::{Drift, Run, RunEvent, RunState, Withheld, decide};
use trainyard_core::sentence;
use trainyard_store::{EndState, ExecutionIdentity, MetadataWrite};

/// A run's push that was withdrawn so often is not begun again.
const MOST_TRIES: usize = 3;

/// The configuration of a push target.
pub(super) fn target<'a>(registry: &'a Registry, name: &str) -> Result<&'a TargetConfig, EffectError> {
    registry.targets.get(name).map_err(|_| {
        refused(&PushRefusal::NoTarget {
            name: name.to_owned(),
            known: registry.targets.known(),
        })
    })
}

fn refused(refusal: &PushRefusal) -> EffectError {
    EffectError::Broken(refusal.sentence())
}

pub(super) async fn push(
    registry: &Registry,
    run: &Run,
    now: Micros,
    first_byte: &FirstByte,
) -> Result<Outcome, EffectError> {
    let Some(plan) = &run.request.plan.push else {
        return Err(refused(&PushRefusal::NothingToPush));
    };
    let candidate = approved(run).map_err(|refusal| refused(&refusal))?;
    let model = candidate.model();
    let config = target(registry, &plan.target)?;
    let cancelled = |by: &str| decide::finished(run, RunState::Cancelled, sentence::run_cancelled(by));
    // What never began needs no turn: another push may have it for long.
    if let Some(by) = &run.cancel_requested
        && !begun(registry, run, &plan.target).await?
    {
        return Ok(Outcome::event(cancelled(by)));
    }
    // Not after a trial of minutes; the turn looks again.
    let first = turn(registry, &plan.target).await?;
    if let Some(entry) = finished(&first.ledger, run) {
        return Ok(pushed_before(registry, run, entry, config, now));
    }
    // Nothing is begun any more, and what a crash cut off does not serve.
    if let Some(by) = &run.cancel_requested {
        return Ok(Outcome::event(cancelled(by)));
    }
    // What nobody knew is known by now: this model does not serve. It is not tried for ever.
    if !first_tries(run, now, config.max_loading_time)
        && let Some(reason) = withdrawn(&first.intents, run)
    {
        return Err(not_pushed(&reason));
    }
    let drift = drift(registry, config, &plan.target, candidate.digest(), &first).await?;
    if let Err(PushRefusal::Withheld(because)) = decided(registry, run, &first, drift.as_ref()).await? {
        return Ok(withheld(run, because, now));
    }
    let claims = first.claims.clone();
    drop(first);
    let files = registry.content.open_proved(&model.digest).await;
    let files = files.map_err(|error| match error.is_trouble() {
        true => EffectError::later(error),
        false => not_pushed(&error),
    })?;
    // Before the trial, which is dear.
    let room = Target::new(&registry.http, &plan.target, config);
    if let Err(error @ ServingError::Trouble(_)) = room.has_room(&files, &claims).await {
        return Err(waits(&error));
    }
    // Before the turn: a rollback does not wait for it.
    let validated = registry.validate(&run.request.id, model, plan, config).await?;
    if let Some(validated) = &validated
        && let Some(reason) = validated.refusal.clone()
    {
        return Ok(not_fit(run, validated, reason, now));
    }
    let turn = turn(registry, &plan.target).await?;
    let drift = self::drift(registry, config, &plan.target, candidate.digest(), &turn).await?;
    let blessed = match decided(registry, run, &turn, drift.as_ref()).await? {
        Ok(blessed) => blessed,
        Err(PushRefusal::Withheld(because)) => return Ok(withheld(run, because, now)),
        Err(refusal) => return Err(refused(&refusal)),
    };
    // What serves already, and was lost at its target, was approved before.
    if turn.ledger.serves(blessed.digest()).is_none()
        && run.approved.is_none()
        && let Some(seconds) = config.patience(plan)
    {
        return Ok(Outcome::event(RunEvent::ApprovalRequested { seconds }));
    }
    let reason = Reason {
        pipeline: run.request.plan.pipeline.clone(),
        run: Some(run.request.id.clone()),
        // Of a work tree on a person's machine it is that person who pushes.
        actor: match (&run.approved, &run.request.work_tree) {
            (Some(word), _) => word.by.clone(),
            (None, Some(tree)) => tree.actor.clone(),
            (None, None) => "gate".to_owned(),
        },
        evidence: Evidence::Gate(Judged::of(run)),
    };
    let change = Change::New { blessed, files, plan };
    if !first_byte.begin() {
        return Err(EffectError::again("the push was given up"));
    }
    match Box::pin(registry.serve(&plan.target, config, turn, change, reason)).await {
        Ok(served) => Ok(pushed(run, served, drift, validated.as_ref(), now)),
        // The run waits while the target is read back.
        Err(error @ (ServingError::Unknown { .. } | ServingError::NotBegun(_))) => Err(EffectError::again(error)),
        Err(error @ ServingError::Unreachable { .. }) if first_tries(run, now, config.max_loading_time) => {
            Err(EffectError::again(error))
        }
        // A full disk, for example: the model is approved, and goes there when there is room.
        Err(error @ ServingError::Trouble(_)) => Err(waits(&error)),
        // Whoever took it over goes on with the run.
        Err(error @ ServingError::TurnLost) => Err(EffectError::again(error)),
        Err(error) => Err(not_pushed(&error)),
    }
}

pub(in crate::run) async fn turn(registry: &Registry, target: &str) -> Result<Turn, EffectError> {
    registry.turn(target).await.map_err(|error| match error {
        TurnError::Unknown { sentence, after } => EffectError::Again {
            reason: sentence,
            after,
        },
        error => EffectError::again(error),
    })
}

/// Whether anything was ever about to be sent for this run.
async fn begun(registry: &Registry, run: &Run, target: &str) -> Result<bool, EffectError> {
    let intents = registry.store.intents(target).await.map_err(EffectError::again)?;
    Ok(intents
        .iter()
        .any(|intent| intent.entry.run.as_ref() == Some(&run.request.id)))
}

/// The entry of this very push, where it was finished after nobody knew what came of it. Another engine may have
/// pushed another model since.
fn finished<'a>(ledger: &'a Ledger, run: &Run) -> Option<&'a Promotion> {
    let candidate = run.candidate()?;
    let own = |entry: &&Promotion| {
        entry.run.as_ref() == Some(&run.request.id)
            && entry.action == PromotionAction::Push
            && matches!(entry.evidence, Evidence::Gate(_))
            && entry.model.digest == candidate.digest
    };
    ledger.entries().iter().rev().find(own)
}

/// Why the pushes of this run were withdrawn, where that happened too often; a restart of the service may be one time.
fn withdrawn(intents: &[Intent], run: &Run) -> Option<String> {
    let of_run = |intent: &&Intent| intent.entry.run.as_ref() == Some(&run.request.id);
    let of_run = intents.iter().filter(of_run);
    let mut withdrawn = of_run.filter(|intent| intent.state == IntentState::Withdrawn);
    let newest = withdrawn.next()?;
    (1 + withdrawn.count() >= MOST_TRIES).then(|| newest.reason.clone().unwrap_or_default())
}

/// The model serves, and the ledger knows it.
fn pushed_before(registry: &Registry, run: &Run, entry: &Promotion, config: &TargetConfig, at: Micros) -> Outcome {
    let destination = Target::new(&registry.http, &entry.target, config).destination(&entry.version);
    let event = RunEvent::ModelPushed {
        target: entry.target.clone(),
        version: entry.version.clone(),
        destination: destination.display().to_string(),
        model: entry.model.clone(),
        restored: None,
    };
    let promotion = NewPromotion {
        target: entry.target.clone(),
        pipeline: entry.pipeline.clone(),
        action: entry.action,
        version: entry.version.clone(),
        model: entry.model.clone(),
        run: entry.run.clone(),
        actor: entry.actor.clone(),
        evidence: entry.evidence.clone(),
        at: entry.at,
    };
    let name = NodeId::push().artifact(&run.request.id, "pushed_model");
    let pushed = pushed_model(name, &promotion, &destination);
    Outcome {
        metadata: recorded(run, pushed, None, at),
        ..Outcome::event(event)
    }
}

fn waits(trouble: &ServingError) -> EffectError {
    EffectError::later(format!("the approved model waits to be pushed: {trouble}"))
}

fn not_pushed(error: &dyn std::fmt::Display) -> EffectError {
    EffectError::Broken(format!("the approved model was not pushed: {error}"))
}

/// Whether the run's model may be pushed, by what is known of its target.
pub(in crate::run) async fn decided(
    registry: &Registry,
    run: &Run,
    turn: &Turn,
    drift: Option<&Drift>,
) -> Result<Result<Blessed, PushRefusal>, EffectError> {
    let newer = serving_run(registry, run, &turn.ledger).await?;
    let facts = PushFacts {
        ledger: &turn.ledger,
        hold: turn.hold.as_ref(),
        serving_run: newer.as_ref(),
        drift,
        disagreement: turn.disagreement.as_ref(),
    };
    Ok(may_push(run, facts))
}

/// What is found at the target, where its ledger says that this very model serves there.
async fn drift(
    registry: &Registry,
    config: &TargetConfig,
    target: &str,
    model: &Digest,
    turn: &Turn,
) -> Result<Option<Drift>, EffectError> {
    if turn.ledger.serves(model).is_none() {
        return Ok(None);
    }
    let drift = registry.drift(target, config, turn).await;
    drift.map_err(|error| not_pushed(&error))
}

/// The push that is not done, although nothing went wrong: MLMD's CANCELED, with the reason.
pub(in crate::run) fn withheld(run: &Run, because: Withheld, at: Micros) -> Outcome {
    let canceled = MetadataWrite::End {
        identity: identity(run),
        state: EndState::Canceled,
        reason: because.sentence(),
        at,
    };
    Outcome {
        metadata: vec![canceled],
        ..Outcome::event(RunEvent::PushWithheld { because })
    }
}

/// The run of this pipeline whose model serves, if one does.
async fn serving_run(registry: &Registry, run: &Run, ledger: &Ledger) -> Result<Option<NewerRun>, EffectError> {
    let Some(id) = NewerRun::to_look_up(ledger, &run.request.plan.pipeline) else {
        return Ok(None);
    };
    let row = registry.store.run_row(id.as_str()).await.map_err(EffectError::again)?;
    Ok(row.map(|row| NewerRun {
        id: row.id,
        created_at: row.created_at,
    }))
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

/// The model serves.
fn pushed(run: &Run, served: Served, restored: Option<Drift>, validated: Option<&Validated>, at: Micros) -> Outcome {
    let promotion = &served.promotion;
    if let Some(drift) = &restored {
        tracing::warn!(
            target = promotion.target,
            version = promotion.version,
            "the push target did not serve what its ledger said, and got it again: {}",
            drift.sentence()
        );
    }
    let event = RunEvent::ModelPushed {
        target: promotion.target.clone(),
        version: promotion.version.clone(),
        destination: served.destination.display().to_string(),
        model: promotion.model.clone(),
        restored,
    };
    let name = NodeId::push().artifact(&run.request.id, "pushed_model");
    let pushed = pushed_model(name, promotion, &served.destination);
    Outcome {
        metadata: recorded(run, pushed, validated, at),
        promotion: Some(served.promotion),
        lock: Some(served.guard),
        ..Outcome::event(event)
    }
}

/// The push that a refused trial ends, as a failure of the run with its sentence.
fn not_fit(run: &Run, validated: &Validated, reason: String, at: Micros) -> Outcome {
    let mut metadata = tried(run, validated, at);
    metadata.extend(failed_execution(
        identity(run),
        inputs(run, Some(validated)),
        &reason,
        at,
    ));
    Outcome {
        metadata,
        ..Outcome::event(RunEvent::PushFailed { reason })
    }
}

/// MLMD's execution of the push.
pub(super) fn identity(run: &Run) -> ExecutionIdentity {
    ExecutionIdentity::of(run, NodeId::push())
}

/// What a push reads, under TFX's names.
pub(super) fn inputs(run: &Run, validated: Option<&Validated>) -> BTreeMap<String, ArtifactRef> {
    let Some(model) = run.candidate() else {
        return BTreeMap::new();
    };
    let read = [
        ("model", Some(model)),
        ("model_blessing", run.blessing.as_ref()),
        ("infra_blessing", validated.map(|validated| &validated.blessing)),
    ];
    let read = read
        .into_iter()
        .filter_map(|(name, input)| Some((name.to_owned(), input?.clone())));
    read.collect()
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

fn recorded(run: &Run, pushed: ArtifactRef, validated: Option<&Validated>, at: Micros) -> Vec<MetadataWrite> {
    let outputs = BTreeMap::from([("pushed_model".to_owned(), pushed)]);
    let push = execution(identity(run), inputs(run, validated), outputs, approved_by(run), at);
    let trial = validated.map(|validated| tried(run, validated, at));
    trial.into_iter().flatten().chain(push).collect()
}

/// Who approved the push beside the gate, and why, as MLMD keeps it.
fn approved_by(run: &Run) -> Map<String, serde_json::Value> {
    let Some(word) = &run.approved else { return Map::new() };
    let mut said = Map::from_iter([
        ("approved_by".to_owned(), word.by.as_str().into()),
        ("reason".to_owned(), word.reason.as_str().into()),
    ]);
    if let Some(account) = word.account {
        said.insert("approved_by_account".to_owned(), account.into());
    }
    said
}

/// What a trial leaves in MLMD.
fn tried(run: &Run, validated: &Validated, at: Micros) -> Vec<MetadataWrite> {
    let identity = ExecutionIdentity::of(run, NodeId::infra_validation());
    let model = run.candidate().map(|model| ("model".to_owned(), model.clone()));
    let outputs = BTreeMap::from([("blessing".to_owned(), validated.blessing.clone())]);
    execution(
        identity,
        model.into_iter().collect(),
        outputs,
        validated.properties(),
        at,
    )
    .into()
}
