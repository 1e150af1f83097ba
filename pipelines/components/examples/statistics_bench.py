"""What statistics-gen costs beside polars and TensorFlow Data Validation: the second half of `make bench`.

    python3 statistics_bench.py target/release/static/trainyard-components [--times 15,60] [--rounds 3]

First 5,000 columns with drift, and long texts. Then the flights of the worked example, each month repeated; all read the
same Parquet file, in turns, on the same cores. Data and peers are prepared once, in the user's cache folder. A wrong count is an error; a missed goal is
only said.
"""

import argparse
import json
import math
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PEERS = str(pathlib.Path(__file__).with_name("statistics_peers.py"))
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "trainyard/bench"
YEAR = 336_776
# Later versions of Beam lack dill, which TFDV needs and does not ask for.
TFDV = ["tensorflow-data-validation==1.16.1", "apache-beam<2.65", "setuptools<81"]
POLARS = ["polars==2.1.0", "pyarrow==26.0.1"]
SECONDS_TO_INSTALL = 900
# TFDV and pandas hold all rows in memory several times, more than 1 GB for each million.
TFDV_ROWS = 10_000_000


def row(figure, value, goal="", met=None):
    """A line of the table, as the other half of `make bench` writes it."""
    said = {None: "", True: "met", False: "NOT MET"}[met]
    print(f"{figure:<66} {value:>14}   {goal:<14} {said}".rstrip(), flush=True)


def installed(name, base, packages, proof):
    """The interpreter of a venv with the packages, made once; None and a line why where that is impossible."""
    venv, said = CACHE / name, subprocess.DEVNULL
    python = str(venv / "bin/python")
    works = lambda: subprocess.run([python, "-c", proof], stdout=said, stderr=said).returncode == 0
    if venv.exists() and works():
        return python
    print(f"preparing {name} in {CACHE}", file=sys.stderr)
    shutil.rmtree(venv, ignore_errors=True)
    try:
        subprocess.run([base, "-m", "venv", venv], check=True, capture_output=True, text=True)
        # pip needs more than a quarter of an hour to resolve TFDV, uv seconds.
        subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True, capture_output=True, text=True)
        index = subprocess.run([python, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True)
        environment = {"UV_HTTP_TIMEOUT": "180", **os.environ}
        if index.returncode == 0:
            environment.setdefault("UV_DEFAULT_INDEX", index.stdout.strip())
        if os.environ.get("PIP_CERT"):
            environment.setdefault("SSL_CERT_FILE", os.environ["PIP_CERT"])
        subprocess.run([venv / "bin/uv", "pip", "install", "--quiet", "--python", python, *packages], check=True,
                       capture_output=True, text=True, env=environment, timeout=SECONDS_TO_INSTALL)
        if works():
            return python
        problem = f"'{proof}' fails there"
    except subprocess.CalledProcessError as error:
        problem = (error.stderr or str(error)).strip().splitlines()[-1]
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    print(f"skipped: {name} cannot be installed with {base} ({problem})")
    shutil.rmtree(venv, ignore_errors=True)
    return None


def run(command, **environment):
    """Seconds and peak memory in MB of a process, and what it printed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as problems:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=problems, env={**os.environ, **environment})
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = status
        out.seek(0), problems.seek(0)
        if status:
            sys.exit(f"{command[0]} failed: {problems.read().decode()[-2000:]}")
        return seconds, usage.ru_maxrss / 1024, out.read().decode()


def component(components, name, inputs, output, **parameters):
    """Runs a component as a step would."""
    with tempfile.TemporaryDirectory() as place:
        task = pathlib.Path(place) / "task.json"
        kind, path = output
        task.write_text(json.dumps({"parameters": parameters, "inputs": inputs, "outputs": {kind: {"path": str(path)}},
                                    "executor_output": f"{place}/said.json"}))
        return run([components, name, "--task", str(task)])


def flights():
    """The twelve months, as the demo has them."""
    folder = CACHE / "flights"
    if len(list(folder.glob("*.parquet"))) < 12:
        folder.mkdir(parents=True, exist_ok=True)
        user = f"{os.getuid()}:{os.getgid()}"
        run(["docker", "run", "--rm", "--user", user, "--volume", f"{folder}:/out", "trainyard/flights-data", "/out"])
    return folder


def examples(components, python, times):
    """Examples of one split with twelve spans, made by example-gen of the year repeated `times` times."""
    folder = CACHE / f"examples-{times}"
    if not (folder / "spans.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        months = flights()
        print(f"preparing {times * YEAR:,} rows in {CACHE}", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            run([python, PEERS, "repeat", str(months), place, str(times)])
            files = sorted(path.name for path in pathlib.Path(place).glob("*.parquet"))
            spans = [{"span": span, "file": name, "digest": f"{times} times {name}"} for span, name in enumerate(files)]
            source = {"path": place, "digest": "made", "properties": {"spans": spans}}
            component(components, "example-gen", {"source": source}, ("examples", folder), splits={"train": 1})
    return folder


def all_but_newest(stored, copy):
    """What the window before had measured: all states but that of the newest span, which is written last."""
    shutil.copytree(stored, copy)
    states = copy / "Split-train/spans"
    newest = max(states.iterdir(), key=lambda path: (stored / "Split-train/spans" / path.name).stat().st_mtime_ns)
    newest.unlink()


def check(ours, peer, rows):
    """Fails unless ours and polars' numbers agree: counts and extremes exactly, moments to a billionth."""
    if int(ours["numExamples"]) != rows or peer["rows"] != rows:
        sys.exit(f"{rows} rows, but statistics-gen counted {ours['numExamples']} and polars {peer['rows']}")
    features = {feature["path"]["step"][0]: feature for feature in ours["features"]}
    for name, wanted in peer["numbers"].items():
        said = features[name]["numStats"]
        said = {**said, "missing": said["commonStats"].get("numMissing", 0)}
        for value, theirs in wanted.items():
            if not math.isclose(float(said.get(value, 0)), theirs, rel_tol=1e-9, abs_tol=1e-9):
                sys.exit(f"{value} of column '{name}' is {said.get(value, 0)} by statistics-gen and {theirs} by polars")


def beside_peers(components, polars, tfdv, times, rounds):
    """One table section: the year repeated `times` times."""
    folder, rows, cores = examples(components, polars, times), times * YEAR, str(len(os.sched_getaffinity(0)))
    data = str(folder / "Split-train/data.parquet")
    input_ = {"examples": {"path": str(folder), "digest": "made"}}
    figures = {}
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)

        def ours(name, number, **inputs):
            output = place / f"{name}-{number}"
            figures.setdefault(name, []).append(component(components, "statistics-gen", {**input_, **inputs}, ("statistics", output)))
            return output

        all_but_newest(ours("warm", 0), place / "stored")
        stored = {"path": str(place / "stored"), "digest": "made"}
        for number in range(rounds):
            anew = ours("anew", number)
            extended = ours("extended", number, stored_statistics=stored)
            written = [(output / "Split-train/statistics.json").read_bytes() for output in (anew, extended)]
            if written[0] != written[1]:
                sys.exit("an extended window must have the same statistics as one measured anew")
            shutil.rmtree(anew), shutil.rmtree(extended)
            figures.setdefault("polars", []).append(run([polars, PEERS, "polars", data], POLARS_MAX_THREADS=cores))
            if number == 0:
                check(json.loads(written[0])["datasets"][0], json.loads(figures["polars"][0][2]), rows)
            if tfdv and rows < TFDV_ROWS:
                figures.setdefault("tfdv", []).append(run([tfdv, "-W", "ignore", PEERS, "tfdv", data], TF_CPP_MIN_LOG_LEVEL="3"))
    read = [said for _, _, said in figures["extended"]]
    if any(said.count(": read\n") != 1 for said in read):
        sys.exit("an extended window must read one span and no more")

    middle = lambda name, of: statistics.median(of(figure) for figure in figures[name])
    whole, memory = (lambda figure: figure[0]), (lambda figure: figure[1])
    inside = lambda figure: json.loads(figure[2].splitlines()[-1])["seconds"]
    own, size = middle("anew", whole), f"{rows / 1e6:.1f} million rows"
    row(f"statistics of {size}, row count exact", f"{own:.2f} s")
    row("  peak memory", f"{middle('anew', memory):.0f} MB", "<= 256 MB", max(map(memory, figures["anew"])) <= 256)
    extended = middle("extended", whole) / own
    row("  a window extended by a month, by one measured anew", f"{extended:.3f} x", "<= 0.125 x", extended <= 0.125)
    for name, title, goal in (("polars", "polars", 0.8), ("tfdv", "pandas + TFDV", 2.0)):
        if name not in figures:
            row(f"  speed of {title}", "needs > 16 GB" if tfdv else "not installed", f">= {goal} x")
            continue
        quick, slow, peak = middle(name, inside), middle(name, whole), middle(name, memory)
        row(f"  {title} without start and imports", f"{quick:.2f} s")
        row("    our speed, by that of it (ours as a whole process)", f"{quick / own:.2f} x", f">= {goal} x", quick / own >= goal)
        row("    the same, both as whole processes", f"{slow / own:.2f} x")
        row("    its peak memory", f"{peak:.0f} MB")


def table(name, columns, rows, seed, value):
    """A CSV file in the cache, made once; `value` of a random generator and a column."""
    path = CACHE / f"{name}-{columns}x{rows}/data-{seed}.csv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made, chance = path.with_suffix(".part"), random.Random(seed)
        with open(made, "w") as file:
            file.write(",".join(f"c{column}" for column in range(columns)) + "\n")
            for _ in range(rows):
                file.write(",".join(value(chance, column) for column in range(columns)) + "\n")
        made.rename(path)
    return path


def measure(components, place, name, path, splits):
    """Examples and statistics of one CSV file; what both steps cost."""
    spans = [{"span": 1, "file": path.name, "digest": path.name}]
    source = {"path": str(path.parent), "digest": "made", "properties": {"spans": spans}}
    folders = [place / f"{kind}-{name}" for kind in ("examples", "statistics")]
    costs = [component(components, "example-gen", {"source": source}, ("examples", folders[0]), splits=splits),
             component(components, "statistics-gen", {"examples": {"path": str(folders[0]), "digest": "made"}},
                       ("statistics", folders[1]))]
    return costs, folders[1]


def wide(components, polars, tfdv, rounds):
    """5,000 columns, three in five of them real numbers, two splits of 300 rows: from the file to the verdict on drift."""
    splits, columns, rows = {"train": 1, "eval": 1}, 5_000, 600
    kinds = [lambda chance: f"{chance.gauss(0, 1):.4f}"] * 3 + [lambda chance: str(chance.randrange(40))]
    kinds.append(lambda chance: chance.choice("abcdefgh"))
    now, then = [table("wide", columns, rows, seed, lambda chance, column: kinds[column % 5](chance)) for seed in (1, 2)]
    cores = str(len(os.sched_getaffinity(0)))
    seconds, memory, figures = [], [], {}
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        previous = measure(components, place, "then", then, splits)[1]
        given = lambda path: {"path": str(path), "digest": "made"}
        component(components, "schema-gen", {"statistics": given(previous)}, ("schema", place / "schema"))
        for number in range(rounds):
            costs, statistics_ = measure(components, place, f"now-{number}", now, splits)
            inputs = {"statistics": given(statistics_), "schema": given(place / "schema"), "previous_statistics": given(previous)}
            costs.append(component(components, "example-validator", inputs, ("anomalies", place / f"anomalies-{number}"),
                                   on_anomaly="warn"))
            seconds.append(sum(cost[0] for cost in costs))
            memory.append(max(cost[1] for cost in costs))
            for python, peer in ((polars, "read"), (polars, "polars_wide"), (tfdv, "tfdv_wide")):
                if python and (number == 0 or peer != "tfdv_wide"):
                    command = [python, "-W", "ignore", PEERS, peer, str(now), str(then)]
                    figures.setdefault(peer, []).append(run(command, POLARS_MAX_THREADS=cores, TF_CPP_MIN_LOG_LEVEL="3"))
    own = statistics.median(seconds)
    row("examples, statistics, drift of 5,000 columns x 300 rows x 2 splits", f"{own:.1f} s", "<= 30 s", own <= 30)
    row("  peak memory", f"{max(memory):.0f} MB", "<= 512 MB", max(memory) <= 512)
    titles = {"read": "limit: polars only reads this month and the one before",
              "polars_wide": "polars reads both and measures the same, without drift",
              "tfdv_wide": "pandas + TFDV: both, and distances without their chance"}
    for peer, title in titles.items():
        inside = [json.loads(said.splitlines()[-1])["seconds"] for _, _, said in figures.get(peer, [])]
        row(f"  {title}", f"{statistics.median(inside):.1f} s" if inside else "not installed")


def long_texts(components):
    """192 MB of documents, each another one: what statistics keep of them."""
    words = [f"{number * 2_654_435_761 % 2**32:08x}" for number in range(1000)]
    document = lambda chance, _: " ".join(chance.choices(words, k=1820))
    path = table("texts", 1, 12_000, 1, document)
    with tempfile.TemporaryDirectory() as place:
        costs, folder = measure(components, pathlib.Path(place), "texts", path, {"train": 1})
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    row(f"statistics of {path.stat().st_size / 1e6:.0f} MB of long texts", f"{size:.1f} MB", "<= 2 MB", size <= 2)
    row("  peak memory of examples and statistics", f"{max(cost[1] for cost in costs):.0f} MB")
    row("  examples and statistics", f"{sum(cost[0] for cost in costs):.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("components", help="the program trainyard-components")
    parser.add_argument("--times", default="15,60", help="how often the year is repeated (default: 15,60)")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    polars = installed("polars", sys.executable, POLARS, "import polars, pyarrow.parquet")
    if polars is None:
        sys.exit("the data of the bench are made with pyarrow: see the line above")
    base = shutil.which("python3.11") or sys.executable
    tfdv = installed("tfdv", base, TFDV, "import tensorflow_data_validation")
    components = os.path.abspath(arguments.components)
    wide(components, polars, tfdv, arguments.rounds)
    long_texts(components)
    for times in map(int, arguments.times.split(",")):
        beside_peers(components, polars, tfdv, times, arguments.rounds)


if __name__ == "__main__":
    main()
