//! What a run in the foreground says while it goes: a bar on a terminal, and a line for each change.

use super::output::plain;
use super::runs::figures;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;
use trainyard_core::ids::{Micros, StepName};
use trainyard_core::run::{Run, RunEvent, RunRequest};
use trainyard_core::sentence;

/// A run as it is shown on standard error.
pub(super) struct Progress {
    run: Run,
    bar: ProgressBar,
    started: BTreeMap<StepName, Micros>,
}

impl Progress {
    /// Nothing has happened yet.
    pub(super) fn of(request: RunRequest) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(request.plan.steps.len() as u64), target);
        let style = ProgressStyle::with_template("[{elapsed}] {bar:24} {pos}/{len} steps  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(250));
        let progress = Self {
            run: Run::new(request),
            bar,
            started: BTreeMap::new(),
        };
        progress.say(&format!(
            "run {} of {}",
            progress.run.request.id, progress.run.request.plan.pipeline
        ));
        progress
    }

    /// The number of the newest event that was shown.
    pub(super) fn seen(&self) -> u64 {
        self.run.version
    }

    /// Whether nothing more will happen.
    pub(super) fn is_over(&self) -> bool {
        self.run.state.is_final()
    }

    /// Shows what happened since.
    pub(super) fn show(&mut self, events: Vec<(u64, Micros, RunEvent)>) {
        for (_, at, event) in events {
            self.run.apply(&event, at);
            for line in self.lines(&event, at) {
                self.say(&line);
            }
        }
        let done = self.run.steps.values().filter(|step| step.state.is_final()).count();
        self.bar.set_position(done as u64);
        let running = self
            .run
            .steps
            .iter()
            .filter(|(_, step)| step.state.as_str() == "running");
        self.bar
            .set_message(running.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "));
        if self.is_over() {
            self.bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        let line = plain(line);
        if self.bar.is_hidden() {
            // Whoever read it may have gone; the run goes on.
            let _ = writeln!(std::io::stderr(), "{line}");
        } else {
            self.bar.println(line);
        }
    }

    fn lines(&mut self, event: &RunEvent, at: Micros) -> Vec<String> {
        let line = match event {
            RunEvent::Started { baseline } => {
                let images: Vec<&str> = self.run.images.keys().map(String::as_str).collect();
                let baseline = baseline.as_ref().map(|model| format!("compared with {}", model.name));
                let images = (!images.is_empty()).then(|| format!("making images ready: {}", images.join(", ")));
                return baseline.into_iter().chain(images).collect();
            }
            RunEvent::ImageBuilt { image, image_id, .. } if image_id.starts_with("process:") => {
                format!("image {image}: not built, its program runs on this machine")
            }
            RunEvent::ImageBuilt {
                image, reused: true, ..
            } => format!("image {image}: nothing changed"),
            RunEvent::ImageBuilt {
                image, reused: false, ..
            } => format!("image {image}: built"),
            RunEvent::ImageFailed {
                image,
                reason,
                last_lines,
                ..
            } => {
                let quoted = last_lines.iter().map(|line| format!("  | {line}"));
                return quoted.chain([format!("image {image}: {reason}")]).collect();
            }
            RunEvent::StepCached { step, .. } => format!("{step}: cached, an earlier execution stands in"),
            RunEvent::StepStarting { step, attempt, .. } => {
                self.started.insert(step.clone(), at);
                match attempt {
                    1 => format!("{step}: started"),
                    attempt => format!("{step}: started, attempt {attempt}"),
                }
            }
            RunEvent::StepPublished { step, metrics, .. } => {
                let took = self
                    .started
                    .get(step)
                    .map_or(0, |started| at.0.saturating_sub(started.0));
                let metrics: Map<String, Value> = metrics
                    .iter()
                    .map(|(name, value)| (name.clone(), Value::from(*value)))
                    .collect();
                let figures = if metrics.is_empty() {
                    String::new()
                } else {
                    format!(", {}", figures(&metrics))
                };
                format!("{step}: done in {:.1}s{figures}", took as f64 / 1e6)
            }
            RunEvent::StepFailed {
                step, reason, retry_at, ..
            } => {
                let again = retry_at.map(|retry| u64::try_from(retry.0.saturating_sub(at.0)).unwrap_or(0) / 1_000_000);
                match again {
                    Some(seconds) => format!("{step}: {reason}; again in {}", sentence::duration(seconds)),
                    None => format!("{step}: {reason}"),
                }
            }
            RunEvent::StepSkipped { step, cause } => format!("{step}: {}", cause.sentence()),
            RunEvent::ModelPushed { target, version, .. } => format!("push: {target} serves version {version}"),
            RunEvent::PushFailed { reason } => format!("push: {reason}"),
            RunEvent::Planned { .. } | RunEvent::SpansSeen { .. } | RunEvent::WindowRead { .. } => return Vec::new(),
            RunEvent::PushWithheld { because } => format!("push: not done: {}", because.sentence()),
            RunEvent::ApprovalRequested { .. } => {
                let mut waiting = self.run.clone();
                waiting.apply(event, at);
                let id = &self.run.request.id;
                waiting
                    .awaits()
                    .map_or_else(String::new, |awaited| awaited.sentence(id))
            }
            RunEvent::Approved { word } => format!("approved by {} ({})", word.by, word.reason),
            RunEvent::Rejected { word } => sentence::fork_rejected(word),
            RunEvent::CancelRequested { by } => {
                format!("{}, waiting for its programs to stop", sentence::run_cancelled(by))
            }
            RunEvent::StepEnded { .. }
            | RunEvent::GateJudged { .. }
            | RunEvent::GateReplayed { .. }
            | RunEvent::Finished { .. } => return Vec::new(),
        };
        vec![line]
    }
}
