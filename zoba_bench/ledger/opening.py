"""A connection to a ledger that writes, or one that only reads."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import warnings
from pathlib import Path
from urllib.parse import quote

from zoba_bench.ledger.checksums import text_of
from zoba_bench.ledger.errors import LedgerError, LedgerWarning
from zoba_bench.ledger.schema import APPLICATION_ID, VERSION, create, described_right, migrate

__all__ = ["close_writer", "open_reader", "open_writer"]

_CLOSELY = 2**28  # bytes of a file up to which it is held against its indices too
#: What SQLite says where an index does not agree with its table, which is as it was.
_OF_INDICES = ("missing from index", "non-unique entry in index", "wrong # of entries in index")


def open_writer(path: Path, wait: float) -> sqlite3.Connection:
    """A connection for reading and writing; the file is made where it is missing, and brought to this format.

    A commit goes to a log that outlives a killed process. The log reaches the disk in batches: after a power failure
    the last batch may be missing, and nothing else. Some file systems have no such log; SQLite then commits in its
    slower way, which loses nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists() or path.stat().st_size == 0
    db = sqlite3.connect(path, timeout=wait, isolation_level=None)
    db.text_factory = text_of
    try:
        version, sound = _checked(db, path, new)
        if not sound:
            db.execute("REINDEX")
        if new:
            create(db)
        elif version < VERSION:
            migrate(db)
        _keep_a_log(db)
        # Writing now, what stands there already, beats finding out after the first cell.
        db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.close()
        raise
    return db


def close_writer(db: sqlite3.Connection) -> None:
    """Close, and leave one file that can be copied, and read where nothing can be written."""
    with contextlib.suppress(sqlite3.Error):  # another process may have it open: the last one to close does this
        db.execute("PRAGMA busy_timeout = 0")
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()


def open_reader(path: Path, wait: float) -> tuple[sqlite3.Connection, tempfile.TemporaryDirectory[str] | None]:
    """A connection that never writes to the file, nor beside it; and the folder of a copy, where it reads one.

    A copy is read where a process was killed and left a log that cannot be read without writing, where the file is of
    an earlier format, and where an index of it is damaged.
    """
    if not path.exists():
        raise LedgerError(f"there is no ledger {path}; run `zoba-bench verify` first, or pass --out")
    db = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, timeout=wait, isolation_level=None)
    db.text_factory = text_of
    try:
        if _checked(db, path, new=False) == (VERSION, True):
            return db, None
    except sqlite3.OperationalError as error:
        log = Path(f"{path}-wal")
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) or not log.exists():
            db.close()
            raise
    except BaseException:
        db.close()
        raise
    db.close()
    folder = tempfile.TemporaryDirectory(prefix="zoba-bench-")
    for end in ("", "-wal"):
        if Path(f"{path}{end}").exists():
            shutil.copyfile(f"{path}{end}", f"{folder.name}/ledger{end}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LedgerWarning)  # it has been said of the file itself
        return open_writer(Path(folder.name) / "ledger", wait), folder


def _checked(db: sqlite3.Connection, path: Path, new: bool) -> tuple[int, bool]:
    """Format of the file, and whether its indices are sound; LedgerError if it is no ledger, or of a later format."""
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if not new and application != APPLICATION_ID:
        what = "an SQLite file" if tables else "an empty SQLite file"
        raise LedgerError(f"{path} is {what} of another program; choose another --out")
    if version > VERSION:
        raise LedgerError(f"{path} was written by a newer zoba-bench (format {version}); upgrade to read it")
    if version == VERSION and not described_right(db):
        raise sqlite3.DatabaseError("its description of its tables is not that of this format")
    found = _damage(db, path) if tables else []
    if found:
        warnings.warn(
            f"{path}: an index is damaged ({found[0]}); what it does not find is found without it",
            LedgerWarning, stacklevel=5,
        )  # fmt: skip
    return int(version), not found


def _damage(db: sqlite3.Connection, path: Path) -> list[str]:
    """What is wrong with indices; what is wrong with anything else is raised."""
    check = "integrity_check" if path.stat().st_size <= _CLOSELY else "quick_check"
    found = [str(row[0]) for row in db.execute(f"PRAGMA {check}(20)") if row[0] != "ok"]
    for words in found:
        if not any(each in words for each in _OF_INDICES):
            raise sqlite3.DatabaseError(words)
    return found


def _keep_a_log(db: sqlite3.Connection) -> None:
    """Commit to a log, where the file system can and no other process prevents it."""
    try:
        (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    if mode == "wal":
        db.execute("PRAGMA synchronous = NORMAL")
