//! The gate's place in the plan: what it judges.

use super::inputs::{Unresolved, declared_outputs, is_unclear, resolve};
use super::source_map::Problems;
use super::{Pipeline, gate_lint};
use crate::ids::StepName;
use crate::plan::{Evaluator, Gate, PlannedGate, PlannedStep};
use indexmap::IndexMap;

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
    let bar = Gate::from(gate.clone());
    let evaluation_step = evaluation.as_ref().and_then(|(step, _)| steps.get_mut(step));
    let evaluator = evaluation_step.and_then(|step| Evaluator::asked_by(&bar, step));
    gate_lint::gate(&bar, &evaluator.unwrap_or_default(), problems);
    Some(PlannedGate {
        gate: bar,
        proposed_gate: None,
        evaluation: evaluation?,
        model: model?,
    })
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
            Err(Unresolved::Wrong(message, hint)) => problems.add_with_hint(&["gate", key], message, hint),
            Err(Unresolved::Unclear) => {}
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
        [] if pipeline.steps.values().any(is_unclear) || !problems.is_read(&["steps"]) => None,
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
