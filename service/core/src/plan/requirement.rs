//! What a gate asks of a metric beyond thresholds: statistical evidence, and gains one can believe.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the paired difference to the baseline must show. One-sided, at the gate's confidence level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// Rejected when it is worse by more than `margin`, and chance does not explain it.
    NoSignificantRegression,
    /// Approved only when it is better by more than `margin`, and chance does not explain it.
    SignificantImprovement,
}

/// How many slices are tested at once counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Holm's step-down over the slices of a metric: the chance of any false alarm stays below 1 - confidence_level.
    #[default]
    Holm,
    /// Each slice on its own.
    None,
}

/// What a slice below `min_slice_size` means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InsufficientData {
    /// It is shown in the table.
    #[default]
    Ignore,
    /// It is named among the findings too.
    Warn,
    /// The candidate is not blessed.
    Fail,
}

/// What the lack of a baseline model means where one is to be compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingBaseline {
    /// Comparisons are skipped, as TFX does; value thresholds still count.
    #[default]
    RubberStamp,
    /// The candidate is not blessed.
    NotBlessed,
}

/// A gain too large to believe: often the label leaked into the features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspiciousImprovement {
    /// Better than the baseline by more than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absolute: Option<f64>,
    /// Better by more than this share of the baseline's magnitude.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
}
