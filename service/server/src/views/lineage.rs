//! The surroundings of an artifact in ML Metadata.

use serde::Serialize;
use trainyard_store::{LineageEdge, LineageGraph, LineageNode};
use utoipa::ToSchema;

/// Artifacts and executions around an artifact.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Lineage {
    /// Ordered by distance; `node` is `artifact` or `execution`.
    #[schema(value_type = Vec<Object>)]
    pub nodes: Vec<LineageNode>,
    /// In the direction of the data: `from`, `to` and the input's or output's name `key`.
    #[schema(value_type = Vec<Object>)]
    pub edges: Vec<LineageEdge>,
}

impl From<LineageGraph> for Lineage {
    fn from(graph: LineageGraph) -> Self {
        Self {
            nodes: graph.nodes,
            edges: graph.edges,
        }
    }
}
