//! Drift and skew: distances against hand calculation, false alarms against the level, planted shifts.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use trainyard_tfdv::comparator::Comparison;
use trainyard_tfdv::distance::Distance;
use trainyard_tfdv::schema::Schema;
use trainyard_tfdv::statistics::{DatasetFeatureStatistics, FeatureNameStatistics};
use trainyard_tfdv::table::Cut;
use trainyard_tfdv::tabulate::{categories, numbers};
use trainyard_tfdv::validate::{Control, Severities, Validation};
use trainyard_tfdv::{Anomalies, Severity};

struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

fn text(counts: &[(String, f64)]) -> FeatureNameStatistics {
    let total: f64 = counts.iter().map(|(_, count)| count).sum();
    let buckets: Vec<Value> = counts
        .iter()
        .map(|(label, count)| json!({"label": label, "sampleCount": count}))
        .collect();
    let written = json!({"name": "x", "type": "STRING", "stringStats": {
        "commonStats": {"numNonMissing": total}, "rankHistogram": {"buckets": buckets}}});
    serde_json::from_value(written).unwrap()
}

fn letters(counts: &[(&str, f64)]) -> FeatureNameStatistics {
    text(
        &counts
            .iter()
            .map(|(label, count)| ((*label).to_owned(), *count))
            .collect::<Vec<_>>(),
    )
}

/// Ten buckets of equal widths and ten of equal counts, as statistics-gen makes them.
fn sampled(mut values: Vec<f64>) -> FeatureNameStatistics {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let (low, high) = (values[0], values[values.len() - 1]);
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    let edge = |i: usize| {
        if i == 10 {
            high
        } else {
            low + (high - low) * i as f64 / 10.0
        }
    };
    let below = |i: usize| {
        if i == 10 {
            values.len()
        } else {
            values.partition_point(|value| *value < edge(i))
        }
    };
    let quantile = |i: usize| {
        let place = i as f64 / 10.0 * (n - 1.0);
        let (a, b) = (values[place.floor() as usize], values[place.ceil() as usize]);
        a + (b - a) * place.fract()
    };
    let standard: Vec<Value> = (0..10)
        .map(|i| json!({"lowValue": edge(i), "highValue": edge(i + 1), "sampleCount": below(i + 1) - below(i)}))
        .collect();
    let quantiles: Vec<Value> = (0..10)
        .map(|i| json!({"lowValue": quantile(i), "highValue": quantile(i + 1), "sampleCount": n / 10.0}))
        .collect();
    serde_json::from_value(json!({"name": "x", "type": "FLOAT", "numStats": {
        "commonStats": {"numNonMissing": n, "totNumValues": n}, "mean": mean, "stdDev": deviation, "min": low, "max": high,
        "histograms": [{"buckets": standard, "type": "STANDARD"}, {"buckets": quantiles, "type": "QUANTILES"}]}}))
    .unwrap()
}

fn histogram(edges: &[f64], counts: &[f64], nan: u64) -> FeatureNameStatistics {
    let buckets: Vec<Value> = counts
        .iter()
        .enumerate()
        .map(|(i, count)| json!({"lowValue": edges[i], "highValue": edges[i + 1], "sampleCount": count}))
        .collect();
    serde_json::from_value(json!({"name": "x", "type": "FLOAT", "numStats": {"stdDev": 2.0,
        "commonStats": {"numNonMissing": counts.iter().sum::<f64>() + nan as f64},
        "histograms": [{"buckets": buckets, "numNan": nan}]}}))
    .unwrap()
}

fn judged(now: &FeatureNameStatistics, then: &FeatureNameStatistics, drift: Value, schema: Value) -> Anomalies {
    let dataset = |feature: &FeatureNameStatistics| DatasetFeatureStatistics {
        name: "train".to_owned(),
        num_examples: feature.common().num_non_missing,
        features: vec![feature.clone()],
    };
    let schema: Schema = serde_json::from_value(schema).unwrap();
    let comparison: Comparison = serde_json::from_value(drift).unwrap();
    let control = dataset(then);
    let validation = Validation {
        schema: &schema,
        severities: &Severities::default(),
        environment: None,
        drift: Some(Control {
            statistics: Some(&control),
            comparison: &comparison,
        }),
        skew: None,
        threads: 2,
        empty_spans: &[],
        small_spans: &[],
        proportion: &Comparison::default(),
    };
    validation.judge(&dataset(now))
}

const KNOWN: &str = r#"{"feature": [{"name": "x"}]}"#;

fn fired(now: &FeatureNameStatistics, then: &FeatureNameStatistics, drift: Value) -> Vec<String> {
    let anomalies = judged(now, then, drift, serde_json::from_str(KNOWN).unwrap());
    let reasons = anomalies.anomaly_info.values().flat_map(|info| &info.reason);
    reasons.map(|reason| reason.anomaly_type.to_string()).collect()
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn distances_of_categories() {
    // p = (1/2, 1/2, 0), q = (1/4, 1/4, 1/2).
    let (now, then) = (
        letters(&[("a", 5.0), ("b", 5.0)]),
        letters(&[("a", 5.0), ("b", 5.0), ("c", 10.0)]),
    );
    let table = categories(now.string_stats.as_ref().unwrap(), then.string_stats.as_ref().unwrap());
    close(Distance::LInfty.measure(&table), 0.5);
    // 1/2 (2 · 1/2 · log2(4/3)) + 1/2 (2 · 1/4 · log2(2/3) + 1/2 · log2 2)
    let expected = 0.5 * (4.0_f64 / 3.0).log2() + 0.25 * (2.0_f64 / 3.0).log2() + 0.25;
    close(Distance::JensenShannonDivergence.measure(&table), expected);
    close(Distance::NormalizedAbsoluteDifference.measure(&table), 10.0 / 30.0);
    // Expected of a: 10 · 10/30 and 20 · 10/30, and so on: 2 · (25/30 + 25/60) + 100/30 + 100/60... by hand 7.5.
    close(Distance::ChiSquare.measure(&table), 7.5);
}

#[test]
fn distances_of_numbers() {
    // 4 values in [0, 2), 4 in [2, 4] against 2 in [1, 3), 6 in [3, 5], cells of width 1.
    let (now, then) = (
        histogram(&[0.0, 2.0, 4.0], &[4.0, 4.0], 0),
        histogram(&[1.0, 3.0, 5.0], &[2.0, 6.0], 0),
    );
    let table = numbers(&now, &then, Cut::Buckets);
    let counts: Vec<_> = table.cells.iter().map(|cell| (cell.current, cell.control)).collect();
    assert_eq!(counts, [(2.0, 0.0), (2.0, 1.0), (2.0, 1.0), (2.0, 3.0), (0.0, 3.0)]);
    // F - G: 1/4, 3/8, 1/2, 3/8, 0.
    close(Distance::KolmogorovSmirnov.measure(&table), 0.5);
    // The area under them is 1.5, in standard deviations of 2.
    close(Distance::Wasserstein.measure(&table), 0.75);
    close(Distance::NormalizedAbsoluteDifference.measure(&table), 3.0 / 16.0);
    // The same counts of NaN match nothing: ½ · ½ · log2 2, twice.
    let odd = histogram(&[0.0, 1.0], &[4.0], 4);
    close(
        Distance::JensenShannonDivergence.measure(&numbers(&odd, &odd, Cut::Buckets)),
        0.5,
    );
    close(
        Distance::KolmogorovSmirnov.measure(&numbers(&odd, &odd, Cut::Every)),
        0.0,
    );
}

/// Share of comparisons of the same origin that fire, per distance, and the level they may.
fn false_alarms(draw: impl Fn(&mut Random, usize) -> FeatureNameStatistics, names: &[&str], sizes: &[(usize, usize)]) {
    const ROUNDS: usize = 60;
    for (n, m) in sizes {
        let mut random = Random(42 + *n as u64);
        let mut counts = std::collections::BTreeMap::<String, usize>::new();
        for _ in 0..ROUNDS {
            let (now, then) = (draw(&mut random, *n), draw(&mut random, *m));
            let mut drift: serde_json::Map<String, Value> =
                names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
            drift.insert("significance_level".to_owned(), json!(0.05));
            for name in fired(&now, &then, drift.into()) {
                *counts.entry(name).or_default() += 1;
            }
        }
        println!("{n} against {m}: {counts:?} of {ROUNDS}");
        // Binomial(60, 0.05) is above 9 once in a thousand.
        for (name, count) in counts {
            assert!(count <= 9, "{name} at {n} against {m}: {count} of {ROUNDS}");
        }
    }
}

const SIZES: [(usize, usize); 5] = [(10, 10), (10, 1000), (100, 100), (1000, 1000), (10_000, 5000)];

#[test]
fn noise_in_categories_does_not_fire() {
    let draw = |random: &mut Random, n: usize| {
        let mut counts = vec![0.0; 12];
        (0..n).for_each(|_| counts[(random.uniform() * random.uniform() * 12.0) as usize] += 1.0);
        let listed = counts.into_iter().enumerate().filter(|(_, count)| *count > 0.0);
        text(&listed.map(|(i, count)| (format!("v{i}"), count)).collect::<Vec<_>>())
    };
    let names = [
        "infinity_norm",
        "jensen_shannon_divergence",
        "normalized_abs_difference",
        "chi_square",
    ];
    false_alarms(draw, &names, &SIZES);
}

const NUMERIC: [&str; 5] = [
    "jensen_shannon_divergence",
    "normalized_abs_difference",
    "kolmogorov_smirnov",
    "wasserstein",
    "chi_square",
];

#[test]
fn noise_in_numbers_does_not_fire() {
    let normal = |random: &mut Random, n: usize| sampled((0..n).map(|_| random.normal()).collect());
    false_alarms(normal, &NUMERIC, &SIZES);
    let skewed = |random: &mut Random, n: usize| sampled((0..n).map(|_| random.normal().exp()).collect());
    false_alarms(skewed, &NUMERIC, &SIZES);
    let hours =
        |random: &mut Random, n: usize| sampled((0..n).map(|_| (random.uniform().sqrt() * 24.0).floor()).collect());
    false_alarms(hours, &NUMERIC, &SIZES);
}

#[test]
fn a_planted_shift_is_found() {
    let mut random = Random(7);
    let mut normal = |n: usize, mean: f64| sampled((0..n).map(|_| mean + random.normal()).collect());
    let drift = json!({"kolmogorov_smirnov": {}, "wasserstein": {}});
    assert_eq!(
        fired(&normal(100_000, 0.2), &normal(100_000, 0.0), drift),
        ["COMPARATOR_KOLMOGOROV_SMIRNOV_HIGH", "COMPARATOR_WASSERSTEIN_HIGH"]
    );
    let drift = json!({"jensen_shannon_divergence": {}, "chi_square": {}});
    assert_eq!(fired(&normal(100_000, 0.6), &normal(100_000, 0.0), drift).len(), 2);
    // A thousandth of ten million rows has moved: far more than chance, far less than a threshold of 0.1.
    let (now, then) = (
        letters(&[("a", 5_010_000.0), ("b", 4_990_000.0)]),
        letters(&[("a", 5e6), ("b", 5e6)]),
    );
    assert_eq!(
        fired(&now, &then, json!({"infinity_norm": {}})),
        ["COMPARATOR_L_INFTY_HIGH"]
    );
    assert!(fired(&now, &then, json!({"infinity_norm": {"threshold": 0.1}})).is_empty());
    // Six of ten against four of ten is no news, whatever the threshold; TFDV would fire.
    let (now, then) = (letters(&[("a", 6.0), ("b", 4.0)]), letters(&[("a", 4.0), ("b", 6.0)]));
    assert!(fired(&now, &then, json!({"infinity_norm": {"threshold": 0.1}})).is_empty());
    assert_eq!(
        fired(
            &now,
            &then,
            json!({"infinity_norm": {"threshold": 0.1}, "significance_level": 1})
        )
        .len(),
        1
    );
}

#[test]
fn what_is_measured_is_kept_and_said() {
    let (now, then) = (
        letters(&[("a", 900.0), ("b", 100.0)]),
        letters(&[("a", 500.0), ("b", 500.0)]),
    );
    let schema = json!({"feature": [{"name": "x", "drift_comparator": {"infinity_norm": {"threshold": 0.3}}}]});
    let anomalies = judged(&now, &then, json!({"chi_square": {"threshold": 1e6}}), schema);
    let info = &anomalies.anomaly_info["x"];
    assert_eq!(info.severity, Severity::Error);
    insta::assert_snapshot!(info.description, @"the L-infinity distance from the previous data is 0.4, and at most 0.3 is allowed; 1000 and 1000 values of the same origin are farther apart than 0.054 only 1% of the time; 'b' (50% before, 10% now) differs most");
    // As TFMD's parser takes it, without what it does not know.
    insta::assert_snapshot!(serde_json::to_string(&anomalies.drift_skew_info).unwrap(), @r#"[{"path":{"step":["x"]},"driftMeasurements":[{"type":"L_INFTY","value":0.4,"threshold":0.3}]}]"#);
    insta::assert_snapshot!(serde_json::to_string(&anomalies.measured()).unwrap(), @r#"[{"feature":"x","comparison":"drift","distance":"L_INFTY","value":0.4,"threshold":0.3,"null_quantile":0.05399999999999999,"significance_level":0.01,"fires":true},{"feature":"x","comparison":"drift","distance":"CHI_SQUARE","value":380.9523809523811,"threshold":1000000.0,"significance_level":0.01,"fires":false}]"#);
    let extreme = judged(
        &now,
        &then,
        json!({"chi_square": {}}),
        json!({"feature": [{"name": "x"}]}),
    );
    assert!(extreme.drift_skew_info[0].drift_measurements[0].fires());
    let written = serde_json::to_value(&extreme).unwrap();
    assert_eq!(written["anomalyInfo"]["x"]["reason"][0]["type"], "CUSTOM_VALIDATION");
    assert!(written["driftSkewInfo"].is_null());
}

#[test]
fn nothing_to_compare_with() {
    let x = letters(&[("a", 9.0)]);
    let empty = letters(&[]);
    let asked = json!({"features": {"x": {"infinity_norm": {}}}});
    assert_eq!(fired(&x, &empty, asked), ["COMPARATOR_CONTROL_DATA_MISSING"]);
    assert!(fired(&x, &empty, json!({"infinity_norm": {}})).is_empty());
    let wrong = json!({"features": {"x": {"kolmogorov_smirnov": {}}}});
    assert_eq!(fired(&x, &x, wrong), ["INVALID_SCHEMA_SPECIFICATION"]);
    let many = letters(&[("a", 30.0)]);
    let rows = |now, then| {
        let bounds = json!({"num_examples": {"min_fraction_threshold": 0.5, "max_fraction_threshold": 2.0}});
        let anomalies = judged(now, then, bounds, serde_json::from_str(KNOWN).unwrap());
        anomalies
            .dataset_anomaly_info
            .map(|info| info.description)
            .unwrap_or_default()
    };
    insta::assert_snapshot!(rows(&x, &many), @"there are 9 examples, 0.3 times the 30 of the previous data, and at least 0.5 times is required");
    insta::assert_snapshot!(rows(&many, &x), @"there are 30 examples, 3.33 times the 9 of the previous data, and at most 2 times is allowed");
    assert_eq!(rows(&x, &x), "");
    // Where nobody says how many, ten times fewer are too few; nothing to compare with is nobody's fault.
    let unsaid = |now, then| {
        let anomalies = judged(now, then, json!({}), serde_json::from_str(KNOWN).unwrap());
        let info = anomalies.dataset_anomaly_info;
        info.map(|info| info.description).unwrap_or_default()
    };
    let (most, some, few) = (
        letters(&[("a", 100.0)]),
        letters(&[("a", 10.0)]),
        letters(&[("a", 9.0)]),
    );
    insta::assert_snapshot!(unsaid(&few, &most), @"there are 9 examples, 0.09 times the 100 of the previous data, and at least 0.1 times is required");
    assert_eq!(
        (unsaid(&some, &most), unsaid(&most, &few)),
        (String::new(), String::new())
    );
    assert_eq!(unsaid(&few, &empty), "");
}

#[test]
fn mistakes_in_the_parameter() {
    let error = |written: Value| serde_json::from_value::<Comparison>(written).unwrap_err().to_string();
    insta::assert_snapshot!(error(json!({"jensen_shanon": {}})), @"unknown field `jensen_shanon`, expected one of `infinityNorm`, `infinity_norm`, `jensenShannonDivergence`, `jensen_shannon_divergence`, `normalizedAbsDifference`, `normalized_abs_difference`, `kolmogorovSmirnov`, `kolmogorov_smirnov`, `wasserstein`, `chiSquare`, `chi_square`, `significanceLevel`, `significance_level`");
    insta::assert_snapshot!(error(json!({"chi_square": {"threshold": -1}})), @"a threshold is -1, and must not be below 0");
    insta::assert_snapshot!(error(json!({"significance_level": 0})), @"the significance_level is 0, and must be more than 0 and at most 1");
}
