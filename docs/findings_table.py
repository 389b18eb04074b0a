"""Markdown table of the findings, from the JSON of the claims that ``--claims`` names:

``zoba-bench verify --suite standard $(python docs/findings_table.py --claims) --json | python docs/findings_table.py``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

#: What is found, and the claims that say so.
ROWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("one radius: the noise of a step grows like d^3 (d = 512 to 4096, p = 2)", ("P2b/zoba/far-d/exponent",)),
    ("radii in the tuned ratio: like d^2", ("P2b/zoba-tuned/far-d/exponent",)),
    ("mixed differences: like d", ("P2b/zoba-mixed/far-d/exponent",)),
    ("HF-ZOBA: like d", ("P2b/hf-zoba/far-d/exponent",)),
    ("one radius: growth beyond the published p (d + p)^2", ("P2b/zoba/published-far-d",)),
    ("tuned ratio: no growth beyond it", ("P2b/zoba-tuned/published-far-d",)),
    ("evaluations to eps of whole runs, over the derived ones", ("P6/zoba/eps/level", "P6/hf-zoba-shared/eps/level")),
    ("a run as the theorem plans it: mean of \\|grad Psi\\|^2 over eps", ("P6c/hf-zoba/mean/2-2/1",)),
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
    if "--claims" in sys.argv:
        print(" ".join(f"--claim {key}" for _, ids in ROWS for key in ids))
    else:
        main()
