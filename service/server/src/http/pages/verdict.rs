//! What the gate said, as a table with a forest plot: each difference with its interval, against no difference.

use std::fmt::Write as _;
use trainyard_core::gate::{Comparison, Verdict};
use trainyard_core::report::{difference, difference_heading, mark, values};

/// A row of the table.
pub(super) struct Row {
    pub(super) slice: String,
    pub(super) metric: String,
    pub(super) rows: u64,
    pub(super) candidate: String,
    pub(super) baseline: String,
    pub(super) difference: String,
    pub(super) threshold: String,
    pub(super) mark: &'static str,
    /// `passed`, `failed` or `unjudged`: also the class of its colour.
    pub(super) state: &'static str,
    /// The drawing of its interval; empty without one.
    pub(super) forest: String,
}

/// The verdict of a run.
pub(super) struct Shown {
    pub(super) blessing: &'static str,
    pub(super) heading: String,
    /// Why not, or what else is to be said.
    pub(super) findings: Vec<String>,
    pub(super) rows: Vec<Row>,
}

impl Shown {
    pub(super) fn of(verdict: &Verdict) -> Self {
        let scale = Scale::of(verdict.comparisons());
        let row = |row: &Comparison| {
            let [candidate, baseline] = values(row);
            Row {
                slice: row.slice_name(),
                metric: row.metric.clone(),
                rows: row.num_examples,
                candidate,
                baseline,
                difference: difference(row),
                threshold: row.threshold.clone(),
                mark: mark(row),
                state: match row.passed {
                    Some(true) => "passed",
                    Some(false) => "failed",
                    None => "unjudged",
                },
                forest: scale.draw(row),
            }
        };
        let findings = verdict.failures().chain(verdict.unjudged());
        Self {
            blessing: verdict.blessing().as_str(),
            heading: difference_heading(verdict),
            findings: findings.map(|finding| finding.sentence.clone()).collect(),
            rows: verdict.comparisons().iter().map(row).collect(),
        }
    }
}

/// The widest interval, on both sides of no difference.
struct Scale(f64);

const WIDTH: f64 = 160.0;
const MIDDLE: f64 = 10.0;

impl Scale {
    fn of(rows: &[Comparison]) -> Self {
        let ends = rows.iter().filter_map(|row| row.interval).flatten();
        Self(ends.map(f64::abs).filter(|end| end.is_finite()).fold(0.0, f64::max))
    }

    fn draw(&self, row: &Comparison) -> String {
        let (Some([lower, upper]), Some(value)) = (row.interval, row.difference) else {
            return String::new();
        };
        if self.0 <= 0.0 || ![lower, upper, value].iter().all(|end| end.is_finite()) {
            return String::new();
        }
        let x = |at: f64| (at / self.0 + 1.0) / 2.0 * (WIDTH - 8.0) + 4.0;
        let mut svg = format!(
            "<svg class=\"forest\" viewBox=\"0 0 {WIDTH} 20\" width=\"{WIDTH}\" height=\"20\" role=\"img\" \
             aria-label=\"from {lower:.4} to {upper:.4}\">"
        );
        let _ = write!(
            svg,
            "<path class=\"zero\" d=\"M{0:.1} 0V20\"/><path class=\"interval\" d=\"M{1:.1} {MIDDLE}H{2:.1}\"/>\
             <circle class=\"value\" cx=\"{3:.1}\" cy=\"{MIDDLE}\" r=\"3.5\"/></svg>",
            x(0.0),
            x(lower),
            x(upper),
            x(value)
        );
        svg
    }
}
