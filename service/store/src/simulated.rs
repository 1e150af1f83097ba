//! The database of a simulation: each statement is done before anything else goes on, so that a seed decides the
//! order, and fails where the simulation says so. A release knows none.

#[cfg(debug_assertions)]
pub use here::{StatementFate, simulate};

/// Whether this thread simulates.
#[cfg(not(debug_assertions))]
pub(crate) fn is_on() -> bool {
    false
}

/// Waits for something that another thread does.
#[cfg(not(debug_assertions))]
pub(crate) async fn done<T>(work: impl Future<Output = T>) -> T {
    work.await
}

/// Performs a statement.
#[cfg(not(debug_assertions))]
pub(crate) async fn statement<T>(
    _: &str,
    _: &str,
    work: impl Future<Output = crate::error::Result<T>>,
) -> crate::error::Result<T> {
    work.await
}

#[cfg(debug_assertions)]
pub(crate) use here::{done, is_on, statement};

#[cfg(debug_assertions)]
mod here {
    use crate::error::{Result, StoreError};
    use std::cell::RefCell;
    use std::pin::pin;
    use std::rc::Rc;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread::{self, Thread};

    /// What becomes of one statement.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum StatementFate {
        /// It is done.
        Well,
        /// It is not done: another program held the database for too long.
        Busy,
        /// It is not done: no room is left.
        Full,
        /// It is done, and the answer is lost.
        Unheard,
        /// The service dies before it.
        DiesBefore,
        /// The service dies when it is done.
        DiesAfter,
    }

    type Decide = Rc<dyn Fn(&str) -> StatementFate>;

    thread_local! {
        static DECIDE: RefCell<Option<Decide>> = const { RefCell::new(None) };
    }

    /// From now on the statements of this thread are simulated, or with `None` no more.
    pub fn simulate(decide: Option<Decide>) {
        DECIDE.with(|place| *place.borrow_mut() = decide);
    }

    pub(crate) fn is_on() -> bool {
        DECIDE.with(|place| place.borrow().is_some())
    }

    pub(crate) async fn done<T>(work: impl Future<Output = T>) -> T {
        if is_on() { at_once(work) } else { work.await }
    }

    pub(crate) async fn statement<T>(text: &str, place: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let decide = DECIDE.with(|place| place.borrow().clone());
        let Some(fate) = decide.map(|decide| decide(text)) else {
            return work.await;
        };
        match fate {
            StatementFate::Well => at_once(work),
            StatementFate::Full => Err(StoreError::DiskFull {
                place: place.to_owned(),
            }),
            StatementFate::Busy => Err(unreachable(place, "database is locked")),
            StatementFate::Unheard => {
                at_once(work)?;
                Err(unreachable(place, "the connection broke"))
            }
            StatementFate::DiesAfter => {
                let _ = at_once(work);
                std::future::pending().await
            }
            StatementFate::DiesBefore => std::future::pending().await,
        }
    }

    fn unreachable(place: &str, problem: &str) -> StoreError {
        StoreError::Unreachable {
            database: place.to_owned(),
            problem: problem.to_owned(),
        }
    }

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    /// This thread waits: the clock of the simulation stands still, and no other task goes on.
    fn at_once<T>(work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match work.as_mut().poll(&mut context) {
                Poll::Ready(value) => return value,
                Poll::Pending => thread::park(),
            }
        }
    }
}
