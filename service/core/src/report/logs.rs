//! The end of what failed programs wrote, as a part of the pull request comment.

use super::markdown::escape;
use crate::log::masked;
use crate::run::{ImageState, Run, RunState, StepState};

/// Logs shown; steps that fail together mostly say the same.
const MOST: usize = 3;

/// The last lines of the images and steps that failed, secrets hidden; `None` if there is nothing to show.
pub(super) fn section(run: &Run) -> Option<String> {
    if run.state != RunState::Failed {
        return None;
    }
    let images = run.images.iter().filter_map(|(name, image)| match image {
        ImageState::Failed { last_lines, .. } => Some((format!("the build of image '{name}'"), last_lines)),
        _ => None,
    });
    let steps = run.steps.iter().filter_map(|(name, step)| match step.state {
        StepState::Failed { .. } => Some((format!("step '{name}'"), &step.last_lines)),
        _ => None,
    });
    let shown = images.chain(steps).filter(|(_, lines)| !lines.is_empty()).take(MOST);
    let blocks: Vec<String> = shown
        .map(|(what, lines)| format!("The end of what {} wrote:\n\n{}", escape(&what), fenced(lines)))
        .collect();
    (!blocks.is_empty()).then(|| blocks.join("\n"))
}

/// Lines in a code block that none of them can end: its fence is longer than any run of backticks in them.
fn fenced(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| one(&masked(line))).collect();
    let longest = lines
        .iter()
        .flat_map(|line| line.split(|c| c != '`'))
        .map(str::len)
        .max();
    let fence = "`".repeat(longest.unwrap_or_default().max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", lines.join("\n"))
}

/// Whatever was stored: no line break of any kind.
fn one(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
