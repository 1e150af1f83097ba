//! The contract of whatever makes images.

use super::error::ExecutorError;
use super::program::Network;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use trainyard_core::machine::is_trouble;

/// An image to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRequest {
    /// The source tree; neither context nor Dockerfile may lie outside, not even through a link.
    pub root: PathBuf,
    /// The folder sent to the builder, filtered by its `.dockerignore`.
    pub context: PathBuf,
    /// Folders of the tree that are submodules, whose files are not there.
    pub submodules: Vec<PathBuf>,
    /// The Dockerfile.
    pub dockerfile: PathBuf,
    /// Build arguments.
    pub build_args: BTreeMap<String, String>,
    /// What its `RUN` lines reach.
    pub network: Network,
    /// For people, for example `flights/train`; part of a label, not of the key.
    pub name: String,
    /// The build's output goes here, rotated like a program's.
    pub log_file: PathBuf,
    /// Of a fork, what its Dockerfile may do.
    pub stranger: Option<Stranger>,
}

/// What binds the Dockerfile of a stranger. What is built of it has a key, a tag and layers of its own: nobody else's build
/// finds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// The reviewed Dockerfile of the same path, if there is one.
    pub reviewed: Option<String>,
    /// Whose it is: letters, digits and `-`.
    pub mark: String,
}

/// What a build may use.
#[derive(Clone, Debug, PartialEq)]
pub struct BuildLimits {
    /// Bytes of memory of each program; a program over it is killed. BuildKit has no such limit.
    pub memory_bytes: Option<u64>,
    /// CPUs of each program, for example 0.5. BuildKit has no such limit.
    pub cpus: Option<f64>,
    /// Bytes of the largest file that a program may write. BuildKit has no such limit before version 23 of Docker.
    pub largest_file: Option<u64>,
    /// A build that goes on for longer is ended.
    pub timeout: Duration,
}

impl Default for BuildLimits {
    fn default() -> Self {
        Self {
            memory_bytes: None,
            cpus: None,
            largest_file: None,
            timeout: Duration::from_secs(2 * 60 * 60),
        }
    }
}

/// A built image, ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltImage {
    /// Hash of everything that went into it; see `image_key`.
    pub key: String,
    /// The image id `sha256:…`: steps run by it, never by a tag.
    pub image_id: String,
    /// Whether an earlier build with the same key was found and nothing was built.
    pub reused: bool,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The builder does not answer; ask again later.
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
    /// Nothing is wrong with it: the disk is full, the engine went down, somebody ended it. Try again later.
    #[error("{message}")]
    Interrupted {
        /// One sentence for the user.
        message: String,
    },
    /// The request cannot be built as it is: Dockerfile missing, context outside, bad syntax.
    #[error("{message}")]
    Refused {
        /// One sentence for the user.
        message: String,
    },
    /// An instruction of the Dockerfile failed.
    #[error("{message}")]
    Failed {
        /// One sentence for the user.
        message: String,
        /// The end of the build's output, oldest first, at most 20 lines.
        last_lines: Vec<String>,
        /// The instruction's line in the Dockerfile, from 1, where it is known.
        line: Option<u32>,
    },
}

impl BuildError {
    /// A file or folder of this machine that cannot be had: its own trouble, or what was asked for.
    pub(crate) fn of_file(message: String, error: &io::Error) -> Self {
        match is_trouble(error) {
            true => Self::Interrupted { message },
            false => Self::Refused { message },
        }
    }
}

impl From<ExecutorError> for BuildError {
    fn from(error: ExecutorError) -> Self {
        match error {
            ExecutorError::Unreachable { what, hint, source } => Self::Unreachable { what, hint, source },
            ExecutorError::Refused { message } => Self::Refused { message },
            error @ (ExecutorError::NoImage { .. } | ExecutorError::NoGpu(_) | ExecutorError::NoRoomForLog { .. }) => {
                Self::Refused {
                    message: error.to_string(),
                }
            }
            error if error.is_full_disk() => Self::Interrupted {
                message: error.to_string(),
            },
            ExecutorError::Failed { message, .. } => Self::Failed {
                message,
                last_lines: Vec::new(),
                line: None,
            },
        }
    }
}

/// Makes images and finds them.
pub trait ImageBuilder: Send + Sync {
    /// Builds the image unless one with the same key exists. Safe to repeat and to race.
    fn build(&self, request: &BuildRequest) -> impl Future<Output = Result<BuiltImage, BuildError>> + Send;

    /// The image id of a reference such as `trainyard/components:latest`, pulling it if the engine
    /// has none of that name.
    fn resolve(&self, reference: &str) -> impl Future<Output = Result<String, BuildError>> + Send;

    /// The id of the image that [`ImageBuilder::build`] would make, if it is there already: nothing is built or pulled.
    fn find(&self, request: &BuildRequest) -> impl Future<Output = Result<Option<String>, BuildError>> + Send;

    /// The image id of a reference, if the engine has it: nothing is pulled.
    fn present(&self, reference: &str) -> impl Future<Output = Result<Option<String>, BuildError>> + Send;
}
