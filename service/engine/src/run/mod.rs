//! A run from its admission to its end.

pub(crate) mod admission;
pub(crate) mod effects;
pub(crate) mod leftovers;
pub(crate) mod outcome;
pub(crate) mod reconcile;
pub(crate) mod task;
