//! What one task of one engine does at a time: by a locked file where the engines are on one machine, by a lease where
//! they share a database.

use super::leases::{Held, Leases};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::sleep;
use trainyard_store::Store;

/// How often a lock that another process holds is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// Held by at most one task of one engine at a time.
#[derive(Debug)]
pub(crate) struct Exclusive {
    by: By,
    here: Arc<Mutex<()>>,
}

/// What keeps the engines apart.
#[derive(Debug)]
enum By {
    /// A file of the data folder: engines of one machine, of which the dead hold nothing.
    File(PathBuf),
    /// A lease in a database that machines share, which one that was stopped loses.
    Lease(Leases, &'static str),
}

/// Gives it back when dropped.
#[derive(Debug)]
pub(crate) struct ExclusiveGuard {
    _here: OwnedMutexGuard<()>,
    everywhere: Everywhere,
}

#[derive(Debug)]
enum Everywhere {
    File(#[allow(dead_code, reason = "the lock goes with it")] File),
    Lease(Held),
}

impl Exclusive {
    /// Among the engines of one data folder.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            by: By::File(path),
            here: Arc::default(),
        }
    }

    /// Among all engines of one database.
    pub(crate) fn leased(leases: Leases, name: &'static str) -> Self {
        Self {
            by: By::Lease(leases, name),
            here: Arc::default(),
        }
    }

    /// Waits for its turn.
    pub(crate) async fn hold(&self) -> io::Result<ExclusiveGuard> {
        let here = Arc::clone(&self.here).lock_owned().await;
        let everywhere = match &self.by {
            By::File(path) => Everywhere::File(lock(path).await?),
            By::Lease(leases, name) => Everywhere::Lease(leases.hold(name).await.map_err(io::Error::other)?),
        };
        Ok(ExclusiveGuard {
            _here: here,
            everywhere,
        })
    }
}

impl ExclusiveGuard {
    /// The store for as long as this is ours: what is stored after it was lost is refused.
    pub(crate) fn fenced(&self, store: &Store) -> Store {
        match &self.everywhere {
            Everywhere::File(_) => store.clone(),
            Everywhere::Lease(held) => held.fenced(store),
        }
    }

    /// Whether nobody else has it by now.
    pub(crate) fn is_ours(&self) -> bool {
        match &self.everywhere {
            Everywhere::File(_) => true,
            Everywhere::Lease(held) => held.is_good(),
        }
    }

    /// Does something while this is ours; `None` when it was lost to another engine, after which no more of it is
    /// done.
    pub(crate) async fn while_ours<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match &self.everywhere {
            Everywhere::File(_) => Some(work.await),
            Everywhere::Lease(held) => held.while_ours(work).await,
        }
    }
}

async fn lock(path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => sleep(TRY_AGAIN).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_engine_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("push.lock");
        let (one, other) = (Exclusive::new(path.clone()), Exclusive::new(path));
        let held = one.hold().await.unwrap();
        tokio::select! {
            biased;
            _ = other.hold() => panic!("held twice"),
            () = std::future::ready(()) => {}
        }
        drop(held);
        drop(other.hold().await.unwrap());
    }
}
