//! The parts every effect and loop works with, made once at the start.

use crate::content::artifacts::ArtifactFolder;
use crate::house::config::EngineConfig;
use crate::house::folders::Folders;
use crate::house::locks::{Collecting, Exclusive, Owner};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;
use trainyard_core::ids::{EventId, Micros, RunId};
use trainyard_executors::{AnyExecutor, AnyImageBuilder};
use trainyard_github::GitHub;
use trainyard_store::Store;

/// The parts of a running engine.
pub(crate) struct Context {
    pub(crate) config: EngineConfig,
    pub(crate) folders: Folders,
    pub(crate) store: Store,
    pub(crate) artifacts: ArtifactFolder,
    pub(crate) executor: AnyExecutor,
    pub(crate) builder: AnyImageBuilder,
    pub(crate) github: Option<GitHub>,
    pub(crate) http: reqwest::Client,
    pub(crate) signals: Signals,
    /// Who containers run as when the service is root; otherwise they run as the service.
    pub(crate) container_user: Option<(u32, u32)>,
    /// This engine, as the leases know it.
    pub(crate) owner: Owner,
    /// Held while an image is built.
    pub(crate) building: tokio::sync::Mutex<()>,
    /// Held off while content is found, published or served; held alone while it is collected.
    pub(crate) collecting: Collecting,
    /// Held while a push target is changed.
    pub(crate) pushing: Exclusive,
}

impl Context {
    /// Now, in the store's format.
    pub(crate) fn now(&self) -> Micros {
        now()
    }
}

/// The wall clock.
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

/// Wakes the loops. A signal says only «look»: what to do is read from the store.
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
