//! The content of `evaluation.json`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The newest version of the file that is read; version 1, without intervals, is read as well.
pub const SCHEMA_VERSION: u32 = 2;

/// Feature to value; empty is overall.
pub type SliceKey = BTreeMap<String, String>;

/// The content of a ModelEvaluation artifact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// At most [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// `binary_classification`, `multiclass_classification` or `regression`.
    pub model_type: String,
    /// The label column.
    #[serde(default)]
    pub label: String,
    /// The prediction column.
    #[serde(default)]
    pub prediction: String,
    /// The column of the rows' weights, by TFMA's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example_weight_key: Option<String>,
    /// Whether there was a baseline model.
    pub baseline: bool,
    /// The level of the intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_level: Option<f64>,
    /// Each slice with its metrics.
    pub slices: Vec<Slice>,
    /// Slices against others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cross_slices: Vec<CrossSlice>,
}

/// One slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Feature to value; empty is overall.
    pub slice_key: SliceKey,
    /// Rows in the slice.
    pub num_examples: u64,
    /// The sum of their weights, where they have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weighted_num_examples: Option<f64>,
    /// How many rows of equal weight would be as sure (Kish), where they have weights; at most `num_examples`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_num_examples: Option<f64>,
    /// Metric name to values.
    pub metrics: IndexMap<String, Measured>,
}

/// One metric on one slice; `None` where undefined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The candidate's value.
    pub candidate: Option<f64>,
    /// The baseline's value.
    #[serde(default)]
    pub baseline: Option<f64>,
    /// Candidate minus baseline by the paired bootstrap; `None` where none was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

impl Measured {
    /// The interval of the difference, lower end first, if it has two finite ends.
    pub fn interval(&self) -> Option<[f64; 2]> {
        let difference = self.difference?;
        let ends = [difference.lower?, difference.upper?];
        ends.iter().all(|end| end.is_finite()).then_some(ends)
    }

    /// The stated difference and candidate minus baseline, if these are not the same number. A tenth of the
    /// standard error is allowed for rounding: it decides nothing.
    pub(super) fn denied_difference(&self) -> Option<[f64; 2]> {
        let difference = self.difference?;
        let (stated, candidate, baseline) = (difference.value?, self.candidate?, self.baseline?);
        let allowed = 1e-6 * (candidate.abs() + baseline.abs()) + difference.standard_error.unwrap_or(0.0).abs() / 10.0;
        let real = candidate - baseline;
        ((stated - real).abs() > allowed).then_some([stated, real])
    }
}

/// Candidate minus baseline on the same rows, with its interval at the evaluation's `confidence_level`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Difference {
    /// Candidate minus baseline.
    pub value: Option<f64>,
    /// The standard deviation of the replicates.
    pub standard_error: Option<f64>,
    /// Of the standard error; `None` from evaluators that do not say, and then one less than the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degrees_of_freedom: Option<f64>,
    /// The interval's lower end.
    pub lower: Option<f64>,
    /// The interval's upper end.
    pub upper: Option<f64>,
}

/// One slice against another; the values are as in TFMA metric of the baseline slice minus metric of the slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CrossSlice {
    /// The slice compared with; empty is overall.
    pub baseline_slice_key: SliceKey,
    /// The slice.
    pub slice_key: SliceKey,
    /// Metric name to values.
    pub metrics: IndexMap<String, Measured>,
}

/// A slice for people: `overall`, `origin=EWR`, `carrier=UA and origin=EWR`.
pub fn slice_name(slice_key: &SliceKey) -> String {
    if slice_key.is_empty() {
        return "overall".to_owned();
    }
    slice_key
        .iter()
        .map(|(feature, value)| format!("{feature}={value}"))
        .collect::<Vec<_>>()
        .join(" and ")
}

/// A slice or a pair of slices for people: `origin=EWR`, `overall less origin=EWR`.
pub fn place_name(slice_key: &SliceKey, baseline_slice_key: Option<&SliceKey>) -> String {
    match baseline_slice_key {
        Some(base) => format!("{} less {}", slice_name(base), slice_name(slice_key)),
        None => slice_name(slice_key),
    }
}
