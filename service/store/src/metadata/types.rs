//! Types: TFX's names with TFX's properties, registered once. They never grow, so that another
//! program's strict registration of the same type passes.

use crate::connection::{Connection, args};
use crate::error::{Result, StoreError};
use crate::memory::Key;
use crate::statement::statements;
use futures_util::future::BoxFuture;
use std::collections::HashMap;

/// MLMD's `TypeKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Execution = 0,
    Artifact = 1,
    Context = 2,
}

/// MLMD's `PropertyType`.
const UNDECLARED: i64 = 0;
pub(crate) const INT: i64 = 1;
pub(crate) const DOUBLE: i64 = 2;
pub(crate) const STRING: i64 = 3;
pub(crate) const BOOLEAN: i64 = 6;

statements! {
    FIND = "SELECT MIN(id) FROM Type WHERE name = $1 AND type_kind = $2 AND version IS NULL";
    LOCK = "UPDATE MLMDEnv SET schema_version = schema_version";
    INSERT = "INSERT INTO Type (name, type_kind) VALUES ($1, $2) RETURNING id";
    INSERT_PARENT = "INSERT INTO ParentType (type_id, parent_type_id)
        SELECT CAST($1 AS BIGINT), id FROM Type WHERE name = $2 AND type_kind = $3
        ON CONFLICT (type_id, parent_type_id) DO NOTHING";
    DECLARED = "SELECT name, data_type FROM TypeProperty WHERE type_id = $1";
    DECLARE = "INSERT INTO TypeProperty (type_id, name, data_type) VALUES ($1, $2, $3)
        ON CONFLICT (type_id, name) DO NOTHING";
}

type Known = (Kind, &'static str, Option<&'static str>, &'static [(&'static str, i64)]);

const SPAN: &[(&str, i64)] = &[("span", INT), ("split_names", STRING)];

/// What is registered in every database: kind, name, MLMD's base type, and TFX's properties.
const KNOWN: &[Known] = &[
    (Kind::Context, "pipeline", None, &[]),
    (Kind::Context, "pipeline_run", None, &[]),
    (Kind::Context, "node", None, &[]),
    (Kind::Context, "execution_cache", None, &[]),
    (Kind::Artifact, "ExternalData", Some("mlmd.Dataset"), &[]),
    (
        Kind::Artifact,
        "Examples",
        Some("mlmd.Dataset"),
        &[("span", INT), ("version", INT), ("split_names", STRING)],
    ),
    (Kind::Artifact, "ExampleStatistics", Some("mlmd.Statistics"), SPAN),
    (Kind::Artifact, "Schema", None, &[]),
    (Kind::Artifact, "ExampleAnomalies", None, SPAN),
    (Kind::Artifact, "TransformGraph", None, &[]),
    (Kind::Artifact, "Model", Some("mlmd.Model"), &[]),
    (Kind::Artifact, "InferenceResult", None, &[]),
    (Kind::Artifact, "ModelEvaluation", Some("mlmd.Metrics"), &[]),
    (Kind::Artifact, "ModelBlessing", None, &[]),
    (Kind::Artifact, "InfraBlessing", None, &[]),
    (Kind::Artifact, "PushedModel", Some("mlmd.Model"), &[]),
    (Kind::Execution, "ExampleGen", Some("mlmd.Process"), &[]),
    (Kind::Execution, "StatisticsGen", Some("mlmd.Process"), &[]),
    (Kind::Execution, "SchemaGen", Some("mlmd.Process"), &[]),
    (Kind::Execution, "ExampleValidator", Some("mlmd.Process"), &[]),
    (Kind::Execution, "Transform", Some("mlmd.Transform"), &[]),
    (Kind::Execution, "Trainer", Some("mlmd.Train"), &[]),
    (Kind::Execution, "Evaluator", Some("mlmd.Evaluate"), &[]),
    (Kind::Execution, "Pusher", Some("mlmd.Deploy"), &[]),
];

/// Registers what is not there yet.
pub(crate) fn register_known(db: &mut Connection) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        for (kind, name, _, properties) in KNOWN {
            let id = type_id(db, *kind, name).await?;
            declare(db, id, properties).await?;
        }
        Ok(())
    })
}

/// Whether nothing is to be registered, so that a start writes nothing.
pub(crate) async fn are_known(db: &mut Connection) -> Result<bool> {
    for (kind, name, _, properties) in KNOWN {
        let Some(id) = find(db, *kind, name).await? else {
            return Ok(false);
        };
        let names: Vec<_> = properties.iter().map(|(name, _)| *name).collect();
        if !names.is_empty() && declared(db, id, &names).await?.contains(&None) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The id of a type, which is registered if it is new.
pub(crate) async fn type_id(db: &mut Connection, kind: Kind, name: &str) -> Result<i64> {
    let key = Key::Type(kind as i64, name.to_owned());
    if let Some(id) = db.memory.get(&key) {
        return Ok(id);
    }
    let id = find_or_register(db, kind, name).await?;
    db.memory.put(key, id);
    Ok(id)
}

async fn find_or_register(db: &mut Connection, kind: Kind, name: &str) -> Result<i64> {
    if let Some(id) = find(db, kind, name).await? {
        return Ok(id);
    }
    // MLMD's schema does not make names of types unique: two writers of PostgreSQL queue up here.
    db.execute(LOCK, args![]).await?;
    if let Some(id) = find(db, kind, name).await? {
        return Ok(id);
    }
    let id: i64 = match db.row(INSERT, args![name, kind as i64]).await? {
        Some(row) => row.get(0)?,
        None => return Err(StoreError::damaged(db.place(), "type", "no id was returned")),
    };
    let base = KNOWN
        .iter()
        .find(|known| known.0 == kind && known.1 == name)
        .and_then(|known| known.2);
    if let Some(base) = base {
        db.execute(INSERT_PARENT, args![id, base, kind as i64]).await?;
    }
    Ok(id)
}

async fn find(db: &mut Connection, kind: Kind, name: &str) -> Result<Option<i64>> {
    let row = db.row(FIND, args![name, kind as i64]).await?;
    Ok(row.map(|row| row.optional(0)).transpose()?.flatten())
}

/// Adds properties to a known type.
async fn declare(db: &mut Connection, type_id: i64, properties: &[(&str, i64)]) -> Result<()> {
    for (name, data_type) in properties {
        db.execute(DECLARE, args![type_id, *name, *data_type]).await?;
    }
    Ok(())
}

/// The data types a type declares for these names, in their order; `None` for a name it does not declare.
pub(crate) async fn declared(db: &mut Connection, type_id: i64, names: &[&str]) -> Result<Vec<Option<i64>>> {
    let key = |name: &str| Key::Property(type_id, name.to_owned());
    let some = |data_type: i64| (data_type != UNDECLARED).then_some(data_type);
    let known: Option<Vec<_>> = names.iter().map(|name| db.memory.get(&key(name)).map(some)).collect();
    if let Some(known) = known {
        return Ok(known);
    }
    let mut declared = HashMap::<String, i64>::new();
    for row in db.rows(DECLARED, args![type_id]).await? {
        declared.insert(row.get(0)?, row.optional(1)?.unwrap_or(UNDECLARED));
    }
    let mut found = Vec::new();
    for name in names {
        let data_type = declared.get(*name).copied().unwrap_or(UNDECLARED);
        db.memory.put(key(name), data_type);
        found.push(some(data_type));
    }
    Ok(found)
}
