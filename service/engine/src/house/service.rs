//! One service for each data folder, and each file of SQLite: its lock goes with its process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// A process that was just killed may still be about to give its locks back.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);

/// The right to be the service; given back when dropped.
#[derive(Debug)]
pub struct OneService(#[allow(dead_code, reason = "the locks go with it")] Vec<File>);

/// Why this cannot be the service.
#[derive(Debug, thiserror::Error)]
pub enum NotTheService {
    /// Another one is.
    #[error(
        "{} is in use by another Trainyard service{}: stop that one first, or give this one a data_dir of its own",
        place.display(),
        process.map_or_else(String::new, |process| format!(" (process {process})"))
    )]
    Another {
        /// What it uses.
        place: PathBuf,
        /// Its process id, where it said so.
        process: Option<u32>,
    },
    /// The lock cannot be made.
    #[error(
        "{} cannot be written: {source}; {}",
        path.display(),
        if source.kind() == io::ErrorKind::StorageFull {
            "free some space on its disk"
        } else {
            "correct data_dir or its permissions"
        }
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl OneService {
    /// Takes the locks: of each its file, and the place that people know.
    pub(crate) async fn take(locks: &[(PathBuf, PathBuf)]) -> Result<Self, NotTheService> {
        let mut held = Vec::new();
        for (path, place) in locks {
            held.push(lock(path, place).await?);
        }
        Ok(Self(held))
    }
}

async fn lock(path: &Path, place: &Path) -> Result<File, NotTheService> {
    let unwritable = |source| NotTheService::Unwritable {
        path: path.to_owned(),
        source,
    };
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).open(path);
    let mut file = opened.map_err(unwritable)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => sleep(LOOK).await,
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                return Err(NotTheService::Another {
                    place: place.to_owned(),
                    process: text.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
    }
    // For the sentence only: a full disk keeps no service from starting.
    let _ = file.set_len(0).and_then(|()| file.rewind());
    let _ = writeln!(file, "{}", std::process::id());
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_is_told_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        let locks = [(dir.path().join("service.lock"), PathBuf::from("/yard"))];
        let first = OneService::take(&locks).await.unwrap();
        let told = OneService::take(&locks).await.unwrap_err().to_string();
        let told = told.replace(&std::process::id().to_string(), "PID");
        insta::assert_snapshot!(told, @"/yard is in use by another Trainyard service (process PID): stop that one first, or give this one a data_dir of its own");
        drop(first);
        OneService::take(&locks).await.unwrap();
    }
}
