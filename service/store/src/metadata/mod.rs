//! ML Metadata: the lineage of artifacts in the exact tables of ml-metadata, schema version 10.

use crate::error::Result;
use crate::store::Store;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_core::ids::{Micros, RunId, StepName};

/// Which execution; a retry of the step is the same execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionIdentity {
    /// The run: the name of the `pipeline_run` context.
    pub run: RunId,
    /// The pipeline: the name of the `pipeline` context.
    pub pipeline: String,
    /// The step: the `node` context is named `pipeline.step`.
    pub step: StepName,
    /// The execution's type name.
    pub component: String,
}

impl ExecutionIdentity {
    /// MLMD's unique execution name, `<run>/<step>`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.run, self.step)
    }
}

/// A program is about to start: RUNNING, with INPUT events.
#[derive(Clone, Debug, PartialEq)]
pub struct StartExecution {
    /// Which.
    pub identity: ExecutionIdentity,
    /// Input name to artifact.
    pub inputs: BTreeMap<String, ArtifactRef>,
    /// The execution's properties.
    pub properties: Map<String, Value>,
    /// When.
    pub at: Micros,
}

/// A program ended well: COMPLETE, with LIVE artifacts and OUTPUT events.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishExecution {
    /// Which.
    pub identity: ExecutionIdentity,
    /// The cache key under which a later run may find it.
    pub cache_key: Option<String>,
    /// Output name to artifact.
    pub outputs: BTreeMap<String, ArtifactRef>,
    /// What it measured or decided: custom properties; the numbers among them are its metrics.
    pub properties: Map<String, Value>,
    /// When.
    pub at: Micros,
}

/// How an execution came to a bad end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndState {
    /// It failed.
    Failed,
    /// It was not needed, or somebody ended it.
    Canceled,
}

/// One thing ML Metadata learns; every one may be repeated.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataWrite {
    /// A program is about to start.
    StartExecution(StartExecution),
    /// A program ended well.
    Publish(PublishExecution),
    /// An earlier execution stands in: CACHED, with OUTPUT events to the old artifacts.
    Cached {
        /// Which.
        identity: ExecutionIdentity,
        /// Input name to artifact.
        inputs: BTreeMap<String, ArtifactRef>,
        /// Output name to the earlier execution's artifact.
        outputs: BTreeMap<String, ArtifactRef>,
        /// The cache key.
        key: String,
        /// When.
        at: Micros,
    },
    /// An execution came to a bad end.
    End {
        /// Which.
        identity: ExecutionIdentity,
        /// How.
        state: EndState,
        /// One sentence, the property `reason`.
        reason: String,
        /// When.
        at: Micros,
    },
    /// An artifact that no execution made, for example ExternalData.
    Import(ArtifactRef),
}

/// An earlier execution that may stand in.
#[derive(Clone, Debug, PartialEq)]
pub struct CachedExecution {
    /// Its name, `<run>/<step>`.
    pub execution_name: String,
    /// Output name to artifact.
    pub outputs: BTreeMap<String, ArtifactRef>,
    /// What it measured.
    pub metrics: BTreeMap<String, f64>,
}

/// Which way to walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To what it was made of.
    Upstream,
    /// To what was made of it.
    Downstream,
    /// Both.
    Bidirectional,
}

/// Artifacts and executions around an artifact.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LineageGraph {
    /// Ordered by distance, then name.
    pub nodes: Vec<LineageNode>,
    /// From an execution to its output, or from an artifact to the execution that read it.
    pub edges: Vec<LineageEdge>,
}

/// An artifact or an execution.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "node", rename_all = "snake_case")]
pub enum LineageNode {
    /// An artifact.
    Artifact {
        /// Its unique name.
        name: String,
        /// Its type.
        type_name: String,
        /// Its content; `None` if another program wrote it.
        digest: Option<Digest>,
        /// Where the bytes are.
        uri: String,
        /// MLMD's state, for example `LIVE`.
        state: String,
        /// Hops from the start.
        distance: u32,
    },
    /// An execution.
    Execution {
        /// Its unique name, `<run>/<step>`.
        name: String,
        /// Its type.
        type_name: String,
        /// MLMD's state, for example `COMPLETE`.
        state: String,
        /// Hops from the start.
        distance: u32,
    },
}

/// An arrow in the direction of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineageEdge {
    /// The name of the node the data comes from.
    pub from: String,
    /// The name of the node the data goes to.
    pub to: String,
    /// The input's or output's name.
    pub key: String,
}

impl Store {
    /// The newest COMPLETE execution with this cache key, if all its outputs are LIVE.
    pub async fn cached_outputs(&self, key: &str) -> Result<Option<CachedExecution>> {
        let _ = key;
        self.unwritten()
    }

    /// An artifact by its unique name.
    pub async fn artifact(&self, name: &str) -> Result<Option<ArtifactRef>> {
        let _ = name;
        self.unwritten()
    }

    /// The newest LIVE artifact of a type with this content.
    pub async fn artifact_by_digest(&self, type_name: &str, digest: &Digest) -> Result<Option<ArtifactRef>> {
        let _ = (type_name, digest);
        self.unwritten()
    }

    /// The surroundings of an artifact; one hop goes from an artifact over an event to an execution
    /// or back. `NotFound` for an unknown name.
    pub async fn lineage(&self, name: &str, direction: Direction, hops: u32) -> Result<LineageGraph> {
        let _ = (name, direction, hops);
        self.unwritten()
    }

    /// The bytes are gone: the artifact becomes DELETED and no cache hit uses it.
    pub async fn mark_artifact_deleted(&self, name: &str, at: Micros) -> Result<()> {
        let _ = (name, at);
        self.unwritten()
    }
}
