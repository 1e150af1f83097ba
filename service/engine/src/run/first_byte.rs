//! The line before the first byte of a push: up to it a cancel is final, and beyond it the push comes to its end, since
//! else nobody would know what serves.

use std::sync::atomic::{AtomicU8, Ordering};

const AHEAD: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Of one try of a push.
#[derive(Debug, Default)]
pub(crate) struct FirstByte(AtomicU8);

impl FirstByte {
    /// The push is about to send it; no if it was given up.
    pub(crate) fn begin(&self) -> bool {
        self.turn_to(BEGUN)
    }

    /// Gives the push up; no if it has begun.
    pub(crate) fn give_up(&self) -> bool {
        self.turn_to(GIVEN_UP)
    }

    fn turn_to(&self, side: u8) -> bool {
        let turned = self.0.compare_exchange(AHEAD, side, Ordering::SeqCst, Ordering::SeqCst);
        turned.map_or_else(|found| found == side, |_| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_begins_or_is_given_up() {
        let (one, other) = (FirstByte::default(), FirstByte::default());
        assert!(one.begin() && !one.give_up() && one.begin());
        assert!(other.give_up() && !other.begin() && other.give_up());
    }
}
