//! The files of a version: copied, made durable, and compared.

use super::claims::MARKER;
use crate::content::artifacts::file_digest;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use trainyard_executors::Abandoned;

/// TensorFlow Serving's sign that a version is whole: written last.
const SAVED_MODEL: &str = "saved_model.pb";

/// Copies a tree; files readable by everybody, since the server is another user.
pub(super) fn copy(source: &Path, target: &Path) -> io::Result<()> {
    if source.is_dir() {
        fs::create_dir_all(target)?;
        fs::set_permissions(target, Permissions::from_mode(0o755))?;
        let mut entries = fs::read_dir(source)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(|entry| entry.file_name() == SAVED_MODEL);
        for entry in entries {
            copy(&entry.path(), &target.join(entry.file_name()))?;
        }
    } else {
        fs::copy(source, target)?;
        let executable = fs::metadata(source)?.permissions().mode() & 0o111 != 0;
        fs::set_permissions(target, Permissions::from_mode(if executable { 0o755 } else { 0o644 }))?;
    }
    sync(target)
}

/// Gives a name that nothing bears; `AlreadyExists` if something does, whatever it is.
pub(super) fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // Network filesystems may not know how; a folder that has anything in it is not replaced by them either.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match to.symlink_metadata() {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
            Err(error) => Err(error),
        },
        Err(error) => Err(error.into()),
    }
}

/// Whether everything in a folder that `counts` is in the other one with the same bytes. More may be there: servers
/// put their caches beside what they load. Our marker is nobody's content.
pub(super) fn all_same(folder: &Path, other: &Path, counts: impl Fn(&OsStr) -> bool) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name != MARKER && counts(&name) && !same(&folder.join(&name), &other.join(&name))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same(one: &Path, other: &Path) -> io::Result<bool> {
    let (first, second) = match (fs::metadata(one)?, fs::metadata(other)) {
        (first, Ok(second)) => (first, second),
        (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        (_, Err(error)) => return Err(error),
    };
    match (first.is_dir(), second.is_dir()) {
        (true, true) => all_same(one, other, |_| true),
        (false, false) if first.len() == second.len() => {
            let digest = |path| file_digest(path, &Abandoned::default()).map_err(io::Error::other);
            Ok(digest(one)? == digest(other)?)
        }
        _ => Ok(false),
    }
}

pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
