//! What every room stands on: settings, folders, locks, programs, the clock, signals.

pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod crash;
pub(crate) mod error;
pub(crate) mod exclusive;
pub(crate) mod folders;
pub(crate) mod identity;
pub(crate) mod leases;
pub(crate) mod locks;
pub(crate) mod log_end;
pub(crate) mod pace;
pub(crate) mod programs;
pub(crate) mod secrets;
pub(crate) mod service;
pub(crate) mod signals;
pub(crate) mod step_secrets;
pub(crate) mod targets;
pub(crate) mod traces;
pub(crate) mod trouble;
