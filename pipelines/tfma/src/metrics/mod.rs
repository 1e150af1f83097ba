//! The metrics of one slice, exactly or of weighted bins; what is undefined is NaN here and `null` in the file.

mod binary;
mod multiclass;
mod regression;
#[cfg(test)]
mod tests;

use crate::bins::{Channel, Histogram, Weight};
pub use binary::Plots;
use serde::{Deserialize, Serialize};

/// What the model predicts, and so what can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum ModelType {
    /// Labels 0 and 1, predictions the probability of 1.
    BinaryClassification,
    /// Labels and predictions are classes.
    MulticlassClassification,
    /// Labels and predictions in the same unit.
    Regression,
}

impl ModelType {
    /// As parameters and `evaluation.json` write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BinaryClassification => "binary_classification",
            Self::MulticlassClassification => "multiclass_classification",
            Self::Regression => "regression",
        }
    }
}

/// One model's labels and predictions, row by row, legal for the model type.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// Decides how the others are read.
    pub model_type: ModelType,
    /// What was true: 0 and 1, numbers, or the places of [`Model::classes`].
    pub labels: &'a [f64],
    /// What the model said: probabilities, numbers, or the places of [`Model::classes`].
    pub predictions: &'a [f64],
    /// The names of the classes; empty unless multiclass.
    pub classes: &'a [String],
    /// By class and row; empty where there are none.
    pub probabilities: &'a [Vec<f64>],
    /// By row, as scikit-learn's `sample_weight`: finite, not negative. `None` counts each row once.
    pub weights: Option<&'a [f64]>,
}

/// How many rows of equal weight would be as sure as these (Kish's effective sample size); 0 without any weight.
pub fn effective_rows(weights: impl Iterator<Item = f64>) -> f64 {
    effective(sums(weights))
}

/// The sum of weights, and of their squares.
fn sums(weights: impl Iterator<Item = f64>) -> [f64; 2] {
    weights.fold([0.0; 2], |[sum, squares], weight| {
        [sum + weight, squares + weight * weight]
    })
}

fn effective([sum, squares]: [f64; 2]) -> f64 {
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// The same in whole rows. Of equal weights the quotient is their number, give or take rounding.
fn as_rows(sums: [f64; 2]) -> usize {
    (effective(sums) * (1.0 + 1e-9)) as usize
}

impl<'a> Model<'a> {
    /// The names of the metrics, in the order of all values.
    pub fn names(&self) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        match self.model_type {
            ModelType::BinaryClassification => owned(&binary::NAMES),
            ModelType::Regression => owned(&regression::NAMES),
            ModelType::MulticlassClassification => {
                let of_class = |class: &String| multiclass::OF_CLASS.map(|name| format!("{name}:{class}"));
                let mut names = owned(&multiclass::NAMES);
                names.extend(self.classes.iter().flat_map(of_class));
                names
            }
        }
    }

    /// The exact metrics of these rows, and the plots of a binary model, with thresholds at so many quantiles of its
    /// scores beside those that all models have.
    pub fn measure(&self, rows: &[u32], quantiles: usize) -> (Vec<f64>, Option<Plots>) {
        let (metrics, plots) = match self.model_type {
            ModelType::BinaryClassification => {
                let (metrics, plots) = binary::measure(self, rows, quantiles);
                (metrics, Some(plots))
            }
            ModelType::MulticlassClassification => (multiclass::measure(self, rows), None),
            ModelType::Regression => (regression::measure(self, rows), None),
        };
        (finite(metrics), plots)
    }

    /// How many of these rows stand behind each metric, in the order of the names; where they have weights, how many
    /// of equal weight would.
    pub fn support(&self, rows: &[u32]) -> Vec<usize> {
        match self.model_type {
            ModelType::BinaryClassification => binary::support(self, rows),
            ModelType::MulticlassClassification => multiclass::support(self, rows),
            ModelType::Regression => vec![self.count(rows, |_| true); regression::NAMES.len()],
        }
    }

    /// The weight of a row.
    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// Rows for which something holds, as far as they count.
    fn count(&self, rows: &[u32], holds: impl Fn(usize) -> bool) -> usize {
        let held = rows.iter().map(|row| *row as usize).filter(|row| holds(*row));
        match self.weights {
            None => held.count(),
            Some(weights) => as_rows(sums(held.map(|row| weights[row]))),
        }
    }

    /// What of each row [`Model::weighted`] looks at.
    pub fn channels(&self) -> Vec<Channel<'a>> {
        match self.model_type {
            ModelType::BinaryClassification => binary::channels(self),
            ModelType::MulticlassClassification => multiclass::channels(self),
            ModelType::Regression => regression::channels(self),
        }
    }

    /// The metrics of weighted rows, given as a histogram of each channel.
    pub fn weighted<W: Weight>(&self, histograms: &[Histogram<W>]) -> Vec<f64> {
        finite(match self.model_type {
            ModelType::BinaryClassification => binary::weighted(histograms),
            ModelType::MulticlassClassification => multiclass::weighted(self, histograms),
            ModelType::Regression => regression::weighted(self, histograms),
        })
    }
}

/// Numbers near the end of f64 overflow, and parts of nothing are infinite: undefined too.
fn finite(mut metrics: Vec<f64>) -> Vec<f64> {
    for value in &mut metrics {
        if !value.is_finite() {
            *value = f64::NAN;
        }
    }
    metrics
}
