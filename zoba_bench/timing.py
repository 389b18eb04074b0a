"""What one evaluation of each level costs."""

from __future__ import annotations

import time

import numpy as np

from zoba_bench.certification.differences import points
from zoba_bench.problem import BilevelProblem

__all__ = ["evaluation_cost"]

_POINTS, _REPEATS = 200, 5


def evaluation_cost(problem: BilevelProblem) -> dict[str, float]:
    """Microseconds a value of G and of F, among 200 points at once: the best of five timings."""
    z, x = points(problem, np.random.default_rng(0), _POINTS)
    found = {}
    for level in ("inner", "outer"):
        function, best = getattr(problem, level), np.inf
        for _ in range(_REPEATS):
            start = time.perf_counter()
            function(z, x)
            best = min(best, time.perf_counter() - start)
        found[level] = best / _POINTS * 1e6
    return found
