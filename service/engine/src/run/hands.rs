//! What is in hand: a file for each command that is being performed, gone when it is done, cut off or broken. A file
//! whose engine is dead is the trace of a run in whose hands it died.

use crate::house::locks::Owner;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use trainyard_core::ids::RunId;

/// The commands in hand of one engine.
#[derive(Debug)]
pub(crate) struct Hands {
    folder: PathBuf,
    engine: String,
    next: AtomicU64,
    left: Mutex<HashSet<RunId>>,
}

/// One command in hand, until it is dropped.
#[derive(Debug)]
pub(crate) struct Hand(PathBuf);

impl Drop for Hand {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Hands {
    /// Those of this engine; what dead ones left in the folder is noted and removed. A folder that cannot be
    /// written only means that crashes are not counted.
    pub(crate) fn new(folder: PathBuf, owner: &Owner) -> Self {
        let _ = fs::create_dir_all(&folder);
        let mut left = HashSet::new();
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if let Some((engine, run)) = named(&path)
                && owner.is_gone_here(&engine)
            {
                left.insert(run);
                let _ = fs::remove_file(path);
            }
        }
        Self {
            folder,
            engine: owner.short_name().to_owned(),
            next: AtomicU64::new(0),
            left: Mutex::new(left),
        }
    }

    /// Takes a command of a run in hand.
    pub(crate) fn take(&self, run: &RunId) -> Hand {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{}.{run}.{number}", self.engine));
        // A process that dies leaves what it wrote, without any sync.
        let _ = fs::write(&path, b"");
        Hand(path)
    }

    /// Whether an engine died with this run in hand; true once.
    pub(crate) fn died_with(&self, run: &RunId) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.remove(run)
    }
}

/// `<engine>.<run>.<number>`
fn named(path: &Path) -> Option<(String, RunId)> {
    let name = path.file_name()?.to_str()?;
    let (rest, _) = name.rsplit_once('.')?;
    let (engine, run) = rest.split_once('.')?;
    Some((engine.to_owned(), RunId::new(run)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_dead_engine_leaves_a_trace() {
        let dir = tempfile::tempdir().unwrap();
        let (owners, folder) = (dir.path().join("owners"), dir.path().join("hands"));
        let run = |id: &str| RunId::new(id);
        let first = Owner::new(owners.clone(), "here").unwrap();
        let hands = Hands::new(folder.clone(), &first);
        let held = hands.take(&run("r1"));
        drop(hands.take(&run("r2")));
        // A process that dies takes its lock along and leaves its file.
        std::fs::write(folder.join("dead.r3.0"), b"").unwrap();
        let second = Owner::new(owners, "here").unwrap();
        let others = Hands::new(folder.clone(), &second);
        assert!(!others.died_with(&run("r1")) && !others.died_with(&run("r2")));
        assert!(others.died_with(&run("r3")));
        assert!(!others.died_with(&run("r3")), "told once");
        drop(held);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
}
