//! Time, and identifiers that sort by it.
//!
//! [`now`] goes on evenly whatever somebody sets the machine's clock to: timeouts, quiet periods and the order of
//! runs go by it. It begins with the wall clock, and never before what is stored. [`wall`] is for schedules.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use trainyard_core::ids::{EventId, Micros, RunId};

/// A difference of the clocks that is no rounding, in microseconds.
const DIFFERENCE: i64 = 2_000_000;
/// A stored time that is farther ahead than this is no reason to go on from there: a day.
const FARTHEST: i64 = 24 * 3600 * 1_000_000;

/// The clock of this process.
static CLOCK: LazyLock<(Even, Instant)> = LazyLock::new(|| {
    let (wall, uptime) = (wall().0, uptime().unwrap_or(0));
    (Even::new(wall, uptime), Instant::now())
});

/// A clock that goes on evenly; all times in microseconds.
struct Even {
    start: i64,
    uptime: i64,
    /// Beyond the monotonic clock: sleep of the machine, and the distance to what is stored.
    ahead: AtomicI64,
    asleep: Mutex<i64>,
    told: AtomicBool,
}

impl Even {
    fn new(start: i64, uptime: i64) -> Self {
        Self {
            start,
            uptime,
            ahead: AtomicI64::new(0),
            asleep: Mutex::new(0),
            told: AtomicBool::new(false),
        }
    }

    /// The time, `gone` after the start by the monotonic clock. Where the wall clock differs, `uptime`, in which the
    /// machine's sleep counts, says whether it slept or somebody set the clock.
    fn read(&self, gone: i64, wall: i64, uptime: impl Fn() -> Option<i64>) -> i64 {
        let at = || self.start + gone + self.ahead.load(Ordering::SeqCst);
        if (wall - at()).abs() <= DIFFERENCE {
            return at();
        }
        let mut asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        let slept = uptime().map_or(0, |uptime| uptime - self.uptime - gone);
        if slept > *asleep + DIFFERENCE / 2 {
            self.ahead.fetch_add(slept - *asleep, Ordering::SeqCst);
            *asleep = slept;
        } else if !self.told.swap(true, Ordering::SeqCst) {
            let seconds = (wall - at()) / 1_000_000;
            tracing::warn!(
                seconds,
                "the machine's clock is elsewhere than this service's, which goes on evenly and is set by a restart"
            );
        }
        at()
    }

    /// Goes on from `stored` if that is later and not absurd.
    fn not_before(&self, now: i64, stored: i64) {
        let missing = stored - now;
        if (1..FARTHEST).contains(&missing) {
            self.ahead.fetch_add(missing, Ordering::SeqCst);
        }
    }
}

/// The time by which this service goes, in the store's format.
pub(crate) fn now() -> Micros {
    #[cfg(debug_assertions)]
    if let Some(now) = simulated::with(simulated::Machine::now) {
        return now;
    }
    let (clock, began) = &*CLOCK;
    let gone = i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX / 2);
    Micros(clock.read(gone, wall().0, uptime))
}

/// The wall clock, as it is set now: for schedules only.
pub(crate) fn wall() -> Micros {
    #[cfg(debug_assertions)]
    if let Some(wall) = simulated::with(simulated::Machine::wall) {
        return wall;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// What happens from now on is later than what is stored, also after the clock was set back and the service
/// started again.
pub(crate) fn not_before(stored: Micros) {
    #[cfg(debug_assertions)]
    if simulated::with(|machine| machine.not_before(stored)).is_some() {
        return;
    }
    CLOCK.0.not_before(now().0, stored.0);
}

/// Since the machine started, its sleep included.
fn uptime() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = text.split(' ').next()?.parse().ok()?;
    Some((seconds * 1e6) as i64)
}

/// A new run id; later ids sort after earlier ones.
pub(crate) fn new_run_id() -> RunId {
    RunId::new(new_id().to_string())
}

/// A new event id.
pub(crate) fn new_event_id() -> EventId {
    EventId::new(new_id().to_string())
}

fn new_id() -> uuid::Uuid {
    #[cfg(debug_assertions)]
    if let Some(id) = simulated::with(simulated::Machine::new_id) {
        return id;
    }
    uuid::Uuid::now_v7()
}

/// Whether this thread's machine is simulated.
#[cfg(debug_assertions)]
pub(crate) use simulated::is_on as is_simulated;
#[cfg(not(debug_assertions))]
pub(crate) fn is_simulated() -> bool {
    false
}

/// A machine whose clocks a test has in hand.
#[cfg(debug_assertions)]
pub(crate) mod simulated {
    use super::Even;
    use std::cell::RefCell;
    use trainyard_core::ids::Micros;
    use uuid::{Builder, Uuid};

    type Clock = Box<dyn Fn() -> i64>;

    thread_local! {
        static MACHINE: RefCell<Option<Machine>> = const { RefCell::new(None) };
    }

    /// The clocks of a machine, in microseconds, as a service on it found them at its start.
    pub struct Machine {
        even: Even,
        began: i64,
        monotonic: Clock,
        wall: Clock,
        ids: u64,
    }

    /// From now on the services of this thread go by these clocks, or with `None` by those of the machine. `ids` is
    /// the number of the first id that they make.
    pub fn simulate(clocks: Option<(Clock, Clock)>, ids: u64) {
        let machine = clocks.map(|(monotonic, wall)| Machine {
            even: Even::new(wall(), monotonic()),
            began: monotonic(),
            monotonic,
            wall,
            ids,
        });
        MACHINE.with(|place| *place.borrow_mut() = machine);
    }

    pub(super) fn with<T>(ask: impl FnOnce(&mut Machine) -> T) -> Option<T> {
        MACHINE.with(|place| place.borrow_mut().as_mut().map(ask))
    }

    pub(crate) fn is_on() -> bool {
        with(|_| ()).is_some()
    }

    impl Machine {
        pub(super) fn now(&mut self) -> Micros {
            let monotonic = (self.monotonic)();
            Micros(
                self.even
                    .read(monotonic - self.began, (self.wall)(), || Some(monotonic)),
            )
        }

        pub(super) fn wall(&mut self) -> Micros {
            Micros((self.wall)())
        }

        pub(super) fn not_before(&mut self, stored: Micros) {
            let now = self.now();
            self.even.not_before(now.0, stored.0);
        }

        /// Sorts by the wall clock, as other ids do.
        pub(super) fn new_id(&mut self) -> Uuid {
            self.ids += 1;
            let millis = u64::try_from((self.wall)() / 1000).unwrap_or(0);
            let mut rest = [0; 10];
            rest[2..].copy_from_slice(&self.ids.to_be_bytes());
            Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const HOUR: i64 = 3600 * SECOND;

    #[test]
    fn it_goes_on_evenly_whatever_the_wall_clock_is_set_to() {
        let start = 1_000_000 * SECOND;
        let clock = Even::new(start, 50 * SECOND);
        // Seconds gone, how the wall clock was set, sleep of the machine so far, and the time expected.
        for (gone, set, slept, expected) in [
            (1, 0, 0, 1),
            (2, HOUR, 0, 2),
            (3, -HOUR, 0, 3),
            (4, 0, 600, 604),
            (5, HOUR, 600, 605),
            (6, 0, 900, 906),
        ] {
            let wall = start + (gone + slept) * SECOND + set;
            let read = clock.read(gone * SECOND, wall, || Some((50 + gone + slept) * SECOND));
            assert_eq!(read, start + expected * SECOND, "after {gone} s");
        }
        assert_eq!(
            Even::new(start, 0).read(SECOND, start + HOUR, || None),
            start + SECOND,
            "no uptime"
        );
    }

    #[test]
    fn it_goes_on_from_what_is_stored_within_a_day() {
        for (stored, expected) in [(-HOUR, 0), (HOUR, HOUR), (30 * HOUR, 0)] {
            let clock = Even::new(100 * HOUR, 0);
            clock.not_before(100 * HOUR, 100 * HOUR + stored);
            assert_eq!(clock.read(0, 100 * HOUR, || Some(0)), 100 * HOUR + expected);
        }
    }
}
