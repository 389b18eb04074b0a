"""The tables, and how files of earlier formats become ones of this.

Format 1 had cells and runs, format 2 added texts, format 3 checksums, origins and failures.
"""

from __future__ import annotations

import functools
import json
import sqlite3

from zoba_bench.ledger.checksums import checksum

__all__ = ["APPLICATION_ID", "CHECKED", "VERSION", "create", "described_right", "migrate"]

APPLICATION_ID = 0x5A4F4241  # "ZOBA"
VERSION = 3

_TABLES = """
CREATE TABLE IF NOT EXISTS cells (
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    task TEXT NOT NULL,
    parameters TEXT NOT NULL,
    seed INTEGER NOT NULL,
    result TEXT NOT NULL,
    seconds REAL NOT NULL,
    created TEXT NOT NULL,
    origin TEXT NOT NULL DEFAULT '',
    checksum TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (key, fingerprint)
);
CREATE TABLE IF NOT EXISTS failures (
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    task TEXT NOT NULL,
    parameters TEXT NOT NULL,
    seed INTEGER NOT NULL,
    status TEXT NOT NULL,
    exception TEXT NOT NULL,
    message TEXT NOT NULL,
    traceback TEXT NOT NULL,
    created TEXT NOT NULL,
    origin TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, fingerprint)
);
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY,
    suite TEXT NOT NULL,
    seed INTEGER NOT NULL,
    created TEXT NOT NULL,
    content TEXT NOT NULL,
    checksum TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS texts (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    content TEXT NOT NULL,
    seconds REAL NOT NULL,
    created TEXT NOT NULL,
    checksum TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (kind, key, fingerprint)
);
CREATE TABLE IF NOT EXISTS origins (
    id TEXT PRIMARY KEY,
    content TEXT NOT NULL
);
"""

#: The columns that a row's checksum covers, in its order: all but the checksum.
CHECKED = {
    "cells": ("key", "fingerprint", "task", "parameters", "seed", "result", "seconds", "created", "origin"),
    "failures": ("key", "fingerprint", "task", "parameters", "seed", "status", "exception", "message", "traceback",
                 "created", "origin"),
    "runs": ("suite", "seed", "created", "content"),
    "texts": ("kind", "key", "fingerprint", "content", "seconds", "created"),
}  # fmt: skip
#: Columns that format 3 added to tables of format 2.
_ADDED = {"cells": ("origin", "checksum"), "runs": ("checksum",), "texts": ("checksum",)}
#: The column whose text must be JSON for a row of an earlier format to be taken as sound.
_CONTENT = {"cells": "result", "runs": "content", "texts": "content"}


def described_right(db: sqlite3.Connection) -> bool:
    """Whether the file describes its tables as this format does: a flipped bit there changes what all rows mean."""
    return _columns(db) == _right_columns()


@functools.cache
def _right_columns() -> dict[str, list[tuple[str, ...]]]:
    db = sqlite3.connect(":memory:")
    try:
        _add_tables(db)
        return _columns(db)
    finally:
        db.close()


def _columns(db: sqlite3.Connection) -> dict[str, list[tuple[str, ...]]]:
    """Name, type and place in the primary key of the columns of each table."""
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    select = "SELECT name, type, pk FROM pragma_table_info(?)"
    return {name: [tuple(map(str, row)) for row in db.execute(select, (name,))] for name in names}


def create(db: sqlite3.Connection) -> None:
    """The tables of this format in an empty file; all or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        _add_tables(db)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def migrate(db: sqlite3.Connection) -> None:
    """Make a file of an earlier format one of this; all or nothing.

    Its rows get checksums of what they hold now. One whose content is no JSON gets none, so that it counts as damaged.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        _add_tables(db)
        for table, columns in _ADDED.items():
            there = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
            for column in columns:
                if column not in there:
                    db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
            _sign(db, table)
        db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _add_tables(db: sqlite3.Connection) -> None:
    for statement in _TABLES.split(";"):
        if statement.strip():
            db.execute(statement)


def _sign(db: sqlite3.Connection, table: str) -> None:
    names = CHECKED[table]
    content = names.index(_CONTENT[table])
    unsigned = [row[0] for row in db.execute(f"SELECT rowid FROM {table} WHERE checksum = ''")]
    for number in unsigned:
        row = db.execute(f"SELECT {', '.join(names)} FROM {table} WHERE rowid = ?", (number,)).fetchone()
        try:
            json.loads(row[content])
        except (TypeError, ValueError):
            continue
        db.execute(f"UPDATE {table} SET checksum = ? WHERE rowid = ?", (checksum(*row), number))
