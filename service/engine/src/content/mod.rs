//! Content by digest: kept, opened, collected.

pub mod artifacts;
pub(crate) mod external;
pub(crate) mod retention;
