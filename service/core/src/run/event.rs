//! What can happen to a run. Stored in order; the run is their fold.

use super::{Drift, Forecast, RunState, SkipCause, Withheld, Word};
use crate::artifact::{ArtifactRef, Digest};
use crate::gate::{GateReplay, Verdict};
use crate::ids::{Micros, StepName};
use crate::span::AsOf;
use crate::stored::{Stored, StoredError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The signals by which others end a program; of a crash it gets another one.
pub const ENDS: [i32; 5] = [1, 2, 3, 9, 15];

/// How a step's program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Exit {
    /// With code 0.
    Success,
    /// With another code. 128 and a signal's number is what a program's parent made of a signal, or the program itself.
    Code {
        /// The exit code.
        code: i32,
        /// The line of its log that says why, mostly the last one.
        last_line: Option<String>,
    },
    /// Killed for using more memory than allowed.
    OutOfMemory {
        /// The bytes that were allowed; absent in what older versions wrote, and where there was no limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
    },
    /// Stopped by a signal: its own crash, or somebody outside. Of ours, after a timeout or cancel, older versions
    /// wrote the same.
    Signal {
        /// The signal's number.
        signal: i32,
        /// The line of its log that says most; absent in what older versions wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_line: Option<String>,
    },
    /// It could not be started.
    NotStarted {
        /// One sentence.
        reason: String,
        /// Whether another attempt could help.
        permanent: bool,
    },
    /// It disappeared: removed by somebody, or lost with its engine, which was restarted under it.
    Lost {
        /// What is known of it, without a subject; absent in what older versions wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The engine had its image no more when it was to start.
    ImageGone {
        /// The image's id.
        image_id: String,
    },
    /// It failed, and the disk with its outputs had no room left.
    DiskFull {
        /// The last line it wrote, if any.
        last_line: Option<String>,
    },
    /// Its outputs took more room on the disk than a step may take.
    OutputsTooLarge {
        /// The bytes that were there.
        bytes: u64,
        /// The bytes that may be there.
        limit: u64,
    },
}

impl Exit {
    /// Whether the program's last words were those of `ENOSPC`, and not about its own `/tmp`, whose size is fixed.
    fn says_full_disk(&self) -> bool {
        const ENOSPC: &str = "No space left on device";
        matches!(self, Self::Code { last_line: Some(line), .. } if line.contains(ENOSPC) && !line.contains("/tmp/"))
    }

    /// Whether the program's last words were those of `EFBIG`, or it ended as by `SIGXFSZ`.
    pub fn says_large_file(&self) -> bool {
        const EFBIG: &str = "File too large";
        const BY_SIGXFSZ: i32 = 128 + 25;
        match self {
            Self::Code { code, last_line } => {
                *code == BY_SIGXFSZ || last_line.as_ref().is_some_and(|line| line.contains(EFBIG))
            }
            _ => false,
        }
    }

    /// Whether the disk was full: a fact, or the program's own word.
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::DiskFull { .. }) || self.says_full_disk()
    }

    /// Whether we ended the program because its time was up: what others end is a signal, what we end has the code of one.
    pub fn is_timeout(&self, at: Micros, deadline: Micros) -> bool {
        at >= deadline && matches!(self, Self::Code { code: 137 | 143, .. })
    }

    /// Whether something outside ended the program or kept it from starting: its engine, its machine or a person.
    pub fn is_interruption(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::NotStarted { permanent: false, .. } => true,
            Self::Signal { signal, .. } => ENDS.contains(signal),
            _ => false,
        }
    }

    /// Whether it was the service's trouble, and none of the step's: such an attempt does not count among those
    /// that the step's retry policy has.
    pub fn is_infrastructure(&self) -> bool {
        self.is_full_disk() || matches!(self, Self::ImageGone { .. }) || self.is_interruption()
    }
}

/// One thing that happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// It was admitted; the model to compare with is fixed from here on.
    Started {
        /// The baseline model, if there is one.
        baseline: Option<ArtifactRef>,
    },
    /// What it is expected to do was looked up; stored before any program starts.
    Planned {
        /// What.
        forecast: Forecast,
    },
    /// What earlier runs have seen of the sources that an event announced a span of: this run sees that, too.
    SpansSeen {
        /// The newest span by source, as a number.
        seen: BTreeMap<String, i64>,
    },
    /// A step's window was read.
    WindowRead {
        /// The data source.
        source: String,
        /// The newest span of it that the run saw.
        as_of: AsOf,
    },
    /// An image is ready.
    ImageBuilt {
        /// Its name in the plan.
        image: String,
        /// Its content key.
        key: String,
        /// The id it runs by.
        image_id: String,
        /// Whether nothing had to be built.
        reused: bool,
    },
    /// An image cannot be built.
    ImageFailed {
        /// Its name in the plan.
        image: String,
        /// One sentence.
        reason: String,
        /// The end of the build's output.
        last_lines: Vec<String>,
        /// The line of the Dockerfile that failed, from 1, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u32>,
    },
    /// An earlier execution stands in for the step.
    StepCached {
        /// The step.
        step: StepName,
        /// The cache key.
        key: String,
        /// The inputs it would have read.
        inputs: BTreeMap<String, ArtifactRef>,
        /// The earlier execution's outputs.
        outputs: BTreeMap<String, ArtifactRef>,
        /// The earlier execution's metrics.
        #[serde(default)]
        metrics: BTreeMap<String, f64>,
    },
    /// The step's program is about to start: stored before it does.
    StepStarting {
        /// The step.
        step: StepName,
        /// From 1.
        attempt: u32,
        /// The cache key.
        key: String,
        /// The image id, where the executor has images.
        image_id: Option<String>,
        /// What it reads.
        inputs: BTreeMap<String, ArtifactRef>,
        /// When it is stopped.
        deadline: Micros,
    },
    /// The step's program ended.
    StepEnded {
        /// The step.
        step: StepName,
        /// The attempt.
        attempt: u32,
        /// How.
        exit: Exit,
        /// The end of its log, unless it ended well; empty in what older versions wrote.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        last_lines: Vec<String>,
        /// How the data drift, as it said before it ended badly; `None` where it said nothing of that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        drifted: Option<Vec<String>>,
    },
    /// The step's outputs are stored and recorded.
    StepPublished {
        /// The step.
        step: StepName,
        /// The attempt.
        attempt: u32,
        /// Output name to artifact.
        outputs: BTreeMap<String, ArtifactRef>,
        /// What the component measured.
        #[serde(default)]
        metrics: BTreeMap<String, f64>,
    },
    /// The attempt failed.
    StepFailed {
        /// The step.
        step: StepName,
        /// The attempt; 0 when it failed before the first one.
        attempt: u32,
        /// One sentence.
        reason: String,
        /// When the next attempt is due; `None` is final.
        retry_at: Option<Micros>,
    },
    /// The step will not run.
    StepSkipped {
        /// The step.
        step: StepName,
        /// Why.
        cause: SkipCause,
    },
    /// The gate judged the candidate.
    GateJudged {
        /// Its answer.
        verdict: Verdict,
        /// The content it judged; absent in what older versions wrote, where it is the run's candidate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<Digest>,
        /// The ModelBlessing that says so, as ML Metadata knows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blessing: Option<ArtifactRef>,
    },
    /// The gate that the pull request proposes judged the same candidate, and recorded runs.
    GateReplayed {
        /// What would be different.
        replay: GateReplay,
    },
    /// The approved model is served.
    ModelPushed {
        /// The push target.
        target: String,
        /// The version the server knows it by.
        version: String,
        /// Where it was written.
        destination: String,
        /// The model.
        model: ArtifactRef,
        /// What was found in its place, where the target was to serve this very model already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restored: Option<Drift>,
    },
    /// The approved model could not be pushed; what served before still serves.
    PushFailed {
        /// One sentence.
        reason: String,
    },
    /// The approved model was kept back, although nothing went wrong; what served before still serves.
    PushWithheld {
        /// Why.
        because: Withheld,
    },
    /// The model is approved by the gate, and waits for a person's word before it is pushed.
    ApprovalRequested {
        /// How long it waits.
        seconds: u64,
    },
    /// A person said yes to what the run waited for.
    Approved {
        /// Who and why.
        word: Word,
    },
    /// A person said no to the commit of a fork; of a model that is [`Withheld::Rejected`].
    Rejected {
        /// Who and why.
        word: Word,
    },
    /// Somebody asked for the end.
    CancelRequested {
        /// Who or what.
        by: String,
    },
    /// The run is over.
    Finished {
        /// How.
        state: RunState,
        /// One sentence for listings.
        summary: String,
        /// Numbers that listings show, for example the candidate's `auc`.
        #[serde(default)]
        metrics: Map<String, Value>,
    },
}

/// The kinds of events: a new one does not compile before it is here.
macro_rules! kinds {
    ($($variant:ident = $name:literal,)*) => {
        impl RunEvent {
            /// Every kind, as it is stored.
            pub const KINDS: &[&str] = &[$($name),*];

            /// The kind, as it is stored.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)*
                }
            }
        }
    };
}

kinds! {
    Started = "started",
    Planned = "planned",
    SpansSeen = "spans_seen",
    WindowRead = "window_read",
    ImageBuilt = "image_built",
    ImageFailed = "image_failed",
    StepCached = "step_cached",
    StepStarting = "step_starting",
    StepEnded = "step_ended",
    StepPublished = "step_published",
    StepFailed = "step_failed",
    StepSkipped = "step_skipped",
    GateJudged = "gate_judged",
    GateReplayed = "gate_replayed",
    ModelPushed = "model_pushed",
    PushFailed = "push_failed",
    PushWithheld = "push_withheld",
    ApprovalRequested = "approval_requested",
    Approved = "approved",
    Rejected = "rejected",
    CancelRequested = "cancel_requested",
    Finished = "finished",
}

impl Stored for RunEvent {
    const WHAT: &'static str = "run event";
    const VERSION: u32 = 4;

    fn upgrade(from: u32, mut value: Value) -> Result<Value, StoredError> {
        // Version 3 knew no run that waits for a person.
        // Version 2 knew no model that was kept back, no unchanged one, and no spans that a run had seen.
        // Version 1 said in words only why a step was skipped.
        if from < 2
            && value["event"] == "step_skipped"
            && let Some(reason) = value.as_object_mut().and_then(|fields| fields.shift_remove("reason"))
        {
            value["cause"] = json!({ "recorded": reason });
        }
        Ok(value)
    }
}
