//! What a run is expected to do, looked up before its first program starts: of a pull request also what is cached and
//! why, with the keys that the driver will compute. Nothing waits for it, and what cannot be told is left open.

use super::build;
use super::drive::Driver;
use crate::content::external::Bring;
use crate::house::folders::Folders;
use crate::run::task::SOURCE_INPUT;
use crate::source::{checkout, project};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;
use trainyard_core::cache_key;
use trainyard_core::ids::{RunId, StepName};
use trainyard_core::plan::{ImageSource, InputSource, PlannedStep};
use trainyard_core::run::estimate::{MOST_DURATIONS, estimate, took};
use trainyard_core::run::forecast::{Because, Expected, Until};
use trainyard_core::run::{Forecast, ImageState, Run, StepState};
use trainyard_store::RunFilter;

/// A run waits no longer for its own forecast.
const LONGEST: Duration = Duration::from_secs(10);
/// Earlier runs that are listed for what their steps took, and those of them that are read.
const MOST_LISTED: u32 = 40;
const MOST_READ: usize = 5;

/// What a forecast looks at.
pub(super) struct Forecaster<'a> {
    pub(super) driver: Driver<'a>,
    pub(super) folders: &'a Folders,
    /// Steps of one run at work at once.
    pub(super) at_once: usize,
    /// Whether the run is stored nowhere: somebody asks what it would do.
    pub(super) imagined: bool,
}

impl Forecaster<'_> {
    /// Of a run that is about to start, with its baseline.
    pub(super) async fn forecast(&self, run: &Run) -> Forecast {
        let plan = &run.request.plan;
        let mut forecast = Forecast::unlooked(plan);
        if self.imagined || run.request.pull_request.is_some() {
            let looking = self.look_up(run.clone(), &mut forecast);
            if timeout(LONGEST, looking).await.is_err() {
                tracing::debug!(run = %run.request.id, "not all of the plan was looked up in time");
            }
        }
        let history = self.history(run).await;
        forecast.estimate = estimate(plan, &forecast.steps, &history, self.at_once);
        forecast.lines = project::lines(self.driver.source, &run.request).await;
        forecast
    }

    /// Walks through the plan as the run will; `run` learns what is found.
    async fn look_up(&self, mut run: Run, forecast: &mut Forecast) {
        let plan = run.request.plan.clone();
        for (name, build) in &plan.images {
            let Ok(tree) = checkout::source(self.driver.source, &run.request).await else {
                break;
            };
            let Ok(submodules) = checkout::submodules(self.driver.source, &run.request).await else {
                break;
            };
            let Ok(stranger) = build::stranger(self.driver.source, &run.request, &build.dockerfile).await else {
                break;
            };
            let request = build::request(self.folders, &run, (name, build), (&tree, &submodules), stranger);
            // What is wrong with it the build says.
            let Ok(found) = self.driver.images.find(&request).await else {
                continue;
            };
            forecast.images.insert(name.clone(), found.is_some());
            if let Some(image_id) = found {
                let (key, reused) = (String::new(), true);
                let built = ImageState::Built { image_id, key, reused };
                run.images.insert(name.clone(), built);
            }
        }
        for (name, planned) in &plan.steps {
            if !planned.cache {
                continue;
            }
            let expected = self.expected(&mut run, forecast, name, planned).await;
            forecast.steps.insert(name.clone(), expected);
        }
    }

    async fn expected(&self, run: &mut Run, forecast: &Forecast, name: &StepName, planned: &PlannedStep) -> Expected {
        let open = |until| Expected::Open { until };
        let unknown = planned.inputs.values().find_map(|input| match input {
            InputSource::Output { step, .. } => {
                let cached = matches!(forecast.steps.get(step), Some(Expected::Cached { .. }));
                (!cached).then(|| step.clone())
            }
            InputSource::Baseline | InputSource::File { .. } => None,
        });
        if let Some(step) = unknown {
            return open(Until::Step { step });
        }
        let image_id = match self.driver.images.present(run, &planned.image).await {
            Some(id) => id,
            None => match &planned.image {
                ImageSource::Build(image) => return open(Until::Image { image: image.clone() }),
                ImageSource::Components | ImageSource::Reference(_) => return open(Until::Pulled),
            },
        };
        let Ok(mut inputs) = self.driver.step_inputs(run, name, planned).await else {
            return open(Until::Inputs);
        };
        let digests = planned.inputs.keys();
        let digests = digests.map(|input| (input.clone(), inputs.get(input).map(|found| found.digest.clone())));
        let digests = digests.collect();
        let mut spans = Vec::new();
        if let Some(window) = &planned.source {
            let sight = run.sight(&window.source);
            let Ok(resolved) = self.driver.external.resolve(window, sight, Bring::Nothing).await else {
                return open(Until::Inputs);
            };
            spans = resolved.contents;
            inputs.insert(SOURCE_INPUT.to_owned(), resolved.data);
        }
        let preimage = cache_key::preimage(planned, Some(&image_id), &digests, &spans);
        let key = cache_key::key(&preimage);
        let Ok(found) = self.driver.lookup(&key).await else {
            return open(Until::Turn);
        };
        if let Some(cached) = found {
            if let Some(record) = run.steps.get_mut(name) {
                record.state = StepState::Cached;
                record.outputs = cached.outputs;
            }
            let by = cached.execution_name.split('/').next().unwrap_or_default();
            return Expected::Cached { run: RunId::new(by) };
        }
        let (store, request) = (self.driver.store, &run.request);
        let pipeline = &request.plan.pipeline;
        let previous = match self.imagined {
            true => store.newest_preimage(request.repo.as_ref(), pipeline, name).await,
            false => store.previous_preimage(pipeline, name, &request.id).await,
        };
        let because = match previous.ok().flatten() {
            None => Because::New,
            Some((_, old, _)) if old == key => match store.cached_outputs(&key).await {
                Ok(Some(_)) => Because::Gone,
                _ => Because::Changed { parts: Vec::new() },
            },
            Some((_, _, old)) => Because::Changed {
                parts: cache_key::explain(&old, &preimage),
            },
        };
        Expected::Runs { because }
    }

    /// What each step took in earlier runs of the pipeline, newest first, in seconds.
    async fn history(&self, run: &Run) -> BTreeMap<StepName, Vec<u64>> {
        let (store, request) = (self.driver.store, &run.request);
        let filter = RunFilter {
            pipeline: Some(request.plan.pipeline.clone()),
            limit: MOST_LISTED,
            ..RunFilter::default()
        };
        let mut history: BTreeMap<StepName, Vec<u64>> = BTreeMap::new();
        let mut read = 0;
        for row in store.runs(&filter).await.unwrap_or_default() {
            if read == MOST_READ {
                break;
            }
            let wanted = |name: &StepName| history.get(name).is_none_or(|known| known.len() < MOST_DURATIONS);
            let told = |step: &trainyard_store::StepRow| step.state == "succeeded" && wanted(&step.name);
            let ours = row.repo == request.repo && row.id != request.id && row.state.is_final();
            if !ours || !row.steps.iter().any(told) {
                continue;
            }
            read += 1;
            // One that cannot be read any more says nothing.
            let Ok(earlier) = store.load_run(&row.id).await else {
                continue;
            };
            for (name, seconds) in took(&earlier) {
                history.entry(name.clone()).or_default().push(seconds);
            }
        }
        history
    }
}
