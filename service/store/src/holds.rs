//! Data arrivals that wait for their quiet period.

use crate::error::Result;
use crate::events::{NewEvent, Settled};
use crate::store::Store;
use serde_json::Value;
use trainyard_core::ids::{EventId, Micros};

/// Arrivals of one source for one pipeline, waiting together.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Repository, pipeline and source.
    pub key: String,
    /// When the quiet period is over; a later arrival moves it.
    pub until: Micros,
    /// The newest arrival.
    pub event: EventId,
    /// What the caller needs to start the run; it merges with the earlier payload itself.
    pub payload: Value,
    /// Every arrival so far, oldest first; filled by reads, ignored by writes.
    pub events: Vec<EventId>,
}

impl Store {
    /// Starts or prolongs a wait. [`NewEvent::holds`] does the same in the event's own transaction.
    pub async fn hold(&self, held: &Held) -> Result<()> {
        let _ = held;
        self.unwritten()
    }

    /// What waits under a key.
    pub async fn held(&self, key: &str) -> Result<Option<Held>> {
        let _ = key;
        self.unwritten()
    }

    /// Waits that are over, oldest first.
    pub async fn due_holds(&self, now: Micros) -> Result<Vec<Held>> {
        let _ = now;
        self.unwritten()
    }

    /// When the next wait is over.
    pub async fn next_hold(&self) -> Result<Option<Micros>> {
        self.unwritten()
    }

    /// Ends a wait with the event that starts its run, in one transaction. `Conflict` when the wait
    /// is gone or no longer ends at `until`.
    pub async fn release_hold(&self, key: &str, until: Micros, event: &NewEvent, at: Micros) -> Result<Settled> {
        let _ = (key, until, event, at);
        self.unwritten()
    }
}
