//! `Judge`: the gate reads what the evaluator measured.

use super::{execution, push};
use crate::content::artifacts::read_plain;
use crate::house::context::Context;
use crate::house::error::EffectError;
use crate::registry::replay::{Past, replay};
use crate::run::outcome::Outcome;
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::evaluation::{self, Evaluation};
use trainyard_core::gate::{Blessing, GateReplay, Verdict, judge as judge_evaluation};
use trainyard_core::ids::{Micros, StepName};
use trainyard_core::run::{Run, RunEvent};
use trainyard_core::spec::Gate;
use trainyard_store::{ExecutionIdentity, MetadataWrite, PublishExecution, StartExecution};

/// Bytes of an `evaluation.json`: some hundred thousand slices.
const LONGEST_EVALUATION: u64 = 64 * 1024 * 1024;
/// Recorded verdicts on which a pull request's gate is tried.
const MOST_REPLAYED: usize = 50;

pub(super) async fn judge(context: &Context, run: &Run, now: Micros) -> Result<Outcome, EffectError> {
    let Some(planned) = &run.request.plan.gate else {
        return Err(EffectError::Broken("the pipeline has no gate".to_owned()));
    };
    let evaluation = output(run, &planned.evaluation)?;
    let model = output(run, &planned.model)?;
    let measured = read_evaluation(Path::new(&evaluation.uri))
        .map_err(|reason| EffectError::Broken(format!("step '{}': {reason}", planned.evaluation.0)))?;
    let verdict = judge_evaluation(&planned.gate, &measured);
    // What is let pass for lack of a baseline must really lack one.
    if let Some(baseline) = run.baseline.iter().flatten().next().filter(|_| verdict.rubber_stamp()) {
        return Err(EffectError::Broken(format!(
            "step '{}': its evaluation has no baseline, and the gate is to compare with {}: let the step read baseline.model, or what was predicted with it, and write baseline: true",
            planned.evaluation.0, baseline.name
        )));
    }
    let replay = match &planned.proposed_gate {
        Some(proposed) => Some(replayed(context, run, proposed, &measured).await?),
        None => None,
    };
    let blessing = store_blessing(context, run, &model, &verdict)?;
    metrics::counter!("trainyard_verdicts_total", "blessing" => verdict.blessing().as_str()).increment(1);

    let identity = identity(run);
    let properties = json!({"blessing": verdict.blessing().as_str()})
        .as_object()
        .cloned()
        .unwrap_or_default();
    let event = RunEvent::GateJudged { verdict };
    let mut metadata = vec![
        MetadataWrite::StartExecution(StartExecution {
            identity: identity.clone(),
            inputs: inputs(run),
            properties: Map::new(),
            at: now,
        }),
        MetadataWrite::Publish(PublishExecution {
            identity,
            cache_key: None,
            outputs: BTreeMap::from([("blessing".to_owned(), blessing)]),
            properties,
            at: now,
        }),
    ];
    metadata.extend(push::not_needed(run, &event, now));
    let replay = replay.map(|replay| RunEvent::GateReplayed { replay });
    Ok(Outcome {
        events: [event].into_iter().chain(replay).collect(),
        metadata,
        ..Outcome::default()
    })
}

/// What the gate that the pull request proposes says of the same candidate, and of the past.
async fn replayed(
    context: &Context,
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
    let replayed = replay(&context.store, proposed, &past).await;
    let replayed = replayed.map_err(EffectError::again)?;
    Ok(GateReplay::new(&judge_evaluation(proposed, measured), replayed))
}

/// MLMD's execution of the gate.
pub(super) fn identity(run: &Run) -> ExecutionIdentity {
    execution(run, &StepName::from("gate"), "Gate")
}

/// What the gate reads, under TFX's names, as far as it is there.
pub(super) fn inputs(run: &Run) -> BTreeMap<String, ArtifactRef> {
    let planned = run.request.plan.gate.as_ref();
    let found = [
        ("model", planned.and_then(|gate| found(run, &gate.model))),
        ("evaluation", planned.and_then(|gate| found(run, &gate.evaluation))),
        ("baseline_model", run.baseline.clone().flatten()),
    ];
    found
        .into_iter()
        .filter_map(|(name, input)| Some((name.to_owned(), input?)))
        .collect()
}

/// The artifact that a step made.
pub(crate) fn found(run: &Run, (step, output): &(StepName, String)) -> Option<ArtifactRef> {
    run.steps.get(step)?.outputs.get(output).cloned()
}

fn output(run: &Run, place: &(StepName, String)) -> Result<ArtifactRef, EffectError> {
    let (step, output) = place;
    found(run, place).ok_or_else(|| EffectError::Broken(format!("step '{step}' has no output '{output}' to judge")))
}

/// The evaluation of a ModelEvaluation artifact; the error is half a sentence.
pub(crate) fn read_evaluation(artifact: &Path) -> Result<Evaluation, String> {
    let file = if artifact.is_dir() {
        artifact.join("evaluation.json")
    } else {
        artifact.to_owned()
    };
    let text =
        read_plain(&file, LONGEST_EVALUATION).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
    evaluation::parse(&text.map_err(|error| format!("its evaluation.json cannot be read: {error}"))?)
}

/// TFX's blessing: a folder with an empty file `BLESSED` or `NOT_BLESSED`, and our reasons beside it.
fn store_blessing(
    context: &Context,
    run: &Run,
    model: &ArtifactRef,
    verdict: &Verdict,
) -> Result<ArtifactRef, EffectError> {
    let folder = context.folders.attempt(&run.request.id, &StepName::from("gate"), 1);
    let broken = |error: &dyn std::fmt::Display| EffectError::Broken(format!("the verdict cannot be written: {error}"));
    crate::content::artifacts::remove_tree(&folder).map_err(|e| broken(&e))?;
    fs::create_dir_all(&folder).map_err(|e| broken(&e))?;
    let marker = match verdict.blessing() {
        Blessing::Blessed => Some("BLESSED"),
        Blessing::NotBlessed => Some("NOT_BLESSED"),
        Blessing::NotEvaluated => None,
    };
    if let Some(marker) = marker {
        fs::write(folder.join(marker), b"").map_err(|e| broken(&e))?;
    }
    let text = serde_json::to_vec_pretty(verdict).map_err(|e| broken(&e))?;
    fs::write(folder.join("verdict.json"), text).map_err(|e| broken(&e))?;
    let (digest, place) = context.artifacts.store(&folder).map_err(|e| broken(&e))?;
    let baseline = run.baseline.as_ref().and_then(Option::as_ref);
    let properties = json!({
        "blessed": i64::from(verdict.blessing() == Blessing::Blessed),
        "current_model": model.uri,
        "baseline_model": baseline.map(|b| b.uri.clone()),
        "component_id": "gate",
    });
    Ok(ArtifactRef {
        name: format!("{}/gate/blessing", run.request.id),
        type_name: "ModelBlessing".to_owned(),
        digest,
        uri: place.display().to_string(),
        properties: properties.as_object().cloned().unwrap_or_default(),
    })
}
