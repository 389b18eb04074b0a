"""P2s: the mean move of (z, v, x) over one whole step of the solver, against -rho_k, -rho_k and -gamma_k times the
exact directions.

This measures the update law, and not only its parts. The solver's own ``step`` runs on tensor Gauss-Hermite nodes,
handed in through the generator. Steps, radii and the iteration number (k = 3) are all different, so that none can stand
in for another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import COUNT, POSITIVE, POSITIVE_OR_NONE, PROBLEM, Parameters
from zoba_bench.verification.protocols.moments import (
    envelopes,
    lipschitz_constant,
    point,
    rounding_bound,
    targets,
    tensor_nodes,
)
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.protocols.shared.runs import met_non_finite

__all__ = ["PARAMETERS", "TITLE", "judge", "mean_move", "plan"]

TITLE = "mean of one step"
TOLERANCE = "1, in units of what the remainder of the Taylor polynomial and rounding allow."
LEAVES_OPEN = "The spread of a step, and steps from other states than the one that is measured."

_RHO, _GAMMA, _ITERATION = 0.3, 0.07, 3


class _Nodes:
    """Hands out given arrays in place of random draws, in the order in which a solver asks."""

    def __init__(self, *arrays: Array) -> None:
        self._arrays = list(arrays)

    def standard_normal(self, shape: tuple[int, ...]) -> Array:
        return self._arrays.pop(0).reshape(shape)


PARAMETERS = Parameters({"problem": PROBLEM, "h": POSITIVE, "nodes": COUNT}, {"eta": POSITIVE_OR_NONE})


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "h", "nodes" (a dimension), "eta" (by default the solver's own rule)."""
    chosen = claim.parameters
    return Plan((Cell("zoba_bench.verification.protocols.update:mean_move", {**chosen, "solver": claim.solver}, seed),))


def mean_move(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, h: float, nodes: int, eta: float | None = None
) -> dict[str, Any]:
    """Mean moves of (z, v, x) over the nodes, what they must be, and remainder envelopes."""
    built = build_problem(problem)
    options: dict[str, Any] = {"h": h, "eta": eta, "l1": 1, "l2": 1, "rho": _RHO, "gamma": _GAMMA}
    configuration = build_solver(solver, options)
    (z, v, x), (p, d) = point(built), (built.p, built.d)
    second = configuration.needs_second_directions
    y, weights = tensor_nodes(nodes, p + d + (p if second else 0))
    w, u, w2 = np.split(y, [p, p + d], axis=1)
    oracle = Oracle(built, len(y))
    feed: Any = _Nodes(w, u, w2)
    start = [np.broadcast_to(a, (len(y), a.size)) for a in (z, v, x)]
    state = configuration.step(replace(configuration.init(oracle, feed, *start), k=_ITERATION))
    radius = configuration.outer_radius(p, d)
    envelope = envelopes(w, u, w2, v, max(h, radius, getattr(configuration, "h_bar", 0.0)))
    return {
        "moves": [(weights @ (after - before)).tolist() for after, before in
                  zip((state.z, state.v, state.x), (z, v, x), strict=True)],
        "envelope": {name: float(weights @ values) for name, values in envelope.items()},
        "smallest_radius": min(h, radius, getattr(configuration, "h_bar", h)),
        **met_non_finite(next(iter(oracle.met.values()), "")),
    }  # fmt: skip


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Largest deviation of a mean move, in units of what remainder and rounding allow; at most 1."""
    chosen, row = claim.parameters, results[plan.cells[0].key]
    problem = build_problem(chosen["problem"])
    z, v, x = point(problem)
    exact, envelope = targets(problem, z, v, x), row["envelope"]
    rounding = rounding_bound(problem, z, x, row["smallest_radius"])
    # The envelopes take one radius for all: the unequal ones differ by their ratio at most, twice.
    spread = (chosen["h"] / row["smallest_radius"] if chosen.get("eta") is None else chosen["eta"] / chosen["h"]) ** 2
    inner = lipschitz_constant(problem.inner_hessian, z, x, chosen["h"]) * max(spread, 1.0)
    outer = lipschitz_constant(problem.outer_hessian, z, x, chosen["h"]) * max(spread, 1.0)
    scale = 1.0 / np.sqrt(_ITERATION + 1)
    worst, where = 0.0, ""
    for name, move, step, parts in (
        ("z", row["moves"][0], _RHO * scale, ("inner_gradient",)),
        ("v", row["moves"][1], _RHO * scale, ("hessian_v", "outer_gradient_z")),
        ("x", row["moves"][2], _GAMMA * scale, ("cross_v", "outer_gradient_x")),
    ):
        required = -step * sum(exact[part] for part in parts)
        slack = (1 + np.linalg.norm(v)) * (problem.p + problem.d) * sum(rounding[part] for part in parts)
        remainder = sum((outer if part.startswith("outer") else inner) * envelope[part] for part in parts)
        ratio = float(np.linalg.norm(np.array(move) - required) / (step * (remainder + slack)))
        ratio = ratio if np.isfinite(ratio) else np.inf
        if ratio >= worst:
            worst, where = ratio, name
    return Measurement(0.0, worst, Limits(worst, worst), f"largest: mean move of {where}")
