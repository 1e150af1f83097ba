//! What commits show before git has them: people look at once, and a fetch takes a while.

use super::Inbound;
use super::interpret::Arrival;
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use trainyard_core::event::Push;
use trainyard_core::inbound::awaited;
use trainyard_core::report::Answer;
use trainyard_github::webhook::{changed_paths, pushed_at};
use trainyard_store::{Delivery, StoreError};

/// A push that nobody looked at yet.
pub(crate) struct Awaited {
    push: Push,
    changed: Option<Vec<String>>,
    delivery: Delivery,
}

impl Awaited {
    /// Of a push that has just come; what comes late or again is looked at first.
    pub(crate) fn of(push: &Push, delivery: &Delivery) -> Option<Self> {
        let pushed = delivery
            .body
            .as_deref()
            .and_then(|body| pushed_at(&delivery.kind, body));
        if delivery.forced || Arrival::of(delivery, pushed).is_late() {
            return None;
        }
        Some(Self {
            push: push.clone(),
            changed: delivery.body.as_deref().and_then(changed_paths),
            delivery: Delivery {
                body: None,
                ..delivery.clone()
            },
        })
    }
}

/// Has commits show that they are awaited. It is no loss where that fails: they show it when they are looked at.
pub(crate) async fn tell(inbound: &Inbound, all: Vec<Awaited>) {
    if all.is_empty() || !inbound.audience.github {
        return;
    }
    match try_to_tell(inbound, all).await {
        Ok(true) => inbound.signals.report.notify_one(),
        Ok(false) => {}
        Err(error) => tracing::debug!(%error, "commits do not show yet that they are awaited"),
    }
}

async fn try_to_tell(inbound: &Inbound, all: Vec<Awaited>) -> Result<bool, StoreError> {
    let store = &inbound.store;
    let mut answers: Vec<Answer> = Vec::new();
    for one in all {
        let push = &one.push;
        let known = store.pipelines_of(&push.repo).await?;
        let of_repository = awaited(push, &known, one.changed.as_deref(), &one.delivery.id);
        // Whose name is doubtful is asked for first, and what was seen already is none.
        if of_repository.is_empty()
            || store.repository_name(push.repo_id).await?.as_ref() != Some(&push.repo)
            || store.branch_head(&push.repo, &push.branch).await?.as_ref() == Some(&push.after)
        {
            continue;
        }
        answers.extend(of_repository);
    }
    if answers.is_empty() {
        return Ok(false);
    }
    passing(Effect::PutAwaited, store.put_awaited(answers, now())).await
}
