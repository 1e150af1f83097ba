//! What another gate says of a run.

use super::Replay;
use serde::Serialize;
use trainyard_core::gate::{Blessing, Verdict};
use utoipa::ToSchema;

/// What another gate says of the model of a run, and of recorded ones.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OtherGate {
    /// The run.
    pub run: String,
    /// What its own gate said: `blessed`, `not_blessed`, `not_evaluated` or `unchanged`.
    #[schema(value_type = Option<String>)]
    pub then: Option<Blessing>,
    /// What the other one says: `blessing`, `findings` and the table `comparisons`.
    #[schema(value_type = Object)]
    pub verdict: Verdict,
    /// The same of the newest judged runs of the pipeline: `verdicts`, `changed`, `gone`, `runs`.
    #[schema(value_type = Object)]
    pub past: Replay,
}
