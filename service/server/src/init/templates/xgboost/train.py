"""Trains gradient-boosted trees with XGBoost and writes one ONNX graph from the columns to the answer."""

import argparse

import numpy
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes as of_classifier
from skl2onnx.common.shape_calculator import calculate_linear_regressor_output_shapes as of_regressor
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier, XGBRegressor

from features import CATEGORIES, LABEL, NUMBERS, VALUES, frame, label, read, stop
from model import report, save

OPSET = {"": 15, "ai.onnx.ml": 3}
ZIPMAP = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
update_registered_converter(XGBClassifier, "XGBoostClassifier", of_classifier, convert_xgboost, options=ZIPMAP)
update_registered_converter(XGBRegressor, "XGBoostRegressor", of_regressor, convert_xgboost)


def untrained(learning_rate: float, num_trees: int) -> Pipeline:
    settings = {"learning_rate": learning_rate, "n_estimators": num_trees, "max_depth": 5, "random_state": 7}
    columns = [
        # The trees take missing numbers as they are.
        ("numbers", "passthrough", NUMBERS),
        ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), CATEGORIES),
    ]
    trees = XGBClassifier(**settings) if VALUES else XGBRegressor(**settings)
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
    options = {XGBClassifier: {"zipmap": False}} if VALUES else None
    graph = to_onnx(fitted, initial_types=types, options=options, target_opset=OPSET)
    save(arguments.model, graph, table, expected)
    print(f"trained on {len(wanted)} rows")
    report({"rows": float(len(wanted))})


if __name__ == "__main__":
    main()
