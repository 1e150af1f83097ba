//! The state of a step: what the events of its attempts make of it.

use super::{Exit, RunEvent, SkipCause};
use crate::artifact::ArtifactRef;
use crate::executor_output;
use crate::ids::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What [`Run::apply`](super::Run::apply) did with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The state changed.
    Applied,
    /// The event says what is known already, or comes from an attempt that no longer counts.
    Ignored(&'static str),
    /// The event cannot happen here; the state did not change.
    Illegal(&'static str),
}

/// Where a step is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// Its inputs or its image are not there yet.
    Pending,
    /// An attempt is starting or running.
    Running {
        /// From 1.
        attempt: u32,
        /// When it is stopped.
        deadline: Micros,
    },
    /// The program ended; its outputs are not published yet.
    Ended {
        /// The attempt.
        attempt: u32,
        /// How it ended.
        exit: Exit,
        /// When.
        at: Micros,
        /// When it would have been stopped.
        deadline: Micros,
    },
    /// The next attempt is due later.
    Waiting {
        /// The attempt that failed.
        attempt: u32,
        /// When the next one is due.
        until: Micros,
        /// Why it failed.
        reason: String,
    },
    /// Published.
    Succeeded {
        /// The attempt that did it.
        attempt: u32,
    },
    /// An earlier execution stood in.
    Cached,
    /// No attempt is left.
    Failed {
        /// The last attempt.
        attempt: u32,
        /// Why.
        reason: String,
    },
    /// Stopped, because the end of the run was asked for.
    Cancelled {
        /// The attempt that was stopped; 0 before the first one.
        attempt: u32,
        /// Who or what asked.
        reason: String,
    },
    /// Not run, because of something before it or because its window has not enough spans.
    Skipped {
        /// Why.
        cause: SkipCause,
    },
}

impl StepState {
    /// Whether the outputs are there.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Succeeded { .. } | Self::Cached)
    }

    /// Whether nothing more happens.
    pub fn is_final(&self) -> bool {
        self.is_done()
            || matches!(
                self,
                Self::Failed { .. } | Self::Cancelled { .. } | Self::Skipped { .. }
            )
    }

    /// As the API and the CLI write it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running { .. } => "running",
            Self::Ended { .. } => "publishing",
            Self::Waiting { .. } => "waiting",
            Self::Succeeded { .. } => "succeeded",
            Self::Cached => "cached",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::Skipped { .. } => "skipped",
        }
    }
}

/// A step with what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Where it is.
    pub state: StepState,
    /// Its cache key, once the driver computed it.
    pub key: Option<String>,
    /// The image it runs in.
    pub image_id: Option<String>,
    /// What it reads.
    pub inputs: BTreeMap<String, ArtifactRef>,
    /// What it made.
    pub outputs: BTreeMap<String, ArtifactRef>,
    /// What it measured.
    pub metrics: BTreeMap<String, f64>,
    /// Attempts that failed by no fault of the step's; see [`Exit::is_infrastructure`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub infrastructure_failures: u32,
    /// Those of them that something outside ended; see [`Exit::is_interruption`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub interruptions: u32,
    /// Whether its newest attempt was ended because its time was up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timed_out: bool,
    /// The end of the newest attempt's log, unless it ended well.
    #[serde(default)]
    pub last_lines: Vec<String>,
    /// How the data drift, as its newest attempt said it that did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drifted: Option<Vec<String>>,
    /// When its first attempt started.
    pub started_at: Option<Micros>,
    /// When it came to its end.
    pub ended_at: Option<Micros>,
}

impl StepRecord {
    pub(super) fn new() -> Self {
        Self {
            state: StepState::Pending,
            key: None,
            image_id: None,
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            metrics: BTreeMap::new(),
            infrastructure_failures: 0,
            interruptions: 0,
            timed_out: false,
            last_lines: Vec::new(),
            drifted: None,
            started_at: None,
            ended_at: None,
        }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl StepRecord {
    pub(super) fn apply(&mut self, event: &RunEvent, cancelled: bool, at: Micros) -> Applied {
        if self.state.is_final() {
            return Applied::Ignored("the step is over");
        }
        let next = match (event, &self.state) {
            (
                RunEvent::StepCached {
                    key,
                    inputs,
                    outputs,
                    metrics,
                    ..
                },
                StepState::Pending | StepState::Waiting { .. },
            ) => {
                self.key = Some(key.clone());
                self.inputs = inputs.clone();
                self.outputs = outputs.clone();
                self.metrics = metrics.clone();
                self.started_at.get_or_insert(at);
                StepState::Cached
            }
            (
                RunEvent::StepStarting {
                    attempt,
                    key,
                    image_id,
                    inputs,
                    deadline,
                    ..
                },
                StepState::Pending | StepState::Waiting { .. },
            ) => {
                if *attempt != self.last_attempt() + 1 {
                    return Applied::Ignored("not the next attempt");
                }
                self.key = Some(key.clone());
                self.image_id = image_id.clone();
                self.inputs = inputs.clone();
                self.last_lines.clear();
                self.drifted = None;
                self.started_at.get_or_insert(at);
                StepState::Running {
                    attempt: *attempt,
                    deadline: *deadline,
                }
            }
            (
                RunEvent::StepEnded {
                    attempt,
                    exit,
                    last_lines,
                    drifted,
                    ..
                },
                StepState::Running {
                    attempt: current,
                    deadline,
                },
            ) => {
                if attempt != current {
                    return Applied::Ignored("an attempt that no longer counts");
                }
                let ended = StepState::Ended {
                    attempt: *attempt,
                    exit: exit.clone(),
                    at,
                    deadline: *deadline,
                };
                self.last_lines = last_lines.clone();
                self.drifted = drifted.clone();
                ended
            }
            (
                RunEvent::StepPublished {
                    attempt,
                    outputs,
                    metrics,
                    ..
                },
                StepState::Ended {
                    attempt: current,
                    exit: Exit::Success,
                    ..
                },
            ) => {
                if attempt != current {
                    return Applied::Ignored("an attempt that no longer counts");
                }
                self.outputs = outputs.clone();
                self.metrics = metrics.clone();
                StepState::Succeeded { attempt: *attempt }
            }
            (
                RunEvent::StepFailed {
                    attempt,
                    reason,
                    retry_at,
                    ..
                },
                state,
            ) => {
                if matches!(state, StepState::Running { .. }) {
                    return Applied::Illegal("the step's program has not ended");
                }
                // Before its start the next attempt can fail too, but never an older one again.
                let before_start = matches!(state, StepState::Pending | StepState::Waiting { .. });
                let last = self.last_attempt();
                if *attempt != last && !(before_start && *attempt == last + 1) {
                    return Applied::Ignored("an attempt that no longer counts");
                }
                self.timed_out =
                    matches!(state, StepState::Ended { exit, at, deadline, .. } if exit.is_timeout(*at, *deadline));
                if let StepState::Ended { exit, .. } = state {
                    self.infrastructure_failures += u32::from(exit.is_infrastructure());
                    self.interruptions += u32::from(exit.is_interruption());
                }
                match retry_at {
                    Some(until) => StepState::Waiting {
                        attempt: *attempt,
                        until: *until,
                        reason: reason.clone(),
                    },
                    // Whatever it would have come to, it was not waited for.
                    None if cancelled => StepState::Cancelled {
                        attempt: *attempt,
                        reason: reason.clone(),
                    },
                    None => StepState::Failed {
                        attempt: *attempt,
                        reason: reason.clone(),
                    },
                }
            }
            (RunEvent::StepSkipped { cause, .. }, StepState::Pending | StepState::Waiting { .. }) => {
                StepState::Skipped { cause: cause.clone() }
            }
            (RunEvent::StepStarting { .. } | RunEvent::StepCached { .. }, _) => {
                return Applied::Ignored("already started");
            }
            (RunEvent::StepEnded { .. }, StepState::Ended { .. }) => return Applied::Ignored("already ended"),
            (RunEvent::StepEnded { .. }, _) => return Applied::Ignored("an attempt that no longer counts"),
            (RunEvent::StepPublished { .. }, _) => return Applied::Illegal("the step has not ended well"),
            (RunEvent::StepSkipped { .. }, _) => return Applied::Illegal("the step is at work"),
            _ => return Applied::Illegal("not an event of a step"),
        };
        if next.is_final() {
            self.ended_at = Some(at);
        }
        self.state = next;
        Applied::Applied
    }

    /// How the data drift, as the step says it of what it compared, a sentence each; `None` where it compared nothing.
    pub fn drift(&self) -> Option<Vec<String>> {
        let mut outputs = self.outputs.values();
        let said = outputs.find_map(|output| executor_output::drifted(&output.properties));
        said.or_else(|| self.drifted.clone())
    }

    /// The number of the newest attempt; 0 before the first.
    pub fn last_attempt(&self) -> u32 {
        match &self.state {
            StepState::Pending | StepState::Cached | StepState::Skipped { .. } => 0,
            StepState::Running { attempt, .. }
            | StepState::Ended { attempt, .. }
            | StepState::Waiting { attempt, .. }
            | StepState::Succeeded { attempt }
            | StepState::Failed { attempt, .. }
            | StepState::Cancelled { attempt, .. } => *attempt,
        }
    }
}
