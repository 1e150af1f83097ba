//! Runs as listings show them, without replaying their events.

use crate::connection::{Arg, Connection, Row, args};
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::{Statement, statements};
use crate::unreadable::Unreadable;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::gate::Blessing;
use trainyard_core::ids::{CommitSha, Micros, RepoName, RunId, StepName};
use trainyard_core::run::{Run, RunEvent, RunState, StepState, crashed};

statements! {
    // A statement for each choice of filters, so that each has its index.
    ALL = "SELECT id, pipeline, trigger_kind, cause, repo, branch, commit_sha, pull_request, state, summary, blessing,
            metrics, cancel_requested, created_at, started_at, ended_at, steps, version
        FROM runs WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3";
    OF_PIPELINE = "SELECT id, pipeline, trigger_kind, cause, repo, branch, commit_sha, pull_request, state, summary, blessing,
            metrics, cancel_requested, created_at, started_at, ended_at, steps, version
        FROM runs WHERE pipeline = $1 AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4";
    OF_STATE = "SELECT id, pipeline, trigger_kind, cause, repo, branch, commit_sha, pull_request, state, summary, blessing,
            metrics, cancel_requested, created_at, started_at, ended_at, steps, version
        FROM runs WHERE state = $1 AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4";
    OF_BOTH = "SELECT id, pipeline, trigger_kind, cause, repo, branch, commit_sha, pull_request, state, summary, blessing,
            metrics, cancel_requested, created_at, started_at, ended_at, steps, version
        FROM runs WHERE pipeline = $1 AND state = $2 AND (created_at, id) < ($3, $4) ORDER BY created_at DESC, id DESC LIMIT $5";
    OF_PULL = "SELECT id, pipeline, trigger_kind, cause, repo, branch, commit_sha, pull_request, state, summary, blessing,
            metrics, cancel_requested, created_at, started_at, ended_at, steps, version
        FROM runs WHERE repo = $1 AND pull_request = $2 ORDER BY created_at DESC, id DESC LIMIT $3";
    OF_COMMIT = "SELECT id, pipeline, trigger_kind, cause, repo, branch, commit_sha, pull_request, state, summary, blessing,
            metrics, cancel_requested, created_at, started_at, ended_at, steps, version
        FROM runs WHERE repo = $1 AND commit_sha = $2 ORDER BY created_at DESC, id DESC LIMIT $3";
    PLACE = "SELECT created_at, id FROM runs WHERE id = $1";
    BY_ID = "SELECT id, pipeline, trigger_kind, cause, repo, branch, commit_sha, pull_request, state, summary, blessing,
            metrics, cancel_requested, created_at, started_at, ended_at, steps, version
        FROM runs WHERE id = $1";
    BY_PREFIX = "SELECT id, pipeline, trigger_kind, cause, repo, branch, commit_sha, pull_request, state, summary, blessing,
            metrics, cancel_requested, created_at, started_at, ended_at, steps, version
        FROM runs WHERE id >= $1 AND id <= $2 AND substr(id, 1, length($1)) = $1 ORDER BY created_at DESC, id DESC LIMIT 2";
}

/// The columns of a run that change; computed from the run, stored with every append.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// Where it is.
    pub state: RunState,
    /// The sentence of its end.
    pub summary: Option<String>,
    /// The gate's answer.
    pub blessing: Option<Blessing>,
    /// The model the gate approved.
    pub blessed_model: Option<ArtifactRef>,
    /// Numbers for listings.
    pub metrics: Map<String, Value>,
    /// When it was admitted.
    pub started_at: Option<Micros>,
    /// When it was over.
    pub ended_at: Option<Micros>,
    /// Whether somebody asked for its end.
    pub cancel_requested: bool,
    /// Its steps in the plan's order.
    pub steps: Vec<StepRow>,
    /// The push target of its plan.
    pub target: Option<String>,
}

/// A step as listings show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRow {
    /// The step.
    pub name: StepName,
    /// [`trainyard_core::run::StepState::as_str`].
    pub state: String,
}

impl StepRow {
    /// A step of a run that nothing happened to yet.
    pub(crate) fn pending(name: &StepName) -> Self {
        Self {
            name: name.clone(),
            state: StepState::Pending.as_str().to_owned(),
        }
    }
}

impl RunSummary {
    /// The columns of a run. Metrics come from its `Finished` event: pass the events being appended.
    pub fn of(run: &Run, events: &[RunEvent]) -> Self {
        let metrics = events.iter().rev().find_map(|event| match event {
            RunEvent::Finished { metrics, .. } => Some(metrics.clone()),
            _ => None,
        });
        let blessing = run.verdict.as_ref().map(|verdict| verdict.blessing());
        let blessed_model = match (&blessing, &run.request.plan.gate) {
            (Some(Blessing::Blessed), Some(gate)) => {
                let (step, output) = &gate.model;
                run.steps
                    .get(step)
                    .and_then(|record| record.outputs.get(output))
                    .cloned()
            }
            _ => None,
        };
        Self {
            state: run.state,
            summary: run.summary.clone(),
            blessing,
            blessed_model,
            metrics: metrics.unwrap_or_default(),
            started_at: run.started_at,
            ended_at: run.ended_at,
            cancel_requested: run.cancel_requested.is_some(),
            steps: run
                .steps
                .iter()
                .map(|(name, record)| StepRow {
                    name: name.clone(),
                    state: record.state.as_str().to_owned(),
                })
                .collect(),
            target: run.request.plan.push.as_ref().map(|push| push.target.clone()),
        }
    }
}

/// Which runs to list, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFilter {
    /// Only of this pipeline.
    pub pipeline: Option<String>,
    /// Only in this state.
    pub state: Option<RunState>,
    /// At most so many; 0 means 50.
    pub limit: u32,
    /// Only runs older than this one: the last id of the page before.
    pub before: Option<RunId>,
}

/// A run in a listing; times are microseconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunRow {
    /// The run.
    pub id: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// `push`, `pull_request`, `data`, `schedule` or `manual`.
    pub trigger: String,
    /// The reason in words.
    pub cause: String,
    /// Its repository.
    pub repo: Option<RepoName>,
    /// Its branch.
    pub branch: Option<String>,
    /// Its commit.
    pub commit: Option<CommitSha>,
    /// Its pull request.
    pub pull_request: Option<u64>,
    /// Where it is.
    pub state: RunState,
    /// The sentence of its end.
    pub summary: Option<String>,
    /// The gate's answer.
    pub blessing: Option<Blessing>,
    /// Numbers of its end, for example the candidate's `auc`.
    pub metrics: Map<String, Value>,
    /// Whether somebody asked for its end.
    pub cancel_requested: bool,
    /// When it was asked for.
    pub created_at: Micros,
    /// When it was admitted.
    pub started_at: Option<Micros>,
    /// When it was over.
    pub ended_at: Option<Micros>,
    /// Its steps in the plan's order.
    pub steps: Vec<StepRow>,
    /// Events so far.
    pub version: u64,
    /// Why it is set aside and does not go on, for people.
    pub set_aside: Option<String>,
    /// What it waits for that is none of its own business, for people.
    pub waits_for: Option<String>,
}

const RUN: Kind = Kind {
    what: "run",
    key: |row| row.get(0),
};

impl Reads {
    /// Runs, newest first; `NotFound` when there is no run that they are to be older than.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>> {
        let limit = if filter.limit == 0 { 50 } else { filter.limit };
        let (statement, mut arguments) = match (filter.pipeline.as_deref(), filter.state.map(RunState::as_str)) {
            (None, None) => (ALL, args![]),
            (Some(pipeline), None) => (OF_PIPELINE, args![pipeline]),
            (None, Some(state)) => (OF_STATE, args![state]),
            (Some(pipeline), Some(state)) => (OF_BOTH, args![pipeline, state]),
        };
        arguments.extend(match &filter.before {
            None => args![i64::MAX, ""],
            Some(before) => self.place_of(before).await?,
        });
        let listed = (statement, arguments);
        let rows = self.first_readable(RUN, Extent::Part, listed, limit, run_row).await?;
        self.explained(rows).await
    }

    /// The newest runs of a pull request, newest first.
    pub async fn runs_of_pull(&self, repo: &RepoName, number: u64, limit: u32) -> Result<Vec<RunRow>> {
        let listed = (OF_PULL, args![repo.to_string(), number]);
        let rows = self.first_readable(RUN, Extent::Part, listed, limit, run_row).await?;
        self.explained(rows).await
    }

    /// The newest runs of a commit, newest first.
    pub async fn runs_of_commit(&self, repo: &RepoName, commit: &CommitSha, limit: u32) -> Result<Vec<RunRow>> {
        let listed = (OF_COMMIT, args![repo.to_string(), commit.as_str()]);
        let rows = self.first_readable(RUN, Extent::Part, listed, limit, run_row).await?;
        self.explained(rows).await
    }

    async fn place_of(&self, run: &RunId) -> Result<Vec<Arg>> {
        let row = self.reader().await?.row(PLACE, args![run.as_str()]).await?;
        let row = row.ok_or_else(|| StoreError::NotFound(format!("there is no run '{run}'")))?;
        Ok(args![row.micros(0)?, row.get::<String>(1)?])
    }

    /// The rows with why those of them do not go on that are set aside or wait.
    async fn explained(&self, mut rows: Vec<RunRow>) -> Result<Vec<RunRow>> {
        if rows.iter().all(|row| row.state.is_final()) {
            return Ok(rows);
        }
        let crashes = self.crashes().await?;
        let mut waits = self.waits().await?;
        waits.extend(self.awaited().await?);
        let unreadable = self.unreadable();
        for row in rows.iter_mut().filter(|row| !row.state.is_final()) {
            let of_row =
                |found: &&Unreadable| found.is_of_run() && found.key.split(' ').next() == Some(row.id.as_str());
            let crashed = crashes.iter().find(|crash| crash.run == row.id);
            let crashed = crashed.filter(|crash| crashed::wait(crash.times).is_some());
            row.set_aside = match unreadable.iter().find(of_row) {
                Some(found) => Some(found.sentence()),
                None => crashed.map(|crash| crashed::set_aside(crash.times)),
            };
            row.waits_for = waits.remove(&row.id);
        }
        Ok(rows)
    }

    /// A run by its id or by the beginning of its id, if only one begins so; else `Conflict`.
    pub async fn run_row(&self, id_or_prefix: &str) -> Result<Option<RunRow>> {
        let found = self.one_row(id_or_prefix).await?;
        let explained = self.explained(found.into_iter().collect()).await?;
        Ok(explained.into_iter().next())
    }

    async fn one_row(&self, id_or_prefix: &str) -> Result<Option<RunRow>> {
        let mut db = self.reader().await?;
        if let Some(row) = db.row(BY_ID, args![id_or_prefix]).await? {
            return RUN.strictly(&row, run_row).map(Some);
        }
        if id_or_prefix.is_empty() {
            return Ok(None);
        }
        let row = only_one(&mut db, BY_PREFIX, "run", id_or_prefix).await?;
        row.map(|row| RUN.strictly(&row, run_row)).transpose()
    }
}

/// The row whose id, its first column, begins so, if only one does; else `Conflict`. `by_prefix` takes the first and the
/// last id there may be and finds two at most; `what` are they.
pub(crate) async fn only_one(
    db: &mut Connection,
    by_prefix: Statement,
    what: &str,
    prefix: &str,
) -> Result<Option<Row>> {
    // No id that begins so comes later, in whatever order a database has.
    let last = format!("{prefix}zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
    let mut rows = db.rows(by_prefix, args![prefix, last]).await?;
    if let [first, second, ..] = rows.as_slice() {
        return Err(StoreError::Conflict(format!(
            "more than one {what} begins with '{prefix}', for example {} and {}: write more of the id",
            first.get::<String>(0)?,
            second.get::<String>(0)?
        )));
    }
    Ok(rows.pop())
}

fn run_row(row: &Row) -> Result<RunRow> {
    Ok(RunRow {
        id: RunId::new(row.get::<String>(0)?),
        pipeline: row.get(1)?,
        trigger: row.get(2)?,
        cause: row.get(3)?,
        repo: row.optional_word(4, "repository")?,
        branch: row.optional(5)?,
        commit: row.optional::<String>(6)?.map(CommitSha::new),
        pull_request: row.optional::<i64>(7)?.and_then(|number| number.try_into().ok()),
        state: row.word(8, "state")?,
        summary: row.optional(9)?,
        blessing: row.optional_word(10, "blessing")?,
        metrics: row.json(11, "metrics")?,
        cancel_requested: row.get(12)?,
        created_at: row.micros(13)?,
        started_at: row.optional(14)?.map(Micros),
        ended_at: row.optional(15)?.map(Micros),
        steps: row.json(16, "steps")?,
        version: row.count(17)?,
        set_aside: None,
        waits_for: None,
    })
}
