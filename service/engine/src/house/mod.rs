//! What every room stands on: settings, folders, locks, the clock, signals.

pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod folders;
pub(crate) mod locks;
