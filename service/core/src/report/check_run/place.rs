//! Annotations: the line of the pipeline file, Dockerfile or file of the repository that an error is about.

use super::{Annotation, MOST_IN_ALL};
use crate::log::masked;
use crate::plan::{ImageSource, InputSource, PlannedStep};
use crate::problem::Problem;
use crate::report::one_line;
use crate::run::{ImageState, Run, RunState, StepRecord, StepState};
use std::fmt::Write as _;

/// GitHub's limit of a title, in characters.
const MAX_TITLE: usize = 255;
/// A message of more characters is cut; GitHub takes 64 KB.
const MAX_MESSAGE: usize = 4_000;

/// What is wrong with the pipeline file, or with others that it names.
pub(super) fn of_problems(problems: &[Problem]) -> Vec<Annotation> {
    let annotation = |problem: &Problem| {
        let mut message = problem.message.clone();
        if let Some(hint) = &problem.hint {
            let _ = write!(message, ": {hint}");
        }
        let file = problem.file.rsplit('/').next().unwrap_or_default();
        Annotation {
            path: problem.file.clone(),
            line: problem.line.unwrap_or(1).max(1),
            column: problem.column,
            title: one_line(&format!("{file} is not right"), MAX_TITLE),
            message: one_line(&message, MAX_MESSAGE),
        }
    };
    problems.iter().take(MOST_IN_ALL).map(annotation).collect()
}

/// What failed in a run: images at their Dockerfiles, steps at the files that they complain of, else where the
/// pipeline file has them.
pub(super) fn of_run(run: &Run) -> Vec<Annotation> {
    if run.state != RunState::Failed {
        return Vec::new();
    }
    let images = run.images.iter().filter_map(|(name, image)| match image {
        ImageState::Failed { reason, line, .. } => Some(of_image(run, name, reason, *line)),
        _ => None,
    });
    let steps = run.steps.iter().filter_map(|(name, record)| match &record.state {
        StepState::Failed { reason, .. } => {
            let planned = run.request.plan.steps.get(name)?;
            (!built_in_vain(run, planned)).then(|| of_step(run, name.as_str(), planned, record, reason))
        }
        _ => None,
    });
    let mut all: Vec<Annotation> = images.chain(steps).take(MOST_IN_ALL).collect();
    if all.is_empty() {
        let why = run.summary.as_deref().unwrap_or_default();
        let key = match &run.verdict {
            Some(_) => "push",
            None => "gate",
        };
        all.push(in_file(run, key, "The run failed", why));
    }
    all
}

/// Whether what failed the step is its image, which is told at its Dockerfile.
fn built_in_vain(run: &Run, planned: &PlannedStep) -> bool {
    let ImageSource::Build(image) = &planned.image else {
        return false;
    };
    matches!(run.images.get(image), Some(ImageState::Failed { .. }))
}

fn of_image(run: &Run, name: &str, reason: &str, line: Option<u32>) -> Annotation {
    let title = format!("The image '{name}' cannot be built");
    match run.request.plan.images.get(name) {
        Some(build) => {
            let file = build.dockerfile.rsplit('/').next().unwrap_or_default();
            // What an engine cannot even read it names in words.
            let line = line.or_else(|| line_in(reason, file));
            at(&build.dockerfile, line.unwrap_or(1), &title, reason)
        }
        None => in_file(run, "steps", &title, reason),
    }
}

fn of_step(run: &Run, name: &str, planned: &PlannedStep, record: &StepRecord, reason: &str) -> Annotation {
    let title = format!("Step '{name}' failed");
    let said: Vec<&str> = record.last_lines.iter().map(String::as_str).chain([reason]).collect();
    let read = planned.inputs.values().filter_map(|input| match input {
        InputSource::File { path, .. } => Some(path.as_str()),
        InputSource::Output { .. } | InputSource::Baseline => None,
    });
    for path in read {
        let file = path.rsplit('/').next().unwrap_or(path);
        // The program sees it under another folder.
        if let Some(words) = said.iter().rev().find(|words| words.contains(file)) {
            return at(path, line_in(words, file).unwrap_or(1), &title, reason);
        }
    }
    in_file(run, &format!("steps.{name}"), &title, reason)
}

/// The line that a program names of a file: `schema.json:12:5` or `schema.json … line 12`.
fn line_in(words: &str, file: &str) -> Option<u32> {
    let (_, after) = words.split_once(file)?;
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok().filter(|line| *line > 0)
    };
    let beside = after.strip_prefix(':').and_then(number);
    beside.or_else(|| words.split_once(" line ").and_then(|(_, after)| number(after)))
}

/// At a key of the pipeline file, or at its beginning.
fn in_file(run: &Run, key: &str, title: &str, message: &str) -> Annotation {
    let lines = run.forecast.as_ref().map(|forecast| &forecast.lines);
    let line = lines.and_then(|lines| lines.get(key)).copied();
    let path = format!("{}/pipeline.yaml", run.request.folder.trim_end_matches('/'));
    at(&path, line.unwrap_or(1), title, message)
}

fn at(path: &str, line: u32, title: &str, message: &str) -> Annotation {
    Annotation {
        path: path.trim_start_matches("./").to_owned(),
        line: line.max(1),
        column: None,
        title: one_line(title, MAX_TITLE),
        message: one_line(&masked(message), MAX_MESSAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_names_the_line_of_a_file_in_many_ways() {
        for (words, line) in [
            ("/in/schema/schema.json:12:5: expected a comma", Some(12)),
            ("Error: schema.json: expected `,` or `}` at line 7 column 3", Some(7)),
            (
                "expected value at line 3 column 1: cannot understand /in/schema.json",
                Some(3),
            ),
            ("p/schema.json cannot be built: its line 3 has a WORKDIR", Some(3)),
            ("schema.json is empty", None),
            ("schema.json:x", None),
            ("other.json:4", None),
            ("schema.json: EOF while parsing a value at line 0 column 0", None),
        ] {
            assert_eq!(line_in(words, "schema.json"), line, "{words}");
        }
    }
}
