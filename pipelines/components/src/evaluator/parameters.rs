//! What the evaluator is asked for.

use anyhow::{Result, bail};
use serde::Deserialize;

use super::predictions::Columns;
use super::slices::{Grouping, SlicingSpec};
use trainyard_tfma::bootstrap::Bootstrap;
use trainyard_tfma::metrics::ModelType;

/// More replicates than anybody needs.
const MAX_SAMPLES: u32 = 100_000;

/// The step's parameters, or the command's.
#[derive(Clone, Debug, Deserialize)]
pub struct Parameters {
    pub model_type: ModelType,
    pub label: String,
    pub prediction: String,
    /// The column of the rows' weights, as TFMA's `example_weight_key`; none counts each row once.
    #[serde(default)]
    pub example_weight_key: Option<String>,
    /// Multiclass only; none stands for all columns `PREDICTION_CLASS`.
    #[serde(default)]
    pub probabilities: Vec<String>,
    #[serde(default)]
    pub slicing_specs: Vec<SlicingSpec>,
    #[serde(default)]
    pub cross_slicing_specs: Vec<CrossSlicingSpec>,
    #[serde(default)]
    pub bootstrap: Bootstrap,
    #[serde(default = "default_confidence_level")]
    pub confidence_level: f64,
}

/// Slices to compare with a baseline slice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossSlicingSpec {
    #[serde(default)]
    pub baseline_spec: SlicingSpec,
    pub slicing_specs: Vec<SlicingSpec>,
}

/// How sure an interval is unless somebody says otherwise.
pub fn default_confidence_level() -> f64 {
    0.95
}

impl Parameters {
    /// Every slicing spec, wherever it is asked for.
    pub fn all_slicing_specs(&self) -> Vec<SlicingSpec> {
        let crossed = self
            .cross_slicing_specs
            .iter()
            .flat_map(|cross| [&cross.baseline_spec].into_iter().chain(&cross.slicing_specs));
        self.slicing_specs.iter().chain(crossed).cloned().collect()
    }

    /// Every grouping of a column, once.
    pub fn groupings(&self) -> Vec<Grouping> {
        let mut groupings: Vec<Grouping> = Vec::new();
        for grouping in self.all_slicing_specs().iter().flat_map(SlicingSpec::groupings) {
            if !groupings.contains(&grouping) {
                groupings.push(grouping);
            }
        }
        groupings
    }

    /// The columns to read; rows are paired by `key` where there is one.
    pub fn columns<'a>(&'a self, key: Option<&'a str>) -> Columns<'a> {
        Columns {
            model_type: self.model_type,
            label: &self.label,
            prediction: &self.prediction,
            probabilities: &self.probabilities,
            key,
            weight: self.example_weight_key.as_deref(),
        }
    }

    /// # Errors
    /// When a number is out of its range, or bins cannot be made.
    pub fn check(&self) -> Result<()> {
        if !(self.confidence_level > 0.0 && self.confidence_level < 1.0) {
            bail!(
                "the confidence_level is {}: give a number between 0 and 1, such as 0.95",
                self.confidence_level
            );
        }
        if self.bootstrap.num_samples > MAX_SAMPLES {
            bail!(
                "bootstrap asks for {} samples, more than {MAX_SAMPLES}: 1000 are enough for most",
                self.bootstrap.num_samples
            );
        }
        self.all_slicing_specs().iter().try_for_each(SlicingSpec::check)
    }
}
