"""What went wrong with a ledger, in words that say what to do."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

__all__ = ["LedgerError", "LedgerWarning", "explained", "lock_holder"]


class LedgerError(RuntimeError):
    """The ledger cannot be opened, read or written; the message says what to do."""


class LedgerWarning(UserWarning):
    """A row of the ledger is damaged; it is not used."""


def explained(error: Exception, path: Path, waited: float) -> str:
    """One message for each cause.

    Parameters
    ----------
    error : that SQLite or the system raised.
    path : of the ledger.
    waited : seconds for which a lock of another process was waited for.
    """
    if isinstance(error, OSError):
        return f"cannot create the ledger {path}: {error}; choose another --out"
    # The low byte is the kind; the rest of an extended code says where in SQLite it happened.
    kind = getattr(error, "sqlite_errorcode", -1) & 0xFF
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return (
            f"the ledger {path} is locked by {lock_holder(path)}, {waited:g} seconds were waited for it; start again "
            "when that is done, or choose another --out"
        )
    if kind == sqlite3.SQLITE_FULL:
        return f"cannot write the ledger {path}: no space is left there; free some and start again, rows are kept"
    if kind in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH):
        return (
            f"cannot write the ledger {path}: {error}; check the permissions of the file and of its folder, or choose "
            "another --out"
        )
    if kind == sqlite3.SQLITE_IOERR:
        return f"cannot read or write the ledger {path}: {error}; check the disk, or choose another --out"
    if kind == sqlite3.SQLITE_NOTADB:
        return f"{path} is no SQLite file ({error}); it was left as it is: choose another --out"
    if kind == sqlite3.SQLITE_ERROR:
        return (
            f"{path} lacks what a ledger has ({error}); it was left as it is: move it away to start anew, or choose "
            "another --out"
        )
    return f"{path} is damaged ({error}); it was left as it is: move it away to start anew, or choose another --out"


def lock_holder(path: Path) -> str:
    """The process that holds a lock on the file, as far as the system says."""
    inodes = set()
    for name in (path, Path(f"{path}-shm")):
        try:
            inodes.add(str(name.stat().st_ino))
        except OSError:
            continue
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return "another process"
    for line in lines:
        words = line.split()
        if len(words) > 5 and words[5].rpartition(":")[2] in inodes and words[4] not in ("-1", str(os.getpid())):
            return f"process {words[4]}{_command(words[4])}"
    return "another process"


def _command(number: str) -> str:
    try:
        words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    shown = " ".join(" ".join(word.decode(errors="replace") for word in words).split())
    return f" ({shown[:80]})" if shown else ""
