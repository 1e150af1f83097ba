//! What a delivery was taken for, as people ask for it, and the looking at it anew.

use crate::connection::args;
use crate::deliveries::DeliveryView;
use crate::error::{Result, StoreError};
use crate::listing::only_one;
use crate::reads::Reads;
use crate::statement::statements;
use crate::store::Store;
use serde_json::{Map, Value};
use trainyard_core::event::Event;
use trainyard_core::ids::{DeliveryId, EventId, Micros, RunId};
use trainyard_core::stored;
use trainyard_core::trigger::{Look, Looks};

statements! {
    WHOLE = "SELECT d.headers, d.digest, d.replayed_by, d.forced, length(b.body)
        FROM deliveries d LEFT JOIN delivery_bodies b ON b.id = d.body_id WHERE d.id = $1";
    EVENTS = "SELECT id, event, looks FROM events WHERE delivery = $1 ORDER BY at, id";
    BY_PREFIX = "SELECT id FROM deliveries WHERE id >= $1 AND id <= $2 AND substr(id, 1, length($1)) = $1 ORDER BY id LIMIT 2";
    NEWEST_IDS = "SELECT id FROM deliveries WHERE (received_at, id) < ($1, $2)
        ORDER BY received_at DESC, id DESC LIMIT $3";
    REPEATED = "SELECT d.id FROM deliveries d
        WHERE d.kind = $1 AND d.digest = $2 AND d.received_at >= $3 AND d.id <> $4 AND d.processed_at IS NOT NULL
            AND EXISTS (SELECT 1 FROM events e WHERE e.delivery = d.id AND e.dedupe_key IS NOT NULL)
        ORDER BY d.received_at, d.id LIMIT 1";
    STATE = "SELECT processed_at, body_id FROM deliveries WHERE id = $1";
    RUNS = "SELECT r.id FROM events e JOIN runs r ON r.event = e.id WHERE e.delivery = $1 ORDER BY r.created_at, r.id";
    COPY_BODY = "INSERT INTO delivery_bodies (delivery, body) SELECT delivery, body FROM delivery_bodies WHERE id = $1
        RETURNING id";
    ASKED = "SELECT 1 FROM events WHERE delivery = $1 AND kind = 'asked' AND dedupe_key IS NOT NULL LIMIT 1";
    FORGET_BODY = "DELETE FROM delivery_bodies WHERE id = $1";
    FORGET_EVENTS = "DELETE FROM events WHERE delivery = $1";
    ANEW = "UPDATE deliveries SET processed_at = NULL, outcome = NULL, waits_for = NULL, body_id = $2, replayed_by = $3,
            forced = $4
        WHERE id = $1";
}

/// A delivery with all that is known of how it was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What came of it.
    pub delivery: DeliveryView,
    /// The headers that were kept.
    pub headers: Map<String, Value>,
    /// Bytes of its body.
    pub bytes: u64,
    /// SHA-256 of its body in hex, of webhooks.
    pub digest: Option<String>,
    /// Who had it looked at anew.
    pub replayed_by: Option<String>,
    /// Whether although something had followed from it.
    pub forced: bool,
    /// Its events as [`DeliveryView::events`] has them.
    pub events: Vec<ExplainedEvent>,
}

/// What an event was, and how pipelines met it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedEvent {
    /// The event.
    pub id: EventId,
    /// What happened; `None` where it cannot be read.
    pub event: Option<Event>,
    /// Each pipeline's triggers and filters; none of events of older Trainyards.
    pub looks: Vec<Look>,
}

/// What became of the wish to look at a delivery anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedAnew {
    /// It will be looked at.
    Waits,
    /// It waits already.
    WaitedAlready,
    /// Nothing: these runs followed from it, and it was not forced.
    Started(Vec<RunId>),
    /// Nothing: what a person asked in it was heard, and it was not forced.
    Heard,
}

/// So many of the newest ids are looked through for one that was meant.
const NEWEST: u32 = 500;

impl Reads {
    /// A delivery with all that is known of it.
    pub async fn explain_delivery(&self, id: &DeliveryId) -> Result<Option<Explanation>> {
        let Some(delivery) = self.delivery(id).await? else {
            return Ok(None);
        };
        let mut db = self.reader().await?;
        let Some(whole) = db.row(WHOLE, args![id.as_str()]).await? else {
            return Ok(None);
        };
        let mut events = Vec::new();
        for row in db.rows(EVENTS, args![id.as_str()]).await? {
            let event: String = row.get(1)?;
            let looks = row.optional::<String>(2)?;
            // What cannot be read is left out: the rest is still an explanation.
            let looks = looks.and_then(|looks| stored::read::<Looks>(&looks).ok());
            events.push(ExplainedEvent {
                id: EventId::new(row.get::<String>(0)?),
                event: serde_json::from_str(&event).ok(),
                looks: looks.unwrap_or_default().pipelines,
            });
        }
        Ok(Some(Explanation {
            delivery,
            headers: whole.json(0, "headers").unwrap_or_default(),
            bytes: whole.optional::<i64>(4)?.map_or(0, i64::unsigned_abs),
            digest: whole.optional(1)?,
            replayed_by: whole.optional(2)?,
            forced: whole.get(3)?,
            events,
        }))
    }

    /// The id of a delivery by its beginning, if only one begins so; else `Conflict`.
    pub async fn delivery_named(&self, id_or_prefix: &str) -> Result<Option<DeliveryId>> {
        if id_or_prefix.is_empty() {
            return Ok(None);
        }
        let mut db = self.reader().await?;
        if db.row(STATE, args![id_or_prefix]).await?.is_some() {
            return Ok(Some(DeliveryId::new(id_or_prefix)));
        }
        let row = only_one(&mut db, BY_PREFIX, "delivery", id_or_prefix).await?;
        row.map(|row| Ok(DeliveryId::new(row.get::<String>(0)?))).transpose()
    }

    /// The ids of the newest deliveries, newest first, to find the one that was meant.
    pub async fn newest_deliveries(&self) -> Result<Vec<DeliveryId>> {
        let rows = self
            .reader()
            .await?
            .rows(NEWEST_IDS, args![i64::MAX, "", NEWEST])
            .await?;
        rows.iter()
            .map(|row| Ok(DeliveryId::new(row.get::<String>(0)?)))
            .collect()
    }

    /// The earliest other delivery since then with the same event and the same bytes that was looked at.
    pub async fn repeated(
        &self,
        kind: &str,
        digest: &str,
        since: Micros,
        not: &DeliveryId,
    ) -> Result<Option<DeliveryId>> {
        let arguments = args![kind, digest, since, not.as_str()];
        let row = self.reader().await?.row(REPEATED, arguments).await?;
        row.map(|row| Ok(DeliveryId::new(row.get::<String>(0)?))).transpose()
    }
}

impl Store {
    /// Has a delivery looked at anew, as a person asks for it. One from which runs followed, or in which a person asked
    /// for something, only if it is `forced`: what starts then is new. `NotFound` where there is none.
    pub async fn replay_delivery(&self, id: &DeliveryId, by: &str, forced: bool) -> Result<AskedAnew> {
        let (id, by) = (id.clone(), by.to_owned());
        self.write(move |db| {
            Box::pin(async move {
                let id = id.as_str();
                let Some(row) = db.row(STATE, args![id]).await? else {
                    return Err(StoreError::NotFound(format!("there is no delivery {id}")));
                };
                if row.optional::<i64>(0)?.is_none() {
                    return Ok(AskedAnew::WaitedAlready);
                }
                let runs = db.rows(RUNS, args![id]).await?;
                let runs: Vec<RunId> = runs
                    .iter()
                    .map(|row| Ok(RunId::new(row.get::<String>(0)?)))
                    .collect::<Result<_>>()?;
                if !runs.is_empty() && !forced {
                    return Ok(AskedAnew::Started(runs));
                }
                if !forced && db.row(ASKED, args![id]).await?.is_some() {
                    return Ok(AskedAnew::Heard);
                }
                if !forced {
                    db.execute(FORGET_EVENTS, args![id]).await?;
                }
                // It is the newest of those that wait: who reads them in order meets it.
                let old: Option<i64> = row.optional(1)?;
                let Some(body) = db.row(COPY_BODY, args![old]).await? else {
                    return Err(StoreError::Conflict(format!("the body of delivery {id} is gone")));
                };
                let body: i64 = body.get(0)?;
                db.execute(FORGET_BODY, args![old]).await?;
                db.execute(ANEW, args![id, body, &by, forced]).await?;
                Ok(AskedAnew::Waits)
            })
        })
        .await
    }
}
