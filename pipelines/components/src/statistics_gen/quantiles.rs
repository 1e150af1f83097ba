//! A quantile sketch that merges and uses no chance: equal data in equal order have equal sketches.
//!
//! Compactors of one size on every level, as in Manku, Rajagopalan and Lindsay (SIGMOD 1998), with the alternating
//! halves of Agarwal et al., "Mergeable Summaries" (PODS 2012). The KLL sketch of the crate `datasketches` tosses
//! coins that nobody can seed, so a step done again would not be the same byte for byte.

use serde::{Deserialize, Serialize};

/// Values of one level before half of them go up.
pub const LEVEL: usize = 2048;

/// Values by level; one on level h stands for 2^h.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Each a sequence of ascending runs.
    #[serde(with = "packed")]
    levels: Vec<Vec<f64>>,
    /// Bit h: which half of level h goes up next.
    halves: u64,
    /// Ranks are off by at most this many values.
    error: u64,
}

impl Quantiles {
    /// Adds ascending finite values.
    pub fn add(&mut self, ascending: &[f64]) {
        self.level(0).extend_from_slice(ascending);
        self.settle();
    }

    /// Adds what another sketch has seen; the errors add up.
    pub fn merge(&mut self, other: &Self) {
        for (height, values) in other.levels.iter().enumerate() {
            self.level(height).extend_from_slice(values);
        }
        self.error += other.error;
        self.settle();
    }

    /// Makes each level one ascending run, which changes nothing but the cost of what comes after.
    pub fn tidy(&mut self) {
        let sort = |level: &mut Vec<f64>| level.sort_by(f64::total_cmp);
        self.levels.iter_mut().for_each(sort);
    }

    /// How many values every rank may be off: guaranteed, not only probable.
    #[cfg(test)]
    pub fn rank_error(&self) -> u64 {
        self.error
    }

    /// The values in order, each with its weight.
    pub fn ranked(&self) -> Ranked {
        let weighted = |(height, values): (usize, &Vec<f64>)| {
            let weigh = move |value: &f64| (*value, 1u64 << height);
            values.iter().map(weigh).collect::<Vec<_>>()
        };
        let mut all: Vec<(f64, u64)> = self.levels.iter().enumerate().flat_map(weighted).collect();
        all.sort_by(|left, right| left.0.total_cmp(&right.0));
        let mut end = 0;
        let ends = all.iter().map(|(_, weight)| {
            end += weight;
            end
        });
        let ends = ends.collect();
        Ranked {
            values: all.into_iter().map(|(value, _)| value).collect(),
            ends,
        }
    }

    fn level(&mut self, height: usize) -> &mut Vec<f64> {
        if self.levels.len() <= height {
            self.levels.resize(height + 1, Vec::new());
        }
        &mut self.levels[height]
    }

    /// Sends every second value of each full level up, which changes no rank by more than one value's weight.
    fn settle(&mut self) {
        let mut height = 0;
        while height < self.levels.len() {
            if self.levels[height].len() >= LEVEL {
                let mut values = std::mem::take(&mut self.levels[height]);
                // The stable sort merges ascending runs in linear time.
                values.sort_by(f64::total_cmp);
                if values.len() % 2 == 1 {
                    self.levels[height].extend(values.pop());
                }
                let first = usize::from(self.halves >> height & 1 == 1);
                self.halves ^= 1 << height;
                self.error += 1 << height;
                self.level(height + 1).extend(values.iter().skip(first).step_by(2));
            }
            height += 1;
        }
    }
}

/// Ascending values, where value i covers the ranks from `ends[i - 1]` to `ends[i]`.
pub struct Ranked {
    values: Vec<f64>,
    ends: Vec<u64>,
}

impl Ranked {
    /// The number of values seen.
    pub fn count(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The quantile, between two values by linear interpolation; 0 of none.
    pub fn quantile(&self, share: f64) -> f64 {
        let place = share * self.count().saturating_sub(1) as f64;
        let at = |rank: f64| self.values.get(self.ends.partition_point(|end| *end as f64 <= rank));
        match (at(place.floor()), at(place.ceil())) {
            (Some(low), Some(high)) => low * (1.0 - place.fract()) + high * place.fract(),
            _ => 0.0,
        }
    }

    /// How many values are smaller.
    pub fn below(&self, limit: f64) -> u64 {
        let smaller = self.values.partition_point(|value| *value < limit);
        smaller.checked_sub(1).map_or(0, |last| self.ends[last])
    }
}

/// Levels as bytes, which are read at once and not value by value.
mod packed {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    struct Level<'a>(&'a [f64]);

    impl Serialize for Level<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let bytes: Vec<u8> = self.0.iter().flat_map(|value| value.to_le_bytes()).collect();
            serializer.serialize_bytes(&bytes)
        }
    }

    pub fn serialize<S: Serializer>(levels: &[Vec<f64>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(levels.iter().map(|level| Level(level)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<f64>>, D::Error> {
        let level = |bytes: &[u8]| match bytes.as_chunks::<8>() {
            (values, []) => Ok(values.iter().map(|value| f64::from_le_bytes(*value)).collect()),
            _ => Err(D::Error::custom("a level ends within a value")),
        };
        let levels = Vec::<&[u8]>::deserialize(deserializer)?;
        levels.into_iter().map(level).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sketch(values: &[f64]) -> Quantiles {
        let mut quantiles = Quantiles::default();
        for run in values.chunks(LEVEL) {
            let mut run = run.to_vec();
            run.sort_by(f64::total_cmp);
            quantiles.add(&run);
        }
        quantiles
    }

    fn merged(parts: &[&Quantiles]) -> Quantiles {
        let mut all = Quantiles::default();
        parts.iter().for_each(|part| all.merge(part));
        all
    }

    /// Every rank is within the error that the sketch states, and that error is small.
    fn holds(quantiles: &Quantiles, values: &[f64]) {
        let (ranked, count) = (quantiles.ranked(), values.len() as u64);
        assert_eq!(ranked.count(), count);
        let levels = (count as f64 / LEVEL as f64).log2().max(0.0) + 2.0;
        assert!(quantiles.rank_error() as f64 <= levels * count as f64 / LEVEL as f64);
        for limit in values.iter().step_by(values.len() / 20 + 1) {
            let exact = values.iter().filter(|value| *value < limit).count() as u64;
            assert!(ranked.below(*limit).abs_diff(exact) <= quantiles.rank_error());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn ranks_are_within_the_stated_error_however_it_was_merged(
            seed in any::<u64>(), sizes in prop::array::uniform3(0usize..30_000), kind in 0..3
        ) {
            let mut state = seed | 1;
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
                match kind { 0 => unit, 1 => (unit * 12.0).floor(), _ => -unit.ln() * 40.0 }
            };
            let parts = sizes.map(|size| (0..size).map(|_| draw()).collect::<Vec<f64>>());
            let [a, b, c] = parts.each_ref().map(|part| sketch(part));
            let all = parts.concat();
            for sketch in [merged(&[&a, &b, &c]), merged(&[&c, &a, &b]), merged(&[&a, &merged(&[&b, &c])]), sketch(&all)] {
                holds(&sketch, &all);
            }
        }
    }

    #[test]
    fn few_values_are_exact() {
        let ranked = sketch(&[4.0, 0.0, 2.0, 6.0]).ranked();
        assert_eq!(
            (ranked.quantile(0.0), ranked.quantile(0.5), ranked.quantile(1.0)),
            (0.0, 3.0, 6.0)
        );
        assert_eq!(Quantiles::default().ranked().quantile(0.5), 0.0);
    }
}
