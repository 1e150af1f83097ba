//! Data arrivals that wait for their quiet period.

use crate::connection::{Connection, Row, args, json};
use crate::error::{Result, StoreError};
use crate::events::{NewEvent, Settled, store_event};
use crate::statements::statements;
use crate::store::Store;
use serde_json::Value;
use trainyard_core::ids::{EventId, Micros};

statements! {
    PUT = "INSERT INTO holds (hold_key, held_until, event, payload) VALUES ($1, $2, $3, $4)
        ON CONFLICT (hold_key) DO UPDATE SET held_until = excluded.held_until, event = excluded.event,
            payload = excluded.payload";
    PUT_EVENT = "INSERT INTO hold_events (hold_key, event) VALUES ($1, $2) ON CONFLICT (hold_key, event) DO NOTHING";
    BY_KEY = "SELECT h.hold_key, h.held_until, h.event, h.payload, e.event
        FROM holds h JOIN hold_events e ON e.hold_key = h.hold_key WHERE h.hold_key = $1 ORDER BY e.id";
    DUE = "SELECT h.hold_key, h.held_until, h.event, h.payload, e.event
        FROM holds h JOIN hold_events e ON e.hold_key = h.hold_key
        WHERE h.held_until <= $1 ORDER BY h.held_until, h.hold_key, e.id";
    NEXT = "SELECT MIN(held_until) FROM holds";
    RELEASE = "DELETE FROM holds WHERE hold_key = $1 AND held_until = $2";
}

/// Arrivals of one source for one pipeline, waiting together.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Repository, pipeline and source.
    pub key: String,
    /// When the quiet period is over; a later arrival moves it.
    pub until: Micros,
    /// The newest arrival.
    pub event: EventId,
    /// What the caller needs to start the run; it merges with the earlier payload itself.
    pub payload: Value,
    /// Every arrival so far, oldest first; filled by reads, ignored by writes.
    pub events: Vec<EventId>,
}

impl Store {
    /// Starts or prolongs a wait. [`NewEvent::holds`] does the same in the event's own transaction.
    pub async fn hold(&self, held: &Held) -> Result<()> {
        let held = held.clone();
        self.write(move |db| Box::pin(async move { put_hold(db, &held).await }))
            .await
    }

    /// What waits under a key.
    pub async fn held(&self, key: &str) -> Result<Option<Held>> {
        let rows = self.reader().await?.rows(BY_KEY, args![key]).await?;
        Ok(fold(&rows)?.into_iter().next())
    }

    /// Waits that are over, oldest first.
    pub async fn due_holds(&self, now: Micros) -> Result<Vec<Held>> {
        let rows = self.reader().await?.rows(DUE, args![now]).await?;
        fold(&rows)
    }

    /// When the next wait is over.
    pub async fn next_hold(&self) -> Result<Option<Micros>> {
        let row = self.reader().await?.row(NEXT, args![]).await?;
        Ok(row.map(|row| row.optional(0)).transpose()?.flatten().map(Micros))
    }

    /// Ends a wait with the event that starts its run, in one transaction. `Conflict` when the wait
    /// is gone or no longer ends at `until`.
    pub async fn release_hold(&self, key: &str, until: Micros, event: &NewEvent, at: Micros) -> Result<Settled> {
        let (key, event) = (key.to_owned(), event.clone());
        self.write(move |db| {
            Box::pin(async move {
                if db.execute(RELEASE, args![&key, until]).await? == 0 {
                    return Err(StoreError::Conflict(format!(
                        "the data arrivals under '{key}' no longer end their wait then"
                    )));
                }
                let mut settled = Settled::default();
                store_event(db, &event, None, at, &mut settled).await?;
                Ok(settled)
            })
        })
        .await
    }
}

pub(crate) async fn put_hold(db: &mut Connection, held: &Held) -> Result<()> {
    db.execute(
        PUT,
        args![&held.key, held.until, held.event.as_str(), json(&held.payload)],
    )
    .await?;
    db.execute(PUT_EVENT, args![&held.key, held.event.as_str()]).await?;
    Ok(())
}

/// Folds rows of wait × event, which come in that order.
fn fold(rows: &[Row]) -> Result<Vec<Held>> {
    let mut all: Vec<Held> = Vec::new();
    for row in rows {
        let key: String = row.get(0)?;
        if all.last().is_none_or(|last| last.key != key) {
            let event = EventId::new(row.get::<String>(2)?);
            let payload = row.json(3, "payload of a data arrival")?;
            all.push(Held {
                key,
                until: row.micros(1)?,
                event,
                payload,
                events: Vec::new(),
            });
        }
        if let Some(held) = all.last_mut() {
            held.events.push(EventId::new(row.get::<String>(4)?));
        }
    }
    Ok(all)
}
