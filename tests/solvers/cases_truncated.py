"""FOM and UFOM where all gradients are affine: linear rates to the points that theory names, and exact moments.

FOM contracts to the zero of the mean first-order gradient (theorem "fom"). UFOM is unbiased (theorem "ufom"), so that
the mean of x follows gradient descent on M whatever q is, and its covariance grows with the second moment of G.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .case import Case
from .unrolled import EPS, Gradient, mixed, moments, outcomes, pairs, zero

ITERATIONS, REPLICATES = 60, 64
WIDE = {"width": 1e6}  # all iterates stay on the quadratic parts of the two tasks
OTHER = {"steps": 3, "step": 0.2, "a1": 2.0, "a2": 0.7, "D": 0.5, "width": 1e6}
META = {"p": 6, "d": 2, "lam": 5.0}
PROBLEMS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("two_task", WIDE, {"gamma": 0.5}),
    ("two_task", OTHER, {"gamma": 0.2}),
    ("imaml_quad", META, {"gamma": 1.0}),
    ("quad_general", {"p": 3, "d": 2}, {"gamma": 0.3}),
)


def start(problem) -> tuple[np.ndarray, np.ndarray]:
    """(z0, x0) of a run with seed 0."""
    return problem.initial_point(np.random.default_rng(np.random.SeedSequence(0).spawn(2)[0]))


def mean_of(problem, exact: bool) -> Gradient:
    """The mean over tasks of the exact or of the first-order gradients."""
    return mixed([(task.weight, task.exact if exact else task.first) for task in pairs(problem, start(problem)[0])])


def descent(problem, gradient: Gradient, gamma: float) -> tuple[float, float]:
    """|x_K - x| that gradient descent with constant steps promises, x the zero of the gradient, and rounding.

    Rounding of an iteration is below 1000 eps |x|: below 100 inner steps of fewer than ten operations each, every one
    a contraction. It adds up to that over 1 - rate.
    """
    step = np.eye(problem.d) - gamma * gradient.S
    x0, goal = start(problem)[1], zero([gradient])
    rate = float(np.abs(np.linalg.eigvals(step)).max())
    assert rate < 1
    left = float(np.linalg.norm(np.linalg.matrix_power(step, ITERATIONS) @ (x0 - goal)))
    return left, 1000 * EPS * float(np.linalg.norm(x0) + np.linalg.norm(goal)) / (1 - rate)


def deterministic(solver: str, problem: str, parameters: dict[str, Any], options: dict[str, Any]) -> Case:
    exact = solver != "fom"

    def goal(built):
        """Closed forms of the problem, where it has one; on one task the zero for the truncated inner loop."""
        tasks = built.capabilities.tasks
        if tasks is None:
            return zero([mean_of(built, exact)])
        return built.minimizer if exact else tasks.first_order_point

    return Case(
        solver, problem, "x goes to the zero of the mean gradient at a linear rate",
        measured=lambda built, result: np.linalg.norm(result.x - goal(built), axis=1),
        bound=lambda built: sum(descent(built, mean_of(built, exact), options["gamma"])),
        parameters=parameters,
        options={"batch": None, "schedule": "constant", **options} | ({"q": 1.0} if exact else {}),
        run={"max_iterations": ITERATIONS, "replicates": 2},
    )  # fmt: skip


def random(solver: str, problem: str, parameters: dict[str, Any], options: dict[str, Any], q: float) -> Case:
    """``q`` is the least probability that the solver may use; the covariance falls with q."""
    tasks_drawn = 1 if problem == "two_task" else None
    steps: Sequence[float] = [options["gamma"] / math.sqrt(k + 1) for k in range(ITERATIONS)]

    def predicted(built):
        first = outcomes(pairs(built, start(built)[0]), q, tasks_drawn)
        return moments(first, start(built)[1], steps)

    def bound(built):
        standard_error = math.sqrt(np.trace(predicted(built)[1]) / REPLICATES)
        return 5 * standard_error

    return Case(
        solver, problem, "the mean over runs is that of gradient descent on M, within five standard errors",
        measured=lambda built, result: np.linalg.norm(result.x.mean(axis=0) - predicted(built)[0]),
        bound=bound, parameters=parameters,
        options={"batch": tasks_drawn, "schedule": "inverse-sqrt", **options},
        run={"max_iterations": ITERATIONS, "replicates": REPLICATES},
    )  # fmt: skip


CASES = [
    *(deterministic("fom", *row) for row in PROBLEMS),
    deterministic("ufom", *PROBLEMS[2]),
    deterministic("ufom", *PROBLEMS[3]),
    *(random("ufom", name, p, {**o, "q": 0.3}, 0.3) for name, p, o in PROBLEMS[:3]),
    *(random("ufom-adaptive", name, p, {**o, "q": 0.3, "q_min": 0.2}, 0.2) for name, p, o in PROBLEMS),
]
