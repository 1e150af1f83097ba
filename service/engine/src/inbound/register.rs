//! The pipelines of a default branch: they listen to data, the clock and people.

use super::Inbound;
use crate::house::clock::wall;
use crate::house::crash::{Effect, passing};
use trainyard_core::event::Push;
use trainyard_core::inbound::{FoundPipeline, told_apart};
use trainyard_store::{NewPipeline, NewSchedule, StoreError};

/// Remembers what was found at the head of the default branch.
pub(crate) async fn register(inbound: &Inbound, push: &Push, found: Vec<FoundPipeline>) -> Result<(), StoreError> {
    // Slots are due by the wall clock, and none before this.
    let at = wall();
    let mut schedules = Vec::new();
    let mut known = Vec::new();
    // Of two with one name nobody knows which is meant: neither runs, and the push has said so.
    let (apart, _) = told_apart(&found);
    for FoundPipeline { folder, plan } in apart.into_iter().cloned() {
        let Ok(plan) = plan else { continue };
        if let Some(schedule) = plan.triggers.schedule.clone() {
            schedules.push(NewSchedule {
                pipeline: plan.pipeline.clone(),
                folder: folder.clone(),
                schedule,
            });
        }
        known.push(NewPipeline {
            name: plan.pipeline.clone(),
            folder,
            plan,
        });
    }
    let (repo, branch, commit) = (&push.repo, push.branch.as_str(), &push.after);
    let store = &inbound.store;
    let put = store.put_pipelines(repo, push.installation_id, branch, commit, &known, at);
    passing(Effect::PutPipelines, put).await?;
    let put = store.put_schedules(Some(repo), Some(branch), Some(commit), &schedules, at);
    passing(Effect::PutSchedules, put).await?;
    inbound.signals.schedule.notify_one();
    Ok(())
}
