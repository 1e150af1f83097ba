//! How long the holders of other engines' runs were not heard of, by this engine's own monotonic clock.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use trainyard_core::ids::RunId;
use trainyard_store::Lease;

/// What nobody asked for again in this time is forgotten; far more than any silence that counts.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// The leases of runs as they were seen, each with when it was first seen so, and when last.
#[derive(Debug, Default)]
pub(crate) struct Silences(Mutex<HashMap<RunId, Seen>>);

#[derive(Debug)]
struct Seen {
    lease: Lease,
    since: Instant,
    last: Instant,
}

impl Silences {
    /// Whether the lease was seen the same for `long`.
    pub(crate) fn is_over(&self, run: &RunId, lease: &Lease, long: Duration, now: Instant) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, seen| now.duration_since(seen.last) < FORGOTTEN);
        match seen.get_mut(run) {
            // What was not looked at for so long was not seen to be silent.
            Some(known) if known.lease == *lease && now.duration_since(known.last) < long => {
                known.last = now;
                now.duration_since(known.since) >= long
            }
            _ => {
                let lease = lease.clone();
                seen.insert(
                    run.clone(),
                    Seen {
                        lease,
                        since: now,
                        last: now,
                    },
                );
                false
            }
        }
    }

    pub(crate) fn forget(&self, run: &RunId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(7);

    #[test]
    fn who_is_heard_of_is_not_silent() {
        let (silences, run) = (Silences::default(), RunId::new("r"));
        let mut lease = Lease {
            owner: Some("other".to_owned()),
            epoch: 1,
            beat: 1,
        };
        let mut now = Instant::now();
        let mut look = |lease: &Lease, seconds: u64| {
            now += Duration::from_secs(seconds);
            silences.is_over(&run, lease, LONG, now)
        };
        assert!(!look(&lease, 0));
        assert!(!look(&lease, 6));
        lease.beat = 2;
        assert!(!look(&lease, 3), "a beat came");
        assert!(!look(&lease, 6));
        assert!(look(&lease, 1));
        silences.forget(&run);
        assert!(!look(&lease, 3), "it is another holder's now");
        assert!(
            !look(&lease, 3600),
            "nobody looked meanwhile, so that nobody was silent"
        );
        assert!(!look(&lease, 6));
        assert!(look(&lease, 1));
    }
}
