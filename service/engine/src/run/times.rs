//! How long runs wait and take, and their steps, as histograms for `/metrics`.

use trainyard_core::ids::Micros;
use trainyard_core::run::{Run, RunEvent};

/// What an event of a run, which `run` has applied, says about times.
pub(super) fn observe(run: &Run, event: &RunEvent) {
    let pipeline = || run.request.plan.pipeline.clone();
    match event {
        RunEvent::Started { .. } => {
            if let Some(seconds) = between(Some(run.request.created_at), run.started_at) {
                metrics::histogram!("trainyard_run_queue_seconds", "pipeline" => pipeline()).record(seconds);
            }
        }
        RunEvent::StepPublished { step, .. } | RunEvent::StepFailed { step, .. } => {
            let record = run.steps.get(step);
            let state = match event {
                RunEvent::StepPublished { .. } => "succeeded",
                _ => "failed",
            };
            if let Some(seconds) = record.and_then(|record| between(record.started_at, record.ended_at)) {
                metrics::histogram!("trainyard_step_duration_seconds",
                    "pipeline" => pipeline(), "step" => step.to_string(), "state" => state)
                .record(seconds);
            }
        }
        RunEvent::Finished { state, .. } => {
            if let Some(seconds) = between(run.started_at, run.ended_at) {
                metrics::histogram!("trainyard_run_duration_seconds",
                    "pipeline" => pipeline(), "state" => state.as_str())
                .record(seconds);
            }
        }
        _ => {}
    }
}

/// Seconds from one moment to another; a clock that was set back makes none of them negative.
fn between(from: Option<Micros>, to: Option<Micros>) -> Option<f64> {
    Some((to?.0.saturating_sub(from?.0)).max(0) as f64 / 1e6)
}
