//! When a schedule is due, in its real time zone.

use crate::ids::Micros;
use crate::spec::Schedule;

/// At most this many missed slots are made up for with `catchup: all`; the newest win.
pub const MAX_CATCHUP: usize = 100;

/// The slots that are due, oldest first: those after `last_slot` up to and including `now`, as the
/// schedule's `catchup` says.
///
/// `last_slot` is the newest slot that was recorded, or the moment the schedule was first seen.
/// The error is one sentence.
pub fn due(schedule: &Schedule, last_slot: Option<Micros>, now: Micros) -> Result<Vec<Micros>, String> {
    let _ = (schedule, last_slot, now);
    Ok(Vec::new())
}

/// The first slot after `after`; `None` when there is none (30 February).
pub fn next(schedule: &Schedule, after: Micros) -> Result<Option<Micros>, String> {
    let _ = (schedule, after);
    Ok(None)
}
