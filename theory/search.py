"""Smallest bound over weights: a geometric program, solved in logarithms.

Bound and conditions are sums of monomials with positive coefficients in the weights, so both
are convex in the logarithms of the weights and a local minimum is the global one. The result
is used only through its value: every condition is checked again at the weights found.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

__all__ = ["smallest_bound"]

Array = NDArray[np.float64]

#: Logarithms of weights stay within this; wider ranges bring nothing but overflow.
_RANGE = 14.0
_STEP = 1e-6


def smallest_bound(evaluate: Callable[[Array], tuple[Array, Array]], start: Array) -> tuple[float, Array]:
    """Minimise a bound over weights under conditions.

    Parameters
    ----------
    evaluate : function of weights (n, m), m points at once, giving the bound (m,) and for each
        condition the used fraction of what it allows (conditions, m); at most 1 is allowed.
    start : (n,) positive weights.

    Returns
    -------
    The smallest bound found (infinite when no weights meet the conditions) and the used
    fractions (conditions,) at the point where it, or the least violation, is reached.
    """
    centre = np.log(start)
    offsets = np.concatenate([np.zeros((1, start.size)), _STEP * np.eye(start.size)]).T

    last: list[tuple[Array, Array]] = []

    def logs(x: Array) -> Array:
        if last and np.array_equal(last[0][0], x):
            return last[0][1]
        with np.errstate(all="ignore"):
            value, used = evaluate(np.exp(centre[:, None] + x[:, None] + offsets))
            stacked = np.log(np.maximum(np.vstack([value, used]), 1e-300))
        # Objective and conditions are asked for at the same point, one after the other.
        last[:] = [(x.copy(), np.nan_to_num(stacked, nan=1e3, posinf=1e3))]
        return last[0][1]

    def slopes(found: Array) -> Array:
        return (found[:, 1:] - found[:, :1]) / _STEP

    box = [(-_RANGE, _RANGE)] * start.size

    def feasibility(y: Array) -> tuple[float, Array]:
        return float(y[-1]), np.append(np.zeros(start.size), 1.0)

    # Least violation first: minimise s subject to log(used) <= s.
    first = logs(np.zeros(start.size))
    level = float(first[1:, 0].max())
    inner = np.zeros(start.size)
    if level > -0.05:
        found = minimize(
            feasibility,
            np.append(inner, level),
            jac=True,
            method="SLSQP",
            bounds=[*box, (-0.5, 1e3)],
            constraints={
                "type": "ineq",
                "fun": lambda y: y[-1] - logs(y[:-1])[1:, 0],
                "jac": lambda y: np.column_stack([-slopes(logs(y[:-1]))[1:], np.ones(len(first) - 1)]),
            },
            options={"maxiter": 200},
        )
        candidate = np.clip(found.x[:-1], -_RANGE, _RANGE)
        if float(logs(candidate)[1:, 0].max()) < level:
            inner = candidate
    at_inner = logs(inner)[:, 0]
    if at_inner[1:].max() > 0:
        return float("inf"), np.exp(at_inner[1:])

    def objective(x: Array) -> tuple[float, Array]:
        found = logs(x)
        return float(found[0, 0]), slopes(found)[0]

    best = minimize(
        objective,
        inner,
        jac=True,
        method="SLSQP",
        bounds=box,
        constraints={
            "type": "ineq",
            "fun": lambda x: -logs(x)[1:, 0],
            "jac": lambda x: -slopes(logs(x))[1:],
        },
        options={"maxiter": 120, "ftol": 1e-9},
    )
    smallest, reached = np.exp(at_inner[0]), at_inner
    outer = np.clip(best.x, -_RANGE, _RANGE)
    for part in (1.0, 1 - 1e-6, 1 - 1e-4, 1 - 1e-2, 0.9, 0.5):
        there = logs(inner + part * (outer - inner))[:, 0]
        if there[1:].max() <= 0 and np.exp(there[0]) < smallest:
            smallest, reached = np.exp(there[0]), there
    return float(smallest), np.exp(reached[1:])
