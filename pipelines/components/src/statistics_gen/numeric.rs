//! Statistics of INT and FLOAT columns.

use crate::tfdv::statistics::{Bucket, CommonStatistics, Histogram, HistogramType, NumericStatistics};

/// Buckets of both histograms, as many as TFDV makes.
const BUCKETS: usize = 10;

/// Count, mean and sum of squared deviations, mergeable without loss of precision (Chan et al.).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn of(values: &[f64]) -> Self {
        let mut moments = Self::default();
        for value in values {
            moments.count += 1.0;
            let before = value - moments.mean;
            moments.mean += before / moments.count;
            moments.squares += before * (value - moments.mean);
        }
        moments
    }

    fn merge(self, other: Self) -> Self {
        let count = self.count + other.count;
        if count == 0.0 {
            return self;
        }
        let apart = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + apart * other.count / count,
            squares: self.squares + other.squares + apart * apart * self.count * other.count / count,
        }
    }

    /// Population standard deviation.
    fn std_dev(self) -> f64 {
        if self.count == 0.0 {
            0.0
        } else {
            (self.squares / self.count).sqrt()
        }
    }
}

/// The present values of a column so far.
#[derive(Default)]
pub struct Numbers {
    finite: Vec<f64>,
    moments: Moments,
    nan: i64,
    zeros: i64,
    low_infinities: i64,
    high_infinities: i64,
}

impl Numbers {
    /// Adds one batch.
    pub fn add(&mut self, values: impl Iterator<Item = f64>) {
        let start = self.finite.len();
        for value in values {
            match value {
                value if value.is_nan() => self.nan += 1,
                f64::INFINITY => self.high_infinities += 1,
                f64::NEG_INFINITY => self.low_infinities += 1,
                value => self.finite.push(value),
            }
        }
        let batch = &self.finite[start..];
        self.zeros += batch.iter().filter(|value| **value == 0.0).count() as i64;
        self.moments = self.moments.merge(Moments::of(batch));
    }

    /// The statistics, given how many rows had no value.
    pub fn finish(mut self, missing: u64) -> NumericStatistics {
        self.finite.sort_by(f64::total_cmp);
        let infinities = self.low_infinities + self.high_infinities;
        let present = self.finite.len() as u64 + (self.nan + infinities).unsigned_abs();
        let infinite = |count: i64, value: f64| (count > 0).then_some(value);
        let lowest = self
            .finite
            .first()
            .copied()
            .or(infinite(self.high_infinities, f64::INFINITY));
        let highest = self
            .finite
            .last()
            .copied()
            .or(infinite(self.low_infinities, f64::NEG_INFINITY));
        let histogram = |buckets, histogram_type| Histogram {
            num_nan: self.nan,
            buckets,
            histogram_type,
        };
        NumericStatistics {
            common_stats: CommonStatistics::of_column(present, missing),
            mean: self.moments.mean,
            std_dev: self.moments.std_dev(),
            num_zeros: self.zeros,
            min: infinite(self.low_infinities, f64::NEG_INFINITY)
                .or(lowest)
                .unwrap_or(0.0),
            median: quantile(&self.finite, 0.5),
            max: infinite(self.high_infinities, f64::INFINITY).or(highest).unwrap_or(0.0),
            histograms: vec![
                histogram(equal_widths(&self.finite), HistogramType::Standard),
                histogram(equal_counts(&self.finite), HistogramType::Quantiles),
            ],
        }
    }
}

/// The quantile of sorted values, between two of them by linear interpolation; 0 of none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    match (sorted.get(below), sorted.get(above)) {
        (Some(low), Some(high)) => low * (1.0 - place.fract()) + high * place.fract(),
        _ => 0.0,
    }
}

fn equal_counts(sorted: &[f64]) -> Vec<Bucket> {
    if sorted.is_empty() {
        return Vec::new();
    }
    let edge = |number: usize| quantile(sorted, number as f64 / BUCKETS as f64);
    let sample_count = sorted.len() as f64 / BUCKETS as f64;
    let bucket = |number| Bucket {
        low_value: edge(number),
        high_value: edge(number + 1),
        sample_count,
    };
    (0..BUCKETS).map(bucket).collect()
}

fn equal_widths(sorted: &[f64]) -> Vec<Bucket> {
    let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    if low == high {
        return vec![Bucket {
            low_value: *low,
            high_value: *high,
            sample_count: sorted.len() as f64,
        }];
    }
    // Weighted ends, because the whole range of f64 is wider than f64.
    let edge = |number: usize| {
        let share = number as f64 / BUCKETS as f64;
        if number == BUCKETS {
            *high
        } else {
            low * (1.0 - share) + high * share
        }
    };
    let below = |number: usize| {
        if number == BUCKETS {
            sorted.len()
        } else {
            sorted.partition_point(|value| *value < edge(number))
        }
    };
    let bucket = |number| Bucket {
        low_value: edge(number),
        high_value: edge(number + 1),
        sample_count: (below(number + 1) - below(number)) as f64,
    };
    (0..BUCKETS).map(bucket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn statistics(values: &[f64]) -> NumericStatistics {
        let mut numbers = Numbers::default();
        numbers.add(values.iter().copied());
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

    proptest! {
        #[test]
        fn merged_moments_are_those_of_the_whole(
            left in prop::collection::vec(-1e6..1e6, 0..50), right in prop::collection::vec(-1e6..1e6, 0..50)
        ) {
            let whole = Moments::of(&[left.clone(), right.clone()].concat());
            let merged = Moments::of(&left).merge(Moments::of(&right));
            prop_assert!((merged.mean - whole.mean).abs() < 1e-6);
            prop_assert!((merged.std_dev() - whole.std_dev()).abs() < 1e-5);
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
