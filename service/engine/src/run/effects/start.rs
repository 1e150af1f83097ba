//! `Start`: the model that the candidate will be compared with is fixed now.

use crate::house::context::Context;
use crate::house::error::EffectError;
use crate::registry::aliases::{self, RegistryError};
use crate::run::outcome::Outcome;
use trainyard_core::run::{Run, RunEvent};

pub(super) async fn start(context: &Context, run: &Run) -> Result<Outcome, EffectError> {
    // Not after an hour of training.
    if let Some(push) = run.request.plan.push.as_ref().filter(|_| run.request.may_push) {
        super::push::target(context, &push.target)?;
    }
    let baseline = if run.request.plan.needs_baseline() {
        aliases::baseline(context, &run.request.plan)
            .await
            .map_err(|error| match error {
                RegistryError::Refused(sentence) => EffectError::Broken(sentence),
                RegistryError::Store(error) => EffectError::again(error),
            })?
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
