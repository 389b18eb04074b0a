"""PZOBO (arXiv 2110.07004) and HOZOG (arXiv 2102.09026): differences in x of a whole inner run.

With y(x) the end of the run at x and J(x) its derivative (rows over x), a Gaussian difference of a function q has the
mean E grad q(x + eta u), by Stein's identity, within M eta^2 d/2 of grad q(x), M the second derivative of the gradient;
unit directions with the factor d stay within the same bound. J follows T <- T (I - alpha G_zz) - alpha G_xz from 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, projected, require_affine_projection, rounding
from .smoothness import hessian_of, noise_of_values, require_quadratic, variation

__all__ = ["HOZOG", "PZOBO", "bend", "inner_run"]

_PZOBO: dict[str, Any] = {
    "N": 10, "Q": 10, "eta": 0.1, "alpha": 0.1, "beta": 0.1, "directions": "gaussian", "batch": None,
}  # fmt: skip
_HOZOG: dict[str, Any] = {
    "q": 5, "eta": 0.01, "gamma": 1e-3, "inner_steps": 100, "alpha": 0.1, "training": "gradients", "h": 1e-3,
}  # fmt: skip
#: Sequences of batches that are enumerated at most.
_OUTCOMES = 4096


def inner_run(problem: BilevelProblem, z: Array, x: Array, steps: int, alpha: float) -> tuple[Array, Array]:
    """The end of gradient descent on G(., x) from z, and its derivative in x, rows over x."""
    tangents = np.zeros((problem.d, problem.p))
    for _ in range(steps):
        G_zz, G_xz, _ = problem.inner_hessian(z, x)  # type: ignore[misc]
        tangents = tangents - alpha * (tangents @ G_zz + G_xz)
        z = z - alpha * problem.inner_grad_z(z, x)  # type: ignore[misc]
    return z, tangents


def bend(gradient: Callable[[Array], Array], x: Array, radius: float) -> float:
    """Twice the largest sampled second derivative of a gradient within a radius."""
    rng, centre, largest = np.random.default_rng(3), gradient(x), 0.0
    for _ in range(8):
        move = rng.standard_normal(x.size)
        move *= radius / np.linalg.norm(move)
        change = gradient(x + move) + gradient(x - move) - 2 * centre
        largest = max(largest, float(np.linalg.norm(change)) / radius**2)
    return 2 * largest


def _pzobo(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """x - beta (F_x(z) + mean of <delta_j, F_z(z)> u_j), z the end of the run at x_k from z_k."""
    o = chosen(options, _PZOBO)
    z, x = state["z"], state["x"]
    require_affine_projection(problem)
    if o["batch"] is not None:
        return _pzobo_on_batches(problem, o, state)
    end, J = inner_run(problem, z, x, o["N"], o["alpha"])
    f_z = problem.outer_grad_z(end, x)  # type: ignore[misc]
    h = problem.outer_grad_x(end, x) + J @ f_z  # type: ignore[misc]

    def bounds() -> Mapping[str, Any]:
        # Gaussian directions have the length sqrt(d); most of them end within three times that.
        length = o["eta"] * (np.sqrt(problem.d) if o["directions"] == "gaussian" else 1.0)
        largest = bend(lambda at: inner_run(problem, z, at, o["N"], o["alpha"])[1] @ f_z, x, length)
        unit = rounding(problem, 4 * o["N"], z, x)
        bias = largest * o["eta"] ** 2 * problem.d / 2 + unit * problem.d * (1 + float(np.linalg.norm(f_z))) / o["eta"]
        return {"z": unit, "x": o["beta"] * bias + unit}

    mean = {"z": end, "v": state["v"], "x": projected(problem, x - o["beta"] * h)}
    return Expected(mean, bounds, frozenset({"z"}))  # z is the end of the run at x itself


def _pzobo_on_batches(problem: BilevelProblem, o: Mapping[str, Any], state: State) -> Expected:
    """All runs of an iteration see the same samples: the mean is taken over every sequence of N b of them.

    F's samples are drawn apart, so that their mean serves. G is quadratic in (z, x), hence the run affine in x.
    """
    require_quadratic(problem, state["z"], state["x"])
    n, N, b = problem.inner_samples or 1, o["N"], o["batch"]
    if n ** (N * b) > _OUTCOMES:
        raise ValueError(f"the mean is enumerated, and {n}^{N * b} sequences of samples are too many")
    x, p, d = state["x"], problem.p, problem.d
    every, units_z, units_x = np.arange(n)[:, None], np.eye(p)[None], np.eye(d)[None]
    H = problem.inner_hvp_zz(state["z"][None, None], x[None, None], units_z, every)  # type: ignore[misc]
    C = problem.inner_jvp_zx(state["z"][None, None], x[None, None], units_x, every)  # type: ignore[misc]
    ends, steps = np.zeros(p), np.zeros(d)
    for sequence in itertools.product(range(n), repeat=N * b):
        z, tangents = state["z"], np.zeros((d, p))
        for t in range(N):
            drawn = np.array(sequence[t * b : (t + 1) * b])
            slope = problem.inner_grad_z(z[None], x[None], drawn).mean(axis=0)  # type: ignore[misc]
            tangents = tangents - o["alpha"] * (tangents @ H[drawn].mean(axis=0) + C[drawn].mean(axis=0))
            z = z - o["alpha"] * slope
        ends += z
        steps += problem.outer_grad_x(z, x) + tangents @ problem.outer_grad_z(z, x)  # type: ignore[misc]
    count = n ** (N * b)
    mean = {"z": ends / count, "v": state["v"], "x": projected(problem, x - o["beta"] * steps / count)}
    return Expected(mean, dict.fromkeys(mean, rounding(problem, 4 * N, *mean.values()) * d / o["eta"]))


def _hozog(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """x - gamma times the mean of (d/eta)[Psi_T(x + eta u) - Psi_T(x)] u; z is the training's end at x_k.

    The best x is the one with the least value among x_0..x_k.
    """
    o = chosen(options, _HOZOG)
    x, origin = state["x"], state["origin"]
    require_affine_projection(problem)

    def gradient(at: Array) -> Array:
        end, J = inner_run(problem, origin, at, o["inner_steps"], o["alpha"])
        return problem.outer_grad_x(end, at) + J @ problem.outer_grad_z(end, at)  # type: ignore[misc]

    z, _ = inner_run(problem, origin, x, o["inner_steps"], o["alpha"])
    value = float(problem.outer(z, x))
    better = not value >= state["best_value"]  # no value yet is not a number
    mean = {
        "z": z, "v": state["v"], "x": projected(problem, x - o["gamma"] * gradient(x)), "origin": origin,
        "best_x": x if better else state["best_x"], "best_value": np.array(value if better else state["best_value"]),
    }  # fmt: skip

    def bounds() -> Mapping[str, Any]:
        unit, z_bias = rounding(problem, o["inner_steps"], z, x), 0.0
        if o["training"] == "values":
            # Central differences along the axes: M_3 h^2/6 in each, and rounding; the training contracts.
            third, _ = variation(hessian_of(problem, "inner"), z, x, max(1e-2, o["h"]))
            each = third * o["h"] ** 2 / 6 + noise_of_values(problem, "inner", z, x) / o["h"]
            z_bias = o["alpha"] * o["inner_steps"] * each * np.sqrt(problem.p)
        slope = float(np.linalg.norm(problem.outer_grad_z(z, x)))  # type: ignore[misc]
        f_unit = noise_of_values(problem, "outer", z, x) + slope * unit
        # A bias of z that is smooth in x moves the gradient of the value as much as the value, up to 1 + its size.
        bias = bend(gradient, x, o["eta"]) * o["eta"] ** 2 * problem.d / 2 + f_unit * problem.d / o["eta"]
        bias += (1 + slope) * z_bias * problem.d * (1 if z_bias == 0 else 1 / o["eta"])
        return {
            "z": z_bias + unit, "x": o["gamma"] * bias + rounding(problem, 1, x),
            "best_value": (1 + slope) * (z_bias + unit) + f_unit,
        }  # fmt: skip

    return Expected(mean, bounds, frozenset({"z", "best_value"}))  # both are of the run at x itself


def _hozog_initial(
    problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array
) -> dict[str, Array]:
    return {"z": z, "v": v, "x": x, "origin": z, "best_x": x, "best_value": np.array(np.inf)}


def _radii(published: Mapping[str, Any], problem: BilevelProblem, options: Mapping[str, Any],
           state: State) -> Mapping[str, tuple[float, ...]]:  # fmt: skip
    """x moves by eta u; a unit direction has the mean square 1/d in a coordinate. z answers as it will."""
    o = chosen(options, published)
    unit = o.get("directions", "sphere") == "sphere"
    return {"x": (o["eta"] / (np.sqrt(problem.d) if unit else 1.0),)}


PZOBO = Update(_pzobo, _PZOBO, radii=partial(_radii, _PZOBO))
HOZOG = Update(_hozog, _HOZOG, _hozog_initial, radii=partial(_radii, _HOZOG))
