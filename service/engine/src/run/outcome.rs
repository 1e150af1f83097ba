//! What a command leads to.

use crate::house::exclusive::ExclusiveGuard;
use crate::house::locks::InUse;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::ids::Micros;
use trainyard_core::registry::NewPromotion;
use trainyard_core::run::RunEvent;
use trainyard_store::{EndState, ExecutionIdentity, MetadataWrite, PublishExecution, StartExecution};

/// What came of a command: events to append, with what must be stored in the same transaction.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<RunEvent>,
    pub(crate) metadata: Vec<MetadataWrite>,
    pub(crate) promotion: Option<NewPromotion>,
    /// The lock on push targets: held until the promotion is in the ledger, where the next one looks.
    pub(crate) lock: Option<ExclusiveGuard>,
    /// Keeps what was found or published from being collected until the events say who uses it.
    pub(crate) in_use: Option<InUse>,
}

impl Outcome {
    pub(crate) fn event(event: RunEvent) -> Self {
        Self {
            events: vec![event],
            ..Self::default()
        }
    }
}

/// An execution that read and made something at once.
pub(crate) fn execution(
    identity: ExecutionIdentity,
    inputs: BTreeMap<String, ArtifactRef>,
    outputs: BTreeMap<String, ArtifactRef>,
    properties: Map<String, Value>,
    at: Micros,
) -> [MetadataWrite; 2] {
    let start = StartExecution {
        identity: identity.clone(),
        inputs,
        properties: Map::new(),
        at,
    };
    let publish = PublishExecution {
        identity,
        cache_key: None,
        outputs,
        properties,
        at,
    };
    [MetadataWrite::StartExecution(start), MetadataWrite::Publish(publish)]
}

/// A FAILED execution with what it read.
pub(crate) fn failed_execution(
    identity: ExecutionIdentity,
    inputs: BTreeMap<String, ArtifactRef>,
    reason: &str,
    at: Micros,
) -> Vec<MetadataWrite> {
    let start = StartExecution {
        identity: identity.clone(),
        inputs,
        properties: Map::new(),
        at,
    };
    let end = MetadataWrite::End {
        identity,
        state: EndState::Failed,
        reason: reason.to_owned(),
        at,
    };
    vec![MetadataWrite::StartExecution(start), end]
}
