//! Executors run a step's program; image builders make the image it runs in.
//!
//! [`Executor`] is the contract every executor keeps; `tests/it/conformance.rs` is that contract
//! as a test suite, run against each of them.

pub mod contract;

pub use contract::*;
