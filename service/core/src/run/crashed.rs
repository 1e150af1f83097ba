//! Runs in whose hands the service died, or their worker: after three times in a row, without a step forward, they
//! are set aside for a while, and longer each time. What killed the service may have been somebody else, so that
//! a run is never given up for it; a person can cancel it.

use super::sentence;
use crate::ids::Micros;

/// So many times in a row are no accident.
pub const MOST: u32 = 3;
/// The first wait in seconds; it doubles each time.
const FIRST_WAIT: u64 = 20;
const LONGEST_WAIT: u64 = 3600;

/// How many seconds a run is set aside that the service died in the middle of so often; `None` for not at all.
pub fn wait(times: u32) -> Option<u64> {
    let beyond = times.checked_sub(MOST)?;
    Some(FIRST_WAIT.saturating_mul(1 << beyond.min(20)).min(LONGEST_WAIT))
}

/// How many seconds are left of that, when it happened last `at`; never more than the wait, however the clock is set.
pub fn left(times: u32, at: Micros, now: Micros) -> Option<u64> {
    let wait = wait(times)?;
    let gone = u64::try_from(now.0.saturating_sub(at.0)).unwrap_or(0) / 1_000_000;
    wait.checked_sub(gone).filter(|left| *left > 0)
}

/// Why it is set aside, for people.
pub fn set_aside(times: u32) -> String {
    format!(
        "the service or this run's worker died {times} times in a row in the middle of this run, so that it is set \
         aside and tried again in {} at most: see the service's log and report it, or cancel the run",
        sentence::duration(wait(times).unwrap_or(0))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_time_sets_it_aside_for_longer_and_longer() {
        let waits: Vec<_> = [0, 1, 2, 3, 4, 5, 10, 11, 1000]
            .iter()
            .map(|times| wait(*times))
            .collect();
        let expected = [0, 0, 0, 20, 40, 80, 2560, 3600, 3600].map(|wait| (wait > 0).then_some(wait));
        assert_eq!(waits, expected);
        let second = |second: i64| Micros(second * 1_000_000);
        for (times, at, now, expected) in [
            (2, 0, 0, None),
            (3, 100, 100, Some(20)),
            (3, 100, 115, Some(5)),
            (3, 100, 120, None),
            (3, 100, 9000, None),
            // The clock was set back: never longer than the wait.
            (3, 9000, 100, Some(20)),
        ] {
            assert_eq!(left(times, second(at), second(now)), expected, "{times} {at} {now}");
        }
        insta::assert_snapshot!(set_aside(4), @"the service or this run's worker died 4 times in a row in the middle of this run, so that it is set aside and tried again in 40s at most: see the service's log and report it, or cancel the run");
    }
}
