//! What people asked for on GitHub, on its way to be done.

use crate::audit::{self, NewDeed};
use crate::connection::{Connection, Row, args};
use crate::error::{Result, StoreError};
use crate::events::{NewEvent, Settled, store_event};
use crate::outbox::put_item;
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::access::Deed;
use trainyard_core::command::Ask;
use trainyard_core::ids::{DeliveryId, EventId, Micros};
use trainyard_core::report::OutboxItem;
use trainyard_core::stored;

statements! {
    OPEN = "SELECT number, repo_id FROM asks WHERE done_at IS NULL AND number > $1 ORDER BY number LIMIT $2";
    ONE = "SELECT a.number, a.event, a.ask, a.steps, a.at, e.delivery FROM asks a LEFT JOIN events e ON e.id = a.event
        WHERE a.number = $1 AND a.done_at IS NULL";
    STEP = "UPDATE asks SET ask = $3, steps = steps + 1, done_at = $4, waits_for = NULL
        WHERE number = $1 AND steps = $2 AND done_at IS NULL";
    WAITS = "UPDATE asks SET waits_for = $2 WHERE number = $1 AND done_at IS NULL AND waits_for IS DISTINCT FROM $2";
    SAY_IN_EVENT = "UPDATE events SET outcome = $2 WHERE id = $1";
    SAY_IN_DELIVERY = "UPDATE deliveries SET outcome = $2 WHERE id = (SELECT delivery FROM events WHERE id = $1)";
    ASK_AGAIN = "UPDATE events SET dedupe_key = NULL WHERE id = $1";
    IS_OPEN = "SELECT 1 FROM asks WHERE number = $1 AND done_at IS NULL";
}

/// Something that was asked and is not done.
#[derive(Clone, Debug, PartialEq)]
pub struct AskRow {
    /// Its number: later ones were asked later.
    pub number: u64,
    /// The event that brought it.
    pub event: EventId,
    /// What, and how far it is done.
    pub ask: Ask,
    /// How often it was brought forward.
    pub steps: u64,
    /// When it was asked.
    pub at: Micros,
    /// The delivery that brought it.
    pub delivery: Option<DeliveryId>,
}

/// One step forward; stored in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct AskStep {
    /// What is brought forward.
    pub number: u64,
    /// [`AskRow::steps`] before.
    pub steps: u64,
    /// The event that brought it.
    pub event: EventId,
    /// The delivery that brought it.
    pub delivery: Option<DeliveryId>,
    /// As it is now.
    pub ask: Ask,
    /// What follows, with its runs.
    pub follows: Vec<NewEvent>,
    /// What GitHub is told.
    pub told: Vec<OutboxItem>,
    /// The sentence of its end, if this is it.
    pub done: Option<String>,
    /// Whether the same may be asked again, since nothing was done.
    pub again: bool,
    /// When.
    pub at: Micros,
}

impl Store {
    /// Stores one step forward. `Conflict` when somebody else was faster; then nothing was stored.
    pub async fn step_ask(&self, step: AskStep) -> Result<Settled> {
        self.write(move |db| Box::pin(async move { perform(db, &step).await }))
            .await
    }

    /// Notes why something that was asked is not done yet.
    pub async fn ask_waits(&self, number: u64, why: &str) -> Result<()> {
        let arguments = args![number, why];
        self.write(move |db| Box::pin(async move { db.execute(WAITS, arguments).await }))
            .await
            .map(drop)
    }
}

const ASK: Kind = Kind {
    what: "request by a comment or button",
    key: |row| Ok(row.count(0)?.to_string()),
};

impl Reads {
    /// What is not done and was asked after number `after`, oldest first, with its repository's number.
    pub async fn open_asks(&self, after: u64, limit: u32) -> Result<Vec<(u64, i64)>> {
        let rows = self.reader().await?.rows(OPEN, args![after, limit]).await?;
        Ok(self.readable(ASK, Extent::Part, &rows, |row| Ok((row.count(0)?, row.get(1)?))))
    }

    /// One of them; `None` when it is done.
    pub async fn open_ask(&self, number: u64) -> Result<Option<AskRow>> {
        let row = self.reader().await?.row(ONE, args![number]).await?;
        row.map(|row| ASK.strictly(&row, ask_row)).transpose()
    }
}

fn ask_row(row: &Row) -> Result<AskRow> {
    Ok(AskRow {
        number: row.count(0)?,
        event: EventId::new(row.get::<String>(1)?),
        ask: row.stored(2, "ask")?,
        steps: row.count(3)?,
        at: row.micros(4)?,
        delivery: row.optional::<String>(5)?.map(DeliveryId::new),
    })
}

async fn perform(db: &mut Connection, step: &AskStep) -> Result<Settled> {
    let done = step.done.is_some().then_some(step.at);
    let arguments = args![step.number, step.steps, stored::write(&step.ask), done];
    if db.execute(STEP, arguments).await? == 0 {
        let number = step.number;
        return Err(match db.row(IS_OPEN, args![number]).await? {
            Some(_) => StoreError::Conflict(format!("request {number} was brought forward meanwhile")),
            None => StoreError::Conflict(format!("request {number} is done")),
        });
    }
    let mut settled = Settled::default();
    for event in &step.follows {
        store_event(db, event, (step.delivery.as_ref(), false), step.at, &mut settled).await?;
    }
    for item in &step.told {
        put_item(db, item.clone(), step.at).await?;
    }
    if let Some(sentence) = &step.done {
        let event = step.event.as_str();
        db.execute(SAY_IN_EVENT, args![event, sentence]).await?;
        db.execute(SAY_IN_DELIVERY, args![event, sentence]).await?;
        let asked = &step.ask.asked;
        let deed = NewDeed {
            actor: asked.person.login.clone(),
            deed: Deed::AskAtGitHub,
            subject: asked.repo.to_string(),
            reason: None,
            at: step.at,
        };
        audit::add(db, &deed, Some((!step.again, sentence))).await?;
    }
    if step.again {
        db.execute(ASK_AGAIN, args![step.event.as_str()]).await?;
    }
    Ok(settled)
}
