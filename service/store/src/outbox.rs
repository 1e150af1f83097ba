//! What GitHub and others still have to be told; messages with the same key replace each other.

use crate::connection::{Connection, Row, args};
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::ids::Micros;
use trainyard_core::report::{Message, MessageKind, OutboxItem, Outgoing};

statements! {
    PUT = "INSERT INTO outbox (item_key, kind, repo, installation_id, payload, next_attempt_at, put_at, lane, urgency)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)
        ON CONFLICT (item_key) DO UPDATE SET kind = excluded.kind, repo = excluded.repo,
            installation_id = excluded.installation_id, payload = excluded.payload,
            generation = outbox.generation + 1, attempts = 0, next_attempt_at = excluded.next_attempt_at,
            put_at = excluded.put_at, last_error = NULL, lane = excluded.lane, urgency = excluded.urgency";
    LANES = "SELECT DISTINCT lane FROM outbox WHERE next_attempt_at <= $1 ORDER BY lane";
    DUE = "SELECT id, generation, attempts, item_key, kind, repo, installation_id, payload, next_attempt_at FROM outbox
        WHERE next_attempt_at <= $1 AND (CAST($2 AS TEXT) IS NULL OR lane = CAST($2 AS TEXT))
        ORDER BY urgency, next_attempt_at, id LIMIT $3";
    NEXT = "SELECT MIN(next_attempt_at) FROM outbox WHERE next_attempt_at > $1";
    DONE = "DELETE FROM outbox WHERE id = $1 AND generation = $2";
    FAILED = "UPDATE outbox SET attempts = attempts + 1, next_attempt_at = $3, last_error = $4 WHERE id = $1 AND generation = $2";
}

/// A message that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    /// Its row.
    pub id: i64,
    /// Grows when a newer message with the same key replaces it.
    pub generation: i64,
    /// Failed attempts so far.
    pub attempts: u32,
    /// The message.
    pub message: Outgoing,
}

impl Store {
    /// Adds messages without a run or an event.
    pub async fn put_outbox(&self, items: &[OutboxItem], at: Micros) -> Result<()> {
        let items = items.to_vec();
        self.write(move |db| {
            Box::pin(async move {
                for item in items {
                    put_item(db, item, at).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// The message was sent. False when a newer one replaced it meanwhile and is still to be sent.
    pub async fn outbox_done(&self, id: i64, generation: i64) -> Result<bool> {
        let arguments = args![id, generation];
        Ok(self
            .write(move |db| Box::pin(async move { db.execute(DONE, arguments).await }))
            .await?
            == 1)
    }

    /// The message was not sent; a newer one that replaced it meanwhile stays due at once.
    pub async fn outbox_failed(&self, id: i64, generation: i64, next_attempt_at: Micros, error: &str) -> Result<()> {
        let arguments = args![id, generation, next_attempt_at, error];
        self.write(move |db| Box::pin(async move { db.execute(FAILED, arguments).await }))
            .await?;
        Ok(())
    }
}

const MESSAGE: Kind = Kind {
    what: "message of the outbox",
    key: |row| row.get(3),
};

impl Reads {
    /// The lanes in which a message is due.
    pub async fn due_lanes(&self, now: Micros) -> Result<Vec<String>> {
        let rows = self.reader().await?.rows(LANES, args![now]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Messages to send now, of one lane or of all, the most urgent first, and of those the one that is due longest.
    pub async fn due_outbox(&self, now: Micros, lane: Option<&str>, limit: u32) -> Result<Vec<OutboxRow>> {
        let due = (DUE, args![now, lane]);
        self.first_readable(MESSAGE, Extent::Part, due, limit, message).await
    }

    /// When a message is due that is not yet.
    pub async fn next_outbox(&self, now: Micros) -> Result<Option<Micros>> {
        let row = self.reader().await?.row(NEXT, args![now]).await?;
        Ok(row.map(|row| row.optional(0)).transpose()?.flatten().map(Micros))
    }
}

pub(crate) fn message(row: &Row) -> Result<OutboxRow> {
    let to_github = |message: Message| {
        Ok::<_, StoreError>(Outgoing::GitHub(OutboxItem {
            repo: row.word(5, "repository")?,
            installation_id: row.optional(6)?,
            message,
        }))
    };
    Ok(OutboxRow {
        id: row.get(0)?,
        generation: row.get(1)?,
        attempts: u32::try_from(row.count(2)?).unwrap_or(u32::MAX),
        message: match row.word(4, "kind")? {
            MessageKind::Status => to_github(Message::Status(row.stored(7, "payload")?))?,
            MessageKind::Comment => to_github(Message::Comment(row.stored(7, "payload")?))?,
            MessageKind::Notice => Outgoing::Notice(Box::new(row.stored(7, "payload")?)),
        },
    })
}

/// Adds a message to GitHub or replaces the one with its key.
pub(crate) async fn put_item(db: &mut Connection, item: OutboxItem, at: Micros) -> Result<()> {
    put(db, &Outgoing::GitHub(item), at).await
}

/// Adds a message or replaces the one with its key.
pub(crate) async fn put(db: &mut Connection, message: &Outgoing, at: Micros) -> Result<()> {
    let (repo, installation) = match message {
        Outgoing::GitHub(item) => (item.repo.to_string(), item.installation_id),
        Outgoing::Notice(_) => (String::new(), None),
    };
    let arguments = args![
        message.key(),
        message.kind().as_str(),
        repo,
        installation,
        message.write(),
        at,
        message.lane(),
        message.urgency().rank()
    ];
    db.execute(PUT, arguments).await?;
    Ok(())
}
