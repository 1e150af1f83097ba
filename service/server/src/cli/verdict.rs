//! The gate's answer on a terminal: the table and the reasons.

use super::output::{Table, Tone, plain};
use trainyard_core::gate::Verdict;
use trainyard_core::report;

/// Reasons first, then candidate against baseline for each slice.
pub(super) fn render(verdict: &Verdict) -> String {
    let blessing = verdict.blessing().as_str();
    let mut text = format!("gate: {}\n", Tone::of(blessing).paint(&blessing.replace('_', " ")));
    for finding in verdict.failures() {
        text.push_str(&format!("  {} {}\n", Tone::Bad.paint("✗"), plain(&finding.sentence)));
    }
    for finding in verdict.unjudged() {
        text.push_str(&format!("  {} {}\n", Tone::Faint.paint("–"), plain(&finding.sentence)));
    }
    if verdict.rubber_stamp() {
        text.push_str("  there is no model to compare with yet, so that changes were not judged\n");
    }
    if verdict.comparisons().is_empty() {
        return text;
    }
    let difference = report::difference_heading(verdict).to_uppercase();
    let mut table = Table::new(&["SLICE", "METRIC", "CANDIDATE", "BASELINE", &difference, "THRESHOLD", ""]);
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    for row in verdict.comparisons() {
        table.row(vec![
            row.slice_name(),
            row.metric.clone(),
            number(row.candidate),
            number(row.baseline),
            report::difference(row),
            row.threshold.clone(),
            report::mark(row).to_owned(),
        ]);
    }
    text.push_str(&table.render());
    text
}
