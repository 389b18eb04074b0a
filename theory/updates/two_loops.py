"""ZDSBA, ZMDSBA (arXiv 2404.00158, 2510.03646) and the zeroth-order penalty method: inner loops with noise.

On quadratic F and G every step is affine in its own, independent noise, so that the mean follows exact derivatives.
Elsewhere the inner loop ends at z_T = m + e with a mean m and E|e|^2 <= V, and a function f of z_T has a mean within
|f'| b + |f''| V/2 of f(m), b the bias of m. V and b follow recursions: with a field g of slope L and curvature M,

    V <- (1 + beta L)^2 V + beta^2 S(V),      b <- (1 + beta L) b + beta (M V/2 + D),

S a bound on the second moment of one estimate and D one on its bias from the radii.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, decay, projected, require_affine_projection, rounding
from .smoothness import hessian_of, noise_of_values, require_quadratic, variation

__all__ = ["ZDSBA", "ZMDSBA", "ZO_PENALTY"]

_ZMDSBA: dict[str, Any] = {
    "t_k": 20, "b_k": 20, "s_k": 200, "alpha": 1e-5, "beta": 5e-4, "gamma": 5e-4, "schedule": "inverse-sqrt",
    "h": 1e-3, "eta": None, "moves": "joint",
}  # fmt: skip
_PENALTY: dict[str, Any] = {
    "lam": 10.0, "T_b": 5, "l": 25, "alpha": 2.5e-3, "beta": 1e-4, "schedule": "inverse-sqrt", "h": 1e-3, "eta": None,
}  # fmt: skip


def _sensitivity(function: Callable[[Array], Array], at: Array, radius: float) -> tuple[float, float]:
    """Twice the largest sampled |f'| and |f''| within a radius, from first and second differences."""
    rng, centre, first, second = np.random.default_rng(2), function(at), 0.0, 0.0
    for _ in range(12):
        move = rng.standard_normal(at.size)
        move *= radius / np.linalg.norm(move)
        plus, minus = function(at + move), function(at - move)
        first = max(first, float(np.linalg.norm(plus - minus)) / (2 * radius))
        second = max(second, float(np.linalg.norm(plus + minus - 2 * centre)) / radius**2)
    return 2 * first, 2 * second


def _end(field: Callable[[Array], Array], start: Array, steps: list[float]) -> Array:
    """The end of the mean's path."""
    m = start
    for beta in steps:
        m = m - beta * field(m)
    return m


def _noise(field: Callable[[Array], Array], moment: Callable[[Array, float], float], start: Array, steps: list[float],
           slope: float, curvature: float, radius_bias: float) -> tuple[float, float]:  # fmt: skip
    """V and b at the end of the path; see the top."""
    m, V, b = start, 0.0, 0.0
    for beta in steps:
        b = (1 + beta * slope) * b + beta * (curvature * V / 2 + radius_bias)
        V = (1 + beta * slope) ** 2 * V + beta**2 * moment(m, V)
        m = m - beta * field(m)
    return V, b


def _local(problem: BilevelProblem, z: Array, x: Array) -> tuple[float, float, float, float, float]:
    """|Hess G|, |Hess F|, and M_3 of G, M_4 of G, M_3 of F, within a distance of 0.05."""
    inner, outer = hessian_of(problem, "inner"), hessian_of(problem, "outer")
    third, fourth = variation(inner, z, x, 0.05)
    sizes = []
    for hessian in (inner, outer):
        zz, xz, xx = hessian(z, x)
        sizes.append(float(np.linalg.norm(np.block([[zz, xz.T], [xz, xx]]), 2)))
    outer_third, _ = variation(outer, z, x, 0.05)
    return sizes[0] + 0.05 * third, sizes[1] + 0.05 * outer_third, third, fourth, outer_third


def _require_known_mean(problem: BilevelProblem, z: Array, x: Array) -> None:
    if problem.stochastic:
        require_quadratic(problem, z, x)


def _zmdsba(published: Mapping[str, Any], problem: BilevelProblem, options: Mapping[str, Any],
            state: State) -> Expected:  # fmt: skip
    """t_k steps of z; b_k steps q <- q - gamma_t (G_zz q - F_z) from 0; x - alpha_k (F_x - G_xz q); v = -q."""
    o = chosen(options, published)
    z, x, p = state["z"], state["x"], problem.p
    require_affine_projection(problem)
    h, eta = o["h"], o["h"] if o["eta"] is None else o["eta"]
    steps = [o["beta"] * decay(o["schedule"], t) for t in range(o["t_k"])]
    m = _end(lambda at: problem.inner_grad_z(at, x), z, steps)  # type: ignore[misc]

    def adjoint(at: Array) -> Array:
        q = np.zeros(p)
        for t in range(o["b_k"]):
            residual = problem.inner_hvp_zz(at, x, q) - problem.outer_grad_z(at, x)  # type: ignore[misc]
            q = q - o["gamma"] * decay(o["schedule"], t) * residual
        return q

    def slope(at: Array) -> Array:
        return problem.outer_grad_x(at, x) - problem.inner_jvp_xz(at, x, adjoint(at))  # type: ignore[misc]

    q = adjoint(m)
    alpha = o["alpha"] * decay(o["schedule"], state["k"])
    bounds = partial(_bounds_of_zmdsba, problem, o, z, x, m, steps, adjoint, slope, (h, eta, alpha))
    return Expected({"z": m, "v": -q, "x": projected(problem, x - alpha * slope(m))}, bounds)


def _bounds_of_zmdsba(
    problem: BilevelProblem, o: Mapping[str, Any], z: Array, x: Array, m: Array, steps: list[float],
    adjoint: Callable[[Array], Array], slope: Callable[[Array], Array], lengths: tuple[float, float, float],
) -> Mapping[str, Any]:  # fmt: skip
    """``lengths`` are h, eta and alpha_k; z is where the inner loop starts, m the end of its mean's path."""
    _require_known_mean(problem, z, x)
    (h, eta, alpha), q, p, d = lengths, adjoint(m), problem.p, problem.d
    L, _, third, fourth, outer_third = _local(problem, z, x)
    n = p + (d if o["moves"] == "joint" else 0)
    # E|(w'a + r u'c) w|^2 = (p + 2)|a|^2 + p r^2 |c|^2 with r = eta/h; what is beyond first order adds its square.
    remainder = third * max(h, eta) ** 2 / h * n * (n + 2.0) + L * max(h, eta) ** 2 / h * n**1.5

    def moment(at: Array, V: float) -> float:
        a = float(np.linalg.norm(problem.inner_grad_z(at, x))) + L * np.sqrt(V)  # type: ignore[misc]
        c = float(np.linalg.norm(problem.inner_grad_x(at, x))) + L * np.sqrt(V)  # type: ignore[misc]
        c = c if o["moves"] == "joint" else 0.0
        return float(2 * ((p + 2) * a**2 + p * (eta / h) ** 2 * c**2 + p * remainder**2))

    radius_bias = third * max(h, eta) ** 3 / h * n * (n + 2.0) / 6
    unit, outer_unit = noise_of_values(problem, "inner", z, x), noise_of_values(problem, "outer", z, x)
    V, b = _noise(lambda at: problem.inner_grad_z(at, x), moment, z, steps, L, third,  # type: ignore[misc]
                  radius_bias + unit / h * np.sqrt(p))  # fmt: skip
    distance = max(0.01, 3 * float(np.sqrt(V)))
    size = float(np.linalg.norm(q))
    # Of one estimate of G_zz q, G_xz q, F_z and F_x: what radii and rounding leave.
    both = (h**2 * p + eta**2 * d) / 2
    product = size * (fourth * both + 2 * unit / min(h, eta) ** 2 * (p + d))
    first = outer_third * max(h, eta) ** 3 / min(h, eta) * n * (n + 2.0) / 6 + outer_unit / min(h, eta) * np.sqrt(n)
    total = sum(o["gamma"] * decay(o["schedule"], t) for t in range(o["b_k"]))
    q_radii = float(np.exp(total * L)) * total * (product + first)
    q_first, q_second = _sensitivity(adjoint, m, distance)
    x_first, x_second = _sensitivity(slope, m, distance)
    return {
        "z": b + rounding(problem, o["t_k"], z),
        "v": q_first * b + q_second * V / 2 + q_radii + rounding(problem, o["b_k"], q),
        "x": alpha * (x_first * b + x_second * V / 2 + L * q_radii + product + first) + rounding(problem, 2, x),
    }


def _zo_penalty(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """T_b steps of z along G_z(z) and of y along F_z(y)/lam + G_z(y), then x along F_x(y) + lam (G_x(y) - G_x(z)).

    y = z + v/lam at the start of an iteration, and v = lam (y - z) at its end.
    """
    o = chosen(options, _PENALTY)
    x, lam, p, d = state["x"], o["lam"], problem.p, problem.d
    require_affine_projection(problem)
    h, eta = o["h"], o["h"] if o["eta"] is None else o["eta"]
    both = np.concatenate([state["z"], state["z"] + state["v"] / lam])

    def field(s: Array) -> Array:
        z, y = s[:p], s[p:]
        return np.concatenate([
            problem.inner_grad_z(z, x),  # type: ignore[misc]
            problem.outer_grad_z(y, x) / lam + problem.inner_grad_z(y, x),  # type: ignore[misc]
        ])  # fmt: skip

    steps = [o["beta"] * decay(o["schedule"], t) for t in range(o["T_b"])]
    m = _end(field, both, steps)

    def outer_slope(s: Array) -> Array:
        z, y = s[:p], s[p:]
        penalty = problem.inner_grad_x(y, x) - problem.inner_grad_x(z, x)  # type: ignore[misc]
        return np.asarray(problem.outer_grad_x(y, x) + lam * penalty)  # type: ignore[misc]

    alpha = o["alpha"] * decay(o["schedule"], state["k"])
    z, y = m[:p], m[p:]

    def bounds() -> Mapping[str, Any]:
        _require_known_mean(problem, state["z"], x)
        L, L_F, third, _, outer_third = _local(problem, state["z"], x)
        slope, curvature = L + L_F / lam, third + outer_third / lam

        def moment(s: Array, V: float) -> float:
            size = float(np.linalg.norm(field(s))) + slope * np.sqrt(V)
            # E|ww'a|^2 = (p + 2)|a|^2, and the second-order part of a difference, h w'Hw/2 w, adds its square.
            return float(2 * ((p + 2) * size**2 + (slope * h) ** 2 * (p + 4.0) ** 3))

        unit, outer_unit = (
            noise_of_values(problem, "inner", both[:p], x),
            noise_of_values(problem, "outer", both[p:], x),
        )
        rounded = (2 * unit + outer_unit / lam) * np.sqrt(p) / h
        V, b = _noise(field, moment, both, steps, slope, curvature, 2 * curvature * h**2 * p * (p + 2.0) / 6 + rounded)

        first, second = _sensitivity(outer_slope, m, max(0.01, 3 * float(np.sqrt(V))))
        # The same directions serve both terms of the penalty; each has the bias of a forward difference.
        radii = (outer_third + 2 * lam * third) * eta**2 * d * (d + 2.0) / 6
        radii += (outer_unit + 2 * lam * unit) * np.sqrt(d) / eta
        return {
            "z": b + rounding(problem, o["T_b"], z),
            "v": 2 * lam * (b + rounding(problem, o["T_b"], z, y)),
            "x": alpha * (first * b + second * V / 2 + radii) + rounding(problem, 2, x),
        }

    return Expected({"z": z, "v": lam * (y - z), "x": projected(problem, x - alpha * outer_slope(m))}, bounds)


def _radii(published: Mapping[str, Any], problem: BilevelProblem, options: Mapping[str, Any],
           state: State) -> Mapping[str, tuple[float, ...]]:  # fmt: skip
    """z and y move by h w, x by eta u, Gaussian."""
    o = chosen(options, published)
    return {"z": (o["h"],), "x": (o["h"] if o["eta"] is None else o["eta"],)}


_ZDSBA = {**_ZMDSBA, "s_k": 1}
ZMDSBA = Update(partial(_zmdsba, _ZMDSBA), _ZMDSBA, radii=partial(_radii, _ZMDSBA))
ZDSBA = Update(partial(_zmdsba, _ZDSBA), _ZDSBA, radii=partial(_radii, _ZDSBA))
ZO_PENALTY = Update(_zo_penalty, _PENALTY, radii=partial(_radii, _PENALTY))
