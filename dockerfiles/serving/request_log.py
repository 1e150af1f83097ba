"""Keeps what a model was asked, as a data source of CSV files, so that training data can be compared with it.

Switched on by the environment: TRAINYARD_REQUEST_LOG names a folder, TRAINYARD_REQUEST_LOG_SAMPLING_RATE the share
of rows that is kept (1), and TRAINYARD_REQUEST_LOG_SPAN how long a file goes on (day, or hour; UTC).

    <folder>/<model>/2013-05-01.<token>.csv      whole, and never touched again
    <folder>/<model>/.2013-05-01.<token>.csv     being written by the process that holds its lock

A prediction never waits for it and never fails by it: a thread writes what a bounded queue hands over. What a killed
process left behind is published by the next one, without a last line that is not whole.
"""

import atexit
import csv
import fcntl
import io
import logging
import multiprocessing.util
import os
import pathlib
import queue
import secrets
import threading
import time
from typing import NamedTuple

import numpy

logger = logging.getLogger("mlserver.request_log")

SPANS = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}
# Rows that may wait for the writer; more than that are not kept.
MOST_WAITING = 100_000
# A tensor with more values in a row is an image or a text, and no columns.
MOST_COLUMNS = 64
# A row is on its way to the disk after so long.
FLUSH_SECONDS = 1.0
TIMESTAMP = "timestamp"


class Rows(NamedTuple):
    at: float
    model: str
    count: int
    columns: dict[str, numpy.ndarray]


class Said:
    """Says each thing once: what goes wrong goes wrong with every request."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def once(self, what: str, *details: object) -> None:
        if what not in self._said:
            self._said.add(what)
            logger.error(what, *details)


class SpanFile:
    """One file of one span, hidden while it grows."""

    def __init__(self, folder: pathlib.Path, span: str, token: str, header: tuple[str, ...]) -> None:
        self.span, self.header = span, header
        folder.mkdir(parents=True, exist_ok=True)
        self._shown = folder / f"{span}.{token}.csv"
        self._hidden = folder / f".{span}.{token}.csv"
        # Locked before another process can take it for a left one, and until this process ends, however it does.
        new = folder / f".{span}.{token}.new"
        self._file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        os.rename(new, self._hidden)
        self._good = 0
        self._buffer = io.StringIO()
        self._lines = csv.writer(self._buffer, lineterminator="\n")
        self._lines.writerow(header)

    def append(self, lines: list[tuple[str, ...]]) -> None:
        self._lines.writerows(lines)

    def flush(self) -> None:
        """Whole lines, or on an error none of them; the rows are gone then."""
        data = self._buffer.getvalue().encode(errors="replace")
        self._buffer.seek(0)
        self._buffer.truncate()
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self._good += len(data)
        except OSError:
            os.ftruncate(self._file, self._good)
            os.lseek(self._file, self._good, os.SEEK_SET)
            raise

    def publish(self) -> None:
        try:
            self.flush()
            os.fsync(self._file)
            os.rename(self._hidden, self._shown)
        finally:
            os.close(self._file)


class RequestLog:
    def __init__(self, folder: pathlib.Path, rate: float = 1.0, span: str = "day") -> None:
        self._folder, self._rate, self._span = folder, rate, SPANS[span]
        self._token, self._count = secrets.token_hex(4), 0
        self._random = numpy.random.default_rng()
        self._queue: queue.SimpleQueue[Rows | None] = queue.SimpleQueue()
        # Rows handed over by the one thread, and taken by the other.
        self._handed = self._taken = 0
        self._files: dict[str, SpanFile] = {}
        self._said = Said()
        self._writer = threading.Thread(target=self._write, name="request-log", daemon=True)
        self._writer.start()

    def record(self, model: str, inputs: dict[str, numpy.ndarray]) -> None:
        """Takes note of a request: inputs by name, one row per example. Never waits, never raises."""
        try:
            every = next((len(values) for values in inputs.values() if values.ndim), 0)
            kept = numpy.arange(every)
            if self._rate < 1.0:
                kept = kept[self._random.random(every) < self._rate]
            count = len(kept)
            if not count:
                return
            if self._handed - self._taken + count > MOST_WAITING:
                self._said.once("the request log cannot keep up and leaves requests out: lower its sampling rate")
                return
            columns = {name: values[kept] for name, values in inputs.items() if values.ndim and len(values) == every}
            self._handed += count
            self._queue.put(Rows(time.time(), model, count, columns))
        except Exception as error:
            self._said.once("the request log left a request out: %s", error)

    def close(self) -> None:
        """Publishes what there is; to be called when the server stops."""
        if self._writer.is_alive():
            self._queue.put(None)
            self._writer.join(timeout=10)

    def _write(self) -> None:
        self._guarded(self._recover)
        flushed = time.monotonic()
        while True:
            try:
                rows = self._queue.get(timeout=FLUSH_SECONDS)
                if rows is None:
                    break
                self._guarded(self._append, rows)
                self._taken += rows.count
            except queue.Empty:
                pass
            if time.monotonic() - flushed >= FLUSH_SECONDS:
                self._guarded(self._turn)
                flushed = time.monotonic()
        for model in list(self._files):
            self._guarded(self._files.pop(model).publish)

    def _guarded(self, action, *arguments) -> None:
        try:
            action(*arguments)
        except Exception as error:
            self._said.once("the request log cannot write below %s: %s", self._folder, error)

    def _append(self, rows: Rows) -> None:
        span = time.strftime(self._span, time.gmtime(rows.at))
        columns = self._columns(rows)
        header = tuple(columns)
        file = self._files.get(rows.model)
        if file is not None and (file.span, file.header) != (span, header):
            del self._files[rows.model]
            file.publish()
            file = None
        if file is None:
            self._count += 1
            file = SpanFile(self._folder / rows.model, span, f"{self._token}-{self._count}", header)
            self._files[rows.model] = file
        file.append(list(zip(*columns.values())))

    def _columns(self, rows: Rows) -> dict[str, list[str]]:
        """Every column as text, as it would be written in a file of training data."""
        columns = {}
        for name, values in rows.columns.items():
            wide = values.reshape(rows.count, -1)
            if wide.shape[1] > MOST_COLUMNS:
                self._said.once("the request log leaves out input %r: its values are no columns", name)
                continue
            names = [name] if wide.shape[1] == 1 else [f"{name}_{place}" for place in range(wide.shape[1])]
            columns |= {name: text(wide[:, place]) for place, name in enumerate(names)}
        if TIMESTAMP not in columns:
            seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(rows.at))
            columns = {TIMESTAMP: [f"{seconds}.{int(rows.at % 1 * 1000):03}Z"] * rows.count} | columns
        return columns

    def _turn(self) -> None:
        """Writes down what is buffered, and publishes files whose span is over."""
        now = time.strftime(self._span, time.gmtime())
        for model, file in list(self._files.items()):
            if file.span == now:
                file.flush()
            else:
                del self._files[model]
                file.publish()

    def _recover(self) -> None:
        for hidden in sorted(self._folder.glob("*/.*.csv")):
            self._guarded(recover, hidden)


def text(values: numpy.ndarray) -> list[str]:
    """Missing is empty, whole numbers have no point, and an infinity is a number too large for any."""
    if values.dtype == object:
        return [value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values]
    if not numpy.issubdtype(values.dtype, numpy.floating):
        return values.astype(str).tolist()
    special = {"nan": "", "inf": "1e999", "-inf": "-1e999"}
    return [special.get(value, value.removesuffix(".0")) for value in values.astype(str).tolist()]


def recover(hidden: pathlib.Path) -> None:
    """Publishes a file whose writer is gone, up to its last whole line."""
    file = os.open(hidden, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_ino != os.stat(hidden).st_ino:
            return
        lines, end = whole_lines(file)
        if lines < 2:
            os.unlink(hidden)
            return
        os.ftruncate(file, end)
        os.fsync(file)
        os.rename(hidden, hidden.with_name(hidden.name[1:]))
    except (BlockingIOError, FileNotFoundError):
        # Somebody writes it, or another process was quicker.
        return
    finally:
        os.close(file)


def whole_lines(file: int) -> tuple[int, int]:
    """How many whole lines, and where the last one ends; within quotes a line goes on."""
    lines, end, place, quoted = 0, 0, 0, False
    while data := os.pread(file, 1 << 20, place):
        for piece in data.splitlines(keepends=True):
            quoted ^= piece.count(b'"') % 2 == 1
            place += len(piece)
            if piece.endswith(b"\n") and not quoted:
                lines, end = lines + 1, place
    return lines, end


_of_process: tuple[int, RequestLog | None] = (0, None)


def of_process() -> RequestLog | None:
    """The log of this process, if it is switched on; every process writes files of its own."""
    global _of_process
    if _of_process[0] != os.getpid():
        _of_process = (os.getpid(), opened(os.environ))
    return _of_process[1]


def opened(environment) -> RequestLog | None:
    """The log that the environment asks for. One that cannot be is said, and keeps no model from serving."""
    folder = environment.get("TRAINYARD_REQUEST_LOG")
    if not folder:
        return None
    try:
        rate = float(environment.get("TRAINYARD_REQUEST_LOG_SAMPLING_RATE") or 1)
        span = environment.get("TRAINYARD_REQUEST_LOG_SPAN") or "day"
        if not 0.0 <= rate <= 1.0:
            raise ValueError("TRAINYARD_REQUEST_LOG_SAMPLING_RATE is a share between 0 and 1")
        if span not in SPANS:
            raise ValueError("TRAINYARD_REQUEST_LOG_SPAN is day or hour")
        log = RequestLog(pathlib.Path(folder), rate, span)
    except ValueError as error:
        logger.error("requests are not logged: %s", error)
        return None
    # A worker process of MLServer ends without the first of the two.
    atexit.register(log.close)
    multiprocessing.util.Finalize(None, log.close, exitpriority=10)
    return log
