"""What is known of a flight before it departs, and what is predicted."""

import json
import pathlib
import sys

import numpy
import pyarrow
import pyarrow.parquet

NUMBERS = [
    "day_of_week", "hour", "minute", "sched_arr_time", "distance",
    "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib",
]  # fmt: skip
CATEGORIES = ["carrier", "origin", "dest"]
LABEL = "late"
LATE_MINUTES = 15
COLUMNS = [*NUMBERS, *CATEGORIES, "arr_delay"]  # what is read: the features, and what the label is made of
SLICES = ["origin", "carrier"]  # kept beside the predictions, for the evaluator to slice by


def stop(sentence: str) -> None:
    """Ends the component; the last line of its log is what the user reads first."""
    sys.exit(sentence)


def read(examples: str, split: str, columns: list[str]) -> pyarrow.Table:
    """The columns of one split, or of all splits when there is no such one."""
    files = sorted(pathlib.Path(examples).glob("Split-*/*.parquet"))
    files = [file for file in files if file.parent.name == f"Split-{split}"] or files
    if not files:
        stop(f"the examples in {examples} have no Split-*/*.parquet: is this the output of example-gen?")
    schema = pyarrow.parquet.read_schema(files[0])
    missing = [column for column in columns if column not in schema.names]
    if missing:
        stop(f"column '{missing[0]}' is missing from the examples: add it to the data, or take it out of features.py")
    return pyarrow.concat_tables(pyarrow.parquet.read_table(file, columns=columns) for file in files)


def label(table: pyarrow.Table) -> numpy.ndarray:
    """1 where the flight arrived more than 15 minutes late; a missing delay counts as not late."""
    delay = table["arr_delay"].to_numpy().astype("float64")
    return (numpy.nan_to_num(delay, nan=0.0) > LATE_MINUTES).astype("int64")


def raw_inputs(table: pyarrow.Table) -> dict[str, numpy.ndarray]:
    """Inputs of the ONNX graphs: numbers float32 [n, 1] with NaN for missing, text [n, 1]."""
    numbers = {name: table[name].to_numpy().astype("float32").reshape(-1, 1) for name in NUMBERS}
    texts = {}
    for name in CATEGORIES:
        values = [value if value is not None else "" for value in table[name].to_pylist()]
        texts[name] = numpy.array(values, dtype=object).reshape(-1, 1)
    return numbers | texts


def write_executor_output(path: str | None, metrics: dict, properties: dict) -> None:
    """Trainyard's optional file with metrics and artifact properties, beside the outputs."""
    if path:
        artifacts = {name: {"properties": values} for name, values in properties.items()}
        pathlib.Path(path).write_text(json.dumps({"metrics": metrics, "artifacts": artifacts}))


def executor_output() -> str | None:
    """Where that file goes, from task.json; None when the program runs by hand."""
    import os

    task = os.environ.get("TRAINYARD_TASK")
    return json.loads(pathlib.Path(task).read_text())["executor_output"] if task else None
