//! What a shape cannot tell, section by section: everything but the steps' graph.

use super::components::METRICS;
use super::quantity::{latency, seconds};
use super::source_map::Problems;
use super::suggest;
use super::{
    Baseline, ChangeThreshold, Gate, InfraValidation, MetricThreshold, Pipeline, SlicingSpec, SpanName, ValueThreshold,
    Window,
};
use crate::span::SpanPattern;

/// Checks the sections that need no graph.
pub(super) fn sections(pipeline: &Pipeline, problems: &mut Problems) {
    name(&["name"], "pipeline", &pipeline.name, problems);
    parameters(pipeline, problems);
    triggers(pipeline, problems);
    if pipeline.concurrency.max_active_runs == 0 {
        problems.add(
            &["concurrency", "max_active_runs"],
            "max_active_runs is 0, so that no run could ever start: it must be at least 1",
        );
    }
    for (source, data) in &pipeline.data {
        name(&["data", source], "data source", source, problems);
        match SpanPattern::parse(&data.uri) {
            Ok(pattern) => window(&["data", source, "window"], data.window.as_ref(), &pattern, problems),
            Err(why) => problems.add(&["data", source, "uri"], why),
        }
    }
    if let Some(push) = &pipeline.push {
        name(&["push", "target"], "push target", &push.target, problems);
        if let Some(Err(why)) = push.max_latency.as_deref().map(latency) {
            problems.add(&["push", "max_latency"], why);
        }
        if push.max_latency.is_some() && push.infra_validation == InfraValidation::LoadOnly {
            problems.add(
                &["push", "max_latency"],
                "max_latency needs queries: set infra_validation to LOAD_AND_QUERY, or leave max_latency out",
            );
        }
        if pipeline.gate.is_none() {
            problems.add_with_hint(
                &["push"],
                "a push needs a gate, because only an approved model is pushed",
                "add a gate section with thresholds",
            );
        }
    }
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

fn triggers(pipeline: &Pipeline, problems: &mut Problems) {
    let on = &pipeline.on;
    for (key, trigger) in [("push", &on.push), ("pull_request", &on.pull_request)] {
        let Some(trigger) = trigger else { continue };
        for (filter, globs) in [("branches", &trigger.branches), ("paths", &trigger.paths)] {
            let Some(globs) = globs else { continue };
            if globs.is_empty() {
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
    if let Some(data) = &on.data {
        known_source(&["on", "data", "source"], &data.source, pipeline, problems);
        if let Some(quiet) = &data.quiet_period
            && let Err(why) = seconds(quiet)
        {
            problems.add(&["on", "data", "quiet_period"], why);
        }
    }
    if let Some(schedule) = &on.schedule {
        let (zone, cron) = crate::schedule::check(schedule);
        for (key, why) in [("timezone", zone), ("cron", cron)] {
            if let Some(why) = why {
                problems.add(&["on", "schedule", key], why);
            }
        }
    }
}

/// Whether a source is one of the `data` section.
pub(super) fn known_source(path: &[&str], source: &str, pipeline: &Pipeline, problems: &mut Problems) -> bool {
    let known = pipeline.data.contains_key(source);
    if !known {
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

/// Checks thresholds. `model_type` is what the standard evaluator measures, `None` when a
/// component of the user's own measures; `measured` are the slices it computes, where known.
pub(super) fn gate(gate: &Gate, model_type: Option<&str>, measured: Option<&[SlicingSpec]>, problems: &mut Problems) {
    if let Some(measured) = measured {
        for (index, spec) in gate.slicing_specs.iter().enumerate() {
            measured_slice(&["gate", "slicing_specs", &index.to_string()], spec, measured, problems);
        }
    }
    if !gate.confidence_level.is_none_or(|level| level > 0.5 && level < 1.0) {
        problems.add(
            &["gate", "confidence_level"],
            "a confidence_level lies above 0.5 and below 1",
        );
    }
    for (metric, threshold) in &gate.metrics {
        known_metric(metric, model_type, problems);
        let path = ["gate", "metrics", metric.as_str()];
        let MetricThreshold {
            value_threshold,
            change_threshold,
            per_slice_thresholds,
            require,
            suspicious_improvement,
            ..
        } = threshold;
        evidence(&path, gate, metric, threshold, problems);
        if value_threshold.is_none()
            && change_threshold.is_none()
            && per_slice_thresholds.is_empty()
            && require.is_none()
            && suspicious_improvement.is_none()
        {
            problems.add_with_hint(
                &path,
                format!("metric '{metric}' has no threshold"),
                "give it a value_threshold, a change_threshold or a require",
            );
        }
        bounds(
            &path,
            gate,
            value_threshold.as_ref(),
            change_threshold.as_ref(),
            problems,
        );
        for (index, per_slice) in per_slice_thresholds.iter().enumerate() {
            let index = index.to_string();
            let path = ["gate", "metrics", metric.as_str(), "per_slice_thresholds", &index];
            if per_slice.slicing_specs.is_empty() {
                problems.add(
                    &path,
                    "per_slice_thresholds need slicing_specs: without them no slice matches",
                );
            }
            if per_slice.value_threshold.is_none() && per_slice.change_threshold.is_none() {
                problems.add(&path, "this entry of per_slice_thresholds has no threshold");
            }
            bounds(
                &path,
                gate,
                per_slice.value_threshold.as_ref(),
                per_slice.change_threshold.as_ref(),
                problems,
            );
            for spec in measured.map(|_| per_slice.slicing_specs.as_slice()).unwrap_or_default() {
                measured_slice(&path, spec, measured.unwrap_or_default(), problems);
            }
        }
    }
}

/// `require`, `margin`, `confidence_level` and `suspicious_improvement`.
fn evidence(path: &[&str], gate: &Gate, metric: &str, threshold: &MetricThreshold, problems: &mut Problems) {
    let at = |key: &'static str| [path, &[key]].concat();
    let compares = [
        ("require", threshold.require.is_some()),
        ("suspicious_improvement", threshold.suspicious_improvement.is_some()),
    ];
    for (key, _) in compares.into_iter().filter(|(_, given)| *given) {
        if threshold.better(metric).is_none() {
            problems.add_with_hint(
                &at(key),
                format!("which way '{metric}' is better is not known"),
                "write direction: HIGHER_IS_BETTER or LOWER_IS_BETTER beside it",
            );
        }
        if gate.baseline == Baseline::None {
            problems.add(
                &at(key),
                format!("{key} needs a baseline to compare with, and the gate's baseline is none"),
            );
        }
    }
    if !(threshold.margin >= 0.0 && threshold.margin.is_finite()) {
        problems.add(&at("margin"), "a margin is a number of 0 or more");
    }
    let sure = |level: Option<f64>| level.is_none_or(|level| level > 0.5 && level < 1.0);
    if !sure(threshold.confidence_level) {
        problems.add(&at("confidence_level"), "a confidence_level lies above 0.5 and below 1");
    }
    if let Some(suspicious) = threshold.suspicious_improvement {
        let bounds = [suspicious.absolute, suspicious.relative];
        if bounds.iter().flatten().count() == 0 || !bounds.iter().flatten().all(|bound| *bound > 0.0) {
            problems.add(
                &at("suspicious_improvement"),
                "suspicious_improvement needs absolute or relative, above 0",
            );
        }
    }
}

fn known_metric(metric: &str, model_type: Option<&str>, problems: &mut Problems) {
    let Some((model_type, known)) = METRICS.iter().find(|(name, _)| Some(*name) == model_type) else {
        return;
    };
    if !known.contains(&metric) {
        let hint = suggest::hint(metric, known.iter().copied());
        problems.add_with_hint(
            &["gate", "metrics", metric],
            format!("the evaluator measures no metric '{metric}' for {model_type}"),
            hint,
        );
    }
}

fn bounds(
    path: &[&str],
    gate: &Gate,
    value: Option<&ValueThreshold>,
    change: Option<&ChangeThreshold>,
    problems: &mut Problems,
) {
    let at = |key: &'static str| [path, &[key]].concat();
    if let Some(ValueThreshold {
        lower_bound,
        upper_bound,
    }) = value
    {
        match (lower_bound, upper_bound) {
            (None, None) => problems.add(
                &at("value_threshold"),
                "the value_threshold has no bound: give it a lower_bound or an upper_bound",
            ),
            (Some(lower), Some(upper)) if lower > upper => {
                problems.add(
                    &at("value_threshold"),
                    format!("lower_bound {lower} is above upper_bound {upper}, so that nothing could pass"),
                );
            }
            _ => {}
        }
        finite(&at("value_threshold"), [lower_bound, upper_bound], problems);
    }
    if let Some(ChangeThreshold { absolute, relative, .. }) = change {
        if absolute.is_none() && relative.is_none() {
            problems.add(
                &at("change_threshold"),
                "the change_threshold has no bound: give it absolute or relative",
            );
        }
        if gate.baseline == Baseline::None {
            problems.add(
                &at("change_threshold"),
                "a change_threshold needs a baseline to compare with, and the gate's baseline is none",
            );
        }
        finite(&at("change_threshold"), [absolute, relative], problems);
    }
}

fn finite(path: &[&str], bounds: [&Option<f64>; 2], problems: &mut Problems) {
    if bounds.into_iter().flatten().any(|bound| !bound.is_finite()) {
        problems.add(path, "a bound must be a finite number");
    }
}

fn measured_slice(path: &[&str], spec: &SlicingSpec, measured: &[SlicingSpec], problems: &mut Problems) {
    let covered = measured.iter().any(|candidate| {
        let mut wanted: Vec<&String> = spec.feature_keys.iter().chain(spec.feature_values.keys()).collect();
        let mut has: Vec<&String> = candidate
            .feature_keys
            .iter()
            .chain(candidate.feature_values.keys())
            .collect();
        wanted.sort();
        has.sort();
        let agrees = candidate
            .feature_values
            .iter()
            .all(|(key, value)| spec.feature_values.get(key) == Some(value));
        wanted == has && agrees
    });
    if !covered && *spec != SlicingSpec::default() {
        let message = format!("the evaluator does not measure slices {}", spec.describe());
        problems.add_with_hint(
            path,
            message,
            "add it to the evaluator's slicing_specs, or leave those out to measure what the gate asks for",
        );
    }
}
