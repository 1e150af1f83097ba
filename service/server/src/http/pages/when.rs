//! Times and spans of time, for people.

use chrono::{DateTime, Utc};
use std::fmt;
use trainyard_core::ids::Micros;

/// A moment: RFC 3339 in UTC for the browser, which shows its own zone, and how long ago it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct When {
    pub(super) iso: String,
    pub(super) ago: String,
}

impl When {
    pub(super) fn of(iso: &str) -> Self {
        let at = DateTime::parse_from_rfc3339(iso).map_or_else(|_| Utc::now(), |at| at.with_timezone(&Utc));
        Self {
            iso: iso.to_owned(),
            ago: ago((Utc::now() - at).num_seconds()),
        }
    }
}

/// `3 min ago`, `in 2 h`.
fn ago(seconds: i64) -> String {
    let amount = |seconds: i64| match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    };
    match seconds {
        -4..=4 => "now".to_owned(),
        ..=-5 => format!("in {}", amount(-seconds)),
        5.. => format!("{} ago", amount(seconds)),
    }
}

/// A span of time: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Took(pub(super) i64);

impl Took {
    pub(super) fn between(from: Micros, to: Micros) -> Self {
        Self(to.0.saturating_sub(from.0).max(0))
    }
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000_000;
        match seconds {
            0..10 => write!(f, "{:.1} s", self.0 as f64 / 1e6),
            10..60 => write!(f, "{seconds} s"),
            60..3600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            _ => write!(f, "{} h {} min", seconds / 3600, seconds / 60 % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let said = [3, 59, 60, 3599, 7200, 200_000, -90].map(ago);
        insta::assert_snapshot!(said.join(", "), @"now, 59 s ago, 1 min ago, 59 min ago, 2 h ago, 2 days ago, in 1 min");
        let took = [400_000, 12_000_000, 200_000_000, 7_500_000_000].map(|micros| Took(micros).to_string());
        insta::assert_snapshot!(took.join(", "), @"0.4 s, 12 s, 3 min 20 s, 2 h 5 min");
    }
}
