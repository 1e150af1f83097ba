//! What a shape cannot tell, section by section: everything but the gate and the steps' graph.

use super::Pipeline;
use super::source_map::Problems;
use crate::plan::{DataTrigger, InfraValidation, Push, SpanName, Triggers, Window};
use crate::quantity;
use crate::span::SpanPattern;
use crate::suggest;

/// Checks the sections that need no graph; what they hold as text is read on the way.
pub(super) fn sections(pipeline: &Pipeline, problems: &mut Problems) -> (Triggers, Option<Push>) {
    name(&["name"], "pipeline", &pipeline.name, problems);
    parameters(pipeline, problems);
    let triggers = triggers(pipeline, problems);
    if pipeline.concurrency.max_active_runs == 0 {
        problems.add(
            &["concurrency", "max_active_runs"],
            "max_active_runs is 0, so that no run could ever start: it must be at least 1",
        );
    }
    for (source, data) in &pipeline.data {
        name(&["data", source], "data source", source, problems);
        match SpanPattern::parse(&data.uri) {
            Ok(_) if !problems.is_read(&["data", source, "uri"]) => {}
            Ok(pattern) => window(&["data", source, "window"], data.window.as_ref(), &pattern, problems),
            Err(why) => problems.add(&["data", source, "uri"], why.to_string()),
        }
    }
    (triggers, push(pipeline, problems))
}

fn push(pipeline: &Pipeline, problems: &mut Problems) -> Option<Push> {
    let push = pipeline.push.as_ref()?;
    name(&["push", "target"], "push target", &push.target, problems);
    let latency = push.max_latency.as_deref().map(quantity::micros);
    let max_latency_micros = latency.map(|read| problems.read(&["push", "max_latency"], read));
    if max_latency_micros.is_some() && push.infra_validation == InfraValidation::LoadOnly {
        problems.add(
            &["push", "max_latency"],
            "max_latency needs queries: set infra_validation to LOAD_AND_QUERY, or leave max_latency out",
        );
    }
    let expires = push.approval_expires.as_deref().map(quantity::seconds);
    let approval_seconds = expires.map(|read| problems.read(&["push", "approval_expires"], read));
    if approval_seconds == Some(0) && problems.is_read(&["push", "approval_expires"]) {
        problems.add(
            &["push", "approval_expires"],
            "approval_expires is 0, so that nobody could ever approve: write for example 36h or 7d",
        );
    }
    if pipeline.gate.is_none() && problems.is_read(&["gate"]) {
        problems.add_with_hint(
            &["push"],
            "a push needs a gate, because only an approved model is pushed",
            "add a gate section with thresholds",
        );
    }
    Some(Push {
        target: push.target.clone(),
        infra_validation: push.infra_validation,
        max_latency_micros,
        allow_older_data: push.allow_older_data,
        approval: push.approval.unwrap_or_default(),
        approval_seconds,
    })
}

/// Names become folders, container names and status contexts.
pub(super) fn name(path: &[&str], what: &str, text: &str, problems: &mut Problems) {
    let mut letters = text.chars();
    let fine = letters.next().is_some_and(|c| c.is_ascii_lowercase())
        && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
        && text.len() <= 63;
    if !fine {
        let message = format!("'{text}' cannot be the name of a {what}");
        problems.add_with_hint(
            path,
            message,
            "names are a-z, 0-9, - and _, begin with a letter and have at most 63 characters",
        );
    }
}

fn parameters(pipeline: &Pipeline, problems: &mut Problems) {
    for parameter in pipeline.parameters.keys() {
        let fine = !parameter.is_empty()
            && parameter
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !fine {
            let message = format!("'{parameter}' cannot be the name of a parameter");
            problems.add_with_hint(
                &["parameters", parameter],
                message,
                "names are letters, digits, - and _",
            );
        }
    }
}

fn triggers(pipeline: &Pipeline, problems: &mut Problems) -> Triggers {
    let on = &pipeline.on;
    for (key, filters) in glob_filters(on) {
        for (filter, globs) in filters {
            let Some(globs) = globs else { continue };
            if globs.is_empty() && problems.is_read(&["on", key, filter]) {
                let message = format!("{filter} is an empty list, which lets nothing through");
                problems.add_with_hint(&["on", key, filter], message, "leave it out to let everything through");
            }
            for (index, glob) in globs.iter().enumerate() {
                if glob.trim_start_matches('!').is_empty() {
                    problems.add(
                        &["on", key, filter, &index.to_string()],
                        "an empty glob matches nothing",
                    );
                }
            }
        }
    }
    let data = on.data.as_ref().map(|data| {
        known_source(&["on", "data", "source"], &data.source, pipeline, problems);
        let quiet = data.quiet_period.as_deref().map_or(Ok(0), quantity::seconds);
        DataTrigger {
            source: data.source.clone(),
            quiet_period_seconds: problems.read(&["on", "data", "quiet_period"], quiet),
        }
    });
    if let Some(schedule) = &on.schedule {
        let (zone, cron) = crate::schedule::check(schedule);
        for (key, why) in [("timezone", zone), ("cron", cron)] {
            if let Some(why) = why {
                problems.add(&["on", "schedule", key], why.to_string());
            }
        }
    }
    Triggers {
        push: on.push.clone(),
        pull_request: on.pull_request.clone(),
        release: on.release.clone(),
        workflow_run: on.workflow_run.clone(),
        repository_dispatch: on.repository_dispatch.clone(),
        data,
        schedule: on.schedule.clone(),
    }
}

type Filter<'a> = (&'static str, Option<&'a Vec<String>>);

/// The filters of each trigger that are lists of globs.
fn glob_filters(on: &super::shape::Triggers) -> Vec<(&'static str, Vec<Filter<'_>>)> {
    let mut all: Vec<(&'static str, Vec<Filter<'_>>)> = Vec::new();
    if let Some(push) = &on.push {
        all.push((
            "push",
            vec![("branches", push.branches.as_ref()), ("paths", push.paths.as_ref())],
        ));
    }
    if let Some(pull) = &on.pull_request {
        let filters = vec![
            ("branches", pull.branches.as_ref()),
            ("paths", pull.paths.as_ref()),
            ("labels", pull.labels.as_ref()),
        ];
        all.push(("pull_request", filters));
    }
    for (key, trigger) in [
        ("release", &on.release),
        ("repository_dispatch", &on.repository_dispatch),
    ] {
        all.extend(
            trigger
                .as_ref()
                .map(|trigger| (key, vec![("types", trigger.types.as_ref())])),
        );
    }
    if let Some(run) = &on.workflow_run {
        let filters = vec![
            ("workflows", run.workflows.as_ref()),
            ("types", run.types.as_ref()),
            ("branches", run.branches.as_ref()),
            ("conclusions", run.conclusions.as_ref()),
        ];
        all.push(("workflow_run", filters));
    }
    all
}

/// Whether a source is one of the `data` section.
pub(super) fn known_source(path: &[&str], source: &str, pipeline: &Pipeline, problems: &mut Problems) -> bool {
    let known = pipeline.data.contains_key(source);
    if !known && problems.is_read(&["data"]) {
        let hint = suggest::hint(source, pipeline.data.keys().map(String::as_str));
        problems.add_with_hint(
            path,
            format!("there is no data source '{source}' in the data section"),
            hint,
        );
    }
    known
}

/// Checks which spans a source or step takes.
pub(super) fn window(path: &[&str], window: Option<&Window>, pattern: &SpanPattern, problems: &mut Problems) {
    let Some(window) = window else { return };
    match (&window.rolling_range, &window.static_range) {
        (Some(_), Some(_)) => problems.add(path, "a window has either a rolling_range or a static_range, not both"),
        (None, None) if !problems.is_read(path) => {}
        (None, None) => problems.add(path, "the window is empty: give it a rolling_range or a static_range"),
        (Some(rolling), None) => {
            if rolling.num_spans == 0 {
                problems.add(
                    path,
                    "num_spans is 0, so that no data would be read: it must be at least 1",
                );
            } else if rolling.min_spans > rolling.num_spans {
                let message = format!(
                    "min_spans {} is more than num_spans {}",
                    rolling.min_spans, rolling.num_spans
                );
                problems.add_with_hint(path, message, "a window of that many spans can never be filled");
            }
            let named = rolling.start_span_number.iter().chain(&rolling.exclude_span_numbers);
            for name in named {
                span(path, name, pattern, problems);
            }
        }
        (None, Some(range)) => {
            for name in &range.exclude_span_numbers {
                span(path, name, pattern, problems);
            }
            let (Some(first), Some(last)) = (&range.start_span, &range.end_span) else {
                for name in range.start_span.iter().chain(&range.end_span) {
                    span(path, name, pattern, problems);
                }
                return;
            };
            let (start, end) = (
                span(path, first, pattern, problems),
                span(path, last, pattern, problems),
            );
            if let (Some(start), Some(end)) = (start, end)
                && start > end
            {
                problems.add(path, format!("the window ends at {last} before it starts at {first}"));
            }
        }
    }
}

/// The span that a window names.
fn span(path: &[&str], name: &SpanName, pattern: &SpanPattern, problems: &mut Problems) -> Option<i64> {
    let span = pattern.span_named(name.as_str());
    if span.is_none() {
        problems.add_with_hint(
            path,
            format!("'{name}' is not a span of {}", pattern.uri()),
            "write it like 2013-01, 2013-01-31 or 17, as the files do",
        );
    }
    span
}
