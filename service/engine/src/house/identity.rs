//! Who this instance is towards others that write to the same model repositories. It survives restarts and moves of
//! the data folder; a copy of the data folder is another instance, and so is a new one.

use serde::{Deserialize, Serialize};
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::UNIX_EPOCH;
use trainyard_core::stored::{self, Stored, StoredError};

/// The file with the identity. It is never copied along: what it says about itself is true of one file only.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    id: String,
    /// When the file itself was made, in nanoseconds since 1970, where the filesystem tells.
    born: Option<u64>,
    inode: u64,
}

impl Stored for Identity {
    const WHAT: &'static str = "identity of this instance";
    const VERSION: u32 = 1;
}

/// When a file was made; copies are younger.
fn born(file: &Metadata) -> Option<u64> {
    let since = file.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

impl Identity {
    /// Whether it speaks of this very file. Inodes alone may change where a filesystem is mounted anew.
    fn is_of(&self, file: &Metadata) -> bool {
        match (self.born, born(file)) {
            (Some(then), Some(now)) => then == now,
            _ => self.inode == file.ino(),
        }
    }
}

/// The identity of the instance whose file this is; made if there is none, or if it is a copy of another's. The
/// caller sees to it that nobody else asks at the same time.
pub(crate) fn identity(path: &Path) -> io::Result<String> {
    match read(path)? {
        Some((identity, true)) => return Ok(identity.id),
        Some((_, false)) => tracing::warn!(
            file = %path.display(),
            "this data folder is a copy: from now on it is an instance of its own, and versions in model repositories that the other one wrote stay as they are"
        ),
        None => {}
    }
    make(path)
}

/// What is there, and whether it is the original.
fn read(path: &Path) -> io::Result<Option<(Identity, bool)>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match stored::read::<Identity>(&text) {
        Ok(identity) => {
            let original = identity.is_of(&fs::metadata(path)?);
            Ok(Some((identity, original)))
        }
        Err(error @ StoredError::Newer { .. }) => Err(io::Error::other(error)),
        // What nobody can read proves nothing.
        Err(StoredError::Unreadable { .. }) => Ok(None),
    }
}

fn make(path: &Path) -> io::Result<String> {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let hidden = path.with_extension("new");
    match fs::remove_file(&hidden) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(&hidden)?;
    let metadata = file.metadata()?;
    let identity = Identity {
        id: id.clone(),
        born: born(&metadata),
        inode: metadata.ino(),
    };
    file.write_all(stored::write(&identity).as_bytes())?;
    file.sync_all()?;
    fs::rename(&hidden, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(id)
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
        // Put back where the original was.
        fs::copy(at("copy"), at("moved")).unwrap();
        fs::remove_file(at("copy")).unwrap();
        fs::write(at("copy"), "").unwrap();
        assert_ne!(identity(&at("copy")).unwrap(), other, "what is cut off proves nothing");
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
