"""ZO-SOGD (arXiv 2511.01126) and VRZSBO-like: directions that are corrected from one iteration to the next.

With w = (z, v, x) and D(w) = (G_z, G_zz v + F_z, G_xz v + F_x), where both products are differences of gradients along
v, the direction d_k has in the mean over what iteration k draws

ZO-SOGD       D(w_k) + (1 - weight) (d_{k-1} - D(w_{k-1})), and D(w_0) at k = 0
VRZSBO-like   q D(w_k) + (1 - q) (d_{k-1} + D(w_k) - D(w_{k-1})), and D(w_k) at k = 0 or without samples

Both points see the same draws, and a uniform sample has the mean of all as its expectation. z, v and x move at once.
Unit directions with the factor n are off by n M_3 t^2/6 in the mean at the radius t, coordinates by M_3 t^2/6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, projected, require_affine_projection, rounding
from .smoothness import hessian_of, noise_of_values, variation

__all__ = ["VRZSBO_LIKE", "ZO_SOGD"]

#: Published settings of the attack; the numbers of pairs and the ball are this project's.
_ZO_SOGD: dict[str, Any] = {
    "alpha": 1e-3, "beta": 0.1, "delta": 0.1, "gamma": 0.99, "lam": 0.99, "eta": 0.99, "rho_r": 5e-3, "rho_s": 5e-3,
    "rho_v": 1e-2, "l1": 5, "l2": 5, "schedule": "constant", "v_radius": None,
}  # fmt: skip
#: q and the batches of a public SPABA; all else is this project's.
_VRZSBO: dict[str, Any] = {
    "rho": 0.1, "rho_v": 0.1, "gamma": 0.01, "q": 0.1, "b1": None, "b2": None, "nu": 1e-4, "h": 1e-2, "v_radius": None,
}  # fmt: skip


class _Lengths(NamedTuple):
    """Radii of z and x, the step along v, and what a law makes of M_3 t^2/6 in z and in x."""

    z: float
    x: float
    along: float
    spread_z: float
    spread_x: float


def _exact(problem: BilevelProblem, z: Array, v: Array, x: Array, along: float) -> dict[str, Array]:
    """D(w), block by block."""
    ahead, behind = z + along * v, z - along * v
    H = (problem.inner_grad_z(ahead, x) - problem.inner_grad_z(behind, x)) / (2 * along)  # type: ignore[misc]
    C = (problem.inner_grad_x(ahead, x) - problem.inner_grad_x(behind, x)) / (2 * along)  # type: ignore[misc]
    return {
        "z": problem.inner_grad_z(z, x),  # type: ignore[misc]
        "v": H + problem.outer_grad_z(z, x),  # type: ignore[misc]
        "x": C + problem.outer_grad_x(z, x),  # type: ignore[misc]
    }


def _off(problem: BilevelProblem, z: Array, v: Array, x: Array, by: _Lengths) -> dict[str, float]:
    """Bounds on the distance of the mean difference from D(w)."""
    size = float(np.linalg.norm(v))
    reach = by.z + by.x + by.along * size
    third, fourth = variation(hessian_of(problem, "inner"), z, x, reach)
    outer_third, _ = variation(hessian_of(problem, "outer"), z, x, reach)
    unit, outer_unit = noise_of_values(problem, "inner", z, x), noise_of_values(problem, "outer", z, x)
    at_z, at_x = by.spread_z * by.z**2 / 6, by.spread_x * by.x**2 / 6
    lost_z, lost_x = np.sqrt(by.spread_z) / by.z, np.sqrt(by.spread_x) / by.x
    return {
        "z": third * at_z + unit * lost_z,
        "v": (fourth * size + outer_third) * at_z + (2 * unit / by.along + outer_unit) * lost_z,
        "x": (fourth * size + outer_third) * at_x + (2 * unit / by.along + outer_unit) * lost_x,
    }


def _moved(
    problem: BilevelProblem, o: Mapping[str, Any], state: State, lengths: Callable[[Array], _Lengths],
    keep: Mapping[str, float], steps: Mapping[str, float],
) -> Expected:  # fmt: skip
    """The step along d = D(w) + keep (d_{k-1} - D(w_{k-1})); ``keep`` is 0 where nothing is remembered."""
    if o["v_radius"] is not None:
        raise ValueError("the mean of a step with noise is known without a ball for v: leave v_radius None")
    require_affine_projection(problem)
    now, last = ([state[f"{prefix}{name}"] for name in ("z", "v", "x")] for prefix in ("", "last_"))
    here, there = (_exact(problem, a, b, c, lengths(b).along) for a, b, c in (now, last))
    d = {name: here[name] + keep[name] * (state[f"d_{name}"] - there[name]) for name in here}
    z, v, x = now
    mean = {
        "z": z - steps["z"] * d["z"], "v": v - steps["v"] * d["v"], "x": projected(problem, x - steps["x"] * d["x"]),
        **{f"d_{name}": value for name, value in d.items()}, "last_z": z, "last_v": v, "last_x": x,
    }  # fmt: skip

    def bounds() -> Mapping[str, Any]:
        off, old = (_off(problem, a, b, c, lengths(b)) for a, b, c in (now, last))
        total = {name: off[name] + keep[name] * old[name] for name in off}
        found = {f"d_{name}": total[name] + rounding(problem, 4, d[name]) for name in total}
        return found | {
            name: steps[name] * total[name] + rounding(problem, 4, state[name], d[name]) for name in total
        }  # fmt: skip

    return Expected(mean, bounds)


def _zo_sogd(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    o = chosen(options, _ZO_SOGD)
    lengths = _Lengths(o["rho_r"], o["rho_s"], o["rho_v"], float(problem.p), float(problem.d))
    scale = 1.0 if o["schedule"] == "constant" else float((state["k"] + 1) ** (-1 / 3))
    first = state["k"] == 0
    keep = {name: 0.0 if first else 1 - o[w] for name, w in (("z", "gamma"), ("v", "lam"), ("x", "eta"))}
    steps = {"z": scale * o["beta"], "v": scale * o["delta"], "x": scale * o["alpha"]}
    return _moved(problem, o, state, lambda v: lengths, keep, steps)


def _vrzsbo(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    o = chosen(options, _VRZSBO)

    def lengths(v: Array) -> _Lengths:
        return _Lengths(o["nu"], o["nu"], o["h"] / max(1.0, float(np.linalg.norm(v))), 1.0, 1.0)

    keep = 0.0 if state["k"] == 0 or not problem.stochastic else 1 - o["q"]
    steps = {"z": o["rho"], "v": o["rho_v"], "x": o["gamma"]}
    return _moved(problem, o, state, lengths, dict.fromkeys("zvx", keep), steps)


def _initial(problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array) -> dict[str, Array]:
    """No direction yet; the earlier point is the start."""
    zeros = {"d_z": np.zeros_like(z), "d_v": np.zeros_like(v), "d_x": np.zeros_like(x)}
    return {"z": z, "v": v, "x": x, **zeros, "last_z": z, "last_v": v, "last_x": x}


def _radii_of_pairs(
    problem: BilevelProblem, options: Mapping[str, Any], state: State
) -> Mapping[str, tuple[float, ...]]:
    """Unit directions: z +- rho_r r and x +- rho_s s, once and twice as far apart, and z +- rho_v v."""
    o, p, d = chosen(options, _ZO_SOGD), problem.p, problem.d
    r, s = o["rho_r"] / np.sqrt(p), o["rho_s"] / np.sqrt(d)
    return {"z": (r, 2 * r, 2 * o["rho_v"] * float(np.linalg.norm(state["v"])) / np.sqrt(p)), "x": (s, 2 * s)}


ZO_SOGD = Update(_zo_sogd, _ZO_SOGD, _initial, radii=_radii_of_pairs)
VRZSBO_LIKE = Update(_vrzsbo, _VRZSBO, _initial)
