//! What the outside must hear, told until it is heard: GitHub, and who is told beside it.

pub(crate) mod channel;
pub(crate) mod channel_error;
mod check;
mod mail;
mod news;
pub(crate) mod outbox;

use self::channel::Channels;
use crate::house::signals::Signals;
use std::sync::Arc;
use trainyard_github::GitHub;
use trainyard_store::Store;

/// Who tells.
#[derive(Clone)]
pub(crate) struct Teller {
    pub(crate) store: Store,
    pub(crate) github: Option<Arc<GitHub>>,
    pub(crate) channels: Channels,
    pub(crate) signals: Arc<Signals>,
}
