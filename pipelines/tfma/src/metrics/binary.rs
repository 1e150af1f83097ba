//! Metrics of labels 0 and 1 and the probability of 1.

use super::Model;
use crate::bins::{Channel, Histogram, Weight};
use serde::{Serialize, Serializer};

/// What [`measure`] and [`weighted`] measure, in their order.
pub const NAMES: [&str; 13] = [
    "auc",
    "pr_auc",
    "log_loss",
    "brier_score",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "calibration",
    "mean_label",
    "mean_prediction",
    "expected_calibration_error",
    "max_calibration_error",
];

/// A prediction above this is a predicted 1, as in Keras and scikit-learn.
const THRESHOLD: f64 = 0.5;

/// The upper ends of the equal-width reliability bins; each holds its upper end.
const RELIABILITY: [f64; 10] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// All rows of one score, or of one narrow bin of scores.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    score: f64,
    positives: f64,
    negatives: f64,
    /// Sums over the rows.
    scores: f64,
    log_loss: f64,
    squares: f64,
}

/// In nats; scores of exactly 0 and 1 are moved inwards, or one such miss would be infinite.
fn log_loss(label: bool, score: f64) -> f64 {
    let likelihood = if label { score } else { 1.0 - score };
    -likelihood.max(f64::EPSILON).ln()
}

/// Score, log loss and squared error of a row.
fn of_row(label: bool, score: f64) -> [f64; 3] {
    let square = (score - f64::from(u8::from(label))).powi(2);
    [score, log_loss(label, score), square]
}

/// Exact metrics of the rows, and their plots with thresholds at so many quantiles of the scores.
pub fn measure(model: &Model, rows: &[u32], quantiles: usize) -> (Vec<f64>, Plots) {
    let row = |row: usize| (model.predictions[row], model.labels[row] == 1.0);
    let rows = rows.iter().map(|row| *row as usize);
    match model.weights {
        None => sorted(rows.map(row).collect(), quantiles, |(score, label)| {
            (*score, *label, 1.0)
        }),
        Some(weights) => {
            let counted = rows.filter(|row| weights[*row] > 0.0);
            let weighted = counted.map(|place| (row(place), weights[place])).collect();
            sorted(weighted, quantiles, |((score, label), weight)| {
                (*score, *label, *weight)
            })
        }
    }
}

/// The same of rows that are a score, a label and a weight.
fn sorted<R>(mut rows: Vec<R>, quantiles: usize, read: impl Fn(&R) -> (f64, bool, f64)) -> (Vec<f64>, Plots) {
    rows.sort_unstable_by(|left, right| read(right).0.total_cmp(&read(left).0));
    let mut cuts = Cuts::new(rows.len(), quantiles);
    let levels = rows.chunk_by(|left, right| read(left).0 == read(right).0).map(|ties| {
        let mut level = Level {
            score: read(&ties[0]).0,
            ..Level::default()
        };
        for (score, label, weight) in ties.iter().map(&read) {
            let [score, log_loss, square] = of_row(label, score);
            *(if label {
                &mut level.positives
            } else {
                &mut level.negatives
            }) += weight;
            level.scores += weight * score;
            level.log_loss += weight * log_loss;
            level.squares += weight * square;
        }
        cuts.pass(&level, ties.len());
        level
    });
    let (metrics, reliability) = of_levels(levels);
    (metrics, Plots::of(&reliability, cuts.found))
}

/// What a score above a threshold says of the rows above it, at quantiles of the scores.
struct Cuts {
    rows: usize,
    quantiles: usize,
    /// Rows so far, from the highest score down.
    above: usize,
    /// The quantile behind the last cut.
    last: usize,
    positives: f64,
    negatives: f64,
    /// Threshold, positives and negatives above it.
    found: Vec<[f64; 3]>,
}

impl Cuts {
    fn new(rows: usize, quantiles: usize) -> Self {
        Self {
            rows,
            quantiles,
            above: 0,
            last: 0,
            positives: 0.0,
            negatives: 0.0,
            found: Vec::new(),
        }
    }

    /// Goes on to the rows of the next lower score; before them is a cut where their rows go over a quantile.
    fn pass(&mut self, level: &Level, rows: usize) {
        let next = (self.above + rows) * self.quantiles / self.rows;
        if self.above > 0 && next > self.last {
            self.found.push([level.score, self.positives, self.negatives]);
            self.last = next;
        }
        self.above += rows;
        self.positives += level.positives;
        self.negatives += level.negatives;
    }
}

/// How many rows stand behind each metric: AUC is no surer than its rarer class.
pub fn support(model: &Model, rows: &[u32]) -> Vec<usize> {
    let positives = model.count(rows, |row| model.labels[row] == 1.0);
    let negatives = model.count(rows, |row| model.labels[row] != 1.0);
    let predicted = model.count(rows, |row| model.predictions[row] > THRESHOLD);
    let all = model.count(rows, |_| true);
    let behind = |name| match name {
        "auc" | "pr_auc" => positives.min(negatives),
        "recall" | "f1" | "calibration" => positives,
        "precision" => predicted,
        _ => all,
    };
    NAMES.map(behind).to_vec()
}

/// The scores, cut where a metric changes its mind and evenly by logit, since log loss is steep at the ends.
pub fn channels<'a>(model: &Model<'a>) -> Vec<Channel<'a>> {
    let (labels, scores) = (model.labels, model.predictions);
    let steps = (4..=208).map(|quarter| (-f64::from(quarter) / 4.0).exp2());
    let edges: Vec<f64> = steps.flat_map(|step| [step, 1.0 - step]).chain(RELIABILITY).collect();
    let means = move |row: usize| of_row(labels[row] == 1.0, scores[row]);
    vec![Channel::new(scores.into(), &edges, |row| labels[row] == 1.0, means)]
}

/// The metrics of weighted rows.
pub fn weighted<W: Weight>(histograms: &[Histogram<W>]) -> Vec<f64> {
    let Some(scores) = histograms.first() else {
        return vec![f64::NAN; NAMES.len()];
    };
    let levels = scores.falling().map(|bins| {
        let mut level = Level::default();
        for (bin, weight) in bins {
            *(if bin.class() {
                &mut level.positives
            } else {
                &mut level.negatives
            }) += weight;
            level.score = bin.value;
            level.scores += weight * bin.means[0];
            level.log_loss += weight * bin.means[1];
            level.squares += weight * bin.means[2];
        }
        level
    });
    of_levels(levels).0
}

/// AUC and average precision of (positives, negatives), highest score first.
#[derive(Default)]
pub struct Ranking {
    positives: f64,
    negatives: f64,
    ordered_pairs: f64,
    precision_sum: f64,
}

impl Ranking {
    /// Down the ranking, rows of equal score at once.
    pub fn push(&mut self, positives: f64, negatives: f64) {
        self.ordered_pairs += negatives * (self.positives + positives / 2.0);
        self.positives += positives;
        self.negatives += negatives;
        if positives > 0.0 {
            self.precision_sum += positives * self.positives / (self.positives + self.negatives);
        }
    }

    /// The share of pairs in order, ties half; NaN without a pair.
    pub fn auc(&self) -> f64 {
        self.ordered_pairs / (self.positives * self.negatives)
    }

    /// Average precision; NaN unless both classes are there.
    pub fn pr_auc(&self) -> f64 {
        if self.negatives > 0.0 {
            self.precision_sum / self.positives
        } else {
            f64::NAN
        }
    }
}

/// The rows of one reliability bin.
#[derive(Clone, Copy, Debug, Default)]
struct Inside {
    positives: f64,
    negatives: f64,
    scores: f64,
}

/// From the highest score to the lowest.
fn of_levels(levels: impl Iterator<Item = Level>) -> (Vec<f64>, [Inside; 10]) {
    let mut ranking = Ranking::default();
    let (mut log_loss, mut squares, mut scores) = (0.0, 0.0, 0.0);
    let (mut predicted, mut correct) = (0.0, 0.0);
    let (mut reliability, mut bin) = ([Inside::default(); 10], 9);
    for level in levels {
        ranking.push(level.positives, level.negatives);
        log_loss += level.log_loss;
        squares += level.squares;
        scores += level.scores;
        if level.score > THRESHOLD {
            predicted += level.positives + level.negatives;
            correct += level.positives;
        }
        while bin > 0 && level.score <= RELIABILITY[bin - 1] {
            bin -= 1;
        }
        reliability[bin].positives += level.positives;
        reliability[bin].negatives += level.negatives;
        reliability[bin].scores += level.scores;
    }
    let (mut apart, mut furthest) = (0.0, f64::NAN);
    for inside in reliability {
        let (gap, count) = (
            (inside.scores - inside.positives).abs(),
            inside.positives + inside.negatives,
        );
        apart += gap;
        // f64::max takes the number where the other is NaN: an empty bin counts for nothing.
        furthest = f64::max(furthest, gap / count);
    }
    let (positives, negatives) = (ranking.positives, ranking.negatives);
    let count = positives + negatives;
    let metrics = vec![
        ranking.auc(),
        ranking.pr_auc(),
        log_loss / count,
        squares / count,
        (correct + negatives - (predicted - correct)) / count,
        correct / predicted,
        correct / positives,
        2.0 * correct / (predicted + positives),
        (scores / count) / (positives / count),
        positives / count,
        scores / count,
        apart / count,
        furthest,
    ];
    (metrics, reliability)
}

/// What a person looks at, of one model on one slice.
#[derive(Clone, Debug, Serialize)]
pub struct Plots {
    confusion_at_thresholds: Vec<Confusion>,
    reliability: Vec<Reliability>,
}

/// A score above the threshold is a predicted 1.
#[derive(Clone, Debug, Serialize)]
struct Confusion {
    threshold: f64,
    #[serde(serialize_with = "rows")]
    true_positives: f64,
    #[serde(serialize_with = "rows")]
    false_positives: f64,
    #[serde(serialize_with = "rows")]
    true_negatives: f64,
    #[serde(serialize_with = "rows")]
    false_negatives: f64,
}

/// Rows are whole numbers unless they have weights.
fn rows<S: Serializer>(count: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if count.fract() == 0.0 && *count < 9e15 {
        serializer.serialize_u64(*count as u64)
    } else {
        serializer.serialize_f64(*count)
    }
}

/// The rows with `lower` < score <= `upper`; means are `null` without rows.
#[derive(Clone, Debug, Serialize)]
struct Reliability {
    lower: f64,
    upper: f64,
    #[serde(serialize_with = "rows")]
    num_examples: f64,
    mean_prediction: Option<f64>,
    mean_label: Option<f64>,
}

impl Plots {
    fn of(bins: &[Inside; 10], cuts: Vec<[f64; 3]>) -> Self {
        let mean = |sum: f64, count: f64| (count > 0.0).then_some(sum / count);
        let reliability = |(bin, inside): (usize, &Inside)| {
            let count = inside.positives + inside.negatives;
            Reliability {
                lower: if bin == 0 { 0.0 } else { RELIABILITY[bin - 1] },
                upper: RELIABILITY[bin],
                num_examples: count,
                mean_prediction: mean(inside.scores, count),
                mean_label: mean(inside.positives, count),
            }
        };
        let confusion = |bin: usize| {
            let (below, above) = bins.split_at(bin + 1);
            let positives = |bins: &[Inside]| bins.iter().map(|inside| inside.positives).sum();
            let negatives = |bins: &[Inside]| bins.iter().map(|inside| inside.negatives).sum();
            Confusion {
                threshold: RELIABILITY[bin],
                true_positives: positives(above),
                false_positives: negatives(above),
                true_negatives: negatives(below),
                false_negatives: positives(below),
            }
        };
        let all = |read: fn(&Inside) -> f64| bins.iter().map(read).sum::<f64>();
        let (positives, negatives) = (all(|inside| inside.positives), all(|inside| inside.negatives));
        let cut = |[threshold, true_positives, false_positives]: [f64; 3]| Confusion {
            threshold,
            true_positives,
            false_positives,
            true_negatives: (negatives - false_positives).max(0.0),
            false_negatives: (positives - true_positives).max(0.0),
        };
        let mut thresholds: Vec<Confusion> = (0..9).map(confusion).chain(cuts.into_iter().map(cut)).collect();
        thresholds.sort_by(|one, other| one.threshold.total_cmp(&other.threshold));
        thresholds.dedup_by(|one, other| one.threshold == other.threshold);
        Self {
            confusion_at_thresholds: thresholds,
            reliability: bins.iter().enumerate().map(reliability).collect(),
        }
    }
}
