//! Runs.

use super::time;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::gate::{GateReplay, Verdict};
use trainyard_core::ids::Micros;
use trainyard_core::registry::{Intent, IntentState};
use trainyard_core::run::{ImageState, PushState, Rerun, Run, RunEvent, StepState, Word};
use trainyard_store::RunRow;
use utoipa::ToSchema;

/// A page of runs, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Runs {
    /// The runs.
    pub runs: Vec<RunItem>,
    /// `before` of the next page; absent on the last one.
    pub next: Option<String>,
    /// Runs that were set aside because their rows cannot be read, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// What a listing and a page say of a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunHead {
    /// The run (UUIDv7).
    pub id: String,
    /// Its pipeline.
    pub pipeline: String,
    /// `push`, `pull_request`, `data`, `schedule` or `manual`.
    pub trigger: String,
    /// The reason in words.
    pub cause: String,
    /// `owner/name`; absent for a folder on the service's machine.
    pub repo: Option<String>,
    /// Its branch.
    pub branch: Option<String>,
    /// Its commit.
    pub commit: Option<String>,
    /// Its pull request.
    pub pull_request: Option<u64>,
    /// `waiting_for_approval`, `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    pub state: String,
    /// How it ended, in one sentence.
    pub summary: Option<String>,
    /// `blessed`, `not_blessed` or `not_evaluated`.
    pub blessing: Option<String>,
    /// Why its approved model was kept back from its target, in a word or two; `summary` has the sentence.
    pub not_pushed: Option<String>,
    /// Figures of its end by name, for example `{"auc": {"candidate": 0.65, "baseline": 0.64}}`.
    #[schema(value_type = Object)]
    pub metrics: Map<String, Value>,
    /// Why it is set aside and does not go on.
    pub set_aside: Option<String>,
    /// What it waits for, and who must do what: a person's approval, a disk with room, an engine that answers.
    pub waits_for: Option<String>,
    /// Whether somebody asked for its end.
    pub cancel_requested: bool,
    /// When it was asked for.
    pub created_at: String,
    /// When it was admitted.
    pub started_at: Option<String>,
    /// When it was over.
    pub ended_at: Option<String>,
}

/// A run in a listing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunItem {
    /// The run.
    #[serde(flatten)]
    pub head: RunHead,
    /// Its steps in the plan's order.
    pub steps: Vec<StepBrief>,
}

/// A step in a listing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StepBrief {
    /// Its name.
    pub name: String,
    /// `pending`, `running`, `publishing`, `waiting`, `succeeded`, `cached`, `failed`, `cancelled` or `skipped`.
    pub state: String,
}

/// Everything about a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunDetail {
    /// The run.
    #[serde(flatten)]
    pub head: RunHead,
    /// The run that it repeats (`of`), and how much of it: `failed` or `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub repeats: Option<Rerun>,
    /// Its steps in the plan's order.
    pub steps: Vec<StepView>,
    /// As of which span it saw each data source, by name: what was read, or else what it was asked for.
    #[schema(value_type = Object)]
    pub as_of: BTreeMap<String, String>,
    /// The parameters it ran with.
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// The model it was compared with.
    #[schema(value_type = Option<Object>)]
    pub baseline: Option<ArtifactRef>,
    /// The gate's answer: `blessing`, `rubber_stamp`, `findings` and the table `comparisons`.
    #[schema(value_type = Option<Object>)]
    pub verdict: Option<Verdict>,
    /// What the gate that a pull request proposes would say of its model (`own`) and of recorded runs
    /// (`changed` of `verdicts`).
    #[schema(value_type = Option<Object>)]
    pub gate_replay: Option<GateReplay>,
    /// Whether the model was pushed, and as which version.
    #[schema(value_type = Object)]
    pub push: PushState,
    /// Who approved what it waited for, and why.
    #[schema(value_type = Option<Object>)]
    pub approved: Option<Word>,
    /// Whether its commit comes from a fork.
    pub from_fork: bool,
    /// The images it needs, by name.
    #[schema(value_type = Object)]
    pub images: BTreeMap<String, ImageState>,
    /// Everything that happened, in order.
    pub events: Vec<EventEntry>,
}

/// A step with everything that is known of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StepView {
    /// Its name.
    pub name: String,
    /// As in listings.
    pub state: String,
    /// The attempt the state is of, from 1.
    pub attempt: Option<u32>,
    /// Why it failed, waits, was cancelled or was skipped.
    pub reason: Option<String>,
    /// The end of the newest attempt's log as a terminal shows it, unless it ended well.
    pub last_lines: Vec<String>,
    /// Its cache key.
    pub cache_key: Option<String>,
    /// The image it ran in.
    pub image_id: Option<String>,
    /// What it read, by name.
    #[schema(value_type = Object)]
    pub inputs: BTreeMap<String, ArtifactRef>,
    /// What it made, by name.
    #[schema(value_type = Object)]
    pub outputs: BTreeMap<String, ArtifactRef>,
    /// What it measured.
    pub metrics: BTreeMap<String, f64>,
    /// When its first attempt started.
    pub started_at: Option<String>,
    /// When it came to its end.
    pub ended_at: Option<String>,
}

/// One thing that happened to a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventEntry {
    /// From 1.
    pub seq: u64,
    /// When.
    pub at: String,
    /// What, by `event`.
    #[schema(value_type = Object)]
    #[serde(serialize_with = "shown")]
    pub what: RunEvent,
}

/// An event for people and programs outside: why a step was skipped is one sentence here.
fn shown<S: Serializer>(event: &RunEvent, serializer: S) -> Result<S::Ok, S::Error> {
    let RunEvent::StepSkipped { step, cause } = event else {
        return event.serialize(serializer);
    };
    json!({"event": "step_skipped", "step": step, "reason": cause.sentence()}).serialize(serializer)
}

impl RunHead {
    /// How long it took, in whole seconds, if it began and is over.
    pub fn seconds(&self) -> Option<i64> {
        let moment = |text: &Option<String>| chrono::DateTime::parse_from_rfc3339(text.as_deref()?).ok();
        let (from, to) = (moment(&self.started_at)?, moment(&self.ended_at)?);
        Some((to - from).num_seconds().max(0))
    }
}

impl From<RunRow> for RunItem {
    fn from(row: RunRow) -> Self {
        let steps = row.steps.iter().map(|step| StepBrief {
            name: step.name.to_string(),
            state: step.state.clone(),
        });
        Self {
            steps: steps.collect(),
            head: row.into(),
        }
    }
}

impl From<RunRow> for RunHead {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id.to_string(),
            pipeline: row.pipeline,
            trigger: row.trigger,
            cause: row.cause,
            repo: row.repo.map(|repo| repo.to_string()),
            branch: row.branch,
            commit: row.commit.map(|commit| commit.to_string()),
            pull_request: row.pull_request,
            state: row.state.as_str().to_owned(),
            summary: row.summary,
            blessing: row.blessing.map(|blessing| blessing.as_str().to_owned()),
            not_pushed: row.metrics.get("not_pushed").and_then(Value::as_str).map(str::to_owned),
            metrics: row.metrics,
            set_aside: row.set_aside,
            waits_for: row.waits_for,
            cancel_requested: row.cancel_requested,
            created_at: time(row.created_at),
            started_at: row.started_at.map(time),
            ended_at: row.ended_at.map(time),
        }
    }
}

impl RunDetail {
    /// From the row, the run after its events, and the events with number and time.
    pub fn new(row: RunRow, run: Run, events: Vec<(u64, Micros, RunEvent)>, open: &[Intent]) -> Self {
        let target = run.request.plan.push.as_ref().map(|push| push.target.as_str());
        let waits = run.wants_push() && target.is_some();
        let unknown = |intent: &&Intent| {
            let own = intent.entry.run.as_ref() == Some(&run.request.id);
            let in_its_way = waits && target == Some(intent.entry.target.as_str());
            intent.state == IntentState::Unknown && (own || in_its_way)
        };
        let waits_for = open
            .iter()
            .find(unknown)
            .filter(|_| !run.state.is_final())
            .map(Intent::unknown)
            .or_else(|| row.waits_for.clone());
        let asked = run.request.newest_spans.iter().chain(&run.request.as_of_spans);
        let mut as_of: BTreeMap<String, String> = asked.map(|(source, span)| (source.clone(), span.clone())).collect();
        let seen = run
            .as_of
            .iter()
            .filter(|(source, _)| !run.request.as_of_spans.contains_key(*source));
        as_of.extend(seen.map(|(source, seen)| (source.clone(), seen.label.clone())));
        let steps = run.steps.into_iter().map(|(name, step)| {
            let (attempt, reason) = about_step(&step.state);
            StepView {
                name: name.to_string(),
                state: step.state.as_str().to_owned(),
                attempt,
                reason,
                last_lines: step.last_lines,
                cache_key: step.key,
                image_id: step.image_id,
                inputs: step.inputs,
                outputs: step.outputs,
                metrics: step.metrics,
                started_at: step.started_at.map(time),
                ended_at: step.ended_at.map(time),
            }
        });
        Self {
            repeats: run.request.rerun,
            steps: steps.collect(),
            as_of,
            parameters: run.request.plan.parameters,
            baseline: run.baseline.flatten(),
            verdict: run.verdict,
            gate_replay: run.gate_replay,
            push: run.push,
            approved: run.approved,
            from_fork: run.request.fork.is_some(),
            images: run.images.into_iter().collect(),
            events: events
                .into_iter()
                .map(|(seq, at, what)| EventEntry {
                    seq,
                    at: time(at),
                    what,
                })
                .collect(),
            head: RunHead {
                waits_for,
                ..row.into()
            },
        }
    }
}

/// The attempt and the reason in a step's state.
pub(crate) fn about_step(state: &StepState) -> (Option<u32>, Option<String>) {
    match state {
        StepState::Pending | StepState::Cached => (None, None),
        StepState::Running { attempt, .. } | StepState::Ended { attempt, .. } | StepState::Succeeded { attempt } => {
            (Some(*attempt), None)
        }
        StepState::Waiting { attempt, reason, .. }
        | StepState::Failed { attempt, reason }
        | StepState::Cancelled { attempt, reason } => ((*attempt > 0).then_some(*attempt), Some(reason.clone())),
        StepState::Skipped { cause } => (None, Some(cause.sentence())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainyard_core::run::SkipCause;

    #[test]
    fn why_a_step_was_skipped_is_a_sentence_and_nothing_else() {
        let step = || "train".into();
        let entry = |cause| EventEntry {
            seq: 7,
            at: time(Micros(0)),
            what: RunEvent::StepSkipped {
                step: "evaluate".into(),
                cause,
            },
        };
        let causes = [
            SkipCause::UpstreamDidNotFinish { step: step() },
            SkipCause::Recorded("its window has too few spans".to_owned()),
        ];
        let shown = causes.map(|cause| serde_json::to_string(&entry(cause)).unwrap());
        insta::assert_snapshot!(shown.join("\n"), @r#"
        {"seq":7,"at":"1970-01-01T00:00:00.000000Z","what":{"event":"step_skipped","step":"evaluate","reason":"not run, because step 'train' did not finish"}}
        {"seq":7,"at":"1970-01-01T00:00:00.000000Z","what":{"event":"step_skipped","step":"evaluate","reason":"its window has too few spans"}}
        "#);
    }
}
