//! Old records go in small transactions: deliveries with their events, messages that nobody took, slots of schedules,
//! and runs. What a row that stays points to stays.

use crate::connection::{Connection, args};
use crate::error::Result;
use crate::reads::Reads;
use crate::statement::statements;
use crate::store::Store;
use serde::Serialize;
use std::collections::BTreeSet;
use trainyard_core::ids::{DeliveryId, Micros, RunId};

/// Rows of one transaction.
const BATCH: u32 = 100;

macro_rules! old_deliveries {
    () => {
        "FROM deliveries d WHERE d.received_at < $1 AND d.processed_at < $1
            AND NOT EXISTS (SELECT 1 FROM events e WHERE e.delivery = d.id AND (e.at >= $1
                OR EXISTS (SELECT 1 FROM runs r WHERE r.event = e.id)
                OR EXISTS (SELECT 1 FROM hold_events h WHERE h.event = e.id)))"
    };
}

macro_rules! old_events {
    () => {
        "FROM events e WHERE e.delivery IS NULL AND e.at < $1
            AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.event = e.id)
            AND NOT EXISTS (SELECT 1 FROM hold_events h WHERE h.event = e.id)"
    };
}

// The newest slot of a schedule is what its next one is counted from.
macro_rules! old_slots {
    () => {
        "FROM schedule_slots WHERE slot < $1 AND NOT EXISTS (SELECT 1 FROM schedules s
            WHERE s.repo = schedule_slots.repo AND s.pipeline = schedule_slots.pipeline
                AND (s.last_slot IS NULL OR s.last_slot <= schedule_slots.slot))"
    };
}

statements! {
    OLD_DELIVERIES = concat!("SELECT d.id ", old_deliveries!(), " ORDER BY d.received_at, d.id LIMIT $2");
    COUNT_DELIVERIES = concat!("SELECT COUNT(*) ", old_deliveries!());
    DELETE_EVENTS_OF = "DELETE FROM events WHERE delivery = $1";
    DELETE_BODY_OF = "DELETE FROM delivery_bodies WHERE id = (SELECT body_id FROM deliveries WHERE id = $1)";
    DELETE_DELIVERY = "DELETE FROM deliveries WHERE id = $1";
    OLD_EVENTS = concat!("SELECT e.id ", old_events!(), " ORDER BY e.at, e.id LIMIT $2");
    COUNT_EVENTS = concat!("SELECT COUNT(*) ", old_events!());
    DELETE_EVENT = "DELETE FROM events WHERE id = $1";
    DELETE_MESSAGES = "DELETE FROM outbox WHERE put_at < $1";
    COUNT_MESSAGES = "SELECT COUNT(*) FROM outbox WHERE put_at < $1";
    DELETE_SLOTS = concat!("DELETE ", old_slots!());
    COUNT_SLOTS = concat!("SELECT COUNT(*) ", old_slots!());
    GIVE_UP = "UPDATE deliveries SET processed_at = $2, outcome = $3
        WHERE id = $1 AND processed_at IS NULL AND received_at < $4";
    IN_LEDGERS = "SELECT run FROM promotions WHERE run IS NOT NULL UNION SELECT run FROM push_intents WHERE run IS NOT NULL";
    IS_OVER = "SELECT 1 FROM runs WHERE id = $1 AND state NOT IN ('queued', 'running')";
    DELETE_RUN_EVENTS = "DELETE FROM run_events WHERE run = $1";
    DELETE_PREIMAGES = "DELETE FROM preimages WHERE run = $1";
    DELETE_CRASHES = "DELETE FROM crashes WHERE run = $1";
    DELETE_RUN = "DELETE FROM runs WHERE id = $1";
}

/// Rows that went, or would go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// Deliveries, each with its events.
    pub deliveries: u64,
    /// Events that no delivery brought.
    pub events: u64,
    /// Messages that GitHub did not take.
    pub messages: u64,
    /// Slots of schedules.
    pub slots: u64,
}

impl Reads {
    /// What came in before this time and nothing needs any more.
    pub async fn forgettable_inbound(&self, before: Micros) -> Result<Forgotten> {
        let mut db = self.reader().await?;
        let mut counts = [0; 4];
        let statements = [COUNT_DELIVERIES, COUNT_EVENTS, COUNT_MESSAGES, COUNT_SLOTS];
        for (count, statement) in counts.iter_mut().zip(statements) {
            if let Some(row) = db.row(statement, args![before]).await? {
                *count = row.count(0)?;
            }
        }
        let [deliveries, events, messages, slots] = counts;
        Ok(Forgotten {
            deliveries,
            events,
            messages,
            slots,
        })
    }

    /// Runs that a promotion ledger names, or what was about to be promoted.
    pub async fn runs_in_ledgers(&self) -> Result<BTreeSet<RunId>> {
        let rows = self.reader().await?.rows(IN_LEDGERS, args![]).await?;
        rows.iter().map(|row| Ok(RunId::new(row.get::<String>(0)?))).collect()
    }
}

impl Store {
    /// Removes what came in before this time and nothing needs any more, in small transactions.
    pub async fn forget_inbound(&self, before: Micros) -> Result<Forgotten> {
        let mut gone = Forgotten::default();
        loop {
            let batch = self
                .write(move |db| Box::pin(async move { forget_deliveries(db, before).await }))
                .await?;
            gone.deliveries += batch;
            if batch < BATCH.into() {
                break;
            }
        }
        loop {
            let batch = self
                .write(move |db| Box::pin(async move { forget_events(db, before).await }))
                .await?;
            gone.events += batch;
            if batch < BATCH.into() {
                break;
            }
        }
        // Few of both: one a message of a commit, and one a slot of a schedule.
        (gone.messages, gone.slots) = self
            .write(move |db| {
                Box::pin(async move {
                    let messages = db.execute(DELETE_MESSAGES, args![before]).await?;
                    Ok((messages, db.execute(DELETE_SLOTS, args![before]).await?))
                })
            })
            .await?;
        Ok(gone)
    }

    /// Ends the wait of a delivery that came in before this time and cannot be read; false if it is none.
    pub async fn give_up_delivery(&self, id: &DeliveryId, before: Micros, outcome: &str, at: Micros) -> Result<bool> {
        let arguments = args![id.as_str(), at, outcome, before];
        let changed = self
            .write(move |db| Box::pin(async move { db.execute(GIVE_UP, arguments).await }))
            .await?;
        Ok(changed == 1)
    }

    /// Removes the records of runs that are over. What ML Metadata knows of them stays.
    pub async fn forget_runs(&self, runs: &[RunId]) -> Result<u64> {
        let runs = runs.to_vec();
        self.write(move |db| {
            Box::pin(async move {
                let mut gone = 0;
                for run in &runs {
                    if db.row(IS_OVER, args![run.as_str()]).await?.is_some() {
                        for statement in [DELETE_RUN_EVENTS, DELETE_PREIMAGES, DELETE_CRASHES, DELETE_RUN] {
                            db.execute(statement, args![run.as_str()]).await?;
                        }
                        gone += 1;
                    }
                }
                Ok(gone)
            })
        })
        .await
    }
}

async fn forget_deliveries(db: &mut Connection, before: Micros) -> Result<u64> {
    let rows = db.rows(OLD_DELIVERIES, args![before, BATCH]).await?;
    for row in &rows {
        let id: String = row.get(0)?;
        db.execute(DELETE_EVENTS_OF, args![&id]).await?;
        db.execute(DELETE_BODY_OF, args![&id]).await?;
        db.execute(DELETE_DELIVERY, args![&id]).await?;
    }
    Ok(rows.len() as u64)
}

async fn forget_events(db: &mut Connection, before: Micros) -> Result<u64> {
    let rows = db.rows(OLD_EVENTS, args![before, BATCH]).await?;
    for row in &rows {
        db.execute(DELETE_EVENT, args![row.get::<String>(0)?]).await?;
    }
    Ok(rows.len() as u64)
}
