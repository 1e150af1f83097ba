//! What wakes the loops. A signal says only «look»: what to do is read from the store.

use tokio::sync::Notify;

/// One signal for each loop that does not follow the store's change number.
#[derive(Default)]
pub(crate) struct Signals {
    /// A delivery was accepted.
    pub(crate) ingest: Notify,
    /// The outbox may have something.
    pub(crate) report: Notify,
    /// Somebody asked for something on GitHub.
    pub(crate) asks: Notify,
    /// The schedules or held events changed.
    pub(crate) schedule: Notify,
    /// Something happened in a repository; it may be its first time.
    pub(crate) sweep: Notify,
    /// A second passed.
    pub(crate) tick: Notify,
}
