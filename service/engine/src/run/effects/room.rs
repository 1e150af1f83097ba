//! The room that a program's outputs take on the disk, and what is left of it.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// With less than this a disk is full: programs write in pieces, and others write beside them.
const FULL: u64 = 4 << 20;
/// Outputs of a running program are measured this often, or less often where that takes its time.
const MEASURE: Duration = Duration::from_secs(5);
/// The share of the time that may be spent on it, as its inverse.
const PATIENCE: u32 = 20;

/// Measures one folder again and again.
pub(super) struct Room {
    folder: PathBuf,
    limit: Option<u64>,
    pause: Duration,
}

impl Room {
    /// Of the outputs in `folder`, which may take `limit` bytes.
    pub(super) fn new(folder: PathBuf, limit: Option<u64>) -> Self {
        Self {
            folder,
            limit,
            pause: MEASURE,
        }
    }

    /// The bytes that are there and those that may be, if there are more.
    pub(super) async fn exceeded(&mut self) -> Option<(u64, u64)> {
        let limit = self.limit?;
        let (folder, start) = (self.folder.clone(), Instant::now());
        let there = trainyard_executors::apart(move || occupied(&folder)).await.ok()?;
        self.pause = MEASURE.max(start.elapsed() * PATIENCE);
        (there > limit).then_some((there, limit))
    }

    /// How long until the next look, at most `otherwise`.
    pub(super) fn pause(&self, otherwise: Duration) -> Duration {
        if self.limit.is_some() {
            self.pause.min(otherwise)
        } else {
            otherwise
        }
    }

    /// Whether nothing more can be written there: no bytes or no files.
    pub(super) fn is_full(&self) -> bool {
        let place = self.folder.ancestors().find(|folder| folder.exists());
        let Some(Ok(disk)) = place.map(rustix::fs::statvfs) else {
            return false;
        };
        let no_files = disk.f_files > 0 && disk.f_favail == 0;
        disk.f_bavail.saturating_mul(disk.f_frsize) < FULL || no_files
    }
}

/// Bytes of the disk's blocks below a folder: the holes of a file take none, and what has two names counts once.
/// What goes while it is measured is not there.
fn occupied(root: &Path) -> u64 {
    let mut linked = HashSet::new();
    let (mut bytes, mut left) = (0_u64, vec![root.to_owned()]);
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.path().symlink_metadata() else {
                continue;
            };
            if metadata.nlink() == 1 || metadata.is_dir() || linked.insert((metadata.dev(), metadata.ino())) {
                bytes = bytes.saturating_add(metadata.blocks().saturating_mul(512));
            }
            if metadata.is_dir() {
                left.push(entry.path());
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[tokio::test]
    async fn holes_take_no_room_and_links_take_it_once() {
        let folder = tempfile::tempdir().unwrap();
        let sparse = File::create(folder.path().join("sparse")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("c"), vec![1; 1 << 20]).unwrap();
        fs::hard_link(deep.join("c"), folder.path().join("d")).unwrap();
        let there = occupied(folder.path());
        assert!((1 << 20..3 << 20).contains(&there), "{there}");
        let mut room = Room::new(folder.path().to_owned(), Some(1 << 19));
        assert_eq!(room.exceeded().await, Some((there, 1 << 19)));
        room.limit = Some(4 << 20);
        assert_eq!(room.exceeded().await, None);
        room.limit = None;
        assert_eq!(room.pause(Duration::from_secs(30)), Duration::from_secs(30));
    }
}
