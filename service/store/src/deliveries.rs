//! Deliveries: what came in from outside, stored before it is answered.

use crate::checks::{any_awaited, end_awaited};
use crate::connection::{Connection, Row, args};
use crate::error::{Result, StoreError};
use crate::events::{NewEvent, Settled, store_event};
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::{filled, numbered, statements};
use crate::store::Store;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use trainyard_core::ids::{DeliveryId, EventId, Micros, RunId};
use trainyard_core::inbound::NotRunning;

statements! {
    WAITING = "SELECT d.id, d.origin, d.kind, d.received_at, d.headers, d.body_id,
            CASE WHEN (d.origin <> 'github' OR $4 LIKE '% ' || d.kind || ' %')
                    AND length(b.body) <= CAST($2 AS BIGINT)
                THEN b.body END, d.digest, d.flagged, d.forced
        FROM deliveries d LEFT JOIN delivery_bodies b ON b.id = d.body_id
        WHERE d.processed_at IS NULL AND d.body_id > $1 ORDER BY d.body_id LIMIT $3";
    ONE_WAITING = "SELECT d.id, d.origin, d.kind, d.received_at, d.headers, d.body_id, b.body, d.digest, d.flagged, d.forced
        FROM deliveries d LEFT JOIN delivery_bodies b ON b.id = d.body_id
        WHERE d.processed_at IS NULL AND d.body_id = $1";
    SETTLE_EVENTS = "UPDATE deliveries SET processed_at = $2, outcome = $3 WHERE id = $1 AND processed_at IS NULL
        RETURNING forced";
    SETTLE_1 = numbered!("UPDATE deliveries SET processed_at = CAST($1 AS BIGINT), outcome = v.column2 FROM (VALUES ",
        1, 1 x 2, ") v WHERE id = v.column1 AND processed_at IS NULL");
    SETTLE_8 = numbered!("UPDATE deliveries SET processed_at = CAST($1 AS BIGINT), outcome = v.column2 FROM (VALUES ",
        1, 8 x 2, ") v WHERE id = v.column1 AND processed_at IS NULL");
    SETTLE_32 = numbered!("UPDATE deliveries SET processed_at = CAST($1 AS BIGINT), outcome = v.column2 FROM (VALUES ",
        1, 32 x 2, ") v WHERE id = v.column1 AND processed_at IS NULL");
    SAY_INSTEAD = "UPDATE deliveries SET outcome = $2 WHERE id = $1";
    WAITS = "UPDATE deliveries SET waits_for = $2
        WHERE body_id = $1 AND processed_at IS NULL AND waits_for IS DISTINCT FROM $2";
    EXISTS = "SELECT 1 FROM deliveries WHERE id = $1";
    VIEW = "SELECT d.id, d.origin, d.kind, d.received_at, d.processed_at, d.outcome,
            e.id, e.kind, e.at, e.outcome, r.id, d.waits_for, d.flagged
        FROM deliveries d LEFT JOIN events e ON e.delivery = d.id LEFT JOIN runs r ON r.event = e.id
        WHERE d.id = $1 ORDER BY e.at, e.id, r.created_at, r.id";
    NEWEST = "SELECT d.id, d.origin, d.kind, d.received_at, d.processed_at, d.outcome,
            e.id, e.kind, e.at, e.outcome, r.id, d.waits_for, d.flagged
        FROM (SELECT * FROM deliveries WHERE (received_at, id) < ($1, $2)
            ORDER BY received_at DESC, id DESC LIMIT $3) d
        LEFT JOIN events e ON e.delivery = d.id LEFT JOIN runs r ON r.event = e.id
        ORDER BY d.received_at DESC, d.id DESC, e.at, e.id, r.created_at, r.id";
}

/// A delivery to work on.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its number: later ones were stored later.
    pub number: u64,
    /// The sender's id.
    pub id: DeliveryId,
    /// `github`, `cloudevents` or `internal`.
    pub origin: String,
    /// The sender's name for what happened.
    pub kind: String,
    /// When it arrived.
    pub received_at: Micros,
    /// The headers that were kept.
    pub headers: Map<String, Value>,
    /// The body as it arrived; `None` where it was not asked for: see [`Reads::waiting_delivery`].
    pub body: Option<Bytes>,
    /// SHA-256 of the body in hex, of webhooks.
    pub digest: Option<String>,
    /// What was wrong with it at the door; it starts nothing.
    pub flagged: Option<String>,
    /// Whether a person wants it looked at although something followed from it.
    pub forced: bool,
}

/// Which bodies are read with deliveries that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bodies {
    /// Those up to so many bytes; `None` for none.
    pub largest: Option<u32>,
    /// Of GitHub's webhooks only those of these kinds: most others say all in their kind.
    pub webhooks: &'static [&'static str],
}

/// Deliveries that wait, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaitingPage {
    /// Those whose rows can be read.
    pub deliveries: Vec<Delivery>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<u64>,
}

/// The end of the work on a delivery: stored in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct SettleDelivery {
    /// The delivery.
    pub delivery: DeliveryId,
    /// When.
    pub at: Micros,
    /// What it meant, with the runs it starts.
    pub events: Vec<NewEvent>,
    /// One sentence, for example `ignored: a tag was pushed`.
    pub outcome: String,
}

/// A delivery as listings show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeliveryView {
    /// The sender's id.
    pub id: DeliveryId,
    /// `github`, `cloudevents` or `internal`.
    pub origin: String,
    /// The sender's name for what happened.
    pub kind: String,
    /// When it arrived.
    pub received_at: Micros,
    /// When its events were stored; `None` while it waits.
    pub processed_at: Option<Micros>,
    /// One sentence; `None` while it waits.
    pub outcome: Option<String>,
    /// Why it still waits, where something outside did not answer or its row cannot be read.
    pub waits_for: Option<String>,
    /// What was wrong with it at the door; it starts nothing.
    pub flagged: Option<String>,
    /// What it meant.
    pub events: Vec<EventView>,
}

/// An event as listings show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventView {
    /// The event.
    pub id: EventId,
    /// `push`, `pull_request`, `data`, `schedule` or `manual`.
    pub kind: String,
    /// When it was stored.
    pub at: Micros,
    /// In one line: the runs that it starts, and why other pipelines do not run.
    pub outcome: String,
    /// The runs it started.
    pub runs: Vec<RunId>,
}

impl Store {
    /// Notes why deliveries still wait, each by its number.
    pub async fn deliveries_wait(&self, why: Vec<(u64, String)>) -> Result<()> {
        self.write(move |db| {
            Box::pin(async move {
                for (number, why) in why {
                    db.execute(WAITS, args![number, why]).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Stores what a delivery meant, with runs and outbox items, and marks it processed. A delivery
    /// that was settled before is left alone: `Conflict`.
    pub async fn settle_delivery(&self, settle: &SettleDelivery) -> Result<Settled> {
        let settle = settle.clone();
        self.write(move |db| Box::pin(async move { settle_delivery(db, &settle).await }))
            .await
    }

    /// The same for many in one transaction; those that were settled before are left alone.
    pub async fn settle_deliveries(&self, all: Vec<SettleDelivery>, at: Micros) -> Result<()> {
        self.write(move |db| Box::pin(async move { settle_all(db, &all, at).await }))
            .await
    }
}

const WAITS_STILL: Kind = Kind {
    what: "delivery that waits",
    key: |row| row.get(0),
};

const DELIVERY: Kind = Kind {
    what: "delivery",
    ..WAITS_STILL
};

impl Reads {
    /// Deliveries without an outcome that were stored after number `after` (0 for all), oldest first, with the
    /// bodies that are asked for.
    pub async fn waiting_deliveries(&self, after: u64, limit: u32, bodies: &Bodies) -> Result<WaitingPage> {
        let largest = bodies.largest.map_or(-1, i64::from);
        // In blanks, as the pattern has them: a kind that is none of these at most has its body read.
        let webhooks = format!(" {} ", bodies.webhooks.join(" "));
        let arguments = args![after, largest, limit, webhooks];
        let rows = self.reader().await?.rows(WAITING, arguments).await?;
        let full = rows.len() >= limit as usize;
        let extent = if after == 0 && !full {
            Extent::Whole
        } else {
            Extent::Part
        };
        Ok(WaitingPage {
            deliveries: self.readable(WAITS_STILL, extent, &rows, waiting),
            next: match rows.last() {
                Some(last) if full => Some(last.count(5)?),
                _ => None,
            },
        })
    }

    /// One of them with its body; `None` when it waits no more.
    pub async fn waiting_delivery(&self, number: u64) -> Result<Option<Delivery>> {
        let row = self.reader().await?.row(ONE_WAITING, args![number]).await?;
        row.map(|row| WAITS_STILL.strictly(&row, with_body)).transpose()
    }

    /// One delivery with its events and runs.
    pub async fn delivery(&self, id: &DeliveryId) -> Result<Option<DeliveryView>> {
        let rows = self.reader().await?.rows(VIEW, args![id.as_str()]).await?;
        let mut found = DELIVERY.groups(&rows);
        let view = |group: &[Row]| DELIVERY.strictly(&group[0], |_| view(group));
        let mut found = found.next().map(view).transpose()?;
        self.explain(found.as_mut_slice());
        Ok(found)
    }

    /// The newest deliveries, newest first.
    pub async fn deliveries(&self, limit: u32) -> Result<Vec<DeliveryView>> {
        let newest = args![i64::MAX, "", limit];
        let rows = self.reader().await?.rows(NEWEST, newest).await?;
        let mut found = self.readable_groups(DELIVERY, Extent::Part, &rows, view);
        self.explain(&mut found);
        Ok(found)
    }

    /// Says of those that wait because their rows cannot be read why that is so; of the others it is stored.
    fn explain(&self, views: &mut [DeliveryView]) {
        for view in views {
            if view.processed_at.is_some() {
                view.waits_for = None;
            } else if let Some(row) = self.set_aside().find(WAITS_STILL.what, view.id.as_str()) {
                view.waits_for = Some(row.sentence());
            }
        }
    }
}

async fn settle_delivery(db: &mut Connection, settle: &SettleDelivery) -> Result<Settled> {
    if let Some(settled) = settle_one(db, settle).await? {
        return Ok(settled);
    }
    let id = &settle.delivery;
    Err(match db.row(EXISTS, args![id.as_str()]).await? {
        Some(_) => StoreError::Conflict(format!("delivery {id} was processed before")),
        None => StoreError::NotFound(format!("there is no delivery {id}")),
    })
}

/// `None` when it was settled before, or is not there.
async fn settle_one(db: &mut Connection, settle: &SettleDelivery) -> Result<Option<Settled>> {
    let id = settle.delivery.as_str();
    let Some(row) = db.row(SETTLE_EVENTS, args![id, settle.at, &settle.outcome]).await? else {
        return Ok(None);
    };
    let forced = row.get(0)?;
    let mut settled = Settled::default();
    let mut seen = Vec::new();
    for event in &settle.events {
        seen.extend(store_event(db, event, (Some(&settle.delivery), forced), settle.at, &mut settled).await?);
    }
    let event = settle.events.first();
    let mut not_running = event.map_or_else(
        || NotRunning::unseen(&settle.outcome),
        |event| event.not_running.clone(),
    );
    // What was seen before starts nothing, whatever it would have started.
    if !seen.is_empty() && seen.len() == settle.events.len() {
        let seen = seen.join("; ");
        not_running = NotRunning::seen_before(&seen);
        db.execute(SAY_INSTEAD, args![id, seen]).await?;
    }
    let asked = event.map_or("", |event| event.id.as_str());
    end_awaited(db, id, (&not_running, asked), settle.at).await?;
    Ok(Some(settled))
}

async fn settle_all(db: &mut Connection, all: &[SettleDelivery], at: Micros) -> Result<()> {
    let (plain, with_events): (Vec<_>, Vec<_>) = all.iter().partition(|settle| settle.events.is_empty());
    for (statement, rows) in filled(&plain, [(SETTLE_32, 32), (SETTLE_8, 8), (SETTLE_1, 1)]) {
        let pairs = rows.flat_map(|one| args![one.delivery.as_str(), &one.outcome]);
        let arguments = args![at].into_iter().chain(pairs).collect();
        db.execute(statement, arguments).await?;
    }
    // Where a defect of ours was met; what starts nothing by itself was not waited for.
    if !plain.is_empty() && any_awaited(db).await? {
        for settle in &plain {
            let unseen = NotRunning::unseen(&settle.outcome);
            end_awaited(db, settle.delivery.as_str(), (&unseen, ""), at).await?;
        }
    }
    for settle in with_events {
        settle_one(db, settle).await?;
    }
    Ok(())
}

fn waiting(row: &Row) -> Result<Delivery> {
    Ok(Delivery {
        number: row.count(5)?,
        id: DeliveryId::new(row.get::<String>(0)?),
        origin: row.get(1)?,
        kind: row.get(2)?,
        received_at: row.micros(3)?,
        headers: row.json(4, "headers")?,
        body: row.optional::<Vec<u8>>(6)?.map(Bytes::from),
        digest: row.optional(7)?,
        flagged: row.optional(8)?,
        forced: row.get(9)?,
    })
}

/// A body that is not there is damage.
fn with_body(row: &Row) -> Result<Delivery> {
    let delivery = waiting(row)?;
    match delivery.body {
        Some(_) => Ok(delivery),
        None => Err(row.damaged("body", "it is gone")),
    }
}

/// Folds the rows of one delivery, event × run, which come in that order.
fn view(rows: &[Row]) -> Result<DeliveryView> {
    let delivery = &rows[0];
    let mut view = DeliveryView {
        id: DeliveryId::new(delivery.get::<String>(0)?),
        origin: delivery.get(1)?,
        kind: delivery.get(2)?,
        received_at: delivery.micros(3)?,
        processed_at: delivery.optional(4)?.map(Micros),
        outcome: delivery.optional(5)?,
        waits_for: delivery.optional(11)?,
        flagged: delivery.optional(12)?,
        events: Vec::new(),
    };
    for row in rows {
        let Some(id) = row.optional::<String>(6)?.map(EventId::new) else {
            continue;
        };
        if view.events.last().is_none_or(|last| last.id != id) {
            view.events.push(EventView {
                id,
                kind: row.get(7)?,
                at: row.micros(8)?,
                outcome: row.get(9)?,
                runs: Vec::new(),
            });
        }
        if let (Some(event), Some(run)) = (view.events.last_mut(), row.optional::<String>(10)?) {
            event.runs.push(RunId::new(run));
        }
    }
    Ok(view)
}
