//! How long a write waits where the database does not take it.

use std::time::Duration;
use tokio::time::Instant;

/// Who waits for a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// A sender outside, GitHub for example, who gives up after 10 s.
    Sender,
    /// The engine, or a person at a command line.
    Own,
}

impl Patience {
    /// When a write is taken back that arrived at `arrived` while another program has held the database since
    /// `since`: all that wait behind it at one time, and those that come later after a moment.
    pub(crate) fn end(self, since: Instant, arrived: Instant) -> Instant {
        let (all, later) = match self {
            Self::Sender => (Duration::from_secs(5), Duration::from_secs(1)),
            Self::Own => (Duration::from_secs(20), Duration::from_secs(5)),
        };
        (since + all).max(arrived + later)
    }

    /// How long an answer of the disk is waited for.
    pub(crate) fn of_a_disk(self) -> Option<Duration> {
        match self {
            Self::Sender => Some(Duration::from_secs(8)),
            Self::Own => None,
        }
    }

    /// How long an answer of a server is waited for.
    pub(crate) fn of_a_server(self) -> Duration {
        match self {
            Self::Sender => Duration::from_secs(3),
            Self::Own => Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_behind_one_lock_give_up_together_and_those_after_them_soon() {
        let since = Instant::now();
        let at = |seconds| since + Duration::from_secs(seconds);
        for (arrived, end) in [(0, 5), (3, 5), (4, 5), (5, 6), (40, 41)] {
            assert_eq!(
                Patience::Sender.end(since, at(arrived)),
                at(end),
                "arrived after {arrived} s"
            );
        }
        for (arrived, end) in [(0, 20), (15, 20), (40, 45)] {
            assert_eq!(
                Patience::Own.end(since, at(arrived)),
                at(end),
                "arrived after {arrived} s"
            );
        }
    }
}
