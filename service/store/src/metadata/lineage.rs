//! Walking the graph of artifacts and executions.

use super::nodes::{artifact_state, execution_state};
use crate::connection::args;
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::statement::statements;
use serde::Serialize;
use trainyard_core::artifact::Digest;

/// `found` holds each node within `$2` hops of the artifact `$1` with its shortest distance; `$3` is the
/// direction. An INPUT event (3) leads downstream from an artifact, an OUTPUT event (4) upstream.
macro_rules! walk {
    ($select:literal) => {
        concat!(
            "WITH RECURSIVE walk (is_artifact, id, distance) AS (
                SELECT 1, a.id, 0 FROM Artifact a WHERE a.name = $1
                UNION
                SELECT 1 - w.is_artifact, CASE WHEN w.is_artifact = 1 THEN v.execution_id ELSE v.artifact_id END, w.distance + 1
                FROM walk w JOIN Event v
                    ON (w.is_artifact = 1 AND v.artifact_id = w.id) OR (w.is_artifact = 0 AND v.execution_id = w.id)
                WHERE w.distance < CAST($2 AS BIGINT) AND (
                    (v.type = 3 + w.is_artifact AND CAST($3 AS BIGINT) <> 2)
                    OR (v.type = 4 - w.is_artifact AND CAST($3 AS BIGINT) <> 1))
            ), found AS (SELECT is_artifact, id, MIN(distance) AS distance FROM walk GROUP BY is_artifact, id) ",
            $select
        )
    };
}

statements! {
    NODES = walk!("SELECT f.is_artifact, f.distance, COALESCE(a.name, e.name, ''), t.name, a.uri,
            COALESCE(a.state, e.last_known_state, 0), p.string_value, c.string_value, i.string_value
        FROM found f
        LEFT JOIN Artifact a ON f.is_artifact = 1 AND a.id = f.id
        LEFT JOIN Execution e ON f.is_artifact = 0 AND e.id = f.id
        JOIN Type t ON t.id = COALESCE(a.type_id, e.type_id)
        LEFT JOIN ArtifactProperty p ON p.artifact_id = a.id AND p.name = 'digest' AND p.is_custom_property = TRUE
        LEFT JOIN ExecutionProperty c ON c.execution_id = e.id AND c.name = 'commit' AND c.is_custom_property = TRUE
        LEFT JOIN ExecutionProperty i ON i.execution_id = e.id AND i.name = 'image_id' AND i.is_custom_property = TRUE
        ORDER BY f.distance, 3");
    EDGES = walk!("SELECT v.type, COALESCE(a.name, ''), COALESCE(e.name, ''), COALESCE(p.step_key, '')
        FROM found fa JOIN Event v ON v.artifact_id = fa.id
        JOIN found fe ON fe.is_artifact = 0 AND fe.id = v.execution_id
        JOIN Artifact a ON a.id = v.artifact_id JOIN Execution e ON e.id = v.execution_id
        LEFT JOIN EventPath p ON p.event_id = v.id AND p.is_index_step = FALSE
        WHERE fa.is_artifact = 1 AND v.type IN (3, 4)
        ORDER BY v.id, 4");
}

/// Which way to walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To what it was made of.
    Upstream,
    /// To what was made of it.
    Downstream,
    /// Both, at every node.
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
        /// The commit of its code; `None` without a repository.
        #[serde(skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// The image it ran in.
        #[serde(skip_serializing_if = "Option::is_none")]
        image_id: Option<String>,
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

impl Direction {
    fn number(self) -> i64 {
        match self {
            Self::Bidirectional => 0,
            Self::Upstream => 1,
            Self::Downstream => 2,
        }
    }
}

/// Nobody reads further, and a walk both ways revisits nodes.
const MOST_HOPS: u32 = 100;

impl Reads {
    /// The surroundings of an artifact; one hop goes from an artifact over an event to an execution
    /// or back. At most 100 hops. `NotFound` for an unknown name.
    pub async fn lineage(&self, name: &str, direction: Direction, hops: u32) -> Result<LineageGraph> {
        let arguments = args![name, hops.min(MOST_HOPS), direction.number()];
        let mut db = self.reader().await?;
        let mut graph = LineageGraph::default();
        for row in db.rows(NODES, arguments.clone()).await? {
            let distance = u32::try_from(row.count(1)?).unwrap_or(u32::MAX);
            let (name, type_name, state) = (row.get(2)?, row.get(3)?, row.get(5)?);
            graph.nodes.push(if row.get::<i64>(0)? == 1 {
                let digest = row.optional::<String>(6)?.and_then(|text| Digest::parse(&text).ok());
                let uri = row.optional(4)?.unwrap_or_default();
                LineageNode::Artifact {
                    name,
                    type_name,
                    digest,
                    uri,
                    state: artifact_state(state).to_owned(),
                    distance,
                }
            } else {
                LineageNode::Execution {
                    name,
                    type_name,
                    state: execution_state(state).to_owned(),
                    commit: row.optional(7)?,
                    image_id: row.optional(8)?,
                    distance,
                }
            });
        }
        if graph.nodes.is_empty() {
            return Err(StoreError::NotFound(format!("there is no artifact '{name}'")));
        }
        for row in db.rows(EDGES, arguments).await? {
            let (artifact, execution, key) = (row.get(1)?, row.get(2)?, row.get(3)?);
            graph.edges.push(if row.get::<i64>(0)? == 3 {
                LineageEdge {
                    from: artifact,
                    to: execution,
                    key,
                }
            } else {
                LineageEdge {
                    from: execution,
                    to: artifact,
                    key,
                }
            });
        }
        Ok(graph)
    }
}
