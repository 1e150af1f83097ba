//! The plan of a run, as a part of check runs and comments: what runs, what is cached and why, and how long it takes.

use super::markdown::{MAX_CELL, escape};
use super::one_line;
use crate::plan::{ImageSource, Plan};
use crate::run::Run;
use crate::run::forecast::{Estimate, Expected, Forecast};
use crate::run::sentence;
use serde::Serialize;
use std::fmt::Write as _;

/// Of more steps only these are shown.
const MAX_ROWS: usize = 100;

/// What a run is made of, before anything was looked up.
pub(super) fn outline(run: &Run) -> String {
    let names = run.request.plan.steps.keys();
    let names: Vec<String> = names.take(MAX_ROWS).map(|name| escape(name.as_str())).collect();
    let more = run.request.plan.steps.len() - names.len();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let steps = if run.request.plan.steps.len() == 1 {
        "step"
    } else {
        "steps"
    };
    format!(
        "{} {steps}: {}{more}. What of it is cached, and how long it takes, is looked up when the run starts.\n",
        run.request.plan.steps.len(),
        names.join(", ")
    )
}

/// The plan: its first sentence and a table of steps.
pub(super) fn section(run: &Run, forecast: &Forecast) -> String {
    let mut text = format!("{}\n", plan_sentence(forecast));
    if let Some(sentence) = images_sentence(unbuilt(forecast).map(escape)) {
        let _ = writeln!(text, "\n{sentence}");
    }
    text.push_str("\n| step | expected | why | usually |\n|---|---|---|--:|\n");
    for row in plan_rows(&run.request.plan, forecast).take(MAX_ROWS) {
        let usually = row.usually.map_or("–".to_owned(), sentence::duration);
        let why = escape(&one_line(&row.why, MAX_CELL));
        let _ = writeln!(text, "| {} | {} | {why} | {usually} |", escape(&row.step), row.expected);
    }
    if forecast.steps.len() > MAX_ROWS {
        let _ = writeln!(
            text,
            "\n{} more steps are left out here.",
            forecast.steps.len() - MAX_ROWS
        );
    }
    text
}

/// Images that are built first.
pub fn unbuilt(forecast: &Forecast) -> impl Iterator<Item = &str> {
    let images = forecast.images.iter();
    images.filter(|(_, there)| !**there).map(|(name, _)| name.as_str())
}

/// What is built first; none where nothing is.
pub fn images_sentence(unbuilt: impl Iterator<Item = String>) -> Option<String> {
    let names: Vec<String> = unbuilt.collect();
    let are = match names.as_slice() {
        [] => return None,
        [_] => "an image is",
        _ => "images are",
    };
    let names = names.join(", ");
    Some(format!("Before that {are} built, which is not in this time: {names}."))
}

/// `3 of 5 steps run, 1 is cached and of 1 nobody knows yet: about 12 minutes.`
pub fn plan_sentence(forecast: &Forecast) -> String {
    let (all, runs, cached) = (forecast.steps.len(), forecast.certain(), forecast.cached());
    let open = all - runs - cached;
    let is = |count: usize| if count == 1 { "is" } else { "are" };
    let mut parts = Vec::new();
    if runs > 0 {
        parts.push(format!(
            "{runs} of {all} steps {}",
            if runs == 1 { "runs" } else { "run" }
        ));
    }
    if cached > 0 {
        let of = if runs > 0 {
            String::new()
        } else {
            format!(" of {all} steps")
        };
        parts.push(format!("{cached}{of} {} cached", is(cached)));
    }
    if open > 0 {
        parts.push(match runs + cached {
            0 => format!(
                "{all} {}, what of it is cached is not known yet",
                if all == 1 { "step" } else { "steps" }
            ),
            _ => format!("of {open} it is not known yet"),
        });
    }
    format!("{}: {}.", parts.join(", "), how_long(forecast))
}

fn how_long(forecast: &Forecast) -> String {
    let Estimate { seconds, steps } = &forecast.estimate;
    let may_run = forecast.steps.len() - forecast.cached();
    let Some(seconds) = seconds else {
        return "how long that takes is not known, since nothing like it has run yet".to_owned();
    };
    let at_most = if forecast.certain() < may_run && *seconds >= 60 {
        "at most "
    } else {
        ""
    };
    let without = may_run - steps.len();
    let beside = match without {
        0 => String::new(),
        1 => ", and one step that has not run before".to_owned(),
        many => format!(", and {many} steps that have not run before"),
    };
    format!("{at_most}{}{beside}", about(*seconds))
}

/// Minutes as people say them.
fn about(seconds: u64) -> String {
    match seconds.div_ceil(60) {
        0 | 1 if seconds < 60 => "less than a minute".to_owned(),
        1 => "about 1 minute".to_owned(),
        minutes @ ..120 => format!("about {minutes} minutes"),
        minutes => format!("about {} h {} min", minutes / 60, minutes % 60),
    }
}

/// What is expected of a step, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanRow {
    /// Its name.
    pub step: String,
    /// `cached`, `runs` or `not known yet`.
    pub expected: &'static str,
    /// Why.
    pub why: String,
    /// How long it usually takes, in seconds.
    pub usually: Option<u64>,
}

/// What is expected of each step, in the plan's order.
pub fn plan_rows(plan: &Plan, forecast: &Forecast) -> impl Iterator<Item = PlanRow> {
    forecast.steps.iter().map(|(name, expected)| {
        let (word, why) = match expected {
            Expected::Cached { run } => (
                "cached",
                format!("nothing it depends on is different since run {}", short(run.as_str())),
            ),
            Expected::Runs { because } => ("runs", because.sentence()),
            Expected::Open { until } => ("not known yet", until.sentence()),
        };
        let image = plan.steps.get(name).map(|step| &step.image);
        let waits = matches!(image, Some(ImageSource::Build(image)) if forecast.images.get(image) == Some(&false));
        PlanRow {
            step: name.to_string(),
            expected: word,
            why: match (waits, expected) {
                (true, Expected::Runs { .. }) => format!("{why}; its image is built first"),
                _ => why,
            },
            usually: forecast.estimate.steps.get(name).copied(),
        }
    })
}

fn short(run: &str) -> String {
    run.chars().take(13).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_said_as_people_do() {
        let said: Vec<String> = [0, 59, 60, 61, 720, 7140, 7200, 90_000].map(about).into();
        insta::assert_snapshot!(said.join("\n"), @"
        less than a minute
        less than a minute
        about 1 minute
        about 2 minutes
        about 12 minutes
        about 119 minutes
        about 2 h 0 min
        about 25 h 0 min
        ");
    }
}
