//! The steps of a run, as its pages show them.

use super::when::Took;
use trainyard_core::ids::Micros;
use trainyard_core::run::{Run, StepState};

/// A step.
#[derive(Clone, Debug, Default)]
pub(super) struct StepRow {
    pub(super) name: String,
    /// The steps that it waits for.
    pub(super) after: Vec<String>,
    /// As in the API; also the class of its colour.
    pub(super) state: String,
    /// The same in words, with what else is to be said in two.
    pub(super) said: String,
    /// Why it failed, waits, was cancelled or was skipped.
    pub(super) reason: Option<String>,
    /// The end of its log, unless it ended well.
    pub(super) last_lines: Vec<String>,
    pub(super) started: Option<i64>,
    pub(super) ended: Option<i64>,
    /// How long it took, or takes so far.
    pub(super) took: Option<String>,
    /// What it measured, for people.
    pub(super) metrics: Vec<(String, String)>,
    /// What it made: output and artifact.
    pub(super) made: Vec<(String, String)>,
}

/// The steps of a run in the plan's order, as they are `now`.
pub(super) fn of_run(run: &Run, now: Micros) -> Vec<StepRow> {
    let plan = &run.request.plan;
    let row = |(name, step): (&trainyard_core::ids::StepName, &trainyard_core::run::StepRecord)| {
        let planned = plan.steps.get(name);
        let (attempt, reason) = crate::views::about_step(&step.state);
        let upstream = planned.into_iter().flat_map(|planned| planned.upstream());
        let mut after: Vec<String> = upstream.map(ToString::to_string).collect();
        after.sort();
        after.dedup();
        let open = matches!(step.state, StepState::Running { .. } | StepState::Ended { .. });
        let until = step.ended_at.or(open.then_some(now));
        let state = step.state.as_str().to_owned();
        StepRow {
            name: name.to_string(),
            after,
            said: match attempt {
                Some(attempt @ 2..) => format!("{state}, attempt {attempt}"),
                _ => state.clone(),
            },
            state,
            reason,
            last_lines: step.last_lines.clone(),
            started: step.started_at.map(|at| at.0),
            ended: until.map(|at| at.0),
            took: step
                .started_at
                .zip(until)
                .map(|(from, to)| Took::between(from, to).to_string()),
            metrics: step
                .metrics
                .iter()
                .map(|(name, value)| (name.clone(), format!("{value:.4}")))
                .collect(),
            made: step
                .outputs
                .iter()
                .map(|(name, artifact)| (name.clone(), artifact.name.clone()))
                .collect(),
        }
    };
    run.steps.iter().map(row).collect()
}
