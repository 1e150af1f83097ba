//! Secrets of attempts in folders that are in memory: what is shown to a container is a mount of one, so that no value
//! is in what Docker tells of the container, and none on a disk.

use super::{User, give, remove_tree};
use crate::contract::{AttemptKey, ExecutorError, ProgramSecret};
use rustix::fs::statfs;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use trainyard_core::secret::SecretValue;

/// What the kernel calls its file systems in memory: tmpfs and ramfs.
const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];
/// What the program sees of its attempt's folder.
const GIVEN: &str = "given";

/// A folder with one for each attempt that has secrets.
#[derive(Clone, Debug)]
pub(super) struct SecretFolders {
    root: PathBuf,
}

/// Nobody said where secrets can be.
pub(super) fn no_folder() -> ExecutorError {
    ExecutorError::Refused {
        message: "steps cannot be given secrets: there is no folder in memory for them".to_owned(),
    }
}

impl SecretFolders {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn attempt(&self, key: &AttemptKey) -> PathBuf {
        self.root.join(key.folder())
    }

    /// What the program sees.
    pub(super) fn given(&self, key: &AttemptKey) -> PathBuf {
        self.attempt(key).join(GIVEN)
    }

    /// Lays out the secrets of an attempt anew, readable for the user alone, and says where.
    pub(super) fn write(
        &self,
        key: &AttemptKey,
        secrets: &[ProgramSecret],
        user: Option<User>,
    ) -> Result<PathBuf, ExecutorError> {
        self.make_root()?;
        let given = self.given(key);
        self.write_files(key, secrets, user)
            .map_err(|error| ExecutorError::unwritten(&given, error))?;
        Ok(given)
    }

    fn write_files(&self, key: &AttemptKey, secrets: &[ProgramSecret], user: Option<User>) -> io::Result<()> {
        remove_tree(&self.attempt(key))?;
        let given = self.given(key);
        DirBuilder::new().recursive(true).mode(0o700).create(&given)?;
        for secret in secrets {
            let path = given.join(&secret.place);
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o400)
                .open(&path)?;
            file.write_all(secret.value.bytes())?;
            user.map_or(Ok(()), |user| show(&path, user, 0o444))?;
        }
        fs::set_permissions(&given, Permissions::from_mode(0o500))?;
        user.map_or(Ok(()), |user| show(&given, user, 0o555))
    }

    /// The folder of all: ours, closed to others, and in memory.
    fn make_root(&self) -> Result<(), ExecutorError> {
        let root = &self.root;
        match DirBuilder::new().mode(0o700).create(root) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(ExecutorError::unwritten(root, error));
            }
            _ => {}
        }
        let refused = |why: &str| ExecutorError::Refused {
            message: format!(
                "steps cannot be given secrets: {} {why}; set executor.secrets_dir to a folder of the service's own in memory, such as one in /dev/shm",
                root.display()
            ),
        };
        let found = root
            .symlink_metadata()
            .map_err(|error| ExecutorError::unwritten(root, error))?;
        if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o077 != 0 {
            return Err(refused("is no folder that only the service can read"));
        }
        match is_in_memory(root) {
            true => Ok(()),
            false => Err(refused("is on a disk")),
        }
    }

    /// The values as the attempt was given them; `None` if they are not here any more.
    pub(super) fn read(&self, key: &AttemptKey) -> Option<Vec<SecretValue>> {
        let mut values = Vec::new();
        for entry in fs::read_dir(self.given(key)).ok()? {
            values.push(SecretValue::new(fs::read(entry.ok()?.path()).ok()?).ok()?);
        }
        Some(values)
    }

    pub(super) fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        let folder = self.attempt(key);
        remove_tree(&folder).map_err(|error| ExecutorError::unwritten(&folder, error))
    }

    /// The attempts that have secrets here.
    pub(super) fn keys(&self) -> Vec<AttemptKey> {
        let entries = fs::read_dir(&self.root).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|name| AttemptKey::of_folder(&name)).collect()
    }
}

fn is_in_memory(folder: &Path) -> bool {
    statfs(folder).is_ok_and(|found| IN_MEMORY.contains(&found.f_type))
}

/// Gives the user a file or folder; where only root could do that, everybody who gets as far as it may read it.
fn show(path: &Path, user: User, for_all: u32) -> io::Result<()> {
    let mode = path.metadata()?.mode();
    give(path, user)?;
    let is_open = path.metadata()?.mode() != mode;
    match is_open {
        true => fs::set_permissions(path, Permissions::from_mode(for_all)),
        false => Ok(()),
    }
}
