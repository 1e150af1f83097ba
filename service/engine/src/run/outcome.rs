//! What a command leads to.

use crate::house::locks::{Held, InUse};
use trainyard_core::run::RunEvent;
use trainyard_store::{MetadataWrite, NewPromotion};

/// What came of a command: events to append, with what must be stored in the same transaction.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<RunEvent>,
    pub(crate) metadata: Vec<MetadataWrite>,
    pub(crate) promotion: Option<NewPromotion>,
    /// The lock on push targets: held until the promotion is in the ledger, where the next one looks.
    pub(crate) lock: Option<Held>,
    /// Keeps what was found or published from being collected until the events say who uses it.
    pub(crate) in_use: Option<InUse>,
}

impl Outcome {
    pub(crate) fn event(event: RunEvent) -> Self {
        Self {
            events: vec![event],
            ..Self::default()
        }
    }
}
