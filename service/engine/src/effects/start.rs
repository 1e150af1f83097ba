//! `Start`: the model that the candidate will be compared with is fixed now.

use super::{EffectError, Outcome};
use crate::context::Context;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::run::{Run, RunEvent};
use trainyard_core::spec::Baseline;

pub(super) async fn start(context: &Context, run: &Run) -> Result<Outcome, EffectError> {
    // Not after an hour of training.
    if let Some(push) = run.request.plan.push.as_ref().filter(|_| run.request.may_push) {
        super::push::target(context, &push.target)?;
    }
    let baseline = if run.request.plan.needs_baseline() {
        baseline(context, run).await?
    } else {
        None
    };
    if let Some(model) = &baseline
        && !context.artifacts.contains(&model.digest)
    {
        tracing::error!(run = %run.request.id, uri = model.uri, "the baseline model is gone");
        return Err(EffectError::Broken(format!(
            "the model to compare with ({}) is gone from the artifact folder: restore it, or set gate.baseline to none",
            model.digest.short()
        )));
    }
    Ok(Outcome::event(RunEvent::Started { baseline }))
}

async fn baseline(context: &Context, run: &Run) -> Result<Option<ArtifactRef>, EffectError> {
    let plan = &run.request.plan;
    match plan
        .gate
        .as_ref()
        .map(|planned| planned.gate.baseline)
        .unwrap_or_default()
    {
        Baseline::None => Ok(None),
        Baseline::LatestBlessed => context
            .store
            .latest_blessed(&plan.pipeline)
            .await
            .map_err(EffectError::again),
        Baseline::Serving => {
            let Some(push) = &plan.push else {
                return context
                    .store
                    .latest_blessed(&plan.pipeline)
                    .await
                    .map_err(EffectError::again);
            };
            let serving = context.store.serving(&push.target).await.map_err(EffectError::again)?;
            Ok(serving.map(|promotion| promotion.model))
        }
    }
}
