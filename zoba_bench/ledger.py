"""The results store: one SQLite file, one transaction per finished cell."""

from __future__ import annotations

import contextlib
import datetime
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["Ledger", "LedgerError"]

_APPLICATION_ID = 0x5A4F4241  # "ZOBA"
_VERSION = 2
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
CREATE TABLE IF NOT EXISTS texts (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    content TEXT NOT NULL,
    seconds REAL NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (kind, key, fingerprint)
);
"""


#: Tables whose rows depend on code, and the column that says what they are.
_NAMED = {"cells": "task", "texts": "kind"}


class LedgerError(RuntimeError):
    """The ledger cannot be opened, read or written; the message says what to do."""


class Ledger:
    """Rows of finished cells, what was derived for them, and the verdicts of finished runs.

    A row is found again only under the fingerprint of the code that wrote it. It is replaced by a row of the same code
    alone, and removed by :meth:`remove` alone.

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
        if not tables or version < _VERSION:
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
        if isinstance(content.get("derivations"), dict):
            content["derivations"] = self._with_texts(content["derivations"])
        return {
            "id": row[0],
            "suite": row[1],
            "seed": row[2],
            "created": row[3],
            "content": content,
        }

    def _with_texts(self, derivations: dict[str, Any]) -> dict[str, Any]:
        """Rendered derivations by name, where a run has the fingerprint that finds them, or has them itself."""
        found = {
            name: self.text("derivation", name, value) if isinstance(value, str) else value
            for name, value in derivations.items()
        }
        return {name: value for name, value in found.items() if value is not None}

    def missing_derivations(self) -> dict[str, str]:
        """Derivations that the newest run names and that are not here, with the fingerprint of their code."""
        with self._guard():
            row = self._db.execute("SELECT content FROM runs ORDER BY id DESC LIMIT 1").fetchone()
            named = (json.loads(row[0]).get("derivations") or {}) if row else {}
        return {
            name: value
            for name, value in named.items()
            if isinstance(value, str) and not self.holds_text("derivation", name, value)
        }

    def holds_text(self, kind: str, key: str, fingerprint: str) -> bool:
        """Whether there is what :meth:`text` returns."""
        with self._guard():
            row = self._db.execute(
                "SELECT 1 FROM texts WHERE kind = ? AND key = ? AND fingerprint = ?", (kind, key, fingerprint)
            ).fetchone()
            return row is not None

    def text(self, kind: str, key: str, fingerprint: str) -> Any:
        """What was derived under a fingerprint, as JSON: a "plan" or a "derivation"; None where it was not."""
        with self._guard():
            row = self._db.execute(
                "SELECT content FROM texts WHERE kind = ? AND key = ? AND fingerprint = ?", (kind, key, fingerprint)
            ).fetchone()
            return None if row is None else json.loads(row[0])

    def text_seconds(self, kind: str, key: str) -> float | None:
        """CPU-seconds that it took to derive, under any fingerprint; None if it never was."""
        with self._guard():
            row = self._db.execute(
                "SELECT seconds FROM texts WHERE kind = ? AND key = ? ORDER BY created DESC, rowid DESC LIMIT 1",
                (kind, key),
            ).fetchone()
            return None if row is None else float(row[0])

    def put_text(self, kind: str, key: str, fingerprint: str, content: Any, seconds: float) -> None:
        """Add what was derived, in one transaction."""
        row = (kind, key, fingerprint, json.dumps(content), seconds, _now())
        with self._guard():
            self._db.execute("INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?, ?, ?)", row)

    def put_texts(self, rows: Iterable[tuple[str, str, str, Any, float]]) -> None:
        """Add several, as :meth:`put_text` takes them, in one transaction."""
        made = [(kind, key, mark, json.dumps(content), seconds, _now()) for kind, key, mark, content, seconds in rows]
        with self._guard(), self._db:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?, ?, ?)", made)

    def groups(self) -> list[tuple[str, str, str, int]]:
        """Table, task of the cells or kind of the texts, fingerprint, and number of such rows."""
        with self._guard():
            return [
                (table, str(row[0]), str(row[1]), int(row[2]))
                for table, name in _NAMED.items()
                for row in self._db.execute(
                    f"SELECT {name}, fingerprint, count(*) FROM {table} GROUP BY 1, 2 ORDER BY 1, 2"
                )
            ]

    def remove(self, groups: Iterable[tuple[str, str, str, int]]) -> None:
        """Remove these groups of rows, all or none, and give their space back."""
        with self._guard():
            self._db.execute("BEGIN IMMEDIATE")
            for table, name, fingerprint, _ in groups:
                where = f"WHERE {_NAMED[table]} = ? AND fingerprint = ?"
                self._db.execute(f"DELETE FROM {table} {where}", (name, fingerprint))
            self._db.execute("COMMIT")
            self._db.execute("VACUUM")

    def count(self) -> int:
        """Number of cells, of any fingerprint."""
        with self._guard():
            return int(self._db.execute("SELECT count(*) FROM cells").fetchone()[0])


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
