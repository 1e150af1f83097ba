//! Data arrivals that wait for their quiet period.

use crate::connection::{Connection, Row, args};
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::ids::{EventId, Micros};
use trainyard_core::inbound::{Hold, HoldPayload};
use trainyard_core::stored;

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
    RELEASE = "DELETE FROM holds WHERE hold_key = $1 AND held_until = $2";
}

/// A stored [`Hold`].
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// [`HoldPayload::key`].
    pub key: String,
    /// When the quiet period is over; a later arrival moves it.
    pub until: Micros,
    /// The newest arrival.
    pub event: EventId,
    /// What waits.
    pub payload: HoldPayload,
    /// Every arrival so far, oldest first.
    pub events: Vec<EventId>,
}

impl Store {
    /// Starts or prolongs a wait. A consequence of an event does the same in the event's own transaction.
    pub async fn hold(&self, hold: &Hold) -> Result<()> {
        let hold = hold.clone();
        self.write(move |db| Box::pin(async move { put_hold(db, &hold).await }))
            .await
    }
}

const HOLD: Kind = Kind {
    what: "wait of data arrivals",
    key: |row| row.get(0),
};

impl Reads {
    /// What waits under a key.
    pub async fn held(&self, key: &str) -> Result<Option<Held>> {
        let rows = self.reader().await?.rows(BY_KEY, args![key]).await?;
        match rows.first() {
            Some(first) => HOLD.strictly(first, |_| fold(&rows)).map(Some),
            None => Ok(None),
        }
    }

    /// Waits that are over, oldest first.
    pub async fn due_holds(&self, now: Micros) -> Result<Vec<Held>> {
        self.holds_until(now, Extent::Part).await
    }

    /// When the next wait is over.
    pub async fn next_hold(&self) -> Result<Option<Micros>> {
        let all = self.holds_until(Micros(i64::MAX), Extent::Whole).await?;
        Ok(all.first().map(|held| held.until))
    }

    async fn holds_until(&self, until: Micros, extent: Extent) -> Result<Vec<Held>> {
        let rows = self.reader().await?.rows(DUE, args![until]).await?;
        Ok(self.readable_groups(HOLD, extent, &rows, fold))
    }
}

pub(crate) async fn put_hold(db: &mut Connection, hold: &Hold) -> Result<()> {
    let (key, event) = (hold.payload.key(), hold.event.as_str());
    db.execute(PUT, args![&key, hold.until, event, stored::write(&hold.payload)])
        .await?;
    db.execute(PUT_EVENT, args![&key, event]).await?;
    Ok(())
}

/// Ends a wait that still ends at `until`; else `Conflict`.
pub(crate) async fn end_hold(db: &mut Connection, key: &str, until: Micros) -> Result<()> {
    match db.execute(RELEASE, args![key, until]).await? {
        0 => Err(StoreError::Conflict(format!(
            "the data arrivals under '{key}' no longer end their wait then"
        ))),
        _ => Ok(()),
    }
}

/// Folds the rows of one wait, one for each arrival.
fn fold(rows: &[Row]) -> Result<Held> {
    let events: Result<Vec<_>> = rows.iter().map(|row| row.get::<String>(4).map(EventId::new)).collect();
    let hold = &rows[0];
    Ok(Held {
        key: hold.get(0)?,
        until: hold.micros(1)?,
        event: EventId::new(hold.get::<String>(2)?),
        payload: hold.stored(3, "payload")?,
        events: events?,
    })
}
