//! Reading artifacts back, and the executions that may stand in for a new one.

use super::names::PARAMETER_PREFIX;
use super::properties::{self, Owner, Stored};
use crate::connection::{Connection, Row, args};
use crate::error::Result;
use crate::reads::Reads;
use crate::statement::statements;
use std::collections::BTreeMap;
use trainyard_core::artifact::{ArtifactRef, Digest};

statements! {
    BY_NAME = "SELECT a.id, a.name, t.name, a.uri FROM Artifact a JOIN Type t ON t.id = a.type_id
        WHERE a.name = $1 ORDER BY a.id LIMIT 1";
    BY_DIGEST = "SELECT a.id, a.name, t.name, a.uri
        FROM ArtifactProperty p JOIN Artifact a ON a.id = p.artifact_id JOIN Type t ON t.id = a.type_id
        WHERE p.name = 'digest' AND p.is_custom_property = TRUE AND p.string_value = $1 AND t.name = $2 AND a.state = 2
        ORDER BY a.id DESC LIMIT 1";
    NEWEST_WITH_KEY = "SELECT e.id, e.name
        FROM Type t JOIN Context c ON c.type_id = t.id JOIN Association l ON l.context_id = c.id
        JOIN Execution e ON e.id = l.execution_id
        WHERE t.name = 'execution_cache' AND t.type_kind = 2 AND c.name = $1 AND e.last_known_state = 3
            AND NOT EXISTS (SELECT 1 FROM Event v JOIN Artifact a ON a.id = v.artifact_id
                WHERE v.execution_id = e.id AND v.type = 4 AND a.state <> 2)
        ORDER BY e.last_update_time_since_epoch DESC, e.id DESC LIMIT 1";
    OUTPUTS = "SELECT a.id, a.name, t.name, a.uri, p.step_key
        FROM Event v JOIN EventPath p ON p.event_id = v.id AND p.is_index_step = FALSE
        JOIN Artifact a ON a.id = v.artifact_id JOIN Type t ON t.id = a.type_id
        WHERE v.execution_id = $1 AND v.type = 4";
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

impl Reads {
    /// The newest COMPLETE execution with this cache key whose outputs are all LIVE.
    pub async fn cached_outputs(&self, key: &str) -> Result<Option<CachedExecution>> {
        let mut db = self.reader().await?;
        let Some(found) = db.row(NEWEST_WITH_KEY, args![key]).await? else {
            return Ok(None);
        };
        let execution: i64 = found.get(0)?;
        let mut outputs = BTreeMap::new();
        for row in db.rows(OUTPUTS, args![execution]).await? {
            match artifact_ref(&mut db, &row).await? {
                Some(artifact) => outputs.insert(row.get(4)?, artifact),
                // Another program's execution: without a digest its bytes cannot be trusted.
                None => return Ok(None),
            };
        }
        let measured = properties::read(&mut db, Owner::Execution(execution)).await?;
        let said = |p: &properties::Property| p.custom && !p.name.starts_with(PARAMETER_PREFIX);
        let metrics = measured.into_iter().filter(said).filter_map(|p| match p.value {
            Stored::Double(value) => Some((p.name, value)),
            _ => None,
        });
        Ok(Some(CachedExecution {
            execution_name: found.get(1)?,
            outputs,
            metrics: metrics.collect(),
        }))
    }

    /// An artifact by its unique name.
    pub async fn artifact(&self, name: &str) -> Result<Option<ArtifactRef>> {
        let mut db = self.reader().await?;
        match db.row(BY_NAME, args![name]).await? {
            Some(row) => artifact_ref(&mut db, &row).await,
            None => Ok(None),
        }
    }

    /// The newest LIVE artifact of a type with this content.
    pub async fn artifact_by_digest(&self, type_name: &str, digest: &Digest) -> Result<Option<ArtifactRef>> {
        let mut db = self.reader().await?;
        match db.row(BY_DIGEST, args![digest.as_str(), type_name]).await? {
            Some(row) => artifact_ref(&mut db, &row).await,
            None => Ok(None),
        }
    }
}

/// The artifact of a row that begins with id, name, type name and uri; `None` without a digest.
pub(super) async fn artifact_ref(db: &mut Connection, row: &Row) -> Result<Option<ArtifactRef>> {
    let mut digest = None;
    let mut said = serde_json::Map::new();
    for property in properties::read(db, Owner::Artifact(row.get(0)?)).await? {
        match (property.custom, property.name.as_str(), &property.value) {
            (true, "digest", Stored::Text(text)) => digest = Digest::parse(text).ok(),
            (true, name, _) if properties::is_service(name) => {}
            _ => drop(said.insert(property.name, property.value.into_json())),
        }
    }
    let Some(digest) = digest else { return Ok(None) };
    Ok(Some(ArtifactRef {
        name: row.get(1)?,
        type_name: row.get(2)?,
        digest,
        uri: row.optional(3)?.unwrap_or_default(),
        properties: said,
    }))
}
