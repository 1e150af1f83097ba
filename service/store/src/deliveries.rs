//! Deliveries: what came in from outside, stored before it is answered.

use crate::error::Result;
use crate::events::{NewEvent, Settled};
use crate::store::Store;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use trainyard_core::ids::{DeliveryId, EventId, Micros, RunId};

/// A delivery whose signature was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDelivery {
    /// The sender's id; the same id is accepted once.
    pub id: DeliveryId,
    /// `github`, `cloudevents` or `internal`.
    pub origin: String,
    /// The sender's name for what happened, for example `push`.
    pub kind: String,
    /// When it arrived.
    pub received_at: Micros,
    /// The headers worth keeping.
    pub headers: Map<String, Value>,
    /// The body as it arrived.
    pub body: Bytes,
}

/// What became of a delivery at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is stored and on the disk.
    New,
    /// It was stored before.
    Duplicate,
}

/// A delivery to work on.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The sender's id.
    pub id: DeliveryId,
    /// `github`, `cloudevents` or `internal`.
    pub origin: String,
    /// The sender's name for what happened.
    pub kind: String,
    /// When it arrived.
    pub received_at: Micros,
    /// The headers that were kept.
    pub headers: Map<String, Value>,
    /// The body as it arrived.
    pub body: Bytes,
}

/// The end of the work on a delivery: stored in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct SettleDelivery {
    /// The delivery.
    pub delivery: DeliveryId,
    /// When.
    pub at: Micros,
    /// What it meant, with the runs it starts.
    pub events: Vec<NewEvent>,
    /// One sentence, for example `ignored: a tag was pushed`.
    pub outcome: String,
}

/// A delivery as listings show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeliveryView {
    /// The sender's id.
    pub id: DeliveryId,
    /// `github`, `cloudevents` or `internal`.
    pub origin: String,
    /// The sender's name for what happened.
    pub kind: String,
    /// When it arrived.
    pub received_at: Micros,
    /// When its events were stored; `None` while it waits.
    pub processed_at: Option<Micros>,
    /// One sentence; `None` while it waits.
    pub outcome: Option<String>,
    /// What it meant.
    pub events: Vec<EventView>,
}

/// An event as listings show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventView {
    /// The event.
    pub id: EventId,
    /// `push`, `pull_request`, `data`, `schedule` or `manual`.
    pub kind: String,
    /// When it was stored.
    pub at: Micros,
    /// One sentence: the reason when no run was started.
    pub outcome: String,
    /// The runs it started.
    pub runs: Vec<RunId>,
}

impl Store {
    /// Stores a delivery; it is on the disk when this returns.
    pub async fn accept_delivery(&self, delivery: &NewDelivery) -> Result<Accepted> {
        let _ = delivery;
        self.unwritten()
    }

    /// Deliveries without an outcome, oldest first.
    pub async fn unprocessed_deliveries(&self, limit: u32) -> Result<Vec<Delivery>> {
        let _ = limit;
        self.unwritten()
    }

    /// Stores what a delivery meant, with runs and outbox items, and marks it processed. A delivery
    /// that was settled before is left alone: `Conflict`.
    pub async fn settle_delivery(&self, settle: &SettleDelivery) -> Result<Settled> {
        let _ = settle;
        self.unwritten()
    }

    /// One delivery with its events and runs.
    pub async fn delivery(&self, id: &DeliveryId) -> Result<Option<DeliveryView>> {
        let _ = id;
        self.unwritten()
    }

    /// The newest deliveries, newest first.
    pub async fn deliveries(&self, limit: u32) -> Result<Vec<DeliveryView>> {
        let _ = limit;
        self.unwritten()
    }
}
