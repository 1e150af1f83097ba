//! Old records go in small transactions: deliveries with their events, messages that nobody took, slots of schedules,
//! and runs. What a row that stays points to stays.

use crate::checks::end_awaited;
use crate::connection::args;
use crate::error::Result;
use crate::reads::Reads;
use crate::statement::{Statement, statements};
use crate::store::Store;
use serde::Serialize;
use std::collections::BTreeSet;
use trainyard_core::ids::{DeliveryId, Micros, RunId};
use trainyard_core::inbound::NotRunning;

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

// What an open pull request asks is answered as long as it is open.
macro_rules! old_checks {
    () => {
        "FROM checks WHERE at < $1 AND NOT EXISTS (SELECT 1 FROM pull_requests p
            WHERE p.repo = checks.repo AND p.head = checks.commit_sha AND p.is_open = TRUE)"
    };
}

statements! {
    OLD_DELIVERIES = concat!("SELECT d.id, d.received_at ", old_deliveries!(),
        " AND (d.received_at, d.id) > ($2, $3) ORDER BY d.received_at, d.id LIMIT $4");
    COUNT_DELIVERIES = concat!("SELECT COUNT(*) ", old_deliveries!());
    DELETE_EVENTS_OF = "DELETE FROM events WHERE delivery = $1";
    DELETE_BODY_OF = "DELETE FROM delivery_bodies WHERE id = (SELECT body_id FROM deliveries WHERE id = $1)";
    DELETE_DELIVERY = "DELETE FROM deliveries WHERE id = $1";
    OLD_EVENTS = concat!("SELECT e.id, e.at ", old_events!(),
        " AND (e.at, e.id) > ($2, $3) ORDER BY e.at, e.id LIMIT $4");
    COUNT_EVENTS = concat!("SELECT COUNT(*) ", old_events!());
    DELETE_EVENT = "DELETE FROM events WHERE id = $1";
    DELETE_MESSAGES = "DELETE FROM outbox WHERE put_at < $1";
    COUNT_MESSAGES = "SELECT COUNT(*) FROM outbox WHERE put_at < $1";
    DELETE_NEWS = "DELETE FROM news WHERE at < $1 AND routed = TRUE";
    DELETE_HEALTH = "DELETE FROM pipeline_health WHERE at < $1";
    DELETE_SLOTS = concat!("DELETE ", old_slots!());
    COUNT_SLOTS = concat!("SELECT COUNT(*) ", old_slots!());
    DELETE_CHECKS = concat!("DELETE ", old_checks!());
    DELETE_CHECK_RUNS = "DELETE FROM check_runs WHERE made_at < $1 AND NOT EXISTS (SELECT 1 FROM pull_requests p
            WHERE p.repo = check_runs.repo AND p.head = check_runs.commit_sha AND p.is_open = TRUE)";
    COUNT_CHECKS = concat!("SELECT COUNT(*) ", old_checks!());
    DELETE_ASKS = "DELETE FROM asks WHERE at < $1 AND done_at < $1";
    DELETE_PULL_REQUESTS = "DELETE FROM pull_requests WHERE at < $1 AND is_open = FALSE";
    GIVE_UP = "UPDATE deliveries SET processed_at = $2, outcome = $3
        WHERE id = $1 AND processed_at IS NULL AND received_at < $4";
    RUNS_BEFORE = "SELECT 1 FROM runs WHERE created_at < $1 LIMIT 1";
    IN_LEDGERS = "SELECT run FROM promotions WHERE run IS NOT NULL UNION SELECT run FROM push_intents WHERE run IS NOT NULL";
    IS_OVER = "SELECT 1 FROM runs WHERE id = $1 AND state NOT IN ('waiting_for_approval', 'queued', 'running')";
    DELETE_RUN_EVENTS = "DELETE FROM run_events WHERE run = $1";
    DELETE_PREIMAGES = "DELETE FROM preimages WHERE run = $1";
    DELETE_CRASHES = "DELETE FROM crashes WHERE run = $1";
    DELETE_APPROVALS = "DELETE FROM approvals WHERE run = $1";
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
    /// Answers of checks.
    pub checks: u64,
}

impl Reads {
    /// What came in before this time and nothing needs any more.
    pub async fn forgettable_inbound(&self, before: Micros) -> Result<Forgotten> {
        let mut db = self.reader().await?;
        let mut counts = [0; 5];
        let statements = [
            COUNT_DELIVERIES,
            COUNT_EVENTS,
            COUNT_MESSAGES,
            COUNT_SLOTS,
            COUNT_CHECKS,
        ];
        for (count, statement) in counts.iter_mut().zip(statements) {
            if let Some(row) = db.row(statement, args![before]).await? {
                *count = row.count(0)?;
            }
        }
        let [deliveries, events, messages, slots, checks] = counts;
        Ok(Forgotten {
            deliveries,
            events,
            messages,
            slots,
            checks,
        })
    }

    /// Whether a run was asked for before this time.
    pub async fn has_runs_before(&self, before: Micros) -> Result<bool> {
        Ok(self.reader().await?.row(RUNS_BEFORE, args![before]).await?.is_some())
    }

    /// The next rows of such a list after one of them, found by a reader, so that no write waits for the search:
    /// what is old and needed by nothing stays so.
    async fn next(&self, statement: Statement, before: Micros, after: &mut (Micros, String)) -> Result<Vec<String>> {
        let arguments = args![before, after.0, &after.1, BATCH];
        let rows = self.reader().await?.rows(statement, arguments).await?;
        if let Some(last) = rows.last() {
            *after = (last.micros(1)?, last.get(0)?);
        }
        rows.iter().map(|row| row.get(0)).collect()
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
        let first = || (Micros(i64::MIN), String::new());
        let mut after = first();
        loop {
            let old = self.next(OLD_DELIVERIES, before, &mut after).await?;
            if old.is_empty() {
                break;
            }
            let deleted = self.delete(&[DELETE_EVENTS_OF, DELETE_BODY_OF, DELETE_DELIVERY], old);
            gone.deliveries += deleted.await?;
        }
        after = first();
        loop {
            let old = self.next(OLD_EVENTS, before, &mut after).await?;
            if old.is_empty() {
                break;
            }
            gone.events += self.delete(&[DELETE_EVENT], old).await?;
        }
        // Few of all: one a message or answer of a commit, and one a slot of a schedule.
        (gone.messages, gone.slots, gone.checks) = self
            .write(move |db| {
                Box::pin(async move {
                    let messages = db.execute(DELETE_MESSAGES, args![before]).await?;
                    let slots = db.execute(DELETE_SLOTS, args![before]).await?;
                    let checks = db.execute(DELETE_CHECKS, args![before]).await?;
                    db.execute(DELETE_CHECK_RUNS, args![before]).await?;
                    db.execute(DELETE_PULL_REQUESTS, args![before]).await?;
                    db.execute(DELETE_ASKS, args![before]).await?;
                    db.execute(DELETE_NEWS, args![before]).await?;
                    db.execute(DELETE_HEALTH, args![before]).await?;
                    Ok((messages, slots, checks))
                })
            })
            .await?;
        Ok(gone)
    }

    /// Ends the wait of a delivery that came in before this time and cannot be read; false if it is none.
    pub async fn give_up_delivery(&self, id: &DeliveryId, before: Micros, outcome: &str, at: Micros) -> Result<bool> {
        let (id, not_running) = (id.clone(), NotRunning::unseen(outcome));
        let arguments = args![id.as_str(), at, outcome, before];
        self.write(move |db| {
            Box::pin(async move {
                let changed = db.execute(GIVE_UP, arguments).await?;
                if changed == 1 {
                    end_awaited(db, id.as_str(), (&not_running, ""), at).await?;
                }
                Ok(changed == 1)
            })
        })
        .await
    }

    /// Removes things by their ids: how many the last of the statements met.
    async fn delete(&self, statements: &'static [Statement], ids: Vec<String>) -> Result<u64> {
        self.write(move |db| {
            Box::pin(async move {
                let mut gone = 0;
                for id in &ids {
                    let mut last = 0;
                    for statement in statements {
                        last = db.execute(*statement, args![id]).await?;
                    }
                    gone += last;
                }
                Ok(gone)
            })
        })
        .await
    }

    /// Removes the records of runs that are over. What ML Metadata knows of them stays.
    pub async fn forget_runs(&self, runs: &[RunId]) -> Result<u64> {
        let runs = runs.to_vec();
        self.write(move |db| {
            Box::pin(async move {
                let mut gone = 0;
                for run in &runs {
                    if db.row(IS_OVER, args![run.as_str()]).await?.is_some() {
                        for statement in [
                            DELETE_RUN_EVENTS,
                            DELETE_PREIMAGES,
                            DELETE_CRASHES,
                            DELETE_APPROVALS,
                            DELETE_RUN,
                        ] {
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
