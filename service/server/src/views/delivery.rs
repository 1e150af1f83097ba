//! Deliveries: what came in, what it meant, and what it started.

use super::time;
use serde::Serialize;
use trainyard_store::{DeliveryView, EventView};
use utoipa::ToSchema;

/// The newest deliveries, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Deliveries {
    /// The deliveries.
    pub deliveries: Vec<DeliveryItem>,
    /// Deliveries that were set aside because their rows cannot be read, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// A delivery with what came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeliveryItem {
    /// The sender's id: GitHub's `X-GitHub-Delivery`, or source and id of a CloudEvent.
    pub id: String,
    /// `github` or `cloudevents`.
    pub origin: String,
    /// The sender's name for what happened.
    pub kind: String,
    /// When it arrived.
    pub received_at: String,
    /// When it was looked at; absent while it waits.
    pub processed_at: Option<String>,
    /// What came of it, in one sentence; absent while it waits.
    pub outcome: Option<String>,
    /// Why it still waits, if something is wrong; it is tried again by itself.
    pub waits_for: Option<String>,
    /// What it meant.
    pub events: Vec<EventItem>,
}

/// An event with the runs it started, or the reason for none.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventItem {
    /// The event.
    pub id: String,
    /// `push`, `pull_request`, `data`, `schedule` or `manual`.
    pub kind: String,
    /// When it was stored.
    pub at: String,
    /// The runs that it starts, and why other pipelines do not run.
    pub outcome: String,
    /// The runs it started.
    pub runs: Vec<String>,
}

impl From<DeliveryView> for DeliveryItem {
    fn from(view: DeliveryView) -> Self {
        Self {
            id: view.id.to_string(),
            origin: view.origin,
            kind: view.kind,
            received_at: time(view.received_at),
            processed_at: view.processed_at.map(time),
            outcome: view.outcome,
            waits_for: view.waits_for,
            events: view.events.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<EventView> for EventItem {
    fn from(view: EventView) -> Self {
        Self {
            id: view.id.to_string(),
            kind: view.kind,
            at: time(view.at),
            outcome: view.outcome,
            runs: view.runs.iter().map(ToString::to_string).collect(),
        }
    }
}
