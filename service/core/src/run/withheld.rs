//! Why an approved model is not handed to its push target, although nothing went wrong.

use super::Disagreement;
use crate::ids::{Micros, RunId};
use crate::quantity::patience_words;
use chrono::DateTime;
use serde::{Deserialize, Serialize};

/// Why an approved model is not pushed: a person, or a rule that a person can overrule, keeps it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Withheld {
    /// It is, byte for byte, what serves.
    Unchanged {
        /// The version that serves.
        version: String,
    },
    /// A person froze the target.
    TargetHeld {
        /// The push target.
        target: String,
        /// Who.
        by: String,
        /// Since when.
        at: Micros,
        /// Why.
        reason: String,
    },
    /// A person withdrew these very bytes by a rollback.
    Withdrawn {
        /// The push target.
        target: String,
        /// The version that was withdrawn.
        version: String,
        /// Who.
        by: String,
        /// When.
        at: Micros,
        /// Why, if the person said so.
        reason: Option<String>,
    },
    /// It was made of older data than what serves.
    OlderData {
        /// The data source.
        source: String,
        /// Its newest span that the model was made of; older versions wrote the newest that its run was to see.
        span: String,
        /// The other data source that the serving model was made of, if it is another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        serving_source: Option<String>,
        /// The newest span that the serving model was made of.
        serving_span: String,
        /// The version that serves.
        version: String,
    },
    /// A person said no to its push.
    Rejected {
        /// Who.
        by: String,
        /// The number of their account at GitHub, if the word came from there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<i64>,
        /// When.
        at: Micros,
        /// Why.
        reason: String,
    },
    /// No person said anything in time.
    Expired {
        /// How long it waited.
        seconds: u64,
    },
    /// A newer approved model of the pipeline waits for a person in its place.
    Superseded {
        /// Its run.
        run: RunId,
    },
    /// While it waited for a person, what its verdict compares it with stopped serving.
    Outdated {
        /// The push target.
        target: String,
    },
    /// The target and its ledger contradict each other, and nobody has decided yet.
    Disagrees {
        /// The push target.
        target: String,
        /// What was found.
        disagreement: Disagreement,
    },
}

impl Withheld {
    /// The same in a word or two, for listings.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unchanged { .. } => "unchanged",
            Self::TargetHeld { .. } => "target held",
            Self::Withdrawn { .. } => "withdrawn",
            Self::OlderData { .. } => "older data",
            Self::Rejected { .. } => "rejected",
            Self::Expired { .. } => "expired",
            Self::Superseded { .. } => "superseded",
            Self::Outdated { .. } => "outdated",
            Self::Disagrees { .. } => "target disagrees",
        }
    }

    /// What keeps the model back, and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unchanged { version } => {
                format!("the model is, byte for byte, what serves as version {version}")
            }
            Self::TargetHeld { target, by, at, reason } => format!(
                "target '{target}' is held by {by} since {} ({reason}): release it with `trainyard release {target}`",
                moment(*at)
            ),
            Self::Withdrawn {
                target,
                version,
                by,
                at,
                reason,
            } => {
                let because = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
                format!(
                    "version {version} of target '{target}', which is these very bytes, was withdrawn by {by} on {}{because}: only a person makes it serve again, with `trainyard promote`",
                    moment(*at)
                )
            }
            Self::OlderData {
                source,
                span,
                serving_source,
                serving_span,
                version,
            } => {
                let of_another = serving_source.as_ref().map(|source| format!("of '{source}' "));
                format!(
                    "it was made of data source '{source}' up to {span}, and version {version}, which serves, {}up to {serving_span}: to let older data serve, use `trainyard promote`, or set push.allow_older_data",
                    of_another.unwrap_or_default()
                )
            }
            Self::Rejected { by, at, reason, .. } => format!("rejected by {by} on {} ({reason})", moment(*at)),
            Self::Expired { seconds } => format!(
                "nobody approved its push within {}: start the run again, and approve it in time",
                patience_words(*seconds)
            ),
            Self::Superseded { run } => {
                format!("the newer run {run} has an approved model that waits in its place")
            }
            Self::Outdated { target } => format!(
                "another model began to serve at '{target}' while this one waited for a person: start the run again to have it compared with that"
            ),
            Self::Disagrees { target, disagreement } => disagreement.of_target(target),
        }
    }
}

/// A moment for people: `2026-11-26 19:05 UTC`.
fn moment(at: Micros) -> String {
    let moment = DateTime::from_timestamp_micros(at.0).unwrap_or_default();
    moment.format("%Y-%m-%d %H:%M UTC").to_string()
}
