"""Trains gradient-boosted trees with scikit-learn and writes one ONNX graph from the columns to the answer."""

import argparse

import numpy
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from features import CATEGORIES, LABEL, NUMBERS, VALUES, frame, label, read, stop
from model import report, save


def untrained(learning_rate: float, num_trees: int) -> Pipeline:
    settings = {"learning_rate": learning_rate, "n_estimators": num_trees, "subsample": 0.8, "random_state": 7}
    columns = [
        ("numbers", SimpleImputer(strategy="median", keep_empty_features=True), NUMBERS),
        ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), CATEGORIES),
    ]
    trees = GradientBoostingClassifier(**settings) if VALUES else GradientBoostingRegressor(**settings)
    return make_pipeline(ColumnTransformer([entry for entry in columns if entry[2]]), trees)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", required=True)
    parser.add_argument("--model", required=True, help="folder for the model")
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--num-trees", type=int, default=100)
    arguments = parser.parse_args()

    table = read(arguments.examples, "train")
    rows, wanted = frame(table), label(table)
    if len(numpy.unique(wanted)) < 2:
        stop(f"column '{LABEL}' has the same value in all {len(wanted)} rows: there is nothing to learn")
    fitted = untrained(arguments.learning_rate, arguments.num_trees).fit(rows, wanted)
    expected = fitted.predict_proba(rows)[:, 1] if VALUES else fitted.predict(rows)

    types = [(name, FloatTensorType([None, 1]) if name in NUMBERS else StringTensorType([None, 1])) for name in rows]
    graph = to_onnx(fitted, initial_types=types, options={"zipmap": False} if VALUES else None)
    save(arguments.model, graph, table, expected)
    print(f"trained on {len(wanted)} rows")
    report({"rows": float(len(wanted))})


if __name__ == "__main__":
    main()
