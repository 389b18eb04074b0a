"""The tables of a ledger as files of other programs: Parquet, CSV and JSON lines."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from zoba_bench.ledger.content import Selection
from zoba_bench.ledger.errors import LedgerError
from zoba_bench.ledger.store import Ledger
from zoba_bench.ledger.tables import TABLES, Row

__all__ = ["FORMATS", "export", "write_table"]

FORMATS = ("parquet", "csv", "jsonl")
_GROUP = 50_000  # rows of a table that are in memory at once


def export(
    ledger: Ledger, form: str, folder: str | Path, tables: Sequence[str] = tuple(TABLES),
    chosen: Selection | None = None,
) -> dict[str, int]:  # fmt: skip
    """Write one file a table into a folder; a file of that name is replaced when the new one is whole.

    Parameters
    ----------
    ledger : Ledger
    form : {"parquet", "csv", "jsonl"}
        Parquet needs the extra ``parquet``.
    folder : path-like
        Made where it is missing.
    tables : names of ``TABLES``
    chosen : Selection, optional
        Which cells; runs are all there.

    Returns
    -------
    dict
        Number of rows by the path of each file.
    """
    folder = Path(folder)
    written = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in tables:
            target = folder / f"{name}.{form}"
            handle, part = tempfile.mkstemp(dir=folder, prefix=f".{name}.", suffix=f".{form}")
            os.close(handle)
            try:
                written[str(target)] = _to_file(ledger, name, form, Path(part), chosen or Selection())
                os.chmod(part, 0o666 & ~_umask())
                os.replace(part, target)
            finally:
                Path(part).unlink(missing_ok=True)
    except OSError as error:
        raise LedgerError(f"cannot write {folder}: {error}; choose another folder with --into") from error
    return written


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _to_file(ledger: Ledger, name: str, form: str, path: Path, chosen: Selection) -> int:
    if form == "parquet":
        return _parquet(name, TABLES[name][1](ledger, chosen), path)
    with open(path, "w", encoding="utf-8", newline="") as file:
        return write_table(ledger, name, form, file, chosen)


def write_table(ledger: Ledger, name: str, form: str, file: TextIO, chosen: Selection | None = None) -> int:
    """Write one table as CSV or JSON lines to an open file; the number of rows."""
    kinds, rows_of = TABLES[name]
    rows = rows_of(ledger, chosen or Selection())
    number = 0
    writer = csv.writer(file, lineterminator="\n")
    if form == "csv":
        writer.writerow(kinds)
    for row in rows:
        number += 1
        if form == "csv":
            writer.writerow([_plain(row.get(column)) for column in kinds])
        else:
            file.write(json.dumps({column: row.get(column) for column in kinds}, allow_nan=False) + "\n")
    return number


def _plain(value: Any) -> Any:
    """Numbers with all their digits."""
    return repr(value) if isinstance(value, float) else _utf8(value)


def _utf8(value: Any) -> Any:
    """Text without characters that no UTF-8 has."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _parquet(name: str, rows: Iterable[Row], path: Path) -> int:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise LedgerError(
            f"Parquet needs pyarrow ({error}): pip install 'zoba-bench[parquet]', or export to csv or jsonl"
        ) from error
    types = {"text": pyarrow.string(), "integer": pyarrow.int64(), "number": pyarrow.float64()}
    kinds = TABLES[name][0]
    schema = pyarrow.schema([(column, types[kind]) for column, kind in kinds.items()])
    number = 0
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for group in _groups(rows):
            columns = {column: [_cell(row.get(column), kind) for row in group] for column, kind in kinds.items()}
            writer.write_table(pyarrow.table(columns, schema=schema))
            number += len(group)
    return number


def _cell(value: Any, kind: str) -> Any:
    return float(value) if kind == "number" and value is not None else _utf8(value)


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while group := list(islice(source, _GROUP)):
        yield group
