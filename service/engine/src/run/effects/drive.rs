//! `Drive`: what the step reads, its cache key, and whether an earlier execution stands in.

use crate::content::Content;
use crate::content::external::{Bring, External, ExternalError};
use crate::house::crash::{Effect, passing};
use crate::house::error::EffectError;
use crate::run::images::Images;
use crate::run::outcome::Outcome;
use crate::run::task::SOURCE_INPUT;
use crate::source::Source;
use crate::source::repository_file;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::cache_key;
use trainyard_core::ids::{Micros, RunId, StepName};
use trainyard_core::node::NodeId;
use trainyard_core::plan::{InputSource, PlannedStep};
use trainyard_core::run::{Run, RunEvent, SkipCause, StepRecord, Which};
use trainyard_core::span::{TooFewSpans, Unselected};
use trainyard_executors::{AnyExecutor, AttemptKey, Executor as _, ExecutorError};
use trainyard_store::{
    CachedExecution, EndState, ExecutionIdentity, MetadataWrite, PARAMETER_PREFIX, StartExecution, Store, StoreError,
};

/// Earlier outputs looked at for a memo.
const MOST_MEMOS: u32 = 8;

/// What the driver looks at.
pub(super) struct Driver<'a> {
    pub(super) store: &'a Store,
    pub(super) source: &'a Source,
    pub(super) content: &'a Content,
    pub(super) images: &'a Images,
    pub(super) external: &'a External,
    pub(super) executor: &'a AnyExecutor,
}

impl Driver<'_> {
    pub(super) async fn drive(
        &self,
        run: &Run,
        step: &StepName,
        attempt: u32,
        now: Micros,
    ) -> Result<Outcome, EffectError> {
        let planned = planned(run, step)?;
        let mut inputs = self.step_inputs(run, step, planned).await?;
        let digests = planned
            .inputs
            .keys()
            .map(|name| (name.clone(), inputs.get(name).map(|i| i.digest.clone())))
            .collect();
        let (mut spans, mut read) = (Vec::new(), None);
        if let Some(window) = &planned.source {
            let sight = run.sight(&window.source);
            let resolved = self.external.resolve(window, sight, Bring::Everything).await;
            let resolved = match resolved {
                Ok(resolved) => resolved,
                Err(ExternalError::Unselected(Unselected::TooFew(too_few))) => {
                    return Ok(skipped(run, step, SkipCause::NoData(too_few), now));
                }
                // What is only compared with may come later than the pipeline.
                Err(ExternalError::Unselected(Unselected::Empty { source, .. })) if run.request.plan.spares(step) => {
                    let none = TooFewSpans {
                        source,
                        spans: 0,
                        newest: None,
                        in_window: 0,
                        min_spans: 1,
                    };
                    return Ok(skipped(run, step, SkipCause::NoData(none), now));
                }
                Err(error @ ExternalError::Trouble(_)) => return Err(EffectError::later(error)),
                Err(error) => return Err(EffectError::Broken(error.to_string())),
            };
            spans = resolved.contents;
            inputs.insert(SOURCE_INPUT.to_owned(), resolved.data);
            let (source, as_of) = (window.source.clone(), resolved.as_of);
            read = Some(RunEvent::WindowRead { source, as_of });
        }
        let image_id = self.images.of_step(run, &planned.image).await?;
        let preimage = cache_key::preimage(planned, image_id.as_deref(), &digests, &spans);
        let key = cache_key::key(&preimage);
        let request = &run.request;
        let put = self.store.put_preimage(&request.id, step, &key, &preimage, now);
        passing(Effect::PutPreimage, put).await.map_err(EffectError::again)?;

        let identity = ExecutionIdentity::of(run, NodeId::step(step));
        let mut properties = properties(run, planned, &key, image_id.as_deref());
        if attempt == 1
            && let Some(cached) = self.stands_in(run, step, planned, &key).await?
        {
            metrics::counter!("trainyard_cache_hits_total").increment(1);
            properties.extend(
                cached
                    .metrics
                    .iter()
                    .map(|(name, value)| (name.clone(), (*value).into())),
            );
            let metadata = MetadataWrite::Cached {
                identity,
                inputs: inputs.clone(),
                outputs: cached.outputs.clone(),
                // What a stranger's run is found under reaches no other run.
                key: run.request.fork.is_none().then(|| key.clone()),
                properties,
                at: now,
            };
            let event = RunEvent::StepCached {
                step: step.clone(),
                key,
                inputs,
                outputs: cached.outputs,
                metrics: cached.metrics,
            };
            return Ok(Outcome {
                metadata: vec![metadata],
                events: read.into_iter().chain([event]).collect(),
                ..Outcome::default()
            });
        }
        let mut metadata = vec![MetadataWrite::StartExecution(StartExecution {
            identity: identity.clone(),
            inputs: inputs.clone(),
            properties,
            at: now,
        })];
        if let Some((name, remembered)) = self.memo(run, step, planned, &preimage).await? {
            inputs.insert(name.clone(), remembered.clone());
            metadata.push(MetadataWrite::Remember {
                identity,
                inputs: [(name, remembered)].into(),
                at: now,
            });
        }
        // What it waits for before it starts is no part of its time.
        if let Some(gpus) = &planned.gpus {
            let key = AttemptKey::new(&request.id, NodeId::step(step), attempt);
            self.executor.reserve(&key, gpus).await.map_err(|error| match error {
                ExecutorError::NoGpu(shortage) if !shortage.passes() => EffectError::Broken(shortage.sentence()),
                error => EffectError::later(error),
            })?;
        }
        let deadline = now.plus_seconds(planned.timeout_seconds);
        let event = RunEvent::StepStarting {
            step: step.clone(),
            attempt,
            key,
            image_id,
            inputs,
            deadline,
        };
        Ok(Outcome {
            metadata,
            events: read.into_iter().chain([event]).collect(),
            ..Outcome::default()
        })
    }

    /// Inputs that are there; the baseline is left out when there is none.
    pub(super) async fn step_inputs(
        &self,
        run: &Run,
        step: &StepName,
        planned: &PlannedStep,
    ) -> Result<BTreeMap<String, ArtifactRef>, EffectError> {
        let mut inputs = BTreeMap::new();
        for (name, source) in &planned.inputs {
            let found = match source {
                InputSource::Baseline => run.baseline.clone().flatten(),
                InputSource::Output { step, output } => {
                    run.steps.get(step).and_then(|s| s.outputs.get(output)).cloned()
                }
                InputSource::File { path, type_name } => Some(
                    repository_file::artifact(self.source, self.content, &run.request, (step, name), path, type_name)
                        .await?,
                ),
            };
            inputs.extend(found.map(|found| (name.clone(), found)));
        }
        Ok(inputs)
    }

    /// The newest thing that the same program with the same settings published for this step and that is
    /// still there. A pull request's run may read it, and never leaves one to others.
    async fn memo(
        &self,
        run: &Run,
        step: &StepName,
        planned: &PlannedStep,
        preimage: &Value,
    ) -> Result<Option<(String, ArtifactRef)>, EffectError> {
        let Some(memo) = planned.memo.as_ref().filter(|_| !is_all_anew(run)) else {
            return Ok(None);
        };
        let (store, request) = (self.store, &run.request);
        let published = store
            .published_outputs(
                request.repo.as_ref(),
                &request.plan.pipeline,
                step,
                &memo.output,
                MOST_MEMOS,
            )
            .await
            .map_err(EffectError::again)?;
        for (earlier, artifact) in published {
            if !self.content.contains(&artifact.digest) {
                continue;
            }
            let made_of = store.preimage(&earlier, step).await.map_err(EffectError::again)?;
            if made_of.is_some_and(|(_, made_of)| cache_key::differs_in_data_only(&made_of, preimage)) {
                return Ok(Some((memo.input.clone(), artifact)));
            }
        }
        Ok(None)
    }

    /// What an earlier execution made of the same. A run that repeats another one takes what that one made, whatever the
    /// step says of the cache; one that repeats every step takes nothing.
    async fn stands_in(
        &self,
        run: &Run,
        step: &StepName,
        planned: &PlannedStep,
        key: &str,
    ) -> Result<Option<CachedExecution>, EffectError> {
        if is_all_anew(run) {
            return Ok(None);
        }
        if let Some(rerun) = &run.request.rerun
            && let Some(made) = self.made_by(&rerun.of, step, key).await?
        {
            return Ok(Some(made));
        }
        match planned.cache {
            true => self.lookup(key).await,
            false => Ok(None),
        }
    }

    /// What a step of an earlier run made, if it was made of the same and is there.
    async fn made_by(&self, run: &RunId, step: &StepName, key: &str) -> Result<Option<CachedExecution>, EffectError> {
        let earlier = match self.store.load_run(run).await {
            Ok(earlier) => earlier,
            // A record that went, or cannot be read any more, stands in for nothing.
            Err(StoreError::NotFound(_) | StoreError::Unreadable(_)) => return Ok(None),
            Err(error) => return Err(EffectError::again(error)),
        };
        let same = |record: &&StepRecord| record.state.is_done() && record.key.as_deref() == Some(key);
        let Some(record) = earlier.steps.get(step).filter(same) else {
            return Ok(None);
        };
        let there = record
            .outputs
            .values()
            .all(|output| self.content.contains(&output.digest));
        Ok(there.then(|| CachedExecution {
            execution_name: format!("{run}/{step}"),
            outputs: record.outputs.clone(),
            metrics: record.metrics.clone(),
        }))
    }

    /// A cache hit requires that the bytes are there.
    pub(super) async fn lookup(&self, key: &str) -> Result<Option<CachedExecution>, EffectError> {
        let cached = self.store.cached_outputs(key).await.map_err(EffectError::again)?;
        Ok(cached.filter(|hit| hit.outputs.values().all(|output| self.content.contains(&output.digest))))
    }
}

/// Whether the run repeats every step of another one.
fn is_all_anew(run: &Run) -> bool {
    run.request
        .rerun
        .as_ref()
        .is_some_and(|rerun| rerun.which == Which::All)
}

/// The step waits for data that another run may find: MLMD's CANCELED, a normal state, without events.
fn skipped(run: &Run, step: &StepName, cause: SkipCause, at: Micros) -> Outcome {
    let canceled = MetadataWrite::End {
        identity: ExecutionIdentity::of(run, NodeId::step(step)),
        state: EndState::Canceled,
        reason: cause.sentence(),
        at,
    };
    let event = RunEvent::StepSkipped {
        step: step.clone(),
        cause,
    };
    Outcome {
        metadata: vec![canceled],
        ..Outcome::event(event)
    }
}

/// What MLMD says of an execution beside its artifacts. Parameters are apart from metrics by KFP's prefix.
fn properties(run: &Run, planned: &PlannedStep, key: &str, image_id: Option<&str>) -> Map<String, Value> {
    let commit = run.request.commit.as_ref().map(|commit| commit.as_str());
    let known = [("cache_key", Some(key)), ("image_id", image_id), ("commit", commit)];
    let known = known
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    let parameters = planned.parameters.iter();
    known
        .chain(parameters.map(|(name, value)| (format!("{PARAMETER_PREFIX}{name}"), value.clone())))
        .collect()
}

/// The plan of a step.
pub(super) fn planned<'a>(run: &'a Run, step: &StepName) -> Result<&'a PlannedStep, EffectError> {
    let planned = run.request.plan.steps.get(step);
    planned.ok_or_else(|| EffectError::Broken(format!("the plan has no step '{step}'")))
}
