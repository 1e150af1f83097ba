//! What happens outside, turned into runs or the reason for none.

pub(crate) mod awaited;
pub(crate) mod cloud_event;
pub(crate) mod gone;
pub(crate) mod identity;
pub(crate) mod ingest;
pub(crate) mod intake;
pub(crate) mod interpret;
pub(crate) mod local;
pub(crate) mod manual;
pub(crate) mod patience;
pub(crate) mod register;
pub(crate) mod replay;
pub(crate) mod rerun;
pub(crate) mod schedule;
pub(crate) mod settle;
pub(crate) mod sweep;

use crate::house::clock::{new_event_id, new_run_id, now};
use crate::house::secrets::WebhookSecrets;
use crate::house::signals::Signals;
use crate::inbound::sweep::Found;
use crate::source::Source;
use crate::source::checkout::SourceError;
use std::sync::Arc;
use trainyard_core::ids::RunId;
use trainyard_core::inbound::Given;
use trainyard_core::report::Audience;
use trainyard_store::{Store, StoreError};

/// What it takes to turn what happens outside into runs.
pub(crate) struct Inbound {
    pub(crate) store: Store,
    pub(crate) source: Source,
    pub(crate) audience: Audience,
    pub(crate) signals: Arc<Signals>,
    /// Secrets that sign webhooks; none refuses every webhook.
    pub(crate) webhook_secrets: WebhookSecrets,
    /// What sweeps for missed webhooks have found.
    pub(crate) found: Found,
    /// Held by who has the body of a delivery in memory to look at it: one may be 25 MiB.
    pub(crate) large_body: tokio::sync::Mutex<()>,
}

/// Why an event has no meaning yet: its delivery waits.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InterpretError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl Inbound {
    /// What core has none of, for one event.
    fn given(&self) -> Given<'_> {
        Given {
            event: new_event_id(),
            at: now(),
            run_ids: Box::new(new_run_id),
            audience: &self.audience,
        }
    }

    /// The same for an event of one run, whose id the asker is told.
    fn given_with(&self, run: &RunId) -> Given<'_> {
        let run = run.clone();
        Given {
            run_ids: Box::new(move || run.clone()),
            ..self.given()
        }
    }
}
