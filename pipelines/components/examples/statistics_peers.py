"""Statistics-gen beside polars and TensorFlow Data Validation: time, memory, and a window that moves on.

    python statistics_peers.py --components target/quick/trainyard-components [--rows 5000000] [--rounds 3]

Needs polars, pyarrow and numpy. The interpreter named by --tfdv, if any, needs tensorflow-data-validation and pandas.
All peers read the same Parquet file of twelve spans with ten flights-like columns, in turns, on the same cores.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

GROUP = 128 * 1024


def month(rows, seed):
    import numpy
    import pyarrow

    random = numpy.random.default_rng(seed)
    pick = lambda values: pyarrow.array(numpy.array(values)[random.integers(0, len(values), rows)])
    gaps = lambda values: pyarrow.array(values, mask=random.random(rows) < 0.03)
    return pyarrow.table({
        "day": random.integers(1, 32, rows),
        "hour": random.integers(5, 24, rows),
        "flight": random.integers(1, 8500, rows),
        "distance": random.integers(80, 4984, rows),
        "dep_delay": gaps(random.exponential(40, rows).round() - 12),
        "temp": gaps(random.normal(55, 18, rows).round(2)),
        "wind_speed": random.gamma(2, 5, rows),
        "carrier": pick(["9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV"]),
        "origin": pick(["EWR", "JFK", "LGA"]),
        "tailnum": pick([f"N{number}" for number in range(4043)]),
    })


def make(folder, rows):
    """Examples of one split with thirteen spans, and those of its first twelve."""
    import pyarrow.parquet

    each, kinds = rows // 12, None
    for name, spans in (("first", range(12)), ("moved", range(1, 13))):
        split = folder / name / "Split-train"
        split.mkdir(parents=True)
        listed, writer, end = [], None, 0
        for span in spans:
            table = month(each, span)
            writer = writer or pyarrow.parquet.ParquetWriter(split / "data.parquet", table.schema, compression="zstd")
            writer.write_table(table, row_group_size=GROUP)
            groups = -(-each // GROUP)
            part = {"row_groups": {"start": end, "end": end + groups}, "rows": each}
            listed.append({"span": span, "version": None, "file": f"{span}.parquet", "digest": f"made:{rows}:{span}",
                           "splits": {"train": part}})
            end += groups
        writer.close()
        manifest = {"configuration": {"rows": rows}, "spans": listed}
        (folder / name / "spans.json").write_text(json.dumps(manifest))


def run(command, **environment):
    """Seconds and peak memory in MB of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def ours(components, folder, examples, output, stored=None):
    inputs = {"examples": {"path": str(folder / examples), "digest": "made"}}
    if stored:
        inputs["stored_statistics"] = {"path": str(folder / stored), "digest": "made"}
    task = folder / "task.json"
    task.write_text(json.dumps({"inputs": inputs, "outputs": {"statistics": {"path": str(folder / output)}},
                                "executor_output": str(folder / "said.json")}))
    return run([components, "statistics-gen", "--task", str(task)])


def polars_peer(path):
    import polars

    frame = polars.scan_parquet(path)
    wanted, numbers = [polars.len().alias("rows")], []
    for name, kind in frame.collect_schema().items():
        column = polars.col(name)
        wanted += [column.null_count().alias(f"{name} missing"), column.approx_n_unique().alias(f"{name} unique")]
        if kind.is_numeric():
            numbers.append(name)
            wanted += [column.min().alias(f"{name} min"), column.max().alias(f"{name} max"),
                       column.mean().alias(f"{name} mean"), column.std().alias(f"{name} std"),
                       (column == 0).sum().alias(f"{name} zeros")]
            wanted += [column.quantile(tenth / 10).alias(f"{name} {tenth}") for tenth in range(1, 10)]
            wanted += [column.hist(bin_count=10).implode().alias(f"{name} histogram")]
        else:
            wanted += [column.str.len_bytes().mean().alias(f"{name} length"),
                       column.value_counts(sort=True).head(1000).implode().alias(f"{name} top")]
    print(frame.select(wanted).collect().shape)


def tfdv_peer(path):
    import pandas
    import tensorflow_data_validation

    print(len(tensorflow_data_validation.generate_statistics_from_dataframe(pandas.read_parquet(path)).datasets))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--components", default="target/quick/trainyard-components")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tfdv", help="an interpreter that has tensorflow-data-validation")
    parser.add_argument("--peer", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        name, path = arguments.peer
        make_here = lambda path: make(pathlib.Path(path), arguments.rows)
        return {"make": make_here, "polars": polars_peer, "tfdv": tfdv_peer}[name](path)
    with tempfile.TemporaryDirectory() as place:
        folder, cores = pathlib.Path(place), str(len(os.sched_getaffinity(0)))
        # In a process of its own: a child's peak memory is never below what its parent had when it started it.
        run([sys.executable, __file__, "--rows", str(arguments.rows), "--peer", "make", place])
        data = str(folder / "moved/Split-train/data.parquet")
        ours(arguments.components, folder, "first", "stored")
        rounds = {}
        note = lambda name, figures: rounds.setdefault(name, []).append(figures)
        for number in range(arguments.rounds):
            note("statistics-gen", ours(arguments.components, folder, "moved", f"anew-{number}"))
            note("extended by a month", ours(arguments.components, folder, "moved", f"extended-{number}", "stored"))
            note("polars", run([sys.executable, __file__, "--peer", "polars", data], POLARS_MAX_THREADS=cores))
            if arguments.tfdv and number == 0:
                note("TFDV", run([arguments.tfdv, __file__, "--peer", "tfdv", data]))
        said = [(folder / f"{name}-0/Split-train/statistics.json").read_bytes() for name in ("anew", "extended")]
        assert said[0] == said[1], "an extended window must be the same as one measured anew"
        counted = json.loads(said[0])["datasets"][0]["numExamples"]
        assert int(counted) == arguments.rows // 12 * 12, f"{counted} rows were counted"
    own = statistics.median(seconds for seconds, _ in rounds["statistics-gen"])
    for name, figures in rounds.items():
        seconds, memory = (statistics.median(column) for column in zip(*figures))
        print(f"{name:20} {seconds:8.2f} s {memory:8.0f} MB   {seconds / own:6.3f} x statistics-gen")


if __name__ == "__main__":
    main()
