//! Work that blocks: on a thread of its own, or in a simulation at once, so that a seed decides the order.

use tokio::task::{JoinError, spawn_blocking};

/// Does something that blocks, without holding up other tasks.
pub async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    #[cfg(debug_assertions)]
    if simulated::is_on() {
        return Ok(work());
    }
    spawn_blocking(work).await
}

#[cfg(debug_assertions)]
pub use simulated::at_once;

#[cfg(debug_assertions)]
mod simulated {
    use std::cell::Cell;

    thread_local! {
        static AT_ONCE: Cell<bool> = const { Cell::new(false) };
    }

    /// From now on tasks of this thread do such work at once, or no more.
    pub fn at_once(yes: bool) {
        AT_ONCE.with(|place| place.set(yes));
    }

    pub(super) fn is_on() -> bool {
        AT_ONCE.with(Cell::get)
    }
}
