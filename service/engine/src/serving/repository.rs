//! The folder a model server loads from: `<repository>/<model>/<version>`. Others may write there, too.

use super::claims::{Claims, MARKER, mark, write_whole};
use super::protocol::ServingError;
use super::space;
use super::version_folder::{all_same, copy, rename_to_free, sync};
use crate::content::artifacts::remove_tree;
use crate::house::config::Layout;
use crate::house::crash::{Effect, passing};
use serde_json::{Value, json};
use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;
use trainyard_core::machine;
use trainyard_core::registry::{Mark, Marker, NotOurs, Present, Rank, Standing};

/// MLServer's settings file, which every version has.
pub(super) const SETTINGS: &str = "model-settings.json";
/// Triton's settings file, one for all versions.
pub(super) const CONFIG: &str = "config.pbtxt";
/// Held by the instance that changes the folder.
const LOCK: &str = ".trainyard.lock";
/// How often a lock that another instance holds is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// How versions are called on the disk and by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// As in the ledger, with zeros in front.
    Padded,
    /// Integers: Triton ignores folders that begin with a zero.
    Integer,
}

/// One model's folder.
#[derive(Clone, Debug)]
pub(super) struct ModelFolder {
    repository: PathBuf,
    folder: PathBuf,
    model: String,
    /// Of an Open Inference Protocol server; `None` is TensorFlow Serving's.
    layout: Option<Layout>,
}

/// The right to change a folder that other instances change, too; gone when dropped.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: Option<File>,
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> ServingError + '_ {
    move |error| {
        let problem = format!("{} cannot be written: {error}", path.display());
        match () {
            () if machine::is_full(&error) => ServingError::Trouble(format!("{problem}; make room there")),
            () if machine::is_trouble(&error) => ServingError::Trouble(problem),
            () => ServingError::Folder(format!("{problem}; check [targets] repository")),
        }
    }
}

impl ModelFolder {
    fn new(repository: &Path, model: &str, layout: Option<Layout>) -> Self {
        Self {
            repository: repository.to_owned(),
            folder: repository.join(model),
            model: model.to_owned(),
            layout,
        }
    }

    /// An Open Inference Protocol server's.
    pub(super) fn laid_out(repository: &Path, model: &str, layout: Layout) -> Self {
        Self::new(repository, model, Some(layout))
    }

    /// TensorFlow Serving's.
    pub(super) fn watched(repository: &Path, model: &str) -> Self {
        Self::new(repository, model, None)
    }

    pub(super) fn naming(&self) -> Naming {
        match self.layout {
            Some(Layout::MlServer) => Naming::Padded,
            Some(Layout::Triton) | None => Naming::Integer,
        }
    }

    /// Whether each version says what it is, as MLServer wants it.
    fn has_settings(&self) -> bool {
        self.layout == Some(Layout::MlServer)
    }

    /// Whether there is one configuration for all versions, as Triton wants it.
    pub(super) fn has_config(&self) -> bool {
        self.layout == Some(Layout::Triton)
    }

    pub(super) fn repository(&self) -> &Path {
        &self.repository
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// What the server calls a version of the ledger.
    pub(super) fn served(&self, version: &str) -> String {
        match (self.naming(), version.parse::<u64>()) {
            (Naming::Integer, Ok(number)) => number.to_string(),
            _ => version.to_owned(),
        }
    }

    /// What the ledger would call a folder of this name, if it could be one of ours.
    pub(super) fn ledgers(&self, name: &str) -> Option<String> {
        if name.is_empty() || !name.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let version = format!("{:06}", name.parse::<u64>().ok()?);
        (self.served(&version) == name).then_some(version)
    }

    pub(super) fn version(&self, version: &str) -> PathBuf {
        self.folder.join(self.served(version))
    }

    /// A name that servers do not see, and that no other instance uses.
    pub(super) fn hidden(&self, name: &str, claims: &Claims) -> PathBuf {
        self.folder.join(format!("{}{name}", hidden_prefix(claims)))
    }

    /// Waits until no other instance changes the folder, which is made if it is not there.
    pub(super) async fn lock(&self) -> Result<FolderLock, ServingError> {
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        let path = self.folder.join(LOCK);
        let file = open_lock(&path).map_err(at(&path))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(FolderLock { _file: Some(file) }),
                Err(TryLockError::WouldBlock) => sleep(TRY_AGAIN).await,
                // Names are still given to one only.
                Err(TryLockError::Error(error)) => {
                    tracing::warn!(file = %path.display(), %error, "the model repository knows no locks: let one instance write to it");
                    return Ok(FolderLock { _file: None });
                }
            }
        }
    }

    /// Whether there is room for a copy of a model; what else is wrong is told by who writes it.
    pub(super) async fn has_room(&self, source: &Path, claims: &Claims) -> Result<(), ServingError> {
        let (source, folder, probe) = (source.to_owned(), self.folder.clone(), self.hidden("room", claims));
        let found = trainyard_executors::apart(move || space::find(&source, &folder, &probe)).await;
        match found.map_err(io::Error::other).and_then(|found| found) {
            Err(error) if machine::is_trouble(&error) => Err(at(&self.folder)(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(super) async fn write(
        &self,
        source: &Path,
        version: &str,
        marker: &Marker,
        claims: &Claims,
    ) -> Result<(), ServingError> {
        let hidden = self.hidden(&self.served(version), claims);
        let (folder, source, version, marker) = (self.clone(), source.to_owned(), version.to_owned(), marker.clone());
        let written = trainyard_executors::apart(move || folder.write_now(&source, &version, &marker, &hidden));
        let written = async { written.await.map_err(|error| ServingError::Folder(error.to_string()))? };
        passing(Effect::WriteVersion, written).await
    }

    /// Writes a version under a hidden name, makes it durable, then gives it its name, which must be free. Blocks.
    pub(super) fn write_now(
        &self,
        source: &Path,
        version: &str,
        marker: &Marker,
        hidden: &Path,
    ) -> Result<(), ServingError> {
        let place = self.version(version);
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        if !source.is_dir() {
            return Err(ServingError::Folder(format!(
                "the model is a single file, and model servers take folders: let its step write {} into a folder",
                place.display()
            )));
        }
        remove_tree(hidden).map_err(at(hidden))?;
        let written = copy(source, hidden)
            .and_then(|()| self.write_settings(hidden, version))
            .and_then(|()| write_marker(hidden, marker));
        match written.and_then(|()| rename_to_free(hidden, &place)) {
            Ok(()) => sync(&self.folder).map_err(|error| match fs::rename(&place, hidden) {
                Ok(()) => {
                    let _ = remove_tree(hidden);
                    at(&self.folder)(error)
                }
                // A server may load it.
                Err(left) => ServingError::Unknown {
                    version: version.to_owned(),
                    problem: format!("{} is there, and may not last: {error}; {left}", place.display()),
                },
            }),
            Err(error) => {
                let _ = remove_tree(hidden);
                Err(match error.kind() {
                    io::ErrorKind::AlreadyExists => self.taken(version),
                    _ => at(&place)(error),
                })
            }
        }
    }

    pub(super) fn taken(&self, version: &str) -> ServingError {
        ServingError::NotOurs(NotOurs::Taken {
            place: self.version(version).display().to_string(),
            version: version.to_owned(),
        })
    }

    /// Fills in what the model does not know about itself: its name and version.
    fn write_settings(&self, folder: &Path, version: &str) -> io::Result<()> {
        if !self.has_settings() {
            return Ok(());
        }
        let path = folder.join(SETTINGS);
        fs::write(&path, self.settings(&path, version)?)?;
        sync(&path)?;
        sync(folder)
    }

    /// The model's own settings file with name and version in it.
    fn settings(&self, path: &Path, version: &str) -> io::Result<Vec<u8>> {
        let mut settings: Value = match fs::read(path) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => json!({}),
            Err(error) => return Err(error),
        };
        settings["name"] = json!(self.model);
        settings["parameters"]["version"] = json!(version);
        Ok(serde_json::to_vec_pretty(&settings)?)
    }

    /// Whether a version's folder, which is there, holds the model's bytes.
    pub(super) async fn holds(&self, source: &Path, version: &str) -> Result<bool, ServingError> {
        let (folder, source, version) = (self.clone(), source.to_owned(), version.to_owned());
        let place = self.version(&version);
        let compared = trainyard_executors::apart(move || folder.holds_now(&source, &version)).await;
        compared
            .map_err(io::Error::other)
            .and_then(|compared| compared)
            .map_err(|error| ServingError::Folder(format!("{} cannot be read back: {error}", place.display())))
    }

    pub(super) fn holds_now(&self, source: &Path, version: &str) -> io::Result<bool> {
        let place = self.version(version);
        if self.has_settings() {
            let written = fs::read(place.join(SETTINGS)).unwrap_or_default();
            if written != self.settings(&source.join(SETTINGS), version)? {
                return Ok(false);
            }
        }
        all_same(source, &place, |name| !(self.has_settings() && name == SETTINGS))
    }

    /// Whose a version's folder is, `None` if it is not there.
    pub(super) async fn standing(&self, version: &str, claims: &Claims) -> Result<Option<Standing>, ServingError> {
        let (folder, claims, owned) = (self.clone(), claims.clone(), version.to_owned());
        let place = self.version(version);
        let standing = trainyard_executors::apart(move || folder.standing_now(&owned, &claims)).await;
        standing
            .map_err(io::Error::other)
            .and_then(|standing| standing)
            .map_err(|error| ServingError::Folder(format!("{} cannot be read: {error}", place.display())))
    }

    /// Those that an older Trainyard wrote.
    pub(super) fn unmarked<'a>(&self, ours: &'a [String]) -> Vec<&'a String> {
        let unmarked = |version: &&String| mark(&self.version(version)) == Mark::None;
        ours.iter().filter(unmarked).collect()
    }

    /// Marks what an older Trainyard wrote, which is ours by the ledger's word and its bytes.
    pub(super) fn adopt(&self, ours: &[String], claims: &Claims) -> Result<(), ServingError> {
        let unmarked = self.unmarked(ours);
        self.adopt_config(&unmarked, claims)?;
        for version in unmarked {
            if let Some(entry) = claims.ledger().version(version) {
                let (place, marker) = (self.version(version), claims.marker(version, &entry.model.digest));
                write_marker(&place, &marker).map_err(at(&place))?;
            }
        }
        Ok(())
    }

    pub(super) fn present(&self, version: &str) -> Present {
        Present {
            place: self.version(version).display().to_string(),
            rank: Rank::Number(number(version)),
        }
    }
}

pub(super) fn number(version: &str) -> u64 {
    version.parse().unwrap_or(0)
}

pub(super) fn hidden_prefix(claims: &Claims) -> String {
    format!(".trainyard-{}-", claims.instance())
}

/// Servers run as other users, who may read it.
fn write_marker(folder: &Path, marker: &Marker) -> io::Result<()> {
    let path = folder.join(MARKER);
    // The model may have been made of a version that was served, marker and all.
    remove_tree(&path)?;
    write_whole(&path, marker)?;
    fs::set_permissions(&path, Permissions::from_mode(0o644))
}

/// Every instance may take it, whoever made it.
fn open_lock(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = File::create(path)?;
            fs::set_permissions(path, Permissions::from_mode(0o666))?;
            Ok(file)
        }
        opened => opened,
    }
}

#[cfg(test)]
mod tests;
