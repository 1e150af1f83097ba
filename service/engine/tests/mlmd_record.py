"""Reads the record of a few runs with the unmodified ml-metadata client and prints what a TFX user asks it as JSON.

usage: mlmd_record.py DATABASE   (runs are called r1, r2… in the order of their ids)
"""

import json
import os
import sys

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb

config = pb.ConnectionConfig()
config.sqlite.filename_uri = sys.argv[1]
config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READONLY
store = metadata_store.MetadataStore(config)

runs = sorted(store.get_contexts_by_type("pipeline_run"), key=lambda c: c.name)
letters = {run.name: f"r{number}" for number, run in enumerate(runs, 1)}


def short(text):
    for name, letter in letters.items():
        text = text.replace(name, letter)
    return text


def properties(node):
    return {name: getattr(v, v.WhichOneof("value")) for name, v in sorted(node.custom_properties.items())}


artifacts = {a.id: a for a in store.get_artifacts()}
executions = {short(e.name): e for e in store.get_executions()}


def events(execution, kind):
    found = store.get_events_by_execution_ids([execution.id])
    return {
        step.key: short(artifacts[e.artifact_id].name)
        for e in found if e.type == kind
        for step in e.path.steps if step.HasField("key") and not artifacts[e.artifact_id].name.startswith("external/")
    }


def of_type(name):
    return [a for a in artifacts.values() if a.type == name]


def contexts(found):
    return sorted({f"{c.type} {c.name}" for c in found if c.type != "pipeline_run"})


def name_of(id):
    return short(artifacts[id].name) if id in artifacts else None


def end(name):
    execution = executions[name]
    said = properties(execution)
    return {
        "execution": f"{execution.type} {pb.Execution.State.Name(execution.last_known_state)}",
        "said": said,
        "events": {**events(execution, pb.Event.INPUT), **{f"to {k}": v for k, v in events(execution, pb.Event.OUTPUT).items()}},
        "contexts": ", ".join(contexts(store.get_contexts_by_execution(execution.id))),
    }


# TFX's LatestBlessedModelStrategy: the newest Model whose id a blessed ModelBlessing names.
blessed = {p["current_model_id"] for p in map(properties, of_type("ModelBlessing")) if p["blessed"] == 1}
latest = max(model.id for model in of_type("Model") if model.id in blessed)
cached = executions["r5/train"]
print(json.dumps({
    "latest_blessed": name_of(latest),
    "blessings": {
        short(a.name): f'{p["blessed"]} {name_of(p["current_model_id"])} against {name_of(p.get("baseline_model_id"))} by {p["component_id"]}'
        for a in of_type("ModelBlessing") for p in [properties(a)]
    },
    "pushed": {
        short(a.name): f'{p["pushed"]} {p["pushed_version"]} folder {os.path.isdir(a.uri)} apart {a.uri != p["pushed_destination"]}'
        for a in of_type("PushedModel") for p in [properties(a)]
    },
    "no_typed_properties": all(not a.properties for a in artifacts.values() if a.type != "Examples"),
    "failed_push": end("r4/push"),
    "failed_gate": end("r5/gate"),
    "failed_driver": end("r6/examples")["execution"],
    "needless_push": end("r3/push"),
    "rollback": [end(name) for name in executions if name.startswith("rollback/")],
    "runs": [f'{p["trigger"]} {p["branch"]} {len(p["commit"])}' for p in map(properties, runs)],
    "cached": f'{pb.Execution.State.Name(cached.last_known_state)} {properties(cached)["trees"]} {" ".join(properties(cached))}',
    "data": [
        [os.path.isdir(a.uri), ", ".join(contexts(store.get_contexts_by_artifact(a.id))),
         all(e.milliseconds_since_epoch >= a.create_time_since_epoch for e in store.get_events_by_artifact_ids([a.id]))]
        for a in of_type("ExternalData")
    ],
}, sort_keys=True))
