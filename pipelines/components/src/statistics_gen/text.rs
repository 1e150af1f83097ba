//! Statistics of BYTES columns.

use std::collections::HashMap;

use crate::tfdv::statistics::{CommonStatistics, FreqAndValue, RankBucket, RankHistogram, StringStatistics};

/// As many as TFDV keeps by default.
const TOP_VALUES: usize = 20;
const RANKS: usize = 1000;

/// The present values of a column so far; memory grows with the distinct ones.
#[derive(Default)]
pub struct Texts {
    counts: HashMap<String, u64>,
    present: u64,
    bytes: u64,
}

impl Texts {
    /// Adds one value.
    pub fn add(&mut self, value: &str) {
        self.present += 1;
        self.bytes += value.len() as u64;
        match self.counts.get_mut(value) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(value.to_owned(), 1);
            }
        }
    }

    /// The statistics, given how many rows had no value.
    pub fn finish(self, missing: u64) -> StringStatistics {
        let unique = i64::try_from(self.counts.len()).unwrap_or(i64::MAX);
        let mut ranked: Vec<(String, u64)> = self.counts.into_iter().collect();
        // Ties by value, so that equal data has equal statistics.
        ranked.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        ranked.truncate(RANKS);
        let top = ranked.iter().take(TOP_VALUES);
        let top_values = top.map(|(value, count)| FreqAndValue {
            value: value.clone(),
            frequency: *count as f64,
        });
        let top_values = top_values.collect();
        let bucket = |(rank, (label, count)): (i64, (String, u64))| RankBucket {
            low_rank: rank,
            high_rank: rank,
            label,
            sample_count: count as f64,
        };
        StringStatistics {
            common_stats: CommonStatistics::of_column(self.present, missing),
            unique,
            top_values,
            avg_length: if self.present == 0 {
                0.0
            } else {
                self.bytes as f64 / self.present as f64
            },
            rank_histogram: RankHistogram {
                buckets: (0..).zip(ranked).map(bucket).collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_ranked_and_ties_are_by_name() {
        let mut texts = Texts::default();
        for value in ["JFK", "LGA", "EWR", "LGA", "", "EWR"] {
            texts.add(value);
        }
        let stats = texts.finish(1);
        let ranks: Vec<_> = stats
            .rank_histogram
            .buckets
            .iter()
            .map(|bucket| bucket.label.as_str())
            .collect();
        assert_eq!(ranks, ["EWR", "LGA", "", "JFK"]);
        assert_eq!(
            (stats.unique, stats.top_values[0].frequency, stats.avg_length),
            (4, 2.0, 2.5)
        );
        assert_eq!(
            (stats.common_stats.num_non_missing, stats.common_stats.num_missing),
            (6, 1)
        );
    }

    #[test]
    fn long_tails_are_counted_but_not_listed() {
        let mut texts = Texts::default();
        (0..1500).for_each(|number| texts.add(&format!("N{number}")));
        let stats = texts.finish(0);
        assert_eq!(
            (stats.unique, stats.top_values.len(), stats.rank_histogram.buckets.len()),
            (1500, 20, 1000)
        );
    }
}
