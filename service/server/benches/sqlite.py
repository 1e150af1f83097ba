"""SQLite with nothing above it, for the bench: the group-committing writer, and a database of many runs."""

import os
import sqlite3
import sys
import time
import uuid

RUNS = 100_000
ARTIFACTS = 1_000_000


def write(path, rows_at_once, seconds):
    """Rows a second of a writer that commits `rows_at_once` deliveries of 8 KiB together, each in an fsync."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    headers = '{"content-type":"application/json","user-agent":"GitHub-Hookshot/0000000"}'
    body, rows = os.urandom(8192), 0
    number = db.execute("SELECT COALESCE(MAX(id), 0) FROM delivery_bodies").fetchone()[0]
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        ids = [str(uuid.uuid4()) for _ in range(rows_at_once)]
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "INSERT INTO delivery_bodies (id, delivery, body) VALUES (?, ?, ?)",
            [(number + place + 1, each, body) for place, each in enumerate(ids)],
        )
        db.executemany(
            "INSERT INTO deliveries (id, origin, kind, received_at, headers, body_id) VALUES (?, 'github', 'ping', ?, ?, ?)",
            [(each, time.time_ns() // 1000, headers, number + place + 1) for place, each in enumerate(ids)],
        )
        db.execute("COMMIT")
        rows, number = rows + rows_at_once, number + rows_at_once
    print(rows / (time.monotonic() - begin))


def fill(path):
    """Copies the first run until there are many, of 20 pipelines, one in ten failed and the others well."""
    db = sqlite3.connect(path)
    names = [row[1] for row in db.execute("PRAGMA table_info(runs)")]
    other = {
        "id": "printf('00000000-0000-7000-8000-%012d', n)",
        "pipeline": "printf('pipeline-%d', n % 20)",
        "created_at": "created_at - 1000000 * (n + 1)",
        "state": "CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'succeeded' END",
        "ended_at": "created_at - 1000000 * n",
        "summary": "'for the bench'",
    }
    columns = ", ".join(other.get(name, name) for name in names)
    db.execute(
        f"WITH RECURSIVE many (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM many WHERE n + 1 < {RUNS}) "
        f"INSERT INTO runs ({', '.join(names)}) SELECT {columns} FROM many, (SELECT * FROM runs LIMIT 1)"
    )
    db.execute(
        f"WITH RECURSIVE many (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM many WHERE n + 1 < {RUNS}) "
        "INSERT INTO deliveries (id, origin, kind, received_at, headers, processed_at, outcome) "
        # Of today, so that retention leaves them.
        "SELECT printf('d%d', n), 'github', 'ping', :now - n, '{}', :now - n, 'for the bench' FROM many",
        {"now": time.time_ns() // 1000},
    )
    db.commit()


def lineage(path):
    """A million artifacts: executions in a chain, each of which reads ten of those of the one before and writes ten."""
    db = sqlite3.connect(path)
    number = f"WITH RECURSIVE many (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM many WHERE n + 1 < {ARTIFACTS}) "
    first_artifact = db.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM Artifact").fetchone()[0]
    first_execution = db.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM Execution").fetchone()[0]
    artifact, execution = (db.execute(f"SELECT id FROM Type WHERE type_kind = {kind} LIMIT 1").fetchone()[0] for kind in (1, 0))
    db.execute(
        number + "INSERT INTO Artifact (id, type_id, name, uri, state, create_time_since_epoch, last_update_time_since_epoch) "
        f"SELECT {first_artifact} + n, {artifact}, 'bench/train/' || n, 'bench/' || n, 2, n, n FROM many"
    )
    db.execute(
        number + "INSERT INTO Execution (id, type_id, last_known_state, create_time_since_epoch, last_update_time_since_epoch) "
        f"SELECT {first_execution} + n, {execution}, 3, n, n FROM many WHERE n < {ARTIFACTS} / 10"
    )
    for kind, offset in ((4, 0), (3, 1)):
        db.execute(
            number + "INSERT INTO Event (artifact_id, execution_id, type, milliseconds_since_epoch) "
            f"SELECT {first_artifact} + n, {first_execution} + n / 10 + {offset}, {kind}, n FROM many "
            f"WHERE n / 10 + {offset} < {ARTIFACTS} / 10"
        )
    db.commit()
    print(ARTIFACTS // 2)


def count(path, query):
    """The one number that a query answers with."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    print(db.execute(query).fetchone()[0])


{"write": lambda: write(sys.argv[2], int(sys.argv[3]), float(sys.argv[4])),
 "fill": lambda: fill(sys.argv[2]),
 "lineage": lambda: lineage(sys.argv[2]),
 "count": lambda: count(sys.argv[2], sys.argv[3])}[sys.argv[1]]()
