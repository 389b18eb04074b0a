"""How the cost of an iteration grows with l1, replicates, p and d.

    python -m benchmarks.scaling --quick
    python -m benchmarks.scaling --page docs/measured/scaling.md

On `reference`, whose functions cost O(p + d): whatever grows faster is the solver's own. CPU time of one thread, all
sizes of a line in turns, a round after another; what an iteration takes apart from its draws and its oracle calls is
the difference of two runs of a round. Limits are at 99 %, from the spread over rounds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoba_bench.statistics import Estimate, Limits, fit_line, log_mean, mean_limits
from zoba_bench.threads import one_thread

from .floor import Case
from .scaling_page import draw, page, row, title

__all__ = ["LINES", "Line", "fitted", "measured"]

LEVEL = 0.99
_SECONDS = 0.05  # of a timed run, about


class Line(NamedTuple):
    """What grows, through which sizes, and what is held."""

    sizes: tuple[int, ...]
    held: dict[str, int]


#: Sizes at which directions are most of an iteration, all in one block.
LINES = {
    "l1": Line((512, 1024, 2048, 4096, 8192, 16384), {"p": 20, "d": 20, "replicates": 1}),
    "replicates": Line((4, 8, 16, 32, 64, 128), {"p": 20, "d": 20, "l1": 100}),
    "p": Line((128, 256, 512, 1024, 2048, 4096), {"d": 20, "l1": 100, "replicates": 1}),
    "d": Line((128, 256, 512, 1024, 2048, 4096), {"p": 20, "l1": 100, "replicates": 1}),
}


class Fit(NamedTuple):
    """Of a line: microseconds of an iteration and of its own part by size, and what is fitted to them."""

    name: str
    line: Line
    whole: list[Estimate]
    own: list[Estimate]
    fixed: float
    each: Limits
    off: float
    exponent: Limits
    own_exponent: Limits


def measured(
    cases: Sequence[Any], rounds: int, clock: Callable[[], float] = time.process_time, seconds: float = _SECONDS
) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds of an iteration (rounds, cases), and of what it takes apart from draws and oracle calls."""

    def run(case: Any, method: str) -> float:
        start = clock()
        if getattr(case, method)() is False:
            raise RuntimeError(f"{case.solver.name} failed on {case.problem!r}")
        return (clock() - start) / case.iterations

    for case in cases:  # once for caches, then as many as take so long
        case.iterations = 3
        run(case, "solve")
        case.iterations = max(3, round(seconds / max(run(case, "solve"), 1e-9)))
    found = np.empty((2, rounds, len(cases)))
    for i in range(rounds):
        for j, case in enumerate(cases):
            found[:, i, j] = [1e6 * run(case, method) for method in ("solve", "floor")]
    return found[0], found[0] - found[1]


def fitted(name: str, line: Line, whole: np.ndarray, own: np.ndarray) -> Fit:
    """A straight line through all sizes, and exponents of the upper half of them."""
    sizes = np.array(line.sizes, dtype=float)
    times = [mean_limits(column) for column in whole.T]
    slope, at_mean = fit_line(sizes, times)
    weights = np.array([1 / each.error**2 for each in times])
    fixed = at_mean.value - slope.value * float(np.average(sizes, weights=weights))
    straight = fixed + slope.value * sizes
    upper = slice(len(sizes) // 2, None)

    def exponent(samples: np.ndarray) -> Limits:
        found, _ = fit_line(np.log(sizes[upper]), [log_mean(column) for column in samples.T[upper]])
        return found.limits(LEVEL)

    values = np.array([each.value for each in times])
    return Fit(
        name, line, times, [mean_limits(column) for column in own.T], fixed, slope.limits(LEVEL),
        float(np.max(np.abs(values / straight - 1))), exponent(whole), exponent(own),
    )  # fmt: skip


def _case(solver: str, line: Line, name: str, size: int) -> Case:
    options = {**line.held, name: size}
    return Case(solver, options["p"], options["replicates"], options["l1"], "reference", 1, d=options["d"])


def main() -> None:
    """Print the table, and write the page and its picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--solver", choices=("zoba", "hf-zoba"), action="append", help="both where none is given")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="three sizes a line and 5 rounds")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page, and scaling.png into ../figures")
    asked = parser.parse_args()
    rounds = 5 if asked.quick else asked.rounds
    fits: dict[str, list[Fit]] = {}
    print(title(), flush=True)
    with one_thread():
        for solver in asked.solver or ["zoba", "hf-zoba"]:
            for name, line in LINES.items():
                taken = Line(line.sizes[:: 2 if asked.quick else 1], line.held)
                cases = [_case(solver, taken, name, size) for size in taken.sizes]
                fits.setdefault(solver, []).append(fitted(name, taken, *measured(cases, rounds)))
                print(row(solver, fits[solver][-1]), flush=True)
    if asked.page:
        words = ["python -m benchmarks.scaling", *["--quick"] * asked.quick, f"--rounds {rounds}"]
        words += [f"--solver {solver}" for solver in asked.solver or ()]
        asked.page.write_text(page(fits, rounds, " ".join([*words, f"--page {asked.page}"])))
        picture = asked.page.parent.parent / "figures" / "scaling.png"
        picture.write_bytes(draw(fits))


if __name__ == "__main__":
    main()
