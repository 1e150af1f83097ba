"""The peers of statistics-gen, each in a process of its own: statistics_bench.py starts them.

    python statistics_peers.py repeat FOLDER-OF-MONTHS FOLDER TIMES
    python statistics_peers.py polars data.parquet
    python statistics_peers.py tfdv data.parquet
    python statistics_peers.py read now.csv then.csv
    python statistics_peers.py polars_wide now.csv then.csv
    python statistics_peers.py tfdv_wide now.csv then.csv

A peer prints JSON: the seconds from the opening of the file to the last number, the program's start and its imports
left out, and what it found.
"""

import json
import pathlib
import sys
import time


def repeat(months, folder, times):
    """Every month as often, in files of the same names."""
    import pyarrow.parquet

    for path in sorted(pathlib.Path(months).glob("*.parquet")):
        table = pyarrow.parquet.read_table(path)
        with pyarrow.parquet.ParquetWriter(pathlib.Path(folder) / path.name, table.schema) as writer:
            for _ in range(int(times)):
                writer.write_table(table)


def polars(path):
    """The set of statistics-gen: counts, moments, extremes, zeros, nine quantiles, a histogram, distinct and top values."""
    import polars

    start = time.perf_counter()
    found, numbers = measured(polars.scan_parquet(path))
    seconds = time.perf_counter() - start
    exact = {name: {value: found[f"{name} {value}"][0] for value in ("missing", "min", "max", "mean", "stdDev", "numZeros")}
             for name in numbers}
    return {"seconds": seconds, "rows": found["rows"][0], "numbers": exact}


def measured(frame):
    """The set, and which columns are numbers."""
    import polars

    wanted, numbers = [polars.len().alias("rows")], []
    for name, kind in frame.collect_schema().items():
        column = polars.col(name)
        wanted += [column.null_count().alias(f"{name} missing"), column.approx_n_unique().alias(f"{name} unique")]
        if kind.is_numeric():
            numbers.append(name)
            wanted += [column.min().alias(f"{name} min"), column.max().alias(f"{name} max"),
                       column.mean().alias(f"{name} mean"), column.std(ddof=0).alias(f"{name} stdDev"),
                       (column == 0).sum().alias(f"{name} numZeros")]
            # Nine quantiles at once are three times as fast as one after the other.
            wanted += [column.quantile([tenth / 10 for tenth in range(1, 10)]).implode().alias(f"{name} quantiles"),
                       column.hist(bin_count=10).implode().alias(f"{name} histogram")]
        else:
            wanted += [column.str.len_bytes().mean().alias(f"{name} length"),
                       column.value_counts(sort=True).head(1000).implode().alias(f"{name} top")]
    return frame.select(wanted).collect(engine="streaming"), numbers


def tfdv(path):
    """pandas reads, TensorFlow Data Validation measures; with more than its one job it is slower by far."""
    import pandas
    import tensorflow_data_validation

    start = time.perf_counter()
    frame = pandas.read_parquet(path)
    found = tensorflow_data_validation.generate_statistics_from_dataframe(frame)
    return {"seconds": time.perf_counter() - start, "rows": found.datasets[0].num_examples}


def read(*paths):
    """Nothing but reading CSV on all cores: the limit of whoever starts from such files."""
    import polars

    start = time.perf_counter()
    rows = [polars.read_csv(path).height for path in paths]
    return {"seconds": time.perf_counter() - start, "rows": rows[0]}


def polars_wide(*paths):
    """The set for both files; no comparison of the two."""
    import polars

    start = time.perf_counter()
    rows = [measured(polars.read_csv(path).lazy())[0]["rows"][0] for path in paths]
    return {"seconds": time.perf_counter() - start, "rows": rows[0]}


def tfdv_wide(*paths):
    """TensorFlow Data Validation: statistics of both files, and drift of every column without a test of significance."""
    import pandas
    import tensorflow_data_validation as validation

    start = time.perf_counter()
    now, then = [validation.generate_statistics_from_dataframe(pandas.read_csv(path)) for path in paths]
    schema = validation.infer_schema(then)
    for feature in schema.feature:
        feature.drift_comparator.jensen_shannon_divergence.threshold = 0.01
    validation.validate_statistics(now, schema, previous_statistics=then)
    return {"seconds": time.perf_counter() - start, "rows": now.datasets[0].num_examples}


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    known = [repeat, polars, tfdv, read, polars_wide, tfdv_wide]
    print(json.dumps({one.__name__: one for one in known}[what](*arguments)))
