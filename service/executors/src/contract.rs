//! The contract between the engine and whatever runs programs.
//!
//! The engine never blocks on a program: it starts it by key, and asks what became of it. That is
//! what makes a restart of the service free: a program that still runs is found again by its key.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use trainyard_core::ids::{RunId, StepName};

/// One attempt of one step of one run. The same key always names the same program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptKey {
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepName,
    /// 1 for the first attempt.
    pub attempt: u32,
}

impl fmt::Display for AttemptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.run, self.step, self.attempt)
    }
}

/// A host path that the program sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// An existing file or folder on the host, absolute.
    pub source: PathBuf,
    /// Where the program sees it, absolute; executors without mounts (process, fake) ignore it.
    pub target: PathBuf,
    /// Whether the program may write there.
    pub writable: bool,
}

/// Whether the program can reach a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// None at all, not even to the host.
    #[default]
    None,
    /// The executor's ordinary outbound network.
    Bridge,
}

/// What to run. The struct is the allow-list: there is no field for privileges, host namespaces,
/// devices or sockets, so no pipeline file can ask for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// An image id (`sha256:…`) for container executors; ignored by `process`.
    pub image: Option<String>,
    /// The command line; empty is the image's own, which only a container has.
    pub command: Vec<String>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Host paths the program sees.
    pub mounts: Vec<Mount>,
    /// Where `process` starts the program; containers start in the image's own folder.
    pub working_directory: Option<PathBuf>,
    /// CPUs, for example 0.5.
    pub cpus: Option<f64>,
    /// Memory in bytes; a program over it is killed.
    pub memory_bytes: Option<u64>,
    /// Network reach.
    pub network: Network,
    /// Where the program's output goes: this file, created or appended, rotated to `<file>.1` when
    /// it reaches [`LOG_FILE_BYTES`].
    pub log_file: PathBuf,
}

/// A log file is rotated once at this size, so a step keeps at most twice as much.
pub const LOG_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Why a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// Killed for using more memory than allowed.
    OutOfMemory,
    /// Stopped by [`Executor::stop`] or by somebody else's signal.
    Signal(i32),
}

impl Exit {
    /// Reads a code as shells and container runtimes write it: 128 and a signal's number for a
    /// program that was ended by it.
    pub fn from_code(code: i32) -> Self {
        match code {
            129..=192 => Self::Signal(code - 128),
            code => Self::Code(code),
        }
    }
}

/// What became of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The executor knows nothing under this key: never started, or removed.
    Unknown,
    /// Created and perhaps running.
    Running,
    /// Ended; stays so until [`Executor::remove`].
    Ended(Exit),
}

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

/// Runs programs by key.
///
/// Every method may be called concurrently for different keys, and again after any crash.
pub trait Executor: Send + Sync {
    /// Whether programs can be started now; the error says what to do.
    fn probe(&self) -> impl Future<Output = Result<(), ExecutorError>> + Send;

    /// Starts the program unless one with this key exists already, in whatever state: then nothing
    /// happens. Safe to repeat after a crash between any two of its own steps (a container that was
    /// created but not started gets started). Streams its output to `program.log_file`.
    fn start(&self, key: &AttemptKey, program: &Program) -> impl Future<Output = Result<(), ExecutorError>> + Send;

    /// What became of the program; [`ExecutorError::Refused`] if it turned out that its command cannot
    /// be executed. Also resumes the log stream of a program that was started by an earlier process
    /// of this service, without a gap and without a repeated line.
    fn observe(&self, key: &AttemptKey) -> impl Future<Output = Result<Observation, ExecutorError>> + Send;

    /// Returns when [`Executor::observe`] may have something new to say, at the latest after
    /// `at_most`. A hint only: it may return early, and an error is treated as "look again".
    fn settled(&self, key: &AttemptKey, at_most: Duration) -> impl Future<Output = ()> + Send;

    /// Makes sure that the log file of an ended program is complete, waiting at most a minute.
    fn flush_logs(&self, key: &AttemptKey) -> impl Future<Output = Result<(), ExecutorError>> + Send;

    /// Asks the program to end (SIGTERM), and kills it after `grace`. Returns once it has ended.
    /// Stopping an ended or unknown program is not an error, and one that was made and never ran
    /// never will.
    fn stop(&self, key: &AttemptKey, grace: Duration) -> impl Future<Output = Result<(), ExecutorError>> + Send;

    /// Forgets a program and frees what it holds; one that still runs is killed. Unknown keys are not
    /// an error.
    fn remove(&self, key: &AttemptKey) -> impl Future<Output = Result<(), ExecutorError>> + Send;

    /// Where a running program is reached through [`Network::Bridge`], for example a model server;
    /// `None` if it has no address of its own: it has ended, has no network, or is not isolated.
    fn address(&self, key: &AttemptKey) -> impl Future<Output = Result<Option<IpAddr>, ExecutorError>> + Send;

    /// Every program of this owner (one Trainyard instance), in whatever state.
    fn list(&self) -> impl Future<Output = Result<Vec<AttemptKey>, ExecutorError>> + Send;
}

/// An image to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRequest {
    /// The source tree; neither context nor Dockerfile may lie outside, not even through a link.
    pub root: PathBuf,
    /// The folder sent to the builder, filtered by its `.dockerignore`.
    pub context: PathBuf,
    /// The Dockerfile.
    pub dockerfile: PathBuf,
    /// Build arguments.
    pub build_args: BTreeMap<String, String>,
    /// For people, for example `flights/train`; part of a label, not of the key.
    pub name: String,
    /// The build's output goes here, rotated like a program's.
    pub log_file: PathBuf,
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
    },
}

impl From<ExecutorError> for BuildError {
    fn from(error: ExecutorError) -> Self {
        match error {
            ExecutorError::Unreachable { what, hint, source } => Self::Unreachable { what, hint, source },
            ExecutorError::Refused { message } => Self::Refused { message },
            ExecutorError::Failed { message, .. } => Self::Failed {
                message,
                last_lines: Vec::new(),
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
}
