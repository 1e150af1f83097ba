//! The clocks of a simulation. They go on only while nothing is left to do, and over restarts of the service.

use std::cell::Cell;
use std::time::Duration;
use tokio::time::Instant;

/// The first day of 2026.
const BEGINNING: i64 = 1_767_225_600_000_000;

thread_local! {
    static BEFORE: Cell<i64> = const { Cell::new(BEGINNING) };
    static RUNNING: Cell<Option<Instant>> = const { Cell::new(None) };
    static AHEAD: Cell<i64> = const { Cell::new(0) };
}

/// The beginning of a history.
pub fn begin() {
    BEFORE.set(BEGINNING);
    RUNNING.set(None);
    AHEAD.set(0);
}

/// The service runs, in a runtime whose clock is paused.
pub fn start() {
    RUNNING.set(Some(Instant::now()));
}

/// It ended, and is away for a while.
pub fn stop(away: Duration) {
    let now = now();
    RUNNING.set(None);
    BEFORE.set(now + i64::try_from(away.as_micros()).unwrap());
}

/// Evenly, in microseconds.
pub fn now() -> i64 {
    let gone = RUNNING.get().map(|since| since.elapsed().as_micros());
    BEFORE.get() + i64::try_from(gone.unwrap_or(0)).unwrap()
}

/// As the machine's clock is set.
pub fn wall() -> i64 {
    now() + AHEAD.get()
}

/// Somebody sets the machine's clock.
pub fn set_ahead(seconds: i64) {
    AHEAD.set(seconds * 1_000_000);
}

/// Since the beginning, for people.
pub fn shown() -> String {
    let gone = now() - BEGINNING;
    format!("{}.{:06}", gone / 1_000_000, gone % 1_000_000)
}

/// The moment of this runtime.
pub fn moment(at: i64) -> Instant {
    let left = u64::try_from(at - now()).unwrap_or(0);
    Instant::now() + Duration::from_micros(left)
}
