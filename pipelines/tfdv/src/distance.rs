//! How far current data are from control data, over the cells of a [`Table`].

use crate::table::{Cell, Cut, Table};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The distances that comparators know; the first three are TFMD's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Distance {
    /// max |p − q| over categories, 0..1.
    LInfty,
    /// ½ KL(p‖m) + ½ KL(q‖m) with m the mean of p and q, to base 2, 0..1.
    JensenShannonDivergence,
    /// max |a − b| / (n + m) over counts, 0..1.
    NormalizedAbsoluteDifference,
    /// max |F − G| over numbers, 0..1.
    KolmogorovSmirnov,
    /// ∫ |F − G| in standard deviations of the control data (Evidently's normed Wasserstein).
    Wasserstein,
    /// Σ (√(m/n) a − √(n/m) b)² / (a + b), the chi-square statistic of two samples.
    ChiSquare,
}

impl Distance {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::LInfty,
        Self::JensenShannonDivergence,
        Self::NormalizedAbsoluteDifference,
        Self::KolmogorovSmirnov,
        Self::Wasserstein,
        Self::ChiSquare,
    ];

    /// Whether the order of cells and their widths matter, so that it is for numbers only.
    pub fn needs_order(self) -> bool {
        matches!(self, Self::KolmogorovSmirnov | Self::Wasserstein)
    }

    /// The cells that numbers are counted in for it.
    pub fn cut(self) -> Cut {
        match self {
            Self::LInfty | Self::JensenShannonDivergence | Self::NormalizedAbsoluteDifference => Cut::Buckets,
            Self::ChiSquare => Cut::Shares,
            Self::KolmogorovSmirnov | Self::Wasserstein => Cut::Every,
        }
    }

    /// Whether TFMD has a name for it.
    pub fn of_tfmd(self) -> bool {
        matches!(
            self,
            Self::LInfty | Self::JensenShannonDivergence | Self::NormalizedAbsoluteDifference
        )
    }

    /// Whether it is for categories only.
    pub fn needs_categories(self) -> bool {
        self == Self::LInfty
    }

    /// The distance between the two sides of a table; 0 when a side is empty.
    pub fn measure(self, table: &Table) -> f64 {
        self.of(&table.cells, |_| 0.0, |_| 0.0)
    }

    /// The distance that is left when every cell differs by as much less as the statistics leave open.
    pub fn measure_beyond_open(self, table: &Table) -> f64 {
        self.of(&table.cells, |cell| cell.open, |cell| cell.open_below)
    }

    /// The distance between the sides of cells, differences forgiven up to an allowance of share.
    pub(crate) fn of(self, cells: &[Cell], share: impl Fn(&Cell) -> f64, cumulative: impl Fn(&Cell) -> f64) -> f64 {
        let finite = |cell: &&Cell| !self.needs_order() || cell.matches;
        let add = |sum: (f64, f64), cell: &Cell| (sum.0 + cell.current, sum.1 + cell.control);
        let (n, m) = cells.iter().filter(finite).fold((0.0, 0.0), add);
        if n <= 0.0 || m <= 0.0 {
            return 0.0;
        }
        let shares = cells.iter().filter(finite).map(|cell| {
            let (p, q) = (cell.current / n, cell.control / m);
            let moved = (share(cell) / 2.0).min((p - q).abs() / 2.0) * (p - q).signum();
            (p - moved, q + moved, cell)
        });
        match self {
            Self::LInfty => shares.map(|(p, q, _)| (p - q).abs()).fold(0.0, f64::max),
            Self::JensenShannonDivergence => shares
                .map(|(p, q, cell)| {
                    if cell.matches {
                        divergence(p, q)
                    } else {
                        divergence(p, 0.0) + divergence(0.0, q)
                    }
                })
                .sum::<f64>()
                .max(0.0),
            Self::NormalizedAbsoluteDifference => shares
                .map(|(p, q, _)| (p * n - q * m).abs() / (n + m))
                .fold(0.0, f64::max),
            Self::ChiSquare => shares
                .filter(|(p, q, _)| p + q > 0.0)
                .map(|(p, q, _)| n * m * (p - q).powi(2) / (p * n + q * m))
                .sum(),
            Self::KolmogorovSmirnov => apart(cells, n, m, cumulative)
                .map(|(apart, _)| apart)
                .fold(0.0, f64::max),
            Self::Wasserstein => {
                let mut before = 0.0;
                let area = |(after, width): (f64, f64)| (std::mem::replace(&mut before, after) + after) / 2.0 * width;
                apart(cells, n, m, cumulative).map(area).sum()
            }
        }
    }

    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::LInfty => "L-infinity distance",
            Self::JensenShannonDivergence => "Jensen-Shannon divergence",
            Self::NormalizedAbsoluteDifference => "normalised absolute difference",
            Self::KolmogorovSmirnov => "Kolmogorov-Smirnov distance",
            Self::Wasserstein => "Wasserstein distance",
            Self::ChiSquare => "chi-square statistic",
        }
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One cell's part of the Jensen-Shannon divergence, in bits.
fn divergence(p: f64, q: f64) -> f64 {
    let middle = (p + q) / 2.0;
    let half = |share: f64| {
        if share > 0.0 {
            share / 2.0 * (share / middle).log2()
        } else {
            0.0
        }
    };
    half(p) + half(q)
}

/// |F − G| at the end of each cell, and the cell's width.
fn apart(cells: &[Cell], n: f64, m: f64, open: impl Fn(&Cell) -> f64) -> impl Iterator<Item = (f64, f64)> {
    let (mut below_n, mut below_m) = (0.0, 0.0);
    cells.iter().filter(|cell| cell.matches).map(move |cell| {
        below_n += cell.current;
        below_m += cell.control;
        (((below_n / n - below_m / m).abs() - open(cell)).max(0.0), cell.width)
    })
}
