//! News that the change number moved: to the followers in this process, and past its walls.

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Now, for both times of a file.
const NOW: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: UTIME_NOW,
};

/// One per store; its clones share it.
pub(crate) struct Feed {
    /// The largest number this process has heard of; 0 before the first.
    number: watch::Sender<u64>,
    /// The file of SQLite, whose times other processes watch. PostgreSQL tells them itself.
    file: Option<PathBuf>,
    watching: Mutex<Weak<Watching>>,
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
            number: watch::Sender::new(0),
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
        self.number.send_if_modified(|known| {
            let later = number > *known;
            if later {
                *known = number;
            }
            later
        });
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(crate) fn numbers(&self) -> watch::Receiver<u64> {
        self.number.subscribe()
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
