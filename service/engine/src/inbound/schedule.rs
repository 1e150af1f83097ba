//! The clock: due slots of schedules, and data arrivals whose quiet period is over.
//!
//! tokio-cron-scheduler only ticks. Which slots are due is computed from the last recorded slot in
//! the schedule's own zone, and a slot is taken once, by a unique row.

use super::Inbound;
use crate::house::clock::{is_simulated, now, wall};
use crate::house::crash::{Effect, passing};
use crate::house::pace::pause_after;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use trainyard_core::ids::{Micros, RepoName};
use trainyard_core::inbound as decide;
use trainyard_core::notify;
use trainyard_core::plan::Schedule;
use trainyard_core::schedule::{self, Missed, ScheduleError};
use trainyard_store::{Held, NewEvent, ScheduleRow, Settled, StoreError};

/// How often the clock looks, when there is a schedule at all.
const TICK: Duration = Duration::from_secs(1);
/// How long the loop sleeps when nothing is planned.
const NOTHING_PLANNED: Duration = Duration::from_secs(300);
/// How long it waits after the store did not answer.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a schedule waits whose pipeline cannot be read, in microseconds.
const UNREADABLE: i64 = 60_000_000;
/// How long it sleeps where an engine of another machine may have planned something.
const OTHERS: Duration = Duration::from_secs(3);

/// Makes the ticker; it runs until it is dropped.
pub(crate) async fn ticker(inbound: &Arc<Inbound>) -> Result<JobScheduler, JobSchedulerError> {
    let ticker = JobScheduler::new().await?;
    // The scheduler's tasks outlive it; they must not keep the engine.
    let signals = Arc::downgrade(&inbound.signals);
    let tick = Job::new_repeated(TICK, move |_, _| {
        if let Some(signals) = signals.upgrade() {
            signals.tick.notify_one();
        }
    })?;
    ticker.add(tick).await?;
    ticker.start().await?;
    Ok(ticker)
}

/// Starts what is due until the task is dropped.
pub(crate) async fn run(inbound: Arc<Inbound>) {
    let mut ticking: Option<JobScheduler> = None;
    let mut told = Told::new();
    loop {
        let looked = Instant::now();
        let next = match look(&inbound, &mut told).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "schedules cannot be read");
                let again = i64::try_from(AGAIN.as_micros()).unwrap_or(i64::MAX);
                Next {
                    hold: Some(Micros(now().0 + again)),
                    slot: None,
                }
            }
        };
        if next != Next::default() && ticking.is_none() && !is_simulated() {
            ticking = ticker(&inbound)
                .await
                .inspect_err(|error| tracing::error!(%error, "the ticker did not start"))
                .ok();
        }
        // Changes that come closer together are one look.
        sleep_until(looked + pause_after(looked.elapsed())).await;
        wait(&inbound, next).await;
    }
}

/// What each schedule missed, as it was told last: it stays missed until its next slot, and is not stored at each look.
type Told = HashMap<(Option<RepoName>, String), Missed>;

/// What is due next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Next {
    /// The end of a quiet period, by the clock that goes on evenly.
    hold: Option<Micros>,
    /// A slot, by the wall clock.
    slot: Option<Micros>,
}

/// Until something is due, each by its clock, or the plans change.
async fn wait(inbound: &Inbound, next: Next) {
    // Not anew with each tick: it would never come.
    let longest = if inbound.store.is_shared() {
        OTHERS
    } else {
        NOTHING_PLANNED
    };
    let latest = Instant::now() + longest;
    loop {
        tokio::select! {
            biased;
            () = inbound.signals.schedule.notified() => return,
            () = tick(inbound) => {
                if next.hold.is_some_and(|at| now() >= at) || next.slot.is_some_and(|at| wall() >= at) {
                    return;
                }
            }
            () = sleep_until(latest) => return,
        }
    }
}

/// A second passed; that of a simulation is none of the scheduler's.
async fn tick(inbound: &Inbound) {
    if is_simulated() {
        return sleep(TICK).await;
    }
    inbound.signals.tick.notified().await;
}

/// Starts everything that is due and says when to look again.
async fn look(inbound: &Inbound, told: &mut Told) -> Result<Next, StoreError> {
    // What follows must know which of them cannot be read.
    inbound.store.pipelines().await?;
    for held in inbound.store.due_holds(now()).await? {
        let waits = inbound
            .store
            .is_unreadable_pipeline(Some(&held.payload.repo), &held.payload.pipeline);
        if waits {
            continue;
        }
        match release(inbound, &held).await {
            Ok(_) => {}
            // Another arrival prolonged the wait.
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let hold = inbound.store.next_hold().await?;
    let mut slot = None;
    for row in inbound.store.schedules().await? {
        let upcoming = match due(inbound, &row, told).await {
            Ok(upcoming) => upcoming,
            Err(DueError::Store(error)) => return Err(error),
            Err(DueError::Schedule(error)) => {
                tracing::error!(pipeline = row.pipeline, %error, "a schedule cannot be followed");
                continue;
            }
        };
        slot = [slot, upcoming].into_iter().flatten().min();
    }
    Ok(Next { hold, slot })
}

#[derive(Debug, thiserror::Error)]
enum DueError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}

async fn due(inbound: &Inbound, row: &ScheduleRow, told: &mut Told) -> Result<Option<Micros>, DueError> {
    let schedule = Schedule {
        cron: row.cron.clone(),
        timezone: row.timezone.clone(),
        catchup: row.catchup,
    };
    let now = wall();
    let last = row.last_slot.unwrap_or(row.since);
    // Its slots stay due until it can be read.
    if inbound.store.is_unreadable_pipeline(row.repo.as_ref(), &row.pipeline) {
        return Ok(Some(Micros(now.0 + UNREADABLE)));
    }
    let due = schedule::due(&schedule, Some(last), now)?;
    if let Some(missed) = schedule::missed(&schedule, last, now, &due)? {
        let whose = (row.repo.clone(), row.pipeline.clone());
        if told.get(&whose) != Some(&missed) {
            tell_missed(inbound, row, &schedule, missed).await?;
            told.insert(whose, missed);
        }
    }
    for slot in due {
        match record(inbound, row, slot).await {
            Ok(_) => {}
            // Another process, or this one before a crash, took the slot.
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(schedule::next(&schedule, now)?)
}

/// Slots passed while nobody was there. The same are told once.
async fn tell_missed(
    inbound: &Inbound,
    row: &ScheduleRow,
    schedule: &Schedule,
    missed: Missed,
) -> Result<(), StoreError> {
    let known = inbound.store.pipelines().await?;
    let rules = known
        .iter()
        .find(|known| Some(&known.repo) == row.repo.as_ref() && known.plan.pipeline == row.pipeline)
        .map(|known| known.plan.notify.clone());
    let news = notify::missed(
        (row.repo.as_ref(), &row.pipeline),
        schedule,
        missed,
        rules.unwrap_or_default(),
        wall(),
    );
    passing(Effect::PutNews, inbound.store.put_news(&news)).await?;
    inbound.signals.report.notify_one();
    Ok(())
}

/// One slot with the run that it starts.
async fn record(inbound: &Inbound, row: &ScheduleRow, slot: Micros) -> Result<Settled, StoreError> {
    let (repo, pipeline) = (row.repo.as_ref(), row.pipeline.as_str());
    let known = inbound.store.pipelines().await?;
    let event = NewEvent::from(decide::schedule(repo, pipeline, slot, &known, inbound.given()));
    let taken = inbound.store.record_slot(repo, pipeline, slot, &event, now());
    passing(Effect::TakeSlot, taken).await
}

/// The run for everything that arrived in a quiet period.
async fn release(inbound: &Inbound, held: &Held) -> Result<Settled, StoreError> {
    let known = inbound.store.pipelines().await?;
    let event = NewEvent::from(decide::release(&held.payload, &known, inbound.given()));
    let released = inbound.store.release_hold(&held.key, held.until, &event, now());
    passing(Effect::ReleaseHold, released).await
}
