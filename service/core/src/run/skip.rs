//! Why a step does not run.

use crate::ids::StepName;
use crate::span::TooFewSpans;
use serde::{Deserialize, Serialize};

/// Why a step does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipCause {
    /// Its window has fewer spans than it needs: a normal state, and more may come.
    NoData(TooFewSpans),
    /// A step before it did not finish.
    UpstreamDidNotFinish {
        /// That step.
        step: StepName,
    },
    /// The end of the run was asked for.
    Cancelled {
        /// Who or what asked.
        by: String,
    },
    /// The sentence that an older binary stored, which told causes apart in words only.
    Recorded(String),
}
