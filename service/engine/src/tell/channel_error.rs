//! Why a channel did not hear.

use std::time::Duration;

/// Why a channel did not hear.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// No answer, or one that says that it may go better later.
    #[error("{channel} cannot be reached: {reason}")]
    Unreachable {
        /// The channel.
        channel: String,
        /// What happened.
        reason: String,
    },
    /// It asks for patience.
    #[error("{channel} asks to wait {} seconds", wait.as_secs())]
    Busy {
        /// The channel.
        channel: String,
        /// For how long.
        wait: Duration,
    },
    /// It does not take the message.
    #[error("{channel} does not take it: {reason}; look at [notify.{channel}] in the settings")]
    Refused {
        /// The channel.
        channel: String,
        /// What it said.
        reason: String,
    },
    /// The settings have none of that name.
    #[error(
        "there is no [notify.{channel}] in the settings: add it, or take '{channel}' out of 'notify' in the pipeline's file"
    )]
    Unknown {
        /// The name.
        channel: String,
    },
}

/// The cause behind all others, which says what happened.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
