//! Two data sets as cumulative distributions, read off histograms with boundaries of their own.

use crate::statistics::{Bucket, HistogramType, NumericStatistics};
use crate::table::{Cell, Table};

/// Counts by linear interpolation, with what that leaves open.
pub fn table(now: &NumericStatistics, then: &NumericStatistics, fine: bool, scale: f64) -> Table {
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
        let total = |buckets: &[Bucket]| buckets.iter().map(|bucket| bucket.sample_count).sum::<f64>();
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
        let mut add = |buckets: &[Bucket], exact: bool| {
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
