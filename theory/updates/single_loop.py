"""ZOBA and its variants: z, v and x move at once along D_z, D_v and D_x at (z_k, v_k, x_k).

arXiv 2601.21836 and its authors' code: D_z = G_z, D_v = G_zz v + F_z, D_x = G_xz v + F_x in the mean;
z - rho_k D_z, v - rho_k D_v, x - gamma_k D_x with rho_k = rho/sqrt(k + 1) and gamma_k = gamma/sqrt(k + 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, decay, is_affine, projected, rounding
from .smoothness import fourth_power, hessian_of, noise_of_values, variation

__all__ = ["HF_ZOBA", "HF_ZOBA_SHARED", "ZOBA", "ZOBA_MIXED", "ZOBA_TUNED"]

#: Published: h = 1e-3, 100 directions of G and 1 of F, rho = 0.01, gamma = rho/2.
_PUBLISHED: dict[str, Any] = {
    "h": 1e-3, "eta": None, "radius_rule": "equal", "curvature_ratio": 1.0, "l1": 100, "l2": 1, "b1": None, "b2": None,
    "rho": 0.01, "gamma": None, "schedule": "inverse-sqrt", "v_radius": None, "outer_directions": "shared",
    "law": "gaussian", "block_size": None, "rank": None, "refresh": None,
}  # fmt: skip
_TUNED: dict[str, Any] = {**_PUBLISHED, "radius_rule": "tuned"}
_HESSIAN_FREE: dict[str, Any] = {**_PUBLISHED, "h_bar": 1e-3, "normalize_h_bar": False}
#: l2 is l1, whatever that is.
_SHARED: dict[str, Any] = {**_HESSIAN_FREE, "l2": None, "normalize_h_bar": True}


class _Directions(NamedTuple):
    """Means of the two products with second derivatives, and bounds on their bias."""

    hessian_v: Array
    cross_v: Array
    hessian_bias: float
    cross_bias: float


class _Bounds(NamedTuple):
    """Radii of z and x, M_3 and M_4 of G, E|w|^4 and E|u|^4, rounding of a value of G."""

    h: float
    eta: float
    third: float
    fourth: float
    w4: float
    u4: float
    unit: float


#: For means alone, which do not depend on them.
_NOT_ASKED = _Bounds(1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
_Products = Callable[[BilevelProblem, Mapping[str, Any], Array, Array, Array, _Bounds], _Directions]


def _step(published: Mapping[str, Any], products: _Products, problem: BilevelProblem, options: Mapping[str, Any],
          state: State) -> Expected:  # fmt: skip
    o = chosen(options, published)
    if o["law"] == "low-rank" and o["refresh"] != 1:
        raise ValueError("the mean over low-rank directions is known where their basis is new: refresh=1")
    z, v, x, p, d = state["z"], state["v"], state["x"], problem.p, problem.d
    h, eta = o["h"], _outer_radius(o, p, d)
    second = products(problem, o, z, v, x, _NOT_ASKED)
    d_z = problem.inner_grad_z(z, x)  # type: ignore[misc]
    d_v = second.hessian_v + problem.outer_grad_z(z, x)  # type: ignore[misc]
    d_x = second.cross_v + problem.outer_grad_x(z, x)  # type: ignore[misc]
    scale = decay(o["schedule"], state["k"])
    rho, gamma = o["rho"] * scale, (o["rho"] / 2 if o["gamma"] is None else o["gamma"]) * scale
    v_next, x_next = v - rho * d_v, projected(problem, x - gamma * d_x)
    v_mean, x_mean = v_next, x_next
    active = o["v_radius"] is not None
    if active or not is_affine(problem):
        _require_no_noise(o, p, d)
    if active:
        v_mean = v_next * min(1.0, o["v_radius"] / float(np.linalg.norm(v_next)))

    def bounds() -> Mapping[str, Any]:
        reach = 6 * max(h * np.sqrt(p), eta * np.sqrt(d), o.get("h_bar", 0.0) * float(np.linalg.norm(v)))
        third, fourth = variation(hessian_of(problem, "inner"), z, x, reach)
        outer_third, _ = variation(problem.outer_hessian, z, x, reach)  # type: ignore[arg-type]
        w4, u4 = (fourth_power(o["law"], n, o["block_size"]) for n in (p, d))
        unit, outer_unit = noise_of_values(problem, "inner", z, x), noise_of_values(problem, "outer", z, x)
        bound = products(problem, o, z, v, x, _Bounds(h, eta, third, fourth, w4, u4, unit))
        z_bias = third * h**2 * w4 / 6 + unit / h * np.sqrt(p)
        v_bias = bound.hessian_bias + outer_third * h**2 * w4 / 6 + outer_unit / h * np.sqrt(p)
        x_bias = bound.cross_bias + outer_third * eta**2 * u4 / 6 + outer_unit / eta * np.sqrt(d)
        return {
            "z": rho * z_bias + rounding(problem, 1, z),
            "v": rho * v_bias + rounding(problem, 1, v),
            "x": gamma * x_bias + rounding(problem, 1, x),
        }

    return Expected({"z": z - rho * d_z, "v": v_mean, "x": x_mean}, bounds)


def _outer_radius(o: Mapping[str, Any], p: int, d: int) -> float:
    """eta; where it is tuned, h/eta squared is curvature_ratio (d + 2)/(p + 2)."""
    if o["eta"] is not None:
        return float(o["eta"])
    ratio = 1.0 if o["radius_rule"] == "equal" else np.sqrt(o["curvature_ratio"] * (d + 2) / (p + 2))
    return float(o["h"] / ratio)


def _radii(published: Mapping[str, Any], problem: BilevelProblem, options: Mapping[str, Any],
           state: State) -> Mapping[str, tuple[float, ...]]:  # fmt: skip
    """z moves by h w, and in HF-ZOBA by h_bar v too; x by eta u; every law has the covariance I."""
    o = chosen(options, published)
    moved: tuple[float, ...] = (o["h"],)
    if "h_bar" in o:
        moved = (*moved, _step_along(o, state["v"]) * float(np.linalg.norm(state["v"])) / np.sqrt(problem.p))
    return {"z": moved, "x": (_outer_radius(o, problem.p, problem.d),)}


def _require_no_noise(o: Mapping[str, Any], p: int, d: int) -> None:
    """A projection's mean is the projection of the mean where there is no noise: full blocks of orthogonal directions.

    Then a mean of ww' is I, path by path; the projection, which is non-expansive, does not enlarge the bias.
    """
    if o["law"] != "orthogonal" or o["l1"] % p or o["l1"] % d or o["l2"] % p or o["l2"] % d or "h_bar" not in o:
        raise ValueError(
            "the mean of a projected step is known for hf-zoba and hf-zoba-shared with law='orthogonal' and l1, l2 "
            "multiples of p and d, which have no noise"
        )


def _second_differences(problem: BilevelProblem, o: Mapping[str, Any], z: Array, v: Array, x: Array,
                        b: _Bounds) -> _Directions:  # fmt: skip
    """ZOBA: by Stein's identity the means are those of the Hessian at (z + h w, x + eta u)."""
    p, d, size = problem.p, problem.d, float(np.linalg.norm(v))
    return _Directions(
        problem.inner_hvp_zz(z, x, v),  # type: ignore[misc]
        problem.inner_jvp_xz(z, x, v),  # type: ignore[misc]
        size * (b.fourth * b.h**2 * p / 2 + 2 * b.unit / b.h**2 * (p + 1)),
        size * (b.fourth * (b.h**2 * p + b.eta**2 * d) / 2 + 2 * b.unit / (b.h * b.eta) * np.sqrt(d)),
    )


def _mixed_differences(problem: BilevelProblem, o: Mapping[str, Any], z: Array, v: Array, x: Array,
                       b: _Bounds) -> _Directions:  # fmt: skip
    """Mixed differences along independent directions: Stein's identity twice, or the remainder of fourth order."""
    p, d, size = problem.p, problem.d, float(np.linalg.norm(v))
    if o["law"] == "gaussian":
        hessian, cross = b.h**2 * 2 * p / 2, (b.h**2 * p + b.eta**2 * d) / 2
    else:
        # |k - w'Hw2| <= M_4 ((a + b)^4 + a^4 + b^4) h^2 / 24 with a = |w|, b = |w2|, times |w||w2||v|; 9 (a^4 + b^4)
        # bounds the bracket, and E a^5 E b <= (E a^4)^(5/4 + 1/4) for laws whose length does not vary, twice else.
        fixed = 1.0 if o["law"] in ("sphere", "coordinate", "orthogonal") else 6.0
        hessian = fixed * 9 * 2 * b.h**2 * b.w4**1.5 / 24
        cross = fixed * 9 * 2 * max(b.h, b.eta) ** 4 / (b.h * b.eta) * max(b.w4, b.u4) ** 1.5 / 24
    return _Directions(
        problem.inner_hvp_zz(z, x, v),  # type: ignore[misc]
        problem.inner_jvp_xz(z, x, v),  # type: ignore[misc]
        size * (b.fourth * hessian + 4 * b.unit / b.h**2 * np.sqrt(p)),
        size * (b.fourth * cross + 4 * b.unit / (b.h * b.eta) * np.sqrt(d)),
    )


def _displaced_gradients(problem: BilevelProblem, o: Mapping[str, Any], z: Array, v: Array, x: Array,
                         b: _Bounds) -> _Directions:  # fmt: skip
    """HF-ZOBA: the difference over h_bar of both gradients at z + h_bar v and z."""
    p, d, size, step = problem.p, problem.d, float(np.linalg.norm(v)), _step_along(o, v)
    there = z + step * v
    return _Directions(
        (problem.inner_grad_z(there, x) - problem.inner_grad_z(z, x)) / step,  # type: ignore[misc]
        (problem.inner_grad_x(there, x) - problem.inner_grad_x(z, x)) / step,  # type: ignore[misc]
        size * b.fourth * b.h**2 * b.w4 / 6 + 4 * b.unit / (b.h * step) * np.sqrt(p),
        size * b.fourth * b.eta**2 * b.u4 / 6 + 4 * b.unit / (b.eta * step) * np.sqrt(d),
    )


def _step_along(o: Mapping[str, Any], v: Array) -> float:
    """h_bar, over max(1, |v|) where it is normalised."""
    return float(o["h_bar"] / max(1.0, float(np.linalg.norm(v))) if o["normalize_h_bar"] else o["h_bar"])


def _shared_step(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """HF-ZOBA with l2 = l1 and h_bar over max(1, |v|)."""
    published = {**_SHARED, "l2": options.get("l1", _SHARED["l1"])}
    return _step(published, _displaced_gradients, problem, options, state)


def _update(published: Mapping[str, Any], products: _Products) -> Update:
    return Update(partial(_step, published, products), published, radii=partial(_radii, published))


ZOBA = _update(_PUBLISHED, _second_differences)
ZOBA_TUNED = _update(_TUNED, _second_differences)
ZOBA_MIXED = _update(_PUBLISHED, _mixed_differences)
HF_ZOBA = _update(_HESSIAN_FREE, _displaced_gradients)
HF_ZOBA_SHARED = Update(_shared_step, _SHARED, radii=partial(_radii, _SHARED))
