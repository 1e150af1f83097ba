//! Writing artifacts, executions, contexts and the events between them.

use super::names::ExecutionIdentity;
use super::properties::{self, Owner};
use super::types::{Kind, type_id};
use crate::connection::{Connection, Row, args};
use crate::error::{Result, StoreError};
use crate::memory::Key;
use crate::statement::statements;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::ids::RunId;

/// MLMD's `Execution.State`.
pub(crate) const RUNNING: i64 = 2;
pub(crate) const COMPLETE: i64 = 3;
pub(crate) const FAILED: i64 = 4;
pub(crate) const CACHED: i64 = 5;
pub(crate) const CANCELED: i64 = 6;

/// MLMD's `Artifact.State`.
pub(crate) const LIVE: i64 = 2;
pub(crate) const MARKED_FOR_DELETION: i64 = 3;
pub(crate) const DELETED: i64 = 4;

/// MLMD's `Event.Type`.
pub(crate) const INPUT: i64 = 3;
const INTERNAL_INPUT: i64 = 5;
pub(crate) const OUTPUT: i64 = 4;

statements! {
    FIND_ARTIFACT = "SELECT id, state FROM Artifact WHERE type_id = $1 AND name = $2";
    INSERT_ARTIFACT = "INSERT INTO Artifact
            (type_id, uri, state, name, create_time_since_epoch, last_update_time_since_epoch)
        VALUES ($1, $2, 2, $3, $4, $4) ON CONFLICT (type_id, name) DO NOTHING RETURNING id";
    REVIVE_ARTIFACT = "UPDATE Artifact SET state = 2, uri = $2, last_update_time_since_epoch = $3 WHERE id = $1";
    PUT_EXECUTION = "INSERT INTO Execution
            (type_id, last_known_state, name, create_time_since_epoch, last_update_time_since_epoch)
        VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (type_id, name) DO UPDATE SET last_known_state = excluded.last_known_state,
            last_update_time_since_epoch = excluded.last_update_time_since_epoch
        RETURNING id";
    FIND_CONTEXT = "SELECT id FROM Context WHERE type_id = $1 AND name = $2";
    INSERT_CONTEXT = "INSERT INTO Context (type_id, name, create_time_since_epoch, last_update_time_since_epoch)
        VALUES ($1, $2, $3, $3) ON CONFLICT (type_id, name) DO NOTHING RETURNING id";
    INSERT_PARENT_CONTEXT = "INSERT INTO ParentContext (context_id, parent_context_id) VALUES ($1, $2)
        ON CONFLICT (context_id, parent_context_id) DO NOTHING";
    ASSOCIATE = "INSERT INTO Association (context_id, execution_id) VALUES ($1, $4), ($2, $4), ($3, $4)
        ON CONFLICT (context_id, execution_id) DO NOTHING";
    ASSOCIATE_ONE = "INSERT INTO Association (context_id, execution_id) VALUES ($1, $2)
        ON CONFLICT (context_id, execution_id) DO NOTHING";
    ATTRIBUTE = "INSERT INTO Attribution (context_id, artifact_id) VALUES ($1, $4), ($2, $4), ($3, $4)
        ON CONFLICT (context_id, artifact_id) DO NOTHING";
    INSERT_EVENT = "INSERT INTO Event (artifact_id, execution_id, type, milliseconds_since_epoch) VALUES ($1, $2, $3, $4)
        ON CONFLICT (artifact_id, execution_id, type) DO NOTHING RETURNING id";
    FIND_EVENT_KEY = "SELECT v.id, p.step_key FROM Event v
        LEFT JOIN EventPath p ON p.event_id = v.id AND p.is_index_step = FALSE AND p.step_key = $4
        WHERE v.artifact_id = $1 AND v.execution_id = $2 AND v.type = $3";
    BLESSED_IDS = "INSERT INTO ArtifactProperty (artifact_id, name, is_custom_property, int_value)
        SELECT CAST($1 AS BIGINT), CASE p.step_key WHEN 'model' THEN 'current_model_id' ELSE 'baseline_model_id' END, TRUE, v.artifact_id
        FROM Event v JOIN EventPath p ON p.event_id = v.id
        WHERE v.execution_id = $2 AND v.type = 3 AND p.step_key IN ('model', 'baseline_model')
        ON CONFLICT (artifact_id, name, is_custom_property) DO UPDATE SET int_value = excluded.int_value";
    REQUESTED = "SELECT trigger_kind, branch, commit_sha, pull_request FROM runs WHERE id = $1";
    INSERT_PATH = "INSERT INTO EventPath (event_id, is_index_step, step_index, step_key)
        VALUES ($1, FALSE, NULL, $2), ($1, TRUE, 0, NULL)";
}

/// An execution with its type and contexts.
pub(crate) struct Place {
    pub(crate) execution: i64,
    /// `pipeline`, `pipeline_run` and `node`.
    contexts: [i64; 3],
}

/// The execution's row in this state, in its three contexts; a row that is there is reused.
pub(crate) async fn execution(db: &mut Connection, identity: &ExecutionIdentity, state: i64, ms: i64) -> Result<Place> {
    let pipeline = context(db, "pipeline", &identity.pipeline, ms).await?;
    let run = context(db, "pipeline_run", identity.run.as_str(), ms).await?;
    let node = context(db, "node", &format!("{}.{}", identity.pipeline, identity.node), ms).await?;
    if run.new {
        db.execute(INSERT_PARENT_CONTEXT, args![run.id, pipeline.id]).await?;
        describe_run(db, run.id, &identity.run).await?;
    }
    let contexts = [pipeline.id, run.id, node.id];
    place(db, &identity.component, &identity.name(), state, contexts, ms).await
}

/// An execution that a person asked for, COMPLETE. It belongs to no run: its contexts are the pipeline's two.
pub(crate) async fn by_hand(
    db: &mut Connection,
    component: &str,
    node: &str,
    name: &str,
    pipeline: &str,
    ms: i64,
) -> Result<Place> {
    let node = context(db, "node", &format!("{pipeline}.{node}"), ms).await?;
    let pipeline = context(db, "pipeline", pipeline, ms).await?;
    place(db, component, name, COMPLETE, [pipeline.id, pipeline.id, node.id], ms).await
}

async fn place(
    db: &mut Connection,
    component: &str,
    name: &str,
    state: i64,
    contexts: [i64; 3],
    ms: i64,
) -> Result<Place> {
    let type_id = type_id(db, Kind::Execution, component).await?;
    let row = db.row(PUT_EXECUTION, args![type_id, state, name, ms]).await?;
    let execution = returned_id(db, row)?;
    db.execute(ASSOCIATE, args![contexts[0], contexts[1], contexts[2], execution])
        .await?;
    Ok(Place { execution, contexts })
}

/// What a run was asked for, as custom properties of its context.
async fn describe_run(db: &mut Connection, context: i64, run: &RunId) -> Result<()> {
    let Some(row) = db.row(REQUESTED, args![run.as_str()]).await? else {
        return Ok(());
    };
    let properties = Map::from_iter([
        ("trigger".to_owned(), Value::from(row.get::<String>(0)?)),
        ("branch".to_owned(), Value::from(row.optional::<String>(1)?)),
        ("commit".to_owned(), Value::from(row.optional::<String>(2)?)),
        ("pull_request".to_owned(), Value::from(row.optional::<i64>(3)?)),
    ]);
    properties::write_custom(db, Owner::Context(context), &properties).await
}

struct Context {
    id: i64,
    new: bool,
}

async fn context(db: &mut Connection, type_name: &str, name: &str, ms: i64) -> Result<Context> {
    let type_id = type_id(db, Kind::Context, type_name).await?;
    let key = Key::Context(type_id, name.to_owned());
    if let Some(id) = db.memory.get(&key) {
        return Ok(Context { id, new: false });
    }
    // Reading first: on PostgreSQL a refused insert takes a number of the sequence each time.
    let found = match db.row(FIND_CONTEXT, args![type_id, name]).await? {
        Some(row) => Context {
            id: row.get(0)?,
            new: false,
        },
        None => insert_context(db, type_id, name, ms).await?,
    };
    db.memory.put(key, found.id);
    Ok(found)
}

async fn insert_context(db: &mut Connection, type_id: i64, name: &str, ms: i64) -> Result<Context> {
    if let Some(row) = db.row(INSERT_CONTEXT, args![type_id, name, ms]).await? {
        return Ok(Context {
            id: row.get(0)?,
            new: true,
        });
    }
    let row = db.row(FIND_CONTEXT, args![type_id, name]).await?;
    Ok(Context {
        id: returned_id(db, row)?,
        new: false,
    })
}

fn returned_id(db: &Connection, row: Option<Row>) -> Result<i64> {
    match row {
        Some(row) => row.get(0),
        None => Err(StoreError::damaged(db.place(), "metadata", "a row was not returned")),
    }
}

/// The execution is found by its cache key from now on: TFX's `execution_cache` context.
pub(crate) async fn cache_context(db: &mut Connection, place: &Place, key: &str, ms: i64) -> Result<()> {
    let type_id = type_id(db, Kind::Context, "execution_cache").await?;
    let context = insert_context(db, type_id, key, ms).await?;
    db.execute(ASSOCIATE_ONE, args![context.id, place.execution]).await?;
    Ok(())
}

/// The artifact's row, LIVE; one that is there is reused.
pub(crate) async fn artifact(db: &mut Connection, new: &ArtifactRef, ms: i64) -> Result<i64> {
    let type_id = type_id(db, Kind::Artifact, &new.type_name).await?;
    match db.row(FIND_ARTIFACT, args![type_id, &new.name]).await? {
        Some(row) => reuse(db, &row, type_id, new, ms).await,
        None => insert_artifact(db, type_id, new, ms).await,
    }
}

async fn insert_artifact(db: &mut Connection, type_id: i64, new: &ArtifactRef, ms: i64) -> Result<i64> {
    if let Some(row) = db.row(INSERT_ARTIFACT, args![type_id, &new.uri, &new.name, ms]).await? {
        let id = row.get(0)?;
        describe(db, id, type_id, new).await?;
        return Ok(id);
    }
    match db.row(FIND_ARTIFACT, args![type_id, &new.name]).await? {
        Some(row) => reuse(db, &row, type_id, new, ms).await,
        None => Err(StoreError::damaged(db.place(), "metadata", "an artifact disappeared")),
    }
}

async fn reuse(db: &mut Connection, row: &Row, type_id: i64, new: &ArtifactRef, ms: i64) -> Result<i64> {
    let id = row.get(0)?;
    if row.optional::<i64>(1)? != Some(LIVE) {
        // Deleted bytes that were made again under the same name.
        db.execute(REVIVE_ARTIFACT, args![id, &new.uri, ms]).await?;
        describe(db, id, type_id, new).await?;
    }
    Ok(id)
}

async fn describe(db: &mut Connection, id: i64, type_id: i64, new: &ArtifactRef) -> Result<()> {
    properties::write_said(db, id, type_id, &new.properties).await?;
    properties::write_service(db, id, &new.digest).await
}

/// INPUT events from artifacts, which join the execution's contexts and are added when they are new.
pub(crate) async fn inputs(
    db: &mut Connection,
    place: &Place,
    inputs: &BTreeMap<String, ArtifactRef>,
    ms: i64,
) -> Result<()> {
    read(db, place, INPUT, inputs, ms).await
}

/// INTERNAL_INPUT events, which MLMD's lineage does not follow; the artifacts join the contexts all the same.
pub(crate) async fn internal_inputs(
    db: &mut Connection,
    place: &Place,
    inputs: &BTreeMap<String, ArtifactRef>,
    ms: i64,
) -> Result<()> {
    read(db, place, INTERNAL_INPUT, inputs, ms).await
}

async fn read(
    db: &mut Connection,
    place: &Place,
    event_type: i64,
    inputs: &BTreeMap<String, ArtifactRef>,
    ms: i64,
) -> Result<()> {
    for (key, input) in inputs {
        let id = artifact(db, input, ms).await?;
        event(db, place, event_type, id, key, ms).await?;
        attribute(db, place, id).await?;
    }
    Ok(())
}

/// OUTPUT events to artifacts, which join the execution's contexts.
pub(crate) async fn outputs(
    db: &mut Connection,
    place: &Place,
    outputs: &BTreeMap<String, ArtifactRef>,
    ms: i64,
) -> Result<()> {
    for (key, output) in outputs {
        let type_id = type_id(db, Kind::Artifact, &output.type_name).await?;
        let id = insert_artifact(db, type_id, output, ms).await?;
        event(db, place, OUTPUT, id, key, ms).await?;
        attribute(db, place, id).await?;
        if output.type_name == "ModelBlessing" {
            // TFX's resolver of the latest blessed model compares ids.
            db.execute(BLESSED_IDS, args![id, place.execution]).await?;
        }
    }
    Ok(())
}

async fn attribute(db: &mut Connection, place: &Place, artifact: i64) -> Result<()> {
    let [pipeline, run, node] = place.contexts;
    db.execute(ATTRIBUTE, args![pipeline, run, node, artifact])
        .await
        .map(drop)
}

async fn event(db: &mut Connection, place: &Place, event_type: i64, artifact: i64, key: &str, ms: i64) -> Result<()> {
    if let Some(row) = db
        .row(INSERT_EVENT, args![artifact, place.execution, event_type, ms])
        .await?
    {
        db.execute(INSERT_PATH, args![row.get::<i64>(0)?, key]).await?;
        return Ok(());
    }
    // A repetition, or the same artifact under a second name: MLMD has one event for both.
    let row = db
        .row(FIND_EVENT_KEY, args![artifact, place.execution, event_type, key])
        .await?;
    if let Some(row) = row
        && row.optional::<String>(1)?.is_none()
    {
        db.execute(INSERT_PATH, args![row.get::<i64>(0)?, key]).await?;
    }
    Ok(())
}

/// MLMD's name of an artifact's state.
pub(crate) fn artifact_state(state: i64) -> &'static str {
    match state {
        1 => "PENDING",
        LIVE => "LIVE",
        MARKED_FOR_DELETION => "MARKED_FOR_DELETION",
        DELETED => "DELETED",
        5 => "ABANDONED",
        6 => "REFERENCE",
        _ => "UNKNOWN",
    }
}

/// MLMD's name of an execution's state.
pub(crate) fn execution_state(state: i64) -> &'static str {
    match state {
        1 => "NEW",
        RUNNING => "RUNNING",
        COMPLETE => "COMPLETE",
        FAILED => "FAILED",
        CACHED => "CACHED",
        CANCELED => "CANCELED",
        _ => "UNKNOWN",
    }
}
