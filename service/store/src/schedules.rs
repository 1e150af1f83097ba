//! Schedules and the slots that were taken.

use crate::error::Result;
use crate::events::{NewEvent, Settled};
use crate::store::Store;
use serde::Serialize;
use trainyard_core::ids::{CommitSha, Micros, RepoName};
use trainyard_core::spec::{Catchup, Schedule};

/// A pipeline's schedule to store.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSchedule {
    /// The pipeline.
    pub pipeline: String,
    /// The folder of its file.
    pub folder: String,
    /// When it runs.
    pub schedule: Schedule,
}

/// A stored schedule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScheduleRow {
    /// The repository; `None` for a folder on this machine.
    pub repo: Option<RepoName>,
    /// The pipeline.
    pub pipeline: String,
    /// The folder of its file.
    pub folder: String,
    /// The commit its file was read at.
    pub commit: Option<CommitSha>,
    /// The branch of that commit.
    pub branch: Option<String>,
    /// Five fields.
    pub cron: String,
    /// An IANA zone.
    pub timezone: String,
    /// What happens with missed slots.
    pub catchup: Catchup,
    /// When this cron text and zone were first seen: no slot before it is due.
    pub since: Micros,
    /// The newest slot taken.
    pub last_slot: Option<Micros>,
}

impl Store {
    /// All schedules.
    pub async fn schedules(&self) -> Result<Vec<ScheduleRow>> {
        self.unwritten()
    }

    /// Replaces the schedules of a repository; a schedule whose cron text and zone did not change
    /// keeps its last slot.
    pub async fn put_schedules(
        &self,
        repo: Option<&RepoName>,
        branch: Option<&str>,
        commit: Option<&CommitSha>,
        schedules: &[NewSchedule],
        at: Micros,
    ) -> Result<()> {
        let _ = (repo, branch, commit, schedules, at);
        self.unwritten()
    }

    /// Takes a slot with its event and runs, in one transaction. `Conflict` when it was taken before.
    pub async fn record_slot(
        &self,
        repo: Option<&RepoName>,
        pipeline: &str,
        slot: Micros,
        event: &NewEvent,
        at: Micros,
    ) -> Result<Settled> {
        let _ = (repo, pipeline, slot, event, at);
        self.unwritten()
    }
}
