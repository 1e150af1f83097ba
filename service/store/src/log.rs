//! SQLite's write-ahead log, kept small: what is in the database file leaves it, unless somebody still reads what was
//! before. A program that reads without an end may make it grow to a limit, and not beyond: then writes wait for it.

use crate::connection::{Connection, args};
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::statement::Statement;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// What is left of the log's file after it began anew, in bytes; below it nothing is done.
pub(crate) const KEPT: &str = "33554432";
const SMALL: u64 = 32 << 20;
/// With this much in it no write begins; the last transaction may go beyond.
pub(crate) const MOST: u64 = 256 << 20;
/// A log that somebody pins is tried again after this time.
const TRY_AGAIN: Duration = Duration::from_millis(500);

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
    /// When a reader was last found to pin it.
    pinned: Option<Instant>,
}

impl Log {
    /// The log of a file; without a file there is none.
    pub(crate) fn of(database: Option<&Path>) -> Self {
        Self {
            path: database.map(beside),
            pinned: None,
        }
    }

    /// After a transaction: moves what the log has into the file, if that is much.
    pub(crate) async fn keep_small(&mut self, db: &mut Connection) {
        let step = step(self.bytes(), self.pinned.map(|at| at.elapsed()));
        if step == Step::Nothing {
            return;
        }
        if let Err(error) = self.checkpoint(db, step).await {
            tracing::debug!(%error, "the log stays as it is");
        }
    }

    /// Before a transaction: why the log has no room for one.
    pub(crate) async fn pinned(&mut self, db: &mut Connection) -> Option<StoreError> {
        if self.bytes() < MOST {
            return None;
        }
        match self.checkpoint(db, Step::Truncate).await {
            Ok(true) | Err(StoreError::DiskFull { .. }) => None,
            Ok(false) => Some(StoreError::Pinned {
                place: db.place().to_owned(),
                log: self.bytes(),
            }),
            Err(error) => Some(error),
        }
    }

    /// Whether the log begins anew.
    async fn checkpoint(&mut self, db: &mut Connection, step: Step) -> Result<bool> {
        let statement = if step == Step::Truncate { TRUNCATE } else { RESTART };
        let row = db.row(statement, args![]).await?;
        let busy = row.map(|row| row.get::<i64>(0)).transpose()?.unwrap_or_default() != 0;
        let before = self.pinned;
        self.pinned = busy.then(Instant::now);
        if busy && before.is_none() {
            tracing::warn!(
                bytes = self.bytes(),
                "the log of the database cannot be emptied, because another program reads it for long"
            );
        }
        Ok(!busy)
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
