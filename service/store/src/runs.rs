//! Runs: the request, the events, and the version that keeps two writers apart.

use crate::error::Result;
use crate::listing::RunSummary;
use crate::metadata::MetadataWrite;
use crate::outbox::OutboxItem;
use crate::promotions::NewPromotion;
use crate::store::Store;
use serde::Serialize;
use trainyard_core::ids::{CommitSha, Micros, RepoName, RunId};
use trainyard_core::run::{Run, RunEvent, RunRequest, RunState};

/// A run that is not over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActiveRun {
    /// The run.
    pub id: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// Its repository.
    pub repo: Option<RepoName>,
    /// Its branch.
    pub branch: Option<String>,
    /// Its commit.
    pub commit: Option<CommitSha>,
    /// Its pull request.
    pub pull_request: Option<u64>,
    /// `Queued` or `Running`.
    pub state: RunState,
    /// When it was asked for.
    pub created_at: Micros,
    /// Whether its end was asked for.
    pub cancel_requested: bool,
}

/// One step forward of a run; stored in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Append {
    /// The run.
    pub run: RunId,
    /// [`Run::version`] before the events.
    pub expected_version: u64,
    /// The epoch of our lease; `None` writes without one.
    pub lease: Option<u64>,
    /// When.
    pub at: Micros,
    /// What happened, in order.
    pub events: Vec<RunEvent>,
    /// What listings show afterwards: [`RunSummary::of`] the run after the events.
    pub summary: RunSummary,
    /// What ML Metadata learns.
    pub metadata: Vec<MetadataWrite>,
    /// What GitHub is told.
    pub outbox: Vec<OutboxItem>,
    /// What is served from now on.
    pub promotion: Option<NewPromotion>,
}

impl Store {
    /// What was asked for; `NotFound` for an unknown id.
    pub async fn run_request(&self, id: &RunId) -> Result<RunRequest> {
        let _ = id;
        self.unwritten()
    }

    /// The run after all its events; `NotFound` for an unknown id.
    pub async fn load_run(&self, id: &RunId) -> Result<Run> {
        let _ = id;
        self.unwritten()
    }

    /// The events after number `after_seq` (0 for all), each with its number from 1 and its time.
    pub async fn run_events(&self, id: &RunId, after_seq: u64) -> Result<Vec<(u64, Micros, RunEvent)>> {
        let _ = (id, after_seq);
        self.unwritten()
    }

    /// Runs that are queued or running, oldest first.
    pub async fn active_runs(&self) -> Result<Vec<ActiveRun>> {
        self.unwritten()
    }

    /// Stores one step forward and returns the new version. `Conflict` when the version moved or the
    /// lease is not ours; then nothing was stored.
    pub async fn append(&self, append: Append) -> Result<u64> {
        let _ = append;
        self.unwritten()
    }

    /// Asks for the end of a run, whatever its version is; false when it is over already.
    pub async fn request_cancel(&self, id: &RunId, by: &str, at: Micros) -> Result<bool> {
        let _ = (id, by, at);
        self.unwritten()
    }
}
