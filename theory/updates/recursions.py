"""AmIGO, BSA, TTSA, SUSTAIN, MRBO and FSLA, in the form that benchopt's bilevel benchmark gives them.

arXiv 2111.14580, 1802.02246, 2007.05170, 2102.07367, 2106.04692, 2112.04660. v has the sign of this project,
G_zz v = -F_z. Batches are drawn with replacement, so that one of b has the covariance of a sample over b. Where G has
samples and a step depends on a point that its own iteration has moved at random, the mean is that of exact derivatives
on quadratic F and G alone; TTSA uses one batch twice, which adds a covariance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, projected, require_affine_projection, rounding
from .smoothness import require_quadratic

__all__ = ["AMIGO", "BSA", "FSLA", "MRBO", "SUSTAIN", "TTSA", "hypergradient", "no_memory"]

#: Published: step 0.1 for all, batches of 64, ten passes of every loop, weight 0.5 (FSLA: the step).
_COMMON: dict[str, Any] = {"rho": 0.1, "ratio": 1.0, "b1": None, "b2": None}
_AMIGO: dict[str, Any] = {**_COMMON, "inner_steps": 10}
_TTSA: dict[str, Any] = {**_COMMON, "N": 10, "eta": None, "series": "random", "schedule": "published"}
_BSA: dict[str, Any] = {**_TTSA, "inner_steps": 10}
_MRBO: dict[str, Any] = {**_COMMON, "N": 10, "eta": None, "weight": 0.5, "schedule": "published"}
_SUSTAIN: dict[str, Any] = {**_MRBO, "series": "random"}
_FSLA: dict[str, Any] = {**_COMMON, "weight": None, "schedule": "published"}
_BATCH = 64


def _decays(o: Mapping[str, Any], k: int, *exponents: float) -> list[float]:
    """(k + 1)^-e, or 1 where all is constant."""
    return [1.0 if o["schedule"] == "constant" else float(k + 1) ** -e for e in exponents]


def _series(G_zz: Array, eta: float, terms: int) -> Array:
    """eta times the sum of (I - eta G_zz)^j over j < terms, by its closed form; the mean of either kind."""
    unit = np.eye(len(G_zz))
    return np.linalg.solve(G_zz, unit - np.linalg.matrix_power(unit - eta * G_zz, terms))


def hypergradient(
    problem: BilevelProblem, z: Array, x: Array, eta: float, terms: int
) -> tuple[Array, Array, float]:  # fmt: skip
    """v, F_x + G_xz v, and the condition number of G_zz."""
    G_zz, G_xz, _ = problem.inner_hessian(z, x)  # type: ignore[misc]
    v = -_series(G_zz, eta, terms) @ problem.outer_grad_z(z, x)  # type: ignore[misc]
    return v, problem.outer_grad_x(z, x) + G_xz @ v, float(np.linalg.cond(G_zz))  # type: ignore[misc]


def _inner(problem: BilevelProblem, z: Array, x: Array, rho: float, steps: int) -> Array:
    for _ in range(steps):
        z = z - rho * problem.inner_grad_z(z, x)  # type: ignore[misc]
    return z


def _expected(
    problem: BilevelProblem, mean: Mapping[str, Array], state: State, steps: int, condition: float,
    moved: bool, noise: bool = False,
) -> Expected:  # fmt: skip
    """With rounding, which the condition number of G_zz multiplies.

    ``moved`` says that derivatives are taken at points that this iteration has moved at random, ``noise`` that it is
    random even with exact derivatives.
    """
    if problem.stochastic or noise:
        require_affine_projection(problem)

    def bounds() -> Mapping[str, Any]:
        if moved:
            require_quadratic(problem, state["z"], state["x"])
        sizes = [*mean.values(), *(value for name, value in state.items() if name != "k")]
        return dict.fromkeys(mean, rounding(problem, steps, *sizes) * max(1.0, condition))

    return Expected(mean, bounds)


def _amigo(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """T steps on v contract towards the solution of the linear system, which they reach as T grows."""
    o = chosen(options, _AMIGO)
    x, T = state["x"], o["inner_steps"]
    z = _inner(problem, state["z"], x, o["rho"], T)
    G_zz, G_xz, _ = problem.inner_hessian(z, x)  # type: ignore[misc]
    solution = -np.linalg.solve(G_zz, problem.outer_grad_z(z, x))  # type: ignore[misc]
    left = np.linalg.matrix_power(np.eye(problem.p) - o["rho"] * G_zz, T)
    v = solution + left @ (state["v"] - solution)
    h = problem.outer_grad_x(z, x) + G_xz @ v  # type: ignore[misc]
    mean = {"z": z, "v": v, "x": projected(problem, x - o["rho"] / o["ratio"] * h)}
    return _expected(problem, mean, state, 2 * T + 2, float(np.linalg.cond(G_zz)), problem.stochastic)


def _bsa(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """v and x from exact points, so that independent batches have the product of their means; then z at the new x."""
    o = chosen(options, _BSA)
    (decay,) = _decays(o, state["k"], 1 / 2)
    eta, rho = o["rho"] if o["eta"] is None else o["eta"], o["rho"] * decay
    v, h, condition = hypergradient(problem, state["z"], state["x"], eta, o["N"])
    x = projected(problem, state["x"] - rho / o["ratio"] * h)
    mean = {"z": _inner(problem, state["z"], x, rho, o["inner_steps"]), "v": v, "x": x}
    random = o["series"] == "random"
    moved = random or problem.stochastic  # x, at which z takes its steps
    return _expected(problem, mean, state, o["N"] + o["inner_steps"] + 2, condition, moved, random)


def _ttsa(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """z and the product with G_xz share a batch: its mean has the covariance of G_xz with v, through F_z at z.

    v is -S F_z(z), with S the mean of the series, and z - E z is -rho times the mean of G_z - E G_z over the batch: a
    sample i adds rho (G_xz,i - G_xz) S F_zz (G_z,i - G_z) / b.
    """
    o = chosen(options, _TTSA)
    rho, gamma = (o["rho"] * a for a in _decays(o, state["k"], 2 / 5, 3 / 5))
    eta, x = o["rho"] if o["eta"] is None else o["eta"], state["x"]
    z = _inner(problem, state["z"], x, rho, 1)
    v, h, condition = hypergradient(problem, z, x, eta, o["N"])
    if problem.inner_samples is not None:
        h = h + _covariance(problem, state["z"], z, x, rho, _of(problem, z, x, eta, o["N"])) / (o["b1"] or _BATCH)
    mean = {"z": z, "v": v, "x": projected(problem, x - gamma / o["ratio"] * h)}
    return _expected(problem, mean, state, o["N"] + 3, condition, problem.stochastic, o["series"] == "random")


def _of(problem: BilevelProblem, z: Array, x: Array, eta: float, terms: int) -> Array:
    """S F_zz, minus what v changes by with z."""
    F_zz = problem.outer_hessian(z, x)[0]  # type: ignore[misc]
    return np.asarray(_series(problem.inner_hessian(z, x)[0], eta, terms) @ F_zz)  # type: ignore[misc]


def _covariance(problem: BilevelProblem, old: Array, z: Array, x: Array, rho: float, change: Array) -> Array:
    """The mean over single samples of rho (G_xz,i - G_xz) change (G_z,i - G_z)."""
    samples = np.arange(problem.inner_samples or 0)
    slopes = problem.inner_grad_z(old[None], x[None], samples)  # type: ignore[misc]
    moved = rho * (slopes - slopes.mean(axis=0)) @ change.T
    own = problem.inner_jvp_xz(z[None], x[None], moved, samples)  # type: ignore[misc]
    return np.asarray(own.mean(axis=0) - problem.inner_jvp_xz(z, x, moved.mean(axis=0)))  # type: ignore[misc]


def no_memory(
    problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array
) -> dict[str, Array]:  # fmt: skip
    return {
        "z": z, "v": v, "x": x, "z_old": z, "x_old": x, "d_z": np.zeros(problem.p), "d_x": np.zeros(problem.d)
    }  # fmt: skip


def _momentum(published: Mapping[str, Any], more: int) -> Callable[..., Expected]:
    """SUSTAIN, and with one term more MRBO: d = new + (1 - a_k) (d - old), of the plain estimates at both points.

    Of a batch that both points share every estimate keeps its own mean.
    """

    def step(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
        o = chosen(options, published)
        k, terms = state["k"], o["N"] + more
        decay, share = _decays(o, k, 1 / 3, 2 / 3)
        keep, eta = 0.0 if k == 0 else 1 - o["weight"] * share, o["rho"] if o["eta"] is None else o["eta"]
        v, h, condition = hypergradient(problem, state["z"], state["x"], eta, terms)
        _, h_old, other = hypergradient(problem, state["z_old"], state["x_old"], eta, terms)
        g = problem.inner_grad_z(state["z"], state["x"])  # type: ignore[misc]
        g_old = problem.inner_grad_z(state["z_old"], state["x_old"])  # type: ignore[misc]
        d_z, d_x = g + keep * (state["d_z"] - g_old), h + keep * (state["d_x"] - h_old)
        rho = o["rho"] * decay
        mean = {
            "z": state["z"] - rho * d_z, "v": v, "x": projected(problem, state["x"] - rho / o["ratio"] * d_x),
            "z_old": state["z"], "x_old": state["x"], "d_z": d_z, "d_x": d_x,
        }  # fmt: skip
        random = o.get("series") == "random"
        return _expected(problem, mean, state, terms + 3, max(condition, other), False, random)

    return step


def _fsla_start(
    problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array
) -> dict[str, Array]:  # fmt: skip
    return {"z": z, "v": v, "x": x, "x_old": x, "d_x": np.zeros(problem.d)}


def _fsla(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    o = chosen(options, _FSLA)
    (decay,) = _decays(o, state["k"], 1 / 2)
    rho, x = o["rho"] * decay, state["x"]
    weight = min(1.0, o["rho"]) if o["weight"] is None else o["weight"]
    keep = 0.0 if state["k"] == 0 else 1 - weight * decay
    z = _inner(problem, state["z"], x, rho, 1)
    G_zz, G_xz, _ = problem.inner_hessian(z, x)  # type: ignore[misc]
    v = state["v"] - rho * (G_zz @ state["v"] + problem.outer_grad_z(z, x))  # type: ignore[misc]
    old = problem.inner_hessian(state["z"], state["x_old"])[1]  # type: ignore[misc]
    h_old = problem.outer_grad_x(state["z"], state["x_old"]) + old @ state["v"]  # type: ignore[misc]
    h = problem.outer_grad_x(z, x) + G_xz @ v  # type: ignore[misc]
    d_x = h + keep * (state["d_x"] - h_old)
    mean = {"z": z, "v": v, "x": projected(problem, x - rho / o["ratio"] * d_x), "x_old": x, "d_x": d_x}
    return _expected(problem, mean, state, 5, 1.0, problem.stochastic)


AMIGO = Update(_amigo, _AMIGO)
BSA = Update(_bsa, _BSA)
TTSA = Update(_ttsa, _TTSA)
SUSTAIN = Update(_momentum(_SUSTAIN, 0), _SUSTAIN, no_memory)
MRBO = Update(_momentum(_MRBO, 1), _MRBO, no_memory)
FSLA = Update(_fsla, _FSLA, _fsla_start)
