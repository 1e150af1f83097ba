//! The pipelines that there are: where their files lie, what serves of them, and when they are due.

use super::{Models, time};
use serde::Serialize;
use trainyard_core::ids::{Micros, RepoName};
use trainyard_core::inbound::KnownPipeline;
use trainyard_core::plan::Schedule;
use trainyard_core::schedule;
use trainyard_store::{Reads, Result};
use utoipa::ToSchema;

/// Every pipeline of a default branch.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Pipelines {
    /// By repository and name.
    pub pipelines: Vec<PipelineItem>,
}

/// A pipeline.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PipelineItem {
    /// Its name.
    pub pipeline: String,
    /// `owner/name`.
    pub repo: String,
    /// The folder of its file.
    pub folder: String,
    /// The data sources that it names.
    pub sources: Vec<String>,
    /// What serves of it, by target.
    pub serves: Vec<ServedVersion>,
    /// When a schedule of it is due next.
    pub next_slot: Option<String>,
}

/// A version of a pipeline's model that serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServedVersion {
    /// The push target.
    pub target: String,
    /// The version.
    pub version: String,
}

/// The next time that a schedule is due.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The repository; `None` for a folder on this machine.
    pub repo: Option<RepoName>,
    /// The pipeline.
    pub pipeline: String,
    /// When.
    pub at: Micros,
}

impl Slot {
    /// Of every schedule, the soonest first.
    pub async fn read(store: &Reads) -> Result<Vec<Self>> {
        let now = Micros(chrono::Utc::now().timestamp_micros());
        let next = |row: trainyard_store::ScheduleRow| {
            let planned = Schedule {
                cron: row.cron,
                timezone: row.timezone,
                catchup: row.catchup,
            };
            Some(Self {
                at: schedule::next(&planned, now).ok().flatten()?,
                repo: row.repo,
                pipeline: row.pipeline,
            })
        };
        let mut slots: Vec<Self> = store.schedules().await?.into_iter().filter_map(next).collect();
        slots.sort_by_key(|slot| slot.at);
        Ok(slots)
    }
}

impl PipelineItem {
    /// Of a known pipeline, with what serves and when schedules are due, the soonest first.
    pub fn of(known: &KnownPipeline, models: &Models, slots: &[Slot]) -> Self {
        let serving = models.targets.iter().filter_map(|target| {
            let serving = target.serving.as_ref()?;
            (serving.pipeline == known.name).then(|| ServedVersion {
                target: target.name.clone(),
                version: serving.version.clone(),
            })
        });
        let mut due = slots
            .iter()
            .filter(|slot| slot.pipeline == known.name && slot.repo.as_ref() == Some(&known.repo));
        Self {
            pipeline: known.name.clone(),
            repo: known.repo.to_string(),
            folder: known.folder.clone(),
            sources: known.plan.data.keys().cloned().collect(),
            serves: serving.collect(),
            next_slot: due.next().map(|slot| time(slot.at)),
        }
    }
}
