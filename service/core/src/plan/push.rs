//! Where an approved model goes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where an approved model goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// A name of the service's `[targets]`.
    pub target: String,
    /// What is tried before the new version counts.
    pub infra_validation: InfraValidation,
    /// How long the new version may take for the sample request, as the median of ten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_latency_micros: Option<u64>,
    /// Whether a model made as of an older span than what serves is pushed, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_older_data: bool,
    /// Whether a person must approve it, too.
    #[serde(default, skip_serializing_if = "Approval::is_none")]
    pub approval: Approval,
    /// How long an approved model waits for that person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_seconds: Option<u64>,
}

/// Whether a person must approve what the gate approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// The gate's word is enough.
    #[default]
    None,
    /// It waits until a person approves it.
    Required,
}

impl Approval {
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

impl Push {
    /// [`Push::max_latency_micros`] as a duration.
    pub fn max_latency(&self) -> Option<Duration> {
        self.max_latency_micros.map(Duration::from_micros)
    }
}

/// TFX's infra validation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum InfraValidation {
    /// The server loads it.
    #[serde(rename = "LOAD_ONLY")]
    LoadOnly,
    /// And it answers sample rows as expected.
    #[default]
    #[serde(rename = "LOAD_AND_QUERY")]
    LoadAndQuery,
}
