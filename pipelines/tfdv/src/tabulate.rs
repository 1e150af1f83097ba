//! The [`Table`] of two columns: which cells their values are counted in, and how many are in each.
//!
//! Categories are cells as they are. Numbers of which statistics-gen counted the same [`cells`](crate::cells) are as
//! exact. Those that others measured come as two histograms with boundaries of their own; both are read as cumulative
//! distributions and counted anew between the union of the boundaries, as TFDV does. What the histograms leave open by
//! that is estimated per cell, so that coarse buckets do not look like drift.

use std::collections::BTreeMap;

use crate::statistics::{NumericStatistics, StringStatistics};
use crate::table::{Cell, Cut, Table};
use crate::{FeatureNameStatistics, cells, cumulative};

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
    let mut table = cells::table(current, control, cut, scale)
        .unwrap_or_else(|| cumulative::table(now, then, cut == Cut::Every, scale));
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
