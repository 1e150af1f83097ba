//! Deliveries: what came in from outside, stored before it is answered.

use crate::connection::{Connection, Row, args, json};
use crate::error::{Result, StoreError};
use crate::events::{NewEvent, Settled, store_event};
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use trainyard_core::ids::{DeliveryId, EventId, Micros, RunId};

statements! {
    INSERT = "INSERT INTO deliveries (id, origin, kind, received_at, headers, body) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO NOTHING";
    UNPROCESSED = "SELECT id, origin, kind, received_at, headers, body FROM deliveries
        WHERE processed_at IS NULL ORDER BY received_at, id LIMIT $1";
    SETTLE = "UPDATE deliveries SET processed_at = $2, outcome = $3 WHERE id = $1 AND processed_at IS NULL";
    WAITS = "UPDATE deliveries SET waits_for = $2
        WHERE id = $1 AND processed_at IS NULL AND waits_for IS DISTINCT FROM $2";
    EXISTS = "SELECT 1 FROM deliveries WHERE id = $1";
    VIEW = "SELECT d.id, d.origin, d.kind, d.received_at, d.processed_at, d.outcome,
            e.id, e.kind, e.at, e.outcome, r.id, d.waits_for
        FROM deliveries d LEFT JOIN events e ON e.delivery = d.id LEFT JOIN runs r ON r.event = e.id
        WHERE d.id = $1 ORDER BY e.at, e.id, r.created_at, r.id";
    NEWEST = "SELECT d.id, d.origin, d.kind, d.received_at, d.processed_at, d.outcome,
            e.id, e.kind, e.at, e.outcome, r.id, d.waits_for
        FROM (SELECT * FROM deliveries ORDER BY received_at DESC, id DESC LIMIT $1) d
        LEFT JOIN events e ON e.delivery = d.id LEFT JOIN runs r ON r.event = e.id
        ORDER BY d.received_at DESC, d.id DESC, e.at, e.id, r.created_at, r.id";
}

/// A delivery whose signature was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDelivery {
    /// The sender's id; the same id is accepted once.
    pub id: DeliveryId,
    /// `github`, `cloudevents` or `internal`.
    pub origin: String,
    /// The sender's name for what happened, for example `push`.
    pub kind: String,
    /// When it arrived.
    pub received_at: Micros,
    /// The headers worth keeping.
    pub headers: Map<String, Value>,
    /// The body as it arrived.
    pub body: Bytes,
}

/// What became of a delivery at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is stored and on the disk.
    New,
    /// It was stored before.
    Duplicate,
}

/// A delivery to work on.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
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
    /// The body as it arrived.
    pub body: Bytes,
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
    /// One sentence: the reason when no run was started.
    pub outcome: String,
    /// The runs it started.
    pub runs: Vec<RunId>,
}

impl Store {
    /// Stores a delivery; it is on the disk when this returns.
    pub async fn accept_delivery(&self, delivery: &NewDelivery) -> Result<Accepted> {
        let arguments = args![
            delivery.id.as_str(),
            &delivery.origin,
            &delivery.kind,
            delivery.received_at,
            json(&delivery.headers),
            delivery.body.to_vec(),
        ];
        let stored = self
            .write_for_sender(move |db| Box::pin(async move { db.execute(INSERT, arguments).await }))
            .await?;
        Ok(if stored == 1 {
            Accepted::New
        } else {
            Accepted::Duplicate
        })
    }

    /// Notes why a delivery still waits.
    pub async fn delivery_waits(&self, id: &DeliveryId, why: &str) -> Result<()> {
        let arguments = args![id.as_str(), why];
        self.write(move |db| Box::pin(async move { db.execute(WAITS, arguments).await }))
            .await?;
        Ok(())
    }

    /// Stores what a delivery meant, with runs and outbox items, and marks it processed. A delivery
    /// that was settled before is left alone: `Conflict`.
    pub async fn settle_delivery(&self, settle: &SettleDelivery) -> Result<Settled> {
        let settle = settle.clone();
        self.write(move |db| Box::pin(async move { settle_delivery(db, &settle).await }))
            .await
    }
}

const WAITING: Kind = Kind {
    what: "delivery that waits",
    key: |row| row.get(0),
};

const DELIVERY: Kind = Kind {
    what: "delivery",
    ..WAITING
};

impl Reads {
    /// Deliveries without an outcome, oldest first.
    pub async fn unprocessed_deliveries(&self, limit: u32) -> Result<Vec<Delivery>> {
        let all = (UNPROCESSED, args![]);
        self.first_readable(WAITING, Extent::Whole, all, limit, waiting).await
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
        let rows = self.reader().await?.rows(NEWEST, args![limit]).await?;
        let mut found = self.readable_groups(DELIVERY, Extent::Part, &rows, view);
        self.explain(&mut found);
        Ok(found)
    }

    /// Says of those that wait because their rows cannot be read why that is so; of the others it is stored.
    fn explain(&self, views: &mut [DeliveryView]) {
        for view in views {
            if view.processed_at.is_some() {
                view.waits_for = None;
            } else if let Some(row) = self.set_aside().find(WAITING.what, view.id.as_str()) {
                view.waits_for = Some(row.sentence());
            }
        }
    }
}

async fn settle_delivery(db: &mut Connection, settle: &SettleDelivery) -> Result<Settled> {
    let marked = db
        .execute(SETTLE, args![settle.delivery.as_str(), settle.at, &settle.outcome])
        .await?;
    if marked == 0 {
        let id = &settle.delivery;
        return Err(match db.row(EXISTS, args![id.as_str()]).await? {
            Some(_) => StoreError::Conflict(format!("delivery {id} was processed before")),
            None => StoreError::NotFound(format!("there is no delivery {id}")),
        });
    }
    let mut settled = Settled::default();
    for event in &settle.events {
        store_event(db, event, Some(&settle.delivery), settle.at, &mut settled).await?;
    }
    Ok(settled)
}

fn waiting(row: &Row) -> Result<Delivery> {
    Ok(Delivery {
        id: DeliveryId::new(row.get::<String>(0)?),
        origin: row.get(1)?,
        kind: row.get(2)?,
        received_at: row.micros(3)?,
        headers: row.json(4, "headers")?,
        body: row.get::<Vec<u8>>(5)?.into(),
    })
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
