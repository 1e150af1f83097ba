//! Metrics of labels and predictions in the same unit.

use super::Model;
use crate::bins::{Channel, Histogram, Weight};

/// What [`measure`] and [`weighted`] measure, in their order.
pub const NAMES: [&str; 8] = [
    "mean_squared_error",
    "root_mean_squared_error",
    "mean_absolute_error",
    "r_squared",
    "mean_error",
    "median_absolute_error",
    "p90_absolute_error",
    "mean_absolute_percentage_error",
];

/// Sums over (weighted) rows.
#[derive(Default)]
struct Sums {
    count: f64,
    errors: f64,
    absolute: f64,
    squares: f64,
    /// Squared distances of the labels from their mean.
    label_squares: f64,
    /// |error / label|, infinite where a label is 0.
    relative: f64,
    median: f64,
    p90: f64,
}

impl Sums {
    fn metrics(&self) -> Vec<f64> {
        let mean_squared_error = self.squares / self.count;
        vec![
            mean_squared_error,
            mean_squared_error.sqrt(),
            self.absolute / self.count,
            1.0 - self.squares / self.label_squares,
            self.errors / self.count,
            self.median,
            self.p90,
            self.relative / self.count,
        ]
    }
}

/// Exact metrics of the rows.
pub fn measure(model: &Model, rows: &[u32]) -> Vec<f64> {
    let mut sums = Sums::default();
    let mut mean_label = 0.0;
    let mut magnitudes = Vec::with_capacity(rows.len());
    for row in rows.iter().map(|row| *row as usize) {
        let weight = model.weight(row);
        if weight == 0.0 {
            continue;
        }
        let label = model.labels[row];
        let error = model.predictions[row] - label;
        sums.count += weight;
        sums.errors += weight * error;
        sums.absolute += weight * error.abs();
        sums.squares += weight * error * error;
        sums.relative += weight * relative(error, label);
        let apart = label - mean_label;
        mean_label += weight * apart / sums.count;
        sums.label_squares += weight * apart * (label - mean_label);
        magnitudes.push((error.abs(), weight));
    }
    magnitudes.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let quantile = of(model);
    let levels = || magnitudes.iter().copied();
    sums.median = quantile(&mut levels(), sums.count, 0.5);
    sums.p90 = quantile(&mut levels(), sums.count, 0.9);
    sums.metrics()
}

type Quantile = fn(&mut dyn Iterator<Item = (f64, f64)>, f64, f64) -> f64;

/// How quantiles are taken: of rows as numpy takes them, of rows with weights as scikit-learn does.
fn of(model: &Model) -> Quantile {
    match model.weights {
        None => quantile,
        Some(_) => weighted_quantile,
    }
}

fn relative(error: f64, label: f64) -> f64 {
    if label == 0.0 {
        f64::INFINITY
    } else {
        (error / label).abs()
    }
}

/// Linear between the two nearest ranks, as numpy does it; rising (value, count), NaN for none.
fn quantile(levels: &mut dyn Iterator<Item = (f64, f64)>, count: f64, share: f64) -> f64 {
    let rank = share * (count - 1.0);
    let (below, mut seen) = (rank.floor(), 0.0);
    let mut lower = f64::NAN;
    for (value, weight) in levels {
        seen += weight;
        if weight > 0.0 && lower.is_nan() && seen > below {
            lower = value;
        }
        if weight > 0.0 && seen > below + 1.0 {
            return lower + (rank - below) * (value - lower);
        }
    }
    lower
}

/// The value where the weights of the smaller reach the share of all, as in scikit-learn's weighted
/// `median_absolute_error`: the mean of two where they reach it exactly between them. Rising, NaN for none.
fn weighted_quantile(levels: &mut dyn Iterator<Item = (f64, f64)>, count: f64, share: f64) -> f64 {
    let (rank, mut seen, mut lower) = (share * count, 0.0, f64::NAN);
    for (value, weight) in levels.filter(|(_, weight)| *weight > 0.0) {
        if !lower.is_nan() {
            return (lower + value) / 2.0;
        }
        seen += weight;
        if (seen - rank).abs() <= 1e-12 * count {
            lower = value;
        } else if seen > rank {
            return value;
        }
    }
    lower
}

/// Errors, distances of the labels from their mean, and relative errors.
pub fn channels<'a>(model: &Model<'a>) -> Vec<Channel<'a>> {
    let pairs = || model.labels.iter().zip(model.predictions);
    let mean = model.labels.iter().sum::<f64>() / model.labels.len() as f64;
    vec![
        Channel::magnitudes(pairs().map(|(label, prediction)| prediction - label).collect()),
        Channel::magnitudes(model.labels.iter().map(|label| label - mean).collect()),
        Channel::magnitudes(
            pairs()
                .map(|(label, prediction)| relative(prediction - label, *label))
                .collect(),
        ),
    ]
}

/// The metrics of weighted rows.
pub fn weighted<W: Weight>(model: &Model, histograms: &[Histogram<W>]) -> Vec<f64> {
    let [errors, labels, relative] = histograms else {
        return vec![f64::NAN; NAMES.len()];
    };
    let quantile = of(model);
    let count = errors.sum(|_| 1.0);
    let levels = || errors.bins().map(|(bin, weight)| (bin.means[1], weight));
    let (distance, distances) = (labels.sum(|bin| bin.means[0]), labels.sum(|bin| bin.means[2]));
    let label_squares = distances - distance * distance / count;
    let sums = Sums {
        count,
        errors: errors.sum(|bin| bin.means[0]),
        absolute: errors.sum(|bin| bin.means[1]),
        squares: errors.sum(|bin| bin.means[2]),
        // What rounding leaves of equal labels is nothing.
        label_squares: if label_squares > 1e-12 * distances {
            label_squares
        } else {
            0.0
        },
        relative: relative.sum(|bin| bin.means[1]),
        median: quantile(&mut levels(), count, 0.5),
        p90: quantile(&mut levels(), count, 0.9),
    };
    sums.metrics()
}
