//! The bar and the right to push come from reviewed history, never from the commit that is judged.

use super::Plan;
use super::evaluator::Evaluator;
use super::gate::PlannedGate;
use super::step::{BuildNetwork, NetworkAccess, PlannedStep};
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

/// A plan of a commit that nobody has reviewed, with what may only come from reviewed history: when it runs and how
/// often, its gate, where its model may go, who is told of it, and what its steps reach and know. `reviewed` is the pipeline there, `None` when it
/// is new: then it goes nowhere and reaches nothing.
pub fn with_reviewed_rights(head: Plan, reviewed: Option<&Plan>) -> Result<Plan, TakenAway> {
    let mut plan = with_base_gate(head, reviewed)?;
    // A gate of its own is no bar before a target.
    plan.push = reviewed
        .filter(|plan| plan.gate.is_some())
        .and_then(|plan| plan.push.clone());
    plan.notify = reviewed.map(|plan| plan.notify.clone()).unwrap_or_default();
    if let Some(reviewed) = reviewed {
        plan.triggers = reviewed.triggers.clone();
        plan.concurrency = reviewed.concurrency.clone();
    }
    narrow(&mut plan, reviewed);
    Ok(plan)
}

/// Takes the network, and secrets, from what has none in the reviewed plan. An image that is new there may install
/// packages, unless none of the others may.
pub fn narrow(plan: &mut Plan, reviewed: Option<&Plan>) {
    for (name, step) in &mut plan.steps {
        let known = reviewed.and_then(|plan| plan.steps.get(name));
        if known.map(|step| step.network) != Some(NetworkAccess::Bridge) {
            step.network = NetworkAccess::None;
        }
        for secret in step.secrets.values_mut() {
            let given = |known: &PlannedStep| {
                known
                    .secrets
                    .values()
                    .any(|known| known.name == secret.name && !known.unreviewed)
            };
            secret.unreviewed |= !known.is_some_and(given);
        }
    }
    let Some(reviewed) = reviewed.filter(|plan| !plan.images.is_empty()) else {
        return;
    };
    let none_may = reviewed
        .images
        .values()
        .all(|build| build.network == BuildNetwork::None);
    for (name, build) in &mut plan.images {
        let allowed = reviewed.images.get(name).map(|build| build.network);
        if allowed == Some(BuildNetwork::None) || allowed.is_none() && none_may {
            build.network = BuildNetwork::None;
        }
    }
}

/// The plan of a fork's run: whatever the reviewed file allows its own steps, a stranger's reach and know nothing, neither as
/// they run nor as their images are built.
pub fn of_stranger(mut plan: Plan) -> Plan {
    for step in plan.steps.values_mut() {
        step.network = NetworkAccess::None;
        for secret in step.secrets.values_mut() {
            secret.unreviewed = true;
        }
    }
    for build in plan.images.values_mut() {
        build.network = BuildNetwork::None;
    }
    plan
}

/// The steps that asked for more network than they were [given](with_reviewed_rights).
pub fn narrowed<'a>(asked: &'a Plan, given: &'a Plan) -> impl Iterator<Item = &'a StepName> {
    let less = |(name, step): &(&StepName, &PlannedStep)| {
        let given = given.steps.get(*name).map(|step| step.network);
        step.network == NetworkAccess::Bridge && given != Some(NetworkAccess::Bridge)
    };
    asked.steps.iter().filter(less).map(|(name, _)| name)
}
