//! Why work that somebody decided on came to nothing, by what to do about it.

use std::time::Duration;

/// Why a command came to nothing.
#[derive(Debug)]
pub(crate) enum EffectError {
    /// Something outside does not answer: the same command is worth repeating, and the run waits.
    Again {
        /// One sentence, for the log and `trainyard runs`.
        reason: String,
        /// How long to wait.
        after: Duration,
    },
    /// It cannot work: one sentence for the user.
    Broken(String),
}

impl EffectError {
    pub(crate) fn again(reason: impl std::fmt::Display) -> Self {
        Self::Again {
            reason: reason.to_string(),
            after: Duration::from_secs(2),
        }
    }

    /// The same where a try is dear, or a person has to help.
    pub(crate) fn later(reason: impl std::fmt::Display) -> Self {
        Self::Again {
            reason: reason.to_string(),
            after: Duration::from_secs(5),
        }
    }
}
