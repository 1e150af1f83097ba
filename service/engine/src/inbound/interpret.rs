//! From an event to what follows: fetches what the decision looks at, and asks core.

use super::{Inbound, InterpretError};
use crate::house::clock::new_event_id;
use crate::inbound::register::register;
use crate::source::checkout::{self, SourceError};
use crate::source::project;
use trainyard_core::event::{DataArrived, Event, PullRequest, Push};
use trainyard_core::inbound::{self as decide, Interpretation, KnownPipeline, Reason};
use trainyard_store::StoreError;

/// An event of a delivery with what follows from it, or the reason why nothing does.
pub(crate) async fn interpret(inbound: &Inbound, event: Event) -> Result<Interpretation, InterpretError> {
    let meaning = match &event {
        Event::Push(push) => of_push(inbound, push).await,
        Event::PullRequest(pull) => of_pull_request(inbound, pull).await,
        Event::DataArrived(arrived) => Ok(of_data(inbound, arrived).await?),
        Event::ScheduleDue(_) | Event::Manual(_) => {
            return Ok(Interpretation::nothing(new_event_id(), event, Reason::MadeHere));
        }
    };
    match meaning {
        // It will not get better: the delivery is settled with the reason.
        Err(InterpretError::Source(SourceError::Broken(why))) => {
            Ok(Interpretation::nothing(new_event_id(), event, Reason::NoSource(why)))
        }
        other => other,
    }
}

async fn of_push(inbound: &Inbound, push: &Push) -> Result<Interpretation, InterpretError> {
    let (source, repo, installation) = (&inbound.source, &push.repo, push.installation_id);
    let found = project::pipelines(source, repo, installation, &push.after).await?;
    let changed = match &push.before {
        Some(before) => checkout::changed(source, repo, installation, before, &push.after).await?,
        None => None,
    };
    let meaning = decide::push(push, &found, changed.as_deref(), inbound.given());
    register(inbound, push, found).await?;
    Ok(meaning)
}

async fn of_pull_request(inbound: &Inbound, pull: &PullRequest) -> Result<Interpretation, InterpretError> {
    let (source, repo, installation) = (&inbound.source, &pull.repo, pull.installation_id);
    let base = project::pipelines(source, repo, installation, &pull.base_sha).await?;
    // Of a fork nothing is fetched, not even its pipeline file: what the base says decides.
    let (head, changed) = if pull.is_fork() {
        (base.clone(), None)
    } else {
        let head = project::pipelines(source, repo, installation, &pull.head_sha).await?;
        let changed = checkout::changed_since_fork(source, repo, installation, &pull.base_sha, &pull.head_sha).await?;
        (head, changed)
    };
    Ok(decide::pull_request(
        pull,
        &base,
        &head,
        changed.as_deref(),
        inbound.given(),
    ))
}

async fn of_data(inbound: &Inbound, arrived: &DataArrived) -> Result<Interpretation, StoreError> {
    let known = inbound.store.pipelines().await?;
    let mut held = Vec::new();
    let listens = |pipeline: &&KnownPipeline| {
        let trigger = pipeline.plan.triggers.data.as_ref();
        trigger.is_some_and(|trigger| trigger.source == arrived.source)
    };
    for pipeline in known.iter().filter(listens) {
        let key = decide::HoldPayload::new(pipeline, &arrived.source).key();
        match inbound.store.held(&key).await {
            Ok(found) => held.extend(found.map(|held| held.payload)),
            // The new arrival takes the place of what waited; the others are not held up by it.
            Err(StoreError::Unreadable(row)) => {
                tracing::error!("{}; a new arrival takes its place", row.sentence());
            }
            Err(error) => return Err(error),
        }
    }
    let mut meaning = decide::data(arrived, &known, &held, inbound.given());
    let left_out = inbound.store.unreadable_pipelines().into_iter();
    meaning
        .reasons
        .extend(left_out.map(|row| Reason::Unreadable(row.sentence())));
    Ok(meaning)
}
