//! What went wrong.

use std::io;
use std::path::Path;
use trainyard_core::gpu::Shortage;
use trainyard_core::machine;

/// What went wrong, by what the engine does about it.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// The executor does not answer; the program may well be running. Ask again later.
    #[error("{what} does not answer: {hint}")]
    Unreachable {
        /// For example `Docker at unix:///var/run/docker.sock`.
        what: String,
        /// What a person can do.
        hint: String,
        /// The cause, for the log.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The program cannot be started as asked, and never will be: no such image, bad command.
    #[error("{message}")]
    Refused {
        /// One sentence for the user.
        message: String,
    },
    /// The program's image is not there any more.
    #[error("the Docker engine has no image {image}: build or pull it again")]
    NoImage {
        /// Its id.
        image: String,
    },
    /// The GPUs that it asks for are not there, or in use.
    #[error("{}", .0.sentence())]
    NoGpu(Shortage),
    /// What the program said cannot be kept for now; the program and its outputs are there.
    #[error(
        "the log {file} cannot be written ({source}): make room, or let the service write there; nothing is lost meanwhile"
    )]
    NoRoomForLog {
        /// The file.
        file: String,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// Anything else: worth another attempt.
    #[error("{message}")]
    Failed {
        /// One sentence for the user.
        message: String,
        /// The cause, for the log.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl ExecutorError {
    /// Whether a disk had no room for it: ours, as the system says, or the engine's, as it says itself.
    pub fn is_full_disk(&self) -> bool {
        let Self::Failed { message, source } = self else {
            return false;
        };
        let cause = source.as_ref().and_then(|source| source.downcast_ref::<io::Error>());
        cause.is_some_and(machine::is_full) || machine::says_full(message)
    }

    /// Whether this machine's own trouble kept a file or folder of ours from being made: nothing was started.
    pub fn is_machine(&self) -> bool {
        let Self::Failed {
            source: Some(source), ..
        } = self
        else {
            return false;
        };
        source.downcast_ref::<io::Error>().is_some_and(machine::is_trouble)
    }

    /// A file or folder of ours.
    pub(crate) fn unwritten(path: &Path, error: io::Error) -> Self {
        Self::Failed {
            message: format!("{} cannot be written: {error}", path.display()),
            source: Some(error.into()),
        }
    }
}
