//! Models that serve: promoted, tried, rolled back, named.

pub(crate) mod aliases;
pub(crate) mod infra_validation;
pub(crate) mod promote;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod rollback;
