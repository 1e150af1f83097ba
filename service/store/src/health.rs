//! Whether writes go through, as the last of them found it: known at once, without asking the database.

use crate::error::{Result, StoreError};
use crate::patience::Patience;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Waiting for another program for less than this is daily life.
const SHORT: Duration = Duration::from_secs(2);

/// One per store; its clones share it.
#[derive(Default)]
pub(crate) struct Health {
    /// Since when another program keeps writes waiting, and how.
    held: watch::Sender<Option<(Instant, StoreError)>>,
    last: Mutex<Last>,
}

/// What the last write met.
#[derive(Default)]
struct Last {
    at: Option<Instant>,
    failed: Option<StoreError>,
}

impl Health {
    /// A write waits for another program.
    pub(crate) fn held(&self, why: StoreError) {
        self.held.send_if_modified(|held| match held {
            Some((_, known)) if std::mem::discriminant(known) == std::mem::discriminant(&why) => false,
            Some((_, known)) => {
                *known = why;
                true
            }
            None => {
                *held = Some((Instant::now(), why));
                true
            }
        });
    }

    /// No other program keeps writes waiting.
    pub(crate) fn free(&self) {
        self.held.send_if_modified(|held| held.take().is_some());
    }

    /// Ends when a write that begins to wait now has waited enough for another program, with the reason.
    pub(crate) async fn late(&self, patience: Patience) -> StoreError {
        let arrived = Instant::now();
        let mut held = self.held.subscribe();
        loop {
            let now = held.borrow_and_update().clone();
            let end = async {
                match now {
                    Some((since, why)) => {
                        sleep_until(patience.end(since, arrived)).await;
                        why
                    }
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                why = end => return why,
                // The sender is our own, and lives.
                _ = held.changed() => {}
            }
        }
    }

    /// What came of a write.
    pub(crate) fn note<T>(&self, result: &Result<T>) {
        match result {
            Err(error) if error.passes() => self.failed(error.clone()),
            // A small row still fits a disk that is full for others: only a probe proves that there is room.
            _ if self.is_of_the_disk() => {}
            _ => self.proved(),
        }
    }

    /// Writes do not go through.
    pub(crate) fn failed(&self, why: StoreError) {
        *self.last() = Last {
            at: Some(Instant::now()),
            failed: Some(why),
        };
    }

    /// Writes go through, large ones too.
    pub(crate) fn proved(&self) {
        *self.last() = Last {
            at: Some(Instant::now()),
            failed: None,
        };
    }

    /// Whether the disk was the trouble when it was last looked at.
    pub(crate) fn is_of_the_disk(&self) -> bool {
        self.last().failed.as_ref().is_some_and(StoreError::is_of_the_disk)
    }

    /// Why writes do not go through now, as far as is known.
    pub(crate) fn trouble(&self) -> Option<StoreError> {
        let held = self.held.borrow().clone();
        match held {
            Some((since, why)) if since.elapsed() > SHORT => Some(why),
            _ => self.last().failed.clone(),
        }
    }

    /// How long ago it was seen whether writes go through.
    pub(crate) fn seen(&self) -> Option<Duration> {
        self.last().at.map(|at| at.elapsed())
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked() -> StoreError {
        StoreError::Locked { place: "db".to_owned() }
    }

    #[tokio::test]
    async fn a_lock_is_a_trouble_when_it_lasts_and_none_when_it_ends() {
        let health = Health::default();
        health.held(locked());
        assert_eq!(health.trouble(), None, "daily life");
        let long_ago = Instant::now() - Duration::from_secs(60);
        health.held.send_replace(Some((long_ago, locked())));
        health.held(locked());
        assert_eq!(health.trouble(), Some(locked()));
        assert_eq!(health.late(Patience::Sender).await, locked());
        health.free();
        assert_eq!(health.trouble(), None);
    }

    #[test]
    fn a_small_write_proves_no_room() {
        let health = Health::default();
        let full = StoreError::DiskFull { place: "db".to_owned() };
        health.note::<()>(&Err(full.clone()));
        health.note(&Ok(()));
        assert_eq!(health.trouble(), Some(full));
        health.proved();
        assert_eq!(health.trouble(), None);
        health.note::<()>(&Err(locked()));
        health.note::<()>(&Err(StoreError::Conflict("no".to_owned())));
        assert_eq!(health.trouble(), None, "a refusal is an answer");
    }
}
