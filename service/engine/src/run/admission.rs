//! A worker for each run that may start.

use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::house::pace::pause_after;
use crate::run::Runs;
use crate::run::reconcile::{ReconcileError, reconcile};
use futures_util::FutureExt;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use trainyard_core::admission::{ActiveRun, Ask, OVERTAKEN_BY, admission};
use trainyard_core::ids::RunId;
use trainyard_core::run::crashed;
use trainyard_store::StoreError;

/// The store is looked at this often even without a signal.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// How long a run waits after its worker stopped for a reason outside of it.
const AGAIN: Duration = Duration::from_secs(3);
/// Plans that are read at once.
const READ_AT_ONCE: usize = 64;
/// How often a run is looked at that an engine of another machine may have left.
const OTHERS: Duration = Duration::from_secs(1);

/// Admits runs and keeps a worker at each until the task is dropped; the workers go with it.
pub(crate) async fn run(runs: Arc<Runs>) {
    let mut workers = Workers::default();
    let mut changes = runs.store.changes();
    loop {
        let looked = Instant::now();
        let wake = match admit(&runs, &mut workers).await {
            Ok(wake) => wake,
            Err(error) => {
                tracing::error!(%error, "runs cannot be read");
                Instant::now() + AGAIN
            }
        };
        let together = pause_after(looked.elapsed());
        tokio::select! {
            biased;
            // Changes that come closer together are one look.
            _ = async { sleep_until(looked + together).await; changes.next().await } => {}
            Some(ended) = workers.tasks.join_next_with_id() => workers.forget(ended),
            () = sleep_until(wake) => {}
        }
    }
}

/// One worker for each admitted run.
#[derive(Default)]
struct Workers {
    tasks: JoinSet<Ended>,
    runs: HashMap<Id, RunId>,
    /// The same runs.
    at_work: HashSet<RunId>,
    /// What the runs that are not over ask for; a request never changes.
    asks: HashMap<RunId, Ask>,
    /// Runs that cannot be read, and when they are looked at again: until then they are in nobody's way.
    set_aside: HashMap<RunId, Instant>,
    /// Runs in whose hands the service died so often that they are set aside, with the crashes that were told.
    poison: HashMap<RunId, u32>,
}

/// How a worker's turn ended.
enum Ended {
    /// Its run is over, or will be taken up again.
    Done,
    /// Its run cannot be read.
    Unreadable(RunId),
}

impl Workers {
    fn start(&mut self, runs: &Arc<Runs>, id: RunId) {
        if self.at_work.insert(id.clone()) {
            let task = self.tasks.spawn(work(Arc::clone(runs), id.clone()));
            self.runs.insert(task.id(), id);
        }
    }

    fn forget(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let id = match ended {
            Ok((id, Ended::Done)) => id,
            Ok((id, Ended::Unreadable(run))) => {
                self.set_aside(run);
                id
            }
            Err(error) => error.id(),
        };
        if let Some(run) = self.runs.remove(&id) {
            self.at_work.remove(&run);
        }
    }

    fn set_aside(&mut self, run: RunId) {
        self.set_aside.insert(run, Instant::now() + LOOK_AGAIN);
    }

    /// Without those in whose hands the service died again and again: they stop no other. One that a person
    /// cancelled is ended all the same. With the time when the first of them is tried again.
    async fn harmless(&mut self, runs: &Runs) -> Result<(Vec<ActiveRun>, Instant), StoreError> {
        let mut active = runs.store.active_runs().await?;
        let (mut wake, now) = (Instant::now() + LOOK_AGAIN, now());
        let crashes = runs.store.crashes().await?;
        self.poison.retain(|id, _| crashes.iter().any(|crash| crash.run == *id));
        for crash in crashes {
            let Some(left) = crashed::left(crash.times, crash.at, now) else {
                continue;
            };
            let asked_to_end = |run: &ActiveRun| run.id == crash.run && run.cancel_requested;
            if active.iter().any(asked_to_end) {
                continue;
            }
            active.retain(|run| run.id != crash.run);
            wake = wake.min(Instant::now() + Duration::from_secs(left));
            if self.poison.insert(crash.run.clone(), crash.times) != Some(crash.times) {
                tracing::error!(run = %crash.run, "{}", crashed::set_aside(crash.times));
            }
        }
        Ok((active, wake))
    }

    /// The runs that can be read, with what each asks for, and when to look again.
    async fn readable(&mut self, runs: &Runs) -> Result<(Vec<(ActiveRun, Ask)>, Instant), StoreError> {
        let (active, wake) = self.harmless(runs).await?;
        self.set_aside.retain(|_, until| *until > Instant::now());
        let known: HashSet<&RunId> = active.iter().map(|run| &run.id).collect();
        self.asks.retain(|id, _| known.contains(id));
        self.ask(runs, &active).await?;
        let with_ask = |run: ActiveRun| {
            let ask = self.asks.get(&run.id)?.clone();
            Some((run, ask))
        };
        let aside = &self.set_aside;
        let readable = active.into_iter().filter(|run| !aside.contains_key(&run.id));
        Ok((readable.filter_map(with_ask).collect(), wake))
    }

    /// Reads what runs ask for that were not met before, many at once; those that cannot be read are set aside.
    async fn ask(&mut self, runs: &Runs, active: &[ActiveRun]) -> Result<(), StoreError> {
        let new = |run: &&ActiveRun| !self.asks.contains_key(&run.id) && !self.set_aside.contains_key(&run.id);
        let new: Vec<RunId> = active.iter().filter(new).map(|run| run.id.clone()).collect();
        for ids in new.chunks(READ_AT_ONCE) {
            for request in runs.store.run_requests(ids).await? {
                self.asks.insert(request.id.clone(), Ask::of(&request));
            }
            // The store has said why; the others go on.
            for id in ids.iter().filter(|id| !self.asks.contains_key(*id)) {
                self.set_aside.insert(id.clone(), Instant::now() + LOOK_AGAIN);
            }
        }
        Ok(())
    }
}

/// Gives every run a worker that may have one, and says when to look again.
async fn admit(runs: &Arc<Runs>, workers: &mut Workers) -> Result<Instant, StoreError> {
    let (active, wake) = workers.readable(runs).await?;
    let admission = admission(&active, runs.max_parallel_runs);
    for id in admission.superseded {
        let asked = runs.store.request_cancel(&id, OVERTAKEN_BY, now());
        passing(Effect::ASK_CANCEL, asked).await?;
    }
    for id in admission.admitted {
        workers.start(runs, id);
    }
    Ok(wake)
}

async fn work(runs: Arc<Runs>, id: RunId) -> Ended {
    if runs.hands.died_with(&id) {
        tracing::warn!(run = %id, "the service died in the middle of this run");
        if count_crash(&runs, &id).await {
            return Ended::Done;
        }
    }
    let shared = runs.store.is_shared();
    let reconciled = AssertUnwindSafe(Box::pin(reconcile(Arc::clone(&runs), id.clone()))).catch_unwind();
    let Ok(ended) = reconciled.await else {
        tracing::error!(run = %id, "the run's worker met a defect of Trainyard and will be started again: report it");
        count_crash(&runs, &id).await;
        sleep(AGAIN).await;
        return Ended::Done;
    };
    match ended {
        Ok(()) => {}
        Err(ReconcileError::Store(StoreError::Unreadable(_))) => return Ended::Unreadable(id),
        Err(ReconcileError::NotOurs) => {
            tracing::debug!(run = %id, "another worker has the run");
            sleep(if shared { OTHERS } else { AGAIN }).await;
        }
        Err(error) => {
            tracing::error!(run = %id, %error, "the run's worker stopped and will be started again");
            sleep(AGAIN).await;
        }
    }
    Ended::Done
}

/// Counts that the service, or the run's worker, died in the middle of this run; whether it is set aside now.
async fn count_crash(runs: &Runs, id: &RunId) -> bool {
    let counted = async {
        let version = runs.store.run_version(id).await?;
        passing(Effect::CountCrash, runs.store.count_crash(id, version, now())).await
    };
    match counted.await {
        Ok(times) => crashed::wait(times).is_some(),
        Err(error) => {
            tracing::warn!(run = %id, %error, "a crash was not counted");
            false
        }
    }
}
