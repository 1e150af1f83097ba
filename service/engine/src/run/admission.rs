//! Which waiting runs may start: `max_active_runs` of each pipeline, and the machine's own limit.

use crate::house::clock::now;
use crate::run::Runs;
use crate::run::reconcile::{ReconcileError, reconcile};
use futures_util::FutureExt;
use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use trainyard_core::ids::RunId;
use trainyard_core::plan::{Concurrency, OnConflict};
use trainyard_core::run::RunState;
use trainyard_store::{ActiveRun, StoreError};

/// The store is looked at this often even without a signal.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// How long a run waits after its worker stopped for a reason outside of it.
const AGAIN: Duration = Duration::from_secs(3);

/// Admits runs and keeps a worker at each until the task is dropped; the workers go with it.
pub(crate) async fn run(runs: Arc<Runs>) {
    let mut workers = Workers::default();
    let mut changes = runs.store.changes();
    loop {
        let mut wake = Instant::now() + LOOK_AGAIN;
        if let Err(error) = admit(&runs, &mut workers).await {
            tracing::error!(%error, "runs cannot be read");
            wake = Instant::now() + AGAIN;
        }
        tokio::select! {
            _ = changes.next() => {}
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
    /// What the runs that are not over ask for; a request never changes.
    limits: HashMap<RunId, Concurrency>,
    /// Runs that cannot be read, and when they are looked at again: until then they are in nobody's way.
    set_aside: HashMap<RunId, Instant>,
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
        if self.runs.values().all(|run| *run != id) {
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
        self.runs.remove(&id);
    }

    fn set_aside(&mut self, run: RunId) {
        self.set_aside.insert(run, Instant::now() + LOOK_AGAIN);
    }

    /// The runs that can be read, with what each asks for.
    async fn readable(&mut self, runs: &Runs) -> Result<Vec<(ActiveRun, Concurrency)>, StoreError> {
        let active = runs.store.active_runs().await?;
        self.set_aside.retain(|_, until| *until > Instant::now());
        self.limits.retain(|id, _| active.iter().any(|run| run.id == *id));
        let mut readable = Vec::with_capacity(active.len());
        for run in active {
            if self.set_aside.contains_key(&run.id) {
                continue;
            }
            let limit = match self.limits.get(&run.id) {
                Some(limit) => limit.clone(),
                None => match runs.store.run_request(&run.id).await {
                    Ok(request) => request.plan.concurrency,
                    // The store has said so; the others go on.
                    Err(StoreError::Unreadable(_)) => {
                        self.set_aside(run.id);
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            self.limits.insert(run.id.clone(), limit.clone());
            readable.push((run, limit));
        }
        Ok(readable)
    }
}

async fn admit(runs: &Arc<Runs>, workers: &mut Workers) -> Result<(), StoreError> {
    let mut limits = BTreeMap::new();
    let mut active = Vec::new();
    for (run, limit) in workers.readable(runs).await? {
        limits.entry(group(&run)).or_insert(limit);
        active.push(run);
    }
    let admission = admission(&active, &limits, runs.max_parallel_runs);
    for id in admission.superseded {
        runs.store
            .request_cancel(&id, "a newer run of the same branch", now())
            .await?;
    }
    for id in admission.admitted {
        workers.start(runs, id);
    }
    Ok(())
}

async fn work(runs: Arc<Runs>, id: RunId) -> Ended {
    let Ok(ended) = AssertUnwindSafe(reconcile(runs, id.clone())).catch_unwind().await else {
        tracing::error!(run = %id, "the run's worker met a defect of Trainyard and will be started again: report it");
        sleep(AGAIN).await;
        return Ended::Done;
    };
    match ended {
        Ok(()) => {}
        Err(ReconcileError::Store(StoreError::Unreadable(_))) => return Ended::Unreadable(id),
        Err(ReconcileError::NotOurs) => {
            tracing::debug!(run = %id, "another worker has the run");
            sleep(AGAIN).await;
        }
        Err(error) => {
            tracing::error!(run = %id, %error, "the run's worker stopped and will be started again");
            sleep(AGAIN).await;
        }
    }
    Ended::Done
}

/// Runs that share a limit.
fn group(run: &ActiveRun) -> (Option<String>, String) {
    (run.repo.as_ref().map(ToString::to_string), run.pipeline.clone())
}

/// What may go on, and what is overtaken.
#[derive(Debug, Default, PartialEq)]
struct Admission {
    admitted: Vec<RunId>,
    superseded: Vec<RunId>,
}

/// `active` is oldest first. Runs at work keep their place; runs that are to be cancelled only need
/// a worker to say so.
fn admission(
    active: &[ActiveRun],
    limits: &BTreeMap<(Option<String>, String), Concurrency>,
    max_parallel_runs: usize,
) -> Admission {
    let mut result = Admission::default();
    let mut at_work = active.iter().filter(|run| run.state == RunState::Running).count();
    for run in active {
        let limit = limits.get(&group(run)).cloned().unwrap_or_default();
        let overtaken = limit.on_conflict == OnConflict::CancelPrevious
            && active
                .iter()
                .any(|later| later.id > run.id && group(later) == group(run) && same_line(later, run));
        if overtaken && !run.cancel_requested {
            result.superseded.push(run.id.clone());
        }
        if run.state == RunState::Running || run.cancel_requested || overtaken {
            result.admitted.push(run.id.clone());
            continue;
        }
        let same_group = |other: &&ActiveRun| group(other) == group(run);
        let running = active
            .iter()
            .filter(same_group)
            .filter(|r| r.state == RunState::Running)
            .count();
        let starting = active.iter().filter(same_group);
        let starting = starting
            .filter(|r| r.state == RunState::Queued && !r.cancel_requested && result.admitted.contains(&r.id))
            .count();
        let allowed = usize::try_from(limit.max_active_runs).unwrap_or(usize::MAX);
        if running + starting < allowed && at_work < max_parallel_runs {
            at_work += 1;
            result.admitted.push(run.id.clone());
        }
    }
    result
}

/// Two runs for the same branch or pull request, of which the newer one is enough.
fn same_line(a: &ActiveRun, b: &ActiveRun) -> bool {
    a.pull_request == b.pull_request && a.branch == b.branch
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainyard_core::ids::Micros;

    fn run(id: &str, pipeline: &str, state: RunState) -> ActiveRun {
        ActiveRun {
            id: RunId::from(id),
            pipeline: pipeline.into(),
            repo: None,
            branch: Some("main".into()),
            commit: None,
            pull_request: None,
            state,
            created_at: Micros(0),
            cancel_requested: false,
        }
    }

    fn admitted(
        active: &[ActiveRun],
        limit: u32,
        machine: usize,
        on_conflict: OnConflict,
    ) -> (Vec<String>, Vec<String>) {
        let concurrency = Concurrency {
            max_active_runs: limit,
            on_conflict,
        };
        let limits = active.iter().map(|run| (group(run), concurrency.clone())).collect();
        let admission = admission(active, &limits, machine);
        let names = |ids: Vec<RunId>| ids.into_iter().map(|id| id.to_string()).collect();
        (names(admission.admitted), names(admission.superseded))
    }

    #[test]
    fn a_pipeline_and_the_machine_have_limits() {
        use RunState::{Queued, Running};
        let active = [
            run("1", "a", Running),
            run("2", "a", Queued),
            run("3", "b", Queued),
            run("4", "b", Queued),
        ];
        let queue = OnConflict::Queue;
        assert_eq!(admitted(&active, 1, 9, queue).0, ["1", "3"]);
        assert_eq!(admitted(&active, 2, 9, queue).0, ["1", "2", "3", "4"]);
        assert_eq!(
            admitted(&active, 2, 2, queue).0,
            ["1", "2"],
            "the machine's limit, oldest first"
        );
        assert_eq!(admitted(&active, 2, 0, queue).0, ["1"], "what is at work goes on");
    }

    #[test]
    fn a_cancelled_run_needs_a_worker_and_takes_no_place() {
        let mut cancelled = run("1", "a", RunState::Queued);
        cancelled.cancel_requested = true;
        let active = [cancelled, run("2", "a", RunState::Queued)];
        let (admitted, _) = admitted(&active, 1, 9, OnConflict::Queue);
        assert_eq!(admitted, ["1", "2"]);
    }

    #[test]
    fn the_newest_of_a_branch_overtakes_the_others() {
        let mut other_branch = run("2", "a", RunState::Queued);
        other_branch.branch = Some("feature".into());
        let active = [
            run("1", "a", RunState::Running),
            other_branch,
            run("3", "a", RunState::Queued),
        ];
        let (_, superseded) = admitted(&active, 1, 9, OnConflict::CancelPrevious);
        assert_eq!(superseded, ["1"]);
    }
}
