//! What ML Metadata learns, one thing at a time, in the transaction of what it is about.

use super::names::{ExecutionIdentity, milliseconds};
use super::nodes::{self, CACHED, CANCELED, COMPLETE, FAILED, RUNNING};
use super::properties::{self, Owner};
use crate::connection::Connection;
use crate::error::Result;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::ids::Micros;

/// A program is about to start: RUNNING, with INPUT events.
#[derive(Clone, Debug, PartialEq)]
pub struct StartExecution {
    /// Which.
    pub identity: ExecutionIdentity,
    /// Input name to artifact.
    pub inputs: BTreeMap<String, ArtifactRef>,
    /// The execution's custom properties.
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
    /// What a program that is about to start may look at although nothing it makes depends on it: INTERNAL_INPUT
    /// events, outside of lineage.
    Remember {
        /// Which.
        identity: ExecutionIdentity,
        /// Input name to artifact.
        inputs: BTreeMap<String, ArtifactRef>,
        /// When.
        at: Micros,
    },
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
        /// The cache key under which this, too, is found; `None` leaves that to the earlier execution.
        key: Option<String>,
        /// The execution's custom properties.
        properties: Map<String, Value>,
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
    /// A person made a model serve, or approved it: a COMPLETE execution of no run, in the node `pipeline.node`.
    ByHand {
        /// The execution's type: `Pusher` or `Gate`.
        component: String,
        /// What was done: `rollback` or `promote`.
        node: String,
        /// The execution's name; unique.
        name: String,
        /// The pipeline that owns the target.
        pipeline: String,
        /// The model.
        inputs: BTreeMap<String, ArtifactRef>,
        /// What came of it.
        outputs: BTreeMap<String, ArtifactRef>,
        /// The execution's custom properties.
        properties: Map<String, Value>,
        /// When.
        at: Micros,
    },
}

/// Stores one thing in the caller's transaction.
pub(crate) async fn record(db: &mut Connection, write: &MetadataWrite) -> Result<()> {
    match write {
        MetadataWrite::StartExecution(start) => {
            let ms = milliseconds(start.at);
            let place = nodes::execution(db, &start.identity, RUNNING, ms).await?;
            properties::write_custom(db, Owner::Execution(place.execution), &start.properties).await?;
            nodes::inputs(db, &place, &start.inputs, ms).await
        }
        MetadataWrite::Remember { identity, inputs, at } => {
            let ms = milliseconds(*at);
            let place = nodes::execution(db, identity, RUNNING, ms).await?;
            nodes::internal_inputs(db, &place, inputs, ms).await
        }
        MetadataWrite::Publish(publish) => {
            let ms = milliseconds(publish.at);
            let place = nodes::execution(db, &publish.identity, COMPLETE, ms).await?;
            properties::write_custom(db, Owner::Execution(place.execution), &publish.properties).await?;
            nodes::outputs(db, &place, &publish.outputs, ms).await?;
            match &publish.cache_key {
                Some(key) => nodes::cache_context(db, &place, key, ms).await,
                None => Ok(()),
            }
        }
        MetadataWrite::Cached {
            identity,
            inputs,
            outputs,
            key,
            properties,
            at,
        } => {
            let ms = milliseconds(*at);
            let place = nodes::execution(db, identity, CACHED, ms).await?;
            properties::write_custom(db, Owner::Execution(place.execution), properties).await?;
            nodes::inputs(db, &place, inputs, ms).await?;
            nodes::outputs(db, &place, outputs, ms).await?;
            match key {
                Some(key) => nodes::cache_context(db, &place, key, ms).await,
                None => Ok(()),
            }
        }
        MetadataWrite::End {
            identity,
            state,
            reason,
            at,
        } => {
            let state = match state {
                EndState::Failed => FAILED,
                EndState::Canceled => CANCELED,
            };
            let place = nodes::execution(db, identity, state, milliseconds(*at)).await?;
            let reason = Map::from_iter([("reason".to_owned(), Value::from(reason.as_str()))]);
            properties::write_custom(db, Owner::Execution(place.execution), &reason).await
        }
        MetadataWrite::ByHand {
            component,
            node,
            name,
            pipeline,
            inputs,
            outputs,
            properties,
            at,
        } => {
            let ms = milliseconds(*at);
            let place = nodes::by_hand(db, component, node, name, pipeline, ms).await?;
            properties::write_custom(db, Owner::Execution(place.execution), properties).await?;
            nodes::inputs(db, &place, inputs, ms).await?;
            nodes::outputs(db, &place, outputs, ms).await
        }
    }
}
