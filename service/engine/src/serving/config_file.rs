//! Triton's `config.pbtxt`, one for all versions of a model: replaced only if this instance wrote it.

use super::claims::{Claims, write_whole};
use super::protocol::ServingError;
use super::repository::{CONFIG, ModelFolder, at};
use super::version_folder::sync;
use sha2::{Digest as _, Sha256};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use trainyard_core::artifact::Digest;
use trainyard_core::registry::{ConfigMarker, NotOurs};
use trainyard_core::stored;

/// Says who wrote the configuration; servers do not look at it.
const MARKER: &str = ".trainyard-config.json";

/// What is at the place of the configuration.
enum There {
    Nothing,
    File(Vec<u8>),
    /// A link or a folder: somebody made it.
    Other,
}

fn digest(bytes: &[u8]) -> Digest {
    Digest::from_sha256(&Sha256::digest(bytes))
}

fn bytes_at(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl ModelFolder {
    fn config(&self) -> PathBuf {
        self.path().join(CONFIG)
    }

    fn config_there(&self) -> Result<There, ServingError> {
        let place = self.config();
        match place.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(There::Nothing),
            Err(error) => Err(at(&place)(error)),
            Ok(metadata) if !metadata.is_file() => Ok(There::Other),
            Ok(_) => fs::read(&place).map(There::File).map_err(at(&place)),
        }
    }

    /// By what we wrote down when we wrote it.
    fn is_our_config(&self, there: &[u8], claims: &Claims) -> bool {
        let marker = fs::read_to_string(self.path().join(MARKER));
        let marker = marker.ok().and_then(|text| stored::read::<ConfigMarker>(&text).ok());
        marker.is_some_and(|marker| {
            marker.instance == claims.instance()
                && marker.target == claims.target()
                && marker.digests.contains(&digest(there))
        })
    }

    fn mark_config(&self, digests: Vec<Digest>, claims: &Claims) -> Result<(), ServingError> {
        let place = self.path().join(MARKER);
        let marker = ConfigMarker {
            instance: claims.instance().to_owned(),
            target: claims.target().to_owned(),
            digests,
        };
        write_whole(&place, &marker).map_err(at(&place))
    }

    /// Takes over the configuration of an older Trainyard, which wrote nothing down: it is that of a version which is
    /// ours and has no marker yet.
    pub(super) fn adopt_config(&self, unmarked: &[&String], claims: &Claims) -> Result<(), ServingError> {
        match self.config_there()? {
            There::File(there) if self.is_older_config(&there, unmarked) => {
                self.mark_config(vec![digest(&there)], claims)
            }
            _ => Ok(()),
        }
    }

    fn is_older_config(&self, there: &[u8], unmarked: &[&String]) -> bool {
        let of = |version: &&String| bytes_at(&self.version(version).join(CONFIG)).ok().flatten();
        let unknown = self.has_config() && !self.path().join(MARKER).exists();
        unknown && unmarked.iter().filter_map(of).any(|config| config == there)
    }

    /// Whether a model's configuration could be written where it belongs; changes nothing.
    pub(super) fn check_config(&self, source: &Path, ours: &[String], claims: &Claims) -> Result<(), ServingError> {
        if !self.has_config() {
            return Ok(());
        }
        let wanted = bytes_at(&source.join(CONFIG)).map_err(at(source))?;
        let Some(wanted) = wanted else { return Ok(()) };
        match self.config_there()? {
            There::Nothing => Ok(()),
            There::File(there) if there == wanted || self.is_our_config(&there, claims) => Ok(()),
            There::File(there) if self.is_older_config(&there, &self.unmarked(ours)) => Ok(()),
            There::File(_) | There::Other => Err(self.other_config()),
        }
    }

    fn other_config(&self) -> ServingError {
        ServingError::NotOurs(NotOurs::Config {
            place: self.config().display().to_string(),
        })
    }

    /// The configuration is that of the newest version of ours that has one. What others wrote stays: where it matters,
    /// [`Self::check_config`] has refused.
    pub(super) fn align_config(&self, ours: &[String], claims: &Claims) -> Result<(), ServingError> {
        if !self.has_config() {
            return Ok(());
        }
        for version in ours.iter().rev() {
            let source = self.version(version).join(CONFIG);
            if let Some(wanted) = bytes_at(&source).map_err(at(&source))? {
                return self.set_config(Some(&wanted), claims).or_else(stays);
            }
        }
        // One of a version that is gone goes on with those that were proved with it.
        match ours {
            [] => self.set_config(None, claims).or_else(stays),
            _ => Ok(()),
        }
    }

    /// The configuration of a folder in which nobody else writes.
    pub(super) fn lay_out_config(&self, version: &str) -> Result<(), ServingError> {
        let source = self.version(version).join(CONFIG);
        match bytes_at(&source).map_err(at(&source))? {
            Some(wanted) if self.has_config() => write_readable(&self.config(), &wanted).map_err(at(&self.config())),
            _ => Ok(()),
        }
    }

    /// The bytes of the configuration, to undo a change.
    pub(super) fn config_now(&self) -> Result<Option<Vec<u8>>, ServingError> {
        if !self.has_config() {
            return Ok(None);
        }
        Ok(match self.config_there()? {
            There::File(there) => Some(there),
            There::Nothing | There::Other => None,
        })
    }

    /// Undoes a change of ours; what somebody else wrote meanwhile stays.
    pub(super) fn undo_config(&self, before: Option<&[u8]>, claims: &Claims) -> Result<(), ServingError> {
        if !self.has_config() {
            return Ok(());
        }
        self.set_config(before, claims).or_else(stays)
    }

    fn set_config(&self, wanted: Option<&[u8]>, claims: &Claims) -> Result<(), ServingError> {
        let there = match self.config_there()? {
            There::Nothing => None,
            There::File(there) => Some(there),
            There::Other => return wanted.map_or(Ok(()), |_| Err(self.other_config())),
        };
        if there.as_deref() == wanted {
            return Ok(());
        }
        if let Some(there) = &there
            && !self.is_our_config(there, claims)
        {
            return Err(self.other_config());
        }
        let place = self.config();
        let Some(wanted) = wanted else {
            return fs::remove_file(&place).map_err(at(&place));
        };
        // The marker comes first, and knows what is there until the file is replaced.
        let known = there.iter().map(|there| digest(there));
        self.mark_config(known.chain([digest(wanted)]).collect(), claims)?;
        let hidden = self.hidden(CONFIG, claims);
        write_readable(&hidden, wanted)
            .and_then(|()| fs::rename(&hidden, &place))
            .and_then(|()| sync(self.path()))
            .map_err(at(&place))?;
        self.mark_config(vec![digest(wanted)], claims)
    }
}

/// A configuration of somebody else is nothing to undo.
fn stays(error: ServingError) -> Result<(), ServingError> {
    match error {
        ServingError::NotOurs(_) => Ok(()),
        error => Err(error),
    }
}

/// Readable by everybody, since the server is another user.
fn write_readable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)?;
    fs::set_permissions(path, Permissions::from_mode(0o644))?;
    sync(path)
}
