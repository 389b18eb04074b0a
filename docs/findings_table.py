"""Markdown table of the findings: ``zoba-bench verify --json | python docs/findings_table.py``."""

from __future__ import annotations

import json
import sys
from typing import Any

#: What is found, and the claims that say so.
ROWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("noise of a step along d at p = 2, one radius: tends to d^3", ("P2b/zoba/d/exponent",)),
    ("... radii in the tuned ratio: to d^2", ("P2b/zoba-tuned/d/exponent",)),
    ("... mixed differences: to d", ("P2b/zoba-mixed/d/exponent",)),
    ("... HF-ZOBA: to d", ("P2b/hf-zoba/d/exponent",)),
    ("evaluations to eps of whole runs, over the derived ones", ("P6/zoba/eps/level", "P6/hf-zoba-shared/eps/level")),
    ("a run as the theorem plans it: mean stationarity over eps", ("P6c/hf-zoba/mean/2-2/1",)),
    ("noise floor of a problem that is not quadratic, over the derived one", ("P6d/hf-zoba/bvfsm_sin/l-level",)),
)


def main() -> None:
    """One row a claim."""
    claims: dict[str, dict[str, Any]] = {claim["id"]: claim for claim in json.load(sys.stdin)["claims"]}
    print("| finding | claim | predicted | allowed | measured | 99 % limits | verdict |")
    print("|---|---|---|---|---|---|---|")
    for words, ids in ROWS:
        for n, key in enumerate(ids):
            claim = claims[key]
            value, low, high = (f"{number:.3f}" for number in (claim["measured"], *claim["limits"]))
            limits = "" if low == value == high else f"{low} to {high}"
            allowed = " to ".join("any" if end is None else f"{end:.3g}" for end in claim["allowed"])
            print(
                f"| {words if n == 0 else ''} | `{key}` | {claim['predicted']:.3g} | {allowed} "
                f"| {value} | {limits} | {claim['verdict']} |"
            )


if __name__ == "__main__":
    main()
