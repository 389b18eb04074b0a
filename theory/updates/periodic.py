"""SRBA (arXiv 2302.08766) and VRBO (arXiv 2106.04692): directions that all samples renew every so often.

Between two passes a direction changes by differences over a batch that both points share, the mean of which is that of
exact derivatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, projected, require_affine_projection, rounding
from .recursions import hypergradient, no_memory
from .smoothness import require_quadratic

__all__ = ["SRBA", "VRBO"]

_SRBA: dict[str, Any] = {"rho": 0.1, "ratio": 1.0, "b1": None, "b2": None, "period": None}
_VRBO: dict[str, Any] = {**_SRBA, "inner_steps": 10, "N": 10, "eta": None}
_BATCH = 64


def _fresh(problem: BilevelProblem, o: Mapping[str, Any], k: int) -> bool:
    """Whether iteration k is a multiple of Q, by default what half a pass of batches takes."""
    passes = ((problem.inner_samples or 0) + (problem.outer_samples or 0)) // (
        (o["b1"] or _BATCH) + (o["b2"] or _BATCH)
    )
    return bool(k % (o["period"] or max(1, passes)) == 0)


def _slopes(problem: BilevelProblem, z: Array, v: Array, x: Array) -> dict[str, Array]:
    return {
        "z": problem.inner_grad_z(z, x),  # type: ignore[misc]
        "v": problem.inner_hvp_zz(z, x, v) + problem.outer_grad_z(z, x),  # type: ignore[misc]
        "x": problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x),  # type: ignore[misc]
    }


def _srba_start(
    problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array
) -> dict[str, Array]:  # fmt: skip
    return {**no_memory(problem, options, z, v, x), "v_old": v, "d_v": np.zeros(problem.p)}


def _srba(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    o = chosen(options, _SRBA)
    require_affine_projection(problem)
    here = _slopes(problem, state["z"], state["v"], state["x"])
    if _fresh(problem, o, state["k"]):
        d = here
    else:
        there = _slopes(problem, state["z_old"], state["v_old"], state["x_old"])
        d = {name: state[f"d_{name}"] + here[name] - there[name] for name in here}
    steps = {"z": o["rho"], "v": o["rho"], "x": o["rho"] / o["ratio"]}
    mean = {name: state[name] - step * d[name] for name, step in steps.items()}
    mean["x"] = projected(problem, mean["x"])
    mean |= {f"d_{name}": d[name] for name in d} | {f"{name}_old": state[name] for name in d}
    return Expected(mean, dict.fromkeys(mean, rounding(problem, 3, *mean.values(), *here.values())))


def _vrbo(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """With the mean of each correction the directions move from point to point as exact ones do."""
    o = chosen(options, _VRBO)
    require_affine_projection(problem)
    eta, terms = o["rho"] if o["eta"] is None else o["eta"], o["N"] + 1
    z, v, condition = state["z"], state["v"], 1.0

    def both(z: Array, x: Array) -> tuple[Array, Array]:
        nonlocal v, condition
        v, h, condition = hypergradient(problem, z, x, eta, terms)
        return np.asarray(problem.inner_grad_z(z, x)), h  # type: ignore[misc]

    if _fresh(problem, o, state["k"]):
        last = z, state["x"]
        d_z, d_x = both(*last)
    else:
        last, d_z, d_x = (state["z_old"], state["x_old"]), state["d_z"], state["d_x"]
    x = projected(problem, state["x"] - o["rho"] / o["ratio"] * d_x)
    for _ in range(o["inner_steps"]):
        before, now = both(*last), both(z, x)
        d_z, d_x = d_z + now[0] - before[0], d_x + now[1] - before[1]
        last, z = (z, x), z - o["rho"] * d_z
    mean = {"z": z, "v": v, "x": x, "z_old": last[0], "x_old": last[1], "d_z": d_z, "d_x": d_x}

    def bounds() -> Mapping[str, Any]:
        require_quadratic(problem, state["z"], state["x"])
        steps = o["inner_steps"] * (terms + 3) + (problem.inner_samples or 0) + (problem.outer_samples or 0)
        return dict.fromkeys(mean, rounding(problem, steps, *mean.values()) * max(1.0, condition))

    return Expected(mean, bounds)


SRBA = Update(_srba, _SRBA, _srba_start)
VRBO = Update(_vrbo, _VRBO, no_memory)
