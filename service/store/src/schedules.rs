//! Schedules and the slots that were taken.

use crate::connection::{Row, args};
use crate::error::{Result, StoreError};
use crate::events::{NewEvent, Settled, store_event};
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use serde::Serialize;
use trainyard_core::ids::{CommitSha, Micros, RepoName};
use trainyard_core::plan::{Catchup, Schedule};

statements! {
    LIST = "SELECT repo, pipeline, folder, commit_sha, branch, cron, timezone, catchup, since, last_slot
        FROM schedules ORDER BY repo, pipeline";
    MARK_ABSENT = "UPDATE schedules SET present = FALSE WHERE repo = $1";
    PUT = "INSERT INTO schedules (repo, pipeline, folder, commit_sha, branch, cron, timezone, catchup, since, present)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, TRUE)
        ON CONFLICT (repo, pipeline) DO UPDATE SET folder = excluded.folder, commit_sha = excluded.commit_sha,
            branch = excluded.branch, catchup = excluded.catchup, present = TRUE,
            since = CASE WHEN schedules.cron = excluded.cron AND schedules.timezone = excluded.timezone
                THEN schedules.since ELSE excluded.since END,
            last_slot = CASE WHEN schedules.cron = excluded.cron AND schedules.timezone = excluded.timezone
                THEN schedules.last_slot ELSE NULL END,
            cron = excluded.cron, timezone = excluded.timezone";
    DELETE_ABSENT = "DELETE FROM schedules WHERE repo = $1 AND present = FALSE";
    TAKE_SLOT = "INSERT INTO schedule_slots (repo, pipeline, slot, event) VALUES ($1, $2, $3, $4)
        ON CONFLICT (repo, pipeline, slot) DO NOTHING";
    ADVANCE = "UPDATE schedules SET last_slot = $3
        WHERE repo = $1 AND pipeline = $2 AND (last_slot IS NULL OR last_slot < $3)";
}

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

const SCHEDULE: Kind = Kind {
    what: "schedule",
    key: |row| Ok(format!("{} {}", row.get::<String>(0)?, row.get::<String>(1)?)),
};

impl Reads {
    /// All schedules.
    pub async fn schedules(&self) -> Result<Vec<ScheduleRow>> {
        let rows = self.reader().await?.rows(LIST, args![]).await?;
        Ok(self.readable(SCHEDULE, Extent::Whole, &rows, schedule))
    }
}

fn schedule(row: &Row) -> Result<ScheduleRow> {
    let local = row.get::<String>(0)?.is_empty();
    Ok(ScheduleRow {
        repo: if local { None } else { Some(row.word(0, "repository")?) },
        pipeline: row.get(1)?,
        folder: row.get(2)?,
        commit: row.optional::<String>(3)?.map(CommitSha::new),
        branch: row.optional(4)?,
        cron: row.get(5)?,
        timezone: row.get(6)?,
        catchup: row.word(7, "catchup")?,
        since: row.micros(8)?,
        last_slot: row.optional(9)?.map(Micros),
    })
}

impl Store {
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
        let (repo, schedules) = (column(repo), schedules.to_vec());
        let (branch, commit) = (branch.map(str::to_owned), commit.cloned());
        self.write(move |db| {
            Box::pin(async move {
                db.execute(MARK_ABSENT, args![&repo]).await?;
                for new in &schedules {
                    let arguments = args![
                        &repo,
                        &new.pipeline,
                        &new.folder,
                        commit.as_ref().map(CommitSha::as_str),
                        branch.as_deref(),
                        &new.schedule.cron,
                        &new.schedule.timezone,
                        word(new.schedule.catchup),
                        at,
                    ];
                    db.execute(PUT, arguments).await?;
                }
                db.execute(DELETE_ABSENT, args![&repo]).await?;
                Ok(())
            })
        })
        .await
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
        let (repo, pipeline, event) = (column(repo), pipeline.to_owned(), event.clone());
        self.write(move |db| {
            Box::pin(async move {
                if db
                    .execute(TAKE_SLOT, args![&repo, &pipeline, slot, event.id.as_str()])
                    .await?
                    == 0
                {
                    return Err(StoreError::Conflict(format!(
                        "this slot of the schedule of '{pipeline}' was taken before"
                    )));
                }
                db.execute(ADVANCE, args![&repo, &pipeline, slot]).await?;
                let mut settled = Settled::default();
                store_event(db, &event, (None, false), at, &mut settled).await?;
                Ok(settled)
            })
        })
        .await
    }
}

/// A primary key cannot hold NULL: the empty text stands for a folder on this machine.
fn column(repo: Option<&RepoName>) -> String {
    repo.map(RepoName::to_string).unwrap_or_default()
}

fn word(catchup: Catchup) -> &'static str {
    match catchup {
        Catchup::None => "none",
        Catchup::Latest => "latest",
        Catchup::All => "all",
    }
}
