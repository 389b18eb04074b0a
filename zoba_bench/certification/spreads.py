"""Spreads of samples: the declared root mean squares, and that the bounds hold for every sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.certification.certificate import Check
from zoba_bench.certification.constants import compared
from zoba_bench.certification.differences import SECOND_STEP, derivative, settle
from zoba_bench.problem import BilevelProblem

__all__ = ["measure_spreads"]


_POINTS, _MANY, _WIDE = 3, 2000, 32
_ABSOLUTE = 1e-6


def measure_spreads(problem: BilevelProblem, rng: np.random.Generator) -> list[Check]:
    """sigma_* and the bounds on single samples, at random points and along random directions.

    Left out where there are more than 2000 samples or 32 dimensions.
    """
    checks = []
    for level, names in (("inner", ("sigma_gz", "sigma_zz", "sigma_xz")), ("outer", ("sigma_fz", "sigma_fx"))):
        size = getattr(problem, f"{level}_samples")
        if size is None:
            continue
        if size > _MANY or max(problem.p, problem.d) > _WIDE:
            checks.append(Check(f"samples of {level}", True, "stated", f"{size} samples: too many to be measured"))
            continue
        met = _inner(problem, size, rng) if level == "inner" else _outer(problem, size, rng)
        for name in (*names, *(n for n in met if n not in names)):
            checks.append(_bounded(problem, name, met[name]))
    return checks


def _bounded(problem: BilevelProblem, name: str, met: float) -> Check:
    title = f"constant {name}" if name.startswith("sigma") else f"constant {name}, every sample"
    return compared(problem, name, met, title=title, absolute=_ABSOLUTE)


def _inner(problem: BilevelProblem, size: int, rng: np.random.Generator) -> dict[str, float]:
    z, x = _points(problem, rng)
    g_z, g_x = _sampled(problem, "inner", "z", size), _sampled(problem, "inner", "x", size)
    met = {"sigma_gz": _root_mean_square(g_z(z, x)), "sigma_zz": 0.0, "sigma_xz": 0.0, "L_zz": 0.0, "L_xz": 0.0}
    for _ in range(2):
        v = rng.standard_normal(z.shape)
        v /= np.linalg.norm(v, axis=-1, keepdims=True)
        for block, field in (("zz", g_z), ("xz", g_x)):
            product = derivative(_along(field, z, x, v), SECOND_STEP).value
            met[f"sigma_{block}"] = max(met[f"sigma_{block}"], _root_mean_square(product))
            met[f"L_{block}"] = max(met[f"L_{block}"], float(np.linalg.norm(product, axis=-1).max()))
    return met


def _outer(problem: BilevelProblem, size: int, rng: np.random.Generator) -> dict[str, float]:
    z, x = _points(problem, rng)
    met = {}
    for k in ("z", "x"):
        met[f"sigma_f{k}"] = _root_mean_square(_sampled(problem, "outer", k, size)(z, x))
    return met


def _points(problem: BilevelProblem, rng: np.random.Generator) -> tuple[Array, Array]:
    reach = min(problem.constants.radius, 2.0)
    z, x = (reach * rng.uniform(-1, 1, (_POINTS, n)) / np.sqrt(n) for n in (problem.p, problem.d))
    return settle(problem, z, x)


def _sampled(problem: BilevelProblem, level: str, variable: str, size: int) -> Callable[[Array, Array], Array]:
    """Slopes (points, samples, coordinates) of every single sample, by differences."""
    function, samples = getattr(problem, level), np.arange(size)
    count = problem.p if variable == "z" else problem.d

    def field(z: Array, x: Array) -> Array:
        def moved(axis: Array, t: float) -> Any:
            if variable == "z":
                return function((z + t * axis)[:, None], x[:, None], samples)
            return function(z[:, None], (x + t * axis)[:, None], samples)

        slopes = [derivative(lambda t, axis=axis: moved(axis, t), SECOND_STEP).value for axis in np.eye(count)]  # type: ignore[misc]
        return np.stack(slopes, axis=-1)

    return field


def _along(field: Callable[[Array, Array], Array], z: Array, x: Array, v: Array) -> Callable[[float], Array]:
    return lambda t: field(z + t * v, x)


def _root_mean_square(values: Array) -> float:
    """Largest over the points of the root mean square, over the samples, of the distance from the mean."""
    spread = values - values.mean(axis=1, keepdims=True)
    return float(np.sqrt(np.mean(np.vecdot(spread, spread), axis=1)).max())
