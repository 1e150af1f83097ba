//! SQLite's write-ahead log, kept small: what is in the database file leaves it, unless somebody still reads what was
//! before. A program that reads without an end may make it grow to a limit, and not beyond: then writes wait for it.
//!
//! A connection of its own moves what was committed into the file, a little at a time, while the writer goes on: by
//! itself SQLite would do it in the commit that happens to fill the log, whose senders wait for two syncs more. Only for
//! the log to begin anew the writer stands aside.

use crate::connection::{Connection, args};
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::statement::Statement;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};
use tokio::time::Instant;

/// What is left of the log's file after it began anew, in bytes; below it nothing is done.
pub(crate) const KEPT: &str = "33554432";
const SMALL: u64 = 32 << 20;
/// With this much in it no write begins; the last transaction may go beyond.
pub(crate) const MOST: u64 = 256 << 20;
/// So many bytes of commits are moved together: more would keep the disk from the writer's next sync for longer.
const SOME: u64 = 1 << 20;
/// A log that somebody pins is tried again after this time.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Moves what no reader keeps, beside the writer.
const MOVE: Statement = Statement::listed("PRAGMA wal_checkpoint(PASSIVE)");
/// Waits for readers at most as long as the connection's busy timeout says.
const RESTART: Statement = Statement::listed("PRAGMA wal_checkpoint(RESTART)");
/// The same, and gives the room of the file back.
const TRUNCATE: Statement = Statement::listed("PRAGMA wal_checkpoint(TRUNCATE)");

/// What is to be done about a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Restart,
    Truncate,
}

/// The log beside one database file.
pub(crate) struct Log {
    path: Option<PathBuf>,
    /// Bytes that were committed and not moved, about.
    unmoved: AtomicU64,
    due: Notify,
    /// The writer's while it has a transaction, the mover's while the log begins anew.
    turn: Arc<Mutex<()>>,
    mover: Mutex<Mover>,
}

/// Who moves what the log has into the file.
struct Mover {
    /// Without a file there is none.
    connection: Option<Connection>,
    /// When a reader was last found to pin the log.
    pinned: Option<Instant>,
}

impl Log {
    /// The log of a file, with the connection that empties it; without a file there is none.
    pub(crate) fn of(database: Option<&Path>, connection: Option<Connection>) -> Self {
        Self {
            path: database.map(beside),
            unmoved: AtomicU64::new(0),
            due: Notify::new(),
            turn: Arc::default(),
            mover: Mutex::new(Mover {
                connection,
                pinned: None,
            }),
        }
    }

    /// The right to a transaction.
    pub(crate) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// So many bytes were committed, about.
    pub(crate) fn grew(&self, bytes: u64) {
        if self.unmoved.fetch_add(bytes, Ordering::Relaxed) + bytes >= SOME {
            self.due.notify_one();
        }
    }

    /// Moves what the log has into the file whenever that is worth while, until the task is dropped.
    pub(crate) async fn keep_small(&self) {
        loop {
            self.due.notified().await;
            self.unmoved.store(0, Ordering::Relaxed);
            let mut mover = self.mover.lock().await;
            if let Err(error) = self.make_small(&mut mover).await {
                tracing::debug!(%error, "the log stays as it is");
            }
        }
    }

    async fn make_small(&self, mover: &mut Mover) -> Result<()> {
        let Some(connection) = &mut mover.connection else {
            return Ok(());
        };
        connection.row(MOVE, args![]).await?;
        match step(self.bytes(), mover.pinned.map(|at| at.elapsed())) {
            Step::Nothing => {}
            step => {
                let _turn = self.turn().await;
                self.begin_anew(mover, step).await?;
            }
        }
        Ok(())
    }

    /// Before a transaction: why the log has no room for one.
    pub(crate) async fn pinned(&self) -> Option<StoreError> {
        if self.bytes() < MOST {
            return None;
        }
        let mut mover = self.mover.lock().await;
        match self.begin_anew(&mut mover, Step::Truncate).await {
            Ok(true) | Err(StoreError::DiskFull { .. }) => None,
            Ok(false) => mover.connection.as_ref().map(|connection| StoreError::Pinned {
                place: connection.place().to_owned(),
                log: self.bytes(),
            }),
            Err(error) => Some(error),
        }
    }

    /// Whether the log begins anew.
    async fn begin_anew(&self, mover: &mut Mover, step: Step) -> Result<bool> {
        let Some(connection) = &mut mover.connection else {
            return Ok(true);
        };
        let statement = if step == Step::Truncate { TRUNCATE } else { RESTART };
        let row = connection.row(statement, args![]).await?;
        let busy = row.map(|row| row.get::<i64>(0)).transpose()?.unwrap_or_default() != 0;
        let before = std::mem::replace(&mut mover.pinned, busy.then(Instant::now));
        if busy && before.is_none() {
            tracing::warn!(
                bytes = self.bytes(),
                "the log of the database cannot be emptied, because another program reads it for long"
            );
        }
        Ok(!busy)
    }

    /// Nothing is moved any more: the file can be closed.
    pub(crate) async fn close(&self) {
        let mover = self.mover.lock().await.connection.take();
        if let Some(mover) = mover
            && let Err(error) = mover.close().await
        {
            tracing::debug!(%error, "the connection of the log was not closed well");
        }
    }

    fn bytes(&self) -> u64 {
        self.path.as_deref().map_or(0, size)
    }
}

/// By the size of the log, and how long ago somebody was found to pin it.
fn step(bytes: u64, pinned: Option<Duration>) -> Step {
    match bytes {
        // The file keeps as much when the log begins anew.
        ..=SMALL => Step::Nothing,
        _ if pinned.is_some_and(|ago| ago < TRY_AGAIN) => Step::Nothing,
        MOST.. => Step::Truncate,
        _ => Step::Restart,
    }
}

fn beside(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

impl Reads {
    /// Bytes of SQLite's log; `None` on PostgreSQL.
    pub fn log_bytes(&self) -> Option<u64> {
        self.feed().file().map(|file| size(&beside(file)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_left_alone_while_it_is_small_or_pinned() {
        let ago = |millis| Some(Duration::from_millis(millis));
        assert_eq!(KEPT, SMALL.to_string());
        for (bytes, pinned, expected) in [
            (0, None, Step::Nothing),
            (SMALL, None, Step::Nothing),
            (SMALL + 1, None, Step::Restart),
            (SMALL + 1, ago(100), Step::Nothing),
            (SMALL + 1, ago(600), Step::Restart),
            (MOST, None, Step::Truncate),
            (MOST, ago(100), Step::Nothing),
        ] {
            assert_eq!(step(bytes, pinned), expected, "{bytes} {pinned:?}");
        }
    }
}
