//! The contract between the engine and whatever runs programs.
//!
//! The engine never blocks on a program: it starts it by key, and asks what became of it. That is
//! what makes a restart of the service free: a program that still runs is found again by its key.

mod error;
mod executor;
mod hidden;
mod image;
mod log;
mod program;

pub use error::ExecutorError;
pub use executor::{Executor, Observation, ProgramExit};
pub use hidden::Hidden;
pub use image::{BuildError, BuildLimits, BuildRequest, BuiltImage, ImageBuilder, Stranger};
pub(crate) use log::{Listener, stream_of};
pub use log::{LogChunk, LogMark, LogStream};
pub use program::{AttemptKey, Input, InputContent, Network, Program, ProgramSecret, SECRETS, StagedFile};
