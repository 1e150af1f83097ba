"""What the model knows of a row, and what it predicts. All steps follow what is written here."""

import pathlib
import sys

import numpy
import pandas
import pyarrow
import pyarrow.compute
import pyarrow.parquet

NUMBERS = @NUMBERS@
CATEGORIES = @CATEGORIES@
LABEL = @LABEL@
VALUES = @VALUES@  # @VALUES_COMMENT@
SLICES = @SLICES@  # kept beside the predictions, for the evaluator to slice by


def stop(sentence: str) -> None:
    """Ends the step; the last line of its log is what the user reads first."""
    sys.exit(sentence)


def read(examples: str, split: str) -> pyarrow.Table:
    """The rows of a split whose label is known."""
    files = sorted(pathlib.Path(examples).glob(f"Split-{split}/*.parquet"))
    if not files:
        stop(f"the examples in {examples} have no split '{split}': add it to the splits of their step in pipeline.yaml")
    table = pyarrow.concat_tables([pyarrow.parquet.read_table(file) for file in files], promote_options="permissive")
    missing = [name for name in [*NUMBERS, *CATEGORIES, *SLICES, LABEL] if name not in table.column_names]
    if missing:
        stop(f"column '{missing[0]}' is missing from the data: add it there, or take it out of features.py")
    return table.filter(pyarrow.compute.is_valid(table[LABEL]))


def label(table: pyarrow.Table) -> numpy.ndarray:
    """What is predicted: 1 for the second of VALUES and 0 for the first, or a number."""
    found = table[LABEL].to_pylist()
    if not VALUES:
        if any(isinstance(value, str) for value in found):
            stop(f"column '{LABEL}' has text where a number is needed: correct the data")
        return numpy.array(found, dtype="float64")
    strange = [value for value in found if value not in VALUES]
    if strange:
        stop(f"column '{LABEL}' has the value {strange[0]!r}: correct the data, or VALUES in features.py")
    return numpy.array([value == VALUES[1] for value in found], dtype="int64")


def frame(table: pyarrow.Table) -> pandas.DataFrame:
    """The columns that the model knows, as it takes them."""
    return pandas.DataFrame({name: column(table, name, name in NUMBERS) for name in [*NUMBERS, *CATEGORIES]})


def column(table: pyarrow.Table, name: str, number: bool) -> numpy.ndarray:
    """Numbers are float32 with NaN where one is missing, categories text with "" where one is missing."""
    if number:
        return table[name].cast(pyarrow.float64()).to_numpy().astype("float32")
    return numpy.array(["" if value is None else str(value) for value in table[name].to_pylist()], dtype=object)
