//! How large a distance is when nothing has changed: quantiles of the null distribution at the given sample sizes.
//!
//! Permutation: the values of both sides are thrown together and dealt out anew to two sides of the same sizes.
//! Only counts are known, and they are enough: a deal is a multivariate hypergeometric draw. It is exact
//! at ten rows, where asymptotic formulas are not, and costs the same at ten million.

use crate::cells::rebucketed;
use crate::distance::Distance;
use crate::table::{Cell, Table};

/// Deals for a table of few cells; large ones get fewer, never fewer than [`FEWEST`].
const DEALS: usize = 1000;
const FEWEST: usize = 200;
/// Cells dealt for one table, about.
const BUDGET: usize = 200_000;
/// From this variance on a hypergeometric count is normal enough.
const NORMAL_VARIANCE: f64 = 100.0;

/// The quantiles at 1 − `level` of distances between two sides of the same origin; deterministic for a seed.
pub fn quantiles(table: &Table, distances: &[Distance], level: f64, seed: u64) -> Vec<f64> {
    let (n, m) = table.totals();
    let (n, m) = (n.round(), m.round());
    if n < 1.0 || m < 1.0 || distances.is_empty() {
        return vec![f64::INFINITY; distances.len()];
    }
    let cells = if table.finer.is_empty() {
        &table.cells
    } else {
        &table.finer
    };
    let pooled = rounded(cells, n + m);
    let enough = ((20.0 / level) as usize).clamp(FEWEST, DEALS);
    let deals = (BUDGET / cells.len().max(1)).clamp(FEWEST, enough);
    let mut random = Random(seed);
    let mut dealt = cells.clone();
    let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(deals); distances.len()];
    for _ in 0..deals {
        deal(&mut dealt, &pooled, n, &mut random);
        let recut = (!table.finer.is_empty()).then(|| rebucketed(&dealt));
        for (values, distance) in drawn.iter_mut().zip(distances) {
            values.push(distance.of(recut.as_ref().unwrap_or(&dealt), |_| 0.0, |_| 0.0));
        }
    }
    drawn.into_iter().map(|values| upper_quantile(values, level)).collect()
}

/// Whole pooled counts that add up to the total: rounded cumulatively.
fn rounded(cells: &[Cell], total: f64) -> Vec<f64> {
    let (mut exact, mut given) = (0.0, 0.0);
    let count = |cell: &Cell| {
        exact += cell.current + cell.control;
        let next = f64::min((exact + 1e-6).round(), total);
        next - std::mem::replace(&mut given, next)
    };
    cells.iter().map(count).collect()
}

/// Deals `n` of the pooled values to the current side, the others to the control.
fn deal(cells: &mut [Cell], pooled: &[f64], n: f64, random: &mut Random) {
    let mut left: f64 = pooled.iter().sum();
    let mut wanted = n.min(left);
    for (cell, &count) in cells.iter_mut().zip(pooled) {
        cell.current = hypergeometric(left, count, wanted, random);
        cell.control = count - cell.current;
        left -= count;
        wanted -= cell.current;
    }
}

/// How many of `wanted` values drawn from `total` are among its `marked` ones.
fn hypergeometric(total: f64, marked: f64, wanted: f64, random: &mut Random) -> f64 {
    let (least, most) = ((marked + wanted - total).max(0.0), marked.min(wanted));
    if most <= least {
        return least;
    }
    let share = marked / total;
    let (mean, variance) = (
        wanted * share,
        wanted * share * (1.0 - share) * (total - wanted) / (total - 1.0).max(1.0),
    );
    if variance > NORMAL_VARIANCE {
        return (mean + variance.sqrt() * random.normal()).round().clamp(least, most);
    }
    // Inversion, from the mode outwards: the likeliest counts first.
    let mode = (((marked + 1.0) * (wanted + 1.0) / (total + 2.0)).floor()).clamp(least, most);
    let choose = |n: f64, k: f64| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    let peak = (choose(marked, mode) + choose(total - marked, wanted - mode) - choose(total, wanted)).exp();
    let mut rest = random.uniform() - peak;
    let (mut low, mut high, mut low_chance, mut high_chance) = (mode, mode, peak, peak);
    while rest > 0.0 && (low > least || high < most) {
        if high < most {
            high_chance *= (marked - high) * (wanted - high) / ((high + 1.0) * (total - marked - wanted + high + 1.0));
            high += 1.0;
            rest -= high_chance;
            if rest <= 0.0 {
                return high;
            }
        }
        if low > least {
            low_chance *= low * (total - marked - wanted + low) / ((marked - low + 1.0) * (wanted - low + 1.0));
            low -= 1.0;
            rest -= low_chance;
            if rest <= 0.0 {
                return low;
            }
        }
        // What is left is rounding.
        if low_chance + high_chance < 1e-15 {
            break;
        }
    }
    mode
}

/// ln n!, by Stirling's series above the small ones.
fn ln_factorial(n: f64) -> f64 {
    if n < 16.0 {
        return (2..=n as u32).map(|factor| f64::from(factor).ln()).sum();
    }
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3))
}

/// The quantile at 1 − `level` of drawn values. Where the draws are too few for the level, by Wilson and Hilferty: the
/// cube root of such a sum of squares is about normal.
fn upper_quantile(mut values: Vec<f64>, level: f64) -> f64 {
    let count = values.len() as f64;
    values.sort_by(f64::total_cmp);
    if level * count >= 4.0 {
        let rank = ((1.0 - level) * (count + 1.0)).ceil() as usize;
        return values
            .get(rank.saturating_sub(1))
            .or(values.last())
            .copied()
            .unwrap_or(0.0);
    }
    let roots: Vec<f64> = values.iter().map(|value| value.cbrt()).collect();
    let mean = roots.iter().sum::<f64>() / count;
    let variance = roots.iter().map(|root| (root - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let extended = (mean + normal_quantile(1.0 - level) * variance.sqrt()).max(0.0).powi(3);
    values.last().map_or(extended, |largest| extended.max(*largest))
}

/// The standard normal quantile for a probability of more than a half (Abramowitz and Stegun 26.2.23, error < 5e-4).
fn normal_quantile(probability: f64) -> f64 {
    let t = (-2.0 * (1.0 - probability).max(1e-300).ln()).sqrt();
    t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1.0 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t)
}

/// SplitMix64: small, fast, the same everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// Between 0 and 1, never 0.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
