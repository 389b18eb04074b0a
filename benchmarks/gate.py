"""What asv measured of a commit against another one: what got worse, and what did not run at all.

    asv continuous --interleave-rounds main HEAD; python -m benchmarks.gate main HEAD

Evaluations may grow by a factor 1.01, times, ratios of times and memory by 1.2. A benchmark that has a number for the
first commit and none for the second one crashed, or took longer than its limit: asv shows both as "failed", and so does
this, apart from regressions. Exit codes: 0 neither, 1 a regression, 2 a benchmark without a number, or none to compare.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["DETERMINISTIC", "FACTORS", "judged", "values"]

#: Units of numbers that a seed fixes.
DETERMINISTIC = ("evaluations",)
FACTORS = {True: 1.01, False: 1.2}

Values = dict[str, float | None]


def values(stored: Mapping[str, Any]) -> Values:
    """Numbers of a commit's file by "benchmark(parameters)"; None where one failed. What was skipped is left out.

    Parameters
    ----------
    stored : mapping
        The content of a file of ``.asv/results/MACHINE``: ``result_columns``, and ``results`` with a list of columns a
        benchmark, whose first is None where nothing ran, and else a number or null for each combination of parameters.
    """
    columns = stored["result_columns"]
    found: Values = {}
    for name, row in stored["results"].items():
        entry = dict(zip(columns, row, strict=False))
        result, params = entry.get("result"), entry.get("params") or []
        combinations = list(itertools.product(*params))
        numbers = [None] * len(combinations) if result is None else result
        for combination, number in zip(combinations, numbers, strict=True):
            if number is None or not math.isnan(number):
                found[f"{name}({', '.join(combination)})" if combination else name] = number
    return found


def judged(before: Values, after: Values, units: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Lines of what got worse, and of what has no number any more.

    Parameters
    ----------
    before, after : dict
        See :func:`values`.
    units : mapping
        Of benchmarks by name.
    """
    worse, gone = [], []
    for name, old in before.items():
        new = after.get(name)
        if old is None:
            continue
        if new is None:
            gone.append(f"failed      {name}: {old:.4g} before, no number now")
            continue
        most = FACTORS[units.get(name.partition("(")[0]) in DETERMINISTIC]
        if new > most * old:
            worse.append(f"regression  {name}: {old:.4g} before, {new:.4g} now, above a factor {most}")
    return worse, gone


def _files(folder: Path, commit: str) -> Iterator[Path]:
    name = subprocess.run(["git", "rev-parse", commit], check=True, capture_output=True, text=True).stdout[:8]
    yield from folder.glob(f"*/{name}-*.json")


def main() -> int:
    """Print the lines; the exit code says what they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--results", type=Path, default=Path(".asv/results"))
    asked = parser.parse_args()
    found: list[Values] = []
    for commit in (asked.before, asked.after):
        merged: Values = {}
        for file in _files(asked.results, commit):
            merged.update(values(json.loads(file.read_text())))
        found.append(merged)
    if not all(found):
        missing = asked.before if not found[0] else asked.after
        print(f"no results of {missing} in {asked.results}: asv run {missing}^!")
        return 2
    known = json.loads((asked.results / "benchmarks.json").read_text())
    units = {name: entry.get("unit", "") for name, entry in known.items() if isinstance(entry, dict)}
    worse, gone = judged(*found, units)
    print("\n".join([*gone, *worse]) or f"nothing got worse ({len(found[1])} numbers)")
    return 2 if gone else 1 if worse else 0


if __name__ == "__main__":
    raise SystemExit(main())
