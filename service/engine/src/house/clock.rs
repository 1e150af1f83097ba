//! The wall clock, and identifiers that sort by it.

use std::time::{SystemTime, UNIX_EPOCH};
use trainyard_core::ids::{EventId, Micros, RunId};

/// The wall clock, in the store's format.
pub(crate) fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// A new run id; later ids sort after earlier ones.
pub(crate) fn new_run_id() -> RunId {
    RunId::new(uuid::Uuid::now_v7().to_string())
}

/// A new event id.
pub(crate) fn new_event_id() -> EventId {
    EventId::new(uuid::Uuid::now_v7().to_string())
}
