//! The state of a run: the fold of its events.

use super::step::{Applied, StepRecord, StepState};
use super::{Drift, Exit, Forecast, RunEvent, RunRequest, RunState, Withheld, Word};
use crate::artifact::{ArtifactRef, Digest};
use crate::gate::{Blessed, Blessing, GateReplay, Verdict};
use crate::ids::{Micros, StepName};
use crate::plan::{ImageSource, PlannedStep};
use crate::span::AsOf;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ImageState {
    /// Not asked for, or being built.
    Pending,
    /// Ready.
    Built {
        /// The id steps run by.
        image_id: String,
        /// Its content key.
        key: String,
        /// Whether nothing had to be built.
        reused: bool,
    },
    /// Impossible.
    Failed {
        /// One sentence.
        reason: String,
        /// The end of the build's output.
        #[serde(default)]
        last_lines: Vec<String>,
        /// The line of the Dockerfile that failed, from 1, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u32>,
    },
}

/// Where the push is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PushState {
    /// Not done, or not wanted.
    Pending,
    /// Served.
    Pushed {
        /// The version the server knows it by.
        version: String,
    },
    /// Impossible; what served before still serves.
    Failed {
        /// One sentence.
        reason: String,
    },
    /// Kept back, although nothing went wrong; what served before still serves.
    Withheld {
        /// Why.
        because: Withheld,
    },
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What was asked for.
    pub request: RunRequest,
    /// Where it is.
    pub state: RunState,
    /// The model to compare with; `None` before the start, `Some(None)` when there is none.
    pub baseline: Option<Option<ArtifactRef>>,
    /// What it was expected to do before its first program started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// The newest spans that earlier runs have seen, by source, as numbers.
    #[serde(default)]
    pub seen: BTreeMap<String, i64>,
    /// The newest span that this run saw, by source.
    #[serde(default)]
    pub as_of: BTreeMap<String, AsOf>,
    /// The images to build.
    pub images: IndexMap<String, ImageState>,
    /// The steps in the plan's order.
    pub steps: IndexMap<StepName, StepRecord>,
    /// The gate's answer.
    pub verdict: Option<Verdict>,
    /// The content that the answer is about.
    pub judged: Option<Digest>,
    /// The ModelBlessing that says so.
    pub blessing: Option<ArtifactRef>,
    /// What the gate that a pull request proposes would say.
    pub gate_replay: Option<GateReplay>,
    /// The push.
    pub push: PushState,
    /// What was found at the target where it was to serve this very model already, and so got it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Drift>,
    /// How long its approved model waits for a person before the push, in seconds, once that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_seconds: Option<u64>,
    /// Who said yes to what it waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Word>,
    /// Who said no to the commit of a fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Word>,
    /// Who asked for the end.
    pub cancel_requested: Option<String>,
    /// When it was admitted.
    pub started_at: Option<Micros>,
    /// When it was over.
    pub ended_at: Option<Micros>,
    /// The sentence of its end.
    pub summary: Option<String>,
    /// Events applied or looked at so far; the store's optimistic lock.
    pub version: u64,
}

/// Where a run is to which nothing has happened yet: a fork's waits for a person.
pub fn first_state(request: &RunRequest) -> RunState {
    match &request.fork {
        Some(_) => RunState::WaitingForApproval,
        None => RunState::Queued,
    }
}

impl Run {
    /// A run to which nothing has happened yet.
    pub fn new(request: RunRequest) -> Self {
        let images = request
            .plan
            .images
            .keys()
            .map(|name| (name.clone(), ImageState::Pending))
            .collect();
        let steps = request
            .plan
            .steps
            .keys()
            .map(|name| (name.clone(), StepRecord::new()))
            .collect();
        let state = first_state(&request);
        Self {
            request,
            state,
            baseline: None,
            forecast: None,
            seen: BTreeMap::new(),
            as_of: BTreeMap::new(),
            images,
            steps,
            verdict: None,
            judged: None,
            blessing: None,
            gate_replay: None,
            push: PushState::Pending,
            restored: None,
            approval_seconds: None,
            approved: None,
            rejected: None,
            cancel_requested: None,
            started_at: None,
            ended_at: None,
            summary: None,
            version: 0,
        }
    }

    /// The run after all its events.
    pub fn replay<'a>(request: RunRequest, events: impl IntoIterator<Item = (Micros, &'a RunEvent)>) -> Self {
        let mut run = Self::new(request);
        for (at, event) in events {
            run.apply(event, at);
        }
        run
    }

    /// Whether nothing is missing although this step was skipped: all that reads it did without.
    pub(super) fn spares(&self, step: &StepName) -> bool {
        let skipped = |name: &StepName| {
            let record = self.steps.get(name);
            record.is_some_and(|record| matches!(record.state, StepState::Skipped { .. }))
        };
        let readers = self.request.plan.steps.iter();
        let mut readers = readers
            .filter(|(_, reader)| reader.upstream().any(|up| up == step))
            .peekable();
        let spared = |(name, reader): (&StepName, &PlannedStep)| match skipped(name) {
            true => self.spares(name),
            false => reader.can_do_without(step),
        };
        skipped(step) && readers.peek().is_some() && readers.all(spared)
    }

    /// The artifact that a step made.
    pub fn output(&self, (step, output): &(StepName, String)) -> Option<&ArtifactRef> {
        self.steps.get(step)?.outputs.get(output)
    }

    /// The model that the gate judges, once it is made.
    pub fn candidate(&self) -> Option<&ArtifactRef> {
        self.output(&self.request.plan.gate.as_ref()?.model)
    }

    /// The proof that the gate approved this very model.
    pub fn bless(&self, model: &ArtifactRef) -> Option<Blessed> {
        self.verdict.as_ref()?.bless(self.judged.as_ref()?, model)
    }

    /// Why the model was not handed to its target, although it was to be; that it serves already is no such reason.
    pub fn kept_back(&self) -> Option<&Withheld> {
        match &self.push {
            PushState::Withheld { because } if !matches!(because, Withheld::Unchanged { .. }) => Some(because),
            _ => None,
        }
    }

    /// Whether the gate said no.
    pub fn is_rejected(&self) -> bool {
        let verdict = self.verdict.as_ref();
        verdict.is_some_and(|verdict| verdict.blessing() == Blessing::NotBlessed)
    }

    /// The proof that this very model is the one that the ledger called serving when the gate spoke: it was approved
    /// before.
    pub fn bless_unchanged(&self, model: &ArtifactRef) -> Option<Blessed> {
        self.verdict.as_ref()?.bless_unchanged(self.judged.as_ref()?, model)
    }

    /// Whether an approved model will be, or was, handed to a push target. One that is unchanged is, too: only there
    /// it is seen whether it really serves.
    pub fn wants_push(&self) -> bool {
        let approved = |verdict: &Verdict| matches!(verdict.blessing(), Blessing::Blessed | Blessing::Unchanged);
        self.verdict.as_ref().is_some_and(approved) && self.request.may_push && self.request.plan.push.is_some()
    }

    /// Takes one event into account.
    pub fn apply(&mut self, event: &RunEvent, at: Micros) -> Applied {
        self.version += 1;
        if self.state.is_final() {
            return Applied::Ignored("the run is over");
        }
        match self.state {
            RunState::WaitingForApproval => return self.apply_waiting(event, at),
            RunState::Queued => return self.apply_queued(event, at),
            _ => {}
        }
        match event {
            RunEvent::ApprovalRequested { seconds } => self.apply_asked(*seconds),
            RunEvent::Approved { .. } | RunEvent::Rejected { .. } => Applied::Ignored("it does not wait for a person"),
            RunEvent::Started { .. } => Applied::Ignored("already started"),
            RunEvent::Planned { forecast } => {
                self.forecast = Some(forecast.clone());
                Applied::Applied
            }
            RunEvent::SpansSeen { seen } => {
                self.seen = seen.clone();
                Applied::Applied
            }
            RunEvent::WindowRead { source, as_of } => self.apply_read(source, as_of),
            RunEvent::ImageBuilt {
                image,
                key,
                image_id,
                reused,
            } => {
                let built = ImageState::Built {
                    image_id: image_id.clone(),
                    key: key.clone(),
                    reused: *reused,
                };
                self.apply_image(image, built)
            }
            RunEvent::ImageFailed {
                image,
                reason,
                last_lines,
                line,
            } => {
                let failed = ImageState::Failed {
                    reason: reason.clone(),
                    last_lines: last_lines.clone(),
                    line: *line,
                };
                self.apply_image(image, failed)
            }
            RunEvent::StepCached { step, .. }
            | RunEvent::StepStarting { step, .. }
            | RunEvent::StepEnded { step, .. }
            | RunEvent::StepPublished { step, .. }
            | RunEvent::StepFailed { step, .. }
            | RunEvent::StepSkipped { step, .. } => match self.steps.get_mut(step) {
                Some(record) => {
                    let applied = record.apply(event, self.cancel_requested.is_some(), at);
                    if applied == Applied::Applied {
                        self.miss_image(event);
                    }
                    applied
                }
                None => Applied::Illegal("no such step"),
            },
            RunEvent::GateJudged {
                verdict,
                model,
                blessing,
            } => {
                if self.verdict.is_some() {
                    return Applied::Ignored("already judged");
                }
                let missing = |(name, record): (_, &StepRecord)| !record.state.is_done() && !self.spares(name);
                if self.steps.iter().any(missing) {
                    return Applied::Illegal("a step is not done");
                }
                self.verdict = Some(verdict.clone());
                let candidate = self.candidate().map(|candidate| candidate.digest.clone());
                self.judged = model.clone().or(candidate);
                self.blessing = blessing.clone();
                Applied::Applied
            }
            RunEvent::GateReplayed { replay } => {
                if self.verdict.is_none() {
                    return Applied::Illegal("not judged yet");
                }
                self.gate_replay = Some(replay.clone());
                Applied::Applied
            }
            RunEvent::ModelPushed { version, restored, .. } => {
                let applied = self.apply_push(PushState::Pushed {
                    version: version.clone(),
                });
                if applied == Applied::Applied {
                    self.restored = restored.clone();
                }
                applied
            }
            RunEvent::PushFailed { reason } => self.apply_push(PushState::Failed { reason: reason.clone() }),
            RunEvent::PushWithheld { because } => self.apply_push(PushState::Withheld {
                because: because.clone(),
            }),
            RunEvent::CancelRequested { by } => self.apply_cancel(by),
            RunEvent::Finished { state, summary, .. } => self.apply_finished(*state, summary, at),
        }
    }

    fn apply_asked(&mut self, seconds: u64) -> Applied {
        if !self.wants_push() || self.push != PushState::Pending {
            return Applied::Illegal("there is no approved model to push");
        }
        if self.approval_seconds.is_some() {
            return Applied::Ignored("already asked for");
        }
        if self.cancel_requested.is_some() {
            return Applied::Ignored("it is asked to end");
        }
        self.approval_seconds = Some(seconds);
        self.state = RunState::WaitingForApproval;
        Applied::Applied
    }

    /// Whoever waits for a person has no worker: what can happen to it is a person's word, the end of the wait, and a
    /// cancel, for which a worker takes it up.
    fn apply_waiting(&mut self, event: &RunEvent, at: Micros) -> Applied {
        match event {
            RunEvent::Approved { word } if self.rejected.is_none() => {
                self.approved = Some(word.clone());
                self.take_up();
                Applied::Applied
            }
            RunEvent::Approved { .. } => Applied::Illegal("it was rejected"),
            RunEvent::Rejected { word } => {
                if self.approval_seconds.is_some() {
                    return Applied::Illegal("a model is withheld, not rejected");
                }
                self.rejected = Some(word.clone());
                Applied::Applied
            }
            RunEvent::PushWithheld { because } => {
                let applied = self.apply_push(PushState::Withheld {
                    because: because.clone(),
                });
                if applied == Applied::Applied {
                    self.take_up();
                }
                applied
            }
            RunEvent::ApprovalRequested { .. } => Applied::Ignored("already asked for"),
            RunEvent::CancelRequested { by } => {
                self.take_up();
                self.apply_cancel(by)
            }
            RunEvent::Finished { state, summary, .. } if *state != RunState::Succeeded => {
                self.apply_finished(*state, summary, at)
            }
            _ => Applied::Illegal("the run waits for a person"),
        }
    }

    /// Where it goes on after its wait.
    fn take_up(&mut self) {
        self.state = match self.started_at {
            Some(_) => RunState::Running,
            None => RunState::Queued,
        };
    }

    fn apply_queued(&mut self, event: &RunEvent, at: Micros) -> Applied {
        match event {
            RunEvent::Approved { .. } | RunEvent::Rejected { .. } => Applied::Ignored("it does not wait for a person"),
            RunEvent::Started { baseline } => {
                self.state = RunState::Running;
                self.baseline = Some(baseline.clone());
                self.started_at = Some(at);
                Applied::Applied
            }
            RunEvent::CancelRequested { by } => self.apply_cancel(by),
            RunEvent::Finished { state, summary, .. } if *state != RunState::Succeeded => {
                self.apply_finished(*state, summary, at)
            }
            _ => Applied::Illegal("the run has not started"),
        }
    }

    fn apply_cancel(&mut self, by: &str) -> Applied {
        if self.cancel_requested.is_some() {
            return Applied::Ignored("already asked");
        }
        self.cancel_requested = Some(by.to_owned());
        Applied::Applied
    }

    fn apply_read(&mut self, source: &str, as_of: &AsOf) -> Applied {
        if self.as_of.get(source).is_some_and(|known| known >= as_of) {
            return Applied::Ignored("already known");
        }
        self.as_of.insert(source.to_owned(), as_of.clone());
        Applied::Applied
    }

    fn apply_image(&mut self, name: &str, new: ImageState) -> Applied {
        match self.images.get_mut(name) {
            None => Applied::Illegal("no such image"),
            Some(ImageState::Pending) => {
                self.images.insert(name.to_owned(), new);
                Applied::Applied
            }
            Some(_) => Applied::Ignored("already settled"),
        }
    }

    /// An image that a step found gone is to be built again, unless it was meanwhile.
    fn miss_image(&mut self, event: &RunEvent) {
        let RunEvent::StepEnded {
            step,
            exit: Exit::ImageGone { image_id: gone },
            ..
        } = event
        else {
            return;
        };
        let planned = self.request.plan.steps.get(step).map(|planned| &planned.image);
        if let Some(ImageSource::Build(image)) = planned
            && let Some(state) = self.images.get_mut(image)
            && matches!(state, ImageState::Built { image_id, .. } if image_id == gone)
        {
            *state = ImageState::Pending;
        }
    }

    fn apply_push(&mut self, new: PushState) -> Applied {
        if !self.wants_push() {
            return Applied::Illegal("the model was not approved for a push");
        }
        if self.push != PushState::Pending {
            return Applied::Ignored("already pushed");
        }
        self.push = new;
        Applied::Applied
    }

    fn apply_finished(&mut self, state: RunState, summary: &str, at: Micros) -> Applied {
        if !state.is_final() {
            return Applied::Illegal("not an end");
        }
        if self
            .steps
            .values()
            .any(|s| matches!(s.state, StepState::Running { .. } | StepState::Ended { .. }))
        {
            return Applied::Illegal("a step is still at work");
        }
        self.state = state;
        self.summary = Some(summary.to_owned());
        self.ended_at = Some(at);
        Applied::Applied
    }
}
