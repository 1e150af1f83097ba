//! The door of deliveries. Those that arrive while others are being stored are stored together: a few statements,
//! one transaction and one fsync for all of them.

use crate::arrivals::{Accepted, NewDelivery, Pending, Turn};
use crate::connection::{Connection, args, json};
use crate::error::{Result, StoreError};
use crate::statement::{chunks, filled, numbered, statements};
use crate::store::Store;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::oneshot;

statements! {
    BODY = "INSERT INTO delivery_bodies (delivery, body) VALUES ($1, $2) RETURNING id, delivery";
    BODY_8 = numbered!("INSERT INTO delivery_bodies (delivery, body) VALUES ", 0, 8 x 2, " RETURNING id, delivery");
    BODY_16 = numbered!("INSERT INTO delivery_bodies (delivery, body) VALUES ", 0, 16 x 2, " RETURNING id, delivery");
    BODY_32 = numbered!("INSERT INTO delivery_bodies (delivery, body) VALUES ", 0, 32 x 2, " RETURNING id, delivery");
    INSERT = "INSERT INTO deliveries (id, origin, kind, received_at, headers, body_id, digest, flagged)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING RETURNING id";
    INSERT_8 = numbered!("INSERT INTO deliveries (id, origin, kind, received_at, headers, body_id, digest, flagged) VALUES ",
        0, 8 x 8, " ON CONFLICT (id) DO NOTHING RETURNING id");
    INSERT_32 = numbered!("INSERT INTO deliveries (id, origin, kind, received_at, headers, body_id, digest, flagged) VALUES ",
        0, 32 x 8, " ON CONFLICT (id) DO NOTHING RETURNING id");
    FORGET_BODY = "DELETE FROM delivery_bodies WHERE id = $1";
    STARTED_NOTHING = "SELECT body_id FROM deliveries d WHERE d.id = $1 AND d.origin = 'github' AND d.processed_at IS NOT NULL
        AND (d.flagged IS NOT NULL OR EXISTS (SELECT 1 FROM events e WHERE e.delivery = d.id))
        AND NOT EXISTS (SELECT 1 FROM events e WHERE e.delivery = d.id
            AND (e.kind = 'asked' AND e.dedupe_key IS NOT NULL
                OR EXISTS (SELECT 1 FROM runs r WHERE r.event = e.id)))";
    FORGET_EVENTS = "DELETE FROM events WHERE delivery = $1";
    REOPEN = "UPDATE deliveries SET processed_at = NULL, outcome = NULL, waits_for = NULL, body_id = $2, kind = $3,
            headers = $4, digest = $5, flagged = NULL
        WHERE id = $1";
}

impl Store {
    /// Stores a delivery; it is on the disk when this returns. Dropping the future does not stop it.
    pub async fn accept_delivery(&self, delivery: &NewDelivery) -> Result<Accepted> {
        let (reply, answer) = oneshot::channel();
        let delivery = delivery.clone();
        if let Some(mut turn) = self.accepts().put(Pending { delivery, reply }) {
            let store = self.clone();
            // In a task of its own: who asked may go away, and the others still wait.
            tokio::spawn(async move { while store.accept_waiting(&mut turn).await {} });
        }
        answer.await.unwrap_or_else(|_| Err(cut_off()))
    }

    /// Stores what waits, as far as it goes into one transaction; false when nothing does.
    async fn accept_waiting(&self, turn: &mut Turn) -> bool {
        turn.gather().await;
        let batch = turn.take();
        if batch.is_empty() {
            return false;
        }
        let (deliveries, replies): (Vec<_>, Vec<_>) = batch.into_iter().map(|p| (p.delivery, p.reply)).unzip();
        let deliveries: Arc<[NewDelivery]> = deliveries.into();
        let all = Arc::clone(&deliveries);
        let stored = self
            .write_for_sender(move |db| Box::pin(async move { accept(db, &all).await }))
            .await;
        match stored {
            Ok(accepted) => {
                for (reply, accepted) in replies.into_iter().zip(accepted) {
                    let _ = reply.send(Ok(accepted));
                }
            }
            // What is wrong with the database is wrong for those behind as well: none waits for it again.
            Err(error) if error.passes() => {
                let behind = turn.take_all().into_iter().map(|pending| pending.reply);
                for reply in replies.into_iter().chain(behind) {
                    let _ = reply.send(Err(error.clone()));
                }
            }
            Err(error) if replies.len() == 1 => {
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
            // One of them is refused, and the others are not: each by itself.
            Err(_) => {
                for (delivery, reply) in deliveries.iter().cloned().zip(replies) {
                    let one = self.write_for_sender(move |db| Box::pin(async move { accept(db, &[delivery]).await }));
                    let _ = reply.send(one.await.map(|accepted| accepted[0]));
                }
            }
        }
        true
    }
}

fn cut_off() -> StoreError {
    StoreError::Conflict("the delivery was not stored: send it again".to_owned())
}

/// Stores deliveries with their bodies and says of each what became of it. Of two with one id the first counts.
async fn accept(db: &mut Connection, all: &[NewDelivery]) -> Result<Vec<Accepted>> {
    // PostgreSQL's texts have no NUL: an id is the same in both databases.
    let ids: Vec<String> = all
        .iter()
        .map(|new| new.id.as_str().replace('\0', "\u{fffd}"))
        .collect();
    let mut met = HashSet::new();
    let first: Vec<(&str, &NewDelivery)> = ids
        .iter()
        .map(String::as_str)
        .zip(all)
        .filter(|(id, _)| met.insert(*id))
        .collect();
    let mut bodies: HashMap<String, i64> = HashMap::with_capacity(first.len());
    for (statement, rows) in chunks(&first, &[(BODY_32, 32), (BODY_16, 16), (BODY_8, 8), (BODY, 1)]) {
        let arguments = rows.iter().flat_map(|(id, new)| args![*id, new.body.to_vec()]);
        for row in db.rows(statement, arguments.collect()).await? {
            bodies.insert(row.get(1)?, row.get(0)?);
        }
    }
    let mut stored: HashSet<String> = HashSet::with_capacity(first.len());
    for (statement, rows) in filled(&first, [(INSERT_32, 32), (INSERT_8, 8), (INSERT, 1)]) {
        let arguments = rows.flat_map(|(id, new)| {
            let body = bodies.get(*id).copied();
            args![
                *id,
                &new.origin,
                &new.kind,
                new.received_at,
                json(&new.headers),
                body,
                new.digest.as_deref(),
                new.flagged.as_deref()
            ]
        });
        for row in db.rows(statement, arguments.collect()).await? {
            stored.insert(row.get(0)?);
        }
    }
    let there: Vec<(&str, &NewDelivery)> = first.iter().copied().filter(|(id, _)| !stored.contains(*id)).collect();
    for (id, new) in there {
        let body = bodies.get(id).copied();
        // What is wrong now takes no one's place.
        if new.flagged.is_none() && reopen(db, id, new, body).await? {
            stored.insert(id.to_owned());
        } else {
            db.execute(FORGET_BODY, args![body]).await?;
        }
    }
    let answer = |id: &String| {
        if stored.remove(id) {
            Accepted::New
        } else {
            Accepted::Duplicate
        }
    };
    Ok(ids.iter().map(answer).collect())
}

/// A person has GitHub send a push or pull request again from which no run followed: what kept it may be mended, and it
/// is looked at anew. It keeps the time of its arrival. What a person asked in it was heard, and is not done twice.
async fn reopen(db: &mut Connection, id: &str, new: &NewDelivery, body: Option<i64>) -> Result<bool> {
    let Some(settled) = db.row(STARTED_NOTHING, args![id]).await? else {
        return Ok(false);
    };
    db.execute(FORGET_EVENTS, args![id]).await?;
    db.execute(FORGET_BODY, args![settled.optional::<i64>(0)?]).await?;
    let arguments = args![id, body, &new.kind, json(&new.headers), new.digest.as_deref()];
    db.execute(REOPEN, arguments).await?;
    Ok(true)
}
