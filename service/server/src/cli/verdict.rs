//! The gate's answer on a terminal: the table and the reasons.

use super::output::{Table, Tone, plain};
use trainyard_core::gate::{Blessing, GateReplay, Verdict};
use trainyard_core::report;

/// Reasons first, then candidate against baseline for each slice.
pub(super) fn render(verdict: &Verdict) -> String {
    let blessing = verdict.blessing().as_str();
    let mut text = format!("gate: {}\n", Tone::of(blessing).paint(&blessing.replace('_', " ")));
    if let Some(version) = verdict.unchanged() {
        text.push_str(&format!(
            "  the model is, byte for byte, what serves as version {}\n",
            plain(version)
        ));
    }
    for finding in verdict.failures() {
        text.push_str(&format!("  {} {}\n", Tone::Bad.paint("✗"), plain(&finding.sentence)));
    }
    if verdict.blessing() == Blessing::NotEvaluated && verdict.findings().is_empty() {
        text.push_str(&format!("  {} the gate has no thresholds\n", Tone::Faint.paint("–")));
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
    for row in verdict.comparisons() {
        let [candidate, baseline] = report::values(row);
        table.row(vec![
            row.slice_name(),
            row.metric.clone(),
            candidate,
            baseline,
            report::difference(row),
            row.threshold.clone(),
            report::mark(row).to_owned(),
        ]);
    }
    text.push_str(&table.render());
    text
}

/// What the gate that a pull request proposes would say; the comment has the table.
pub(super) fn proposed(replay: &GateReplay) -> String {
    let own = replay.own.as_str();
    let mut text = format!("proposed gate: {}\n", Tone::of(own).paint(&own.replace('_', " ")));
    if let Some(reason) = &replay.reason {
        text.push_str(&format!("  {} {}\n", Tone::of(own).paint("–"), plain(reason)));
    }
    text.push_str(&format!(
        "  {} of {} recorded verdicts would change\n",
        replay.changed.len(),
        replay.verdicts
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proposed_gate_on_a_terminal() {
        let replay = GateReplay {
            own: Blessing::NotBlessed,
            reason: Some("auc overall is 0.6500,\nbelow the lower bound 0.6900".to_owned()),
            verdicts: 12,
            gone: 0,
            changed: Vec::new(),
        };
        insta::assert_snapshot!(proposed(&replay), @"
        proposed gate: not blessed
          – auc overall is 0.6500, below the lower bound 0.6900
          0 of 12 recorded verdicts would change
        ");
    }
}
