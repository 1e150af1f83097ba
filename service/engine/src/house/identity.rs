//! Who this instance is towards others that write to the same model repositories. It survives restarts and moves of
//! the data folder, to another disk too; a copy beside the original is another instance, and so is a new folder.

use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use trainyard_core::stored::{self, Stored, StoredError};

/// The file with the identity.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    id: String,
    /// Where the file was when it was written: what is elsewhere was moved, or is a copy if this one is still there.
    place: PathBuf,
}

impl Stored for Identity {
    const WHAT: &'static str = "identity of this instance";
    const VERSION: u32 = 1;
}

/// The identity of the instance whose file this is; made if there is none, or if it is a copy of another's. The
/// caller sees to it that nobody else asks at the same time.
pub(crate) fn identity(path: &Path) -> io::Result<String> {
    let here = match path.parent() {
        Some(folder) => folder.canonicalize()?.join(path.file_name().unwrap_or_default()),
        None => path.to_owned(),
    };
    match read(&here)? {
        Some(found) if found.place == here => Ok(found.id),
        Some(found) if is_still_at(&found.place, &found.id) => {
            tracing::warn!(
                original = %found.place.display(),
                "this data folder is a copy: from now on it is an instance of its own, and versions in model repositories that the other one wrote stay as they are"
            );
            write(here, uuid::Uuid::new_v4().simple().to_string())
        }
        Some(moved) => write(here, moved.id),
        None => write(here, uuid::Uuid::new_v4().simple().to_string()),
    }
}

/// The file as it is, for a backup; `None` while there is none.
pub(crate) fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Makes the file of a backup ours, unless there is one. It still says where it was: a restore beside the original,
/// which lives, is an instance of its own, as any other copy is.
pub(crate) fn bring_back(path: &Path, text: &str) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    put(path, text)
}

fn read(path: &Path) -> io::Result<Option<Identity>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match stored::read(&text) {
        Ok(identity) => Ok(Some(identity)),
        Err(error @ StoredError::Newer { .. }) => Err(io::Error::other(error)),
        // What nobody can read proves nothing.
        Err(StoredError::Unreadable { .. }) => Ok(None),
    }
}

/// A place that cannot be looked at may well have it.
fn is_still_at(place: &Path, id: &str) -> bool {
    match read(place) {
        Ok(there) => there.is_some_and(|there| there.id == id),
        Err(_) => true,
    }
}

fn write(place: PathBuf, id: String) -> io::Result<String> {
    let identity = Identity { id, place };
    put(&identity.place, &stored::write(&identity))?;
    Ok(identity.id)
}

fn put(place: &Path, text: &str) -> io::Result<()> {
    let hidden = place.with_extension("new");
    let mut file = File::create(&hidden)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&hidden, place)?;
    if let Some(folder) = place.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_a_move_and_not_a_copy() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).join("identity.json");
        fs::create_dir(dir.path().join("one")).unwrap();
        let id = identity(&at("one")).unwrap();
        assert_eq!(identity(&at("one")).unwrap(), id, "a restart");
        fs::rename(dir.path().join("one"), dir.path().join("moved")).unwrap();
        assert_eq!(identity(&at("moved")).unwrap(), id);
        fs::create_dir(dir.path().join("copy")).unwrap();
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([at("moved"), at("copy")])
            .status();
        assert!(copied.unwrap().success());
        let other = identity(&at("copy")).unwrap();
        assert_ne!(other, id);
        assert_eq!(identity(&at("copy")).unwrap(), other);
        assert_eq!(identity(&at("moved")).unwrap(), id, "the original is what it was");
        // To another disk a move is a copy whose original is gone.
        fs::remove_file(at("moved")).unwrap();
        fs::create_dir(dir.path().join("disk")).unwrap();
        fs::copy(at("copy"), at("disk")).unwrap();
        fs::remove_file(at("copy")).unwrap();
        assert_eq!(identity(&at("disk")).unwrap(), other);
        fs::write(at("disk"), "").unwrap();
        assert_ne!(identity(&at("disk")).unwrap(), other, "what is cut off proves nothing");
    }

    #[test]
    fn one_of_a_newer_trainyard_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("identity.json");
        fs::write(&path, r#"{"format": 9, "id": "x"}"#).unwrap();
        assert!(identity(&path).unwrap_err().to_string().contains("newer Trainyard"));
        assert!(fs::read_to_string(&path).unwrap().contains("\"x\""));
    }
}
