"""The journal of a run: every evaluation in an SQLite file, from which a second call takes what it has."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from zoba_bench.arrays import Array

__all__ = ["Checkpoint", "Key"]


_APPLICATION_ID = 0x5A4F4243  # "ZOBC"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS evaluations (
    level TEXT NOT NULL, point BLOB NOT NULL, occurrence INTEGER NOT NULL,
    z BLOB NOT NULL, x BLOB NOT NULL, value REAL,
    PRIMARY KEY (level, point, occurrence)
) WITHOUT ROWID;
"""

Key = tuple[str, bytes, int]


class Checkpoint:
    """Values by level, point and how often that point was asked for before; a context that closes the file.

    A method asks for the same points again when it starts again with the same seed: it gets the recorded values, which
    are the bits that were computed, and goes on from where they end.

    Parameters
    ----------
    path : path
    run : mapping
        What names the run: a file that was written for another one is refused. A "seed" of None takes the file's.
    """

    def __init__(self, path: str | Path, run: Mapping[str, Any]) -> None:
        self.path = Path(path)
        if not self.path.absolute().parent.is_dir():
            raise ValueError(f"checkpoint={str(path)!r}: there is no folder {self.path.absolute().parent}")
        self._connection = sqlite3.connect(self.path)
        try:
            self._open()
            self.run = self._same(dict(run))
        except BaseException:
            self._connection.close()
            raise
        rows = self._connection.execute("SELECT level, point, occurrence, value FROM evaluations")
        self._known: dict[Key, float] = {(l, p, k): math.nan if v is None else v for l, p, k, v in rows}
        self._asked: dict[tuple[str, bytes], int] = {}
        self.found = 0  # values that were not computed again

    def _open(self) -> None:
        try:
            (mark,) = self._connection.execute("PRAGMA application_id").fetchone()
            (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.DatabaseError as error:
            raise ValueError(f"checkpoint={str(self.path)!r} is not a checkpoint: {error}") from error
        if mark != _APPLICATION_ID and tables:
            raise ValueError(f"checkpoint={str(self.path)!r} is an SQLite file of another kind")
        # Write-ahead: a commit costs microseconds, and a process that is killed loses none.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        self._connection.executescript(_SCHEMA)

    def _same(self, run: dict[str, Any]) -> dict[str, Any]:
        """What the file says the run is; written where the file is new."""
        stored = {name: json.loads(v) for name, v in self._connection.execute("SELECT name, value FROM run")}
        if not stored:
            if run.get("seed") is None:
                run["seed"] = int(np.random.SeedSequence().entropy)  # type: ignore[arg-type]
            with self._connection:
                rows = [(name, json.dumps(value)) for name, value in run.items()]
                self._connection.executemany("INSERT INTO run VALUES (?, ?)", rows)
            return run
        if run.get("seed") is None:
            run["seed"] = stored.get("seed")
        for name, value in json.loads(json.dumps(run)).items():
            if stored.get(name) != value:
                raise ValueError(
                    f"checkpoint={str(self.path)!r} belongs to a run with {name}={stored.get(name)!r}, not {value!r}; "
                    "use another file, or delete this one to begin again"
                )
        return run

    def keys(self, level: str, Z: Array, X: Array) -> list[Key]:
        """Names of evaluations that are about to be asked for; each counts as asked once."""
        keys = []
        for z, x in zip(Z, X, strict=True):
            point = hashlib.blake2b(z.tobytes() + x.tobytes(), digest_size=16).digest()
            number = self._asked.get((level, point), 0)
            self._asked[level, point] = number + 1
            keys.append((level, point, number))
        return keys

    def value(self, key: Key) -> float | None:
        """What was recorded, or None."""
        return self._known.get(key)

    def record(self, evaluations: Iterable[tuple[Key, Array, Array, float]]) -> None:
        """Write finished evaluations (key, z, x, value): all of them, or none if the process ends meanwhile."""
        rows = [(*key, z.tobytes(), x.tobytes(), value) for key, z, x, value in evaluations]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO evaluations VALUES (?, ?, ?, ?, ?, ?)", rows)

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()
