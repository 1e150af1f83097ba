//! The folder a model server loads from: `<repository>/<model>/<version>`.

use super::protocol::ServingError;
use super::servable::Servable;
use crate::content::artifacts::{file_digest, remove_tree};
use crate::house::config::Layout;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// MLServer's settings file, which every version has.
const SETTINGS: &str = "model-settings.json";
/// Triton's settings file, one for all versions.
const CONFIG: &str = "config.pbtxt";
/// TensorFlow Serving's sign that a version is whole: written last.
const MARKER: &str = "saved_model.pb";

/// How versions are called on the disk and by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// As in the ledger, with zeros in front.
    Padded,
    /// Integers: Triton ignores folders that begin with a zero.
    Integer,
}

/// Whether a folder's name can be a version that the ledger counts.
fn is_ours(version: &str) -> bool {
    version.len() >= 6 && version.bytes().all(|digit| digit.is_ascii_digit())
}

/// One model's folder.
#[derive(Clone, Debug)]
pub(super) struct ModelFolder {
    folder: PathBuf,
    model: String,
    naming: Naming,
    /// Whether each version says what it is, as MLServer wants it.
    settings: bool,
}

/// A version that was moved out of the server's sight.
struct Aside {
    from: PathBuf,
    to: PathBuf,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ServingError + '_ {
    move |error| {
        ServingError::Folder(format!(
            "{} cannot be written: {error}; check [targets] repository",
            path.display()
        ))
    }
}

impl ModelFolder {
    pub(super) fn new(repository: &Path, model: &str, naming: Naming, settings: bool) -> Self {
        Self {
            folder: repository.join(model),
            model: model.to_owned(),
            naming,
            settings,
        }
    }

    /// An Open Inference Protocol server's.
    pub(super) fn laid_out(repository: &Path, model: &str, layout: Layout) -> Self {
        match layout {
            Layout::MlServer => Self::new(repository, model, Naming::Padded, true),
            Layout::Triton => Self::new(repository, model, Naming::Integer, false),
        }
    }

    pub(super) fn naming(&self) -> Naming {
        self.naming
    }

    /// What the server calls a version of the ledger.
    pub(super) fn served(&self, version: &str) -> String {
        match (self.naming, version.parse::<u64>()) {
            (Naming::Integer, Ok(number)) => number.to_string(),
            _ => version.to_owned(),
        }
    }

    /// What the ledger calls a version on the disk.
    fn ledgers(&self, served: String) -> String {
        match (self.naming, served.parse::<u64>()) {
            (Naming::Integer, Ok(number)) if !served.starts_with('0') => format!("{number:06}"),
            _ => served,
        }
    }

    pub(super) fn version(&self, version: &str) -> PathBuf {
        self.folder.join(self.served(version))
    }

    /// Every version there is, under the ledger's names, ascending; what is being written does not count.
    pub(super) fn versions(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let shown = names.filter(|name| !name.starts_with('.') && name != CONFIG);
        let mut versions: Vec<_> = shown.map(|name| self.ledgers(name)).collect();
        versions.sort();
        versions
    }

    /// Removes versions of ours that are not in `keep`; says whether there were any. Versions that bear
    /// no number of ours are somebody else's.
    pub(super) async fn remove_others(&self, keep: &[String]) -> Result<bool, ServingError> {
        let mut removed = false;
        for version in self.versions() {
            if is_ours(&version) && !keep.contains(&version) {
                self.remove(&version).await?;
                removed = true;
            }
        }
        Ok(removed)
    }

    /// Removes what is neither the new version nor the one before it.
    pub(super) async fn retire(&self, keep: &[String], version: &str) {
        let newest: Vec<_> = keep.last().cloned().into_iter().chain([version.to_owned()]).collect();
        if let Err(error) = self.remove_others(&newest).await {
            tracing::warn!(model = self.model, %error, "old versions were not removed");
        }
    }

    /// Triton's settings are those of the newest version that has any.
    pub(super) fn align_config(&self) -> Result<(), ServingError> {
        if self.naming == Naming::Padded {
            return Ok(());
        }
        let configs = self
            .versions()
            .into_iter()
            .rev()
            .map(|version| self.version(&version).join(CONFIG));
        let Some(newest) = configs.into_iter().find(|config| config.exists()) else {
            return Ok(());
        };
        let (place, hidden) = (self.folder.join(CONFIG), self.folder.join(format!(".{CONFIG}")));
        copy(&newest, &hidden)
            .and_then(|()| fs::rename(&hidden, &place))
            .map_err(at(&place))
    }

    /// Writes a version, durable, and gives it its name last.
    pub(super) async fn write(&self, source: &Path, version: &str) -> Result<(), ServingError> {
        let (folder, source, version) = (self.clone(), source.to_owned(), version.to_owned());
        let written = tokio::task::spawn_blocking(move || folder.write_now(&source, &version)).await;
        written.map_err(|error| ServingError::Folder(error.to_string()))?
    }

    /// Writes a version under a hidden name, makes it durable, then gives it its name. Blocks.
    pub(super) fn write_now(&self, source: &Path, version: &str) -> Result<(), ServingError> {
        let place = self.version(version);
        let hidden = self.folder.join(format!(".{version}"));
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        for leftover in [&hidden, &place] {
            remove_tree(leftover).map_err(at(leftover))?;
        }
        let written = copy(source, &hidden).and_then(|()| self.write_settings(&hidden, version));
        if let Err(error) = written.and_then(|()| fs::rename(&hidden, &place)) {
            let _ = remove_tree(&hidden);
            return Err(at(&place)(error));
        }
        sync(&self.folder).map_err(at(&self.folder))
    }

    /// Fills in what the model does not know about itself: its name and version.
    fn write_settings(&self, folder: &Path, version: &str) -> io::Result<()> {
        if !self.settings {
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
        let compared = tokio::task::spawn_blocking(move || folder.holds_now(&source, &version)).await;
        compared
            .map_err(io::Error::other)
            .and_then(|compared| compared)
            .map_err(|error| ServingError::Folder(format!("{} cannot be read back: {error}", place.display())))
    }

    fn holds_now(&self, source: &Path, version: &str) -> io::Result<bool> {
        let place = self.version(version);
        if self.settings {
            let written = fs::read(place.join(SETTINGS)).unwrap_or_default();
            if written != self.settings(&source.join(SETTINGS), version)? {
                return Ok(false);
            }
        }
        let ours = |name: &OsString| !(self.settings && name == SETTINGS);
        all_same(source, &place, ours)
    }

    /// Makes sure that an earlier version is there. One that is damaged goes, and is refused: what came
    /// of it in the server nobody knows.
    pub(super) async fn restore(&self, source: &Path, version: &str) -> Result<(), ServingError> {
        let place = self.version(version);
        if !place.exists() {
            return self.write(source, version).await;
        }
        if self.holds(source, version).await? {
            return Ok(());
        }
        self.remove(version).await?;
        Err(ServingError::Folder(format!(
            "{} held other bytes than the model that was approved, and was removed: ask again to write it anew",
            place.display()
        )))
    }

    /// Makes the folder hold what the ledger says: versions that are not in `keep` go, the one that serves is
    /// written anew if it is not there as it was. Says whether anything was wrong.
    pub(super) async fn settle(&self, keep: &[String], current: Option<Servable<'_>>) -> Result<bool, ServingError> {
        let removed = self.remove_others(keep).await?;
        let Some(Servable {
            files: source, version, ..
        }) = current
        else {
            return Ok(removed);
        };
        if self.version(version).exists() && self.holds(source, version).await? {
            return Ok(removed);
        }
        self.write(source, version).await?;
        Ok(true)
    }

    /// Has a server switch to what is left without `current`, which comes back if that fails.
    pub(super) async fn without(
        &self,
        current: &str,
        switch: impl Future<Output = Result<(), ServingError>>,
    ) -> Result<(), ServingError> {
        let aside = self.take_aside(current).await?;
        let switched = switch.await;
        match &switched {
            Ok(()) => aside.forget().await,
            Err(_) => aside.put_back().await?,
        }
        switched
    }

    pub(super) async fn remove(&self, version: &str) -> Result<(), ServingError> {
        self.take_aside(version).await?.forget().await;
        Ok(())
    }

    /// Moves a version out of the server's sight, in one step.
    async fn take_aside(&self, version: &str) -> Result<Aside, ServingError> {
        let (from, to) = (self.version(version), self.folder.join(format!(".{version}.old")));
        remove_tree(&to).map_err(at(&to))?;
        match fs::rename(&from, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&from)(error)),
        }
        Ok(Aside { from, to })
    }
}

impl Aside {
    async fn put_back(self) -> Result<(), ServingError> {
        fs::rename(&self.to, &self.from).map_err(at(&self.from))
    }

    async fn forget(self) {
        if let Err(error) = remove_tree(&self.to) {
            tracing::warn!(folder = %self.to.display(), %error, "an old version was not removed");
        }
    }
}

/// Copies a tree; files readable by everybody, since the server is another user.
fn copy(source: &Path, target: &Path) -> io::Result<()> {
    if source.is_dir() {
        fs::create_dir_all(target)?;
        fs::set_permissions(target, Permissions::from_mode(0o755))?;
        let mut entries = fs::read_dir(source)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(|entry| entry.file_name() == MARKER);
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

/// Whether everything in a folder that `counts` is in the other one with the same bytes. More may be there: servers
/// put their caches beside what they load.
fn all_same(folder: &Path, other: &Path, counts: impl Fn(&OsString) -> bool) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if counts(&name) && !same(&folder.join(&name), &other.join(&name))? {
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
            let digest = |path| file_digest(path).map_err(io::Error::other);
            Ok(digest(one)? == digest(other)?)
        }
        _ => Ok(false),
    }
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("artifact");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("model.onnx"), b"graph").unwrap();
        fs::write(
            source.join(SETTINGS),
            br#"{"implementation":"x.Y","parameters":{"uri":"./model.onnx"}}"#,
        )
        .unwrap();
        let folder = ModelFolder::laid_out(&dir.path().join("models"), "flights", Layout::MlServer);
        folder.write_now(&source, "000001").unwrap();
        let settings: Value =
            serde_json::from_slice(&fs::read(folder.version("000001").join(SETTINGS)).unwrap()).unwrap();
        assert_eq!(
            settings,
            json!({"implementation": "x.Y", "parameters": {"uri": "./model.onnx", "version": "000001"}, "name": "flights"})
        );
        fs::write(source.join(SETTINGS), b"{ not json").unwrap();
        let failed = folder.write_now(&source, "000002");
        assert!(failed.unwrap_err().to_string().contains("000002 cannot be written"));
        assert_eq!(folder.versions(), ["000001"], "nothing half-written is left");
    }

    #[tokio::test]
    async fn triton_has_integers_and_one_config() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("artifact");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("model.onnx"), b"graph").unwrap();
        let folder = ModelFolder::laid_out(&dir.path().join("models"), "flights", Layout::Triton);
        for (version, config) in [("000009", "nine"), ("000010", "ten")] {
            fs::write(source.join(CONFIG), config).unwrap();
            folder.write(&source, version).await.unwrap();
            folder.align_config().unwrap();
        }
        let config = || fs::read_to_string(dir.path().join("models/flights/config.pbtxt")).unwrap();
        assert!(dir.path().join("models/flights/10/model.onnx").exists());
        assert_eq!(
            (folder.versions(), config()),
            (vec!["000009".into(), "000010".into()], "ten".into())
        );
        folder.remove_others(&["000009".into()]).await.unwrap();
        folder.align_config().unwrap();
        assert_eq!((folder.versions(), config()), (vec!["000009".into()], "nine".into()));
    }
}
