"""The results store: one SQLite file, one transaction per finished cell."""

from __future__ import annotations

import contextlib
import datetime
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["Ledger", "LedgerError"]

_APPLICATION_ID = 0x5A4F4241  # "ZOBA"
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS cells (
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    task TEXT NOT NULL,
    parameters TEXT NOT NULL,
    seed INTEGER NOT NULL,
    result TEXT NOT NULL,
    seconds REAL NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (key, fingerprint)
);
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY,
    suite TEXT NOT NULL,
    seed INTEGER NOT NULL,
    created TEXT NOT NULL,
    content TEXT NOT NULL
);
"""


class LedgerError(RuntimeError):
    """The ledger cannot be opened, read or written; the message says what to do."""


class Ledger:
    """Rows of finished cells and the verdicts of finished runs.

    Rows are only ever added. A row is found again only under the fingerprint of the code
    that wrote it.

    Parameters
    ----------
    path : path-like
        The file; created with its folder where missing.

    Raises
    ------
    LedgerError
        If the file is not a ledger, is corrupt or cannot be written. It is left as it is.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self._guard():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=60.0, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if tables and application != _APPLICATION_ID:
            raise LedgerError(f"{self.path} is an SQLite file of another program; choose another --out")
        if version > _VERSION:
            raise LedgerError(f"{self.path} was written by a newer zoba-bench (format {version}); upgrade to read it")
        if tables:
            (state,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
            if state != "ok":
                raise sqlite3.DatabaseError(state)
        else:
            self._db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._db.executescript(_SCHEMA)
        # Writing now, what stands there already, beats finding out after the first cell.
        self._db.execute(f"PRAGMA user_version = {_VERSION}")

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise LedgerError(
                f"cannot write the ledger {self.path}: {error}; check the folder's permissions and free space, "
                "or choose another --out"
            ) from error
        except sqlite3.DatabaseError as error:
            raise LedgerError(
                f"{self.path} is not a readable ledger ({error}); it was left as it is: move it away to start "
                "anew, or choose another --out"
            ) from error
        except json.JSONDecodeError as error:
            raise LedgerError(
                f"{self.path} holds a damaged row ({error}); it was left as it is: move it away to start anew, or "
                "choose another --out"
            ) from error
        except OSError as error:
            raise LedgerError(f"cannot create the ledger {self.path}: {error}; choose another --out") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def find(self, key: str, fingerprint: str) -> dict[str, Any] | None:
        """The result of a cell under a fingerprint, or None."""
        with self._guard():
            row = self._db.execute(
                "SELECT result FROM cells WHERE key = ? AND fingerprint = ?", (key, fingerprint)
            ).fetchone()
            return None if row is None else json.loads(row[0])

    def holds(self, key: str, fingerprint: str) -> bool:
        """Whether there is a result of a cell under a fingerprint."""
        with self._guard():
            row = self._db.execute(
                "SELECT 1 FROM cells WHERE key = ? AND fingerprint = ?", (key, fingerprint)
            ).fetchone()
            return row is not None

    def seconds(self, key: str) -> float | None:
        """CPU-seconds of a cell when it was last run, under any fingerprint; None if it never was."""
        with self._guard():
            row = self._db.execute(
                "SELECT seconds FROM cells WHERE key = ? ORDER BY created DESC, rowid DESC LIMIT 1", (key,)
            ).fetchone()
            return None if row is None else float(row[0])

    def put(
        self, *, key: str, fingerprint: str, task: str, parameters: dict[str, Any], seed: int,
        result: dict[str, Any], seconds: float,
    ) -> None:  # fmt: skip
        """Add a finished cell, in one transaction."""
        row = (
            key,
            fingerprint,
            task,
            json.dumps(parameters, sort_keys=True),
            seed,
            json.dumps(result),
            seconds,
            _now(),
        )
        with self._guard():
            self._db.execute("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def add_run(self, suite: str, seed: int, content: dict[str, Any]) -> int:
        """Add the verdicts and everything the report needs of one run; its number."""
        with self._guard():
            cursor = self._db.execute(
                "INSERT INTO runs (suite, seed, created, content) VALUES (?, ?, ?, ?)",
                (suite, seed, _now(), json.dumps(content)),
            )
        return int(cursor.lastrowid or 0)

    def last_run(self) -> dict[str, Any] | None:
        """Number, suite, seed, time and content of the newest run, or None."""
        with self._guard():
            row = self._db.execute(
                "SELECT id, suite, seed, created, content FROM runs ORDER BY id DESC LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            content = json.loads(row[4])
        return {
            "id": row[0],
            "suite": row[1],
            "seed": row[2],
            "created": row[3],
            "content": content,
        }

    def count(self) -> int:
        """Number of cells, of any fingerprint."""
        with self._guard():
            return int(self._db.execute("SELECT count(*) FROM cells").fetchone()[0])


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
