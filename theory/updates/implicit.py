"""The implicit hypergradient with Newton steps of z and BFGS in x, from exact derivatives.

One iteration, H the inner and B the outer model, BFGS(M; s, y) = M - M s s'M / s'M s + y y' / s'y:

    z+ = z - H^-1 G_z(z, x)          u = -H^-1 F_z(z+, x)       H+ = BFGS(H; u, G_zz(z+, x) u)
    v+ = -(H+)^-1 F_z(z+, x)         D+ = F_x(z+, x) + G_xz(z+, x) v+
    B+ = BFGS(B; s, D+ - D) with the last step s, at k = 1 from (y'y / s'y) I, at k = 0 |D+| / radius I
    x+ = x - (B+)^-1 D+, no further than radius.

Forward differences are off by h/2 times a second derivative, mixed ones by h2 times a third, and by rounding over h and
h2^2. How that spreads through the solves and updates is sampled: derivatives are moved by such errors, and three
times the largest change of every block is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, projected, rounding
from .smoothness import hessian_of, noise_of_values, variation

__all__ = ["IMPLICIT"]

_IMPLICIT: dict[str, Any] = {"h": 1e-6, "h2": 1e-4, "radius": 0.3, "curvature": "secant"}
_DRAWS = 24


class _Derivatives:
    """Exact derivatives, or these with errors of the size that differences leave."""

    def __init__(self, problem: BilevelProblem, o: Mapping[str, Any], z: Array, x: Array, seed: int | None) -> None:
        self.problem, self.rng = problem, None if seed is None else np.random.default_rng(seed)
        self.first: dict[str, float] = {}
        self.second: dict[str, float] = {}
        if seed is None:
            return
        for level in ("inner", "outer"):
            hessian = hessian_of(problem, level)
            noise = noise_of_values(problem, level, z, x)
            third, _ = variation(hessian, z, x, 10 * o["h2"])
            largest = max(float(np.abs(block).max()) for block in hessian(z, x))
            self.first[level] = o["h"] * largest / 2 + 2 * noise / o["h"]
            self.second[level] = o["h2"] * third + 4 * noise / o["h2"] ** 2

    def _off(self, value: Array, size: float) -> Array:
        if self.rng is None:
            return value
        return value + size * self.rng.choice([-1.0, 1.0], size=np.shape(value))

    def slope(self, level: str, letter: str, z: Array, x: Array) -> Array:
        value = getattr(self.problem, f"{level}_grad_{letter}")(z, x)
        return self._off(value, self.first.get(level, 0.0))

    def product(self, name: str, z: Array, x: Array, v: Array) -> Array:
        value = getattr(self.problem, name)(z, x, v)
        return self._off(value, self.second.get("inner", 0.0) * float(np.linalg.norm(v)))

    def inner_hessian(self, z: Array, x: Array) -> Array:
        H = hessian_of(self.problem, "inner")(z, x)[0]
        moved = self._off(H, self.second.get("inner", 0.0))
        return np.asarray((moved + moved.T) / 2)


def _bfgs(M: Array, s: Array, y: Array) -> Array:
    if not (s @ y > 1e-8 * np.linalg.norm(s) * np.linalg.norm(y) and s @ M @ s > 0):
        return M
    updated: Array = M - np.outer(M @ s, M @ s) / (s @ M @ s) + np.outer(y, y) / (s @ y)
    return updated


def _next(problem: BilevelProblem, o: Mapping[str, Any], state: State, at: _Derivatives) -> dict[str, Array]:
    z, x, H, B = state["z"], state["x"], state["inner_hessian"], state["outer_hessian"]
    if o["curvature"] == "measured":
        H = at.inner_hessian(z, x)
    z = z - np.linalg.solve(H, at.slope("inner", "z", z, x))
    f_z = at.slope("outer", "z", z, x)
    u: Array = -np.asarray(np.linalg.solve(H, f_z), dtype=np.float64)
    H = _bfgs(H, u, at.product("inner_hvp_zz", z, x, u))
    v: Array = -np.asarray(np.linalg.solve(H, f_z), dtype=np.float64)
    D: Array = at.slope("outer", "x", z, x) + at.product("inner_jvp_xz", z, x, v)
    if state["k"] == 0:
        B = np.linalg.norm(D) / o["radius"] * np.eye(len(x))
    else:
        s, y = state["moved"], D - state["hypergradient"]
        if state["k"] == 1 and s @ y > 0:
            B = (y @ y) / (s @ y) * np.eye(len(x))
        B = _bfgs(B, s, y)
    step = -np.linalg.solve(B, D)
    length = float(np.linalg.norm(step))
    x_next = projected(problem, x + step * min(1.0, o["radius"] / length if length > 0 else 1.0))
    return {
        "z": z, "v": v, "x": x_next, "inner_hessian": H, "outer_hessian": B, "hypergradient": D, "moved": x_next - x,
    }  # fmt: skip


def _spread(mean: Mapping[str, Array], others: list[dict[str, Array]]) -> dict[str, float]:
    return {name: 3 * max(float(np.abs(other[name] - value).max()) for other in others) for name, value in mean.items()}


def _implicit(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    o = chosen(options, _IMPLICIT)
    z, x = state["z"], state["x"]
    mean = _next(problem, o, state, _Derivatives(problem, o, z, x, None))

    def bounds() -> Mapping[str, Any]:
        unit = rounding(problem, 4, *mean.values())
        others = [_next(problem, o, state, _Derivatives(problem, o, z, x, seed)) for seed in range(_DRAWS)]
        return {name: size + unit for name, size in _spread(mean, others).items()}

    return Expected(mean, bounds)


def _initial(problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array) -> dict[str, Array]:
    return {
        "z": z, "v": v, "x": x, "inner_hessian": hessian_of(problem, "inner")(z, x)[0],
        "outer_hessian": np.zeros((len(x), len(x))), "hypergradient": np.zeros(len(x)), "moved": np.zeros(len(x)),
    }  # fmt: skip


def _initial_bias(
    problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array
) -> dict[str, float]:
    """G_zz comes from differences: off by h2 times a third derivative, and by four roundings over h2^2."""
    h2 = chosen(options, _IMPLICIT)["h2"]
    third, _ = variation(hessian_of(problem, "inner"), z, x, 10 * h2)
    return {"inner_hessian": h2 * third + 4 * noise_of_values(problem, "inner", z, x) / h2**2}


IMPLICIT = Update(_implicit, _IMPLICIT, _initial, _initial_bias)
