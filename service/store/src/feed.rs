//! News that the change number moved: to the followers in this process, and past its walls.

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Now, for both times of a file.
const NOW: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: UTIME_NOW,
};

/// One per store; its clones share it.
pub(crate) struct Feed {
    numbers: Arc<Numbers>,
    /// The file of SQLite, whose times other processes watch. PostgreSQL tells them itself.
    file: Option<PathBuf>,
    watching: Mutex<Weak<Watching>>,
}

/// The largest number this process has heard of; 0 before the first. Who waits first is woken first, as tokio's
/// `watch` does not: one seed is one history of the simulator.
#[derive(Default)]
pub(crate) struct Numbers {
    largest: AtomicU64,
    moved: Notify,
}

impl Numbers {
    pub(crate) fn largest(&self) -> u64 {
        self.largest.load(Ordering::SeqCst)
    }

    /// One after `seen`, as soon as there is one.
    pub(crate) async fn after(&self, seen: u64) -> u64 {
        loop {
            // It hears of what moves from here on.
            let moved = self.moved.notified();
            let largest = self.largest();
            if largest > seen {
                return largest;
            }
            moved.await;
        }
    }
}

/// The task that hears of other processes; it ends with the last follower.
pub(crate) struct Watching(JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Feed {
    pub(crate) fn new(file: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self {
            numbers: Arc::default(),
            file,
            watching: Mutex::default(),
        })
    }

    /// A write of ours is committed: everybody hears of it.
    pub(crate) fn committed(&self, number: u64) {
        self.heard(number);
        // Not a write to the log: that one is seen before the commit can be read.
        let Some(file) = &self.file else { return };
        let now = Timestamps {
            last_access: NOW,
            last_modification: NOW,
        };
        if let Err(error) = utimensat(CWD, file, &now, AtFlags::empty()) {
            tracing::debug!(%error, "other processes hear of this change at their next look");
        }
    }

    /// The followers in this process hear of a number, unless they know a later one.
    pub(crate) fn heard(&self, number: u64) {
        if self.numbers.largest.fetch_max(number, Ordering::SeqCst) < number {
            self.numbers.moved.notify_waiters();
        }
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(crate) fn numbers(&self) -> Arc<Numbers> {
        Arc::clone(&self.numbers)
    }

    /// The task that watches for all followers; started for the first of them.
    pub(crate) fn watching(&self, start: impl FnOnce() -> JoinHandle<()>) -> Arc<Watching> {
        let mut current = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watching) = current.upgrade().filter(|watching| !watching.0.is_finished()) {
            return watching;
        }
        let watching = Arc::new(Watching(start()));
        *current = Arc::downgrade(&watching);
        watching
    }
}
