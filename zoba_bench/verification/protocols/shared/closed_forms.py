"""Closed forms of a problem that contradict each other: found by exact identities, before anything is measured.

A claim on a run rests on the closed forms that say what the run must do. Where one of them is off by a percent, the
run's noise may hide it, or leave the claim undecided. The identities need no run.
"""

from __future__ import annotations

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.errors import DerivationError
from zoba_bench.problem import BilevelProblem

__all__ = ["refuse_contradictions"]

#: What an identity may be off, over the size of its terms: far above rounding and the solvers inside of closed forms.
_ALLOWED = 1e-5
_STEP = 1e-5  # of the central differences of Psi, over the size of x


def refuse_contradictions(problem: BilevelProblem) -> None:
    """Hold what the problem declares against itself, near its start and at its minimiser.

    Raises
    ------
    DerivationError
        If Psi lies below the declared minimum, is not the minimum at the declared minimiser or not stationary there,
        if v*(x) does not solve G_zz v + F_z = 0, or if the hypergradient is neither F_x + G_xz v* nor the derivative
        of Psi. What is not declared is not held against anything.
    """
    # On a constraint set neither identity of a stationary point holds.
    project = problem.capabilities.project_x
    best = problem.minimizer if project is None else None
    rng = np.random.default_rng(0)
    x = problem.initial_point(rng)[1] + 0.1 * rng.standard_normal(problem.d)  # not where the hypergradient vanishes
    x = x if project is None else project(x)
    with np.errstate(all="ignore"):
        _minimum(problem, x, best)
        _adjoint(problem, x)
        _hypergradient(problem, x)
        if best is not None and problem.hypergradient is not None:
            here, there = (float(np.linalg.norm(problem.hypergradient(at))) for at in (x, best))
            _hold(there, here, f"the hypergradient has norm {there:.4g} at the declared minimiser", floor=1.0)


def _minimum(problem: BilevelProblem, x: Array, best: Array | None) -> None:
    if problem.value is None or problem.minimum is None:
        return
    lowest, value = float(problem.minimum), float(problem.value(x))
    scale = max(abs(lowest), abs(value))
    _hold(max(lowest - value, 0.0), scale, f"Psi is {value:.9g} at a point, below its declared minimum {lowest:.9g}")
    if best is not None:
        reached = float(problem.value(best))
        words = f"Psi is {reached:.9g} at the declared minimiser, and its declared minimum is {lowest:.9g}"
        _hold(abs(reached - lowest), max(abs(reached), abs(lowest)), words)


def _adjoint(problem: BilevelProblem, x: Array) -> None:
    if problem.adjoint is None or problem.inner_solution is None:
        return
    if problem.inner_hvp_zz is None or problem.outer_grad_z is None:
        return
    z, v = problem.inner_solution(x), problem.adjoint(x)
    pulled, slope = problem.inner_hvp_zz(z, x, v), problem.outer_grad_z(z, x)
    size = float(np.linalg.norm(slope) + np.linalg.norm(pulled))
    off = float(np.linalg.norm(pulled + slope))
    _hold(off, size, f"with the declared v*, |G_zz v + F_z| is {off:.4g} in place of 0")


def _hypergradient(problem: BilevelProblem, x: Array) -> None:
    if problem.hypergradient is None:
        return
    declared = problem.hypergradient(x)
    parts = (problem.inner_solution, problem.adjoint, problem.inner_jvp_xz, problem.outer_grad_x)
    if all(part is not None for part in parts):
        z, v = problem.inner_solution(x), problem.adjoint(x)  # type: ignore[misc]
        direct, through = problem.outer_grad_x(z, x), problem.inner_jvp_xz(z, x, v)  # type: ignore[misc]
        off = float(np.linalg.norm(declared - direct - through))
        size = float(np.linalg.norm(direct) + np.linalg.norm(through))
        _hold(off, size, f"the declared hypergradient is {off:.4g} away from F_x + G_xz v*")
    if problem.value is not None:
        direction = np.random.default_rng(0).standard_normal(problem.d)
        direction /= np.linalg.norm(direction)
        step = _STEP * (1.0 + float(np.linalg.norm(x)))
        after, before = (float(problem.value(x + sign * step * direction)) for sign in (1.0, -1.0))
        slope = (after - before) / (2.0 * step)
        expected, norm = float(declared @ direction), float(np.linalg.norm(declared))
        # A difference of values has their rounding over the step, and a remainder of the step's order.
        slack = 1e-13 * (abs(after) + abs(before)) / step + 10 * step * norm
        words = f"Psi has the slope {slope:.6g} along a line, the declared hypergradient says {expected:.6g}"
        _hold(max(abs(slope - expected) - slack, 0.0), norm, words)


def _hold(off: float, size: float, words: str, floor: float = 0.0) -> None:
    """Refuse what is off by too much of a size; not what is no number, which runs will meet."""
    if off > _ALLOWED * max(size, floor) + 1e-12:
        raise DerivationError(f"the problem's closed forms contradict each other: {words}")
