//! Properties: JSON values in MLMD's typed columns.
//!
//! Numbers, texts and booleans keep their type; lists and objects are stored as JSON text and come
//! back as such. The service's own custom properties of an artifact are `digest` and `state`.

use super::types::{self, BOOLEAN, DOUBLE, INT, STRING};
use crate::connection::{Connection, args};
use crate::error::Result;
use crate::statement::statements;
use serde_json::{Map, Value};
use trainyard_core::artifact::Digest;

statements! {
    PUT_OF_ARTIFACT = "INSERT INTO ArtifactProperty
            (artifact_id, name, is_custom_property, int_value, double_value, string_value, bool_value)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (artifact_id, name, is_custom_property) DO UPDATE SET int_value = excluded.int_value,
            double_value = excluded.double_value, string_value = excluded.string_value, bool_value = excluded.bool_value";
    PUT_OF_EXECUTION = "INSERT INTO ExecutionProperty
            (execution_id, name, is_custom_property, int_value, double_value, string_value, bool_value)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (execution_id, name, is_custom_property) DO UPDATE SET int_value = excluded.int_value,
            double_value = excluded.double_value, string_value = excluded.string_value, bool_value = excluded.bool_value";
    PUT_OF_CONTEXT = "INSERT INTO ContextProperty
            (context_id, name, is_custom_property, int_value, double_value, string_value, bool_value)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (context_id, name, is_custom_property) DO UPDATE SET int_value = excluded.int_value,
            double_value = excluded.double_value, string_value = excluded.string_value, bool_value = excluded.bool_value";
    PUT_SERVICE = "INSERT INTO ArtifactProperty (artifact_id, name, is_custom_property, string_value)
        VALUES ($1, 'digest', TRUE, $2), ($1, 'state', TRUE, 'published')
        ON CONFLICT (artifact_id, name, is_custom_property) DO UPDATE SET string_value = excluded.string_value";
    MARK_DELETED = "UPDATE ArtifactProperty SET string_value = 'deleted'
        WHERE name = 'state' AND is_custom_property = TRUE AND artifact_id = $1";
    OF_ARTIFACT = "SELECT name, is_custom_property, int_value, double_value, string_value, bool_value
        FROM ArtifactProperty WHERE artifact_id = $1 ORDER BY name, is_custom_property";
    OF_EXECUTION = "SELECT name, is_custom_property, int_value, double_value, string_value, bool_value
        FROM ExecutionProperty WHERE execution_id = $1 ORDER BY name, is_custom_property";
    OF_CONTEXT = "SELECT name, is_custom_property, int_value, double_value, string_value, bool_value
        FROM ContextProperty WHERE context_id = $1 ORDER BY name, is_custom_property";
}

/// Whose properties.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    Artifact(i64),
    Execution(i64),
    Context(i64),
}

/// A value in MLMD's types.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stored {
    Int(i64),
    Double(f64),
    Text(String),
    Bool(bool),
}

/// A property as it is stored.
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) custom: bool,
    pub(crate) value: Stored,
}

impl Stored {
    /// `None` for null: MLMD has no such value.
    fn from_json(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(value) => Self::Bool(*value),
            Value::String(text) => Self::Text(text.clone()),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(value), _) => Self::Int(value),
                (None, Some(value)) => Self::Double(value),
                (None, None) => Self::Text(number.to_string()),
            },
            Value::Array(_) | Value::Object(_) => Self::Text(value.to_string()),
        })
    }

    pub(crate) fn into_json(self) -> Value {
        match self {
            Self::Int(value) => value.into(),
            Self::Double(value) => value.into(),
            Self::Bool(value) => value.into(),
            Self::Text(text) => {
                let structured = text
                    .starts_with(['[', '{'])
                    .then(|| serde_json::from_str(&text).ok())
                    .flatten();
                structured.unwrap_or(Value::String(text))
            }
        }
    }

    fn data_type(&self) -> i64 {
        match self {
            Self::Int(_) => INT,
            Self::Double(_) => DOUBLE,
            Self::Text(_) => STRING,
            Self::Bool(_) => BOOLEAN,
        }
    }

    /// As a declared property must be; `None` when it cannot be that.
    fn declared_as(self, data_type: i64) -> Option<Self> {
        match self {
            Self::Int(value) if data_type == DOUBLE => Some(Self::Double(value as f64)),
            value => (value.data_type() == data_type).then_some(value),
        }
    }
}

/// Whether a custom property of an artifact is the service's own.
pub(crate) fn is_service(name: &str) -> bool {
    matches!(name, "digest" | "state")
}

/// Writes the service's own custom properties of a published artifact.
pub(crate) async fn write_service(db: &mut Connection, artifact: i64, digest: &Digest) -> Result<()> {
    db.execute(PUT_SERVICE, args![artifact, digest.as_str()])
        .await
        .map(drop)
}

/// Says in the service's own custom properties that the bytes are gone.
pub(crate) async fn mark_deleted(db: &mut Connection, artifact: i64) -> Result<()> {
    db.execute(MARK_DELETED, args![artifact]).await.map(drop)
}

/// Writes custom properties; MLMD has no null.
pub(crate) async fn write_custom(db: &mut Connection, owner: Owner, properties: &Map<String, Value>) -> Result<()> {
    for (name, value) in properties {
        if let Some(value) = Stored::from_json(value) {
            put(db, owner, name, true, value).await?;
        }
    }
    Ok(())
}

/// Writes what a component said about an artifact: what its type declares into typed properties,
/// everything else into custom ones, as TFX does.
pub(crate) async fn write_said(
    db: &mut Connection,
    artifact: i64,
    type_id: i64,
    properties: &Map<String, Value>,
) -> Result<()> {
    let owner = Owner::Artifact(artifact);
    let values: Vec<_> = properties
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), Stored::from_json(value)?)))
        .collect();
    if values.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = values.iter().map(|(name, _)| *name).collect();
    let declared = types::declared(db, type_id, &names).await?;
    for ((name, value), data_type) in values.into_iter().zip(declared) {
        match data_type.and_then(|data_type| value.clone().declared_as(data_type)) {
            Some(value) => put(db, owner, name, false, value).await?,
            None if is_service(name) => {
                tracing::warn!(name, "a component's property has the name of one of ours: not stored");
            }
            None => put(db, owner, name, true, value).await?,
        }
    }
    Ok(())
}

async fn put(db: &mut Connection, owner: Owner, name: &str, custom: bool, value: Stored) -> Result<()> {
    let (statement, id) = match owner {
        Owner::Artifact(id) => (PUT_OF_ARTIFACT, id),
        Owner::Execution(id) => (PUT_OF_EXECUTION, id),
        Owner::Context(id) => (PUT_OF_CONTEXT, id),
    };
    let mut columns = (None, None, None, None);
    match value {
        Stored::Int(value) => columns.0 = Some(value),
        Stored::Double(value) => columns.1 = Some(value),
        Stored::Text(value) => columns.2 = Some(value),
        Stored::Bool(value) => columns.3 = Some(value),
    }
    let (int, double, text, boolean) = columns;
    db.execute(statement, args![id, name, custom, int, double, text, boolean])
        .await?;
    Ok(())
}

/// All properties of an artifact or execution, by name; a value of a type that we never write is left out.
pub(crate) async fn read(db: &mut Connection, owner: Owner) -> Result<Vec<Property>> {
    let (statement, id) = match owner {
        Owner::Artifact(id) => (OF_ARTIFACT, id),
        Owner::Execution(id) => (OF_EXECUTION, id),
        Owner::Context(id) => (OF_CONTEXT, id),
    };
    let mut properties = Vec::new();
    for row in db.rows(statement, args![id]).await? {
        let value = if let Some(value) = row.optional(2)? {
            Stored::Int(value)
        } else if let Some(value) = row.optional(3)? {
            Stored::Double(value)
        } else if let Some(value) = row.optional(4)? {
            Stored::Text(value)
        } else if let Some(value) = row.optional(5)? {
            Stored::Bool(value)
        } else {
            continue;
        };
        properties.push(Property {
            name: row.get(0)?,
            custom: row.get(1)?,
            value,
        });
    }
    Ok(properties)
}
