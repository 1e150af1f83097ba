//! Rows as bins of narrow ranges of a value, so that weighted metrics need no sorting.

use std::borrow::Cow;

/// With more distinct values than this, values are cut at quantiles, and else exactly: between models
/// that are nearly the same, what bins blur is most of the difference.
const MAX_DISTINCT: usize = 1 << 15;

/// How many quantiles values are cut at.
const QUANTILES: usize = 2048;

type Means<'a> = Box<dyn Fn(usize) -> [f64; 3] + Send + Sync + 'a>;

/// One value of each row, as a code: bin of the value, and in the last bit a class of the row.
pub struct Channel<'a> {
    /// By row; rising with the value.
    pub codes: Vec<u32>,
    values: Cow<'a, [f64]>,
    means: Means<'a>,
}

impl<'a> Channel<'a> {
    /// Codes of values and classes; bins also end at `edges` (and hold them).
    pub fn new(
        values: Cow<'a, [f64]>,
        edges: &[f64],
        class: impl Fn(usize) -> bool,
        means: impl Fn(usize) -> [f64; 3] + Send + Sync + 'a,
    ) -> Self {
        let ends = ends(&values, edges);
        let code = |(row, value): (usize, &f64)| {
            let bin = ends.partition_point(|end| end < value) as u32;
            2 * bin + u32::from(class(row))
        };
        let codes = values.iter().enumerate().map(code).collect();
        Self {
            codes,
            values,
            means: Box::new(means),
        }
    }

    /// Signed values by size, their sign as class; means are of value, size and square.
    pub fn magnitudes(values: Vec<f64>) -> Self {
        let sizes: Vec<f64> = values.iter().map(|value| value.abs()).collect();
        let largest = sizes
            .iter()
            .copied()
            .filter(|size| size.is_finite())
            .fold(0.0, f64::max);
        // Evenly by factor, so that no bin mixes the huge with the small.
        let edges: Vec<f64> = (0..160).map(|step| largest * (-f64::from(step) / 8.0).exp2()).collect();
        let positive: Vec<bool> = values.iter().map(|value| *value > 0.0).collect();
        let means = move |row: usize| [values[row], values[row].abs(), values[row] * values[row]];
        Self::new(sizes.into(), &edges, |row| positive[row], means)
    }

    /// Codes that mean themselves.
    pub fn of_codes(codes: Vec<u32>) -> Self {
        let values = codes.iter().map(|code| f64::from(*code)).collect();
        Self {
            codes,
            values,
            means: Box::new(|_| [0.0; 3]),
        }
    }

    /// The bins that rows fall into, by rising code, with the (weighted) means of these rows.
    pub fn bins(&self, rows: &[u32], weights: Option<&[f64]>) -> Vec<Bin> {
        let used = used(rows.iter().map(|row| self.codes[*row as usize]));
        let mut place = vec![0; used.last().map_or(0, |last| *last as usize + 1)];
        for (index, code) in used.iter().enumerate() {
            place[*code as usize] = index;
        }
        let empty = |code: &u32| Bin {
            code: *code,
            value: f64::NEG_INFINITY,
            means: [0.0; 3],
        };
        let mut bins: Vec<Bin> = used.iter().map(empty).collect();
        let mut counts = vec![0.0; bins.len()];
        for row in rows {
            let row = *row as usize;
            let weight = weights.map_or(1.0, |weights| weights[row]);
            let place = place[self.codes[row] as usize];
            let bin = &mut bins[place];
            bin.value = bin.value.max(self.values[row]);
            // What has no weight counts for nothing, even where its mean is infinite.
            if weight > 0.0 {
                counts[place] += weight;
                for (mean, value) in bin.means.iter_mut().zip((self.means)(row)) {
                    *mean += weight * value;
                }
            }
        }
        for (bin, count) in bins.iter_mut().zip(counts).filter(|(_, count)| *count > 0.0) {
            bin.means.iter_mut().for_each(|mean| *mean /= count);
        }
        bins
    }
}

/// The distinct codes, rising.
pub fn used(codes: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut seen = Vec::new();
    for code in codes {
        let code = code as usize;
        if code >= seen.len() {
            seen.resize(code + 1, false);
        }
        seen[code] = true;
    }
    let used = seen.iter().enumerate().filter(|(_, seen)| **seen);
    used.map(|(code, _)| code as u32).collect()
}

/// The upper ends of the bins, rising.
fn ends(values: &[f64], edges: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let distinct = sorted.chunk_by(|left, right| left == right).count();
    let mut ends: Vec<f64> = if distinct <= MAX_DISTINCT {
        sorted
    } else {
        let quantile = |step: usize| sorted[step * (sorted.len() - 1) / QUANTILES];
        (1..=QUANTILES).map(quantile).chain(edges.iter().copied()).collect()
    };
    ends.sort_unstable_by(f64::total_cmp);
    ends.dedup();
    ends
}

/// Rows of one narrow range of values and one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// As in [`Channel::codes`].
    pub code: u32,
    /// The largest value.
    pub value: f64,
    /// Of the rows.
    pub means: [f64; 3],
}

impl Bin {
    /// The class of the rows.
    pub fn class(&self) -> bool {
        self.code & 1 == 1
    }
}

/// How often a row, or a sum of rows, counts: times it was drawn, or times its weight.
pub trait Weight: Copy + Default + std::ops::AddAssign + Into<f64> + Send + Sync {
    /// Of one row; small, since there are many.
    type OfRow: Copy + Into<Self>;

    /// A row that was drawn so many times.
    fn drawn(times: u8, row: usize, weights: &[f64]) -> Self::OfRow;
}

impl Weight for u32 {
    type OfRow = u8;

    fn drawn(times: u8, _: usize, _: &[f64]) -> u8 {
        times
    }
}

impl Weight for f64 {
    type OfRow = f64;

    fn drawn(times: u8, row: usize, weights: &[f64]) -> f64 {
        f64::from(times) * weights[row]
    }
}

/// The bins of a slice, weighted.
#[derive(Clone, Copy)]
pub struct Histogram<'a, W> {
    bins: &'a [Bin],
    weights: &'a [W],
}

impl<'a, W: Weight> Histogram<'a, W> {
    /// Bins and the sums of the weights of their rows.
    pub fn new(bins: &'a [Bin], weights: &'a [W]) -> Self {
        Self { bins, weights }
    }

    /// Each bin with its weight.
    pub fn bins(self) -> impl Iterator<Item = (&'a Bin, f64)> {
        let weights = self.weights.iter().map(|weight| (*weight).into());
        self.bins.iter().zip(weights)
    }

    /// The bins of each range of values, both classes together, from the highest range to the lowest.
    pub fn falling(self) -> impl Iterator<Item = impl Iterator<Item = (&'a Bin, f64)>> {
        let mut end = self.bins.len();
        let levels = self
            .bins
            .chunk_by(|left, right| left.code >> 1 == right.code >> 1)
            .rev();
        levels.map(move |bins| {
            let start = end - bins.len();
            let weights = &self.weights[start..end];
            end = start;
            Self::new(bins, weights).bins()
        })
    }

    /// The weighted sum of a mean; bins without weight count for nothing, whatever their mean.
    pub fn sum(self, value: impl Fn(&Bin) -> f64) -> f64 {
        let weighted = self.bins().filter(|(_, weight)| *weight > 0.0);
        weighted.map(|(bin, weight)| weight * value(bin)).sum()
    }
}
