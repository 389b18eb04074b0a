"""All that a ledger holds, as flat tables: cells, curves, runs, claims and comparisons."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from zoba_bench.ledger.content import CellRow, Selection, cells, runs
from zoba_bench.ledger.store import Ledger

__all__ = ["TABLES", "Row"]

Row = dict[str, Any]

_CELLS = {
    "key": "text", "task": "text", "solver": "text", "problem": "text", "seed": "integer", "status": "text",
    "exception": "text", "message": "text", "seconds": "number", "created": "text", "code": "text",
    "zoba_bench": "text", "commit": "text", "python": "text", "numpy": "text", "scipy": "text", "blas": "text",
    "processor": "text", "parameters": "text", "result": "text",
}  # fmt: skip
_CURVES = {
    "source": "text", "run": "integer", "id": "text", "solver": "text", "problem": "text", "name": "text",
    "index": "integer", "value": "number",
}  # fmt: skip
_RUNS = {
    "run": "integer", "suite": "text", "seed": "integer", "created": "text", "kind": "text", "rows": "integer",
    "as_expected": "integer", "failed": "integer", "seconds": "number", "code": "text", "version": "text",
    "commit": "text",
}  # fmt: skip
_CLAIMS = {
    "run": "integer", "id": "text", "statement": "text", "protocol": "text", "solver": "text", "problem": "text",
    "origin": "text", "source": "text", "relation": "text", "predicted": "number", "measured": "number",
    "low": "number", "high": "number", "tolerance": "number", "allowed_low": "number", "allowed_high": "number",
    "verdict": "text", "expected": "text", "level": "number", "reason": "text",
}  # fmt: skip
_COMPARISONS = {
    "run": "integer", "problem": "text", "solver": "text", "metric": "text", "loops": "text", "oracle": "text",
    "options": "text", "start": "number", "median": "number", "low_quartile": "number", "high_quartile": "number",
    "failed": "integer", "evaluations": "integer", "seconds": "number", "rounding": "number",
}  # fmt: skip


def _cells(ledger: Ledger, chosen: Selection) -> Iterator[Row]:
    origins: dict[str, dict[str, Any]] = {}
    for cell in _sound(ledger, chosen):
        row = cell.row
        name = row["origin"]
        if name not in origins:
            origins[name] = ledger.origin(name)
        made = origins[name]
        yield {
            "key": row["key"], "task": cell.task, "solver": cell.solver, "problem": cell.problem, "seed": row["seed"],
            "status": cell.status, "exception": row.get("exception"), "message": row.get("message"),
            "seconds": row.get("seconds"), "created": row["created"], "code": cell.code,
            **{column: made.get(column) for column in ("zoba_bench", "commit", "python", "numpy", "scipy")},
            "blas": ", ".join(made.get("blas", [])) or None, "processor": made.get("processor"),
            "parameters": row["parameters"], "result": row.get("result"),
        }  # fmt: skip


def _curves(ledger: Ledger, chosen: Selection) -> Iterator[Row]:
    """Every list of numbers in a result, a claim or a comparison, one number a row."""
    for cell in _sound(ledger, chosen):
        about = {"source": "cell", "run": None, "id": cell.row["key"], "solver": cell.solver, "problem": cell.problem}
        yield from _numbers(about, cell.result)
    for number, content in _contents(ledger):
        for claim in content.get("claims") or []:
            about = {"source": "claim", "run": number, "id": claim["id"]}
            yield from _numbers({**about, "solver": claim.get("solver"), "problem": claim.get("problem")},
                                claim.get("series"))  # fmt: skip
        for row in content.get("rows") or []:
            about = {"source": "comparison", "run": number, "id": f"{row['solver']} on {row['problem']}"}
            curve = {name: row.get(name) for name in ("evaluations", "curve")}
            yield from _numbers({**about, "solver": row["solver"], "problem": row["problem"]}, curve)


def _numbers(about: Row, value: Any, name: str = "") -> Iterator[Row]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _numbers(about, below, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and len(value) > 1 and all(map(_is_number, value)):
        for index, number in enumerate(value):
            finite = number is not None and math.isfinite(number)
            yield {**about, "name": name, "index": index, "value": float(number) if finite else None}
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _numbers(about, below, f"{name}[{index}]")


def _is_number(value: Any) -> bool:
    """Or nothing, which stands for a number that JSON does not have."""
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _runs(ledger: Ledger, chosen: Selection) -> Iterator[Row]:
    for run in runs(ledger):
        yield {name: run[name] for name in _RUNS}


def _claims(ledger: Ledger, chosen: Selection) -> Iterator[Row]:
    for number, content in _contents(ledger):
        for claim in content.get("claims") or []:
            low, high = claim.get("limits") or (None, None)
            allowed_low, allowed_high = claim.get("allowed") or (None, None)
            own = {name: claim.get(name) for name in _CLAIMS}
            yield {**own, "run": number, "low": low, "high": high, "allowed_low": allowed_low,
                   "allowed_high": allowed_high}  # fmt: skip


def _comparisons(ledger: Ledger, chosen: Selection) -> Iterator[Row]:
    for number, content in _contents(ledger):
        for row in content.get("rows") or []:
            low, high = row.get("quartiles") or (None, None)
            own = {name: row.get(name) for name in _COMPARISONS}
            yield {**own, "run": number, "low_quartile": low, "high_quartile": high,
                   "options": json.dumps(row.get("options"), sort_keys=True),
                   "evaluations": (row.get("evaluations") or [None])[-1]}  # fmt: skip


def _sound(ledger: Ledger, chosen: Selection) -> Iterator[CellRow]:
    return (cell for cell in cells(ledger, chosen) if cell.status != "damaged")


def _contents(ledger: Ledger) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, row, sound in ledger.rows("runs"):
        if sound:
            yield number, json.loads(row["content"])


#: By name: the kind of each column, and the rows of a ledger with the cells of a selection.
TABLES: dict[str, tuple[dict[str, str], Callable[[Ledger, Selection], Iterator[Row]]]] = {
    "cells": (_CELLS, _cells), "curves": (_CURVES, _curves), "runs": (_RUNS, _runs), "claims": (_CLAIMS, _claims),
    "comparisons": (_COMPARISONS, _comparisons),
}  # fmt: skip
