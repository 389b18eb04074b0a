"""Markdown table of the findings: ``zoba-bench verify --suite full --json | python docs/findings_table.py``."""

from __future__ import annotations

import json
import sys
from typing import Any

#: What is found, and the claims that say so.
ROWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("one radius, second moment of a step: d^3 at p = 2, d = 512 to 4096", ("P2b/zoba/far-d/exponent",)),
    ("tuned ratio of the radii: d^2", ("P2b/zoba-tuned/far-d/exponent",)),
    ("mixed differences: d", ("P2b/zoba-mixed/far-d/exponent",)),
    ("HF-ZOBA: d, and n at p = d = n", ("P2b/hf-zoba/far-d/exponent", "P2b/hf-zoba/p=d/exponent")),
    (
        "whole runs: noise floors have the derived growth, p = d to 32",
        ("P6b/zoba/far-p=d/residual", "P6b/hf-zoba/far-p=d/residual"),
    ),
    (
        "... and along d at p = 2",
        tuple(f"P6b/{solver}/far-d/residual" for solver in ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba")),
    ),
    (
        "evaluations to eps: 1/eps^2 over a decade of eps",
        ("P6/zoba/decade-eps/exponent", "P6/hf-zoba/decade-eps/exponent"),
    ),
    ("... 1/eps with shared directions", ("P6/hf-zoba-shared/decade-eps/exponent",)),
    (
        "... the derived growth in p and d at one eps",
        tuple(f"P6/{solver}/{line}/residual" for solver in ("zoba", "hf-zoba") for line in ("p", "d", "p=d")),
    ),
    (
        "... the derived exponents in p, d, 1/eps fitted at once",
        tuple(f"P6/{solver}/joint-{n}" for solver in ("zoba", "zoba-mixed", "hf-zoba") for n in ("p", "d", "eps")),
    ),
    (
        "growth beyond p (d + p)^2 with one radius along d: more than 0",
        ("P2b/zoba/published-far-d", "P6b/zoba/published-d"),
    ),
    (
        "... elsewhere: at most 0",
        (
            "P6b/zoba/published-p=d",
            *(f"P2b/{solver}/published-far-d" for solver in ("zoba-tuned", "zoba-mixed", "hf-zoba")),
            *(f"P6b/{solver}/published-d" for solver in ("zoba-tuned", "zoba-mixed", "hf-zoba")),
        ),
    ),
)


def main() -> None:
    """One row a claim."""
    claims: dict[str, dict[str, Any]] = {claim["id"]: claim for claim in json.load(sys.stdin)["claims"]}
    print("| finding | claim | predicted | allowed | measured | 99 % limits | verdict |")
    print("|---|---|---|---|---|---|---|")
    for words, ids in ROWS:
        for n, key in enumerate(ids):
            claim = claims[key]
            low, high = claim["limits"]
            allowed = " to ".join("any" if end is None else f"{end:.3g}" for end in claim["allowed"])
            print(
                f"| {words if n == 0 else ''} | `{key}` | {claim['predicted']:.3g} | {allowed} "
                f"| {claim['measured']:.3f} "
                f"| {low:.3f} to {high:.3f} | {claim['verdict']} |"
            )


if __name__ == "__main__":
    main()
