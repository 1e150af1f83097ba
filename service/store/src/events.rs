//! Events: what a delivery, a schedule or a person meant, and the runs that follow.

use crate::error::Result;
use crate::holds::Held;
use crate::outbox::OutboxItem;
use crate::store::Store;
use trainyard_core::event::Event;
use trainyard_core::ids::{DeliveryId, EventId, Micros, RunId};
use trainyard_core::run::RunRequest;

/// An event with all that is stored with it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub event: Event,
    /// [`Event::dedupe_key`]: an event whose key is stored already starts nothing.
    pub dedupe_key: Option<String>,
    /// One sentence: the reason when it starts no run.
    pub outcome: String,
    /// The runs it starts.
    pub runs: Vec<RunRequest>,
    /// What GitHub is told at once.
    pub outbox: Vec<OutboxItem>,
    /// Data arrivals that wait for their quiet period.
    pub holds: Vec<Held>,
}

impl NewEvent {
    /// An event that starts nothing yet, with its own dedupe key.
    pub fn new(id: EventId, event: Event, outcome: impl Into<String>) -> Self {
        let dedupe_key = event.dedupe_key();
        Self { id, event, dedupe_key, outcome: outcome.into(), runs: Vec::new(), outbox: Vec::new(), holds: Vec::new() }
    }
}

/// What was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The runs that were started.
    pub runs: Vec<RunId>,
    /// The events that were seen before and so started nothing.
    pub duplicates: Vec<EventId>,
}

impl Store {
    /// Stores an event that no delivery, or a delivery that is settled elsewhere, brought.
    pub async fn record_event(&self, event: &NewEvent, delivery: Option<&DeliveryId>, at: Micros) -> Result<Settled> {
        let _ = (event, delivery, at);
        self.unwritten()
    }
}
