//! What happens outside, turned into runs or the reason for none.

pub(crate) mod cloud_event;
pub(crate) mod ingest;
pub(crate) mod intake;
pub(crate) mod interpret;
pub(crate) mod local;
pub(crate) mod manual;
pub(crate) mod request;
pub(crate) mod schedule;

use crate::house::signals::Signals;
use crate::source::Source;
use crate::tell::Audience;
use secrecy::SecretString;
use std::sync::Arc;
use trainyard_store::Store;

/// What it takes to turn what happens outside into runs.
pub(crate) struct Inbound {
    pub(crate) store: Store,
    pub(crate) source: Source,
    pub(crate) audience: Audience,
    pub(crate) signals: Arc<Signals>,
    /// Secrets that sign webhooks; none refuses every webhook.
    pub(crate) webhook_secrets: Vec<SecretString>,
}
