//! The pull request comment. Everything a user, a component or data could have named is escaped.

use super::logs;
use super::markdown::{MAX_CELL, escape};
use super::{blessing, difference, difference_heading, mark, one_line, plan, proposed_gate, unjudged, values};
use crate::gate::{Blessing, Comparison, Verdict};
use crate::plan::Baseline;
use crate::run::sentence::fork_rejected;
use crate::run::{Run, RunState, Withheld};
use std::fmt::Write;

/// GitHub's limit; it says characters, and so many bytes are no more of them.
const MAX_COMMENT: usize = 65_535;

/// More reasons than this are counted instead of shown.
const MAX_REASONS: usize = 20;

/// In a table of more rows the overall ones and the failures come first.
const ROWS_IN_ORDER: usize = 100;

/// What people should know before they approve.
const FORK: &str = "The pipeline, its gate and its limits are the base branch's. What runs of the fork has no network and no secrets, pushes nothing, and leaves nothing that other runs read; read its changes all the same. A new push, another base or closing the pull request voids the approval.";

/// The hidden first line by which the comment is found again.
pub fn marker(pipeline: &str) -> String {
    format!("<!-- trainyard:{pipeline} -->")
}

/// The pull request comment, at most 65,535 bytes; `None` unless the run is of a pull request
/// and came to an end of its own, waits for a person, or has just begun: then it is the plan. A run that is cancelled
/// before says so in its check alone: the newer run that mostly cancelled it has the comment.
pub fn comment(run: &Run, details_url: &str) -> Option<String> {
    run.request.pull_request?;
    let pipeline = &run.request.plan.pipeline;
    let title = |words: &str| format!("{}\n### {}: {words}\n", marker(pipeline), escape(pipeline));
    // The waiting that was announced is over.
    if let Some(word) = &run.rejected {
        let why = escape(&one_line(&fork_rejected(word), MAX_CELL * 2));
        return Some(format!("{}\n{why}\n\n{}", title("rejected"), foot(run, details_url)));
    }
    match run.state {
        RunState::Succeeded | RunState::Failed => {
            let foot = foot(run, details_url);
            Some(found(run, title(headline(run)), &foot, MAX_COMMENT))
        }
        RunState::Running => {
            let forecast = run.forecast.as_ref()?;
            let plan = plan::section(run, forecast);
            Some(format!("{}\n{plan}\n{}", title("running"), foot(run, details_url)))
        }
        // The plan is no longer what is to come.
        RunState::Cancelled => {
            run.forecast.as_ref()?;
            let why = escape(&one_line(run.summary.as_deref().unwrap_or_default(), MAX_CELL));
            Some(format!("{}\n{why}\n\n{}", title("cancelled"), foot(run, details_url)))
        }
        RunState::WaitingForApproval => {
            let awaited = run.awaits()?;
            let waits = escape(&one_line(&awaited.sentence(&run.request.id), MAX_CELL * 2));
            let foot = foot(run, details_url);
            Some(format!("{}\n{waits}\n\n{FORK}\n\n{foot}", title("waits for approval")))
        }
        RunState::Queued => None,
    }
}

/// What a run that is over found, between `head` and `foot`, in at most so many characters.
pub(super) fn found(run: &Run, mut head: String, foot: &str, most: usize) -> String {
    if let Some(reasons) = reasons(run) {
        let _ = write!(head, "\n{reasons}");
    }
    if let Some(logs) = logs::section(run) {
        let _ = write!(head, "\n{logs}");
    }
    let foot = match proposed_gate::section(run) {
        Some(section) => format!("{section}\n{foot}"),
        None => foot.to_owned(),
    };
    let Some(verdict) = run.verdict.as_ref().filter(|verdict| !verdict.comparisons().is_empty()) else {
        return format!("{head}\n{foot}");
    };
    let room = most.saturating_sub(head.len() + foot.len() + 2);
    format!("{head}\n{}\n{foot}", table(run, verdict, room))
}

pub(super) fn headline(run: &Run) -> &'static str {
    match (run.state, blessing(run)) {
        (RunState::Failed, _) => "the run failed",
        (_, Some(Blessing::Blessed)) => "✓ approved",
        (_, Some(Blessing::NotBlessed)) => "✗ not approved",
        (_, Some(Blessing::NotEvaluated)) => "not judged",
        (_, Some(Blessing::Unchanged)) => "✓ unchanged",
        (_, None) if unjudged(run) => "✗ not judged",
        (_, None) => "all steps finished; the pipeline has no gate",
    }
}

fn reasons(run: &Run) -> Option<String> {
    if run.state == RunState::Failed || unjudged(run) {
        return run
            .summary
            .as_deref()
            .map(|summary| format!("{}\n", escape(&one_line(summary, MAX_CELL * 2))));
    }
    let verdict = run.verdict.as_ref()?;
    let mut text = String::new();
    if let Some(version) = verdict.unchanged() {
        let version = version.to_owned();
        let _ = writeln!(
            text,
            "- {}",
            escape(&one_line(&Withheld::Unchanged { version }.sentence(), MAX_CELL))
        );
    }
    let failures: Vec<_> = verdict.failures().collect();
    for failure in failures.iter().take(MAX_REASONS) {
        let _ = writeln!(text, "- {}", escape(&one_line(&failure.sentence, MAX_CELL)));
    }
    if failures.len() > MAX_REASONS {
        let _ = writeln!(text, "- and {} more", failures.len() - MAX_REASONS);
    }
    for left in verdict.unjudged().take(MAX_REASONS) {
        let _ = writeln!(text, "- {}", escape(&one_line(&left.sentence, MAX_CELL)));
    }
    if verdict.blessing() == Blessing::NotEvaluated && verdict.reason().is_none() {
        text.push_str("The gate has no thresholds.\n");
    }
    if verdict.rubber_stamp() {
        text.push_str("There is no model to compare with yet, so that changes were not judged.\n");
    }
    (!text.is_empty()).then_some(text)
}

fn table(run: &Run, verdict: &Verdict, room: usize) -> String {
    let gate = run.request.plan.gate.as_ref();
    let other = gate.map_or_else(|| Baseline::Serving.heading(), |gate| gate.gate.baseline.heading());
    let mut table = format!(
        "| slice | metric | candidate | {other} | {} | threshold | |\n|---|---|--:|--:|--:|---|:-:|\n",
        difference_heading(verdict)
    );
    let mut comparisons: Vec<&Comparison> = verdict.comparisons().iter().collect();
    // What decided comes first where not all of it may fit.
    if comparisons.len() > ROWS_IN_ORDER {
        comparisons.sort_by_key(|row| !(row.is_overall() || row.passed == Some(false)));
    }
    let left_out = |count: usize| format!("\n{count} more rows are left out here: the details have them.\n");
    let mut used = table.len() + left_out(comparisons.len()).len();
    for (index, comparison) in comparisons.iter().enumerate() {
        let text = row(comparison);
        used += text.len();
        if used > room {
            table.push_str(&left_out(comparisons.len() - index));
            break;
        }
        table.push_str(&text);
    }
    table
}

fn row(comparison: &Comparison) -> String {
    let cell = |text: &str| escape(&one_line(text, MAX_CELL));
    let [candidate, baseline] = values(comparison);
    format!(
        "| {} | {} | {} | {} | {} | {} | {} |\n",
        cell(&comparison.slice_name()),
        cell(&comparison.metric),
        candidate,
        baseline,
        difference(comparison),
        cell(&comparison.threshold),
        mark(comparison),
    )
}

pub(super) fn foot(run: &Run, details_url: &str) -> String {
    let commit = run.request.commit.as_ref().map(|commit| {
        format!(
            "commit {}",
            escape(&commit.as_str().chars().take(10).collect::<String>())
        )
    });
    // A URL of ours; what could end the link is still encoded.
    let url: String = details_url
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .collect();
    let url = url
        .replace('(', "%28")
        .replace(')', "%29")
        .replace('<', "%3C")
        .replace('>', "%3E");
    let details = (!url.is_empty()).then(|| format!("[details]({url})"));
    let parts: Vec<String> = commit.into_iter().chain(details).collect();
    format!("{}\n", parts.join(" · "))
}
