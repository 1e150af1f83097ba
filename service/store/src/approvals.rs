//! Runs that wait for a person's word: forks' and approved models'.

use crate::connection::{Connection, Row, args};
use crate::ends::ask_to_end;
use crate::error::Result;
use crate::reads::Reads;
use crate::statement::statements;
use crate::store::Store;
use std::collections::HashMap;
use std::time::Duration;
use trainyard_core::ids::{CommitSha, Micros, RunId};
use trainyard_core::report::PullRequestSeen;
use trainyard_core::run::{
    Awaited, RunEvent, RunRequest, VOIDED_BY_BASE, VOIDED_BY_CLOSING, VOIDED_BY_PUSH, WaitingModel,
};

statements! {
    PUT_FORK = "INSERT INTO approvals (run, kind, base) VALUES ($1, 'fork', $2)";
    PUT_MODEL = "INSERT INTO approvals (run, kind, target, seconds) VALUES ($1, 'model', $2, $3)
        ON CONFLICT (run) DO NOTHING";
    MODELS = "SELECT r.id, r.created_at, r.pipeline, r.repo, a.target, a.waited, a.seconds
        FROM runs r JOIN approvals a ON a.run = r.id
        WHERE r.state = 'waiting_for_approval' AND a.kind = 'model' ORDER BY r.created_at, r.id";
    WAITING = "SELECT r.id, a.kind, r.repo, r.pull_request, r.commit_sha, a.target, a.seconds
        FROM runs r JOIN approvals a ON a.run = r.id
        WHERE r.state = 'waiting_for_approval' ORDER BY r.created_at, r.id";
    WAITED = "UPDATE approvals SET waited = waited + $1
        WHERE kind = 'model' AND run IN (SELECT id FROM runs WHERE state = 'waiting_for_approval')";
    FORKS = "SELECT r.id, r.commit_sha, a.base FROM runs r JOIN approvals a ON a.run = r.id
        WHERE r.repo = $1 AND r.pull_request = $2 AND a.kind = 'fork'
            AND r.state IN ('waiting_for_approval', 'queued', 'running') AND r.cancel_requested = FALSE";
}

impl Store {
    /// Notes that those who wait did so for another while, in which somebody could have answered.
    pub async fn waited(&self, time: Duration) -> Result<()> {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.write_unseen(move |db| Box::pin(async move { db.execute(WAITED, args![micros]).await }))
            .await
            .map(drop)
    }
}

impl Reads {
    /// Approved models that wait for a person, oldest run first.
    pub async fn waiting_models(&self) -> Result<Vec<WaitingModel>> {
        let rows = self.reader().await?.rows(MODELS, args![]).await?;
        let waiting = |row: &Row| {
            Ok(WaitingModel {
                run: RunId::new(row.get::<String>(0)?),
                created_at: row.micros(1)?,
                pipeline: row.get(2)?,
                repo: row.optional_word(3, "repository")?,
                target: row.optional::<String>(4)?.unwrap_or_default(),
                waited: row.count(5)?,
                seconds: row
                    .optional::<i64>(6)?
                    .and_then(|seconds| seconds.try_into().ok())
                    .unwrap_or(0),
            })
        };
        rows.iter().map(waiting).collect()
    }

    /// What runs wait for that wait for a person, for people.
    pub(crate) async fn awaited(&self) -> Result<HashMap<RunId, String>> {
        let rows = self.reader().await?.rows(WAITING, args![]).await?;
        let awaited = |row: &Row| {
            let run = RunId::new(row.get::<String>(0)?);
            let awaited = match row.get::<String>(1)?.as_str() {
                "model" => Awaited::Model {
                    target: row.optional::<String>(5)?.unwrap_or_default(),
                    seconds: row
                        .optional::<i64>(6)?
                        .and_then(|seconds| seconds.try_into().ok())
                        .unwrap_or(0),
                },
                _ => Awaited::Fork {
                    repo: row.optional_word(2, "repository")?,
                    pull_request: row.optional::<i64>(3)?.and_then(|number| number.try_into().ok()),
                    commit: row.optional::<String>(4)?.map(CommitSha::new),
                },
            };
            let sentence = awaited.sentence(&run);
            Ok((run, sentence))
        };
        rows.iter().map(awaited).collect()
    }
}

/// A run that was just stored waits if its commit comes from a fork.
pub(crate) async fn put_fork(db: &mut Connection, request: &RunRequest) -> Result<()> {
    if request.fork.is_some() {
        let arguments = args![request.id.as_str(), request.base.as_deref().unwrap_or_default()];
        db.execute(PUT_FORK, arguments).await?;
    }
    Ok(())
}

/// What an event of a run changes of this.
pub(crate) async fn put_model(db: &mut Connection, run: &RunId, target: Option<&str>, event: &RunEvent) -> Result<()> {
    if let RunEvent::ApprovalRequested { seconds } = event {
        let arguments = args![run.as_str(), target.unwrap_or_default(), *seconds];
        db.execute(PUT_MODEL, arguments).await?;
    }
    Ok(())
}

/// A pull request of a fork that has other commits or another base by now, or is closed: whatever was approved of it, or
/// waits to be, ends.
pub(crate) async fn void(db: &mut Connection, seen: &PullRequestSeen, at: Micros) -> Result<()> {
    for row in db.rows(FORKS, args![seen.repo.to_string(), seen.number]).await? {
        let run = RunId::new(row.get::<String>(0)?);
        let (commit, base) = (row.optional::<String>(1)?, row.optional::<String>(2)?);
        let by = if !seen.open {
            VOIDED_BY_CLOSING
        } else if commit.as_deref() != Some(seen.head.as_str()) {
            VOIDED_BY_PUSH
        } else if base.as_deref() != Some(seen.base.as_str()) {
            VOIDED_BY_BASE
        } else {
            continue;
        };
        ask_to_end(db, &run, by, at).await?;
    }
    Ok(())
}
