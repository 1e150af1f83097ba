//! The loops of a service. Each is woken by a signal or a timer, reads the store, and acts on what it finds: the
//! path after a crash is the path of every day.

use crate::asks::{self, Asks};
use crate::content::retention::{self, Retention};
use crate::house::leases::Leases;
use crate::inbound::{Inbound, ingest, schedule, sweep};
use crate::run::{Runs, admission, approval, leftovers};
use crate::tell::{Teller, outbox};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// A loop that met a defect waits for this long.
const AFTER_A_DEFECT: Duration = Duration::from_secs(1);

/// Starts all of them; they end when the set is dropped or shut down.
pub(crate) fn start(
    runs: &Arc<Runs>,
    inbound: &Arc<Inbound>,
    retention: Retention,
    teller: Teller,
    sweep_every: Option<Duration>,
) -> JoinSet<()> {
    let mut loops = JoinSet::new();
    let settled = Arc::clone(runs);
    loops.spawn(async move {
        leftovers::clear(&settled).await;
        settled.registry.settle().await;
    });
    let registry = runs.registry.clone();
    loops.spawn(forever("read back", move || {
        let registry = registry.clone();
        async move { registry.read_back().await }
    }));
    let (deliveries, clock, admitted) = (Arc::clone(inbound), Arc::clone(inbound), Arc::clone(runs));
    loops.spawn(forever("ingest", move || ingest::run(Arc::clone(&deliveries))));
    loops.spawn(forever("admission", move || admission::run(Arc::clone(&admitted))));
    let leases = Leases::new(runs.store.clone(), Arc::clone(&runs.owner));
    let alone = leases.clone();
    loops.spawn(forever("schedule", move || {
        one_engine(alone.clone(), "schedule", schedule::run(Arc::clone(&clock)))
    }));
    let (waiting, alone) = (Arc::clone(runs), leases.clone());
    loops.spawn(forever("approvals", move || {
        one_engine(alone.clone(), "approvals", approval::run(Arc::clone(&waiting)))
    }));
    loops.spawn(forever("retention", move || retention::run(retention.clone())));
    if let Some(github) = &inbound.source.github {
        let asks = Asks {
            runs: Arc::clone(runs),
            inbound: Arc::clone(inbound),
            github: Arc::clone(github),
        };
        let in_turn = leases.clone();
        loops.spawn(forever("asks", move || {
            one_engine(in_turn.clone(), "asks", asks::run(asks.clone()))
        }));
        if let Some(every) = sweep_every {
            let (inbound, github, leases) = (Arc::clone(inbound), Arc::clone(github), leases.clone());
            let sweep = move || {
                let sweeping = sweep::run(Arc::clone(&inbound), Arc::clone(&github), every);
                one_engine(leases.clone(), "sweep", sweeping)
            };
            loops.spawn(forever("sweep", sweep));
        }
    }
    loops.spawn(forever("outbox", move || {
        one_engine(leases.clone(), "report", outbox::run(teller.clone()))
    }));
    loops
}

/// A loop that one engine has at a time, where several share a database. One that loses its turn begins anew.
async fn one_engine(leases: Leases, name: &'static str, work: impl Future<Output = ()>) {
    if !leases.are_needed() {
        return work.await;
    }
    match leases.hold(name).await {
        Ok(held) => {
            held.while_ours(work).await;
        }
        Err(error) => {
            tracing::error!(%error, name, "a turn cannot be taken");
            tokio::time::sleep(AFTER_A_DEFECT).await;
        }
    }
}

/// Starts a loop again that met a defect: one poisonous record must not stop the service.
async fn forever<L: Future<Output = ()>>(name: &str, run: impl Fn() -> L) {
    // A loop ends by losing its turn to another engine, and waits for the next.
    loop {
        if AssertUnwindSafe(run()).catch_unwind().await.is_err() {
            tracing::error!("the {name} loop met a defect of Trainyard and starts again: report it");
            tokio::time::sleep(AFTER_A_DEFECT).await;
        }
    }
}
