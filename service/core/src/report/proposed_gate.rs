//! What the comment says of a pull request that changes the gate.

use super::markdown::{MAX_CELL, escape};
use super::one_line;
use crate::gate::{Blessing, GateReplay, Replayed};
use crate::ids::Micros;
use crate::run::Run;
use std::fmt::Write;

/// More changed verdicts than this are counted instead of shown.
const MAX_ROWS: usize = 20;

/// The bar that counted, the one proposed, and whom of the past it would judge differently; `None` for
/// a pull request that leaves the gate alone.
pub(super) fn section(run: &Run) -> Option<String> {
    let (replay, gate) = (run.gate_replay.as_ref()?, run.request.plan.gate.as_ref()?);
    let mut text = format!(
        "#### This change proposes another gate\n\nThe verdict above is by the gate of the base branch. By the proposed one this model would be {}{}.\n",
        words(replay.own),
        replay.reason.as_deref().map(because).unwrap_or_default(),
    );
    if let Some(proposed) = &gate.proposed_gate
        && proposed.baseline != gate.gate.baseline
    {
        let _ = writeln!(
            text,
            "It compares with {}; recorded evaluations keep the model that they were compared with.",
            escape(&one_line(&proposed.baseline.heading(), MAX_CELL))
        );
    }
    text.push_str(&format!("\n{}\n", of_the_past(replay)));
    if !replay.changed.is_empty() {
        text.push_str("\n| run | when (UTC) | then | now | |\n|---|---|---|---|---|\n");
        replay
            .changed
            .iter()
            .take(MAX_ROWS)
            .for_each(|run| text.push_str(&row(run)));
    }
    if replay.changed.len() > MAX_ROWS {
        let _ = writeln!(
            text,
            "\n{} older ones are left out here.",
            replay.changed.len() - MAX_ROWS
        );
    }
    Some(text)
}

fn of_the_past(replay: &GateReplay) -> String {
    let changed = replay.changed.len();
    let past = match (changed, replay.verdicts) {
        (_, 0) => "There is no recorded verdict to try it on.".to_owned(),
        (0, 1) => "The one recorded verdict would not change.".to_owned(),
        (_, 1) => "The one recorded verdict would change.".to_owned(),
        (0, all) => format!("Of the newest {all} recorded verdicts none would change."),
        (changed, all) => format!("Of the newest {all} recorded verdicts {changed} would change."),
    };
    match replay.gone {
        0 => past,
        1 => format!("{past} One more cannot be judged anew, because its evaluation is gone."),
        gone => format!("{past} {gone} more cannot be judged anew, because their evaluations are gone."),
    }
}

fn row(run: &Replayed) -> String {
    let now = run.now.map(words).unwrap_or_default();
    format!(
        "| {} | {} | {} | {now} | {} |\n",
        escape(&run.run.as_str().chars().take(13).collect::<String>()),
        when(run.created_at),
        words(run.then),
        escape(&one_line(run.reason.as_deref().unwrap_or_default(), MAX_CELL)),
    )
}

fn because(reason: &str) -> String {
    format!(": {}", escape(&one_line(reason, MAX_CELL)))
}

fn words(blessing: Blessing) -> &'static str {
    match blessing {
        Blessing::Blessed => "✓ approved",
        Blessing::NotBlessed => "✗ not approved",
        Blessing::NotEvaluated => "not judged",
        Blessing::Unchanged => "unchanged",
    }
}

fn when(at: Micros) -> String {
    chrono::DateTime::from_timestamp_micros(at.0)
        .map(|time| time.format("%Y-%m-%d %H:%M").to_string())
        .unwrap_or_default()
}
