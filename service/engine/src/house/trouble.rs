//! A trouble that lasts is told at once, and then ever more rarely, and at last that it is over.

use std::time::Duration;
use tokio::time::Instant;

/// From the first telling to the second; each distance is twice the one before.
const FIRST: Duration = Duration::from_secs(10);
/// No distance is longer.
const LONGEST: Duration = Duration::from_secs(3600);

/// One trouble, from its first time to its end.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    since: Instant,
    next: Instant,
    distance: Duration,
    times: u32,
}

impl Trouble {
    /// That which begins now.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            since: now,
            next: now,
            distance: FIRST,
            times: 0,
        }
    }

    /// Counts once more; whether it is time to tell.
    pub(crate) fn again(&mut self, now: Instant) -> bool {
        self.times += 1;
        if now < self.next {
            return false;
        }
        self.next = now + self.distance;
        self.distance = (self.distance * 2).min(LONGEST);
        true
    }

    /// How often it was met.
    pub(crate) fn times(&self) -> u32 {
        self.times
    }

    /// How long it lasts.
    pub(crate) fn lasted(&self, now: Instant) -> Duration {
        now.duration_since(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_ever_more_rarely() {
        let start = Instant::now();
        let mut trouble = Trouble::new(start);
        let told = |trouble: &mut Trouble, seconds: std::ops::Range<u64>| -> Vec<u64> {
            let every = seconds.step_by(2);
            every
                .filter(|second| trouble.again(start + Duration::from_secs(*second)))
                .collect()
        };
        assert_eq!(told(&mut trouble, 0..300), [0, 10, 30, 70, 150]);
        assert_eq!(trouble.times(), 150);
        let day = told(&mut trouble, 300..86_400);
        assert_eq!(day.len(), 27, "{day:?}");
        assert_eq!(trouble.lasted(start + LONGEST), LONGEST);
    }
}
