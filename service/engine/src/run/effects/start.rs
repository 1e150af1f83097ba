//! `Start`: the model that the candidate will be compared with is fixed now.

use crate::house::error::EffectError;
use crate::registry::Registry;
use crate::run::outcome::Outcome;
use trainyard_core::registry::choose_baseline;
use trainyard_core::run::{Run, RunEvent};

pub(super) async fn start(registry: &Registry, run: &Run) -> Result<Outcome, EffectError> {
    let plan = &run.request.plan;
    // Not after an hour of training.
    if let Some(push) = plan.push.as_ref().filter(|_| run.request.may_push) {
        super::push::target(registry, &push.target)?;
    }
    let baseline = if plan.needs_baseline() {
        let facts = registry.store.baseline_facts(plan).await.map_err(EffectError::again)?;
        choose_baseline(plan, &facts).map_err(|refusal| EffectError::Broken(refusal.sentence()))?
    } else {
        None
    };
    if let Some(model) = &baseline
        && !registry.content.contains(&model.digest)
    {
        let place = registry.content.place(&model.digest);
        tracing::error!(run = %run.request.id, place = %place.display(), "the baseline model is gone");
        return Err(EffectError::Broken(format!(
            "the model to compare with ({}) is gone from the artifact folder: restore it, or set gate.baseline to none",
            model.digest.short()
        )));
    }
    Ok(Outcome::event(RunEvent::Started { baseline }))
}
