"""SOBA and SABA: the single loop with derivatives of sampled terms, without and with a memory.

arXiv 2201.13409. A sample that is drawn uniformly has the mean as its expectation, so that the steps of SOBA are those
with exact derivatives. SABA adds new_i - memory_i averaged over the batch to the mean of its memory: where the memory
is that of the present point, as at the start, no draw makes a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, decay, projected, require_affine_projection, rounding

__all__ = ["SABA", "SOBA"]

#: Published: rho = 0.1, ratio 1, batches of 64; SOBA's steps decrease, SABA's are constant.
_SOBA: dict[str, Any] = {"rho": 0.1, "ratio": 1.0, "b1": None, "b2": None, "schedule": "inverse-sqrt"}
_SABA: dict[str, Any] = {"rho": 0.1, "ratio": 1.0, "b1": None, "b2": None}
_BATCH = 64


def _soba(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    o = chosen(options, _SOBA)
    if problem.stochastic:
        require_affine_projection(problem)
    z, v, x = state["z"], state["v"], state["x"]
    rho = o["rho"] * decay(o["schedule"], state["k"])
    d_v = problem.inner_hvp_zz(z, x, v) + problem.outer_grad_z(z, x)  # type: ignore[misc]
    d_x = problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x)  # type: ignore[misc]
    mean = {
        "z": z - rho * problem.inner_grad_z(z, x),  # type: ignore[misc]
        "v": v - rho * d_v,
        "x": projected(problem, x - rho / o["ratio"] * d_x),
    }
    return Expected(mean, dict.fromkeys(mean, rounding(problem, 1, z, v, x)))


def _terms(problem: BilevelProblem, z: Array, v: Array, x: Array) -> dict[str, Array]:
    """The five derivatives of every sample, (n, p) or (n, d)."""
    assert problem.inner_samples is not None
    assert problem.outer_samples is not None
    xi, zeta = np.arange(problem.inner_samples), np.arange(problem.outer_samples)
    return {
        "inner_grad_z": problem.inner_grad_z(z[None], x[None], xi),  # type: ignore[misc]
        "inner_hvp_zz": problem.inner_hvp_zz(z[None], x[None], v[None], xi),  # type: ignore[misc]
        "inner_jvp_xz": problem.inner_jvp_xz(z[None], x[None], v[None], xi),  # type: ignore[misc]
        "outer_grad_z": problem.outer_grad_z(z[None], x[None], zeta),  # type: ignore[misc]
        "outer_grad_x": problem.outer_grad_x(z[None], x[None], zeta),  # type: ignore[misc]
    }


def _saba_initial(
    problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array
) -> dict[str, Array]:
    start = {"z": z, "v": v, "x": x}
    for name, values in _terms(problem, z, v, x).items():
        start[f"memories.tables.{name}.values"] = values
        start[f"memories.tables.{name}.mean"] = values.mean(axis=0)
    return start


def _saba(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    o = chosen(options, _SABA)
    require_affine_projection(problem)
    z, v, x = state["z"], state["v"], state["x"]
    direction: dict[str, Array] = {}
    mean: dict[str, Array] = {}
    fresh = True
    for name, new in _terms(problem, z, v, x).items():
        old, average = (state[f"memories.tables.{name}.{part}"] for part in ("values", "mean"))
        direction[name] = (new - old).mean(axis=0) + average
        fresh &= np.allclose(new, old, rtol=1e-12, atol=1e-12 * float(np.max(np.abs(new))))
        # A sample is in a batch of b draws with the probability 1 - (1 - 1/n)^b, and enters the memory once.
        batch = (o["b1"] if name.startswith("inner") else o["b2"]) or _BATCH
        seen = 1 - (1 - 1 / len(new)) ** batch
        mean[f"memories.tables.{name}.values"] = old + seen * (new - old)
        mean[f"memories.tables.{name}.mean"] = average + seen * (new - old).mean(axis=0)
    rho, gamma = o["rho"], o["rho"] / o["ratio"]
    mean["z"] = z - rho * direction["inner_grad_z"]
    mean["v"] = v - rho * (direction["inner_hvp_zz"] + direction["outer_grad_z"])
    mean["x"] = projected(problem, x - gamma * (direction["inner_jvp_xz"] + direction["outer_grad_x"]))
    allowed = dict.fromkeys(mean, rounding(problem, 1, *mean.values()))
    return Expected(mean, allowed, frozenset({"z", "v", "x"} if fresh else ()))


SOBA = Update(_soba, _SOBA)
SABA = Update(_saba, _SABA, _saba_initial)
