//! The gate section: the bar, and where what is judged by it is found.

use crate::plan::{
    self, Baseline, Correction, InsufficientData, MetricThreshold, MissingBaseline, SlicingSpec, is_default,
};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When the candidate is approved. Names are TFMA's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The `step` or `step.output` that made the ModelEvaluation; found by type if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<String>,
    /// The `step` or `step.output` that made the candidate Model; found by type if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the candidate is compared with.
    #[serde(default)]
    pub baseline: Baseline,
    /// The slices the thresholds look at; `[{}]` (overall) if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slicing_specs: Vec<SlicingSpec>,
    /// Thresholds by metric name.
    #[serde(default)]
    pub metrics: IndexMap<String, MetricThreshold>,
    /// Slices with fewer examples are not judged; with fewer overall, nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_slice_size: Option<u64>,
    /// What a slice that is too small means; `ignore` if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub insufficient_data: InsufficientData,
    /// How sure a `require` must be, above 0.5 and below 1; 0.95 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_level: Option<f64>,
    /// How a `require` on several slices is corrected; `holm` if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub correction: Correction,
    /// What a comparison says when there is no baseline model; `rubber_stamp` if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing_baseline: MissingBaseline,
}

/// The bar alone.
impl From<Gate> for plan::Gate {
    fn from(gate: Gate) -> Self {
        let Gate {
            evaluation: _,
            model: _,
            baseline,
            slicing_specs,
            metrics,
            min_slice_size,
            insufficient_data,
            confidence_level,
            correction,
            missing_baseline,
        } = gate;
        Self {
            baseline,
            slicing_specs,
            metrics,
            min_slice_size,
            insufficient_data,
            confidence_level,
            correction,
            missing_baseline,
        }
    }
}
