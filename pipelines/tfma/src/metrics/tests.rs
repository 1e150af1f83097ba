mod weights;

use super::*;
use proptest::prelude::*;

type Metrics = Vec<(String, Option<f64>)>;

fn value(metrics: &Metrics, name: &str) -> Option<f64> {
    let found = metrics.iter().find(|(other, _)| *other == name);
    found.unwrap_or_else(|| panic!("no {name}")).1
}

fn measured(model_type: ModelType, rows: &[(f64, f64)]) -> Metrics {
    let (labels, predictions): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
    measured_of(&Model {
        model_type,
        labels: &labels,
        predictions: &predictions,
        classes: &[],
        probabilities: &[],
        weights: None,
    })
}

/// Exactly, and the same of bins.
fn measured_of(model: &Model) -> Metrics {
    let rows: Vec<u32> = (0..).take(model.labels.len()).collect();
    let values = model.measure(&rows, 0).0;
    // The bins of few rows lose nothing.
    let channels = model.channels();
    let bins: Vec<_> = channels
        .iter()
        .map(|channel| channel.bins(&rows, model.weights))
        .collect();
    let sum = |channel: &Channel, code: u32| -> f64 {
        let inside = channel.codes.iter().enumerate().filter(|(_, other)| **other == code);
        inside.map(|(row, _)| model.weight(row)).sum()
    };
    let weights: Vec<Vec<f64>> = channels
        .iter()
        .zip(&bins)
        .map(|(channel, bins)| bins.iter().map(|bin| sum(channel, bin.code)).collect())
        .collect();
    let histograms: Vec<_> = bins
        .iter()
        .zip(&weights)
        .map(|(bins, weights)| Histogram::new(bins, weights))
        .collect();
    for ((name, exact), weighted) in model.names().iter().zip(&values).zip(model.weighted(&histograms)) {
        let near = (exact - weighted).abs() <= 1e-9 * exact.abs().max(1.0);
        assert!(
            near || exact.is_nan() || exact.abs() > 1e100,
            "{name}: {exact} {weighted} of {model:?}"
        );
    }
    let defined = values
        .into_iter()
        .map(|value| Some(value).filter(|value| value.is_finite()));
    model.names().into_iter().zip(defined).collect()
}

fn binary_of(rows: &[(f64, f64)]) -> Metrics {
    measured(ModelType::BinaryClassification, rows)
}

fn regression_of(rows: &[(f64, f64)]) -> Metrics {
    measured(ModelType::Regression, rows)
}

#[test]
fn figures_of_scikit_learn() {
    // y = [1,0,1,1,0,0,1,0], p = [.9,.8,.7,.5,.5,.3,.2,.1]; scikit-learn 1.9: roc_auc_score,
    // average_precision_score, log_loss, brier_score_loss, and the others by p > .5.
    let labels = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0];
    let scores = [0.9, 0.8, 0.7, 0.5, 0.5, 0.3, 0.2, 0.1];
    let rows: Vec<_> = labels.into_iter().zip(scores).collect();
    let said: Vec<String> = binary_of(&rows)
        .iter()
        .map(|(name, value)| format!("{name} {:.6}", value.unwrap()))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @"
    auc 0.656250
    pr_auc 0.709524
    log_loss 0.691155
    brier_score 0.247500
    accuracy 0.625000
    precision 0.666667
    recall 0.500000
    f1 0.571429
    calibration 1.000000
    mean_label 0.500000
    mean_prediction 0.500000
    expected_calibration_error 0.300000
    max_calibration_error 0.800000
    ");
}

#[test]
fn calibration_is_predicted_by_true_share() {
    let metrics = binary_of(&[(1.0, 0.25), (0.0, 0.5)]);
    assert_eq!(value(&metrics, "calibration"), Some(0.75));
    assert_eq!(value(&metrics, "mean_prediction"), Some(0.375));
}

#[test]
fn one_half_is_not_above_the_threshold() {
    let metrics = binary_of(&[(1.0, 0.5), (0.0, 0.5), (1.0, 0.5 + f64::EPSILON)]);
    assert_eq!(value(&metrics, "precision"), Some(1.0));
    assert_eq!(value(&metrics, "recall"), Some(0.5));
    assert_eq!(value(&metrics, "accuracy"), Some(2.0 / 3.0));
}

#[test]
fn certainty_costs_much_and_not_everything() {
    let wrong = value(&binary_of(&[(1.0, 0.0), (0.0, 1.0)]), "log_loss").unwrap();
    assert!((36.0..37.0).contains(&wrong), "{wrong}");
    assert_eq!(value(&binary_of(&[(1.0, 1.0), (0.0, 0.0)]), "log_loss"), Some(0.0));
}

#[test]
fn what_is_undefined_is_none() {
    let undefined = |metrics: Metrics| -> Vec<String> {
        let undefined = metrics.into_iter().filter(|(_, value)| value.is_none());
        undefined.map(|(name, _)| name).collect()
    };
    assert_eq!(undefined(binary_of(&[])).len(), 13);
    assert_eq!(
        undefined(binary_of(&[(0.0, 0.2), (0.0, 0.3)])),
        ["auc", "pr_auc", "precision", "recall", "f1", "calibration"]
    );
    assert_eq!(undefined(binary_of(&[(1.0, 0.8)])), ["auc", "pr_auc"]);
    assert_eq!(undefined(regression_of(&[])).len(), 8);
    assert_eq!(undefined(regression_of(&[(2.0, 1.0), (2.0, 3.0)])), ["r_squared"]);
    assert_eq!(
        undefined(regression_of(&[(0.0, 1e200), (1.0, 1.0)])),
        [
            "mean_squared_error",
            "root_mean_squared_error",
            "r_squared",
            "mean_absolute_percentage_error"
        ]
    );
}

#[test]
fn regression_by_hand() {
    let metrics = regression_of(&[(1.0, 2.0), (2.0, 2.0), (6.0, 3.0)]);
    assert_eq!(value(&metrics, "mean_error"), Some(-2.0 / 3.0));
    assert_eq!(value(&metrics, "mean_absolute_error"), Some(4.0 / 3.0));
    assert_eq!(value(&metrics, "mean_squared_error"), Some(10.0 / 3.0));
    assert_eq!(
        value(&metrics, "root_mean_squared_error"),
        Some((10.0_f64 / 3.0).sqrt())
    );
    assert!((value(&metrics, "r_squared").unwrap() - (1.0 - 10.0 / 14.0)).abs() < 1e-12);
}

/// Every pair of a positive and a negative, half a point for a tie.
fn auc_by_pairs(rows: &[(f64, f64)]) -> Option<f64> {
    let scores = |class: f64| {
        rows.iter()
            .filter(move |(label, _)| *label == class)
            .map(|(_, score)| *score)
    };
    let (mut won, mut pairs) = (0.0, 0.0);
    for positive in scores(1.0) {
        for negative in scores(0.0) {
            pairs += 1.0;
            won += match positive.total_cmp(&negative) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    (pairs > 0.0).then(|| won / pairs)
}

/// Precision at the rank of each positive, ties counted as one rank.
fn average_precision_by_threshold(rows: &[(f64, f64)]) -> f64 {
    let positives: Vec<f64> = rows
        .iter()
        .filter(|(label, _)| *label == 1.0)
        .map(|(_, score)| *score)
        .collect();
    let precision = |threshold: &f64| {
        let above: Vec<_> = rows.iter().filter(|(_, score)| score >= threshold).collect();
        above.iter().filter(|(label, _)| *label == 1.0).count() as f64 / above.len() as f64
    };
    positives.iter().map(precision).sum::<f64>() / positives.len() as f64
}

proptest! {
    #[test]
    fn auc_is_the_share_of_ordered_pairs(rows in prop::collection::vec((0..2, 0..12), 0..80)) {
        let rows: Vec<(f64, f64)> = rows.into_iter().map(|(label, score)| (f64::from(label), f64::from(score) / 12.0)).collect();
        let metrics = binary_of(&rows);
        let (auc, expected) = (value(&metrics, "auc"), auc_by_pairs(&rows));
        prop_assert_eq!(auc.is_some(), expected.is_some());
        if let (Some(auc), Some(expected)) = (auc, expected) {
            prop_assert!((auc - expected).abs() < 1e-12, "{} {}", auc, expected);
            let average = value(&metrics, "pr_auc").unwrap();
            prop_assert!((average - average_precision_by_threshold(&rows)).abs() < 1e-12);
            // Turned scores turn the ranking.
            let turned: Vec<_> = rows.iter().map(|(label, score)| (*label, 1.0 - score)).collect();
            prop_assert!((value(&binary_of(&turned), "auc").unwrap() - (1.0 - auc)).abs() < 1e-12);
        }
    }

    #[test]
    fn nothing_is_ever_nan(rows in prop::collection::vec((prop::num::f64::NORMAL, prop::num::f64::NORMAL), 0..20)) {
        for (name, value) in regression_of(&rows) {
            prop_assert!(value.is_none_or(f64::is_finite), "{} {:?}", name, value);
        }
    }
}
