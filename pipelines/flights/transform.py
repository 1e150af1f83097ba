"""Learns the features from the training split and writes them as an ONNX graph.

Categories become their smoothed rate of late flights; numbers stay as they are, since trees take
missing values. The same graph is merged in front of the model, so serving cannot skew from training.
"""

import argparse
import json
import pathlib

import numpy
import onnx
import onnxruntime
import pyarrow
import pyarrow.parquet
from onnx import TensorProto, helper

from features import (
    CATEGORIES, COLUMNS, LABEL, NUMBERS, executor_output, label, raw_inputs, read, write_executor_output,
)  # fmt: skip

OPSET = 15
ML_OPSET = 3
IR_VERSION = 8


def rates(values: list, late: numpy.ndarray, smoothing: float) -> tuple[dict[str, float], float]:
    """Late rate of each category, drawn towards the overall rate where there are few flights."""
    overall = float(late.mean())
    names, places = numpy.unique(numpy.array([value or "" for value in values], dtype=str), return_inverse=True)
    count = numpy.bincount(places)
    sums = numpy.bincount(places, weights=late)
    smoothed = (sums + smoothing * overall) / (count + smoothing)
    return dict(zip(names.tolist(), smoothed.tolist())), overall


def graph(encodings: dict[str, tuple[dict[str, float], float]]) -> onnx.ModelProto:
    """Raw columns [n, 1] in, `features` [n, columns] out."""
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in NUMBERS]
    inputs += [helper.make_tensor_value_info(name, TensorProto.STRING, [None, 1]) for name in CATEGORIES]
    nodes = []
    for name in CATEGORIES:
        table, default = encodings[name]
        nodes.append(
            helper.make_node(
                "LabelEncoder", [name], [f"{name}_rate"], domain="ai.onnx.ml",
                keys_strings=list(table), values_floats=list(table.values()), default_float=default,
            )  # fmt: skip
        )
    columns = NUMBERS + [f"{name}_rate" for name in CATEGORIES]
    nodes.append(helper.make_node("Concat", columns, ["features"], axis=1))
    output = helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(columns)])
    body = helper.make_graph(nodes, "transform", inputs, [output])
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(body, opset_imports=opsets, ir_version=IR_VERSION, producer_name="trainyard-flights")
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", required=True)
    parser.add_argument("--transform", required=True, help="folder for transform.onnx")
    parser.add_argument("--transformed", required=True, help="folder for the transformed examples")
    parser.add_argument("--smoothing", type=float, default=200.0)
    arguments = parser.parse_args()

    train = read(arguments.examples, "train", COLUMNS)
    late = label(train)
    encodings = {name: rates(train[name].to_pylist(), late, arguments.smoothing) for name in CATEGORIES}
    model = graph(encodings)
    folder = pathlib.Path(arguments.transform)
    folder.mkdir()
    onnx.save(model, folder / "transform.onnx")
    (folder / "signature.json").write_text(json.dumps({"numbers": NUMBERS, "categories": CATEGORIES}))

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for split in ["train", "eval"]:
        table = read(arguments.examples, split, COLUMNS)
        (features,) = session.run(["features"], raw_inputs(table))
        names = NUMBERS + [f"{name}_rate" for name in CATEGORIES]
        transformed = {name: features[:, place] for place, name in enumerate(names)} | {LABEL: label(table)}
        target = pathlib.Path(arguments.transformed) / f"Split-{split}"
        target.mkdir(parents=True)
        pyarrow.parquet.write_table(pyarrow.table(transformed), target / "data.parquet", compression="zstd")
    properties = {"transformed": {"split_names": ["train", "eval"], "num_examples": train.num_rows}}
    write_executor_output(executor_output(), {"late_rate": float(late.mean())}, properties)


if __name__ == "__main__":
    main()
