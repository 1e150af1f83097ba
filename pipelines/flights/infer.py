"""Scores examples with a model, row by row in their order, for the evaluator to compare."""

import argparse
import pathlib

import numpy
import onnxruntime
import pyarrow
import pyarrow.parquet

from features import COLUMNS, LABEL, SLICES, executor_output, label, raw_inputs, read, write_executor_output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", required=True)
    parser.add_argument("--model", required=True, help="a model's folder; an empty one means there is none yet")
    parser.add_argument("--predictions", required=True, help="folder for predictions.parquet")
    arguments = parser.parse_args()

    table = read(arguments.examples, "eval", COLUMNS)
    late = label(table)
    path = pathlib.Path(arguments.model) / "model.onnx"
    if path.exists():
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        wanted = {entry.name for entry in session.get_inputs()}
        inputs = {name: values for name, values in raw_inputs(table).items() if name in wanted}
        (probabilities,) = session.run(["probabilities"], inputs)
        score = probabilities[:, 1].astype("float64")
    else:
        # No baseline yet: a table without rows says so.
        table, late, score = table.slice(0, 0), late[:0], numpy.empty(0)
    columns = {LABEL: late, "score": score} | {name: table[name] for name in SLICES}
    folder = pathlib.Path(arguments.predictions)
    folder.mkdir()
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "predictions.parquet", compression="zstd")
    write_executor_output(executor_output(), {"rows": float(len(late))}, {"predictions": {"num_examples": len(late)}})


if __name__ == "__main__":
    main()
