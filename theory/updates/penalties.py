"""F2SA (arXiv 2301.10945), MEHA (2405.09927), BOME (2209.08709): first-order methods that penalise the lower level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, decay, projected, require_affine_projection, rounding
from .smoothness import require_quadratic

__all__ = ["BOME", "F2SA", "MEHA"]

_F2SA: dict[str, Any] = {
    "alpha": 0.01, "gamma": 0.01, "xi": 1.0, "lam": 1.0, "inner_steps": 10, "alpha_exponent": None,
    "gamma_exponent": None, "b1": None, "b2": None,
}  # fmt: skip
_MEHA: dict[str, Any] = {"alpha": 0.1, "beta": 0.1, "eta": 0.1, "gamma": 5.0, "c": 0.6, "power": 0.49}
_BOME: dict[str, Any] = {
    "rho": 0.1, "ratio": 1.0, "alpha": None, "inner_steps": 10, "eta": 0.5, "phi": "gradient", "schedule": "constant",
}  # fmt: skip


def _exponents(problem: BilevelProblem, o: Mapping[str, Any]) -> tuple[float, float]:
    """(a, c) of alpha_k = alpha (k + 1)^-a, gamma_k = gamma (k + 1)^-c: by which level is noisy, unless given."""
    if o["alpha_exponent"] is not None:
        return o["alpha_exponent"], o["gamma_exponent"]
    if problem.inner_samples is not None:
        return 5 / 7, 4 / 7
    return (3 / 5, 2 / 5) if problem.outer_samples is not None else (1 / 3, 0.0)


def _f2sa(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """T steps of y and z, then one of x, with lam_k = lam gamma_k alpha / (alpha_k gamma).

    Every gradient has samples of its own, so that on quadratic F and G the means are those of exact gradients.
    """
    o = chosen(options, _F2SA)
    z, y, x, k = state["z"], state["y"], state["x"], state["k"]
    start = z
    if problem.stochastic:
        require_affine_projection(problem)
    a, c = _exponents(problem, o)
    alpha, gamma, lam = o["alpha"] / (k + 1) ** a, o["gamma"] / (k + 1) ** c, o["lam"] * (k + 1) ** a / (k + 1) ** c
    for _ in range(o["inner_steps"]):
        y = y - alpha * problem.outer_grad_z(y, x) - alpha * lam * problem.inner_grad_z(y, x)  # type: ignore[misc]
    for _ in range(o["inner_steps"]):
        z = z - gamma * problem.inner_grad_z(z, x)  # type: ignore[misc]
    penalty = problem.inner_grad_x(y, x) - problem.inner_grad_x(z, x)  # type: ignore[misc]
    x_next = projected(problem, x - o["xi"] * alpha * (problem.outer_grad_x(y, x) + lam * penalty))  # type: ignore[misc]
    mean = {"z": z, "v": lam * (y - z), "x": x_next, "y": y}

    def bounds() -> Mapping[str, Any]:
        if problem.stochastic:
            require_quadratic(problem, start, x)
        return dict.fromkeys(mean, (1 + lam) * rounding(problem, 2 * o["inner_steps"], z, y, x))

    return Expected(mean, bounds)


def _f2sa_initial(
    problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array
) -> dict[str, Array]:
    return {"z": z, "v": v, "x": x, "y": z + v / chosen(options, _F2SA)["lam"]}


def _smooth(problem: BilevelProblem, letter: str, z: Array, x: Array) -> Array:
    """The gradient of f in z, of f + g in x, where G = f + g is split; of G itself otherwise."""
    parts = problem.capabilities
    if parts.inner_prox is None:
        return np.asarray(getattr(problem, f"inner_grad_{letter}")(z, x))
    slope = np.asarray(getattr(parts, f"inner_smooth_grad_{letter}")(z, x))
    return slope if letter == "z" or parts.inner_rest_grad_x is None else slope + parts.inner_rest_grad_x(z, x)


def _prox(problem: BilevelProblem, z: Array, x: Array, step: float) -> Array:
    """The proximal point of step g + the indicator of Z."""
    parts = problem.capabilities
    if parts.inner_prox is not None:
        return np.asarray(parts.inner_prox(z[None], x[None], step)[0])
    return z if parts.project_z is None else np.asarray(parts.project_z(z[None])[0])


def _meha(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """theta at (x, y), x at (y, new theta), y at (new x, new theta); c_k = c (k + 1)^power divides F. y is z here."""
    o = chosen(options, _MEHA)
    x, y, theta = state["x"], state["z"], state["theta"]
    c = o["c"] * (state["k"] + 1) ** o["power"]
    pull = 1 / o["gamma"]
    theta = _prox(problem, theta - o["eta"] * (_smooth(problem, "z", theta, x) + pull * (theta - y)), x, o["eta"])
    slope = problem.outer_grad_x(y, x) / c + _smooth(problem, "x", y, x) - _smooth(problem, "x", theta, x)  # type: ignore[misc]
    x = projected(problem, x - o["alpha"] * slope)
    slope = problem.outer_grad_z(y, x) / c + _smooth(problem, "z", y, x) - pull * (y - theta)  # type: ignore[misc]
    y = _prox(problem, y - o["beta"] * slope, x, o["beta"])
    mean = {"z": y, "v": c * (y - theta), "x": x, "theta": theta}
    return Expected(mean, dict.fromkeys(mean, (1 + c) * rounding(problem, 6, y, x, theta)))


def _meha_initial(
    problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array
) -> dict[str, Array]:
    return {"z": z, "v": v, "x": x, "theta": z - v / chosen(options, _MEHA)["c"]}


def _bome(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """The direction is the nearest to grad F with <d, q> at least phi: grad F where that is so already."""
    o = chosen(options, _BOME)
    z, x = state["z"], state["x"]
    alpha, y = o["rho"] if o["alpha"] is None else o["alpha"], state["z"]
    for _ in range(o["inner_steps"]):
        y = y - alpha * problem.inner_grad_z(y, x)  # type: ignore[misc]
    at_z, at_y = problem.inner_grad_x(z, x), problem.inner_grad_x(y, x)  # type: ignore[misc]
    q = np.concatenate([problem.inner_grad_z(z, x), at_z - at_y])  # type: ignore[misc]
    slope = np.concatenate([problem.outer_grad_z(z, x), problem.outer_grad_x(z, x)])  # type: ignore[misc]
    square = float(q @ q)
    gap = square if o["phi"] == "gradient" else float(problem.inner(z, x) - problem.inner(y, x))
    lack = o["eta"] * gap - float(slope @ q)
    lam = lack / square if square > 0 and lack > 0 else 0.0
    d = slope + lam * q
    rho = o["rho"] * decay(o["schedule"], state["k"])
    mean = {
        "z": z - rho * d[: problem.p], "v": lam * (z - y),
        "x": projected(problem, x - rho / o["ratio"] * d[problem.p :]),
    }  # fmt: skip

    def bounds() -> Mapping[str, Any]:
        # lam q is a quotient: rounding of its parts is divided by |q|, that of values by |q|^2.
        unit = rounding(problem, o["inner_steps"] + 4, z, x, y, slope, q, at_z)
        size = 1.0 if square == 0 else (1 + float(np.linalg.norm(slope)) + lam) * max(1.0, 1 / square)
        return dict.fromkeys(mean, unit * (1 + lam) * size)

    return Expected(mean, bounds)


BOME = Update(_bome, _BOME)
F2SA = Update(_f2sa, _F2SA, _f2sa_initial)
MEHA = Update(_meha, _MEHA, _meha_initial)
