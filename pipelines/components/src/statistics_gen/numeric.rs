//! Statistics of INT and FLOAT columns.

use serde::{Deserialize, Serialize};

use super::cells::{Cells, of_order_key, order_key};
use super::distinct::Distinct;
use super::quantiles::{LEVEL, Quantiles, Ranked};
use crate::tfdv::statistics::{
    Bucket, CELLS, CommonStatistics, CustomStatistic, Histogram, HistogramType, NumericStatistics,
};

/// Buckets of both histograms, as many as TFDV makes.
const BUCKETS: usize = 10;

/// Count, mean and sum of squared deviations, mergeable without loss of precision (Chan et al.).
///
/// Squares of deviations beyond 1e154 or below 1e-154 are no numbers of their own: then they are in squares of a unit,
/// a power of two that brings them back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
    unit: f64,
}

/// 2^-600, 1 and 2^600.
const UNITS: [f64; 3] = [f64::from_bits(423 << 52), 1.0, f64::from_bits(1623 << 52)];

/// Below it a square may have lost digits: 2^-900.
const SMALL: f64 = f64::from_bits(123 << 52);

/// The sum of squares that `squares` gives for a unit, in a unit that holds it.
fn in_unit(squares: impl Fn(f64) -> f64) -> (f64, f64) {
    let [small, one, large] = UNITS;
    let sum = squares(one);
    if !sum.is_finite() {
        return (squares(large), large);
    }
    if sum < SMALL {
        let fine = squares(small);
        if fine > 0.0 {
            return (fine, small);
        }
    }
    (sum, one)
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            count: 0.0,
            mean: 0.0,
            squares: 0.0,
            unit: 1.0,
        }
    }
}

impl Moments {
    /// Of one batch, in two passes: first the mean, then the squares about it.
    fn of(values: &[f64]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        let count = values.len() as f64;
        let mut mean = sum(values, |value| value) / count;
        if !mean.is_finite() {
            // The sum left the range of f64; the mean does not.
            mean = sum(values, |value| value / count);
        }
        let (squares, unit) = in_unit(|unit| sum(values, |value| square(mean, value, unit)));
        Self {
            count,
            mean,
            squares,
            unit,
        }
    }

    fn merge(self, other: Self) -> Self {
        let count = self.count + other.count;
        if self.count == 0.0 || other.count == 0.0 {
            return if self.count == 0.0 { other } else { self };
        }
        let part = other.count / count;
        let apart = other.mean - self.mean;
        let mean = match apart.is_finite() {
            true => self.mean + apart * part,
            false => self.mean * (self.count / count) + other.mean * part,
        };
        let (squares, unit) = in_unit(|unit| {
            self.squares_in(unit) + other.squares_in(unit) + square(self.mean, other.mean, unit) * self.count * part
        });
        Self {
            count,
            mean,
            squares,
            unit,
        }
    }

    fn squares_in(self, unit: f64) -> f64 {
        match self.unit == unit {
            true => self.squares,
            false => self.squares * (self.unit / unit) * (self.unit / unit),
        }
    }

    /// Population standard deviation.
    fn std_dev(self) -> f64 {
        if self.count == 0.0 {
            0.0
        } else {
            (self.squares / self.count).sqrt() * self.unit
        }
    }
}

/// The square of how far two numbers are apart, in squares of a unit.
fn square(one: f64, other: f64, unit: f64) -> f64 {
    let apart = match unit == 1.0 {
        true => other - one,
        // Divided first: two large numbers may be further apart than f64 reaches.
        false => other / unit - one / unit,
    };
    apart * apart
}

/// The sum of a term per value, in eight lanes that the processor adds at once.
fn sum(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        for (lane, value) in lanes.iter_mut().zip(eight) {
            *lane += term(*value);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|value| term(*value)).sum::<f64>()
}

/// The present values of a column so far, in bounded memory; merges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    moments: Moments,
    /// Of the finite values; infinite the other way round when there is none.
    min: f64,
    max: f64,
    nan: i64,
    zeros: i64,
    low_infinities: i64,
    high_infinities: i64,
    quantiles: Quantiles,
    distinct: Distinct,
    cells: Cells,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            moments: Moments::default(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            nan: 0,
            zeros: 0,
            low_infinities: 0,
            high_infinities: 0,
            quantiles: Quantiles::default(),
            distinct: Distinct::default(),
            cells: Cells::default(),
        }
    }
}

impl Numbers {
    /// Adds one batch, which comes back in another order.
    pub fn add(&mut self, batch: &mut Vec<f64>) {
        if !batch.iter().all(|value| value.is_finite()) {
            self.take_infinite(batch);
        }
        self.moments = self.moments.merge(Moments::of(batch));
        let mut keys = Vec::with_capacity(LEVEL);
        for run in batch.chunks_mut(LEVEL) {
            keys.clear();
            keys.extend(run.iter().map(|value| order_key(*value)));
            keys.sort_unstable();
            self.cells.add(&keys);
            for (value, key) in run.iter_mut().zip(&keys) {
                *value = of_order_key(*key);
            }
            self.add_run(run);
        }
    }

    /// Adds ascending finite values to everything but the moments.
    fn add_run(&mut self, run: &[f64]) {
        if let (Some(low), Some(high)) = (run.first(), run.last()) {
            self.min = self.min.min(*low);
            self.max = self.max.max(*high);
        }
        let zeros = run.partition_point(|value| *value <= 0.0) - run.partition_point(|value| *value < 0.0);
        self.zeros += zeros as i64;
        for same in run.chunk_by(|left, right| left == right) {
            self.distinct.add(same[0].to_bits());
        }
        self.quantiles.add(run);
    }

    fn take_infinite(&mut self, batch: &mut Vec<f64>) {
        batch.retain(|value| {
            match *value {
                value if value.is_nan() => self.nan += 1,
                f64::INFINITY => self.high_infinities += 1,
                f64::NEG_INFINITY => self.low_infinities += 1,
                _ => return true,
            }
            false
        });
    }

    /// Makes merging this into others cheap.
    pub fn tidy(&mut self) {
        self.quantiles.tidy();
    }

    /// Adds what another has seen: counts and extremes exactly, moments to rounding, sketches to their error.
    pub fn merge(&mut self, other: &Self) {
        self.moments = self.moments.merge(other.moments);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.nan += other.nan;
        self.zeros += other.zeros;
        self.low_infinities += other.low_infinities;
        self.high_infinities += other.high_infinities;
        self.quantiles.merge(&other.quantiles);
        self.distinct.merge(&other.distinct);
        self.cells.merge(&other.cells);
    }

    /// About how many different finite values; TFDV's message has no place for it.
    #[cfg(test)]
    pub fn distinct(&self) -> u64 {
        self.distinct.estimate()
    }

    /// The finite values by cells that are the same for all data; TFMD's place for what its message lacks.
    pub fn custom(&self) -> CustomStatistic {
        CustomStatistic {
            name: CELLS.to_owned(),
            histogram: Some(Histogram {
                num_nan: self.nan,
                buckets: self.cells.buckets(),
                histogram_type: HistogramType::Standard,
            }),
        }
    }

    /// The statistics, given how many rows had no value.
    pub fn finish(&self, missing: u64) -> NumericStatistics {
        let ranked = self.quantiles.ranked();
        let infinities = self.low_infinities + self.high_infinities;
        let present = ranked.count() + (self.nan + infinities).unsigned_abs();
        let any = ranked.count() > 0;
        let extreme = |first: bool, then: bool, infinity: f64, finite: f64| match (first, any, then) {
            (true, _, _) => infinity,
            (_, true, _) => finite,
            (_, _, true) => -infinity,
            _ => 0.0,
        };
        let (low, high) = (self.low_infinities > 0, self.high_infinities > 0);
        let histogram = |buckets, histogram_type| Histogram {
            num_nan: self.nan,
            buckets,
            histogram_type,
        };
        let edges = Edges {
            ranked: &ranked,
            low: self.min,
            high: self.max,
        };
        NumericStatistics {
            common_stats: CommonStatistics::of_column(present, missing),
            // Rounding may put the mean of equal numbers a step beside them.
            mean: match self.min <= self.max {
                true => self.moments.mean.clamp(self.min, self.max),
                false => self.moments.mean,
            },
            std_dev: match self.min == self.max {
                true => 0.0,
                false => self.moments.std_dev(),
            },
            num_zeros: self.zeros,
            min: extreme(low, high, f64::NEG_INFINITY, self.min),
            median: ranked.quantile(0.5),
            max: extreme(high, low, f64::INFINITY, self.max),
            histograms: vec![
                histogram(edges.equal_widths(), HistogramType::Standard),
                histogram(edges.equal_counts(), HistogramType::Quantiles),
            ],
        }
    }
}

/// Where histograms get their buckets from: ranks, and the exact extremes.
struct Edges<'a> {
    ranked: &'a Ranked,
    low: f64,
    high: f64,
}

impl Edges<'_> {
    fn equal_counts(&self) -> Vec<Bucket> {
        if self.ranked.count() == 0 {
            return Vec::new();
        }
        let edge = |number: usize| match number {
            0 => self.low,
            BUCKETS => self.high,
            number => self.ranked.quantile(number as f64 / BUCKETS as f64),
        };
        let sample_count = self.ranked.count() as f64 / BUCKETS as f64;
        let bucket = |number| Bucket {
            low_value: edge(number),
            high_value: edge(number + 1),
            sample_count,
        };
        (0..BUCKETS).map(bucket).collect()
    }

    /// TFDV's STANDARD histogram. Edges and the sum of the counts are exact; how many values are below an inner edge is
    /// the sketch's rank, exact up to [`LEVEL`] values and off by its rank error with more (TFDV's are interpolated, too).
    fn equal_widths(&self) -> Vec<Bucket> {
        let (low, high, count) = (self.low, self.high, self.ranked.count());
        if count == 0 {
            return Vec::new();
        }
        if low == high {
            return vec![Bucket {
                low_value: low,
                high_value: high,
                sample_count: count as f64,
            }];
        }
        // Weighted ends, because the whole range of f64 is wider than f64.
        let edge = |number: usize| {
            let share = number as f64 / BUCKETS as f64;
            if number == BUCKETS {
                high
            } else {
                low * (1.0 - share) + high * share
            }
        };
        let below = |number: usize| match number {
            0 => 0,
            BUCKETS => count,
            number => self.ranked.below(edge(number)),
        };
        let bucket = |number| Bucket {
            low_value: edge(number),
            high_value: edge(number + 1),
            sample_count: (below(number + 1) - below(number)) as f64,
        };
        (0..BUCKETS).map(bucket).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn statistics(values: &[f64]) -> NumericStatistics {
        let mut numbers = Numbers::default();
        numbers.add(&mut values.to_vec());
        numbers.finish(2)
    }

    #[test]
    fn a_small_column() {
        let stats = statistics(&[4.0, 0.0, 2.0, 6.0, f64::NAN]);
        assert_eq!(
            (stats.common_stats.num_non_missing, stats.common_stats.num_missing),
            (5, 2)
        );
        assert_eq!((stats.min, stats.median, stats.max), (0.0, 3.0, 6.0));
        assert_eq!((stats.mean, stats.std_dev), (3.0, 5.0_f64.sqrt()));
        assert_eq!((stats.num_zeros, stats.num_nan()), (1, 1));
    }

    #[test]
    fn infinities_are_extremes_and_nothing_else() {
        let stats = statistics(&[1.0, f64::INFINITY, f64::NEG_INFINITY, 3.0]);
        assert_eq!(
            (stats.min, stats.max, stats.mean),
            (f64::NEG_INFINITY, f64::INFINITY, 2.0)
        );
        assert_eq!(statistics(&[f64::INFINITY]).min, f64::INFINITY);
        assert_eq!(statistics(&[]).common_stats.min_num_values, 0);
    }

    #[test]
    fn a_large_column_is_within_the_error() {
        let mut numbers = Numbers::default();
        for batch in 0..40 {
            numbers.add(&mut (0..5000).map(|row| f64::from(row * 40 + batch)).collect());
        }
        let stats = numbers.finish(0);
        assert_eq!((stats.min, stats.max, stats.mean), (0.0, 199_999.0, 99_999.5));
        assert!((stats.median / 200_000.0 - 0.5).abs() < 0.004, "{}", stats.median);
        assert!((numbers.distinct() as f64 / 200_000.0 - 1.0).abs() < 3.0 * 1.04 / 64.0);
    }

    #[test]
    fn deciles() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        let stats = statistics(&values);
        let edges: Vec<f64> = stats.histograms[1]
            .buckets
            .iter()
            .map(|bucket| bucket.low_value)
            .collect();
        assert_eq!(edges, [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]);
        let counts: Vec<f64> = stats.histograms[0]
            .buckets
            .iter()
            .map(|bucket| bucket.sample_count)
            .collect();
        assert_eq!(counts, [10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 11.0]);
    }

    #[test]
    fn the_standard_deviation_is_a_number_wherever_the_values_are() {
        for scale in [1e-300, 1e-200, 1e-160, 1.0, 1e160, 1e200, 1e300, 2e307] {
            let values = [1.0, 2.0, 3.0, 6.0].map(|value| value * scale);
            let expected = 3.5_f64.sqrt() * scale;
            let close = |stats: &NumericStatistics| {
                assert!(
                    (stats.std_dev / expected - 1.0).abs() < 1e-12,
                    "{scale} {}",
                    stats.std_dev
                );
                assert!(
                    (stats.mean / (3.0 * scale) - 1.0).abs() < 1e-12,
                    "{scale} {}",
                    stats.mean
                );
            };
            close(&statistics(&values));
            let mut merged = Numbers::default();
            for part in values.chunks(1) {
                let mut numbers = Numbers::default();
                numbers.add(&mut part.to_vec());
                merged.merge(&numbers);
            }
            close(&merged.finish(0));
        }
        let far = statistics(&[-1.5e308, 1.5e308]);
        assert_eq!((far.mean, far.std_dev, far.median), (0.0, 1.5e308, 0.0));
        let mixed = statistics(&[1e-200, -1e-200, 3.0, -3.0]);
        assert!((mixed.std_dev - 4.5_f64.sqrt()).abs() < 1e-12);
        assert!(statistics(&[1e200; 7]).std_dev < 1e185);
    }

    proptest! {
        #[test]
        fn merged_moments_are_those_of_the_whole(
            left in prop::collection::vec(-1e6..1e6, 0..50), right in prop::collection::vec(-1e6..1e6, 0..50)
        ) {
            let whole = Moments::of(&[left.clone(), right.clone()].concat());
            let merged = Moments::of(&left).merge(Moments::of(&right));
            prop_assert!((merged.mean - whole.mean).abs() <= 1e-9 * 1e6);
            let (parts, variance) = (merged.std_dev().powi(2), whole.std_dev().powi(2));
            prop_assert!((parts - variance).abs() <= 1e-9 * variance.max(1.0));
        }

        #[test]
        fn merged_counts_and_extremes_are_exact_in_any_order(
            parts in prop::collection::vec(prop::collection::vec(prop_oneof![
                9 => -50.0..50.0, 1 => Just(0.0), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(f64::NEG_INFINITY)
            ], 0..40), 3)
        ) {
            let numbers: Vec<Numbers> = parts.iter().map(|part| {
                let mut numbers = Numbers::default();
                numbers.add(&mut part.clone());
                numbers
            }).collect();
            let merge = |order: [usize; 3]| {
                let mut all = Numbers::default();
                order.iter().for_each(|part| all.merge(&numbers[*part]));
                all.finish(2)
            };
            let whole = statistics(&parts.concat());
            for merged in [merge([0, 1, 2]), merge([2, 0, 1])] {
                prop_assert_eq!(&merged.common_stats, &whole.common_stats);
                prop_assert_eq!((merged.min, merged.max, merged.num_zeros, merged.num_nan()),
                    (whole.min, whole.max, whole.num_zeros, whole.num_nan()));
                prop_assert_eq!(&merged.histograms, &whole.histograms);
                prop_assert!((merged.mean - whole.mean).abs() < 1e-9 && merged.median == whole.median);
            }
        }

        #[test]
        fn a_histogram_loses_no_value(values in prop::collection::vec(prop::num::f64::NORMAL, 1..200)) {
            for histogram in statistics(&values).histograms {
                let counted: f64 = histogram.buckets.iter().map(|bucket| bucket.sample_count).sum();
                prop_assert!((counted - values.len() as f64).abs() < 1e-9);
                for bucket in &histogram.buckets {
                    prop_assert!(bucket.low_value <= bucket.high_value);
                }
            }
        }
    }
}
