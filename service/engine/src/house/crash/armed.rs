//! What a build with debug assertions does at its points.

use super::{CrashPoint, Effect};
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

struct Trap {
    springs: Box<dyn FnMut(CrashPoint) -> bool>,
    sprung: Arc<Notify>,
}

thread_local! {
    static TRAP: RefCell<Option<Trap>> = const { RefCell::new(None) };
    static REACHED: RefCell<Vec<CrashPoint>> = const { RefCell::new(Vec::new()) };
}

/// The `nth` task of this thread that reaches the point, counted from 1, goes no further, as in a process that
/// died; the answer is notified then.
pub fn trap(point: CrashPoint, nth: usize) -> Arc<Notify> {
    let mut passes = nth.saturating_sub(1);
    trap_where(move |reached| {
        let here = reached == point;
        let springs = here && passes == 0;
        passes = passes.saturating_sub(usize::from(here));
        springs
    })
}

/// The first task of this thread at a point of which `springs` says so goes no further. It is in the place of an
/// earlier trap, and gone once it has sprung.
pub fn trap_where(springs: impl FnMut(CrashPoint) -> bool + 'static) -> Arc<Notify> {
    let sprung = Arc::new(Notify::new());
    let trap = Trap {
        springs: Box::new(springs),
        sprung: Arc::clone(&sprung),
    };
    TRAP.with(|place| *place.borrow_mut() = Some(trap));
    sprung
}

/// Every point that tasks of this thread reached, in order.
pub fn reached() -> Vec<CrashPoint> {
    REACHED.with(|reached| reached.borrow().clone())
}

/// Does what has these effects, each with its two points around it; what failed has no second one.
pub(crate) async fn passing<T, E>(
    effects: impl IntoIterator<Item = Effect>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    // Out of the way of futures that are large already.
    let (work, effects): (_, Vec<Effect>) = (Box::pin(work), effects.into_iter().collect());
    for effect in &effects {
        reach(CrashPoint::Before(*effect)).await;
    }
    let done = work.await;
    if done.is_ok() {
        for effect in &effects {
            reach(CrashPoint::After(*effect)).await;
        }
    }
    done
}

/// The service is at a point.
pub(crate) async fn reach(point: CrashPoint) {
    die_if_asked(point);
    REACHED.with(|reached| reached.borrow_mut().push(point));
    let sprung = TRAP.with(|place| {
        let mut place = place.borrow_mut();
        let springs = (place.as_mut()?.springs)(point);
        springs.then(|| place.take().map(|trap| trap.sprung))?
    });
    if let Some(sprung) = sprung {
        sprung.notify_one();
        std::future::pending::<()>().await;
    }
}

/// Kills this process, as nothing else would end it: nothing is tidied up.
fn die_if_asked(point: CrashPoint) {
    static ASKED: OnceLock<Option<(CrashPoint, usize)>> = OnceLock::new();
    static REACHED: AtomicUsize = AtomicUsize::new(0);
    let asked = ASKED.get_or_init(|| {
        let asked = std::env::var("TRAINYARD_CRASH_AT").ok()?;
        let (name, nth) = asked.split_once(':').unwrap_or((&asked, "1"));
        let point = CrashPoint::all().find(|point| point.name() == name);
        if point.is_none() {
            tracing::error!(name, "TRAINYARD_CRASH_AT names no point");
        }
        Some((point?, nth.parse().unwrap_or(1)))
    });
    let here =
        |(asked, nth): &(CrashPoint, usize)| *asked == point && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *nth;
    if asked.as_ref().is_some_and(here) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
