//! What happens outside, turned into runs or the reason for none.

pub(crate) mod cloud_event;
pub(crate) mod ingest;
pub(crate) mod intake;
pub(crate) mod interpret;
pub(crate) mod local;
pub(crate) mod manual;
pub(crate) mod request;
pub(crate) mod schedule;
