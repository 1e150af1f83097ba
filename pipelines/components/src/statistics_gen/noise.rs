//! Statistics as they are really made, compared: how often unchanged data are called changed, and changed ones found.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::numeric::Numbers;
use crate::tfdv::comparator::Comparison;
use crate::tfdv::statistics::{DatasetFeatureStatistics, FeatureNameStatistics, FeatureType, Path};
use crate::tfdv::validate::{Control, Severities, Validation};
use crate::tfdv::{Schema, distance::Distance};

/// How often noise may fire.
const LEVEL: f64 = 0.05;

struct Random(u64);

impl Random {
    /// Between 0 and 1 (SplitMix64).
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((bits ^ (bits >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Two of three are zero, the others far from it on one side; `moved` of all are no longer zero.
    fn skewed(&mut self, moved: f64) -> f64 {
        if self.uniform() < 0.667 - moved {
            0.0
        } else {
            (2.0 * self.normal()).exp()
        }
    }
}

/// Measured in batches and merged from two spans, as for a window.
fn column(count: usize, mut draw: impl FnMut() -> f64) -> DatasetFeatureStatistics {
    let mut total = Numbers::default();
    for rows in [count / 2, count - count / 2] {
        let mut span = Numbers::default();
        span.add(&mut (0..rows).map(|_| draw()).collect());
        total.merge(&span);
    }
    DatasetFeatureStatistics {
        name: "train".to_owned(),
        num_examples: count as i64,
        features: vec![FeatureNameStatistics {
            path: Some(Path::column("x")),
            data_type: FeatureType::Float,
            num_stats: Some(total.finish(0)),
            custom_stats: vec![total.custom()],
            ..FeatureNameStatistics::default()
        }],
    }
}

/// The distances that fire, without any threshold.
fn fired(now: &DatasetFeatureStatistics, then: &DatasetFeatureStatistics) -> Vec<Distance> {
    let names = [
        "jensen_shannon_divergence",
        "normalized_abs_difference",
        "kolmogorov_smirnov",
        "wasserstein",
        "chi_square",
    ];
    let mut drift: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    drift.insert("significance_level".to_owned(), json!(LEVEL));
    let comparison: Comparison = serde_json::from_value(drift.into()).unwrap();
    let schema: Schema = serde_json::from_value(json!({"feature": [{"name": "x"}]})).unwrap();
    let validation = Validation {
        schema: &schema,
        severities: &Severities::default(),
        environment: None,
        drift: Some(Control {
            statistics: Some(then),
            comparison: &comparison,
        }),
        skew: None,
        threads: 1,
        empty_spans: &[],
        small_spans: &[],
        proportion: &Comparison::default(),
    };
    let measured = validation.judge(now).drift_skew_info;
    let measured = measured.iter().flat_map(|info| &info.drift_measurements);
    measured
        .filter(|measurement| measurement.fires())
        .map(|measurement| measurement.distance)
        .collect()
}

/// Never more often than a binomial count of the level is, but once in ten thousand times.
fn seldom_fires(rounds: usize, sizes: [usize; 2], draw: fn(&mut Random) -> f64) {
    let mut random = Random(sizes[0] as u64 * 31 + sizes[1] as u64);
    let mut counts = BTreeMap::<Distance, usize>::new();
    for _ in 0..rounds {
        let [now, then] = sizes.map(|size| column(size, || draw(&mut random)));
        for distance in fired(&now, &then) {
            *counts.entry(distance).or_default() += 1;
        }
    }
    let expected = rounds as f64 * LEVEL;
    let most = (expected + 4.5 * (expected * (1.0 - LEVEL)).sqrt()).ceil() as usize;
    for (distance, count) in counts {
        assert!(count <= most, "{distance}, {sizes:?} rows: {count} of {rounds}");
    }
}

#[test]
fn noise_does_not_fire() {
    for (rounds, sizes) in [
        (100, [10, 10]),
        (100, [10, 1500]),
        (60, [200, 200]),
        (20, [20_000, 20_000]),
    ] {
        seldom_fires(rounds, sizes, Random::normal);
        seldom_fires(rounds, sizes, |random| random.skewed(0.0));
        seldom_fires(rounds, sizes, |random| (random.uniform().sqrt() * 24.0).floor());
        // NaN and infinities match nothing, in unchanged data too.
        seldom_fires(rounds, sizes, |random| match random.uniform() {
            low if low < 0.2 => f64::NAN,
            high if high > 0.9 => f64::INFINITY,
            _ => random.normal(),
        });
    }
}

#[test]
fn a_small_change_of_many_rows_is_found_in_skewed_data() {
    let mut random = Random(3);
    // A fiftieth of the rows is no longer zero: four standard errors of a share at 20,000 rows.
    let now = column(20_000, || random.skewed(0.02));
    let then = column(20_000, || random.skewed(0.0));
    let found = fired(&now, &then);
    for distance in [Distance::KolmogorovSmirnov, Distance::ChiSquare] {
        assert!(found.contains(&distance), "{found:?}");
    }
}
