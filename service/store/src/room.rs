//! Room on the disk under SQLite's file.

use rustix::fs::{Access, FallocateFlags, access, fallocate, statvfs};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// With less than this the room is proved by taking some of it.
const SMALL: u64 = 64 << 20;
/// The proof: a delivery with what else its transaction writes.
const PROOF: u64 = 1 << 20;
/// With less than this nothing can be written.
const NOTHING: u64 = 64 << 10;

/// Whether the disk under a file has no room at all.
pub(crate) fn is_full(file: &str) -> bool {
    free(Path::new(file)).is_some_and(|free| free < NOTHING)
}

/// Whether the file, or the folder that it would be in, takes no writes.
pub(crate) fn is_read_only(file: &str) -> bool {
    let file = Path::new(file);
    let refused = |place: &Path| access(place, Access::WRITE_OK).is_err();
    folder(file).is_some_and(|folder| folder.exists() && refused(folder)) || (file.exists() && refused(file))
}

/// Takes and gives back some room beside the file, if there is little of it or `look` says so.
pub(crate) fn probe(file: &Path, look: bool) -> io::Result<()> {
    if !look && free(file).is_none_or(|free| free >= SMALL) {
        return Ok(());
    }
    let Some(folder) = folder(file) else { return Ok(()) };
    let place = folder.join(format!(".room-{}", std::process::id()));
    let taken = take(&place);
    let _ = fs::remove_file(&place);
    taken
}

fn take(place: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(place)?;
    match fallocate(&file, FallocateFlags::empty(), 0, PROOF) {
        Ok(()) => Ok(()),
        // A file system that cannot promise room: it is written and looked at.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
            let zeros = vec![0; usize::try_from(PROOF).unwrap_or_default()];
            io::Write::write_all(&mut &file, &zeros)?;
            file.sync_data()
        }
        Err(error) => Err(error.into()),
    }
}

/// Bytes that this user may still write.
fn free(file: &Path) -> Option<u64> {
    let disk = statvfs(folder(file)?).ok()?;
    let root = rustix::process::geteuid().is_root();
    let blocks = if root { disk.f_bfree } else { disk.f_bavail };
    Some(blocks.saturating_mul(disk.f_frsize))
}

fn folder(file: &Path) -> Option<&Path> {
    match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Some(Path::new(".")),
        folder => folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trainyard.db");
        probe(&file, true).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(!is_full(file.to_str().unwrap()) && !is_read_only(file.to_str().unwrap()));
        let gone = probe(&folder.path().join("nowhere/trainyard.db"), true).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound, "{gone}");
    }
}
