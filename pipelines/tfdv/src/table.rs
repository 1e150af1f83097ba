//! Two distributions side by side: the counts of current and control data in the same cells.
//!
//! Categories are cells as they are. Numbers of which statistics-gen counted the same [`cells`](crate::cells) are as
//! exact. Those that others measured come as two histograms with boundaries of their own; both are read as cumulative
//! distributions and counted anew between the union of the boundaries, as TFDV does. What the histograms leave open by
//! that is estimated per cell, so that coarse buckets do not look like drift.

use std::collections::BTreeMap;

use crate::FeatureNameStatistics;
use crate::cells;
use crate::statistics::{HistogramType, NumericStatistics, StringStatistics};

/// One category, or one interval of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Values of the current data.
    pub current: f64,
    /// Values of the control data.
    pub control: f64,
    /// How far the two shares may be apart only because the statistics are coarse, 0..1.
    pub open: f64,
    /// How far the two cumulative shares at the cell's end may be apart for that reason, 0..1.
    pub open_below: f64,
    /// The cell's width in standard deviations of the control data; 0 for a category.
    pub width: f64,
    /// The number in its middle; 0 for a category.
    pub middle: f64,
    /// NaN and infinities match nothing, not even themselves (TFDV).
    pub matches: bool,
}

/// Which cells numbers are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Between the union of both sides' equal-width buckets, as TFDV does.
    Buckets,
    /// Equal shares of both sides together, for the greatest power where there are no categories.
    Shares,
    /// As finely as both sides know them.
    Every,
}

impl Cut {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Buckets, Self::Shares, Self::Every];
}

/// The cells, in order where there is one, and what they are called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The counts.
    pub cells: Vec<Cell>,
    /// The categories, parallel to the cells; empty for numbers.
    pub labels: Vec<String>,
    /// The cells that these are made of, where values that are dealt out anew make others: the ends of few values'
    /// buckets are chance themselves. Else empty.
    pub finer: Vec<Cell>,
}

impl Table {
    /// Values of current and of control data.
    pub fn totals(&self) -> (f64, f64) {
        let add = |sum: (f64, f64), cell: &Cell| (sum.0 + cell.current, sum.1 + cell.control);
        self.cells.iter().fold((0.0, 0.0), add)
    }
}

/// Categories by their listed values; those that were too rare to be listed are left out.
pub fn categories(current: &StringStatistics, control: &StringStatistics) -> Table {
    let mut counts: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for bucket in &current.rank_histogram.buckets {
        counts.entry(&bucket.label).or_default().0 += bucket.sample_count.max(0.0);
    }
    for bucket in &control.rank_histogram.buckets {
        counts.entry(&bucket.label).or_default().1 += bucket.sample_count.max(0.0);
    }
    // A value that one side did not list may be as frequent there as its rarest listed one.
    let unlisted = |stats: &StringStatistics| {
        let listed = stats.rank_histogram.buckets.iter().map(|bucket| bucket.sample_count);
        let total: f64 = listed.clone().sum();
        let rest = stats.common_stats.num_non_missing as f64 - total;
        if rest < 0.5 || total <= 0.0 {
            return 0.0;
        }
        listed.fold(rest, f64::min) / total
    };
    let (open_current, open_control) = (unlisted(current), unlisted(control));
    let cell = |&(current, control): &(f64, f64)| Cell {
        current,
        control,
        open: if current == 0.0 { open_current } else { 0.0 } + if control == 0.0 { open_control } else { 0.0 },
        open_below: 0.0,
        width: 0.0,
        middle: 0.0,
        matches: true,
    };
    Table {
        cells: counts.values().map(cell).collect(),
        labels: counts.keys().map(|label| (*label).to_owned()).collect(),
        finer: Vec::new(),
    }
}

/// Numbers in the cells that are wanted; where a side has no exact counts, `Every` is between the union of all buckets
/// of both sides and the others between the union of the equal-width ones.
pub fn numbers(current: &FeatureNameStatistics, control: &FeatureNameStatistics, cut: Cut) -> Table {
    let (Some(now), Some(then)) = (&current.num_stats, &control.num_stats) else {
        return Table::default();
    };
    let scale = deviation(now, then);
    let mut table =
        cells::table(current, control, cut, scale).unwrap_or_else(|| interpolated(now, then, cut == Cut::Every, scale));
    let odd = |current: f64, control: f64| Cell {
        current,
        control,
        open: 0.0,
        open_below: 0.0,
        width: 0.0,
        middle: 0.0,
        matches: false,
    };
    let (finite, finite_then) = table.totals();
    let odd = [
        odd(now.num_nan() as f64, then.num_nan() as f64),
        odd(infinities(now, finite), infinities(then, finite_then)),
    ];
    if !table.finer.is_empty() {
        table.finer.extend(odd.clone());
    }
    table.cells.extend(odd);
    for cells in [&mut table.cells, &mut table.finer] {
        cells.retain(|cell| cell.current > 0.0 || cell.control > 0.0 || cell.width > 0.0);
    }
    table
}

/// Counts by linear interpolation, with what that leaves open.
fn interpolated(now: &NumericStatistics, then: &NumericStatistics, fine: bool, scale: f64) -> Table {
    let (left, right) = (Cumulative::of(now), Cumulative::of(then));
    let wanted = |knot: &&Knot| fine || knot.exact;
    let knots = left.knots.iter().chain(&right.knots).filter(wanted);
    let mut places: Vec<f64> = knots.map(|knot| knot.place).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let mut cells = Vec::new();
    let mut before: Option<(f64, f64, f64, f64)> = None;
    for place in places {
        let (a, b) = (left.at(place), right.at(place));
        let open = a.open + b.open;
        let cell = |from: (f64, f64), to: (f64, f64), width: f64, open_share: f64| Cell {
            current: (to.0 - from.0).max(0.0) * left.total,
            control: (to.1 - from.1).max(0.0) * right.total,
            open: open_share,
            open_below: open,
            width,
            middle: place,
            matches: true,
        };
        if let Some((at, upto_a, upto_b, open_before)) = before {
            let width = if scale > 0.0 { (place - at) / scale } else { 0.0 };
            cells.push(cell((upto_a, upto_b), (a.below, b.below), width, open_before + open));
        }
        if a.upto > a.below || b.upto > b.below {
            cells.push(cell((a.below, b.below), (a.upto, b.upto), 0.0, open));
        }
        before = Some((place, a.upto, b.upto, open));
    }
    Table {
        cells,
        labels: Vec::new(),
        finer: Vec::new(),
    }
}

/// Present values that are neither in a bucket nor NaN.
fn infinities(stats: &NumericStatistics, finite: f64) -> f64 {
    let some = stats.min.is_infinite() || stats.max.is_infinite();
    let count = stats.common_stats.num_non_missing as f64 - stats.num_nan() as f64 - finite;
    if some { count.max(0.0).round() } else { 0.0 }
}

/// The control's standard deviation, as Evidently normalises; that of both together where the control is constant.
fn deviation(now: &NumericStatistics, then: &NumericStatistics) -> f64 {
    if then.std_dev > 0.0 {
        return then.std_dev;
    }
    let (n, m) = (
        now.common_stats.tot_num_values.max(1) as f64,
        then.common_stats.tot_num_values.max(1) as f64,
    );
    let weight = n / (n + m);
    (weight * now.std_dev.powi(2) + weight * (1.0 - weight) * (now.mean - then.mean).powi(2)).sqrt()
}

/// A place where a cumulative distribution is known.
#[derive(Clone, Copy, Debug)]
struct Knot {
    place: f64,
    /// Share of values below it.
    below: f64,
    /// Share of values up to it; more than `below` where many values are equal.
    upto: f64,
    /// An end of an equal-width bucket, whose count is a count.
    exact: bool,
    /// How far the share may be off.
    open: f64,
}

struct Cumulative {
    knots: Vec<Knot>,
    /// Finite values.
    total: f64,
    /// The values are whole numbers, so that shares grow in jumps.
    whole: bool,
    /// Many values are equal, so that between two knots a share may be anything.
    lumpy: bool,
}

impl Cumulative {
    fn of(stats: &NumericStatistics) -> Self {
        let of_type = |wanted| {
            let found = stats
                .histograms
                .iter()
                .find(|histogram| histogram.histogram_type == wanted);
            found.map_or(&[][..], |histogram| &histogram.buckets)
        };
        let finite = |edge: f64| edge.is_finite();
        let (standard, quantiles) = (of_type(HistogramType::Standard), of_type(HistogramType::Quantiles));
        let total =
            |buckets: &[crate::statistics::Bucket]| buckets.iter().map(|bucket| bucket.sample_count).sum::<f64>();
        let whole = standard.iter().chain(quantiles).next().is_some()
            && quantiles
                .iter()
                .flat_map(|bucket| [bucket.low_value, bucket.high_value])
                .all(|edge| (edge * 2.0).fract() == 0.0)
            && [stats.min, stats.max]
                .iter()
                .all(|edge| edge.fract() == 0.0 || edge.is_infinite());
        // Equal values hide the share at a quantile: use them only where neighbours are well apart.
        let narrowest = quantiles
            .iter()
            .map(|bucket| bucket.high_value - bucket.low_value)
            .fold(f64::INFINITY, f64::min);
        let usable = standard.is_empty() || narrowest >= if whole { 50.0 } else { f64::MIN_POSITIVE };
        let jump = if whole && narrowest > 0.0 { 0.1 / narrowest } else { 0.0 };
        let mut knots: Vec<Knot> = Vec::new();
        let mut add = |buckets: &[crate::statistics::Bucket], exact: bool| {
            let (whole_count, mut count) = (total(buckets), 0.0);
            for bucket in buckets
                .iter()
                .filter(|bucket| finite(bucket.low_value) && finite(bucket.high_value))
            {
                let next = count + bucket.sample_count.max(0.0);
                let (from, to) = (count / whole_count, next / whole_count);
                let open = if exact { 0.0 } else { jump };
                let knot = |place, below, upto| Knot {
                    place,
                    below,
                    upto,
                    exact,
                    open,
                };
                let point = bucket.low_value == bucket.high_value;
                knots.push(knot(bucket.low_value, from, if point { to } else { from }));
                knots.push(knot(bucket.high_value, if point { from } else { to }, to));
                count = next;
            }
        };
        if total(standard) > 0.0 {
            add(standard, true);
        }
        if usable && total(quantiles) > 0.0 {
            add(quantiles, false);
        }
        let total = if standard.is_empty() {
            total(quantiles)
        } else {
            total(standard)
        };
        Self {
            knots: settled(knots, standard.is_empty()),
            total,
            whole,
            lumpy: narrowest == 0.0 && !standard.is_empty(),
        }
    }

    /// Shares at a place, linear between knots, with what that leaves open.
    fn at(&self, place: f64) -> Knot {
        let above = self.knots.partition_point(|knot| knot.place < place);
        match (
            above.checked_sub(1).and_then(|below| self.knots.get(below)),
            self.knots.get(above),
        ) {
            (_, Some(knot)) if knot.place == place => *knot,
            (Some(low), Some(high)) => {
                let part = ((place - low.place) / (high.place - low.place)).clamp(0.0, 1.0);
                let share = low.upto + (high.below - low.upto) * part;
                let curved = bend(&self.knots, above - 1).max(bend(&self.knots, above)) / 4.0;
                let held = (high.below - low.upto).max(0.0);
                let jump = if self.whole {
                    held / (high.place - low.place).max(1.0)
                } else {
                    0.0
                };
                // Half a value: interpolated counts are no whole numbers, and dealt ones are.
                let half = 0.5 / self.total.max(1.0);
                let anything = if self.lumpy { held * part.max(1.0 - part) } else { 0.0 };
                let open = (curved + jump + half + low.open.max(high.open)).max(anything).min(held);
                Knot {
                    place,
                    below: share,
                    upto: share,
                    exact: false,
                    open,
                }
            }
            (None, _) => Knot {
                place,
                below: 0.0,
                upto: 0.0,
                exact: true,
                open: 0.0,
            },
            (Some(_), None) => Knot {
                place,
                below: 1.0,
                upto: 1.0,
                exact: true,
                open: 0.0,
            },
        }
    }
}

/// How far a knot is from the line between its neighbours: over a quarter of the square of the distance, the error
/// of linear interpolation is a quarter.
fn bend(knots: &[Knot], index: usize) -> f64 {
    match (
        index.checked_sub(1).and_then(|low| knots.get(low)),
        knots.get(index),
        knots.get(index + 1),
    ) {
        (Some(low), Some(middle), Some(high)) if high.place > low.place => {
            let line = low.upto + (high.below - low.upto) * (middle.place - low.place) / (high.place - low.place);
            (middle.below - line).abs().max((middle.upto - line).abs())
        }
        _ => 0.0,
    }
}

/// Sorted, one knot for each place, shares ascending; quantiles are as exact as their neighbourhood is smooth.
fn settled(mut knots: Vec<Knot>, all_exact: bool) -> Vec<Knot> {
    knots.sort_by(|a, b| a.place.total_cmp(&b.place).then(b.exact.cmp(&a.exact)));
    let mut merged: Vec<Knot> = Vec::new();
    for knot in knots {
        match merged.last_mut() {
            Some(last) if last.place == knot.place && last.exact && !knot.exact => {}
            Some(last) if last.place == knot.place => {
                (last.below, last.upto) = (last.below.min(knot.below), last.upto.max(knot.upto));
            }
            Some(last) if last.upto > knot.below && !knot.exact => {}
            _ => merged.push(knot),
        }
    }
    let mut highest: f64 = 0.0;
    for knot in &mut merged {
        knot.exact |= all_exact;
        knot.below = knot.below.max(highest);
        knot.upto = knot.upto.max(knot.below);
        highest = knot.upto;
    }
    let bends: Vec<f64> = (0..merged.len()).map(|index| bend(&merged, index)).collect();
    for (knot, bend) in merged.iter_mut().zip(bends).filter(|(knot, _)| !knot.exact) {
        knot.open += bend / 4.0;
    }
    merged
}
