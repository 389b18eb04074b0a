"""Closed forms of problems whose lower level is solved by Newton's method: z*, v*, Psi and grad Psi to rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoba_bench.arrays import Array

__all__ = ["closed_forms", "newton"]

_MOST = 100
#: Relative size of a decrease that is rounding.
_ROUNDING = 1e-15


def newton(
    value: Callable[[Array, Array], Array], slope: Callable[[Array, Array], Array],
    curvature: Callable[[Array, Array], Array], x: Array, start: Array,
) -> Array:  # fmt: skip
    """Minimisers (n, p) of a function of z at the points x (n, d), from the same start (p,) for all of them.

    Damped Newton steps of a function that is strictly convex in z. A point is done after the step whose predicted
    decrease is rounding of the value: convergence is quadratic there. Points where a hundred steps do not suffice, or
    where anything is not finite, are NaN.
    """
    z = np.tile(start, (len(x), 1))
    left = np.arange(len(x))
    for _ in range(_MOST):
        if not len(left):
            return z
        at, to = z[left], x[left]
        g = slope(at, to)
        H = curvature(at, to)
        regular = np.isfinite(H).all(axis=(-1, -2)) & np.isfinite(g).all(axis=-1) & (np.linalg.slogdet(H)[0] > 0)
        if not regular.all():
            z[left[~regular]] = np.nan
            left = left[regular]
            continue
        step = np.linalg.solve(H, g[..., None])[..., 0]
        decrease = np.vecdot(step, g)
        t, here = np.ones(len(left)), value(at, to)
        for _ in range(40):
            # Near the end differences of values are rounding: there the whole step is right.
            worse = value(at - t[:, None] * step, to) > here - 1e-4 * t * decrease + 1e-14 * (1 + np.abs(here))
            if not worse.any():
                break
            t = np.where(worse, t / 2, t)
        z[left] = at - t[:, None] * step
        left = left[~(decrease <= _ROUNDING * (1 + np.abs(here)))]
    z[left] = np.nan
    return z


def closed_forms(
    inner: Callable[..., Array], outer: Callable[..., Array], *, slope: Callable[..., Array],
    curvature: Callable[[Array, Array], Array], outer_slope: Callable[..., Array], outer_x: Callable[..., Array],
    cross: Callable[..., Array], start: Array,
) -> dict[str, Any]:  # fmt: skip
    """inner_solution, adjoint, value and hypergradient of a problem with these functions.

    Parameters
    ----------
    inner, outer : G and F.
    slope, curvature : G_z and G_zz, which is positive definite.
    outer_slope, outer_x : F_z and F_x.
    cross : callable(z, x, v), G_xz v.
    start : where Newton's method begins.
    """

    def solution(x: Array) -> Array:
        flat = x.reshape(-1, x.shape[-1])
        return newton(inner, slope, curvature, flat, start).reshape(*x.shape[:-1], -1)

    def at(x: Array) -> tuple[Array, Array]:
        z = solution(x)
        return z, np.asarray(np.linalg.solve(curvature(z, x), -outer_slope(z, x)[..., None])[..., 0], dtype=np.float64)

    def hypergradient(x: Array) -> Array:
        z, v = at(x)
        return np.asarray(outer_x(z, x) + cross(z, x, v))

    return {
        "inner_solution": solution, "adjoint": lambda x: at(x)[1], "value": lambda x: outer(solution(x), x),
        "hypergradient": hypergradient,
    }  # fmt: skip
