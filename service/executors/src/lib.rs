//! Executors run a step's program; image builders make the image it runs in.
//!
//! [`Executor`] is the contract every executor keeps; `tests/it/conformance.rs` is that contract
//! as a test suite, run against each of them. A program's inputs are named by what they are;
//! [`Staging`] is how executors of this machine bring them to it, and [`LogSink`] keeps what it says.

mod abandoned;
mod any;
mod apart;
mod context;
mod contract;
mod docker;
mod dockerfile;
pub mod fake;
mod gpus;
pub mod image_key;
mod kubernetes;
mod logs;
mod process;
mod source;
mod staging;

pub use abandoned::Abandoned;
pub use any::{AnyExecutor, AnyImageBuilder};
pub use apart::apart;
#[cfg(debug_assertions)]
pub use apart::at_once;
pub use contract::*;
pub use docker::{DockerExecutor, DockerImageBuilder};
pub use kubernetes::{KubernetesExecutor, KubernetesSettings, Placement, Tolerated};
pub use logs::{LOG_FILE_BYTES, LogSink};
pub use process::{ProcessExecutor, ProcessImages};
pub use staging::{Staging, Trees, remove_tree};
