//! Which way metrics are better, and what the standard evaluator measures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Direction {
    /// Such as AUC.
    #[serde(rename = "HIGHER_IS_BETTER")]
    HigherIsBetter,
    /// Such as log loss.
    #[serde(rename = "LOWER_IS_BETTER")]
    LowerIsBetter,
}

impl Direction {
    /// The other way.
    pub fn opposite(self) -> Self {
        match self {
            Self::HigherIsBetter => Self::LowerIsBetter,
            Self::LowerIsBetter => Self::HigherIsBetter,
        }
    }
}

/// A metric of the standard evaluator.
pub(crate) struct Metric {
    /// One that ends in `:CLASS` is there for each class.
    pub(crate) name: &'static str,
    /// `None` for those that have no better.
    better: Option<Direction>,
}

const fn higher(name: &'static str) -> Metric {
    Metric {
        name,
        better: Some(Direction::HigherIsBetter),
    }
}

const fn lower(name: &'static str) -> Metric {
    Metric {
        name,
        better: Some(Direction::LowerIsBetter),
    }
}

const fn neither(name: &'static str) -> Metric {
    Metric { name, better: None }
}

impl Metric {
    /// Whether the evaluator calls it so.
    pub(crate) fn is(&self, metric: &str) -> bool {
        match self.name.strip_suffix(":CLASS") {
            Some(name) => metric.strip_prefix(name).is_some_and(|class| class.starts_with(':')),
            None => self.name == metric,
        }
    }
}

/// The metrics the standard evaluator measures, by `model_type`.
pub(crate) const METRICS: [(&str, &[Metric]); 3] = [
    (
        "binary_classification",
        &[
            higher("auc"),
            higher("pr_auc"),
            lower("log_loss"),
            lower("brier_score"),
            higher("accuracy"),
            higher("precision"),
            higher("recall"),
            higher("f1"),
            neither("calibration"),
            neither("mean_label"),
            neither("mean_prediction"),
            lower("expected_calibration_error"),
            lower("max_calibration_error"),
        ],
    ),
    (
        "multiclass_classification",
        &[
            higher("accuracy"),
            higher("macro_precision"),
            higher("macro_recall"),
            higher("macro_f1"),
            higher("weighted_precision"),
            higher("weighted_recall"),
            higher("weighted_f1"),
            lower("log_loss"),
            higher("auc"),
            higher("precision:CLASS"),
            higher("recall:CLASS"),
            higher("f1:CLASS"),
        ],
    ),
    (
        "regression",
        &[
            lower("mean_squared_error"),
            lower("root_mean_squared_error"),
            lower("mean_absolute_error"),
            higher("r_squared"),
            neither("mean_error"),
            lower("median_absolute_error"),
            lower("p90_absolute_error"),
            lower("mean_absolute_percentage_error"),
        ],
    ),
];

/// Which way a metric of the standard evaluator is better; `None` for those that have no better, and
/// for all others.
pub(crate) fn better(metric: &str) -> Option<Direction> {
    let mut known = METRICS.iter().flat_map(|(_, metrics)| metrics.iter());
    known.find(|known| known.is(metric))?.better
}
