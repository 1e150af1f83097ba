//! Repositories by the number that GitHub gave them. When one has another name, everything that is kept of it goes by
//! that name, in one transaction.

use crate::connection::{Connection, Row, args};
use crate::error::Result;
use crate::outbox::{message, put_item};
use crate::reads::Reads;
use crate::statement::{Statement, statements};
use crate::store::Store;
use serde_json::Value;
use trainyard_core::ids::{Micros, RepoName};
use trainyard_core::inbound::HoldPayload;
use trainyard_core::report::{OutboxItem, Outgoing};
use trainyard_core::stored;

statements! {
    NAME = "SELECT name FROM repositories WHERE id = $1";
    ID = "SELECT id FROM repositories WHERE name = $1";
    TODAY = "SELECT r.name FROM repository_names n JOIN repositories r ON r.id = n.id WHERE n.name = $1";
    PUT = "INSERT INTO repositories (id, name, at) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, at = excluded.at";
    PUT_NAME = "INSERT INTO repository_names (name, id) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET id = excluded.id";
    FORGET = "DELETE FROM repositories WHERE id = $1";
    FORGET_NAMES = "DELETE FROM repository_names WHERE id = $1";
    RUNS = "UPDATE runs SET repo = $2 WHERE repo = $1";
    REQUESTS = "SELECT q.run, q.request FROM run_requests q JOIN runs r ON r.id = q.run WHERE r.repo = $1";
    PUT_REQUEST = "UPDATE run_requests SET request = $2 WHERE run = $1";
    HOLDS = "SELECT hold_key, payload FROM holds";
    MESSAGES = "SELECT id, generation, attempts, item_key, kind, repo, installation_id, payload, next_attempt_at
        FROM outbox WHERE repo = $1";
    DROP_MESSAGE = "DELETE FROM outbox WHERE id = $1";
    DROP_HOLD = "DELETE FROM holds WHERE hold_key = $1";
    PUT_HOLD = "INSERT INTO holds (hold_key, held_until, event, payload)
        SELECT $2, held_until, event, $3 FROM holds WHERE hold_key = $1 ON CONFLICT (hold_key) DO NOTHING";
    MOVE_HOLD_EVENTS = "UPDATE hold_events SET hold_key = $2 WHERE hold_key = $1
        AND NOT EXISTS (SELECT 1 FROM hold_events o WHERE o.hold_key = $2 AND o.event = hold_events.event)";
    PIPELINES = "UPDATE pipelines SET repo = $2 WHERE repo = $1
        AND NOT EXISTS (SELECT 1 FROM pipelines o WHERE o.repo = $2 AND o.name = pipelines.name)";
    SCHEDULES = "UPDATE schedules SET repo = $2 WHERE repo = $1
        AND NOT EXISTS (SELECT 1 FROM schedules o WHERE o.repo = $2 AND o.pipeline = schedules.pipeline)";
    SLOTS = "UPDATE schedule_slots SET repo = $2 WHERE repo = $1 AND NOT EXISTS (SELECT 1 FROM schedule_slots o
        WHERE o.repo = $2 AND o.pipeline = schedule_slots.pipeline AND o.slot = schedule_slots.slot)";
    CHECKS = "UPDATE checks SET repo = $2 WHERE repo = $1 AND NOT EXISTS (SELECT 1 FROM checks o
        WHERE o.repo = $2 AND o.commit_sha = checks.commit_sha AND o.pipeline = checks.pipeline
        AND o.asked_by = checks.asked_by AND o.base = checks.base)";
    CHECK_RUNS = "UPDATE check_runs SET repo = $2 WHERE repo = $1 AND NOT EXISTS (SELECT 1 FROM check_runs o
        WHERE o.repo = $2 AND o.commit_sha = check_runs.commit_sha AND o.name = check_runs.name)";
    PULLS = "UPDATE pull_requests SET repo = $2 WHERE repo = $1
        AND NOT EXISTS (SELECT 1 FROM pull_requests o WHERE o.repo = $2 AND o.number = pull_requests.number)";
    BRANCHES = "UPDATE branches SET repo = $2 WHERE repo = $1
        AND NOT EXISTS (SELECT 1 FROM branches o WHERE o.repo = $2 AND o.branch = branches.branch)";
    HEALTH = "UPDATE pipeline_health SET repo = $2 WHERE repo = $1 AND NOT EXISTS (SELECT 1 FROM pipeline_health o
        WHERE o.repo = $2 AND o.pipeline = pipeline_health.pipeline AND o.branch = pipeline_health.branch)";
    DROP_HEALTH = "DELETE FROM pipeline_health WHERE repo = $1";
    DROP_PIPELINES = "DELETE FROM pipelines WHERE repo = $1";
    DROP_SCHEDULES = "DELETE FROM schedules WHERE repo = $1";
    DROP_SLOTS = "DELETE FROM schedule_slots WHERE repo = $1";
    DROP_CHECKS = "DELETE FROM checks WHERE repo = $1";
    DROP_CHECK_RUNS = "DELETE FROM check_runs WHERE repo = $1";
    DROP_PULLS = "DELETE FROM pull_requests WHERE repo = $1";
    DROP_BRANCHES = "DELETE FROM branches WHERE repo = $1";
    SWEEP = "UPDATE sweeps SET repo = $2 WHERE repo = $1 AND NOT EXISTS (SELECT 1 FROM sweeps o WHERE o.repo = $2)";
    DROP_SWEEP = "DELETE FROM sweeps WHERE repo = $1";
    DROP_TURN = "DELETE FROM check_turns WHERE repo = $1";
}

/// Tables whose rows go by the name: what is known under the new name already, is newer.
const MOVED: [(Statement, Statement); 9] = [
    (PIPELINES, DROP_PIPELINES),
    (SCHEDULES, DROP_SCHEDULES),
    (SLOTS, DROP_SLOTS),
    (CHECKS, DROP_CHECKS),
    (CHECK_RUNS, DROP_CHECK_RUNS),
    (PULLS, DROP_PULLS),
    (BRANCHES, DROP_BRANCHES),
    (SWEEP, DROP_SWEEP),
    (HEALTH, DROP_HEALTH),
];

impl Reads {
    /// The name of the repository with this number, as far as is known here.
    pub async fn repository_name(&self, id: i64) -> Result<Option<RepoName>> {
        let row = self.reader().await?.row(NAME, args![id]).await?;
        row.map(|row| row.word(0, "repository")).transpose()
    }

    /// The number of the repository that has this name, as far as is known here.
    pub async fn repository_id(&self, name: &RepoName) -> Result<Option<i64>> {
        let row = self.reader().await?.row(ID, args![name.to_string()]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// What a repository is called that is, or once was, called so.
    pub async fn name_today(&self, name: &RepoName) -> Result<RepoName> {
        today(&mut self.reader().await?, name).await
    }
}

impl Store {
    /// From now on the repository with this number has this name, and what is kept of it goes by it. Nobody else may
    /// have the name: see [`Store::part_with_repository`].
    pub async fn name_repository(&self, id: i64, name: &RepoName, at: Micros) -> Result<()> {
        let name = name.clone();
        self.write(move |db| {
            Box::pin(async move {
                if let Some(row) = db.row(NAME, args![id]).await? {
                    let old: RepoName = row.word(0, "repository")?;
                    if old != name {
                        move_all(db, &old, &name, at).await?;
                    }
                }
                db.execute(PUT, args![id, name.to_string(), at]).await?;
                db.execute(PUT_NAME, args![name.to_string(), id]).await.map(drop)
            })
        })
        .await
    }

    /// The repository with this number is gone, and another has its name: its runs are kept under `parked`, and nothing
    /// starts one any more.
    pub async fn part_with_repository(&self, id: i64, parked: &RepoName, at: Micros) -> Result<()> {
        let parked = parked.clone();
        self.write(move |db| {
            Box::pin(async move {
                let Some(row) = db.row(NAME, args![id]).await? else {
                    return Ok(());
                };
                let name: RepoName = row.word(0, "repository")?;
                move_all(db, &name, &parked, at).await?;
                let parked = parked.to_string();
                for (_, drop_all) in MOVED {
                    db.execute(drop_all, args![&parked]).await?;
                }
                for (key, payload) in holds(db, &parked).await? {
                    tracing::info!(repo = %payload.repo, "a data arrival waits for a repository that is gone");
                    db.execute(DROP_HOLD, args![key]).await?;
                }
                db.execute(FORGET_NAMES, args![id]).await?;
                db.execute(FORGET, args![id]).await.map(drop)
            })
        })
        .await
    }
}

/// See [`Reads::name_today`]. Who works for longer than a name lasts asks it before it writes.
pub(crate) async fn today(db: &mut Connection, name: &RepoName) -> Result<RepoName> {
    match db.row(TODAY, args![name.to_string()]).await? {
        Some(row) => row.word(0, "repository"),
        None => Ok(name.clone()),
    }
}

async fn move_all(db: &mut Connection, from: &RepoName, to: &RepoName, at: Micros) -> Result<()> {
    let (old, new) = (from.to_string(), to.to_string());
    for (change, drop_rest) in MOVED {
        db.execute(change, args![&old, &new]).await?;
        db.execute(drop_rest, args![&old]).await?;
    }
    db.execute(DROP_TURN, args![&old]).await?;
    for row in db.rows(REQUESTS, args![&old]).await? {
        let (run, request): (String, String) = (row.get(0)?, row.get(1)?);
        if let Some(request) = renamed(&request, &new) {
            db.execute(PUT_REQUEST, args![run, request]).await?;
        }
    }
    db.execute(RUNS, args![&old, &new]).await?;
    for (key, payload) in holds(db, &old).await? {
        let payload = HoldPayload {
            repo: to.clone(),
            ..payload
        };
        let moved = payload.key();
        db.execute(PUT_HOLD, args![&key, &moved, stored::write(&payload)])
            .await?;
        db.execute(MOVE_HOLD_EVENTS, args![&key, &moved]).await?;
        db.execute(DROP_HOLD, args![&key]).await?;
    }
    for row in db.rows(MESSAGES, args![&old]).await? {
        // One that cannot be read stays what it is: it is set aside where it is told.
        let Ok(message) = message(&row) else { continue };
        let Outgoing::GitHub(item) = message.message else {
            continue;
        };
        let item = OutboxItem {
            repo: to.clone(),
            ..item
        };
        db.execute(DROP_MESSAGE, args![message.id]).await?;
        put_item(db, item, at).await?;
    }
    Ok(())
}

/// The waits of a repository. One that cannot be read waits on under its old name, and is told where it is due.
async fn holds(db: &mut Connection, repo: &str) -> Result<Vec<(String, HoldPayload)>> {
    let rows = db.rows(HOLDS, args![]).await?;
    let read = |row: &Row| Some((row.get(0).ok()?, row.stored::<HoldPayload>(1, "wait").ok()?));
    let all = rows.iter().filter_map(read);
    Ok(all.filter(|(_, payload)| payload.repo.to_string() == repo).collect())
}

/// A request in the form in which it is stored, with another repository; `None` where it cannot be read.
fn renamed(request: &str, repo: &str) -> Option<String> {
    let mut request: Value = serde_json::from_str(request).ok()?;
    *request.get_mut("repo")? = repo.into();
    Some(request.to_string())
}
