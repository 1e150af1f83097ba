//! What a run is expected to do, as far as that is known before its first program starts: what runs, what an earlier
//! execution stands in for and why, and how long it takes.

use crate::ids::{RunId, StepName};
use crate::plan::Plan;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is expected of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Of each step, in the plan's order.
    pub steps: IndexMap<StepName, Expected>,
    /// Of each image to build whether it is there already; those of which nobody knows are not in it.
    #[serde(default)]
    pub images: IndexMap<String, bool>,
    /// How long it takes.
    #[serde(default)]
    pub estimate: Estimate,
    /// Where things are in the pipeline file: `steps.train`, `gate`, … to its line, from 1.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lines: BTreeMap<String, u32>,
}

/// What is expected of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "expected", rename_all = "snake_case")]
pub enum Expected {
    /// An earlier execution stands in: nothing that its result depends on is different.
    Cached {
        /// The run that made it.
        run: RunId,
    },
    /// It runs.
    Runs {
        /// Why.
        because: Because,
    },
    /// Nobody knows yet.
    Open {
        /// What is to be known first.
        until: Until,
    },
}

/// Why a step runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Because {
    /// Its file says `cache: false`.
    NoCache,
    /// It has never run before.
    New,
    /// It depends on something that is different.
    Changed {
        /// What, in the words of [`crate::cache_key::explain`]; empty where the earlier one came to no result.
        parts: Vec<String>,
    },
    /// What it made before is no longer kept.
    Gone,
}

/// What must be known before a step's key is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "until", rename_all = "snake_case")]
pub enum Until {
    /// What this step makes.
    Step {
        /// The step.
        step: StepName,
    },
    /// This image is built.
    Image {
        /// Its name in the plan.
        image: String,
    },
    /// Its image is on the machine.
    Pulled,
    /// Its data or files can be read.
    Inputs,
    /// It is looked up when the step's turn comes.
    Turn,
}

/// How long a run takes, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// All of it, without building images; `None` where no step that may run has a history.
    pub seconds: Option<u64>,
    /// What each step that may run usually takes; those without a history are not in it.
    #[serde(default)]
    pub steps: IndexMap<StepName, u64>,
}

impl Forecast {
    /// What is known of a plan before anything was looked up.
    pub fn unlooked(plan: &Plan) -> Self {
        let step = |(name, step): (&StepName, &crate::plan::PlannedStep)| {
            let expected = match step.cache {
                true => Expected::Open { until: Until::Turn },
                false => Expected::Runs {
                    because: Because::NoCache,
                },
            };
            (name.clone(), expected)
        };
        Self {
            steps: plan.steps.iter().map(step).collect(),
            ..Self::default()
        }
    }

    /// Steps that an earlier execution stands in for.
    pub fn cached(&self) -> usize {
        let cached = |expected: &&Expected| matches!(expected, Expected::Cached { .. });
        self.steps.values().filter(cached).count()
    }

    /// Steps that run for certain.
    pub fn certain(&self) -> usize {
        let runs = |expected: &&Expected| matches!(expected, Expected::Runs { .. });
        self.steps.values().filter(runs).count()
    }
}

/// Of more differences only these are told.
const MAX_PARTS: usize = 3;

impl Because {
    /// Why a step runs.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoCache => "its file says `cache: false`".to_owned(),
            Self::New => "it has not run before".to_owned(),
            Self::Changed { parts } if parts.is_empty() => "nothing like it has come to a result yet".to_owned(),
            Self::Changed { parts } if parts.len() > MAX_PARTS => {
                format!(
                    "{}; and {} more",
                    parts[..MAX_PARTS].join("; "),
                    parts.len() - MAX_PARTS
                )
            }
            Self::Changed { parts } => parts.join("; "),
            Self::Gone => "what it made before is no longer kept".to_owned(),
        }
    }
}

impl Until {
    /// What must be known before it is known whether a step runs.
    pub fn sentence(&self) -> String {
        match self {
            Self::Step { step } => format!("it depends on what step '{step}' makes"),
            Self::Image { image } => format!("it depends on the image '{image}', which is built first"),
            Self::Pulled => "its image is not on this machine yet".to_owned(),
            Self::Inputs => "what it reads cannot be read yet".to_owned(),
            Self::Turn => "it is looked up when its turn comes".to_owned(),
        }
    }
}
