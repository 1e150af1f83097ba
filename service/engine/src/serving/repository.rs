//! The folder a model server loads from: `<repository>/<model>/<version>`.

use super::protocol::ServingError;
use crate::artifacts::remove_tree;
use serde_json::{Value, json};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// MLServer's settings file, which every version has.
const SETTINGS: &str = "model-settings.json";

/// One model's folder.
#[derive(Clone, Debug)]
pub(super) struct ModelFolder {
    folder: PathBuf,
    model: String,
}

/// A version to write.
pub(super) struct VersionFolder {
    /// The Model artifact.
    pub(super) source: PathBuf,
    /// Its name on the server.
    pub(super) version: String,
}

/// A version that was moved out of the server's sight.
pub(super) struct Aside {
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
    pub(super) fn new(repository: &Path, model: &str) -> Self {
        Self {
            folder: repository.join(model),
            model: model.to_owned(),
        }
    }

    pub(super) fn version(&self, version: &str) -> PathBuf {
        self.folder.join(version)
    }

    /// Every version there is, ascending; what is being written does not count.
    pub(super) fn versions(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut versions: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        versions.sort();
        versions
    }

    /// Writes a version under a hidden name, makes it durable, then gives it its name. Blocks.
    pub(super) fn write(&self, new: &VersionFolder) -> Result<(), ServingError> {
        let place = self.version(&new.version);
        let hidden = self.folder.join(format!(".{}", new.version));
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        for leftover in [&hidden, &place] {
            remove_tree(leftover).map_err(at(leftover))?;
        }
        let written = copy(&new.source, &hidden).and_then(|()| self.settings(&hidden, &new.version));
        if let Err(error) = written.and_then(|()| fs::rename(&hidden, &place)) {
            let _ = remove_tree(&hidden);
            return Err(at(&place)(error));
        }
        sync(&self.folder).map_err(at(&self.folder))
    }

    /// Fills in what the model does not know about itself: its name and version.
    fn settings(&self, folder: &Path, version: &str) -> io::Result<()> {
        let path = folder.join(SETTINGS);
        let mut settings: Value = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => json!({}),
            Err(error) => return Err(error),
        };
        settings["name"] = json!(self.model);
        settings["parameters"]["version"] = json!(version);
        fs::write(&path, serde_json::to_vec_pretty(&settings)?)?;
        sync(&path)?;
        sync(folder)
    }

    pub(super) async fn remove(&self, version: &str) -> Result<(), ServingError> {
        self.take_aside(version).await?.forget().await;
        Ok(())
    }

    /// Moves a version out of the server's sight, in one step.
    pub(super) async fn take_aside(&self, version: &str) -> Result<Aside, ServingError> {
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
    pub(super) async fn put_back(self) -> Result<(), ServingError> {
        fs::rename(&self.to, &self.from).map_err(at(&self.from))
    }

    pub(super) async fn forget(self) {
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
        for entry in fs::read_dir(source)? {
            let entry = entry?;
            copy(&entry.path(), &target.join(entry.file_name()))?;
        }
    } else {
        fs::copy(source, target)?;
        fs::set_permissions(target, Permissions::from_mode(0o644))?;
    }
    sync(target)
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
        let folder = ModelFolder::new(&dir.path().join("models"), "flights");
        folder
            .write(&VersionFolder {
                source: source.clone(),
                version: "000001".into(),
            })
            .unwrap();
        let settings: Value =
            serde_json::from_slice(&fs::read(folder.version("000001").join(SETTINGS)).unwrap()).unwrap();
        assert_eq!(
            settings,
            json!({"implementation": "x.Y", "parameters": {"uri": "./model.onnx", "version": "000001"}, "name": "flights"})
        );
        fs::write(source.join(SETTINGS), b"{ not json").unwrap();
        let failed = folder.write(&VersionFolder {
            source,
            version: "000002".into(),
        });
        assert!(failed.unwrap_err().to_string().contains("000002 cannot be written"));
        assert_eq!(folder.versions(), ["000001"], "nothing half-written is left");
    }
}
