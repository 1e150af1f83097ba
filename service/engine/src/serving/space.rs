//! Whether there is room for a version where it will be written: found out before anything is begun, so that a full
//! disk costs neither a number nor a try.

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// What a file takes of a disk beyond its bytes, with our own files of a version.
const OF_A_FILE: u64 = 4096;
/// The marker, the settings and the folder.
const OURS: u64 = 3;

/// Bytes and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Need {
    bytes: u64,
    files: u64,
}

impl Need {
    fn of(tree: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(tree)?;
        let mut need = Self {
            bytes: OF_A_FILE,
            files: 1,
        };
        if !metadata.is_dir() {
            need.bytes += metadata.len();
            return Ok(need);
        }
        for entry in fs::read_dir(tree)? {
            let part = Self::of(&entry?.path())?;
            need.bytes = need.bytes.saturating_add(part.bytes);
            need.files += part.files;
        }
        Ok(need)
    }
}

/// Takes the room of a copy of `source` in `folder` for a moment, as the file `probe`, or of the disk that it will be
/// on where it is not there yet. An error is a full disk's, or another one's of the machine. Blocks.
pub(super) fn find(source: &Path, folder: &Path, probe: &Path) -> io::Result<()> {
    let mut need = Need::of(source)?;
    need.bytes += OURS * OF_A_FILE;
    need.files += OURS;
    let there = folder.ancestors().find(|folder| folder.exists());
    let disk = statvfs(there.unwrap_or(folder))?;
    // Zero is said by those that do not count them.
    let few_files = disk.f_files > 0 && disk.f_favail < need.files;
    if few_files || disk.f_bfree.saturating_mul(disk.f_frsize) < need.bytes {
        return Err(Errno::NOSPC.into());
    }
    if there != Some(folder) {
        return Ok(());
    }
    let taken = File::create(probe).and_then(|file| {
        match fallocate(&file, FallocateFlags::empty(), 0, need.bytes) {
            // What such a file system counts as free has to do.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    });
    let _ = fs::remove_file(probe);
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_needs_its_bytes_and_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model");
        fs::create_dir_all(model.join("variables")).unwrap();
        fs::write(model.join("variables/data"), [1; 10_000]).unwrap();
        fs::write(model.join("saved_model.pb"), [1; 100]).unwrap();
        let need = Need::of(&model).unwrap();
        assert_eq!((need.bytes, need.files), (4 * OF_A_FILE + 10_100, 4));
        let (target, probe) = (folder.path().join("target"), folder.path().join("target/.probe"));
        find(&model, &target, &probe).unwrap();
        assert!(!target.exists(), "it is only looked");
        fs::create_dir(&target).unwrap();
        find(&model, &target, &probe).unwrap();
        assert!(!probe.exists());
    }
}
