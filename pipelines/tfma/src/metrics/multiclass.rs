//! Metrics of classes and predicted classes, and of the probabilities of the classes where there are any.

use super::binary::Ranking;
use super::{Model, as_rows};
use crate::bins::{Channel, Histogram, Weight};

/// What is measured of the whole; the classes' own follow as `precision:CLASS`, `recall:CLASS`, `f1:CLASS`.
pub const NAMES: [&str; 9] = [
    "accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
    "log_loss",
    "auc",
];

/// The metrics of one class.
pub const OF_CLASS: [&str; 3] = ["precision", "recall", "f1"];

/// Rows of each class: true, predicted, and both.
#[derive(Clone, Copy, Default)]
struct Class {
    labels: f64,
    predicted: f64,
    correct: f64,
}

/// Exact metrics of the rows.
pub fn measure(model: &Model, rows: &[u32]) -> Vec<f64> {
    let rows = || {
        let rows = rows.iter().map(|row| *row as usize);
        rows.map(|row| (row, model.weight(row)))
            .filter(|(_, weight)| *weight > 0.0)
    };
    let class = |values: &[f64], row: usize| values[row] as usize;
    let confusion = rows().map(|(row, weight)| (class(model.labels, row), class(model.predictions, row), weight));
    let losses: f64 = rows().map(|(row, weight)| weight * loss(model, row)).sum();
    let auc = |(class, probabilities): (usize, &Vec<f64>)| {
        let mut ranked: Vec<_> = rows()
            .map(|(row, weight)| (probabilities[row], model.labels[row] == class as f64, weight))
            .collect();
        ranked.sort_unstable_by(|left, right| right.0.total_cmp(&left.0));
        let mut ranking = Ranking::default();
        for ties in ranked.chunk_by(|left, right| left.0 == right.0) {
            let sum = |hit: bool| ties.iter().filter(|tie| tie.1 == hit).map(|tie| tie.2).sum();
            ranking.push(sum(true), sum(false));
        }
        ranking.auc()
    };
    let aucs: Vec<f64> = model.probabilities.iter().enumerate().map(auc).collect();
    metrics(model, confusion, losses, &aucs)
}

/// How many rows stand behind each metric: of a class's own those that are, or are said to be, of the class.
pub fn support(model: &Model, rows: &[u32]) -> Vec<usize> {
    let mut of_classes = vec![[[0.0; 2]; 2]; model.classes.len()];
    for row in rows.iter().map(|row| *row as usize) {
        let weight = model.weight(row);
        for (which, class) in [model.labels[row], model.predictions[row]].into_iter().enumerate() {
            let [sum, squares] = &mut of_classes[class as usize][which];
            *sum += weight;
            *squares += weight * weight;
        }
    }
    let own = |[labels, predicted]: [[f64; 2]; 2]| {
        OF_CLASS.map(|name| as_rows(if name == "precision" { predicted } else { labels }))
    };
    let whole = NAMES.map(|_| model.count(rows, |_| true));
    whole.into_iter().chain(of_classes.into_iter().flat_map(own)).collect()
}

/// In nats; NaN without probabilities.
fn loss(model: &Model, row: usize) -> f64 {
    let likely = model.probabilities.get(model.labels[row] as usize);
    likely.map_or(f64::NAN, |likely| -likely[row].max(f64::EPSILON).ln())
}

fn metrics(model: &Model, confusion: impl Iterator<Item = (usize, usize, f64)>, losses: f64, aucs: &[f64]) -> Vec<f64> {
    let mut classes = vec![Class::default(); model.classes.len()];
    let (mut count, mut correct) = (0.0, 0.0);
    for (label, predicted, weight) in confusion {
        count += weight;
        classes[label].labels += weight;
        classes[predicted].predicted += weight;
        if label == predicted {
            correct += weight;
            classes[label].correct += weight;
        }
    }
    let of_class = |class: &Class| {
        [
            class.correct / class.predicted,
            class.correct / class.labels,
            2.0 * class.correct / (class.predicted + class.labels),
        ]
    };
    // As scikit-learn: over the classes that are there, where undefined counts as 0.
    let there: Vec<&Class> = classes
        .iter()
        .filter(|class| class.labels + class.predicted > 0.0)
        .collect();
    let sum = |which: usize, weight: &dyn Fn(&Class) -> f64| -> f64 {
        let value =
            |class: &&Class| weight(class) * Some(of_class(class)[which]).filter(|v| v.is_finite()).unwrap_or(0.0);
        there.iter().map(value).sum()
    };
    let ranked = || aucs.iter().filter(|auc| auc.is_finite());
    let mut all = vec![correct / count];
    all.extend((0..3).map(|which| sum(which, &|_| 1.0) / there.len() as f64));
    all.extend((0..3).map(|which| sum(which, &|class| class.labels) / count));
    all.push(losses / count);
    all.push(ranked().sum::<f64>() / ranked().count() as f64);
    all.extend(classes.iter().flat_map(of_class));
    all
}

/// The confusion matrix, the log losses, and each class's probabilities.
pub fn channels<'a>(model: &Model<'a>) -> Vec<Channel<'a>> {
    let model = *model;
    let classes = model.classes.len();
    let cell = |(label, predicted): (&f64, &f64)| (*label as usize * classes + *predicted as usize) as u32;
    let confusion = model.labels.iter().zip(model.predictions).map(cell).collect();
    let mut channels = vec![Channel::of_codes(confusion)];
    if !model.probabilities.is_empty() {
        channels.push(Channel::magnitudes(
            (0..model.labels.len()).map(|row| loss(&model, row)).collect(),
        ));
    }
    for (class, probabilities) in model.probabilities.iter().enumerate() {
        let is = |row: usize| model.labels[row] == class as f64;
        channels.push(Channel::new(probabilities.as_slice().into(), &[], is, |_| [0.0; 3]));
    }
    channels
}

/// The metrics of weighted rows.
pub fn weighted<W: Weight>(model: &Model, histograms: &[Histogram<W>]) -> Vec<f64> {
    let Some((confusion, others)) = histograms.split_first() else {
        return vec![f64::NAN; NAMES.len() + OF_CLASS.len() * model.classes.len()];
    };
    let cell = |code: usize| (code / model.classes.len(), code % model.classes.len());
    let confusion = confusion.bins().map(|(bin, weight)| {
        let (label, predicted) = cell(bin.code as usize);
        (label, predicted, weight)
    });
    let losses = others.first().map_or(f64::NAN, |losses| losses.sum(|bin| bin.means[1]));
    let auc = |scores: &Histogram<W>| {
        let mut ranking = Ranking::default();
        for level in scores.falling() {
            let (mut positives, mut negatives) = (0.0, 0.0);
            for (bin, weight) in level {
                *(if bin.class() { &mut positives } else { &mut negatives }) += weight;
            }
            ranking.push(positives, negatives);
        }
        ranking.auc()
    };
    let aucs: Vec<f64> = others.iter().skip(1).map(auc).collect();
    metrics(model, confusion, losses, &aucs)
}
