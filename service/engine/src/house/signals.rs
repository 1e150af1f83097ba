//! What wakes the loops. A signal says only «look»: what to do is read from the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use trainyard_core::ids::RunId;

/// One signal for each loop, and one for each run at work.
#[derive(Default)]
pub(crate) struct Signals {
    /// A delivery was accepted.
    pub(crate) ingest: Notify,
    /// A run was made or ended.
    pub(crate) admission: Notify,
    /// The outbox may have something.
    pub(crate) report: Notify,
    /// The schedules or held events changed.
    pub(crate) schedule: Notify,
    /// A second passed.
    pub(crate) tick: Notify,
    runs: Mutex<HashMap<RunId, Arc<Notify>>>,
}

impl Signals {
    /// The signal of one run's worker.
    pub(crate) fn run(&self, id: &RunId) -> Arc<Notify> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(runs.entry(id.clone()).or_default())
    }

    /// Forgets the signal of a run that is over.
    pub(crate) fn forget(&self, id: &RunId) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}
