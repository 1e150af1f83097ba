"""Scores examples with a model, row by row in their order, for the evaluator to compare."""

import argparse
import pathlib

import numpy
import pyarrow
import pyarrow.parquet

from features import LABEL, SLICES, label, read
from model import inputs, report, score, start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", required=True)
    parser.add_argument("--model", required=True, help="a model's folder; an empty one means there is none yet")
    parser.add_argument("--predictions", required=True, help="folder for predictions.parquet")
    arguments = parser.parse_args()

    table = read(arguments.examples, "eval")
    path = pathlib.Path(arguments.model) / "model.onnx"
    if path.exists():
        session = start(str(path))
        scores = score(session, inputs(session, table))
    else:
        # Nothing to compare with yet: a table without rows says so.
        table, scores = table.slice(0, 0), numpy.empty(0)
    columns = {LABEL: label(table), "prediction": scores} | {name: table[name] for name in SLICES}
    folder = pathlib.Path(arguments.predictions)
    folder.mkdir()
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "predictions.parquet")
    report({"rows": float(len(scores))})


if __name__ == "__main__":
    main()
