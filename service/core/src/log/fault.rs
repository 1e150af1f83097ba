//! The line that says why a program failed.

use super::trace::{self, Trace, is_exception};
use super::{cut, lines};

/// Lines above the last one that are searched for an error which only farewells follow.
const NEAR: usize = 50;

/// Lines above an indented one that it may belong to.
const ITS_OWN: usize = 6;

/// What says nothing about the failure when it is written last.
const FAREWELLS: [&str; 25] = [
    "warning",
    "warn ",
    "warn:",
    "[warn",
    "[notice]",
    "note:",
    "hint:",
    "info:",
    "npm notice",
    "npm err! a complete log",
    "wandb:",
    "execution halted",
    "calls: ",
    "in addition: warning",
    "make: ***",
    "make[",
    "exit status ",
    "aborted (core dumped)",
    "compilation terminated",
    "node.js v",
    "extension modules:",
    "frame #",
    "@ ",
    "*** ",
    "the command '",
];

/// The line of a failed program's log that its user reads first: what an exception says, or else the last line that
/// is no warning, progress bar or farewell. At most one line of readable length, without control characters.
pub fn fault(text: &str) -> Option<String> {
    let lines = of_program(text);
    let last = last(&lines);
    let chosen = match (trace::last(&lines), last) {
        // A trace that was caught and logged is followed by records of a program that went on.
        (Some(trace), Some(last)) if !went_on(&lines, &trace, last) => trace.line,
        (_, Some(last)) => lines[last].trim().to_owned(),
        (Some(trace), None) => trace.line,
        (None, None) => lines.iter().rfind(|line| says(line))?.trim().to_owned(),
    };
    Some(cut(&chosen))
}

/// The line of an output that says what went wrong, if one does: of a tool whose last line mostly does not.
pub fn error(text: &str) -> Option<String> {
    let lines = of_program(text);
    let strong = || lines.iter().rfind(|line| is_error(line) && !is_farewell(line)).cloned();
    let line = trace::last(&lines).map(|trace| trace.line).or_else(strong)?;
    Some(cut(line.trim()))
}

fn says(line: &str) -> bool {
    line.chars().any(char::is_alphanumeric)
}

/// The number of the last line that tells something.
fn last(lines: &[String]) -> Option<usize> {
    let at = (0..lines.len()).rfind(|at| tells(lines, *at))?;
    let near = at.saturating_sub(NEAR)..at;
    // A record of a program that shuts down, or more about an error that stands above it.
    if matches!(level(&lines[at]), Some(Level::Lower)) {
        return near.rev().find(|at| is_error(&lines[*at])).or(Some(at));
    }
    if lines[at].starts_with(char::is_whitespace) {
        let heads = |at: &usize| is_error(&lines[*at]) && !lines[*at].starts_with(char::is_whitespace);
        return near.rev().take(ITS_OWN).find(heads).or(Some(at));
    }
    Some(at)
}

fn tells(lines: &[String], at: usize) -> bool {
    let line = &lines[at];
    // Python writes the line of code below its warning.
    let of_warning = line.starts_with(char::is_whitespace) && at > 0 && is_warning(&lines[at - 1]);
    says(line) && !is_farewell(line) && !is_warning(line) && !is_progress(line) && !of_warning
}

fn is_farewell(line: &str) -> bool {
    let lower = line.trim().to_ascii_lowercase();
    FAREWELLS.iter().any(|farewell| lower.starts_with(farewell))
}

/// `train.py:3: UserWarning: message`.
fn is_warning(line: &str) -> bool {
    let mut parts = line.split(": ");
    parts.any(|part| part.ends_with("Warning") && !part.contains(char::is_whitespace))
}

fn is_progress(line: &str) -> bool {
    let bar = ["%|", "it/s]", "s/it]", "━━", "[===", "█", " eta "];
    let share = line.trim().strip_suffix('%');
    let share = share.is_some_and(|share| share.trim().parse::<f64>().is_ok());
    (share || bar.iter().any(|part| line.contains(part))) && !is_error(line)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// `DEBUG`, `INFO`, `WARNING`.
    Lower,
    /// `ERROR` and above.
    Higher,
}

/// The level of a log record: its first word, or one of the first behind a time.
fn level(line: &str) -> Option<Level> {
    let words = line
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty());
    let dated = line.starts_with(|c: char| c.is_ascii_digit() || c == '[');
    words.take(if dated { 5 } else { 1 }).find_map(|word| match word {
        "TRACE" | "DEBUG" | "INFO" | "NOTICE" | "WARN" | "WARNING" => Some(Level::Lower),
        "ERROR" | "CRITICAL" | "FATAL" => Some(Level::Higher),
        _ => None,
    })
}

fn is_error(line: &str) -> bool {
    let line = line.trim();
    let lower = line.to_ascii_lowercase();
    let starts = ["error", "fatal", "critical", "panic:", "e: ", "npm err!", "php fatal"];
    starts.iter().any(|start| lower.starts_with(start))
        || lower.contains(" error: ")
        || lower.contains("fatal error")
        || level(line) == Some(Level::Higher)
        || is_exception(line)
}

/// Whether the program went on after a trace and failed of something else.
fn went_on(lines: &[String], trace: &Trace, last: usize) -> bool {
    last > trace.at
        && level(&lines[last]) != Some(Level::Lower)
        && lines[trace.at + 1..last]
            .iter()
            .any(|line| level(line) == Some(Level::Lower))
}

/// The lines without the exceptions that Python met while it cleaned up, which end no program; unless there is
/// nothing else.
fn of_program(text: &str) -> Vec<String> {
    let all = lines(text);
    let kept = without_ignored(all.clone());
    if kept.iter().any(|line| says(line)) { kept } else { all }
}

fn without_ignored(lines: Vec<String>) -> Vec<String> {
    let mut kept = Vec::with_capacity(lines.len());
    let mut lines = lines.into_iter().peekable();
    while let Some(line) = lines.next() {
        if !line.starts_with("Exception ignored ") {
            kept.push(line);
            continue;
        }
        if lines.next_if(|line| line.starts_with("Traceback (most")).is_some() {
            while lines.next_if(|line| line.starts_with(char::is_whitespace)).is_some() {}
        }
        lines.next_if(|line| is_exception(line));
    }
    kept
}
