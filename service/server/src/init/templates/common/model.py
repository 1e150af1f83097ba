"""A model's folder: the ONNX graph, how the model server starts it, and a sample to try it with."""

import json
import os
import pathlib

import numpy
import onnx
import onnxruntime
import pyarrow

from features import CATEGORIES, NUMBERS, column, stop

SAMPLES = 3
TOLERANCE = 1e-3
SETTINGS = {"implementation": "trainyard_onnx.OnnxModel", "parameters": {"uri": "./model.onnx"}}


def start(model: bytes | str) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def inputs(session: onnxruntime.InferenceSession, table: pyarrow.Table) -> dict[str, numpy.ndarray]:
    """What the graph asks for, by its own names: the model that is compared with may know other columns."""
    asked = session.get_inputs()
    missing = [entry.name for entry in asked if entry.name not in table.column_names]
    if missing:
        stop(f"the model asks for column '{missing[0]}', which the data do not have")
    return {entry.name: column(table, entry.name, entry.type != "tensor(string)").reshape(-1, 1) for entry in asked}


def score(session: onnxruntime.InferenceSession, rows: dict[str, numpy.ndarray]) -> numpy.ndarray:
    """A number for each row: the probability of the second of VALUES, or the value."""
    answer = session.run(None, rows)[-1]
    return answer.reshape(len(answer), -1)[:, -1].astype("float64")


def rename_inputs(model: onnx.ModelProto, names: list[str]) -> None:
    """Converters change names that are no identifiers; the graph asks for columns by the names that the data have."""
    given = [entry.name for entry in model.graph.input]
    if len(given) != len(names):
        stop(f"the ONNX graph takes {len(given)} inputs and not one for each of {len(names)} columns")
    renamed = dict(zip(given, names))
    for entry in model.graph.input:
        entry.name = renamed[entry.name]
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]


def save(folder: str, model: onnx.ModelProto, table: pyarrow.Table, expected: numpy.ndarray) -> None:
    """Writes the folder, once the graph answers what the library itself answers."""
    rename_inputs(model, [*NUMBERS, *CATEGORIES])
    session = start(model.SerializeToString())
    rows = inputs(session, table)
    furthest = float(numpy.abs(score(session, rows) - expected).max())
    if furthest > TOLERANCE * max(1.0, float(numpy.abs(expected).max())):
        stop(f"the ONNX graph answers up to {furthest:.2g} apart from the library: the export is not faithful")
    path = pathlib.Path(folder)
    path.mkdir()
    onnx.save(model, path / "model.onnx")
    (path / "model-settings.json").write_text(json.dumps(SETTINGS))
    (path / "sample.json").write_text(json.dumps(sample(session, rows)))


def sample(session: onnxruntime.InferenceSession, rows: dict[str, numpy.ndarray]) -> dict:
    """A request of a few rows, and the answer of this very graph. JSON has no NaN: missing numbers are 0 here."""
    few = {name: values[:SAMPLES] for name, values in rows.items()}
    few = {name: values if values.dtype == object else numpy.nan_to_num(values) for name, values in few.items()}
    outputs = [
        {"name": entry.name, "shape": list(answer.shape), "datatype": "FP32", "data": answer.ravel().tolist()}
        for entry, answer in zip(session.get_outputs(), session.run(None, few))
        if entry.type == "tensor(float)"
    ]
    request = [
        {"name": name, "shape": list(values.shape), "datatype": "BYTES" if values.dtype == object else "FP32",
         "data": values.ravel().tolist()}
        for name, values in few.items()
    ]  # fmt: skip
    return {"request": {"inputs": request}, "response": {"outputs": outputs}, "tolerance": 1e-3}


def report(metrics: dict[str, float]) -> None:
    """Trainyard shows these beside the step; by hand, without a task, nothing is written."""
    task = os.environ.get("TRAINYARD_TASK")
    if task:
        path = json.loads(pathlib.Path(task).read_text())["executor_output"]
        pathlib.Path(path).write_text(json.dumps({"metrics": metrics}))
