//! Rows with weights, as scikit-learn's `sample_weight`.

use super::*;
use ModelType::{BinaryClassification as Binary, MulticlassClassification as Multiclass, Regression};

fn weighted(model_type: ModelType, rows: &[(f64, f64)], weights: Option<&[f64]>) -> Metrics {
    let (labels, predictions): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
    measured_of(&Model {
        model_type,
        labels: &labels,
        predictions: &predictions,
        classes: &[],
        probabilities: &[],
        weights,
    })
}

fn are(metrics: &Metrics, right: &[(&str, f64)]) {
    for (name, right) in right {
        let found = value(metrics, name).unwrap();
        assert!((found - right).abs() < 1e-10, "{name}: {found} is not {right}");
    }
}

/// Figures of scikit-learn 1.9.1, each with `sample_weight=w`.
#[test]
fn figures_of_scikit_learn() {
    // y = [1,0,1,1,0,0,1,0], p = [.9,.8,.7,.5,.5,.3,.2,.1], w = [2,.5,1,0,3,.25,1.5,4]: roc_auc_score(y, p),
    // average_precision_score(y, p), log_loss(y, p), brier_score_loss(y, p), the others of y and p > .5, and numpy's
    // average(weights=w).
    let labels = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0];
    let scores = [0.9, 0.8, 0.7, 0.5, 0.5, 0.3, 0.2, 0.1];
    let rows: Vec<_> = labels.into_iter().zip(scores).collect();
    are(
        &weighted(Binary, &rows, Some(&[2.0, 0.5, 1.0, 0.0, 3.0, 0.25, 1.5, 4.0])),
        &[
            ("auc", 0.824372759857),
            ("pr_auc", 0.816738816739),
            ("log_loss", 0.520516256361),
            ("brier_score", 0.179795918367),
            ("accuracy", 0.836734693878),
            ("precision", 0.857142857143),
            ("recall", 0.666666666667),
            ("f1", 0.75),
            ("mean_label", 0.367346938776),
            ("mean_prediction", 0.422448979592),
            ("calibration", 1.15),
        ],
    );
    // y = [1,2,6,3,-4,.5], p = [2,2,3,3.5,-1,1], w = [2,.5,1,0,3,.25].
    let labels = [1.0, 2.0, 6.0, 3.0, -4.0, 0.5];
    let predictions = [2.0, 2.0, 3.0, 3.5, -1.0, 1.0];
    let rows: Vec<_> = labels.into_iter().zip(predictions).collect();
    are(
        &weighted(Regression, &rows, Some(&[2.0, 0.5, 1.0, 0.0, 3.0, 0.25])),
        &[
            ("mean_squared_error", 5.638888888889),
            ("root_mean_squared_error", 2.374634474796),
            ("mean_absolute_error", 2.092592592593),
            ("r_squared", 0.561683638108),
            ("mean_error", 1.203703703704),
            ("median_absolute_error", 3.0),
            ("mean_absolute_percentage_error", 0.740740740741),
        ],
    );
    // Half of the weight lies exactly between two rows.
    let halves = weighted(Regression, &rows, Some(&[1.0, 1.0, 1.0, 1.0, 2.0, 2.0]));
    are(&halves, &[("median_absolute_error", 0.75)]);
}

/// The same, of classes: macro and weighted averages, and roc_auc_score(multi_class="ovr").
#[test]
fn classes_of_scikit_learn() {
    let classes = ["ant", "bee", "cat"].map(str::to_owned);
    let probabilities = [
        vec![0.7, 0.1, 0.2, 0.3, 0.1, 0.5],
        vec![0.2, 0.6, 0.5, 0.3, 0.2, 0.4],
        vec![0.1, 0.3, 0.3, 0.4, 0.7, 0.1],
    ];
    let metrics = measured_of(&Model {
        model_type: Multiclass,
        labels: &[0.0, 1.0, 2.0, 0.0, 2.0, 1.0],
        predictions: &[0.0, 1.0, 1.0, 2.0, 2.0, 0.0],
        classes: &classes,
        probabilities: &probabilities,
        weights: Some(&[2.0, 0.5, 1.0, 0.75, 3.0, 0.25]),
    });
    are(
        &metrics,
        &[
            ("accuracy", 0.733333333333),
            ("macro_precision", 0.674074074074),
            ("macro_f1", 0.672879330944),
            ("weighted_recall", 0.733333333333),
            ("weighted_f1", 0.750681003584),
            ("log_loss", 0.583308349615),
            ("auc", 0.954944881845),
        ],
    );
}

#[test]
fn no_weight_at_all_is_undefined() {
    for model_type in [Binary, Regression] {
        let metrics = weighted(model_type, &[(1.0, 0.5), (0.0, 0.25)], Some(&[0.0, 0.0]));
        assert!(metrics.iter().all(|(_, value)| value.is_none()), "{metrics:?}");
    }
}

#[test]
fn rows_count_as_far_as_they_weigh() {
    assert_eq!(effective_rows([0.1; 30].into_iter()).round(), 30.0);
    assert_eq!(effective_rows([0.0, 5.0, 0.0].into_iter()), 1.0);
    assert_eq!(effective_rows([].into_iter()), 0.0);
    let mut weights = vec![0.1; 30];
    weights.extend([1e6, 0.0]);
    let labels: Vec<f64> = (0..32).map(|row| f64::from(u8::from(row < 30))).collect();
    let model = Model {
        model_type: Binary,
        labels: &labels,
        predictions: &[0.75; 32],
        classes: &[],
        probabilities: &[],
        weights: Some(&weights),
    };
    let rows: Vec<u32> = (0..32).collect();
    let support = model.support(&rows);
    let of = |name: &str| support[model.names().iter().position(|other| other == name).unwrap()];
    // Thirty positives, one negative that counts, and all that matters is one row.
    assert_eq!(["recall", "auc", "log_loss"].map(of), [30, 1, 1]);
}

proptest! {
    /// A weight of three is three rows, and a row without weight is none.
    #[test]
    fn whole_weights_repeat_rows(
        rows in prop::collection::vec((0..2, 0..12, 0..4_usize), 1..40), unit in prop::sample::select(vec![0.25, 1.0, 1e9])
    ) {
        let pair = |(label, score, _): &(i32, i32, usize)| (f64::from(*label), f64::from(*score) / 12.0);
        let once: Vec<(f64, f64)> = rows.iter().map(pair).collect();
        let weights: Vec<f64> = rows.iter().map(|(_, _, times)| *times as f64 * unit).collect();
        let repeated: Vec<(f64, f64)> = rows.iter().flat_map(|row| vec![pair(row); row.2]).collect();
        for model_type in [Binary, Regression] {
            let (one, other) = (weighted(model_type, &once, Some(&weights)), weighted(model_type, &repeated, None));
            // The 90th percentile of weighted rows is no interpolation.
            for ((name, one), (_, other)) in one.iter().zip(&other).filter(|((name, _), _)| name != "p90_absolute_error") {
                prop_assert_eq!(one.is_some(), other.is_some(), "{}", name);
                let (one, other) = (one.unwrap_or(0.0), other.unwrap_or(0.0));
                prop_assert!((one - other).abs() < 1e-9, "{}: {} {}", name, one, other);
            }
        }
    }
}
