//! What the outside must hear: stored with what it tells of, told until heard.

pub(crate) mod outbox;
pub(crate) mod report;
