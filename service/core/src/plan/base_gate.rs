//! The bar is the base's: by whose gate a pull request is judged.

use super::Plan;
use super::evaluator::Evaluator;
use super::gate::PlannedGate;
use crate::ids::StepName;

/// The base has a gate, and the pull request took away what it judges.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "pipeline '{pipeline}' has a gate in the base branch, and this change takes away what it judges: keep the steps '{evaluation}' and '{model}', or remove the gate in the base branch first"
)]
pub struct TakenAway {
    /// The pipeline.
    pub pipeline: String,
    /// The step that measured in the base.
    pub evaluation: StepName,
    /// The step that trained in the base.
    pub model: StepName,
}

/// A pull request's plan with the gate of the branch it would be merged into, so that a change
/// cannot lower the bar it is judged by; its own stays beside it as the proposed one. `base` is
/// `None` when the pipeline is new there; without a gate in the base, the pull request's own counts.
pub fn with_base_gate(mut head: Plan, base: Option<&Plan>) -> Result<Plan, TakenAway> {
    let Some(base) = base.and_then(|plan| plan.gate.as_ref()) else {
        return Ok(head);
    };
    let made =
        |(step, output): &(StepName, String)| head.steps.get(step).is_some_and(|s| s.outputs.contains_key(output));
    let gate = match &head.gate {
        Some(own) => PlannedGate {
            gate: base.gate.clone(),
            proposed_gate: (own.gate != base.gate).then(|| own.gate.clone()),
            evaluation: own.evaluation.clone(),
            model: own.model.clone(),
        },
        None if made(&base.evaluation) && made(&base.model) => base.clone(),
        None => {
            return Err(TakenAway {
                pipeline: head.pipeline,
                evaluation: base.evaluation.0.clone(),
                model: base.model.0.clone(),
            });
        }
    };
    // The base's slices must be measured, or a change of the slices could never be merged.
    if let Some(step) = head.steps.get_mut(&gate.evaluation.0)
        && let Some(evaluator) = Evaluator::of(step)
    {
        evaluator.measure_too(step, &gate.gate);
    }
    head.gate = Some(gate);
    Ok(head)
}
