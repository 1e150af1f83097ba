//! The gate's place in the plan: what it judges, and whose thresholds.

use super::gate_lint::{self, Measured};
use super::inputs::{declared_outputs, resolve};
use super::source_map::Problems;
use super::{Gate, Pipeline, SlicingSpec};
use crate::ids::StepName;
use crate::plan::{ImageSource, Plan, PlannedGate, PlannedStep};
use indexmap::IndexMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Finds what the gate judges, checks its thresholds, and has the evaluator measure the slices that
/// the gate asks for unless it has its own.
pub(super) fn gate(
    pipeline: &Pipeline,
    steps: &mut IndexMap<StepName, PlannedStep>,
    problems: &mut Problems,
) -> Option<PlannedGate> {
    let gate = pipeline.gate.as_ref()?;
    let evaluation = judged(
        pipeline,
        "evaluation",
        gate.evaluation.as_deref(),
        "ModelEvaluation",
        problems,
    );
    let model = judged(pipeline, "model", gate.model.as_deref(), "Model", problems);
    let evaluator = evaluation
        .as_ref()
        .and_then(|(step, _)| steps.get_mut(step))
        .filter(|s| is_evaluator(s));
    match evaluator {
        Some(evaluator) => {
            let parameters = &mut evaluator.parameters;
            let slices = || asked(vec![SlicingSpec::default()], gate.asked_slices().cloned());
            parameters.entry("slicing_specs").or_insert_with(slices);
            if gate.asked_cross_slices().next().is_some() {
                let pairs = || asked(Vec::new(), gate.asked_cross_slices());
                parameters.entry("cross_slicing_specs").or_insert_with(pairs);
            }
            gate_lint::gate(gate, &measured(evaluator), problems);
        }
        None => gate_lint::gate(gate, &Measured::default(), problems),
    }
    Some(PlannedGate {
        gate: gate.clone(),
        proposed_gate: None,
        evaluation: evaluation?,
        model: model?,
    })
}

/// Whether a step is the standard evaluator, whose parameters are known.
fn is_evaluator(step: &PlannedStep) -> bool {
    step.image == ImageSource::Components && step.component == "Evaluator"
}

/// What the standard evaluator's parameters say.
fn measured(evaluator: &PlannedStep) -> Measured {
    let samples = evaluator.parameters.get("bootstrap").and_then(|b| b.get("num_samples"));
    Measured {
        model_type: parameter(evaluator, "model_type"),
        slices: parameter(evaluator, "slicing_specs"),
        cross_slices: parameter(evaluator, "cross_slicing_specs"),
        without_bootstrap: samples.and_then(Value::as_u64) == Some(0),
    }
}

/// A parameter, if it is there and of its shape.
fn parameter<T: DeserializeOwned>(step: &PlannedStep, name: &str) -> Option<T> {
    let found = step.parameters.get(name)?;
    serde_json::from_value(found.clone()).ok()
}

/// `specs` and every one that is asked for.
fn asked<T: PartialEq + Serialize>(mut specs: Vec<T>, asked: impl Iterator<Item = T>) -> Value {
    for spec in asked {
        if !specs.contains(&spec) {
            specs.push(spec);
        }
    }
    serde_json::to_value(specs).unwrap_or(Value::Null)
}

fn judged(
    pipeline: &Pipeline,
    key: &str,
    reference: Option<&str>,
    type_name: &str,
    problems: &mut Problems,
) -> Option<(StepName, String)> {
    if let Some(reference) = reference {
        match resolve(pipeline, reference) {
            Ok((step, output, found)) if found == type_name => return Some((step, output)),
            Ok((_, _, found)) => problems.add(
                &["gate", key],
                format!("the gate's {key} is a {type_name}, but {reference} is a {found}"),
            ),
            Err((message, hint)) => problems.add_with_hint(&["gate", key], message, hint),
        }
        return None;
    }
    let makers: Vec<(StepName, String)> = pipeline
        .steps
        .iter()
        .flat_map(|(name, step)| {
            declared_outputs(step)
                .into_iter()
                .map(move |(output, found)| (name, output, found))
        })
        .filter(|(_, _, found)| found == type_name)
        .map(|(name, output, _)| (StepName::new(name.as_str()), output))
        .collect();
    match makers.as_slice() {
        [only] => Some(only.clone()),
        [] => {
            problems.add_with_hint(
                &["gate"],
                format!("the gate judges a {type_name}, and no step makes one"),
                match key {
                    "evaluation" => "add a step that uses evaluator",
                    _ => "declare the output of the step that trains as Model",
                },
            );
            None
        }
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|(step, output)| format!("{step}.{output}"))
                .collect();
            problems.add_with_hint(
                &["gate"],
                format!("several steps make a {type_name}: {}", names.join(", ")),
                format!("name the one to judge with gate.{key}"),
            );
            None
        }
    }
}

/// Whether two gates could judge differently: where what they judge is found is no part of the bar.
fn differs(one: &Gate, other: &Gate) -> bool {
    let bar = |gate: &Gate| Gate {
        evaluation: None,
        model: None,
        ..gate.clone()
    };
    bar(one) != bar(other)
}

/// A pull request's plan with the gate of the branch it would be merged into, so that a change
/// cannot lower the bar it is judged by; its own stays beside it as the proposed one. `base` is
/// `None` when the pipeline is new there; without a gate in the base, the pull request's own counts.
/// The error is one sentence: the base has a gate, and the pull request took away what it judges.
pub fn with_base_gate(mut head: Plan, base: Option<&Plan>) -> Result<Plan, String> {
    let Some(base) = base.and_then(|plan| plan.gate.as_ref()) else {
        return Ok(head);
    };
    let made =
        |(step, output): &(StepName, String)| head.steps.get(step).is_some_and(|s| s.outputs.contains_key(output));
    let gate = match &head.gate {
        Some(own) => PlannedGate {
            gate: base.gate.clone(),
            proposed_gate: differs(&own.gate, &base.gate).then(|| own.gate.clone()),
            evaluation: own.evaluation.clone(),
            model: own.model.clone(),
        },
        None if made(&base.evaluation) && made(&base.model) => base.clone(),
        None => {
            return Err(format!(
                "pipeline '{}' has a gate in the base branch, and this change takes away what it judges: keep the steps '{}' and '{}', or remove the gate in the base branch first",
                head.pipeline, base.evaluation.0, base.model.0
            ));
        }
    };
    // The base's slices must be measured, or a change of the slices could never be merged.
    if let Some(evaluator) = head.steps.get_mut(&gate.evaluation.0).filter(|step| is_evaluator(step)) {
        let Measured {
            slices, cross_slices, ..
        } = measured(evaluator);
        let mut measure = |name: &str, specs: Value| evaluator.parameters.insert(name.to_owned(), specs);
        if let Some(slices) = slices {
            measure("slicing_specs", asked(slices, gate.gate.asked_slices().cloned()));
        }
        if gate.gate.asked_cross_slices().next().is_some() {
            let pairs = asked(cross_slices.unwrap_or_default(), gate.gate.asked_cross_slices());
            measure("cross_slicing_specs", pairs);
        }
    }
    head.gate = Some(gate);
    Ok(head)
}
