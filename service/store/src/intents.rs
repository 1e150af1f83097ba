//! What is about to be done to push targets, and what was found there that their ledgers do not say.

use crate::connection::{Connection, Row, args, json};
use crate::error::{Result, StoreError};
use crate::promotions::newest_of;
use crate::reads::Reads;
use crate::rows::Kind;
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::ids::{Micros, RunId};
use trainyard_core::registry::{Intent, IntentAction, IntentState, NewIntent, NewPromotion};
use trainyard_core::run::Finding;

/// Intents read of one target; far more than folders that could still be there.
const LONGEST: u32 = 10_000;

statements! {
    BEGIN = "INSERT INTO push_intents (target, number, version, fresh, action, state, digest, pipeline, model, run, actor, evidence, at)
        VALUES ($1, $2, $3, $4, $5, 'begun', $6, $7, $8, $9, $10, $11, $12) RETURNING id";
    HIGHEST = "SELECT MAX(number) FROM push_intents WHERE target = $1";
    OPEN_OF = "SELECT id FROM push_intents WHERE target = $1 AND state IN ('begun', 'unknown')";
    ENDING = "SELECT id FROM runs WHERE id = $1 AND cancel_requested = TRUE";
    SETTLE = "UPDATE push_intents SET state = $2, reason = $3, settled_at = $4
        WHERE id = $1 AND state IN ('begun', 'unknown')";
    LIST = "SELECT id, action, state, target, pipeline, version, model, run, actor, evidence, at, reason
        FROM push_intents WHERE target = $1 ORDER BY id DESC LIMIT $2";
    OPEN = "SELECT id, action, state, target, pipeline, version, model, run, actor, evidence, at, reason
        FROM push_intents WHERE state IN ('begun', 'unknown') ORDER BY id";
    FIND = "INSERT INTO target_findings (target, finding, at) VALUES ($1, $2, $3)
        ON CONFLICT (target) DO UPDATE SET finding = excluded.finding, at = excluded.at";
    AGREED = "DELETE FROM target_findings WHERE target = $1";
    FOUND = "SELECT target, finding FROM target_findings WHERE target = $1";
}

const INTENT: Kind = Kind {
    what: "intent of a push",
    key: |row| Ok(format!("{} of target {}", row.get::<i64>(0)?, row.get::<String>(3)?)),
};

const FINDING: Kind = Kind {
    what: "finding at target",
    key: |row| row.get(0),
};

impl Store {
    /// Stores what is about to be done and takes its number, if the target's newest ledger entry is still `newest` and
    /// nothing else is open there, and the run that pushes was not cancelled; else `Conflict`. A new number is above all
    /// that were ever given, whoever asks.
    pub async fn begin_intent(&self, intent: &NewIntent, newest: Option<i64>) -> Result<i64> {
        let intent = intent.clone();
        self.write(move |db| Box::pin(async move { begin(db, &intent, newest).await }))
            .await
    }

    /// Says what became of an open intent, or that nobody knows; false where it was settled before.
    pub async fn settle_intent(&self, id: i64, state: IntentState, reason: &str, at: Micros) -> Result<bool> {
        let reason = reason.to_owned();
        self.write(move |db| {
            Box::pin(async move {
                let settled_at = (!state.is_open()).then_some(at);
                let arguments = args![id, state.as_str(), reason, settled_at];
                Ok(db.execute(SETTLE, arguments).await? > 0)
            })
        })
        .await
    }

    /// Notes what was found at a target, or that it agrees with its ledger again.
    pub async fn put_finding(&self, target: &str, finding: Option<&Finding>, at: Micros) -> Result<()> {
        let (target, finding) = (target.to_owned(), finding.map(json));
        self.write(move |db| {
            Box::pin(async move {
                match finding {
                    Some(finding) => db.execute(FIND, args![&target, finding, at]).await?,
                    None => db.execute(AGREED, args![&target]).await?,
                };
                Ok(())
            })
        })
        .await
    }
}

impl Reads {
    /// The intents of a target, newest first. One that cannot be read is an error: its number would seem free.
    pub async fn intents(&self, target: &str) -> Result<Vec<Intent>> {
        let rows = self.reader().await?.rows(LIST, args![target, LONGEST]).await?;
        rows.iter().map(|row| INTENT.strictly(row, intent)).collect()
    }

    /// What is on its way or unknown, of all targets.
    pub async fn open_intents(&self) -> Result<Vec<Intent>> {
        let rows = self.reader().await?.rows(OPEN, args![]).await?;
        rows.iter().map(|row| INTENT.strictly(row, intent)).collect()
    }

    /// What is on its way or unknown at a target.
    pub async fn open_intent(&self, target: &str) -> Result<Option<Intent>> {
        let open = self.open_intents().await?;
        Ok(open.into_iter().find(|intent| intent.entry.target == target))
    }

    /// What the last look at a target found that its ledger does not say.
    pub async fn finding(&self, target: &str) -> Result<Option<Finding>> {
        let row = self.reader().await?.row(FOUND, args![target]).await?;
        row.map(|row| FINDING.strictly(&row, |row| row.json(1, "finding")))
            .transpose()
    }

    /// The highest number that was ever begun at a target, 0 if none was.
    pub(crate) async fn highest_begun(&self, target: &str) -> Result<u64> {
        highest(&mut self.reader().await?, target).await
    }
}

async fn highest(db: &mut Connection, target: &str) -> Result<u64> {
    let row = db.row(HIGHEST, args![target]).await?;
    let number = row.map(|row| row.optional::<i64>(0)).transpose()?.flatten();
    Ok(number.and_then(|number| number.try_into().ok()).unwrap_or(0))
}

async fn begin(db: &mut Connection, intent: &NewIntent, newest: Option<i64>) -> Result<i64> {
    let NewIntent { action, entry, fresh } = intent;
    // A cancel is final: what was not begun before it never is.
    if let Some(run) = entry.run.as_ref().filter(|_| *action == IntentAction::Push)
        && db.row(ENDING, args![run.as_str()]).await?.is_some()
    {
        return Err(StoreError::Conflict(format!(
            "run {run} was cancelled before its push began"
        )));
    }
    let number: u64 = entry.version.parse().unwrap_or(0);
    let open = db.row(OPEN_OF, args![&entry.target]).await?.is_some();
    let taken = *fresh && number <= highest(db, &entry.target).await?;
    if open || taken || newest_of(db, &entry.target).await? != newest {
        return Err(busy(&entry.target));
    }
    let arguments = args![
        &entry.target,
        number,
        &entry.version,
        *fresh,
        action.as_str(),
        entry.model.digest.as_str(),
        &entry.pipeline,
        json(&entry.model),
        entry.run.as_ref().map(RunId::as_str),
        &entry.actor,
        json(&entry.evidence),
        entry.at,
    ];
    match db.row(BEGIN, arguments).await {
        Ok(Some(row)) => row.get(0),
        Ok(None) | Err(StoreError::Conflict(_)) => Err(busy(&entry.target)),
        Err(error) => Err(error),
    }
}

fn busy(target: &str) -> StoreError {
    StoreError::Conflict(format!(
        "somebody else changes the model of target '{target}' at this moment: look again before changing it"
    ))
}

fn intent(row: &Row) -> Result<Intent> {
    let action: IntentAction = row.word(1, "action")?;
    let at = row.micros(10)?;
    Ok(Intent {
        id: row.get(0)?,
        action,
        state: row.word(2, "state")?,
        entry: NewPromotion {
            target: row.get(3)?,
            pipeline: row.get(4)?,
            action: action.promotion(),
            version: row.get(5)?,
            model: row.json(6, "model")?,
            run: row.optional::<String>(7)?.map(RunId::new),
            actor: row.get(8)?,
            evidence: row.json(9, "evidence")?,
            at,
        },
        reason: row.optional(11)?,
        at,
    })
}
