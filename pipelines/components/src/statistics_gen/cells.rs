//! Exact counts over cells that are the same for all data, so that two data sets can be compared without guessing.
//!
//! A cell is 2^width neighbouring floating-point numbers. It is one number as long as there are few different ones;
//! with more, cells become twice as wide for everybody, as often as needed. Cells of two widths nest: what one side
//! knows more finely adds up to what the other knows.

use serde::{Deserialize, Serialize};

use crate::tfdv::statistics::Bucket;

/// Occupied cells at most.
const KEPT: usize = 1024;
/// Neighbouring cells with less than this part of all values together are written as one, if they are in one octave.
const PARTS: u64 = 128;
/// The numbers of an octave, from a power of two to the next, are 2^52.
const OCTAVE: u32 = 52;

/// Counts by cell; which cells depends on the values only, not on their order or how they were merged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cells {
    width: u32,
    /// Cell and count, ascending. The cell of a number is its order key without the last `width` bits.
    counts: Vec<(i64, u64)>,
}

impl Cells {
    /// Adds ascending order keys.
    pub fn add(&mut self, keys: &[i64]) {
        let same = keys.chunk_by(|left, right| left >> self.width == right >> self.width);
        let run: Vec<_> = same.map(|same| (same[0] >> self.width, same.len() as u64)).collect();
        self.join(&run);
    }

    /// Adds what another has seen, without any error.
    pub fn merge(&mut self, other: &Self) {
        self.widen(other.width.saturating_sub(self.width));
        let mut other = other.clone();
        other.widen(self.width.saturating_sub(other.width));
        self.join(&other.counts);
    }

    fn join(&mut self, run: &[(i64, u64)]) {
        let mut joined: Vec<(i64, u64)> = Vec::with_capacity(self.counts.len() + run.len());
        let mut left = self.counts.iter().peekable();
        for &(cell, count) in run {
            while let Some(&earlier) = left.next_if(|(other, _)| *other < cell) {
                joined.push(earlier);
            }
            let known = left.next_if(|(other, _)| *other == cell).map_or(0, |(_, known)| *known);
            joined.push((cell, known + count));
        }
        joined.extend(left);
        self.counts = joined;
        while self.counts.len() > KEPT {
            self.widen(1);
        }
    }

    /// Makes cells 2^`by` times as wide.
    fn widen(&mut self, by: u32) {
        if by == 0 {
            return;
        }
        self.width += by;
        self.counts.iter_mut().for_each(|(cell, _)| *cell >>= by);
        self.counts.dedup_by(|(cell, count), (kept, sum)| {
            let same = cell == kept;
            *sum += if same { *count } else { 0 };
            same
        });
    }

    /// Ascending, with gaps where there is no value; a cell of one number has two equal ends.
    pub fn buckets(&self) -> Vec<Bucket> {
        let total: u64 = self.counts.iter().map(|(_, count)| count).sum();
        let mut buckets = Vec::new();
        let (negative, others) = self.counts.split_at(self.counts.partition_point(|(cell, _)| *cell < 0));
        for half in [negative, others] {
            self.write(half, 63_u32.saturating_sub(self.width), total / PARTS, &mut buckets);
        }
        buckets
    }

    /// Writes the cells of one that is 2^`above` times as wide: as that one if they are few enough, else its halves.
    fn write(&self, cells: &[(i64, u64)], above: u32, few: u64, buckets: &mut Vec<Bucket>) {
        let Some(&(cell, _)) = cells.first() else { return };
        let count: u64 = cells.iter().map(|(_, count)| count).sum();
        if above == 0 || (count <= few && above + self.width <= OCTAVE) {
            let width = self.width + above;
            let start = i128::from(cell >> above) << width;
            let (low, high) = (number(start), number(start + (1_i128 << width)));
            buckets.push(Bucket {
                low_value: low,
                high_value: if width == 0 { low } else { high },
                sample_count: count as f64,
            });
            return;
        }
        let middle = ((cell >> above) << above) + (1 << (above - 1));
        let (low, high) = cells.split_at(cells.partition_point(|(cell, _)| *cell < middle));
        self.write(low, above - 1, few, buckets);
        self.write(high, above - 1, few, buckets);
    }
}

/// A whole number in the same order as the value; both zeros are one.
pub(super) fn order_key(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits() as i64;
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

pub(super) fn of_order_key(key: i64) -> f64 {
    f64::from_bits((key ^ ((key >> 63) as u64 >> 1) as i64) as u64)
}

/// The number of an order key, which may be one beyond the largest.
fn number(key: i128) -> f64 {
    let largest = i128::from(f64::MAX.to_bits());
    // Keys of negative numbers are one off, as both zeros are one.
    of_order_key(key.clamp(-largest - 1, largest) as i64) + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(values: &[f64]) -> Cells {
        let mut cells = Cells::default();
        for run in values.chunks(500) {
            let mut keys: Vec<i64> = run.iter().map(|value| order_key(*value)).collect();
            keys.sort_unstable();
            cells.add(&keys);
        }
        cells
    }

    fn written(values: &[f64]) -> Vec<(f64, f64, f64)> {
        let buckets = cells(values).buckets().into_iter();
        buckets
            .map(|bucket| (bucket.low_value, bucket.high_value, bucket.sample_count))
            .collect()
    }

    #[test]
    fn few_different_numbers_are_cells_of_their_own() {
        assert_eq!(
            written(&[2.5, -1.0, 0.0, -0.0, 2.5, f64::MAX, f64::MIN]),
            [
                (f64::MIN, f64::MIN, 1.0),
                (-1.0, -1.0, 1.0),
                (0.0, 0.0, 2.0),
                (2.5, 2.5, 2.0),
                (f64::MAX, f64::MAX, 1.0)
            ]
        );
        assert!(written(&[]).is_empty());
    }

    #[test]
    fn a_point_mass_stays_a_point_among_many_numbers() {
        let mut values = vec![0.0; 7_000];
        values.extend((0..3_000).map(|i| 1.0 + f64::from(i) / 1000.0));
        let buckets = written(&values);
        assert!(
            buckets.contains(&(0.0, f64::from_bits(1 << cells(&values).width), 7_000.0)),
            "{:?}",
            &buckets[..2]
        );
        assert!(buckets.len() < 300, "{}", buckets.len());
        assert!(
            buckets
                .iter()
                .skip(1)
                .all(|(low, high, count)| high - low <= 0.1 && *count <= 100.0)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn counts_are_exact_and_do_not_depend_on_order_or_merging(
            values in prop::collection::vec(prop_oneof![-3.0..3.0, any::<i8>().prop_map(f64::from), -1e9..1e9], 0..3_000),
            cut in 0.0..1.0
        ) {
            let (left, right) = values.split_at((values.len() as f64 * cut) as usize);
            let whole = cells(&values);
            for (one, other) in [(left, right), (right, left)] {
                let mut merged = cells(one);
                merged.merge(&cells(other));
                prop_assert_eq!(&merged, &whole);
            }
            let mut before = f64::NEG_INFINITY;
            for bucket in whole.buckets() {
                let point = bucket.low_value == bucket.high_value;
                let inside = |value: &&f64| bucket.low_value <= **value && (**value < bucket.high_value || point && **value == bucket.low_value);
                prop_assert_eq!(values.iter().filter(inside).count() as f64, bucket.sample_count);
                prop_assert!(before <= bucket.low_value);
                before = bucket.high_value;
            }
        }
    }
}
