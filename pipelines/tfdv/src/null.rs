//! How large a distance is when nothing has changed: quantiles of the null distribution at the given sample sizes.
//!
//! Permutation: the values of both sides are thrown together and dealt out anew to two sides of the same sizes.
//! Only counts are known, and they are enough: a deal is a multivariate hypergeometric draw. It is exact
//! at ten rows, where asymptotic formulas are not, and costs the same at ten million.

use std::borrow::Cow;

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

/// A distance that is over its threshold: is it chance?
#[derive(Clone, Copy, Debug)]
pub struct Suspect {
    pub distance: Distance,
    /// As measured.
    pub value: f64,
    /// What of it the coarseness of the statistics may have made.
    pub open: f64,
}

/// For each suspect the quantile at 1 − `level` of its distance between two sides of the same origin, with what is
/// open; `None` where it is chance: not beyond that quantile, or with a side empty. Deterministic for a seed.
///
/// Dealing ends as soon as nothing can make any suspect significant any more: an unchanged column needs a few deals
/// and is judged exactly as if all were made.
pub fn beyond(table: &Table, suspects: &[Suspect], level: f64, seed: u64) -> Vec<Option<f64>> {
    let (n, m) = table.totals();
    let (n, m) = (n.round(), m.round());
    if n < 1.0 || m < 1.0 || suspects.is_empty() {
        return vec![None; suspects.len()];
    }
    let fine = if table.finer.is_empty() {
        &table.cells
    } else {
        &table.finer
    };
    let enough = ((20.0 / level) as usize).clamp(FEWEST, DEALS);
    let deals = (BUDGET / fine.len().max(1)).clamp(FEWEST, enough);
    let mut deck = Deck::new(fine, n, m, seed, !table.finer.is_empty());
    let mut open: Vec<(&Suspect, Vec<f64>, usize)> = suspects
        .iter()
        .map(|suspect| (suspect, Vec::with_capacity(deals), as_far(deals, level)))
        .collect();
    for _ in 0..deals {
        let cells = deck.deal();
        for (suspect, drawn, left) in open.iter_mut().filter(|(.., left)| *left > 0) {
            let value = suspect.distance.of(&cells, |_| 0.0, |_| 0.0);
            *left -= usize::from(suspect.value <= value + suspect.open);
            drawn.push(value);
        }
        if open.iter().all(|(.., left)| *left == 0) {
            break;
        }
    }
    let verdict = |(suspect, drawn, left): (&Suspect, Vec<f64>, usize)| {
        let quantile = (left > 0).then(|| upper_quantile(drawn, level) + suspect.open)?;
        (suspect.value > quantile).then_some(quantile)
    };
    open.into_iter().map(verdict).collect()
}

/// So many of the deals as far apart as a suspect put it within [`upper_quantile`], whatever the others are.
fn as_far(deals: usize, level: f64) -> usize {
    match rank(deals, level) {
        Some(rank) => deals - rank,
        // Never below the largest.
        None => 1,
    }
}

/// The values of both sides together, dealt out again and again.
struct Deck<'a> {
    dealt: Cow<'a, [Cell]>,
    /// The two sides together, whole numbers.
    pooled: Vec<f64>,
    n: f64,
    /// The cell of every value, where there are so few that drawing them one by one is quicker.
    values: Vec<u32>,
    /// Whether the cells are cut anew for every deal.
    recut: bool,
    random: Random,
}

/// A hypergeometric count costs as much as so many values drawn by themselves.
const DRAWS: f64 = 32.0;
/// Values of a deck that is dealt one by one.
const MOST_VALUES: f64 = 1_000_000.0;

impl<'a> Deck<'a> {
    fn new(cells: &'a [Cell], n: f64, m: f64, seed: u64, recut: bool) -> Self {
        let mut pooled = rounded(cells, n + m);
        let mut dealt = Cow::Borrowed(cells);
        if recut {
            // Without order and widths a cell without a value is none.
            let kept = cells.iter().zip(&pooled).filter(|(_, count)| **count > 0.0);
            dealt = kept.map(|(cell, _)| cell.clone()).collect::<Vec<_>>().into();
            pooled.retain(|count| *count > 0.0);
        }
        let occupied = pooled.iter().filter(|count| **count > 0.0).count() as f64;
        let few = n.min(m) <= DRAWS * occupied && n + m <= MOST_VALUES;
        let of_cell = |(cell, count): (u32, &f64)| std::iter::repeat_n(cell, *count as usize);
        let values = (0..).zip(&pooled).filter(|_| few).flat_map(of_cell).collect();
        Self {
            dealt,
            pooled,
            n,
            values,
            recut,
            random: Random(seed),
        }
    }

    /// Deals `n` of the values to the current side, the others to the control.
    fn deal(&mut self) -> Cow<'_, [Cell]> {
        match self.values.is_empty() {
            true => self.by_count(),
            false => self.one_by_one(),
        }
        match self.recut {
            true => rebucketed(&self.dealt).into(),
            false => Cow::Borrowed(&*self.dealt),
        }
    }

    /// A multivariate hypergeometric draw.
    fn by_count(&mut self) {
        let mut left: f64 = self.pooled.iter().sum();
        let mut wanted = self.n.min(left);
        for (cell, &count) in self.dealt.to_mut().iter_mut().zip(&self.pooled) {
            cell.current = hypergeometric(left, count, wanted, &mut self.random);
            cell.control = count - cell.current;
            left -= count;
            wanted -= cell.current;
        }
    }

    /// The same by the values of the smaller side, drawn to the front (Fisher and Yates).
    fn one_by_one(&mut self) {
        let (all, n) = (self.values.len(), (self.n as usize).min(self.values.len()));
        let current_is_smaller = n <= all - n;
        let cells = self.dealt.to_mut();
        for (cell, count) in cells.iter_mut().zip(&self.pooled) {
            (cell.current, cell.control) = if current_is_smaller {
                (0.0, *count)
            } else {
                (*count, 0.0)
            };
        }
        let one = if current_is_smaller { 1.0 } else { -1.0 };
        for place in 0..n.min(all - n) {
            self.values.swap(place, place + self.random.below(all - place));
            if let Some(cell) = cells.get_mut(self.values[place] as usize) {
                cell.current += one;
                cell.control -= one;
            }
        }
    }
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
    if let Some(rank) = rank(values.len(), level) {
        return values.get(rank).copied().unwrap_or(0.0);
    }
    let roots: Vec<f64> = values.iter().map(|value| value.cbrt()).collect();
    let mean = roots.iter().sum::<f64>() / count;
    let variance = roots.iter().map(|root| (root - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let extended = (mean + normal_quantile(1.0 - level) * variance.sqrt()).max(0.0).powi(3);
    values.last().map_or(extended, |largest| extended.max(*largest))
}

/// The place of the quantile among `count` ascending values; `None` where they are too few for the level.
fn rank(count: usize, level: f64) -> Option<usize> {
    let enough = level * count as f64 >= 4.0;
    let rank = ((1.0 - level) * (count as f64 + 1.0)).ceil() as usize;
    enough.then(|| rank.clamp(1, count) - 1)
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

    /// A whole number from 0 on and less than `end`, of up to 2^32 (Lemire, without the rejection: off by 2^-32).
    fn below(&mut self, end: usize) -> usize {
        (((self.next() >> 32) * end as u64) >> 32) as usize
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell(middle: usize, (current, control): (u32, u32)) -> Cell {
        Cell {
            current: f64::from(current),
            control: f64::from(control),
            open: 0.0,
            open_below: 0.0,
            width: 0.1,
            middle: middle as f64,
            matches: true,
        }
    }

    /// All deals, and the quantile of each distance.
    fn all_deals(table: &Table, distances: &[Distance], level: f64, seed: u64) -> Vec<f64> {
        let never = |distance: &Distance| Suspect {
            distance: *distance,
            value: f64::INFINITY,
            open: 0.0,
        };
        let suspects: Vec<Suspect> = distances.iter().map(never).collect();
        let quantiles = beyond(table, &suspects, level, seed).into_iter();
        quantiles.map(|quantile| quantile.unwrap_or(f64::NAN)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn who_stops_dealing_judges_as_who_deals_on(
            counts in prop::collection::vec((0..12_u32, 0..12_u32), 1..40),
            shift in 0..3_u32, seed in any::<u64>(), open in prop_oneof![Just(0.0), 0.0..0.05],
            level in prop_oneof![Just(0.01), Just(0.05), Just(0.5), Just(2e-6)], recut in any::<bool>(),
        ) {
            let shifted = |(place, (now, then)): (usize, (u32, u32))| cell(place, (now + shift * (place as u32 % 3), then));
            let cells: Vec<Cell> = counts.into_iter().enumerate().map(shifted).collect();
            let (distances, table) = match recut {
                true => (
                    vec![Distance::JensenShannonDivergence, Distance::NormalizedAbsoluteDifference],
                    Table { cells: rebucketed(&cells), finer: cells, ..Table::default() },
                ),
                false => (Distance::ALL.to_vec(), Table { cells, ..Table::default() }),
            };
            let (n, m) = table.totals();
            prop_assume!(n >= 1.0 && m >= 1.0);
            let quantiles = all_deals(&table, &distances, level, seed);
            let suspect = |distance: &Distance| Suspect { distance: *distance, value: distance.measure(&table), open };
            let suspects: Vec<Suspect> = distances.iter().map(suspect).collect();
            // Alone and together, whoever else stops earlier.
            let together = beyond(&table, &suspects, level, seed);
            for ((suspect, quantile), said) in suspects.iter().zip(quantiles).zip(together) {
                let expected = Some(quantile + open).filter(|quantile| suspect.value > *quantile);
                prop_assert_eq!(said, expected);
                prop_assert_eq!(beyond(&table, &[*suspect], level, seed), vec![expected]);
            }
        }
    }

    /// Mean and variance of the values of each cell dealt to the current side are those of the hypergeometric law.
    #[test]
    fn one_by_one_and_by_count_are_the_same_law() {
        let cells: Vec<Cell> = [(30, 10), (5, 15), (0, 40), (1, 0)]
            .into_iter()
            .enumerate()
            .map(|(place, counts)| cell(place, counts))
            .collect();
        for (n, m) in [(36.0, 65.0), (65.0, 36.0)] {
            for one_by_one in [true, false] {
                let mut deck = Deck::new(&cells, n, m, 7, false);
                if !one_by_one {
                    deck.values.clear();
                }
                let deals: Vec<Vec<f64>> = (0..20_000)
                    .map(|_| deck.deal().iter().map(|cell| cell.current).collect())
                    .collect();
                for (place, pooled) in [40.0, 20.0, 40.0, 1.0].into_iter().enumerate() {
                    let drawn: Vec<f64> = deals.iter().map(|deal| deal[place]).collect();
                    let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
                    let variance = drawn.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / drawn.len() as f64;
                    let share = pooled / 101.0;
                    let expected = n * share * (1.0 - share) * m / 100.0;
                    close(mean, n * share, 5.0 * (expected / 20_000.0).sqrt());
                    close(variance, expected, 0.05 * expected);
                }
                close(deals[0].iter().sum(), n, 1e-9);
            }
        }
    }

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!(
            (found - expected).abs() <= tolerance,
            "{found} is not {expected} within {tolerance}"
        );
    }
}
