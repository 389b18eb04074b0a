"""The ledger: rows of finished and failed cells, of what was derived, and of runs."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zoba_bench.ledger.connection import Connection
from zoba_bench.ledger.schema import CHECKED

__all__ = ["Ledger"]


class Ledger(Connection):
    """Rows of finished cells, what was derived for them, and the verdicts of finished runs.

    A row is found again only under the fingerprint of the code that wrote it. It is replaced by a row of the same code
    alone, and removed where somebody asks for it (``cleaning``). Each row has a checksum, which is verified when the
    row is read. A damaged row counts as missing, and a :class:`LedgerWarning` names it.

    What is written outlives this process as soon as the method returns, also where the process is killed. It reaches
    the disk in batches: a power failure may cost what was written since the last batch of 5 seconds, never more.

    Parameters
    ----------
    path : path-like
        The file; created with its folder where missing.
    readonly : bool
        Write nothing at all, also where the file system would allow it. What :meth:`put_text` is given is kept for
        this object alone. Every other method that writes raises.
    wait : float
        Seconds to wait for a lock of another process.

    Raises
    ------
    LedgerError
        If the file is not a ledger, is corrupt or cannot be written. It is left as it is.
    """

    def __init__(self, path: str | Path, *, readonly: bool = False, wait: float = 60.0) -> None:
        super().__init__(path, readonly=readonly, wait=wait)
        self._unwritten: dict[tuple[str, str, str], Any] = {}
        self._origins: set[str] = set()

    def find(self, key: str, fingerprint: str) -> dict[str, Any] | None:
        """The result of a cell under a fingerprint, or None; a damaged row is named in a warning and counts as none."""
        row = self._read("cells", {"key": key, "fingerprint": fingerprint}, f"the row of cell {key}")
        found: dict[str, Any] | None = None if row is None else json.loads(row["result"])
        return found

    def row(self, table: str, where: Mapping[str, str]) -> dict[str, Any] | None:
        """All columns of a sound row, as they stand there; None where there is none."""
        return self._read(table, where, f"a row of {table}")

    def holds(self, key: str, fingerprint: str) -> bool:
        """Whether there is a row of a cell under a fingerprint, sound or not."""
        with self._guard():
            row = self._db.execute(
                "SELECT 1 FROM cells WHERE key = ? AND fingerprint = ?", (key, fingerprint)
            ).fetchone()
            return row is not None

    def checksum_of(self, key: str, fingerprint: str) -> str | None:
        """The checksum that the row of a cell has under a fingerprint; None if there is no row."""
        with self._guard():
            row = self._db.execute(
                "SELECT checksum FROM cells WHERE key = ? AND fingerprint = ?", (key, fingerprint)
            ).fetchone()
        return None if row is None else str(row[0])

    def seconds(self, key: str) -> float | None:
        """CPU-seconds of a cell when it was last run, under any fingerprint; None if it never was."""
        return self._newest_seconds("cells", "key = ?", key)

    def text_seconds(self, kind: str, key: str) -> float | None:
        """CPU-seconds that it took to derive, under any fingerprint; None if it never was."""
        return self._newest_seconds("texts", "kind = ? AND key = ?", kind, key)

    def _newest_seconds(self, table: str, condition: str, *values: str) -> float | None:
        with self._guard():
            row = self._db.execute(
                f"SELECT seconds FROM {table} WHERE {condition} ORDER BY created DESC, rowid DESC LIMIT 1", values
            ).fetchone()
        # It is read without the rest of the row: what is no time can only be damage.
        sound = row is not None and isinstance(row[0], (int, float)) and 0 <= row[0] < math.inf
        return float(row[0]) if sound else None

    def put(
        self, *, key: str, fingerprint: str, task: str, parameters: Mapping[str, Any], seed: int,
        result: Mapping[str, Any], seconds: float, origin: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Add a finished cell, and forget that it failed before.

        ``origin`` says with what it was made, see :func:`zoba_bench.machine.origin`.
        """
        with self._transaction():
            self._write("cells", {
                "key": key, "fingerprint": fingerprint, "task": task, "seed": seed, "result": json.dumps(result),
                "parameters": json.dumps(parameters, sort_keys=True), "seconds": float(seconds), "created": _now(),
                "origin": self._origin(origin),
            })  # fmt: skip
            self._db.execute("DELETE FROM failures WHERE key = ? AND fingerprint = ?", (key, fingerprint))

    def put_failure(
        self, *, key: str, fingerprint: str, task: str, parameters: Mapping[str, Any], seed: int, status: str,
        exception: str, message: str, traceback: str, origin: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Add a cell that failed. :meth:`find` does not find it: it is run again the next time."""
        with self._transaction():
            self._write("failures", {
                "key": key, "fingerprint": fingerprint, "task": task, "seed": seed, "status": status,
                "exception": exception, "message": _storable(message), "traceback": _storable(traceback),
                "parameters": json.dumps(parameters, sort_keys=True), "created": _now(), "origin": self._origin(origin),
            })  # fmt: skip

    def failures(self) -> list[dict[str, Any]]:
        """Cells that failed when they were last run, the newest first; parameters and origin as tables."""
        columns = ", ".join((*CHECKED["failures"], "checksum"))
        with self._guard():
            rows = self._db.execute(f"SELECT {columns} FROM failures ORDER BY created DESC, rowid DESC").fetchall()
        sound = [self._sound("failures", row, f"the row of the failed cell {row[0]}") for row in rows]
        return [
            {**row, "parameters": json.loads(row["parameters"]), "origin": self.origin(row["origin"])}
            for row in sound
            if row is not None
        ]

    def origin_of(self, key: str, fingerprint: str) -> dict[str, Any]:
        """With what a cell was made; empty for one that an earlier version wrote."""
        row = self._read("cells", {"key": key, "fingerprint": fingerprint}, f"the row of cell {key}")
        return {} if row is None else self.origin(row["origin"])

    def origin(self, name: str) -> dict[str, Any]:
        """An origin by its hash; empty if there is none, or if it is damaged."""
        with self._guard():
            row = self._db.execute("SELECT content FROM origins WHERE id = ?", (name,)).fetchone()
        if row is None or not isinstance(row[0], str) or _origin_name(row[0]) != name:
            return {}
        found: dict[str, Any] = json.loads(row[0])
        return found

    def _origin(self, origin: Mapping[str, Any] | None) -> str:
        """The hash under which an origin stands, once for all of its rows."""
        if origin is None:
            return ""
        content = json.dumps(origin, sort_keys=True)
        name = _origin_name(content)
        if name not in self._origins:
            self._db.execute("INSERT OR REPLACE INTO origins VALUES (?, ?)", (name, content))
            self._origins.add(name)
        return name

    def add_copies(
        self, table: str, rows: Iterable[Mapping[str, Any]], origins: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        """Add rows as another ledger gave them, with their times; one of the same key is replaced. All or none.

        ``origins`` are those that the rows name, as :meth:`origin` returns them.
        """
        with self._transaction():
            for origin in origins:
                self._origin(origin)
            for row in rows:
                self._write(table, row)

    def add_run(self, suite: str, seed: int, content: dict[str, Any]) -> int:
        """Add the verdicts and everything the report needs of one run; its number."""
        with self._transaction():
            self._write("runs", {"suite": suite, "seed": seed, "created": _now(), "content": json.dumps(content)})
            (number,) = self._db.execute("SELECT last_insert_rowid()").fetchone()
        return int(number)

    def last_run(self) -> dict[str, Any] | None:
        """Number, suite, seed, time and content of the newest run, or None."""
        run = self._newest_run()
        if run is not None and isinstance(run["content"].get("derivations"), dict):
            run["content"]["derivations"] = self._with_texts(run["content"]["derivations"])
        return run

    def _newest_run(self) -> dict[str, Any] | None:
        """The newest run that is not damaged."""
        columns = ", ".join(("id", *CHECKED["runs"], "checksum"))
        with self._guard():
            numbers = [row[0] for row in self._db.execute("SELECT id FROM runs ORDER BY id DESC")]
            for number in numbers:
                row = self._db.execute(f"SELECT {columns} FROM runs WHERE id = ?", (number,)).fetchone()
                found = None if row is None else self._sound("runs", row[1:], f"run {number}")
                if found is not None:
                    return {"id": number, **found, "content": json.loads(found["content"])}
        return None

    def _with_texts(self, derivations: dict[str, Any]) -> dict[str, Any]:
        """Rendered derivations by name, where a run has the fingerprint that finds them, or has them itself."""
        found = {
            name: self.text("derivation", name, value) if isinstance(value, str) else value
            for name, value in derivations.items()
        }
        return {name: value for name, value in found.items() if value is not None}

    def missing_derivations(self) -> dict[str, str]:
        """Derivations that the newest run names and that are not here, with the fingerprint of their code."""
        run = self._newest_run()
        named = (run["content"].get("derivations") or {}) if run else {}
        return {
            name: value
            for name, value in named.items()
            if isinstance(value, str) and not self.holds_text("derivation", name, value)
        }

    def holds_text(self, kind: str, key: str, fingerprint: str) -> bool:
        """Whether there is what :meth:`text` returns."""
        return self.text(kind, key, fingerprint) is not None

    def text(self, kind: str, key: str, fingerprint: str) -> Any:
        """What was derived under a fingerprint, as JSON: a "plan", "derivation" or "judgement"; None if it was not."""
        if (kind, key, fingerprint) in self._unwritten:
            return self._unwritten[kind, key, fingerprint]
        where = {"kind": kind, "key": key, "fingerprint": fingerprint}
        row = self._read("texts", where, f"the {kind} {key}")
        return None if row is None else json.loads(row["content"])

    def put_text(self, kind: str, key: str, fingerprint: str, content: Any, seconds: float) -> None:
        """Add what was derived; a ledger that is only read keeps it for itself."""
        self.put_texts([(kind, key, fingerprint, content, seconds)])

    def put_texts(self, rows: Iterable[tuple[str, str, str, Any, float]]) -> None:
        """Add several, as :meth:`put_text` takes them, in one transaction."""
        if self.readonly:
            self._unwritten.update({(kind, key, mark): content for kind, key, mark, content, _ in rows})
            return
        with self._transaction():
            for kind, key, mark, content, seconds in rows:
                self._write("texts", {
                    "kind": kind, "key": key, "fingerprint": mark, "content": json.dumps(content),
                    "seconds": float(seconds), "created": _now(),
                })  # fmt: skip

    def size(self) -> int:
        """Bytes of the file, that of a log beside it included."""
        return sum(part.stat().st_size for end in ("", "-wal") if (part := Path(f"{self.path}{end}")).exists())

    def count(self) -> int:
        """Number of cells, of any fingerprint."""
        with self._guard():
            return int(self._db.execute("SELECT count(*) FROM cells").fetchone()[0])


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _origin_name(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _storable(text: str) -> str:
    """Text that SQLite can hold: a message of an exception may have characters that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()
