//! From an accepted delivery to its events: settled once, tried again while something outside does
//! not answer.
//!
//! What is stored is read once, in order. What starts nothing by itself is settled at once, many in one transaction;
//! the rest waits in lanes ([`Lanes`]), one for each repository and one for data, which do not wait for each other.

use super::Inbound;
use crate::house::trouble::Trouble;
use crate::inbound::awaited;
use crate::inbound::settle::{self, Lane, Meaning, Turn};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep_until};
use trainyard_core::inbound::Lanes;
use trainyard_github::webhook::WITH_BODY;
use trainyard_store::{Bodies, SettleDelivery, StoreError};

/// Deliveries read in one go.
const BATCH: u32 = 256;
/// Bodies up to this size are read with them, in bytes; larger ones one at a time.
const SMALL: u32 = 16 * 1024;
/// Lanes at once: each may have a git at work.
const AT_ONCE: usize = 8;
/// The wait after the database did not answer.
const AGAIN: Duration = Duration::from_secs(1);
/// Where many come, those that come closer together are one look, and settle in one transaction.
const TOGETHER: Duration = Duration::from_millis(20);
/// Where they come less often than this, the next look may follow at once: somebody waits for what it shows.
const SELDOM: Duration = Duration::from_millis(5);
/// No look comes sooner after another without a signal.
const SOON: Duration = Duration::from_millis(1);
/// The store is looked through from its beginning this often: what cannot be read may be repaired.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The same where an engine of another machine takes deliveries and may be gone.
const OTHERS: Duration = Duration::from_secs(2);

/// They may tell of access for which others wait.
const GRANTS: [&str; 2] = ["installation", "installation_repositories"];

/// Settles deliveries until the task is dropped; its turns go with it.
pub(crate) async fn run(inbound: Arc<Inbound>) {
    let mut ingest = Ingest {
        inbound,
        began: Instant::now(),
        lanes: Lanes::new(AT_ONCE),
        turns: JoinSet::new(),
        troubles: HashMap::new(),
        read: 0,
        highest: 0,
        found: 0,
        through: Instant::now(),
    };
    let mut before = Instant::now();
    loop {
        let looked = Instant::now();
        let since = looked.duration_since(std::mem::replace(&mut before, looked));
        let look = ingest.look().await;
        ingest.take_turns();
        while let Some(ended) = ingest.turns.try_join_next() {
            ingest.ended(ended);
        }
        let wake = match look {
            Ok(true) => {
                yield_now().await;
                continue;
            }
            Ok(false) => ingest.wake(),
            Err(error) => {
                tracing::error!(%error, "deliveries cannot be read or settled");
                // What was read and not settled is read again.
                ingest.read = 0;
                Instant::now() + AGAIN
            }
        };
        ingest.take_turns();
        let together = if since >= SELDOM * ingest.found { SOON } else { TOGETHER };
        tokio::select! {
            biased;
            () = async { sleep_until(looked + together).await; ingest.inbound.signals.ingest.notified().await } => {}
            Some(ended) = ingest.turns.join_next() => ingest.ended(ended),
            () = sleep_until(wake) => {}
        }
    }
}

struct Ingest {
    inbound: Arc<Inbound>,
    began: Instant,
    lanes: Lanes<Lane>,
    turns: JoinSet<(Lane, Turn)>,
    troubles: HashMap<Lane, Trouble>,
    /// The number of the last delivery that was read, and the highest that ever was.
    read: u64,
    highest: u64,
    /// How many the last look found.
    found: u32,
    /// When everything was looked through last.
    through: Instant,
}

impl Ingest {
    /// Reads what is new, once; whether there is more.
    async fn look(&mut self) -> Result<bool, StoreError> {
        let every = if self.inbound.store.is_shared() {
            OTHERS
        } else {
            LOOK_AGAIN
        };
        if self.through.elapsed() >= every {
            self.read = 0;
            self.through = Instant::now();
        }
        // Bodies of those in lanes are not read again.
        let bodies = Bodies {
            largest: (self.read >= self.highest || self.lanes.is_empty()).then_some(SMALL),
            webhooks: WITH_BODY,
        };
        let page = self.inbound.store.waiting_deliveries(self.read, BATCH, &bodies).await?;
        let last = page.deliveries.last().map(|delivery| delivery.number);
        self.found = u32::try_from(page.deliveries.len()).unwrap_or(BATCH);
        let (mut nothing, mut awaited) = (Vec::new(), Vec::new());
        for delivery in page.deliveries {
            if self.lanes.knows(delivery.number) {
                continue;
            }
            let number = delivery.number;
            let grants = GRANTS.contains(&delivery.kind.as_str());
            match settle::meaning(&self.inbound, delivery).await? {
                Meaning::Nothing(settle) => {
                    nothing.push(settle);
                    if grants {
                        self.lanes.hurry(self.began.elapsed());
                    }
                }
                Meaning::Waits(lane, shown) => {
                    awaited.extend(shown.map(|shown| *shown));
                    self.lanes.join(lane, number, self.began.elapsed());
                }
                Meaning::Gone => {}
            }
        }
        awaited::tell(&self.inbound, awaited).await;
        self.settle(nothing).await?;
        // Only now: what was not settled is read again.
        self.read = page.next.or(last).unwrap_or(self.read).max(self.read);
        self.highest = self.highest.max(self.read);
        Ok(page.next.is_some())
    }

    async fn settle(&self, nothing: Vec<SettleDelivery>) -> Result<(), StoreError> {
        if nothing.is_empty() {
            return Ok(());
        }
        settle::store(&self.inbound, nothing.clone()).await?;
        settle::say(&nothing);
        Ok(())
    }

    /// Serves the lanes that are ready.
    fn take_turns(&mut self) {
        while let Some((lane, numbers)) = self.lanes.next(self.began.elapsed()) {
            let inbound = Arc::clone(&self.inbound);
            self.turns.spawn(async move {
                let turn = settle::turn(&inbound, &lane, numbers).await;
                (lane, turn)
            });
        }
    }

    fn ended(&mut self, ended: Result<(Lane, Turn), tokio::task::JoinError>) {
        // A turn does not panic: what is done with a delivery is caught.
        let Ok((lane, turn)) = ended else { return };
        let now = Instant::now();
        if let Some(why) = &turn.why {
            let trouble = self.troubles.entry(lane.clone()).or_insert_with(|| Trouble::new(now));
            if trouble.again(now) {
                let (times, waiting) = (trouble.times(), self.lanes.len());
                tracing::warn!(%lane, why, times, waiting, "a delivery waits, and those of its lane behind it; told ever more rarely");
            }
        } else if let Some(trouble) = self.troubles.remove(&lane) {
            let (times, lasted) = (trouble.times(), trouble.lasted(now));
            tracing::info!(%lane, times, ?lasted, "deliveries go on");
        }
        self.lanes.end(&lane, &turn.end, self.began.elapsed());
    }

    /// When to look again even without a signal.
    fn wake(&self) -> Instant {
        let every = if self.inbound.store.is_shared() {
            OTHERS
        } else {
            LOOK_AGAIN
        };
        let through = self.through + every;
        match self.lanes.wake() {
            Some(wake) if self.turns.len() < AT_ONCE => through.min((self.began + wake).max(Instant::now() + SOON)),
            // The end of a turn comes before that.
            _ => through,
        }
    }
}
