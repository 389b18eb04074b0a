"""The declared minimiser and infimum of Psi, measured."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.certification.certificate import Check
from zoba_bench.certification.closed_forms import psi, psi_slopes
from zoba_bench.certification.differences import axes, settle
from zoba_bench.problem import BilevelProblem

__all__ = ["optimum"]


_EXACT = 1e-8
#: How near a descent must come to an infimum that no declared point attains, relative to 1 + its size.
_APPROACHED = 1e-4


def optimum(problem: BilevelProblem, rng: np.random.Generator) -> list[Check]:
    """Whether the minimiser is stationary, has the declared value, and nothing that is met lies below."""
    return list(_checks(problem, rng))


def _checks(problem: BilevelProblem, rng: np.random.Generator) -> Iterator[Check]:
    best = None if problem.minimizer is None else np.asarray(problem.minimizer, dtype=np.float64)
    at_best = None if best is None else psi(problem, best[None])
    if best is not None:
        if problem.smooth:
            check = _stationary(problem, best, rng)
            if check is not None:
                yield check
        if at_best is not None:
            yield _valley(problem, best, rng)
    if problem.minimum is None:
        return
    scale = 1.0 + abs(problem.minimum)
    if at_best is not None:
        gap = float(np.abs(at_best[0] - problem.minimum))
        words = f"|Psi(x*) - minimum| = {gap:.3g}, allowed {_EXACT * scale:.1g}"
        yield Check("minimum", gap <= _EXACT * scale, "computed", words)
    if psi(problem, np.zeros((1, problem.d))) is None:
        yield Check("minimum", True, "stated", "neither an inner solution nor a value to compare it with")
        return
    lowest = _lowest(problem, best, rng)
    below = lowest - problem.minimum
    words = f"lowest Psi - minimum {below:.3g}"
    yield Check("nothing below the minimum", below >= -1e-9 * scale, "sampled", words)
    if best is None:
        # No point is declared that attains it: a descent must at least come near.
        gap = min(lowest, _descended(problem, rng)) - problem.minimum
        words = f"descents from several starts end {gap:.3g} above it, allowed {_APPROACHED * scale:.1g}"
        yield Check("minimum is approached", abs(gap) <= _APPROACHED * scale, "sampled", words)


def _stationary(problem: BilevelProblem, best: Array, rng: np.random.Generator) -> Check | None:
    """|grad Psi(x*)|, or what a projected gradient step moves in a region, against the slopes nearby."""
    directions = axes(problem.d, rng)

    def gradient(x: Array) -> tuple[Array, float] | None:
        if problem.hypergradient is not None:
            return np.asarray(problem.hypergradient(x), dtype=np.float64), 0.0
        numeric = psi_slopes(problem, x, directions)
        if numeric is None or len(directions) < problem.d:
            return None
        return numeric.value, 10 * float(numeric.error.max())

    found = gradient(best[None])
    near = best + 0.1 * rng.standard_normal((8, problem.d))
    away = gradient(settle(problem, np.zeros((8, problem.p)), near)[1])
    if found is None or away is None:
        return None
    slope, error = found
    if problem.region is not None:
        z = np.zeros((1, problem.p)) if problem.inner_solution is None else problem.inner_solution(best[None])
        slope = best[None] - problem.region(z, best[None] - slope)[1]
    size, allowed = float(np.abs(slope).max()), _EXACT * float(np.abs(away[0]).max()) + error + 1e-12
    return Check("minimizer", size <= allowed, "computed", f"|grad Psi(x*)| = {size:.3g}, allowed {allowed:.2g}")


def _valley(problem: BilevelProblem, best: Array, rng: np.random.Generator) -> Check:
    """Psi does not fall in any direction that is tried around the minimiser; needs no smoothness."""
    directions = rng.standard_normal((64, problem.d))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    single = np.eye(problem.d)[:64]
    directions = np.concatenate([directions, single, -single])
    here, lowest, ok = float(_value(problem, best[None])[0]), np.inf, True
    for size in (1e-1, 1e-2, 1e-3, 1e-4):
        moved = settle(problem, np.zeros((len(directions), problem.p)), best + size * directions)[1]
        rise = _value(problem, moved) - here
        rise = rise[np.isfinite(rise)]
        lowest = min(lowest, float(rise.min(initial=np.inf)))
        ok = ok and bool((rise >= -1e-12 * (1 + abs(here))).all())
    return Check("minimizer is a minimum", ok, "sampled", f"lowest Psi - Psi(x*) nearby {lowest:.3g}")


def _value(problem: BilevelProblem, x: Array) -> Array:
    with np.errstate(all="ignore"):
        values = psi(problem, x)
    assert values is not None
    return values


def _lowest(problem: BilevelProblem, best: Array | None, rng: np.random.Generator) -> float:
    count = int(np.clip(200_000 // (problem.p + problem.d), 50, 2000))
    spread = 3 * rng.standard_normal((count, problem.d))
    if best is not None:
        spread[::2] = best + 0.3 * spread[::2]
    x = settle(problem, np.zeros((count, problem.p)), spread)[1]
    return float(np.nanmin(_value(problem, x)))


def _descended(problem: BilevelProblem, rng: np.random.Generator) -> float:
    """The lowest value of Psi that quasi-Newton descents from several starts come to."""
    from scipy.optimize import minimize

    def value(x: Array) -> float:
        found = float(_value(problem, settle(problem, np.zeros((1, problem.p)), x[None])[1])[0])
        return found if np.isfinite(found) else 1e300

    slope = problem.hypergradient if problem.region is None and not np.isfinite(problem.constants.radius) else None
    ends = []
    for index in range(6 if problem.d <= 50 else 2):
        start = problem.initial_point(np.random.default_rng(index))[1] if index < 2 else rng.standard_normal(problem.d)
        with np.errstate(all="ignore"):
            ends.append(float(minimize(value, start, jac=slope, method="L-BFGS-B", options={"maxiter": 2000}).fun))
    return min(ends)
