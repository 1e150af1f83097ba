"""Trains LightGBM and writes one ONNX graph from raw columns to the probability of a late arrival."""

import argparse
import json
import pathlib

import lightgbm
import numpy
import onnx
import onnxmltools
import onnxruntime
from onnxmltools.convert.common.data_types import FloatTensorType

from features import (
    CATEGORIES, COLUMNS, LABEL, NUMBERS, executor_output, label, raw_inputs, read, stop, write_executor_output,
)  # fmt: skip

SAMPLES = 3
TOLERANCE = 1e-5
MODEL_SETTINGS = {"implementation": "trainyard_onnx.OnnxModel", "parameters": {"uri": "./model.onnx"}}


def matrix(folder: str, split: str) -> tuple[numpy.ndarray, numpy.ndarray]:
    names = NUMBERS + [f"{name}_rate" for name in CATEGORIES]
    table = read(folder, split, [*names, LABEL])
    return numpy.column_stack([table[name].to_numpy() for name in names]), table[LABEL].to_numpy()


def auc(late: numpy.ndarray, score: numpy.ndarray) -> float:
    """Area under the ROC curve by ranks, ties counted half (Mann-Whitney)."""
    _, places, counts = numpy.unique(score, return_inverse=True, return_counts=True)
    ranks = numpy.cumsum(counts) - (counts - 1) / 2
    positives = int(late.sum())
    negatives = len(late) - positives
    if not positives or not negatives:
        return float("nan")
    return float((ranks[places][late == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def in_float32(booster: lightgbm.Booster) -> lightgbm.Booster:
    """The same trees with thresholds that float32 holds: each rounded down, so that no float32 value changes sides.

    ONNX rounds them to the nearest one, which moves a value that lies just above its threshold.
    """

    def rounded(line: str) -> str:
        exact = numpy.array(line.removeprefix("threshold=").split(), dtype="float64")
        nearest = exact.astype("float32")
        below = numpy.where(nearest > exact, numpy.nextafter(nearest, numpy.float32(-numpy.inf)), nearest)
        return "threshold=" + " ".join(repr(float(value)) for value in below)

    # Without the sizes of the trees, which changed, LightGBM reads them one after the other.
    lines = [line for line in booster.model_to_string().splitlines() if not line.startswith("tree_sizes=")]
    return lightgbm.Booster(
        model_str="\n".join(rounded(line) if line.startswith("threshold=") else line for line in lines)
    )


def merged(transform: onnx.ModelProto, booster: lightgbm.Booster, columns: int) -> onnx.ModelProto:
    """The transform in front of the trees, as one graph."""
    opset = {entry.domain: entry.version for entry in transform.opset_import}
    trees = onnxmltools.convert_lightgbm(
        booster, initial_types=[("features_in", FloatTensorType([None, columns]))], zipmap=False, target_opset=opset[""]
    )
    # Two graphs are merged only when they speak the same versions.
    trees.ir_version = transform.ir_version
    del trees.opset_import[:]
    trees.opset_import.extend(transform.opset_import)
    model = onnx.compose.merge_models(transform, trees, io_map=[("features", "features_in")])
    onnx.checker.check_model(model)
    return model


def tensor(name: str, values: numpy.ndarray) -> dict:
    """A tensor of the Open Inference Protocol; JSON has no NaN, so samples have none."""
    datatype = "BYTES" if values.dtype == object else "FP32"
    return {"name": name, "shape": list(values.shape), "datatype": datatype, "data": values.ravel().tolist()}


def sample(session: onnxruntime.InferenceSession, inputs: dict[str, numpy.ndarray]) -> dict:
    """A request with whole rows, and the answer this very graph gives."""
    whole = numpy.all([~numpy.isnan(inputs[name].ravel()) for name in NUMBERS], axis=0)
    rows = numpy.flatnonzero(whole)[:: max(1, int(whole.sum()) // SAMPLES)][:SAMPLES]
    if not len(rows):
        stop("no row of the examples is without missing values, so the model has no sample to be checked with")
    chosen = {name: values[rows] for name, values in inputs.items()}
    (probabilities,) = session.run(["probabilities"], chosen)
    output = {"name": "probabilities", "shape": list(probabilities.shape), "datatype": "FP32",
              "data": probabilities.ravel().astype("float64").tolist()}  # fmt: skip
    request = {"inputs": [tensor(name, values) for name, values in chosen.items()]}
    return {"request": request, "response": {"outputs": [output]}, "tolerance": 1e-4}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", required=True, help="raw examples, to check the whole graph with")
    parser.add_argument("--transformed", required=True)
    parser.add_argument("--transform", required=True)
    parser.add_argument("--model", required=True, help="folder for the model")
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--num-trees", type=int, default=100)
    parser.add_argument("--num-leaves", type=int, default=31)
    arguments = parser.parse_args()

    features, late = matrix(arguments.transformed, "train")
    parameters = {
        "objective": "binary", "learning_rate": arguments.learning_rate, "num_leaves": arguments.num_leaves,
        "min_data_in_leaf": 100, "lambda_l2": 10.0, "feature_fraction": 0.7, "seed": 7, "deterministic": True,
        "force_row_wise": True, "num_threads": 2, "verbosity": -1,
    }  # fmt: skip
    booster = lightgbm.train(parameters, lightgbm.Dataset(features, late), num_boost_round=arguments.num_trees)

    transform = onnx.load(pathlib.Path(arguments.transform) / "transform.onnx")
    model = merged(transform, in_float32(booster), features.shape[1])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    table = read(arguments.examples, "eval", COLUMNS)
    inputs = raw_inputs(table)
    (probabilities,) = session.run(["probabilities"], inputs)
    held_out, _ = matrix(arguments.transformed, "eval")
    furthest = float(numpy.abs(probabilities[:, 1] - booster.predict(held_out)).max())
    if furthest > TOLERANCE:
        stop(f"the ONNX graph answers up to {furthest:.2g} apart from LightGBM itself: the export is not faithful")

    folder = pathlib.Path(arguments.model)
    folder.mkdir()
    onnx.save(model, folder / "model.onnx")
    (folder / "model-settings.json").write_text(json.dumps(MODEL_SETTINGS))
    (folder / "sample.json").write_text(json.dumps(sample(session, inputs)))
    metrics = {"auc_held_out": auc(label(table), probabilities[:, 1]), "onnx_difference": furthest}
    print(f"trained on {len(late)} flights, held-out AUC {metrics['auc_held_out']:.4f}, ONNX within {furthest:.1e}")
    write_executor_output(executor_output(), metrics, {"model": {"num_trees": booster.num_trees()}})


if __name__ == "__main__":
    main()
