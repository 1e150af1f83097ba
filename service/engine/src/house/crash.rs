//! Named points at which a test kills the service: `TRAINYARD_CRASH_AT=NAME[:NTH]`. A release knows none.

/// A point on the way of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrashPoint {
    /// The number is known, and nothing is stored.
    IntentBefore,
    /// The intent is stored, and nothing was sent.
    IntentAfter,
    /// The target has it: its folder is there, or the receiver has answered.
    Sent,
    /// The target was found to serve it.
    ReadBack,
    /// The ledger does not know it.
    RecordBefore,
    /// The ledger knows it.
    RecordAfter,
}

impl CrashPoint {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::IntentBefore,
        Self::IntentAfter,
        Self::Sent,
        Self::ReadBack,
        Self::RecordBefore,
        Self::RecordAfter,
    ];

    /// As `TRAINYARD_CRASH_AT` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::IntentBefore => "push.intent.before",
            Self::IntentAfter => "push.intent.after",
            Self::Sent => "push.sent",
            Self::ReadBack => "push.read_back",
            Self::RecordBefore => "push.record.before",
            Self::RecordAfter => "push.record.after",
        }
    }
}

/// The service is at a point.
#[cfg(not(debug_assertions))]
pub(crate) async fn reach(_: CrashPoint) {}

#[cfg(debug_assertions)]
pub(crate) use armed::reach;
#[cfg(debug_assertions)]
pub use armed::{reached, trap};

#[cfg(debug_assertions)]
mod armed {
    use super::CrashPoint;
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};
    use tokio::sync::Notify;

    struct Trap {
        point: CrashPoint,
        /// How often it is passed yet.
        passes: usize,
        sprung: Arc<Notify>,
    }

    thread_local! {
        static TRAP: RefCell<Option<Trap>> = const { RefCell::new(None) };
        static REACHED: RefCell<Vec<CrashPoint>> = const { RefCell::new(Vec::new()) };
    }

    /// The `nth` task of this thread that reaches the point, counted from 1, goes no further, as in a process that
    /// died; the answer is notified then.
    pub fn trap(point: CrashPoint, nth: usize) -> Arc<Notify> {
        let sprung = Arc::new(Notify::new());
        let trap = Trap {
            point,
            passes: nth.saturating_sub(1),
            sprung: Arc::clone(&sprung),
        };
        TRAP.with(|place| *place.borrow_mut() = Some(trap));
        sprung
    }

    /// Every point that tasks of this thread reached, in order.
    pub fn reached() -> Vec<CrashPoint> {
        REACHED.with(|reached| reached.borrow().clone())
    }

    /// The service is at a point.
    pub(crate) async fn reach(point: CrashPoint) {
        die_if_asked(point);
        REACHED.with(|reached| reached.borrow_mut().push(point));
        let sprung = TRAP.with(|place| {
            let mut place = place.borrow_mut();
            let trap = place.as_mut().filter(|trap| trap.point == point)?;
            if trap.passes > 0 {
                trap.passes -= 1;
                return None;
            }
            place.take().map(|trap| trap.sprung)
        });
        if let Some(sprung) = sprung {
            sprung.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Kills this process, as nothing else would end it: nothing is tidied up.
    fn die_if_asked(point: CrashPoint) {
        static ASKED: OnceLock<Option<(String, usize)>> = OnceLock::new();
        static REACHED: AtomicUsize = AtomicUsize::new(0);
        let asked = ASKED.get_or_init(|| {
            let asked = std::env::var("TRAINYARD_CRASH_AT").ok()?;
            let (name, nth) = asked.split_once(':').unwrap_or((&asked, "1"));
            if CrashPoint::ALL.iter().all(|point| point.name() != name) {
                tracing::error!(name, "TRAINYARD_CRASH_AT names no point");
            }
            Some((name.to_owned(), nth.parse().unwrap_or(1)))
        });
        let here =
            |(name, nth): &(String, usize)| name == point.name() && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *nth;
        if asked.as_ref().is_some_and(here) {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
}
