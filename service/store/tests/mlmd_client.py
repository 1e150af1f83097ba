"""Reads a database with the unmodified ml-metadata client and prints what it sees as JSON.

usage: mlmd_client.py OURS EMPTY   (EMPTY does not exist yet; the client makes its own schema there)
"""

import json
import re
import sqlite3
import sys

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb


def connect(path, mode):
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = path
    config.sqlite.connection_mode = mode
    return metadata_store.MetadataStore(config)


def schema(path, only=None):
    """Tables and indexes of MLMD, without differences in white space."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        normal = {name: re.sub(r"\s+", "", sql) for name, sql in rows}
    return {name: sql for name, sql in normal.items() if only is None or name in only}


def value(v):
    return getattr(v, v.WhichOneof("value"))


def properties(p):
    return {name: value(v) for name, v in sorted(p.items())}


ours, empty = sys.argv[1:]
connect(empty, pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE)
store = connect(ours, pb.SqliteMetadataSourceConfig.READWRITE)
expected = schema(empty)
run = store.get_context_by_type_and_name("pipeline_run", "r1")
executions = store.get_executions_by_context(run.id)
options = pb.LineageSubgraphQueryOptions(
    starting_artifacts=pb.LineageSubgraphQueryOptions.StartingNodes(filter_query="name = 'r1/train/model'"),
    max_num_hops=20,
    direction=pb.LineageSubgraphQueryOptions.Direction.UPSTREAM,
)
graph = store.get_lineage_subgraph(options)
by_id = {a.id: a.name for a in store.get_artifacts()}
examples = store.get_artifact_by_type_and_name("Examples", "r1/examples/examples")
print(json.dumps({
    "schema_is_the_same": schema(ours, expected) == expected,
    "types": {
        "artifact": sorted(t.name for t in store.get_artifact_types()),
        "execution": sorted(t.name for t in store.get_execution_types()),
        "context": sorted(t.name for t in store.get_context_types()),
        "base_of_trainer": pb.ExecutionType.SystemDefinedBaseType.Name(store.get_execution_type("Trainer").base_type),
        "examples_properties": {
            name: pb.PropertyType.Name(kind) for name, kind in sorted(store.get_artifact_type("Examples").properties.items())
        },
    },
    "executions": {
        e.name: [e.type, pb.Execution.State.Name(e.last_known_state), e.create_time_since_epoch, e.last_update_time_since_epoch]
        for e in executions
    },
    "trainer": [properties(e.properties) for e in executions if e.type == "Trainer"]
    + [properties(e.custom_properties) for e in executions if e.type == "Trainer"],
    "events": sorted(
        [by_id[e.artifact_id], pb.Event.Type.Name(e.type), e.path.steps[0].key, e.path.steps[1].index]
        for e in store.get_events_by_execution_ids([e.id for e in executions])
    ),
    "contexts_of_data": sorted(
        [c.type, c.name] for c in store.get_contexts_by_artifact(store.get_artifact_by_type_and_name("ExternalData", "flights/2013-01").id)
    ),
    "run": properties(run.custom_properties),
    "run_of_pull_request": properties(store.get_context_by_type_and_name("pipeline_run", "p1").custom_properties),
    "contexts_of_model": sorted(
        [c.type, c.name] for c in store.get_contexts_by_artifact(store.get_artifact_by_type_and_name("Model", "r1/train/model").id)
    ),
    "contexts_of_trainer": sorted(
        [c.type, c.name] for e in executions if e.type == "Trainer" for c in store.get_contexts_by_execution(e.id)
    ),
    "parents_of_run": [c.name for c in store.get_parent_contexts_by_context(run.id)],
    "examples": [examples.uri, pb.Artifact.State.Name(examples.state), properties(examples.properties), properties(examples.custom_properties)],
    "filtered": [a.name for a in store.get_artifacts(metadata_store.ListOptions(filter_query="properties.span.int_value = 15706"))],
    "metric": [e.name for e in store.get_executions(metadata_store.ListOptions(filter_query="custom_properties.auc.double_value > 0.6"))],
    "lineage": {"artifacts": sorted(a.name for a in graph.artifacts), "executions": sorted(e.name for e in graph.executions), "events": len(graph.events)},
}, sort_keys=True))

# A TFX beside us registers its types strictly: a property more or less is an error.
span, splits = {"span": pb.INT}, {"split_names": pb.STRING}
for name, declared in {
    "Examples": span | splits | {"version": pb.INT}, "ExampleStatistics": span | splits, "ExampleAnomalies": span | splits,
    "Schema": {}, "TransformGraph": {}, "Model": {}, "InferenceResult": {}, "ModelEvaluation": {}, "ModelBlessing": {},
    "InfraBlessing": {}, "PushedModel": {},
}.items():
    store.put_artifact_type(pb.ArtifactType(name=name, properties=declared))

# The client writes beside us: its new type and execution must not disturb the service.
model = pb.ExecutionType(name="Notebook")
type_id = store.put_execution_type(model)
store.put_executions([pb.Execution(type_id=type_id, name="by-hand")])
