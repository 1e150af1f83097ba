//! `evaluation.json`: what the evaluator measured.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The content of a ModelEvaluation artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// 1.
    pub schema_version: u32,
    /// `binary_classification` or `regression`.
    pub model_type: String,
    /// The label column.
    #[serde(default)]
    pub label: String,
    /// The prediction column.
    #[serde(default)]
    pub prediction: String,
    /// Whether there was a baseline model.
    pub baseline: bool,
    /// Each slice with its metrics.
    pub slices: Vec<Slice>,
}

/// One slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Feature to value; empty is overall.
    pub slice_key: BTreeMap<String, String>,
    /// Rows in the slice.
    pub num_examples: u64,
    /// Metric name to values.
    pub metrics: BTreeMap<String, Measured>,
}

/// One metric on one slice; `None` where undefined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The candidate's value.
    pub candidate: Option<f64>,
    /// The baseline's value.
    #[serde(default)]
    pub baseline: Option<f64>,
}

/// Reads `evaluation.json`. The error is one sentence.
pub fn parse(text: &str) -> Result<Evaluation, String> {
    serde_json::from_str(text).map_err(|error| format!("evaluation.json cannot be read: {error}"))
}
