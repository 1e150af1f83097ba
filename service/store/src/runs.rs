//! Runs: the request, the events, and the version that keeps two writers apart.

use crate::approvals::{put_fork, put_model};
use crate::checks::tell;
use crate::connection::{Connection, Row, args, json};
use crate::ends::ask_to_end;
use crate::error::{Result, StoreError};
use crate::listing::{RunSummary, StepRow};
use crate::metadata::{MetadataWrite, record};
use crate::news::put_news;
use crate::promotions::{insert_promotion, newest_of};
use crate::reads::Reads;
use crate::repositories::today;
use crate::requests::{REQUESTED, request, unknown};
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use std::collections::HashMap;
use trainyard_core::admission::ActiveRun;
use trainyard_core::ids::{CommitSha, EventId, Micros, RepoName, RunId};
use trainyard_core::notify::{self, News};
use trainyard_core::registry::NewPromotion;
use trainyard_core::report::Telling;
use trainyard_core::run::{Run, RunEvent, RunRequest, RunState, first_state};
use trainyard_core::stored;

statements! {
    INSERT = "INSERT INTO runs (id, pipeline, repo, branch, commit_sha, pull_request, trigger_kind, cause, event,
            created_at, steps, state)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    INSERT_REQUEST = "INSERT INTO run_requests (run, request) VALUES ($1, $2)";
    NEWEST = "SELECT MAX(created_at) FROM runs";
    EVENTS = "SELECT run, seq, at, event FROM run_events WHERE run = $1 AND seq > $2 ORDER BY seq";
    ACTIVE = "SELECT id, pipeline, repo, branch, commit_sha, pull_request, state, created_at, cancel_requested
        FROM runs WHERE state IN ('queued', 'running') ORDER BY created_at, id";
    ADVANCE = "UPDATE runs SET version = $4, state = $5, summary = $6, blessing = $7, blessed_model = $8,
            metrics = CASE WHEN $9 = '{}' THEN metrics ELSE $9 END, started_at = $10, ended_at = $11,
            cancel_requested = $12, steps = $13
        WHERE id = $1 AND version = $2 AND (CAST($3 AS BIGINT) IS NULL OR lease_epoch = CAST($3 AS BIGINT))";
    VERSIONS = "SELECT id, version FROM runs WHERE state IN ('queued', 'running')";
    VERSION = "SELECT version, lease_epoch FROM runs WHERE id = $1";
    INSERT_EVENT = "INSERT INTO run_events (run, seq, at, event) VALUES ($1, $2, $3, $4)";
    STATE = "SELECT state FROM runs WHERE id = $1";
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
    pub outbox: Vec<Telling>,
    /// What others are told.
    pub news: Vec<News>,
    /// What is served from now on.
    pub promotion: Option<NewPromotion>,
}

impl Store {
    /// Stores one step forward and returns the new version. `Conflict` when the version moved or the
    /// lease is not ours; then nothing was stored.
    pub async fn append(&self, append: Append) -> Result<u64> {
        self.write(move |db| Box::pin(async move { perform(db, &append).await }))
            .await
    }

    /// Asks for the end of a run, whatever its version is; false when it is over already.
    pub async fn request_cancel(&self, id: &RunId, by: &str, at: Micros) -> Result<bool> {
        let (id, by) = (id.clone(), by.to_owned());
        self.write(move |db| {
            Box::pin(async move {
                if ask_to_end(db, &id, &by, at).await? {
                    return Ok(true);
                }
                match db.row(STATE, args![id.as_str()]).await? {
                    Some(row) => Ok(!row.word::<RunState>(0, "state")?.is_final()),
                    None => Err(unknown(&id)),
                }
            })
        })
        .await
    }
}

const AT_WORK: Kind = Kind {
    what: "run at work",
    key: |row| row.get(0),
};

const EVENT: Kind = Kind {
    what: "event of run",
    key: |row| Ok(format!("{} {}", row.get::<String>(0)?, row.get::<i64>(1)?)),
};

impl Reads {
    /// What was asked for; `NotFound` for an unknown id.
    pub async fn run_request(&self, id: &RunId) -> Result<RunRequest> {
        let request = request(&mut self.reader().await?, id).await;
        self.note(id, &[REQUESTED], &request);
        request
    }

    /// The number of a run's events: who has seen fewer looks again.
    pub async fn run_version(&self, id: &RunId) -> Result<u64> {
        let row = self.reader().await?.row(VERSION, args![id.as_str()]).await?;
        row.ok_or_else(|| unknown(id))?.count(0)
    }

    /// The same of every run that is queued or running.
    pub async fn active_versions(&self) -> Result<HashMap<RunId, u64>> {
        let rows = self.reader().await?.rows(VERSIONS, args![]).await?;
        let version = |row: &Row| Ok((RunId::new(row.get::<String>(0)?), row.count(1)?));
        rows.iter().map(version).collect()
    }

    /// The run after all its events; `NotFound` for an unknown id.
    pub async fn load_run(&self, id: &RunId) -> Result<Run> {
        let loaded = load(&mut self.reader().await?, id).await;
        self.note(id, &[REQUESTED, EVENT], &loaded);
        loaded
    }

    /// Sets aside what of a run cannot be read, or forgets that it could not.
    fn note<T>(&self, id: &RunId, kinds: &[Kind], read: &Result<T>) {
        if let Ok(_) | Err(StoreError::Unreadable(_)) = read {
            let unreadable = read.as_ref().err().and_then(StoreError::unreadable);
            for kind in kinds {
                let of_kind = unreadable.iter().filter(|row| row.what == kind.what);
                let of_another = |key: &str| key.split(' ').next() != Some(id.as_str());
                self.set_aside()
                    .met(kind.what, of_kind.map(|row| (*row).clone()).collect(), of_another);
            }
        }
    }

    /// The events after number `after_seq` (0 for all), each with its number from 1 and its time.
    pub async fn run_events(&self, id: &RunId, after_seq: u64) -> Result<Vec<(u64, Micros, RunEvent)>> {
        events(&mut self.reader().await?, id, after_seq).await
    }

    /// Runs that are queued or running, oldest first.
    pub async fn active_runs(&self) -> Result<Vec<ActiveRun>> {
        let rows = self.reader().await?.rows(ACTIVE, args![]).await?;
        Ok(self.readable(AT_WORK, Extent::Whole, &rows, active))
    }
}

fn active(row: &Row) -> Result<ActiveRun> {
    Ok(ActiveRun {
        id: RunId::new(row.get::<String>(0)?),
        pipeline: row.get(1)?,
        repo: row.optional_word(2, "repository")?,
        branch: row.optional(3)?,
        commit: row.optional::<String>(4)?.map(CommitSha::new),
        pull_request: row.optional::<i64>(5)?.and_then(|number| number.try_into().ok()),
        state: row.word(6, "state")?,
        created_at: row.micros(7)?,
        cancel_requested: row.get(8)?,
    })
}

async fn load(db: &mut Connection, id: &RunId) -> Result<Run> {
    let request = request(db, id).await?;
    let events = events(db, id, 0).await?;
    Ok(Run::replay(request, events.iter().map(|(_, at, event)| (*at, event))))
}

async fn events(db: &mut Connection, id: &RunId, after_seq: u64) -> Result<Vec<(u64, Micros, RunEvent)>> {
    let rows = db.rows(EVENTS, args![id.as_str(), after_seq]).await?;
    let event = |row: &Row| Ok((row.count(1)?, row.micros(2)?, row.stored(3, "content")?));
    rows.iter().map(|row| EVENT.strictly(row, event)).collect()
}

/// The farthest that a run is dated on to come after those that are there: a day, as of the service's clock. What is
/// dated farther ahead was dated by a defect.
const FARTHEST: i64 = 24 * 3600 * 1_000_000;

/// When a run is created: after every run that is there, whatever the clock says of who made it. The order of runs is
/// the order in which they were stored.
fn in_order(created_at: Micros, newest: Option<i64>) -> Micros {
    match newest {
        Some(newest) if newest >= created_at.0 && newest - created_at.0 < FARTHEST => Micros(newest + 1),
        _ => created_at,
    }
}

/// Stores a run that nothing happened to yet.
pub(crate) async fn insert_run(db: &mut Connection, request: &RunRequest, event: &EventId) -> Result<()> {
    let newest = db
        .row(NEWEST, args![])
        .await?
        .map(|row| row.optional(0))
        .transpose()?
        .flatten();
    let repo = match &request.repo {
        // Whoever made it may know an earlier name only.
        Some(repo) => Some(today(db, repo).await?),
        None => None,
    };
    let request = &RunRequest {
        created_at: in_order(request.created_at, newest),
        repo,
        ..request.clone()
    };
    let steps: Vec<_> = request.plan.steps.keys().map(StepRow::pending).collect();
    let arguments = args![
        request.id.as_str(),
        &request.plan.pipeline,
        request.repo.as_ref().map(RepoName::to_string),
        request.branch.as_deref(),
        request.commit.as_ref().map(CommitSha::as_str),
        request.pull_request,
        &request.trigger,
        &request.cause,
        event.as_str(),
        request.created_at,
        json(&steps),
        first_state(request).as_str(),
    ];
    db.execute(INSERT, arguments).await?;
    db.execute(INSERT_REQUEST, args![request.id.as_str(), stored::write(request)])
        .await?;
    for news in notify::of_new(request) {
        put_news(db, &news).await?;
    }
    put_fork(db, request).await
}

async fn perform(db: &mut Connection, append: &Append) -> Result<u64> {
    let id = append.run.as_str();
    let version = append.expected_version + append.events.len() as u64;
    let summary = &append.summary;
    let arguments = args![
        id,
        append.expected_version,
        append.lease,
        version,
        summary.state.as_str(),
        summary.summary.as_deref(),
        summary.blessing.map(|blessing| blessing.as_str()),
        summary.blessed_model.as_ref().map(json),
        json(&summary.metrics),
        summary.started_at,
        summary.ended_at,
        summary.cancel_requested,
        json(&summary.steps),
    ];
    if db.execute(ADVANCE, arguments).await? == 0 {
        return Err(refusal(db, append).await?);
    }
    for (seq, event) in (append.expected_version + 1..).zip(&append.events) {
        db.execute(INSERT_EVENT, args![id, seq, append.at, stored::write(event)])
            .await?;
        put_model(db, &append.run, append.summary.target.as_deref(), event).await?;
    }
    for write in &append.metadata {
        record(db, write).await?;
    }
    for telling in &append.outbox {
        tell(db, telling, append.at).await?;
    }
    for news in &append.news {
        put_news(db, news).await?;
    }
    if let Some(promotion) = &append.promotion {
        let newest = newest_of(db, &promotion.target).await?;
        insert_promotion(db, promotion, newest).await?;
    }
    Ok(version)
}

/// Why the version did not advance.
async fn refusal(db: &mut Connection, append: &Append) -> Result<StoreError> {
    let Some(row) = db.row(VERSION, args![append.run.as_str()]).await? else {
        return Ok(unknown(&append.run));
    };
    let (version, epoch) = (row.count(0)?, row.count(1)?);
    let run = &append.run;
    Ok(StoreError::Conflict(match append.lease {
        Some(ours) if ours != epoch => {
            format!("run {run} is worked on by another process now (lease {epoch}, ours was {ours})")
        }
        _ => format!(
            "run {run} moved on to version {version}, expected {}",
            append.expected_version
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_comes_after_those_that_are_there() {
        let hour = 3600 * 1_000_000;
        for (now, newest, created) in [
            (10, None, 10),
            (10, Some(9), 10),
            (10, Some(10), 11),
            (10, Some(10 + hour), 11 + hour),
            (10, Some(10 + FARTHEST), 10),
        ] {
            assert_eq!(in_order(Micros(now), newest), Micros(created), "{now} {newest:?}");
        }
    }
}
