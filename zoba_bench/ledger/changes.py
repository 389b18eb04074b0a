"""Rows of two runs beside each other: claims, pairs of problem and solver, and cells."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from zoba_bench.ledger.content import cells
from zoba_bench.ledger.store import Ledger

__all__ = ["Change", "changed_cells", "changed_claims", "changed_pairs"]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was.

    Attributes
    ----------
    what : str
        "verdict", "measured", "predicted", "figure", "median", "failed", "cell fails", "only in the first" or "only in
        the second".
    name : str
        The claim, the pair or the cell.
    before, after : str or float or None
    uncertainty : float or None
        By how much two such numbers may differ without having changed; None where that is not known.
    regression : bool
    reason : str
        What the second run says of it.
    """

    what: str
    name: str
    before: Any = None
    after: Any = None
    uncertainty: float | None = None
    regression: bool = False
    reason: str = ""

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


Found = tuple[list[Change], int, int]


def changed_claims(before: Row, after: Row) -> Found:
    """Verdicts, numbers and figures of claims with the same id; the changes, and how many are the same or nearly so."""
    return _side_by_side(before["claims"], after["claims"], lambda row: str(row["id"]), _claim)


def _claim(name: str, first: Row, second: Row) -> tuple[list[Change], bool]:
    found = []
    if first["verdict"] != second["verdict"] or first.get("expected") != second.get("expected"):
        worse = _expected(first) and not _expected(second)
        words = (_verdict(first), _verdict(second))
        found.append(Change("verdict", name, *words, regression=worse, reason=str(second.get("reason", ""))))
    measured = first.get("measured"), second.get("measured")
    allowed = math.hypot(_half_width(first), _half_width(second))
    if _differ(*measured, allowed):
        found.append(Change("measured", name, *measured, uncertainty=allowed))
    predicted = first.get("predicted"), second.get("predicted")
    # What is derived has no uncertainty but that of its arithmetic.
    rounding = 1e-9 * max((abs(value) for value in predicted if value is not None), default=0.0)
    if _differ(*predicted, rounding):
        found.append(Change("predicted", name, *predicted, uncertainty=rounding))
    found += _figure(name, first.get("series") or {}, second.get("series") or {})
    numbers = ("measured", "predicted", "limits", "series")
    return found, all(first.get(number) == second.get(number) for number in numbers)


def _verdict(row: Row) -> str:
    return str(row["verdict"]) + ("" if _expected(row) else f" (expected {row.get('expected')})")


def _expected(row: Row) -> bool:
    return bool(row["verdict"] == row.get("expected"))


def _half_width(row: Row) -> float:
    low, high = row.get("limits") or (None, None)
    return math.inf if low is None or high is None else (high - low) / 2


def _differ(first: float | None, second: float | None, allowed: float) -> bool:
    if first is None or second is None:
        return first is not second
    return abs(first - second) > allowed


def _figure(name: str, first: Row, second: Row) -> list[Change]:
    """The point of a figure that moved most, in half-widths, where one moved by more than its half-width."""
    keys = ("log_measured", "log_half_width")
    if not all(isinstance(series.get(key), list) for series in (first, second) for key in keys):
        return []
    if len(first[keys[0]]) != len(second[keys[0]]) or first.get("x") != second.get("x"):
        return [Change("figure", name, f"{len(first[keys[0]])} points", f"{len(second[keys[0]])} points, or elsewhere")]
    worst: tuple[float, Change] | None = None
    for at, a, b, da, db in zip(
        first.get("x") or [], first[keys[0]], second[keys[0]], first[keys[1]], second[keys[1]], strict=False
    ):
        if None in (a, b, da, db):
            continue
        allowed = math.hypot(da, db)
        ratio = abs(a - b) / allowed if allowed else math.inf if a != b else 0.0
        if ratio > 1 and (worst is None or ratio > worst[0]):
            values = (math.exp(min(a, 700.0)), math.exp(min(b, 700.0)))
            worst = ratio, Change("figure", f"{name} at {at:g}", *values, uncertainty=allowed * values[0])
    return [] if worst is None else [worst[1]]


def changed_pairs(before: Row, after: Row) -> Found:
    """Medians of a comparison, pair by pair of problem and solver."""
    return _side_by_side(before["rows"], after["rows"], lambda row: f"{row['solver']} on {row['problem']}", _pair)


def _pair(name: str, first: Row, second: Row) -> tuple[list[Change], bool]:
    found = []
    if first.get("failed") != second.get("failed"):
        worse = (second.get("failed") or 0) > (first.get("failed") or 0)
        found.append(Change("failed", name, first.get("failed"), second.get("failed"), regression=worse))
    one, two = first.get("median"), second.get("median")
    (low_1, high_1), (low_2, high_2) = (_quartiles(row) for row in (first, second))
    apart = low_2 > high_1 or high_2 < low_1
    if apart or (one is None) != (two is None):
        spread = (high_1 - low_1) / 2 + (high_2 - low_2) / 2
        found.append(Change("median", name, one, two, uncertainty=spread if math.isfinite(spread) else None,
                            regression=low_2 > high_1 or (two is None and one is not None)))  # fmt: skip
    return found, all(first.get(key) == second.get(key) for key in ("median", "quartiles", "failed", "curve"))


def _quartiles(row: Row) -> tuple[float, float]:
    """Limits of the median; what has none is worse than all. What is rounding is as good as zero."""
    nothing = row.get("rounding") or 0.0
    low, high = ((math.inf if value is None else max(value, nothing)) for value in row.get("quartiles") or (None, None))
    return low, high


def _side_by_side(
    before: list[Row], after: list[Row], name_of: Callable[[Row], str],
    compared: Callable[[str, Row, Row], tuple[list[Change], bool]],
) -> Found:  # fmt: skip
    first, second = ({name_of(row): row for row in rows} for rows in (before, after))
    changes, same, within = [], 0, 0
    for name in first.keys() | second.keys():
        if name not in second or name not in first:
            where = "the first" if name in first else "the second"
            changes.append(Change(f"only in {where}", name))
            continue
        found, equal = compared(name, first[name], second[name])
        changes += found
        same += equal and not found
        within += not equal and not found
    return changes, same, within


def changed_cells(
    one: Ledger, code_one: str, before: Row, two: Ledger, code_two: str, after: Row
) -> tuple[dict[str, int], list[Change]]:
    """How many cells of both codes have the same result, and the cells that fail in the second run alone.

    Cells are compared by their keys, which know task, parameters and seed. Measured times in a result do not count.
    """
    first, second = _results(one, code_one), _results(two, code_two)
    shared = first.keys() & second.keys()
    same = sum(first[key] == second[key] for key in shared)
    counts = {
        "same": same, "changed": len(shared) - same, "only_first": len(first.keys() - second.keys()),
        "only_second": len(second.keys() - first.keys()),
    }  # fmt: skip
    failed = {row["key"] for row in before.get("failed") or [] if isinstance(row, Mapping)}
    new = [row for row in after.get("failed") or [] if isinstance(row, Mapping) and row["key"] not in failed]
    return counts, [
        Change("cell fails", str(row["key"]), "", str(row.get("status", "")), regression=True,
               reason=str(row.get("message", "")))
        for row in new
    ]  # fmt: skip


def _results(ledger: Ledger, code: str) -> dict[str, int]:
    """Hash of the result of each cell of a code, by key; of all code where the run does not say which."""
    found = {}
    for cell in cells(ledger):
        result = cell.result
        if result is not None and (not code or cell.code == code):
            result.pop("seconds", None)
            found[str(cell.row["key"])] = hash(json.dumps(result, sort_keys=True))
    return found
