//! Does an event start a run of a pipeline, and if not, why?

use crate::event::Event;
use crate::plan::Plan;

/// The answer of [`matches`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// A run starts now.
    Start {
        /// Why, for example `push of main by ada`.
        cause: String,
        /// Whether an approved model may be pushed.
        may_push: bool,
    },
    /// A run starts when nothing like it arrived for `seconds`; it may push.
    Hold {
        /// The quiet period.
        seconds: u64,
        /// Why, for example `data flights 2013-04`.
        cause: String,
    },
    /// No run.
    No {
        /// One sentence.
        reason: String,
    },
}

/// Whether `event` starts a run of `plan`'s pipeline.
///
/// `changed_paths` are the repository paths that a push or pull request changed; `None` when that
/// is unknown, which lets every path filter through. The caller has made sure that the plan is of
/// the event's repository.
pub fn matches(plan: &Plan, event: &Event, changed_paths: Option<&[String]>) -> Match {
    let _ = (plan, event, changed_paths);
    Match::No { reason: "not written yet".to_owned() }
}
