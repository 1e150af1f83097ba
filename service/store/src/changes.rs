//! Following the change number, whoever moves it.

use crate::error::{Result, StoreError};
use crate::feed::{Numbers, Watching};
use crate::reads::Reads;
use crate::signal::Signal;
use crate::simulated;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The number is looked at this often even without a signal: a process may be killed between its
/// commit and telling of it.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The wait after a database did not answer.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// A follower of the change number; see [`Reads::changes`].
pub struct Changes {
    numbers: Arc<Numbers>,
    seen: u64,
    _watching: Arc<Watching>,
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Changes(after {})", self.seen)
    }
}

impl Reads {
    /// Follows the change number: read after each [`Changes::next`], and nothing is missed. Must be
    /// called within a tokio runtime.
    pub fn changes(&self) -> Changes {
        let numbers = self.feed().numbers();
        let reads = self.clone();
        Changes {
            numbers,
            seen: 0,
            _watching: self.feed().watching(|| tokio::spawn(watch(reads))),
        }
    }
}

impl Changes {
    /// The number, at once the first time, then each time it has moved, in this process or another.
    /// Several moves may be one. Waits while the database does not answer. Dropping the future loses
    /// nothing.
    pub async fn next(&mut self) -> u64 {
        self.seen = self.numbers.after(self.seen).await;
        self.seen
    }
}

/// Hears of other processes until the last follower is gone.
async fn watch(reads: Reads) {
    loop {
        if let Err(error) = follow(&reads).await {
            tracing::debug!(%error, "changes of other processes are not heard of now");
        }
        sleep(TRY_AGAIN).await;
    }
}

/// Listens first and looks then: what is written in between is told.
async fn follow(reads: &Reads) -> Result<()> {
    if simulated::is_on() {
        // There is no other process.
        reads.feed().heard(reads.change_number().await?);
        return std::future::pending().await;
    }
    let mut signal = Signal::of(reads).await?;
    loop {
        reads.feed().heard(reads.change_number().await?);
        if let Ok(Err(error)) = timeout(LOOK_AGAIN, signal.wait()).await {
            return Err(StoreError::Unreachable {
                database: reads.place().to_owned(),
                problem: error.to_string(),
            });
        }
    }
}
