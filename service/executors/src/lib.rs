//! Executors run a step's program; image builders make the image it runs in.
//!
//! [`Executor`] is the contract every executor keeps; `tests/it/conformance.rs` is that contract
//! as a test suite, run against each of them.

mod any;
mod context;
mod contract;
mod docker;
pub mod fake;
pub mod image_key;
mod log_file;
mod process;
mod source;

pub use any::{AnyExecutor, AnyImageBuilder};
pub use contract::*;
pub use docker::{DockerExecutor, DockerImageBuilder};
pub use process::{ProcessExecutor, ProcessImages};
