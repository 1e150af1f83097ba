//! The simulator's clock.

use chrono::{SecondsFormat, Utc};

/// The time as GitHub writes it.
pub(crate) fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}
