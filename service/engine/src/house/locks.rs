//! Locks between the engines of one data folder, for example a service and `trainyard run`. They go
//! with their process, however it ends.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use tokio::time::sleep;

/// How often a lock that another process holds is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// An engine as the leases know it: its file is locked while it lives.
#[derive(Debug)]
pub(crate) struct Owner {
    instance: String,
    folder: PathBuf,
    name: String,
    _alive: File,
}

impl Owner {
    /// A new owner among those of `folder`; what dead ones left there is removed.
    pub(crate) fn new(folder: PathBuf, instance: &str) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if is_free(&path) {
                let _ = fs::remove_file(&path);
            }
        }
        let name = uuid::Uuid::now_v7().simple().to_string();
        let path = folder.join(&name);
        let alive = File::create(&path)?;
        alive.lock()?;
        // Between its making and its locking another engine may have taken it for a dead one's.
        if !path.exists() {
            return Self::new(folder, instance);
        }
        Ok(Self {
            instance: instance.to_owned(),
            folder,
            name,
            _alive: alive,
        })
    }

    /// The instance that it is of.
    pub(crate) fn instance(&self) -> &str {
        &self.instance
    }

    /// The name in leases.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.instance, self.name)
    }

    /// The name among the owners of this data folder.
    pub(crate) fn short_name(&self) -> &str {
        &self.name
    }

    /// Whether the owner of this short name is dead.
    pub(crate) fn is_gone_here(&self, name: &str) -> bool {
        name != self.name && is_free(&self.folder.join(name))
    }

    /// Whether another owner of this data folder is dead. Of other folders' owners nothing is known.
    pub(crate) fn is_gone(&self, other: &str) -> bool {
        match other.split_once('/') {
            Some((instance, name)) if instance == self.instance => self.is_gone_here(name),
            _ => false,
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.folder.join(&self.name));
    }
}

/// Whether an engine lives among the owners of a data folder.
pub(crate) fn anybody(folder: &Path) -> bool {
    let mut owners = fs::read_dir(folder).into_iter().flatten().flatten();
    owners.any(|owner| !is_free(&owner.path()))
}

fn is_free(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => file.try_lock_shared().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Keeps content in its place: many use it at once, or one collects it alone.
#[derive(Debug)]
pub(crate) struct ContentLock {
    path: PathBuf,
    here: Arc<RwLock<()>>,
}

/// While it is there, no content is collected.
#[derive(Debug)]
pub(crate) struct InUse {
    _here: OwnedRwLockReadGuard<()>,
    _everywhere: File,
}

/// While it is there, nobody finds content, publishes it or lets it serve.
#[derive(Debug)]
pub(crate) struct Alone {
    _here: OwnedRwLockWriteGuard<()>,
    _everywhere: File,
}

impl ContentLock {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            here: Arc::default(),
        }
    }

    /// Waits while content is collected.
    pub(crate) async fn hold_off(&self) -> io::Result<InUse> {
        let here = Arc::clone(&self.here).read_owned().await;
        let file = File::create(&self.path)?;
        loop {
            match file.try_lock_shared() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => sleep(TRY_AGAIN).await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(InUse {
            _here: here,
            _everywhere: file,
        })
    }

    /// Waits until nobody uses content. Who waits holds nobody up.
    pub(crate) async fn alone(&self) -> io::Result<Alone> {
        loop {
            if let Ok(here) = Arc::clone(&self.here).try_write_owned() {
                let file = File::create(&self.path)?;
                match file.try_lock() {
                    Ok(()) => {
                        return Ok(Alone {
                            _here: here,
                            _everywhere: file,
                        });
                    }
                    Err(TryLockError::WouldBlock) => {}
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
            sleep(TRY_AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_gone_when_its_engine_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("owners");
        let one = Owner::new(folder.clone(), "here").unwrap();
        let other = Owner::new(folder.clone(), "here").unwrap();
        let name = one.name();
        assert!(!other.is_gone(&name), "it lives");
        assert!(!one.is_gone(&name), "nobody is gone to itself");
        assert!(!other.is_gone("elsewhere/0"), "of another folder nothing is known");
        drop(one);
        assert!(other.is_gone(&name));
        std::fs::write(folder.join("left-by-a-crash"), b"").unwrap();
        assert!(other.is_gone("here/left-by-a-crash"));
        let _third = Owner::new(folder.clone(), "here").unwrap();
        assert!(!folder.join("left-by-a-crash").exists());
        assert!(!_third.is_gone(&other.name()), "looking at a lock takes it from nobody");
    }

    #[tokio::test]
    async fn many_use_content_and_one_collects_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("collect.lock");
        let (one, other) = (ContentLock::new(path.clone()), ContentLock::new(path));
        let first = one.hold_off().await.unwrap();
        let second = other.hold_off().await.unwrap();
        for engine in [&one, &other] {
            tokio::select! {
                biased;
                _ = engine.alone() => panic!("collected while in use"),
                () = tokio::task::yield_now() => {}
            }
        }
        // Who waits to collect holds nobody up.
        drop(one.hold_off().await.unwrap());
        drop((first, second));
        let alone = one.alone().await.unwrap();
        for engine in [&one, &other] {
            tokio::select! {
                biased;
                _ = engine.hold_off() => panic!("used while it is collected"),
                () = tokio::task::yield_now() => {}
            }
        }
        drop(alone);
        drop(other.alone().await.unwrap());
    }
}
