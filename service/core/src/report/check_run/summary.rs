//! The summary of a check run, in Markdown.

use crate::problem::Problem;
use crate::report::comment::{foot, found, headline};
use crate::report::markdown::{MAX_CELL, escape};
use crate::report::{one_line, plan};
use crate::run::{ImageState, Run, RunState, StepState, sentence};
use std::fmt::Write as _;

/// A reason of more characters is cut.
const MAX_REASON: usize = 1_000;
/// More problems of a file than this are counted.
const MAX_PROBLEMS: usize = 50;
/// What the tables may take, so that all the rest finds its place.
const ROOM: usize = 50_000;

/// A run's, as far as it is.
pub(super) fn of_run(run: &Run, url: Option<&str>) -> String {
    let foot = foot(run, url.unwrap_or_default());
    match run.state {
        RunState::WaitingForApproval => {
            let awaited = run.awaits().map(|awaited| awaited.sentence(&run.request.id));
            let waits = escape(&one_line(&awaited.unwrap_or_default(), MAX_REASON));
            match run.verdict {
                Some(_) => found(run, format!("**{}**\n\n{waits}\n", headline(run)), &foot, ROOM),
                None => format!("{waits}\n\n{}\n{foot}", plan::outline(run)),
            }
        }
        RunState::Queued => {
            let begin = format!(
                "Waiting to run: {}.\n",
                escape(&one_line(&run.request.cause, MAX_REASON))
            );
            format!("{begin}\n{}\n{foot}", plan::outline(run))
        }
        RunState::Running => {
            let begin = format!("Running: {}.\n", escape(&one_line(&run.request.cause, MAX_REASON)));
            let plan = match &run.forecast {
                Some(forecast) => plan::section(run, forecast),
                None => plan::outline(run),
            };
            format!("{begin}\n{plan}\n{foot}")
        }
        RunState::Succeeded | RunState::Failed => {
            let head = format!("**{}**\n", headline(run));
            let end = format!("{}\n{foot}", steps(run));
            let head = match run
                .summary
                .as_deref()
                .filter(|_| run.verdict.is_some() && !run.is_rejected())
            {
                Some(summary) => format!("{head}\n{}\n", escape(&one_line(summary, MAX_REASON))),
                None => head,
            };
            found(run, head, &end, ROOM)
        }
        RunState::Cancelled => {
            let summary = escape(&one_line(run.summary.as_deref().unwrap_or_default(), MAX_REASON));
            format!("{summary}\n\n{}\n{foot}", steps(run))
        }
    }
}

/// Of a commit for which nothing runs.
pub(super) fn of_finding(why: &str, problems: &[Problem]) -> String {
    let mut text = format!("{}\n", escape(&one_line(why, MAX_REASON)));
    if problems.len() > 1 {
        text.push('\n');
        for problem in problems.iter().take(MAX_PROBLEMS) {
            let _ = writeln!(text, "- {}", escape(&one_line(&problem.to_string(), MAX_REASON)));
        }
        if problems.len() > MAX_PROBLEMS {
            let _ = writeln!(text, "- and {} more", problems.len() - MAX_PROBLEMS);
        }
    }
    text
}

/// What became of images and steps, and how long each took.
fn steps(run: &Run) -> String {
    let mut text = match took(run.started_at, run.ended_at) {
        Some(took) => format!("#### Steps\n\nAll of it took {took}.\n"),
        None => "#### Steps\n".to_owned(),
    };
    let cached = run
        .steps
        .values()
        .filter(|step| step.state == StepState::Cached)
        .count();
    if cached > 0 {
        let _ = writeln!(
            text,
            "\n{cached} of {} steps were cached: nothing that they depend on is different.",
            run.steps.len()
        );
    }
    text.push_str("\n| step | how it ended | took |\n|---|---|--:|\n");
    for (name, image) in &run.images {
        let how = match image {
            ImageState::Pending => "not built",
            ImageState::Built { reused: true, .. } => "there already",
            ImageState::Built { reused: false, .. } => "built",
            ImageState::Failed { .. } => "failed",
        };
        let _ = writeln!(text, "| image {} | {how} | |", escape(&one_line(name, MAX_CELL)));
    }
    for (name, step) in &run.steps {
        let ran = matches!(
            step.state,
            StepState::Succeeded { .. } | StepState::Failed { .. } | StepState::Cancelled { .. }
        );
        let took = took(step.started_at, step.ended_at).filter(|_| ran).unwrap_or_default();
        let how = match &step.state {
            StepState::Succeeded { attempt } | StepState::Failed { attempt, .. } if *attempt > 1 => {
                format!("{} in attempt {attempt}", step.state.as_str())
            }
            state => state.as_str().to_owned(),
        };
        let _ = writeln!(
            text,
            "| {} | {how} | {took} |",
            escape(&one_line(name.as_str(), MAX_CELL))
        );
    }
    text
}

fn took(from: Option<crate::ids::Micros>, to: Option<crate::ids::Micros>) -> Option<String> {
    let micros = u64::try_from(to?.0.saturating_sub(from?.0)).ok()?;
    Some(sentence::duration(micros.div_ceil(1_000_000)))
}
