//! What the outside must hear: stored with what it tells of, told until heard.

pub(crate) mod outbox;
pub(crate) mod report;

/// Who hears, and where people read on.
#[derive(Clone, Debug)]
pub(crate) struct Audience {
    /// Whether GitHub is in the settings at all.
    pub(crate) github: bool,
    /// Where people reach the service, for links in statuses.
    pub(crate) public_url: Option<String>,
}
