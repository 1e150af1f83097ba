//! Statistics of BYTES columns.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

use super::distinct::Distinct;
use crate::tfdv::listed::listed;
use crate::tfdv::statistics::{CommonStatistics, FreqAndValue, RankBucket, RankHistogram, StringStatistics};

/// As many as TFDV keeps by default.
const TOP_VALUES: usize = 20;
const RANKS: usize = 1000;

/// Values that are kept with their counts; up to twice as many for a while.
const KEPT: usize = 16 * 1024;

/// The present values of a column so far, in bounded memory; merges. Long values are kept as they are
/// [`listed`](crate::tfdv::listed).
///
/// Counts are exact until there are more than 2 [`KEPT`] different values. From then on they are those of Misra and
/// Gries: never too high, and too low by at most `error`, itself at most present / [`KEPT`] (Agarwal et al.,
/// "Mergeable Summaries", PODS 2012).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Texts {
    #[serde(with = "sorted")]
    counts: HashMap<String, u64>,
    error: u64,
    present: u64,
    /// Lengths in bytes: sum, shortest, longest.
    bytes: u64,
    shortest: Option<u64>,
    longest: Option<u64>,
    distinct: Distinct,
}

impl Texts {
    /// Adds a value that occurs `count` times.
    pub fn add(&mut self, value: &str, count: u64) {
        let length = value.len() as u64;
        self.present += count;
        self.bytes += length * count;
        self.shortest = Some(self.shortest.map_or(length, |other| other.min(length)));
        self.longest = Some(self.longest.map_or(length, |other| other.max(length)));
        let value = listed(value);
        match self.counts.get_mut(&*value) {
            Some(known) => *known += count,
            None => {
                self.distinct.add(&*value);
                self.counts.insert(value.into_owned(), count);
                self.shrink();
            }
        }
    }

    /// Adds what another has seen; the errors add up.
    pub fn merge(&mut self, other: &Self) {
        for (value, count) in &other.counts {
            match self.counts.get_mut(value) {
                Some(known) => *known += count,
                None => {
                    self.counts.insert(value.clone(), *count);
                }
            }
        }
        self.error += other.error;
        self.present += other.present;
        self.bytes += other.bytes;
        let shortest = [self.shortest, other.shortest];
        self.shortest = shortest.into_iter().flatten().min();
        self.longest = self.longest.max(other.longest);
        self.distinct.merge(&other.distinct);
        self.shrink();
    }

    /// Takes from every count what the first value too many has.
    fn shrink(&mut self) {
        if self.counts.len() <= 2 * KEPT {
            return;
        }
        let mut counts: Vec<u64> = self.counts.values().copied().collect();
        let (_, surplus, _) = counts.select_nth_unstable_by(KEPT, |left, right| right.cmp(left));
        let surplus = *surplus;
        self.counts.retain(|_, count| {
            *count = count.saturating_sub(surplus);
            *count > 0
        });
        self.error += surplus;
    }

    /// How many different values: exact as long as all are kept.
    pub fn distinct(&self) -> u64 {
        let kept = self.counts.len() as u64;
        if self.error == 0 {
            kept
        } else {
            self.distinct.estimate().max(kept)
        }
    }

    /// The statistics, given how many rows had no value.
    pub fn finish(&self, missing: u64) -> StringStatistics {
        let mut ranked: Vec<(&String, u64)> = self.counts.iter().map(|(value, count)| (value, *count)).collect();
        // Ties by value, so that equal data has equal statistics.
        ranked.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
        ranked.truncate(RANKS);
        let top = ranked.iter().take(TOP_VALUES);
        let top_values = top.map(|(value, count)| FreqAndValue {
            value: value.to_string(),
            frequency: *count as f64,
        });
        let top_values = top_values.collect();
        let bucket = |(rank, (label, count)): (i64, (&String, u64))| RankBucket {
            low_rank: rank,
            high_rank: rank,
            label: label.clone(),
            sample_count: count as f64,
        };
        StringStatistics {
            common_stats: CommonStatistics::of_column(self.present, missing),
            unique: i64::try_from(self.distinct()).unwrap_or(i64::MAX),
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

/// A map as a sorted list, so that equal states are equal bytes.
mod sorted {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::{BTreeMap, HashMap};

    pub fn serialize<S: Serializer>(counts: &HashMap<String, u64>, serializer: S) -> Result<S::Ok, S::Error> {
        counts.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HashMap<String, u64>, D::Error> {
        HashMap::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_ranked_and_ties_are_by_name() {
        let mut texts = Texts::default();
        for value in ["JFK", "LGA", "EWR", "LGA", "", "EWR"] {
            texts.add(value, 1);
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
        (0..1500).for_each(|number| texts.add(&format!("N{number}"), 1));
        let stats = texts.finish(0);
        assert_eq!(
            (stats.unique, stats.top_values.len(), stats.rank_histogram.buckets.len()),
            (1500, 20, 1000)
        );
    }

    #[test]
    fn frequent_values_survive_any_number_of_rare_ones() {
        let mut parts = [Texts::default(), Texts::default()];
        for number in 0..90_000u64 {
            let part = &mut parts[usize::from(number % 3 == 0)];
            part.add(&format!("rare {number}"), 1);
            part.add("often", 1);
        }
        let [mut left, right] = parts;
        let mut other = right.clone();
        other.merge(&left);
        left.merge(&right);
        for texts in [left, other] {
            assert!(
                texts.error > 0 && texts.error <= texts.present / KEPT as u64,
                "{}",
                texts.error
            );
            let stats = texts.finish(0);
            let often = &stats.top_values[0];
            assert_eq!(
                (often.value.as_str(), stats.common_stats.num_non_missing),
                ("often", 180_000)
            );
            assert!(often.frequency <= 90_000.0 && often.frequency >= 90_000.0 - texts.error as f64);
            let sigma = 1.04 / 64.0 * 90_001.0;
            assert!(
                (stats.unique as f64 - 90_001.0).abs() <= 3.0 * sigma,
                "{}",
                stats.unique
            );
        }
    }
}
