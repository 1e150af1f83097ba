//! Whether intervals are as wide as theory says, and verdicts made of them as often wrong.

use super::evaluation::{Evaluation, evaluate};
use super::parameters::Parameters;
use super::predictions::Predictions;
use super::slices::Categories;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::num::NonZero;
use trainyard_tfma::bootstrap::Bootstrap;
use trainyard_tfma::metrics::ModelType;

/// SplitMix64, and numbers made of it.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((word ^ (word >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Box and Muller.
    fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }
}

fn parameters(model_type: ModelType, num_samples: u32) -> Parameters {
    Parameters {
        model_type,
        label: "late".to_owned(),
        prediction: "score".to_owned(),
        example_weight_key: None,
        probabilities: Vec::new(),
        slicing_specs: Vec::new(),
        cross_slicing_specs: Vec::new(),
        bootstrap: Bootstrap { num_samples, seed: 0 },
        confidence_level: 0.95,
    }
}

fn predictions(labels: &[f64], predictions: Vec<f64>) -> Predictions {
    Predictions {
        labels: labels.to_vec(),
        predictions,
        ..Predictions::default()
    }
}

fn two() -> NonZero<usize> {
    NonZero::new(2).unwrap()
}

/// Labels, and two equally good scores of them with noise of their own.
fn two_scores(random: &mut Random, rows: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (mut labels, mut first, mut second) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let truth = random.normal();
        let score = |noise: f64| 1.0 / (1.0 + (-(truth + 0.7 * noise) + 0.5).exp());
        labels.push(f64::from(u8::from(truth + random.normal() > 0.5)));
        first.push(score(random.normal()));
        second.push(score(random.normal()));
    }
    (labels, first, second)
}

/// Difference and its standard error on all rows.
fn difference(evaluation: &Evaluation, metric: &str) -> (f64, f64) {
    let difference = evaluation.overall().unwrap().metrics[metric].difference.unwrap();
    (difference.value, difference.interval.standard_error)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn covariance(left: &[f64], right: &[f64]) -> f64 {
    let (left_mean, right_mean) = (mean(left), mean(right));
    let products = left.iter().zip(right).map(|(l, r)| (l - left_mean) * (r - right_mean));
    products.sum::<f64>() / (left.len() as f64 - 1.0)
}

fn near(said: f64, expected: f64, tolerance: f64) {
    let apart = (said / expected - 1.0).abs();
    assert!(apart < tolerance, "{said} is not within {tolerance} of {expected}");
}

#[test]
fn the_error_of_a_mean_is_its_deviation_by_the_root_of_the_rows() {
    let (mut random, rows) = (Random(1), 3000);
    let labels: Vec<f64> = (0..rows).map(|_| 10.0 * random.normal()).collect();
    let off =
        |noise: f64, random: &mut Random| -> Vec<f64> { labels.iter().map(|y| y + noise * random.normal()).collect() };
    let (candidate, baseline) = (off(1.0, &mut random), off(1.1, &mut random));
    let errors = |model: &[f64]| -> Vec<f64> { model.iter().zip(&labels).map(|(p, y)| (p - y).abs()).collect() };
    let apart: Vec<f64> = errors(&candidate)
        .iter()
        .zip(errors(&baseline))
        .map(|(c, b)| c - b)
        .collect();
    let (candidate, baseline) = (predictions(&labels, candidate), predictions(&labels, baseline));
    let evaluation = evaluate(
        &parameters(ModelType::Regression, 1000),
        &candidate,
        Some(&baseline),
        two(),
    )
    .unwrap();
    let (value, error) = difference(&evaluation, "mean_absolute_error");
    near(value, mean(&apart), 1e-9);
    near(error, (covariance(&apart, &apart) / rows as f64).sqrt(), 0.08);
}

/// DeLong, DeLong and Clarke-Pearson (1988): placements of each positive among the negatives and the other way round.
fn placements(labels: &[f64], scores: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let of = |class: f64| -> Vec<f64> {
        labels
            .iter()
            .zip(scores)
            .filter(|(l, _)| **l == class)
            .map(|(_, s)| *s)
            .collect()
    };
    let (positives, negatives) = (of(1.0), of(0.0));
    let won = |positive: f64, negative: f64| {
        f64::from(u8::from(positive > negative)) + 0.5 * f64::from(u8::from(positive == negative))
    };
    let positive = |p: &f64| negatives.iter().map(|n| won(*p, *n)).sum::<f64>() / negatives.len() as f64;
    let negative = |n: &f64| positives.iter().map(|p| won(*p, *n)).sum::<f64>() / positives.len() as f64;
    (
        positives.iter().map(positive).collect(),
        negatives.iter().map(negative).collect(),
    )
}

#[test]
fn the_error_of_a_difference_of_aucs_is_delongs() {
    // More distinct scores than bins, so that the bins are seen to be narrow enough.
    let (labels, first, second) = two_scores(&mut Random(2), 5000);
    let (ours, theirs) = (placements(&labels, &first), placements(&labels, &second));
    let less = |ours: &[f64], theirs: &[f64]| -> Vec<f64> { ours.iter().zip(theirs).map(|(o, t)| o - t).collect() };
    let (positives, negatives) = (less(&ours.0, &theirs.0), less(&ours.1, &theirs.1));
    let variance = covariance(&positives, &positives) / positives.len() as f64
        + covariance(&negatives, &negatives) / negatives.len() as f64;
    let (candidate, baseline) = (predictions(&labels, first), predictions(&labels, second));
    let evaluation = evaluate(
        &parameters(ModelType::BinaryClassification, 1000),
        &candidate,
        Some(&baseline),
        two(),
    )
    .unwrap();
    let (value, error) = difference(&evaluation, "auc");
    assert!((value - (mean(&ours.0) - mean(&theirs.0))).abs() < 1e-12);
    near(error, variance.sqrt(), 0.08);
}

#[test]
fn nearly_equal_models_are_not_blurred() {
    let mut random = Random(8);
    let labels = vec![0.0; 8000];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in &labels {
        let shared = random.normal();
        ours.push(shared + 0.001 * random.normal());
        theirs.push(shared + 0.001 * random.normal());
    }
    let apart: Vec<f64> = ours
        .iter()
        .zip(&theirs)
        .map(|(our, their)| our * our - their * their)
        .collect();
    let parameters = parameters(ModelType::Regression, 200);
    let (candidate, baseline) = (predictions(&labels, ours), predictions(&labels, theirs));
    let evaluation = evaluate(&parameters, &candidate, Some(&baseline), two()).unwrap();
    let (_, error) = difference(&evaluation, "mean_squared_error");
    near(error, (covariance(&apart, &apart) / apart.len() as f64).sqrt(), 0.15);
}

/// The share of comparisons where the candidate is found significantly worse at 5%.
fn rejected(comparisons: u64, metric: &str, worse: f64, compare: impl Fn(&mut Random) -> Evaluation) -> f64 {
    let reject = |comparison: &u64| {
        let (value, error) = difference(&compare(&mut Random(1000 * comparison)), metric);
        worse * value / error > 1.645
    };
    (1..=comparisons).filter(reject).count() as f64 / comparisons as f64
}

#[test]
fn equal_models_are_rejected_as_often_as_the_level_says() {
    let compare = |random: &mut Random| {
        let (labels, first, second) = two_scores(random, 200);
        let (candidate, baseline) = (predictions(&labels, first), predictions(&labels, second));
        evaluate(
            &parameters(ModelType::BinaryClassification, 100),
            &candidate,
            Some(&baseline),
            two(),
        )
        .unwrap()
    };
    for (metric, worse) in [("auc", -1.0), ("log_loss", 1.0)] {
        let rejected = rejected(300, metric, worse, compare);
        assert!((0.025..0.08).contains(&rejected), "{metric}: {rejected}");
    }
}

/// Two positives in each of ten slices: through the gate, and rejected no more often than it says.
#[test]
fn slices_with_few_positives_reject_nobody() {
    let gate =
        "slicing_specs: [{}, { feature_keys: [slice] }]\nmetrics: { auc: { require: no_significant_regression } }\n";
    let gate = trainyard_core::spec::load_gate("gate.yaml", gate).unwrap();
    let mut parameters = parameters(ModelType::BinaryClassification, 100);
    parameters.slicing_specs = serde_json::from_value(json!([{"feature_keys": ["slice"]}])).unwrap();
    let rejected = |comparison: &u64| {
        let mut random = Random(*comparison);
        let (mut labels, mut slice) = (Vec::new(), Categories::default());
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for row in 0..300 {
            let label = f64::from(u8::from(row < 20));
            let truth = label + random.normal();
            let mut score = || 1.0 / (1.0 + (-truth - random.normal()).exp());
            labels.push(label);
            ours.push(score());
            theirs.push(score());
            slice.push(Some(&(row % 10).to_string()));
        }
        let (mut candidate, baseline) = (predictions(&labels, ours), predictions(&labels, theirs));
        candidate.categories = BTreeMap::from([("slice".to_owned(), slice)]);
        let evaluation = evaluate(&parameters, &candidate, Some(&baseline), two()).unwrap();
        let read = trainyard_core::evaluation::parse(&serde_json::to_string(&evaluation).unwrap()).unwrap();
        trainyard_core::gate::judge(&gate, &read).failures().next().is_some()
    };
    let rejected = (1..=60).filter(rejected).count();
    assert!(rejected <= 6, "{rejected} of 60");
}

#[test]
fn a_regression_is_found_with_the_power_of_theory() {
    // Squared errors of a N(0, 1) and a N(0, 1.2) model: their difference has mean 0.2 and variance 2 + 2 x 1.2².
    let rows = 400;
    let compare = |random: &mut Random| {
        let labels = vec![0.0; rows];
        let mut errors = |deviation: f64| (0..rows).map(|_| deviation * random.normal()).collect();
        let (candidate, baseline) = (errors(1.2_f64.sqrt()), errors(1.0));
        let (candidate, baseline) = (predictions(&labels, candidate), predictions(&labels, baseline));
        evaluate(
            &parameters(ModelType::Regression, 100),
            &candidate,
            Some(&baseline),
            two(),
        )
        .unwrap()
    };
    // Phi(0.2 / sqrt(4.88 / 400) - 1.645) = Phi(0.166)
    let found = rejected(200, "mean_squared_error", 1.0, compare);
    assert!((found - 0.566).abs() < 0.08, "{found}");
}

/// A thousand rows in three origins and ten distances, compared.
fn sliced(with: Value, threads: usize) -> Value {
    let mut random = Random(5);
    let (labels, first, second) = two_scores(&mut random, 1000);
    let (mut origin, mut binned) = (Categories::default(), Categories::default());
    for row in 0..labels.len() {
        origin.push(["EWR", "JFK", "LGA"].get(row % 4).copied());
        binned.push(Some(if row % 10 < 5 { "(-inf, 500)" } else { "[500, inf)" }));
    }
    let candidate = Predictions {
        categories: BTreeMap::from([("origin".to_owned(), origin), ("distance [500.0]".to_owned(), binned)]),
        ..predictions(&labels, first)
    };
    let mut all = json!({"model_type": "binary_classification", "label": "late", "prediction": "score",
        "bootstrap": {"num_samples": 100, "seed": 9}});
    all.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    let parameters: Parameters = serde_json::from_value(all).unwrap();
    let threads = NonZero::new(threads).unwrap();
    let evaluation = evaluate(&parameters, &candidate, Some(&predictions(&labels, second)), threads).unwrap();
    serde_json::to_value(evaluation).unwrap()
}

#[test]
fn the_same_to_the_bit_on_any_number_of_threads() {
    let with = json!({"slicing_specs": [{"feature_keys": ["origin"]}, {"bins": {"distance": [500.0]}}]});
    let one = sliced(with.clone(), 1);
    assert_eq!(one, sliced(with.clone(), 2));
    assert_eq!(one, sliced(with, 7));
}

#[test]
fn a_slice_is_as_sure_whatever_else_is_sliced() {
    let alone = sliced(json!({}), 2);
    let many = sliced(
        json!({"slicing_specs": [{"feature_keys": ["origin"]}, {"feature_keys": ["origin"], "bins": {"distance": [500.0]}}]}),
        2,
    );
    assert_eq!(many["slices"].as_array().unwrap().len(), 10);
    assert_eq!(alone["slices"][0], many["slices"][0]);
    assert_eq!(
        many["slices"][1]["slice_key"],
        json!({"distance": "(-inf, 500)", "origin": "EWR"})
    );
}

#[test]
fn slices_are_compared_with_a_baseline_slice() {
    let with = json!({"cross_slicing_specs": [{"slicing_specs": [{"feature_keys": ["origin"]}]}]});
    let evaluation = sliced(with, 2);
    let crosses = evaluation["cross_slices"].as_array().unwrap();
    assert_eq!(crosses.len(), 3);
    assert_eq!(crosses[0]["baseline_slice_key"], json!({}));
    assert_eq!(crosses[0]["slice_key"], json!({"origin": "EWR"}));
    let auc = |slice: usize, role: &str| evaluation["slices"][slice]["metrics"]["auc"][role].as_f64().unwrap();
    let crossed = &crosses[0]["metrics"]["auc"];
    for role in ["candidate", "baseline"] {
        assert_eq!(crossed[role].as_f64().unwrap(), auc(0, role) - auc(1, role));
        let interval = &crossed[format!("{role}_interval")];
        assert!(interval["standard_error"].as_f64().unwrap() > 0.005);
    }
    let value = crossed["difference"]["value"].as_f64().unwrap();
    assert!(
        (crossed["difference"]["lower"].as_f64().unwrap()..crossed["difference"]["upper"].as_f64().unwrap())
            .contains(&value)
    );
}

#[test]
fn few_rows_are_not_sure_of_anything() {
    let one = predictions(&[1.0], vec![0.5]);
    let evaluation = evaluate(
        &parameters(ModelType::BinaryClassification, 50),
        &one,
        Some(&one),
        two(),
    )
    .unwrap();
    let measured = serde_json::to_value(&evaluation.overall().unwrap().metrics["log_loss"]).unwrap();
    assert_eq!(
        measured,
        json!({"candidate": 0.5_f64.ln().abs(), "baseline": 0.5_f64.ln().abs()})
    );
    // A replicate without a positive has no AUC, and is left out.
    let (candidate, baseline) = (
        predictions(&[1.0, 0.0, 0.0], vec![0.5, 0.2, 0.7]),
        predictions(&[1.0, 0.0, 0.0], vec![0.5, 0.6, 0.1]),
    );
    let evaluation = evaluate(
        &parameters(ModelType::BinaryClassification, 50),
        &candidate,
        Some(&baseline),
        two(),
    )
    .unwrap();
    assert!(difference(&evaluation, "auc").1.is_finite());
}

#[test]
fn a_metric_stands_on_as_many_rows_as_it_looks_at() {
    let labels: Vec<f64> = (0..40).map(|row| f64::from(u8::from(row < 3))).collect();
    let above = |count: usize| {
        (0..40)
            .map(|row| if row < count { 0.9 } else { 0.01 * row as f64 })
            .collect()
    };
    let (candidate, baseline) = (predictions(&labels, above(8)), predictions(&labels, above(5)));
    let parameters = parameters(ModelType::BinaryClassification, 50);
    let evaluation = evaluate(&parameters, &candidate, Some(&baseline), two()).unwrap();
    let degrees = |metric: &str| {
        let difference = evaluation.overall().unwrap().metrics[metric].difference;
        difference.unwrap().degrees_of_freedom
    };
    // Three positives, and five rows that the baseline predicts to be so.
    let found = ["auc", "recall", "precision", "log_loss"].map(degrees);
    assert_eq!(found, [2, 2, 4, 39]);
}

/// Part of `make bench`; plain evaluation and bootstrap in turns, the middle ratio of three.
#[test]
#[ignore = "a timing"]
fn cost_of_a_bootstrap() {
    let (labels, first, second) = two_scores(&mut Random(3), 1_000_000);
    let (mut origin, mut carrier) = (Categories::default(), Categories::default());
    let mut random = Random(4);
    for _ in 0..labels.len() {
        origin.push(Some(["EWR", "JFK", "LGA"][(3.0 * random.uniform()) as usize]));
        carrier.push(Some(&((16.0 * random.uniform()) as usize).to_string()));
    }
    let candidate = Predictions {
        categories: BTreeMap::from([("origin".to_owned(), origin), ("carrier".to_owned(), carrier)]),
        ..predictions(&labels, first)
    };
    let baseline = predictions(&labels, second);
    let timed = |num_samples: u32| {
        let specs = json!([{"feature_keys": ["origin"]}, {"feature_keys": ["carrier"]}]);
        let parameters = Parameters {
            slicing_specs: serde_json::from_value(specs).unwrap(),
            ..parameters(ModelType::BinaryClassification, num_samples)
        };
        let start = std::time::Instant::now();
        let evaluation = evaluate(&parameters, &candidate, Some(&baseline), two()).unwrap();
        assert_eq!(evaluation.slices.len(), 20);
        start.elapsed().as_secs_f64()
    };
    timed(0);
    let mut ratios: Vec<f64> = (0..3)
        .map(|_| (timed(0), timed(1000)))
        .map(|(plain, sampled)| sampled / plain)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let (figure, ratio) = (
        "bootstrap: 1,000 replicates, 1,000,000 rows, 20 slices, by plain",
        ratios[1],
    );
    let met = if ratio <= 20.0 { "met" } else { "NOT MET" };
    // A line of the table of `make bench`.
    println!("{figure:<66} {:>14}   {:<14} {met}", format!("{ratio:.1} x"), "<= 20 x");
}
