"""GFM, S-SZD, O-ZD, MeZO-BCD and LOZO on Psi_T(x) = F(z_T(x), x), z_T(x) the end of T inner steps from z_k.

Every direction w is as likely as -w, so that in the mean a forward difference along it is a central one, within
M eta^2 |w|^3/6 of w'grad Psi_T(x), M the second derivative of the gradient. With factors c and E c ww' = S the mean of
a step is -gamma_k S grad Psi_T(x):

==========  =========================================  ===================  =====================
method      directions                                 S                    bound on c |w|^4
==========  =========================================  ===================  =====================
GFM         uniform on the unit sphere, c = d          I                    d
S-SZD       l columns of P, P'P = (d/l) I, c = 1       I                    d^2/l
O-ZD        l orthonormal ones, c = d/l                I                    d
MeZO-BCD    normal on one of N_b blocks, c = 1         I/N_b                B (B + 2)
LOZO        vec(U V'), U normal, c = 1/r               I (x) VV'/r given V  |V|^4 m r (m r + 2)/r
==========  =========================================  ===================  =====================

Where LOZO draws a new V, E VV' = r I. With its memory N_k = beta N_{k-1} V_old'V_new/n + (1 - beta) c U the mean of
N_k V_new'/r is beta N_{k-1} V_old'/n + (1 - beta) grad.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, projected, require_affine_projection, rounding
from .responses import bend, inner_run
from .smoothness import hessian_of, noise_of_values, variation

__all__ = ["GFM", "LOZO", "MEZO_BCD", "O_ZD", "S_SZD"]

#: This project's, but for the number of directions of each method.
_COMMON: dict[str, Any] = {
    "gamma": 0.01, "eta": 1e-2, "power": 0.0, "eta_power": 0.0, "inner_steps": 10, "alpha": 0.1, "training": "values",
    "h": 1e-3,
}  # fmt: skip
_GFM: dict[str, Any] = {**_COMMON, "q": 1, "batch": None}
_S_SZD: dict[str, Any] = {**_COMMON, "power": 0.6, "eta_power": 0.5, "l": 1, "directions": "orthogonal"}
_O_ZD: dict[str, Any] = {**_COMMON, "l": 1}
_MEZO_BCD: dict[str, Any] = {**_COMMON, "block_size": None}
_LOZO: dict[str, Any] = {**_COMMON, "columns": 1, "rank": 1, "refresh": 50, "beta": 0.0}


class _Step:
    """Psi_T at a state: the end of the inner run, the gradient, step, radius and bounds of bias."""

    def __init__(self, problem: BilevelProblem, o: Mapping[str, Any], state: State) -> None:
        require_affine_projection(problem)
        self.problem, self.o, self.z0, self.x = problem, o, state["z"], state["x"]
        self.gamma = o["gamma"] * float((state["k"] + 1) ** -o["power"])
        self.eta = o["eta"] * float((state["k"] + 1) ** -o["eta_power"])
        self.v = state["v"]
        self.end = self._end(self.x)
        self.gradient = self._gradient(self.x)

    def _end(self, at: Array) -> Array:
        return inner_run(self.problem, self.z0, at, self.o["inner_steps"], self.o["alpha"])[0]

    def _gradient(self, at: Array) -> Array:
        end, J = inner_run(self.problem, self.z0, at, self.o["inner_steps"], self.o["alpha"])
        return np.asarray(
            self.problem.outer_grad_x(end, at) + J @ self.problem.outer_grad_z(end, at)  # type: ignore[misc]
        )

    def expected(
        self, slope: Array, square: float, fourth: float, more: Mapping[str, Array] | None = None, sure: bool = False
    ) -> Expected:
        """``slope`` is the mean of g; ``square`` and ``fourth`` bound |w|^2 and c |w|^4 over the directions.

        Where |w|^2 is ``sure`` to be at most ``square``, so is z to be within its bias: it is the mean of the ends at
        x + eta w and x - eta w, or the end at x.
        """
        x = projected(self.problem, self.x - self.gamma * slope)

        def bounds() -> Mapping[str, Any]:
            z, g = self.biases(square, fourth)
            unit = rounding(self.problem, 4, self.x, slope)
            return {"z": z, "x": self.gamma * g + unit}

        still = frozenset({"z"}) if sure and not self.o.get("batch") else frozenset()
        return Expected({"z": self.end, "v": self.v, "x": x, **(more or {})}, bounds, still)

    def biases(self, square: float, fourth: float) -> tuple[float, float]:
        """Of the mean of the ends and of g."""
        problem, o, end = self.problem, self.o, self.end
        z_bias = unit = rounding(problem, o["inner_steps"], self.z0, end)
        if o["training"] == "values":
            # Central differences along the axes: M_3 h^2/6 in each, and rounding; the run contracts.
            third, _ = variation(hessian_of(problem, "inner"), end, self.x, max(1e-2, o["h"]))
            each = third * o["h"] ** 2 / 6 + noise_of_values(problem, "inner", end, self.x) / o["h"]
            z_bias += o["alpha"] * o["inner_steps"] * each * np.sqrt(problem.p)
        reach = 3 * self.eta * np.sqrt(square)
        slope = float(np.linalg.norm(problem.outer_grad_z(end, self.x)))  # type: ignore[misc]
        noise = noise_of_values(problem, "outer", end, self.x) + (1 + slope) * unit
        # A bias of the ends that is smooth in x moves a gradient as much as the end, up to 1 + the size of its slope.
        g = bend(self._gradient, self.x, reach) * self.eta**2 * fourth / 6 + noise * np.sqrt(fourth) / self.eta
        g += (1 + slope) * (z_bias - unit) * np.sqrt(fourth) / self.eta
        return float(z_bias + bend(self._end, self.x, reach) * self.eta**2 * square / 2), float(g)


def _gfm(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    at = _Step(problem, chosen(options, _GFM), state)
    return at.expected(at.gradient, 1.0, float(problem.d), sure=True)


def _s_szd(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """z is the end of the run at x itself."""
    o, d = chosen(options, _S_SZD), problem.d
    at = _Step(problem, o, state)
    return at.expected(at.gradient, d / o["l"], d**2 / o["l"], sure=True)


def _o_zd(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    at = _Step(problem, chosen(options, _O_ZD), state)
    return at.expected(at.gradient, 1.0, float(problem.d), sure=True)


def _mezo_bcd(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    o = chosen(options, _MEZO_BCD)
    at = _Step(problem, o, state)
    size = min(o["block_size"] or int(np.ceil(np.sqrt(problem.d))), problem.d)
    blocks = -(-problem.d // size)
    return at.expected(at.gradient / blocks, float(size), size * (size + 2.0))


def _lozo(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    o, d = chosen(options, _LOZO), problem.d
    at = _Step(problem, o, state)
    n, r, beta = o["columns"], o["rank"], o["beta"]
    m = d // n
    G, V, N = at.gradient.reshape(m, n), state["basis"], state["momentum"]
    if n > 1 and state["k"] % o["refresh"] == 0:
        slope = beta * N @ V.T / n + (1 - beta) * G
        more = {"basis": np.zeros_like(V), "momentum": np.zeros_like(N)}
        size = n * r * (n * r + 2.0)  # E|V|^4
    else:
        momentum = beta * N + (1 - beta) * G @ V
        slope, more = momentum @ V.T / r, {"basis": V, "momentum": momentum}
        size = float(np.sum(V**2)) ** 2
    fourth = size * m * r * (m * r + 2.0)
    found = at.expected(slope.ravel(), float(np.sqrt(fourth)), fourth / r, more)

    def bounds() -> Mapping[str, Any]:
        g = at.biases(float(np.sqrt(fourth)), fourth / r)[1]
        of_momentum = (1 - beta) * r * g + rounding(problem, 4, N, G)
        return {**found.bias, "momentum": of_momentum, "basis": rounding(problem, 1, V)}

    return Expected(found.mean, bounds)


def _lozo_initial(
    problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array
) -> dict[str, Array]:
    o = chosen(options, _LOZO)
    n, r = o["columns"], o["rank"]
    basis = np.ones((1, 1)) if n == 1 else np.zeros((n, r))
    return {"z": z, "v": v, "x": x, "basis": basis, "momentum": np.zeros((problem.d // n, r))}


def _radii(published: Mapping[str, Any], problem: BilevelProblem, options: Mapping[str, Any],
           state: State) -> Mapping[str, tuple[float, ...]]:  # fmt: skip
    """Of a coordinate of x, in the mean square, between a point and the centre, or both points of a pair.

    With a constant radius: a state is known here without its number.
    """
    o, d = chosen(options, published), problem.d
    eta = o["eta"]
    if published is _S_SZD:
        return {"x": (eta / np.sqrt(o["l"]),)}
    if published is _MEZO_BCD:
        size = min(o["block_size"] or int(np.ceil(np.sqrt(d))), d)
        return {"x": (2 * eta / np.sqrt(-(-d // size)),)}
    return {"x": (2 * eta * (1.0 if published is _LOZO else 1 / np.sqrt(d)),)}


GFM = Update(_gfm, _GFM, radii=partial(_radii, _GFM))
S_SZD = Update(_s_szd, _S_SZD, radii=partial(_radii, _S_SZD))
O_ZD = Update(_o_zd, _O_ZD, radii=partial(_radii, _O_ZD))
MEZO_BCD = Update(_mezo_bcd, _MEZO_BCD, radii=partial(_radii, _MEZO_BCD))
LOZO = Update(_lozo, _LOZO, _lozo_initial, radii=partial(_radii, _LOZO))
