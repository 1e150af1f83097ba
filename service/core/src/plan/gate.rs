//! The gate: thresholds on metrics. Names are TFMA's.

use super::baseline::Baseline;
use super::metric::{self, Direction};
use super::requirement::{Correction, InsufficientData, MissingBaseline, Requirement, SuspiciousImprovement};
use super::slicing::{CrossSlicingSpec, SlicingSpec};
use crate::ids::StepName;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the gate judges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedGate {
    /// The thresholds; of a pull request, those of its base.
    pub gate: Gate,
    /// What a pull request would make of it, if that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_gate: Option<Gate>,
    /// The step and output with the ModelEvaluation.
    pub evaluation: (StepName, String),
    /// The step and output with the candidate Model.
    pub model: (StepName, String),
}

/// When the candidate is approved: the bar, wherever what is judged by it was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// What the candidate is compared with.
    #[serde(default)]
    pub baseline: Baseline,
    /// The slices the thresholds look at; `[{}]` (overall) if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slicing_specs: Vec<SlicingSpec>,
    /// Thresholds by metric name.
    #[serde(default)]
    pub metrics: IndexMap<String, MetricThreshold>,
    /// Slices with fewer examples are not judged; with fewer overall, nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_slice_size: Option<u64>,
    /// What a slice that is too small means.
    #[serde(default, skip_serializing_if = "is_default")]
    pub insufficient_data: InsufficientData,
    /// How sure a `require` must be, above 0.5 and below 1; [`CONFIDENCE_LEVEL`] if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_level: Option<f64>,
    /// How a `require` on several slices is corrected.
    #[serde(default, skip_serializing_if = "is_default")]
    pub correction: Correction,
    /// What a comparison says when there is no baseline model.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing_baseline: MissingBaseline,
}

impl Gate {
    /// Every slicing spec that a threshold looks at, without the cross-slices'.
    pub fn asked_slices(&self) -> impl Iterator<Item = &SlicingSpec> {
        let per_slice = self.metrics.values().flat_map(|m| &m.per_slice_thresholds);
        self.slicing_specs
            .iter()
            .chain(per_slice.flat_map(|t| &t.slicing_specs))
    }

    /// Every pair of slicing specs whose difference a threshold looks at, one by one.
    pub fn asked_cross_slices(&self) -> impl Iterator<Item = CrossSlicingSpec> {
        let thresholds = self.metrics.values().flat_map(|m| &m.cross_slice_thresholds);
        let specs = thresholds.flat_map(|t| &t.cross_slicing_specs);
        specs.flat_map(CrossSlicingSpec::singly)
    }
}

/// How sure a `require` is unless the file says otherwise.
pub const CONFIDENCE_LEVEL: f64 = 0.95;

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Thresholds of one metric; both must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricThreshold {
    /// Bounds of the candidate's own value, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_threshold: Option<ValueThreshold>,
    /// Bounds of candidate minus baseline, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_threshold: Option<ChangeThreshold>,
    /// More thresholds for some slices; where the two above count as well, all must hold, as in TFMA.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per_slice_thresholds: Vec<PerSliceThreshold>,
    /// Thresholds for the differences between slices; a metric's other thresholds do not look at these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cross_slice_thresholds: Vec<CrossSliceThreshold>,
    /// Statistical evidence asked for; it needs the evaluator's bootstrap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require: Option<Requirement>,
    /// The loss that `no_significant_regression` tolerates, or the gain that `significant_improvement`
    /// must exceed, in the metric's units; 0 if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub margin: f64,
    /// The change that the rows must be able to show, in the metric's units: with a power of 80 % at the confidence
    /// level. Where they cannot, `require` and `change_threshold` are not evaluated instead of held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_detectable: Option<f64>,
    /// Replaces the gate's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_level: Option<f64>,
    /// Gains that are rather a leak of the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspicious_improvement: Option<SuspiciousImprovement>,
    /// Which way is better, for `require` and `suspicious_improvement` on metrics the standard evaluator does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

impl MetricThreshold {
    /// Which way the metric of that name is better: as the file says, else as the standard evaluator knows.
    pub fn better(&self, metric: &str) -> Option<Direction> {
        self.direction.or_else(|| metric::better(metric))
    }
}

/// Inclusive bounds of a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueThreshold {
    /// At least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower_bound: Option<f64>,
    /// At most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper_bound: Option<f64>,
}

/// Bounds of the difference; with both, both must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeThreshold {
    /// HIGHER_IS_BETTER: difference at least this; LOWER_IS_BETTER: at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absolute: Option<f64>,
    /// The same for difference divided by the baseline's magnitude.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
    /// Which way is better.
    pub direction: Direction,
}

/// Thresholds for the slices that match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerSliceThreshold {
    /// Which slices.
    pub slicing_specs: Vec<SlicingSpec>,
    /// Bounds of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_threshold: Option<ValueThreshold>,
    /// Bounds of the difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_threshold: Option<ChangeThreshold>,
    /// Statistical evidence on these slices; it needs the evaluator's bootstrap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require: Option<Requirement>,
    /// As of the metric, for this `require`; 0 if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub margin: f64,
    /// As of the metric, for these slices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_detectable: Option<f64>,
}

/// Thresholds for the difference between two slices, as in TFMA: metric of the baseline slice less metric of the slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossSliceThreshold {
    /// Which pairs of slices.
    pub cross_slicing_specs: Vec<CrossSlicingSpec>,
    /// Bounds of the candidate's difference between the slices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_threshold: Option<ValueThreshold>,
    /// Bounds of the candidate's difference between the slices less the baseline model's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_threshold: Option<ChangeThreshold>,
    /// Statistical evidence on the latter; it needs the evaluator's bootstrap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require: Option<Requirement>,
    /// As of the metric, for this `require`; 0 if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub margin: f64,
    /// As of the metric, for these pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_detectable: Option<f64>,
}
