//! How long a delivery waits for its source.

use crate::house::clock::now;
use crate::source::checkout::SourceError;
use std::time::Duration;
use trainyard_core::ids::Micros;

/// Whether nobody waits any longer for what this delivery needs.
pub(super) fn is_over(error: &SourceError, received: Micros) -> bool {
    error.patience().is_some_and(|patience| age(received) >= patience)
}

/// The time since a delivery arrived.
pub(super) fn age(received: Micros) -> Duration {
    Duration::from_micros(u64::try_from(now().0.saturating_sub(received.0)).unwrap_or(0))
}
