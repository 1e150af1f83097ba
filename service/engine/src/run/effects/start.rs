//! `Start`: the model that the candidate will be compared with is fixed now, and what the run is expected to do told.

use super::forecast::Forecaster;
use crate::house::error::EffectError;
use crate::registry::Registry;
use crate::run::outcome::Outcome;
use std::collections::BTreeMap;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::registry::{Ledger, choose_baseline, seen};
use trainyard_core::run::{Run, RunEvent};
use trainyard_store::{RunFilter, StoreError};

/// Runs that are listed to find [`MOST_EARLIER`] that no pull request asked for.
const MOST_LISTED: u32 = 100;
/// Earlier runs that are asked what they have seen; what serves is asked in any case.
const MOST_EARLIER: usize = 20;

pub(super) async fn start(
    registry: &Registry,
    forecaster: Option<&Forecaster<'_>>,
    run: &Run,
) -> Result<Outcome, EffectError> {
    let plan = &run.request.plan;
    // Not after an hour of training.
    if let Some(push) = plan.push.as_ref().filter(|_| run.request.may_push) {
        super::push::target(registry, &push.target)?;
    }
    let baseline = baseline(registry, run).await?;
    let seen = seen_before(registry, run).await?;
    let planned = match forecaster {
        None => None,
        Some(forecaster) => {
            let mut started = run.clone();
            (started.baseline, started.seen) = (Some(baseline.clone()), seen.clone());
            let forecast = forecaster.forecast(&started).await;
            Some(RunEvent::Planned { forecast })
        }
    };
    let started = RunEvent::Started { baseline };
    let seen = (!seen.is_empty()).then_some(RunEvent::SpansSeen { seen });
    Ok(Outcome {
        events: [started].into_iter().chain(planned).chain(seen).collect(),
        ..Outcome::default()
    })
}

/// The model that the candidate will be compared with, if there is one yet.
pub(super) async fn baseline(registry: &Registry, run: &Run) -> Result<Option<ArtifactRef>, EffectError> {
    let plan = &run.request.plan;
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
    Ok(baseline)
}

/// What earlier runs have seen of the sources that the run's event announced a span of.
async fn seen_before(registry: &Registry, run: &Run) -> Result<BTreeMap<String, i64>, EffectError> {
    let (request, store) = (&run.request, &registry.store);
    if request.newest_spans.is_empty() {
        return Ok(BTreeMap::new());
    }
    let filter = RunFilter {
        pipeline: Some(request.plan.pipeline.clone()),
        limit: MOST_LISTED,
        ..RunFilter::default()
    };
    let rows = store.runs(&filter).await.map_err(EffectError::again)?;
    let of_ours = rows
        .into_iter()
        .filter(|row| row.id != request.id && row.pull_request.is_none());
    let mut earlier = Vec::new();
    for row in of_ours.take(MOST_EARLIER) {
        match store.load_run(&row.id).await {
            Ok(run) => earlier.push(run),
            // One that cannot be read any more says nothing, and stops nobody.
            Err(StoreError::NotFound(_) | StoreError::Unreadable(_)) => {}
            Err(error) => return Err(EffectError::again(error)),
        }
    }
    let ledger = match &request.plan.push {
        Some(push) => store.ledger(&push.target).await.map_err(EffectError::again)?,
        None => Ledger::default(),
    };
    Ok(seen(request, &earlier, &ledger))
}
