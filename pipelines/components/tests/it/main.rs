//! The built binary, run as the service runs it: one task file per step.

mod chain;
mod contract;
mod failures;
mod yard;
