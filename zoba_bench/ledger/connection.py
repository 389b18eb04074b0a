"""An open ledger: its file, transactions, and rows that are checked when they are read."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from zoba_bench.ledger.checksums import checksum
from zoba_bench.ledger.errors import LedgerError, LedgerWarning, explained
from zoba_bench.ledger.opening import close_writer, open_reader, open_writer
from zoba_bench.ledger.schema import CHECKED

__all__ = ["Connection"]

_BATCH = 5.0  # seconds of commits that reach the disk together


class Connection:
    """What :class:`zoba_bench.ledger.Ledger` is made of; see there for the arguments."""

    def __init__(self, path: str | Path, *, readonly: bool = False, wait: float = 60.0) -> None:
        self.path = Path(path)
        self.readonly = readonly
        self._wait = wait
        self._batch = time.monotonic()
        self._copy: Any = None
        with self._guard():
            if readonly:
                self._db, self._copy = open_reader(self.path, wait)
            else:
                self._db = open_writer(self.path, wait)
                self._file = self._identity()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:  # the last from a damaged schema
            raise LedgerError(explained(error, self.path, self._wait)) from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, of a file that is still there."""
        with self._guard():
            if self.readonly:
                raise LedgerError(f"the ledger {self.path} was opened for reading alone")
            if self._identity() != self._file:
                raise LedgerError(
                    f"the ledger {self.path} was removed or replaced by another process while it was in use; what "
                    "finishes now would be lost: start again"
                )
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                # After a full disk SQLite may have rolled back by itself.
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            if time.monotonic() - self._batch > _BATCH:
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._batch = time.monotonic()

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """Close the file; it is a single one then, unless another process uses it."""
        if self.readonly:
            self._db.close()
        else:
            close_writer(self._db)
        if self._copy is not None:
            self._copy.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _write(self, table: str, values: Mapping[str, Any]) -> None:
        """Insert or replace a row, with its checksum."""
        names = CHECKED[table]
        row = tuple(values[name] for name in names)
        columns, marks = ", ".join((*names, "checksum")), ", ".join("?" * (len(names) + 1))
        self._db.execute(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", (*row, checksum(*row)))

    def _sound(self, table: str, row: tuple[Any, ...], words: str) -> dict[str, Any] | None:
        """A row of the checked columns and the checksum, by column; None with a warning if it is damaged."""
        if checksum(*row[:-1]) == row[-1]:
            return dict(zip(CHECKED[table], row, strict=False))
        warnings.warn(f"{self.path}: {words} is damaged and is not used", LedgerWarning, stacklevel=4)
        return None

    def _read(self, table: str, where: Mapping[str, str], words: str) -> dict[str, Any] | None:
        columns = ", ".join((*CHECKED[table], "checksum"))
        condition = " AND ".join(f"{name} = ?" for name in where)
        with self._guard():
            row = self._db.execute(f"SELECT {columns} FROM {table} WHERE {condition}", tuple(where.values())).fetchone()
        if row is None:
            return None
        found = self._sound(table, row, words)
        # A row that an index leads to in error is as sound as any, and another one.
        return found if found is not None and all(found[name] == value for name, value in where.items()) else None

    def rows(self, table: str) -> Iterator[tuple[int, dict[str, Any], bool]]:
        """All rows of a table in the order in which they were written: number, columns, and whether the row is sound.

        Of a row that is not, no column can be believed. Nothing warns here.
        """
        names = CHECKED[table]
        with self._guard():
            for number, *row in self._db.execute(f"SELECT rowid, {', '.join(names)}, checksum FROM {table} ORDER BY 1"):
                yield number, dict(zip(names, row, strict=False)), checksum(*row[:-1]) == row[-1]

    def delete(self, numbers: Mapping[str, Iterable[int]]) -> None:
        """Remove rows by their numbers in each table, all or none."""
        with self._transaction():
            for table, wanted in numbers.items():
                self._db.executemany(f"DELETE FROM {table} WHERE rowid = ?", [(number,) for number in wanted])

    def give_space_back(self) -> None:
        """Make the file as small as what it holds."""
        with self._guard():
            self._db.execute("VACUUM")
