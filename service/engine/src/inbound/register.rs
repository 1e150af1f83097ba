//! The pipelines of a default branch: they listen to data, the clock and people.

use super::{Inbound, InterpretError};
use crate::house::clock::wall;
use crate::house::crash::{Effect, passing};
use crate::source::checkout::{self, SourceError};
use trainyard_core::event::Push;
use trainyard_core::inbound::FoundPipeline;
use trainyard_store::{NewPipeline, NewSchedule, StoreError};

/// Remembers what was found at the head of a default branch, unless a later push of it was looked at before.
pub(crate) async fn register(inbound: &Inbound, push: &Push, found: Vec<FoundPipeline>) -> Result<(), InterpretError> {
    let default = match (&push.default_branch, &inbound.source.github) {
        (Some(told), _) => told.clone(),
        (None, Some(github)) => {
            let asked = github.default_branch(&push.repo).await;
            asked.map_err(|error| SourceError::Again(error.to_string()))?
        }
        (None, None) => return Ok(()),
    };
    if default != push.branch || overtaken(inbound, push).await? {
        return Ok(());
    }
    Ok(put(inbound, push, found).await?)
}

/// Whether a later push of this branch was looked at already, because this delivery had to wait: the
/// known commit has this one behind it, and this push did not go back from there.
async fn overtaken(inbound: &Inbound, push: &Push) -> Result<bool, InterpretError> {
    let known = inbound.store.pipelines().await?;
    let Some(known) = known.into_iter().find(|known| known.repo == push.repo) else {
        return Ok(false);
    };
    let same_branch = known.branch == push.branch && known.commit != push.after;
    let went_back = push.before.as_ref() == Some(&known.commit);
    Ok(same_branch
        && !went_back
        && checkout::is_ancestor(
            &inbound.source,
            &push.repo,
            push.installation_id,
            &push.after,
            &known.commit,
        )
        .await?)
}

async fn put(inbound: &Inbound, push: &Push, found: Vec<FoundPipeline>) -> Result<(), StoreError> {
    // Slots are due by the wall clock, and none before this.
    let at = wall();
    let mut schedules = Vec::new();
    let mut known = Vec::new();
    for FoundPipeline { folder, plan } in found {
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
