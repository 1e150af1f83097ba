//! The one loop that drives a run: lease, load, decide, perform, append.
//!
//! A worker looks only at the run's present state, never at a hint of what changed, so the path
//! after a crash is the path of every day: commands at work are simply decided again. Whoever else moves
//! the run, in this process or another, is heard by the store's change number, and at the latest when the
//! lease is renewed.

use crate::content::remove_folders;
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::house::error::EffectError;
use crate::house::trouble::Trouble;
use crate::run::Runs;
use crate::run::effects;
use crate::run::first_byte::FirstByte;
use crate::run::leftovers;
use crate::run::moved::Moved;
use crate::run::outcome::Outcome;
use crate::run::times;
use futures_util::FutureExt;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use trainyard_core::ids::{Micros, RunId};
use trainyard_core::node::NodeId;
use trainyard_core::notify;
use trainyard_core::registry::IntentAction;
use trainyard_core::run::{
    Applied, Command, Decision, Limits, Run, RunEvent, RunState, StepState, decide, decide::give_up,
};
use trainyard_core::sentence;
use trainyard_executors::AttemptKey;
use trainyard_store::{Append, EndState, ExecutionIdentity, MetadataWrite, RunSummary, StoreError};

/// A worker of whom no beat is seen for this long has lost its lease.
const LEASE: Duration = Duration::from_secs(30);
/// How often it says that it lives.
const RENEWAL: Duration = Duration::from_secs(10);
/// The same where other machines wait for it: on one machine the dead are known at once.
const SHARED_LEASE: Duration = Duration::from_secs(7);
const SHARED_RENEWAL: Duration = Duration::from_secs(2);

fn lease(runs: &Runs) -> Duration {
    if runs.store.is_shared() { SHARED_LEASE } else { LEASE }
}

/// Why a worker stopped before its run was over. The run is taken up again by another worker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// Another worker has the run.
    #[error("another worker has the run")]
    NotOurs,
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

struct Worker {
    runs: Arc<Runs>,
    /// Heard from before the run was loaded on.
    moved: Moved,
    run: Run,
    epoch: u64,
    tasks: JoinSet<(Command, Result<Outcome, EffectError>)>,
    at_work: HashMap<Command, AbortHandle>,
    not_before: HashMap<Command, Instant>,
    troubles: HashMap<Command, Trouble>,
    /// How far the newest push is.
    first_byte: Arc<FirstByte>,
    /// What was noted that the run waits for, and at which version.
    waits: Option<(u64, String)>,
}

/// Drives one run until it is over.
pub(crate) async fn reconcile(runs: Arc<Runs>, id: RunId) -> Result<(), ReconcileError> {
    let turn = runs.taking_up.acquire().await;
    let epoch = acquire(&runs, &id).await?.ok_or(ReconcileError::NotOurs)?;
    let loaded = Worker::load(&runs, &id, epoch).await;
    drop(turn);
    let done = match loaded {
        Ok(mut worker) => worker.drive().await,
        Err(error) => Err(error.into()),
    };
    let released = passing(Effect::ReleaseLease, runs.store.release_lease(&id, epoch));
    if let Err(error) = released.await {
        tracing::warn!(run = %id, %error, "a lease was not released and will expire");
    }
    done
}

/// The epoch of our lease; `None` when a living worker has the run. Whether one lives is seen by its beats and our own
/// monotonic clock: no clock is compared with that of another machine.
async fn acquire(runs: &Runs, id: &RunId) -> Result<Option<u64>, StoreError> {
    passing(Effect::TakeLease, take_lease(runs, id)).await
}

async fn take_lease(runs: &Runs, id: &RunId) -> Result<Option<u64>, StoreError> {
    let owner = runs.owner.name();
    let Some(seen) = runs.store.run_lease(id).await? else {
        return Ok(None);
    };
    let dead = match &seen.owner {
        None => true,
        Some(holder) => {
            *holder == owner
                || runs.owner.is_gone(holder)
                || runs.silences.is_over(id, &seen, lease(runs), Instant::now())
        }
    };
    let taken = match dead {
        true => runs.store.acquire_lease(id, &owner, Some(&seen)).await?,
        false => None,
    };
    if taken.is_some() {
        runs.silences.forget(id);
    }
    Ok(taken)
}

impl Worker {
    async fn load(runs: &Arc<Runs>, id: &RunId, epoch: u64) -> Result<Self, StoreError> {
        let moved = runs.moves.follow(id);
        Ok(Self {
            run: runs.store.load_run(id).await?,
            runs: Arc::clone(runs),
            moved,
            epoch,
            tasks: JoinSet::new(),
            at_work: HashMap::new(),
            not_before: HashMap::new(),
            troubles: HashMap::new(),
            first_byte: Arc::default(),
            waits: None,
        })
    }

    async fn drive(&mut self) -> Result<(), ReconcileError> {
        let shared = self.runs.store.is_shared();
        let mut renewal = tokio::time::interval(if shared { SHARED_RENEWAL } else { RENEWAL });
        renewal.tick().await;
        while !self.run.state.is_final() && self.run.state != RunState::WaitingForApproval {
            let Some(wake) = self.act().await? else { continue };
            tokio::select! {
                biased;
                _ = renewal.tick() => {
                    let version = self.renew().await?;
                    self.catch_up(version).await?;
                }
                Some(joined) = self.tasks.join_next() => {
                    if let Ok((command, result)) = joined {
                        self.at_work.remove(&command);
                        self.settle(command, result).await?;
                    }
                }
                version = self.moved.next() => self.catch_up(version).await?,
                () = sleep_until(wake) => {}
            }
        }
        self.finish();
        Ok(())
    }

    /// Starts what is decided and not at work yet. `None` when the state moved meanwhile.
    async fn act(&mut self) -> Result<Option<Instant>, ReconcileError> {
        // A push that has begun is never cut off, not even by a cancel: else nobody knows what serves.
        if self.at_work.contains_key(&Command::Push) {
            if self.run.cancel_requested.is_none() || !self.first_byte.give_up() {
                return Ok(Some(Instant::now() + LEASE));
            }
            if let Some(task) = self.at_work.remove(&Command::Push) {
                task.abort();
            }
        }
        let now = now();
        let limits = Limits {
            max_parallel_steps: self.runs.max_parallel_steps,
        };
        let mut records = Vec::new();
        let mut wake = Instant::now() + LEASE;
        let mut wanted = Vec::new();
        for decision in decide(&self.run, &limits, now) {
            match decision {
                Decision::Record(event) => records.push(event),
                Decision::WakeAt(at) => wake = wake.min(instant(now, at)),
                Decision::Perform(command) => {
                    match self.not_before.get(&command) {
                        Some(later) if *later > Instant::now() => wake = wake.min(*later),
                        _ => self.spawn(&command, now),
                    }
                    wanted.push(command);
                }
            }
        }
        self.at_work.retain(|command, task| {
            let keep = wanted.contains(command);
            if !keep {
                task.abort();
            }
            keep
        });
        if records.is_empty() {
            return Ok(Some(wake));
        }
        self.append(Outcome {
            events: records,
            ..Outcome::default()
        })
        .await?;
        Ok(None)
    }

    fn spawn(&mut self, command: &Command, now: Micros) {
        if self.at_work.contains_key(command) {
            return;
        }
        let (runs, run, command) = (Arc::clone(&self.runs), self.run.clone(), command.clone());
        let first_byte = Arc::<FirstByte>::default();
        if command == Command::Push {
            self.first_byte = Arc::clone(&first_byte);
            // After a cancel it only looks what came of an earlier one, and is not cut off at that.
            if run.cancel_requested.is_some() {
                first_byte.begin();
            }
        }
        let key = command.clone();
        let task = self.tasks.spawn(async move {
            let performed = AssertUnwindSafe(effects::perform(&runs, &run, &command, now, &first_byte))
                .catch_unwind()
                .await;
            // One poisonous run must not stop the others.
            let result = performed.unwrap_or_else(|_| {
                Err(EffectError::Broken(format!(
                    "{command:?} met a defect of Trainyard: see the service's log and report it"
                )))
            });
            (command, result)
        });
        self.at_work.insert(key, task);
    }

    async fn settle(&mut self, command: Command, result: Result<Outcome, EffectError>) -> Result<(), ReconcileError> {
        match result {
            Ok(outcome) => {
                self.not_before.remove(&command);
                if let Some(trouble) = self.troubles.remove(&command) {
                    let (times, lasted) = (trouble.times(), trouble.lasted(Instant::now()));
                    tracing::info!(run = %self.run.request.id, ?command, times, ?lasted, "works again");
                }
                if matches!(command, Command::Stop { .. }) {
                    // The program's end arrives through its own `Execute`.
                    self.not_before.insert(command, Instant::now() + Duration::from_secs(5));
                }
                self.append(outcome).await
            }
            Err(EffectError::Again { reason, after }) => {
                let now = Instant::now();
                let trouble = self
                    .troubles
                    .entry(command.clone())
                    .or_insert_with(|| Trouble::new(now));
                let tell = trouble.again(now);
                if tell {
                    let times = trouble.times();
                    tracing::warn!(run = %self.run.request.id, ?command, reason, times, "will be tried again; told ever more rarely");
                }
                let waits = (self.run.version, reason);
                if tell || self.waits.as_ref() != Some(&waits) {
                    self.note(&waits).await;
                    self.waits = Some(waits);
                }
                self.not_before.insert(command, Instant::now() + after);
                Ok(())
            }
            Err(EffectError::Broken(reason)) => {
                self.troubles.remove(&command);
                let outcome = effects::broken(&self.run, &command, reason, now());
                self.append(outcome).await
            }
        }
    }

    /// Says in the run's row what it waits for: whoever looks at it sees that it is not lost.
    async fn note(&self, (version, reason): &(u64, String)) {
        let id = &self.run.request.id;
        let sentence = format!("it will be tried again: {reason}");
        let noted = passing(Effect::NoteRun, self.runs.store.run_waits(id, *version, &sentence));
        if let Err(error) = noted.await {
            tracing::debug!(run = %id, %error, "what it waits for is not noted");
        }
    }

    /// Stores events with everything that follows from them. When the run moved on meanwhile, because
    /// somebody asked for a cancel, it is loaded again and decided anew.
    async fn append(&mut self, outcome: Outcome) -> Result<(), ReconcileError> {
        if outcome.events.is_empty() {
            return Ok(());
        }
        while !self.try_append(&outcome).await? {
            self.run = self.runs.store.load_run(&self.run.request.id).await?;
            self.renew().await?;
            // What is served already is recorded in any case, if not by who has the target's turn by now.
            if outcome.promotion.is_none() || outcome.lock.as_ref().is_some_and(|lock| !lock.is_ours()) {
                break;
            }
        }
        // Only now another push may look at the ledger, and the events say what is in use.
        drop((outcome.lock, outcome.in_use));
        Ok(())
    }

    /// One transaction; false when the run moved on meanwhile.
    async fn try_append(&mut self, outcome: &Outcome) -> Result<bool, ReconcileError> {
        let at = now();
        let end = impossible(&self.run, &outcome.events, at);
        let events = end.as_ref().unwrap_or(&outcome.events);
        // What is served already is recorded in any case; what else came of an impossible event is not.
        let keep = end.is_none() || outcome.promotion.is_some();
        let mut metadata = if keep { outcome.metadata.clone() } else { Vec::new() };
        let mut next = self.run.clone();
        for event in events {
            match next.apply(event, at) {
                Applied::Applied => metadata.extend(execution_end(&next, event, at)),
                other => tracing::debug!(run = %next.request.id, ?event, ?other, "an event changed nothing"),
            }
        }
        let append = Append {
            run: self.run.request.id.clone(),
            expected_version: self.run.version,
            lease: Some(self.epoch),
            at,
            summary: RunSummary::of(&next, events),
            outbox: self.runs.audience.of_change(&self.run, &next),
            news: notify::of_change(&self.run, &next, at),
            metadata,
            promotion: outcome.promotion.clone(),
            events: events.clone(),
        };
        let tells = !append.outbox.is_empty() || !append.news.is_empty() || append.promotion.is_some();
        let id = &self.run.request.id;
        tracing::debug!(run = %id, version = next.version, "about to record");
        let effects = events.iter().map(|event| Effect::Event(event.kind()));
        let recorded = outcome
            .promotion
            .is_some()
            .then_some(Effect::Record(IntentAction::Push));
        let effects: Vec<_> = recorded.into_iter().chain(effects).collect();
        let store = match &outcome.lock {
            Some(lock) => lock.fenced(&self.runs.store),
            None => self.runs.store.clone(),
        };
        match passing(effects, store.append(append)).await {
            Ok(version) => tracing::debug!(run = %id, version, "recorded"),
            Err(StoreError::Conflict(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.run = next;
        for event in events {
            self.after(event);
        }
        if tells {
            self.runs.signals.report.notify_one();
        }
        Ok(true)
    }

    /// Loads the run again if somebody else moved it; a version that was heard of late may be an older one.
    async fn catch_up(&mut self, version: u64) -> Result<(), ReconcileError> {
        if version > self.run.version {
            self.run = self.runs.store.load_run(&self.run.request.id).await?;
        }
        Ok(())
    }

    /// The version of the run, whose lease is ours for another while.
    async fn renew(&self) -> Result<u64, ReconcileError> {
        let renewed = self.runs.store.renew_lease(&self.run.request.id, self.epoch);
        let version = passing(Effect::RenewLease, renewed).await?;
        version.ok_or(ReconcileError::NotOurs)
    }

    /// Frees what a settled attempt held. Losing this to a crash is fine: `collect` repeats it.
    fn after(&self, event: &RunEvent) {
        times::observe(&self.run, event);
        let id = &self.run.request.id;
        match event {
            RunEvent::StepPublished { step, attempt, .. } | RunEvent::StepFailed { step, attempt, .. } => {
                tracing::info!(run = %id, %step, attempt, "{}", if matches!(event, RunEvent::StepPublished { .. }) { "step published" } else { "step failed" });
                let key = AttemptKey::new(id, NodeId::step(step), *attempt);
                let programs = self.runs.programs.clone();
                tokio::spawn(async move {
                    if let Err(error) = programs.remove(&key).await {
                        tracing::warn!(%key, %error, "a program was not removed and will be collected later");
                    }
                });
            }
            RunEvent::Finished { state, summary, .. } => {
                tracing::info!(run = %id, pipeline = %self.run.request.plan.pipeline, state = state.as_str(), summary, "run over");
                metrics::counter!("trainyard_runs_total", "pipeline" => self.run.request.plan.pipeline.clone(), "state" => state.as_str()).increment(1);
                self.runs.traces.tell(&self.run);
            }
            _ => {}
        }
    }

    /// A push that was given up leaves its throw-away server behind.
    fn end_trial(&self) {
        if self.run.cancel_requested.is_none() || !self.run.wants_push() {
            return;
        }
        let key = AttemptKey::new(&self.run.request.id, NodeId::infra_validation(), 1);
        let runs = Arc::clone(&self.runs);
        tokio::spawn(async move {
            for pause in [Duration::ZERO, LATE] {
                tokio::time::sleep(pause).await;
                if let Err(error) = runs.programs.remove(&key).await {
                    tracing::warn!(%key, %error, "a throw-away model server was not removed");
                }
            }
        });
    }

    /// The run is over, or waits for a person and has left nothing here.
    fn finish(&mut self) {
        self.tasks.abort_all();
        self.end_trial();
        let folders = self.runs.folders.clone();
        let (runs, id) = (Arc::clone(&self.runs), self.run.request.id.clone());
        tokio::spawn(async move {
            leftovers::clear_run(&runs, &id).await;
            if let Err(error) = remove_folders(vec![folders.checkout(&id), folders.work(&id)]).await {
                tracing::debug!(run = %id, %error, "left for the collector");
            }
        });
    }
}

/// Until the engine has heard of a container that was being made when its trial was given up.
const LATE: Duration = Duration::from_secs(5);

/// What is stored in place of events of which one cannot happen to the run: its end. Stored as it is, such
/// an event changes nothing, and the same would be decided again without end.
fn impossible(run: &Run, events: &[RunEvent], at: Micros) -> Option<Vec<RunEvent>> {
    let mut next = run.clone();
    let (event, why) = events.iter().find_map(|event| match next.apply(event, at) {
        Applied::Illegal(why) => Some((event, why)),
        Applied::Applied | Applied::Ignored(_) => None,
    })?;
    tracing::error!(run = %run.request.id, ?event, why, "an event that cannot happen stops the run: a defect of Trainyard");
    Some(give_up(run, &sentence::impossible(why)))
}

fn instant(now: Micros, at: Micros) -> Instant {
    let wait = u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0);
    Instant::now() + Duration::from_micros(wait)
}

/// MLMD's word for the end of a step that published nothing, be it before its program started.
fn execution_end(run: &Run, event: &RunEvent, at: Micros) -> Option<MetadataWrite> {
    let RunEvent::StepFailed { step, reason, .. } = event else {
        return None;
    };
    let failed = run
        .steps
        .get(step)
        .is_some_and(|record| matches!(record.state, StepState::Failed { .. } | StepState::Cancelled { .. }));
    let state = if run.cancel_requested.is_some() {
        EndState::Canceled
    } else {
        EndState::Failed
    };
    failed.then(|| MetadataWrite::End {
        identity: ExecutionIdentity::of(run, NodeId::step(step)),
        state,
        reason: reason.clone(),
        at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::house::config::{EngineConfig, ExecutorKind};
    use serde_json::Map;
    use std::path::Path;
    use trainyard_executors::AnyExecutor;

    const ONE_STEP: &str = "name: one\nsteps:\n  make: { image: tools, command: [make], outputs: { model: Model } }\n";

    async fn worker(folder: &Path) -> Worker {
        let config = EngineConfig {
            data_dir: folder.join("trainyard"),
            data_root: folder.join("data"),
            objects: Default::default(),
            database_url: None,
            public_url: None,
            github: None,
            executor: ExecutorKind::Fake,
            components_image: "components".to_owned(),
            max_parallel_steps: 2,
            max_parallel_runs: 2,
            limits: Default::default(),
            secrets: Default::default(),
            secrets_dir: None,
            gpus: None,
            targets: Default::default(),
            retention: Default::default(),
            notify: Vec::new(),
            traces: None,
        };
        let staging = Engine::staging(&config).unwrap();
        let (executor, builder) = AnyExecutor::fake(staging);
        let engine = Engine::with_executor(config, executor, builder).await.unwrap();
        std::fs::write(folder.join("pipeline.yaml"), ONE_STEP).unwrap();
        let id = engine.request_local(folder, &Map::new(), true, "ada").await.unwrap();
        let runs = engine.runs();
        let epoch = acquire(&runs, &id).await.unwrap().unwrap();
        Worker::load(&runs, &id, epoch).await.unwrap()
    }

    /// Stored as it was, such an event was decided again without end: thousands of rows within minutes.
    #[tokio::test]
    async fn an_event_that_cannot_happen_ends_the_run_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let mut worker = worker(folder.path()).await;
        let step = trainyard_core::ids::StepName::new("make");
        let starting = RunEvent::StepStarting {
            step: step.clone(),
            attempt: 1,
            key: "k".to_owned(),
            image_id: None,
            inputs: Default::default(),
            deadline: now().plus_seconds(60),
        };
        worker
            .append(Outcome::event(RunEvent::Started { baseline: None }))
            .await
            .unwrap();
        worker.append(Outcome::event(starting)).await.unwrap();
        // The program is at work, and has published nothing.
        let published = RunEvent::StepPublished {
            step: step.clone(),
            attempt: 1,
            outputs: Default::default(),
            metrics: Default::default(),
        };
        worker.append(Outcome::event(published)).await.unwrap();
        worker.drive().await.unwrap();

        let id = worker.run.request.id.clone();
        let stored = worker.runs.store.load_run(&id).await.unwrap();
        assert_eq!(stored.state, RunState::Failed);
        assert!(matches!(stored.steps[&step].state, StepState::Failed { .. }));
        let events = worker.runs.store.run_events(&id, 0).await.unwrap();
        assert_eq!(
            events.len(),
            5,
            "started, starting, ended, failed, finished: {events:?}"
        );
        insta::assert_snapshot!(stored.summary.unwrap_or_default(), @"the run was stopped by a defect of Trainyard: an event that cannot happen here (the step has not ended well); the service's log has the event: report it, and start the run again");
    }
}
