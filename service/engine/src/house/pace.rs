//! How soon what is looked through as a whole is looked through again.

use std::time::Duration;

/// Not sooner than this, nor so soon that it takes more than a tenth of the time.
const TOGETHER: Duration = Duration::from_millis(20);
const SHARE: u32 = 10;
/// A look that only waited for the database makes no longer pause than this.
const LONGEST: Duration = Duration::from_millis(500);

/// From the beginning of a look that took so long to the next one: changes in between are one look.
pub(crate) fn pause_after(look: Duration) -> Duration {
    (look * SHARE).clamp(TOGETHER, LONGEST)
}
