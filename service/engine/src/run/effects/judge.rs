//! `Judge`: the gate reads what the evaluator measured.

use super::push;
use crate::content::Content;
use crate::house::error::EffectError;
use crate::house::folders::Folders;
use crate::registry::replay::{Past, recorded_evaluation, replay};
use crate::run::outcome::{Outcome, execution};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::evaluation::Evaluation;
use trainyard_core::gate::{Blessing, GateReplay, Verdict, judge as judge_evaluation};
use trainyard_core::ids::{Micros, StepName};
use trainyard_core::node::NodeId;
use trainyard_core::plan::Gate;
use trainyard_core::registry::unfair_baseline;
use trainyard_core::run::{Run, RunEvent};
use trainyard_store::{ExecutionIdentity, Store, StoreError};

/// Recorded verdicts on which a pull request's gate is tried.
const MOST_REPLAYED: usize = 50;

pub(super) async fn judge(
    store: &Store,
    content: &Content,
    folders: &Folders,
    run: &Run,
    now: Micros,
) -> Result<Outcome, EffectError> {
    let Some(planned) = &run.request.plan.gate else {
        return Err(EffectError::Broken("the pipeline has no gate".to_owned()));
    };
    let evaluation = output(run, &planned.evaluation)?;
    let model = output(run, &planned.model)?;
    let measured = recorded_evaluation(content, evaluation).map_err(|error| {
        let told = format!("step '{}': {error}", planned.evaluation.0);
        match error.is_trouble() {
            true => EffectError::later(told),
            false => EffectError::Broken(told),
        }
    })?;
    let verdict = judge_evaluation(&planned.gate, &measured);
    // What is let pass for lack of a baseline must really lack one.
    if let Some(baseline) = run.baseline.iter().flatten().next().filter(|_| verdict.rubber_stamp()) {
        return Err(EffectError::Broken(format!(
            "step '{}': its evaluation has no baseline, and the gate is to compare with {}: let the step read baseline.model, or what was predicted with it, and write baseline: true",
            planned.evaluation.0, baseline.name
        )));
    }
    let verdict = unless_unfair(store, run, verdict).await?;
    let verdict = unless_unchanged(store, run, model, verdict).await?;
    let replay = match &planned.proposed_gate {
        Some(proposed) => Some(replayed(store, content, run, proposed, &measured).await?),
        None => None,
    };
    let blessing = store_blessing(content, folders, run, model, &verdict).await?;
    metrics::counter!("trainyard_verdicts_total", "blessing" => verdict.blessing().as_str()).increment(1);

    let identity = identity(run);
    let properties = json!({"blessing": verdict.blessing().as_str()})
        .as_object()
        .cloned()
        .unwrap_or_default();
    let event = RunEvent::GateJudged {
        verdict,
        model: Some(model.digest.clone()),
        blessing: Some(blessing.clone()),
    };
    let outputs = BTreeMap::from([("blessing".to_owned(), blessing)]);
    let mut metadata = Vec::from(execution(identity, inputs(run), outputs, properties, now));
    metadata.extend(push::not_needed(run, &event, now));
    let replay = replay.map(|replay| RunEvent::GateReplayed { replay });
    Ok(Outcome {
        events: [event].into_iter().chain(replay).collect(),
        metadata,
        ..Outcome::default()
    })
}

/// The verdict, or that the baseline was trained on the rows that judge it.
async fn unless_unfair(store: &Store, run: &Run, verdict: Verdict) -> Result<Verdict, EffectError> {
    let baseline = run.baseline.iter().flatten().next();
    let Some((maker, step)) = baseline.and_then(|model| NodeId::maker(&model.name)) else {
        return Ok(verdict);
    };
    let maker = match store.load_run(&maker).await {
        Ok(maker) => maker,
        // Of a run that was collected nobody knows what it read.
        Err(StoreError::NotFound(_)) => return Ok(verdict),
        Err(error) => return Err(EffectError::again(error)),
    };
    Ok(match unfair_baseline(run, &maker, &step) {
        Some(unfair) => verdict.of_unfair_comparison(unfair.sentence()),
        None => verdict,
    })
}

/// The verdict, or that the candidate is what serves at the pipeline's target.
async fn unless_unchanged(
    store: &Store,
    run: &Run,
    model: &ArtifactRef,
    verdict: Verdict,
) -> Result<Verdict, EffectError> {
    let Some(push) = &run.request.plan.push else {
        return Ok(verdict);
    };
    let ledger = store.ledger(&push.target).await.map_err(EffectError::again)?;
    Ok(match ledger.serves(&model.digest) {
        Some(version) => verdict.of_unchanged(version),
        None => verdict,
    })
}

/// What the gate that the pull request proposes says of the same candidate, and of the past.
async fn replayed(
    store: &Store,
    content: &Content,
    run: &Run,
    proposed: &Gate,
    measured: &Evaluation,
) -> Result<GateReplay, EffectError> {
    let past = Past {
        pipeline: Some(run.request.plan.pipeline.clone()),
        // Another repository's runs are nobody's business here.
        repo: run.request.repo.clone(),
        limit: MOST_REPLAYED,
    };
    let replayed = replay(store, content, proposed, &past).await;
    let replayed = replayed.map_err(EffectError::again)?;
    Ok(GateReplay::new(&judge_evaluation(proposed, measured), replayed))
}

/// MLMD's execution of the gate.
pub(super) fn identity(run: &Run) -> ExecutionIdentity {
    ExecutionIdentity::of(run, NodeId::gate())
}

/// What the gate reads, under TFX's names, as far as it is there.
pub(super) fn inputs(run: &Run) -> BTreeMap<String, ArtifactRef> {
    let planned = run.request.plan.gate.as_ref();
    let read = [
        ("model", run.candidate()),
        ("evaluation", planned.and_then(|gate| run.output(&gate.evaluation))),
        ("baseline_model", run.baseline.iter().flatten().next()),
    ];
    read.into_iter()
        .filter_map(|(name, input)| Some((name.to_owned(), input?.clone())))
        .collect()
}

fn output<'a>(run: &'a Run, place: &(StepName, String)) -> Result<&'a ArtifactRef, EffectError> {
    let (step, output) = place;
    run.output(place)
        .ok_or_else(|| EffectError::Broken(format!("step '{step}' has no output '{output}' to judge")))
}

/// TFX's blessing: a folder with an empty file `BLESSED` or `NOT_BLESSED`, and our reasons beside it.
async fn store_blessing(
    content: &Content,
    folders: &Folders,
    run: &Run,
    model: &ArtifactRef,
    verdict: &Verdict,
) -> Result<ArtifactRef, EffectError> {
    let folder = folders.node(&run.request.id, &NodeId::gate());
    // In our own folders: whatever fails here passes, and the verdict is the same then.
    let unwritten =
        |error: &dyn std::fmt::Display| EffectError::later(format!("the verdict cannot be written: {error}"));
    crate::content::artifacts::remove_tree(&folder).map_err(|e| unwritten(&e))?;
    fs::create_dir_all(&folder).map_err(|e| unwritten(&e))?;
    let marker = match verdict.blessing() {
        Blessing::Blessed => Some("BLESSED"),
        Blessing::NotBlessed => Some("NOT_BLESSED"),
        Blessing::NotEvaluated | Blessing::Unchanged => None,
    };
    if let Some(marker) = marker {
        fs::write(folder.join(marker), b"").map_err(|e| unwritten(&e))?;
    }
    let text = serde_json::to_vec_pretty(verdict).map_err(|e| unwritten(&e))?;
    fs::write(folder.join("verdict.json"), text).map_err(|e| unwritten(&e))?;
    let (digest, place) = content.publish(&folder).await.map_err(|e| unwritten(&e))?;
    let baseline = run.baseline.as_ref().and_then(Option::as_ref);
    let properties = json!({
        "blessed": i64::from(verdict.blessing() == Blessing::Blessed),
        "current_model": model.uri,
        "baseline_model": baseline.map(|b| b.uri.clone()),
        "component_id": "gate",
    });
    Ok(ArtifactRef {
        name: NodeId::gate().artifact(&run.request.id, "blessing"),
        type_name: "ModelBlessing".to_owned(),
        digest,
        uri: place.display().to_string(),
        properties: properties.as_object().cloned().unwrap_or_default(),
    })
}
