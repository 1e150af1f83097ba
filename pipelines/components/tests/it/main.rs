//! The built binary, run as the service runs it: one task file per step.

#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod chain;
mod compare;
mod contract;
mod data;
mod evaluate;
mod failures;
mod scale;
mod yard;
