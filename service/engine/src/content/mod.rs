//! Content by digest: published once, opened by what it is, collected when nothing needs it.

pub mod artifacts;
pub(crate) mod external;
pub(crate) mod retention;
pub(crate) mod schema_diff;

use crate::house::folders::Folders;
use crate::house::locks::{Alone, ContentLock, InUse};
use artifacts::{ArtifactError, ArtifactFolder, digest};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trainyard_core::artifact::Digest;

/// All content of one service. An artifact's `uri` is a label for ML Metadata: who wants bytes asks here, by
/// digest, wherever the data folder is today.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    folder: ArtifactFolder,
    lock: Arc<ContentLock>,
}

/// Why content cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// It is not here.
    #[error(
        "the model's files are not in the artifact folder any more, where [retention] keeps the newest versions only: restore {place} from a backup, or train again"
    )]
    Gone {
        /// Where it would be.
        place: PathBuf,
    },
    /// It is not what its digest says.
    #[error("the model's files changed since they were sealed: restore {place}, or train it again")]
    Changed {
        /// Where it is.
        place: PathBuf,
    },
    /// It cannot be read.
    #[error("the model's files cannot be read: {0}")]
    Unreadable(#[source] ArtifactError),
    /// Nobody came to read it.
    #[error("the model's files could not be read: {0}")]
    NotRead(#[source] tokio::task::JoinError),
}

impl Content {
    /// Opens, and makes, the folder of a service.
    pub(crate) fn open_folder(folders: &Folders) -> Result<Self, ArtifactError> {
        Ok(Self {
            folder: ArtifactFolder::open(folders.artifacts())?,
            lock: Arc::new(ContentLock::new(folders.collect_lock())),
        })
    }

    /// Where content with this digest is, or would be.
    pub(crate) fn place(&self, digest: &Digest) -> PathBuf {
        self.folder.path(digest)
    }

    /// Whether the bytes are there.
    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        self.folder.contains(digest)
    }

    /// The file or folder with this content; what is in it is believed.
    pub(crate) fn open(&self, digest: &Digest) -> Result<PathBuf, ContentError> {
        let place = self.place(digest);
        if self.contains(digest) {
            Ok(place)
        } else {
            Err(ContentError::Gone { place })
        }
    }

    /// The same, hashed again: what changed since it was sealed is refused.
    pub(crate) async fn open_proved(&self, wanted: &Digest) -> Result<PathBuf, ContentError> {
        let (content, wanted) = (self.clone(), wanted.clone());
        let looked = move || {
            let place = content.open(&wanted)?;
            match digest(&place) {
                Ok(found) if found == wanted => Ok(place),
                Ok(_) => Err(ContentError::Changed { place }),
                Err(error) => Err(ContentError::Unreadable(error)),
            }
        };
        trainyard_executors::apart(looked)
            .await
            .map_err(ContentError::NotRead)?
    }

    /// Seals a file or folder and moves it in. Blocks; the source is gone afterwards.
    pub(crate) fn publish(&self, source: &Path) -> Result<(Digest, PathBuf), ArtifactError> {
        self.folder.store(source)
    }

    /// Moves sealed content to its place. Safe to repeat: content that is there is left alone.
    pub(crate) fn adopt(&self, source: &Path, digest: &Digest) -> Result<PathBuf, ArtifactError> {
        self.folder.adopt(source, digest)
    }

    /// Removes content; missing content is fine. Blocks.
    pub(crate) fn discard(&self, digest: &Digest) -> io::Result<()> {
        self.folder.discard(digest)
    }

    /// Keeps everything from being collected while content is found, published or served.
    pub(crate) async fn hold_off(&self) -> io::Result<InUse> {
        self.lock.hold_off().await
    }

    /// Waits until nobody uses content.
    pub(crate) async fn alone(&self) -> io::Result<Alone> {
        self.lock.alone().await
    }
}
