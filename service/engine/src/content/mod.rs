//! Content by digest: published once, opened by what it is, collected when nothing needs it.

pub mod artifacts;
pub(crate) mod backup;
pub(crate) mod external;
pub(crate) mod judged_data;
pub(crate) mod retention;
pub(crate) mod schema_diff;

use crate::house::crash::{Effect, passing};
use crate::house::folders::Folders;
use crate::house::locks::{Alone, ContentLock, InUse};
use artifacts::{ArtifactError, ArtifactFolder, digest, remove_tree};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trainyard_core::artifact::Digest;
use trainyard_executors::Abandoned;

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
    #[error("the model's files could not be read, because of a defect: see the service's log")]
    NotRead,
}

impl ContentError {
    /// Whether it is the machine's trouble, and the content may be whole.
    pub(crate) fn is_trouble(&self) -> bool {
        matches!(self, Self::Unreadable(error) if error.is_trouble())
    }
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
        let looked = move |abandoned: &Abandoned| {
            let place = content.open(&wanted)?;
            match digest(&place, abandoned) {
                Ok(found) if found == wanted => Ok(place),
                Ok(_) => Err(ContentError::Changed { place }),
                Err(error) => Err(ContentError::Unreadable(error)),
            }
        };
        Abandoned::run(looked).await.unwrap_or(Err(ContentError::NotRead))
    }

    /// Seals a file or folder and moves it in; the source is gone afterwards.
    pub(crate) async fn publish(&self, source: &Path) -> Result<(Digest, PathBuf), ArtifactError> {
        let (folder, from) = (self.folder.clone(), source.to_owned());
        passing(Effect::PublishContent, apart(source, move || folder.store(&from))).await
    }

    /// Moves sealed content to its place. Safe to repeat: content that is there is left alone.
    pub(crate) async fn adopt(&self, source: &Path, digest: &Digest) -> Result<PathBuf, ArtifactError> {
        let (folder, from, digest) = (self.folder.clone(), source.to_owned(), digest.clone());
        passing(
            Effect::PublishContent,
            apart(source, move || folder.adopt(&from, &digest)),
        )
        .await
    }

    /// Removes content; missing content is fine.
    pub(crate) async fn discard(&self, digest: &Digest) -> io::Result<()> {
        let (folder, gone) = (self.folder.clone(), digest.clone());
        let removed = trainyard_executors::apart(move || folder.discard(&gone));
        passing(Effect::DiscardContent, async {
            removed.await.map_err(io::Error::other)?
        })
        .await
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

/// What blocks, in a thread that may.
async fn apart<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    let done = trainyard_executors::apart(work).await;
    done.unwrap_or_else(|error| {
        Err(ArtifactError::Io {
            path: path.to_owned(),
            source: io::Error::other(error),
        })
    })
}

/// Removes folders of a run that is over.
pub(crate) async fn remove_folders(folders: Vec<PathBuf>) -> io::Result<()> {
    let removed = trainyard_executors::apart(move || folders.iter().try_for_each(|folder| remove_tree(folder)));
    passing(Effect::RemoveFolders, async {
        removed.await.map_err(io::Error::other)?
    })
    .await
}
