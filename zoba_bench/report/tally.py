"""Claims counted by what became of them, and a protocol's numbers in one line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zoba_bench.report import wording

__all__ = ["CLAIMS", "CONTROLS", "counts", "gist", "kind"]

Row = Mapping[str, Any]
#: What can become of a claim, and of a control.
CLAIMS = ("consistent", "finding", "violated", "inconclusive", "measured")
CONTROLS = ("control rejected", "control not rejected", "control inconclusive")


def kind(row: Row) -> str:
    """What became of a claim or control: one of the words above, by which it is counted and can be filtered."""
    if wording.is_control(row):
        return {"violated": CONTROLS[0], "inconclusive": CONTROLS[2]}.get(row["verdict"], CONTROLS[1])
    return "finding" if row["verdict"] == row["expected"] == "violated" else str(row["verdict"])


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """How many of each kind, with the totals "claims" and "controls"."""
    found = dict.fromkeys((*CLAIMS, *CONTROLS, "claims", "controls"), 0)
    for row in rows:
        found["controls" if wording.is_control(row) else "claims"] += 1
        found[kind(row)] = found.get(kind(row), 0) + 1
    return found


def gist(rows: Iterable[Row]) -> str:
    """The range of a protocol's numbers, where they have a common meaning; controls are left out."""
    claims = [row for row in rows if not wording.is_control(row) and row.get("measured") is not None]
    claims = [row for row in claims if math.isfinite(row["measured"])]
    said = []
    levels = [row["measured"] for row in claims if (row.get("series") or {}).get("quantity") == "ratio"]
    if levels:
        said.append(f"measured over derived {_range(levels)}")
    shares = [
        row["measured"] / allowed
        for row in claims
        if row["relation"] == "at_most" and (allowed := (row["predicted"] or 0.0) + (row.get("tolerance") or 0.0)) > 0
    ]
    if shares:
        said.append(f"at most {wording.number(max(shares), 2)} of what is allowed")
    exact = [row["measured"] - row["predicted"] for row in claims if row["relation"] == "exact"]
    if exact:
        differ = sum(value != 0 for value in exact)
        said.append(f"{differ} of {len(exact)} differ" if differ else "no difference")
    return ", ".join(said)


def _range(values: Sequence[float]) -> str:
    low, high = (wording.number(value, 3, True) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
