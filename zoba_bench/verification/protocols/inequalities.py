"""P3: E|z+ - z*(x+)|^2, E|v+ - v*(x+)|^2 and E Psi(x+) - Psi(x) of one step from drawn states, near and far, along
random directions and eigenvectors of G_zz, against the theorem's one-step inequalities at that state.

With a = |z - z*(x)| and b = |v - v*(x)| the theorem bounds E a+^2, E b+^2 and E Psi(x+) - Psi(x) by the state and the
problem's constants. A state follows from its number and the problem alone. Along the eigenvectors of G_zz some of the
inequalities are nearly equalities.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.contracts import HasOneStep
from zoba_bench.driver import run
from zoba_bench.errors import DerivationError
from zoba_bench.problem import BilevelProblem
from zoba_bench.statistics import Estimate, Limits, family_level, mean_limits, pooled
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import COUNT, FLAG, OPTIONS, POSITIVE, PROBLEM, SEQUENTIAL, Kind, Parameters
from zoba_bench.verification.protocols.shared.closed_forms import refuse_contradictions
from zoba_bench.verification.protocols.shared.closures import written
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver, theorem_with
from zoba_bench.verification.protocols.shared.plan import Plan, replicate_blocks
from zoba_bench.verification.protocols.shared.runs import met_non_finite

__all__ = ["PARAMETERS", "TITLE", "draw_state", "judge", "one_steps", "plan"]

TITLE = "one-step inequalities"
TOLERANCE = (
    "Declared in the claim, as a share of both sides together, and all of it for the data. The limits hold for all "
    "states and inequalities of the claim together."
)
LEAVES_OPEN = "States that were not drawn: there the inequality rests on its proof."

_SIZES = (0.0, 0.03, 0.3, 1.0, 3.0)
_KINDS = ("random", "smallest", "largest")
_SIDES = ("a", "b", "psi")
_MOST, _AT_ONCE = 1e8, 4e6  # random numbers of a cell, and of what is in memory together

PARAMETERS = Parameters(
    {"problem": PROBLEM, "options": OPTIONS, "states": COUNT, "replicates": COUNT},
    {
        **SEQUENTIAL, "reach": POSITIVE, "at_once": FLAG,
        "wrong": Kind("a table of factors", lambda value: isinstance(value, Mapping)),
    },
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "options" (of the solver), "states", "replicates" (steps from each state) and "looks"
    at shares of them; "reach", by which the sizes of all errors are multiplied; for a control "wrong", factors of
    numbers of the inequalities, or "at_once": a curvature with which one step would bring z and v to their targets,
    and no noise.

    Raises
    ------
    DerivationError
        If the theorem lacks a constant of the problem, or the problem's closed forms contradict each other.
    """
    chosen = claim.parameters
    problem = build_problem(chosen["problem"])
    if problem.stochastic:
        raise ValueError(f"{problem.name} has samples; states are drawn for exact values only")
    refuse_contradictions(problem)
    solver = build_solver(claim.solver, chosen["options"])
    wrong = dict(chosen.get("wrong", {}))
    if chosen.get("at_once"):
        wrong |= {"mu": 0.99 / (solver.rho * problem.constants.require("mu")[0]), "z": 0.0, "v": 0.0}
    spec, options = written(chosen["problem"]), written(chosen["options"])
    reach = chosen.get("reach", 1.0)
    bounds, descents = _at_states(spec, claim.solver, options, chosen["states"], reach, written(wrong))
    common = {name: chosen[name] for name in ("problem", "options", "replicates", "reach", "look") if name in chosen}
    work = chosen["replicates"] * max(getattr(solver, "l1", 1), getattr(solver, "l2", 1)) * (problem.p + problem.d)
    size = max(1, int(_MOST // work))
    cells = [
        Cell(
            "zoba_bench.verification.protocols.inequalities:one_steps",
            {**common, "solver": claim.solver, "first": first, "states": min(size, chosen["states"] - first)}, seed,
        )
        for first in range(0, chosen["states"], size)
    ]  # fmt: skip
    return Plan.of_lines([cells], bounds=bounds, descents=descents)


@cache
def _at_states(
    spec: str, name: str, options: str, states: int, reach: float, wrong: str
) -> tuple[list[list[float]], list[float]]:  # fmt: skip
    """Bounds of the three sides at every state, and the descent beside them; looks share them, tables are JSON."""
    problem, solver = build_problem(json.loads(spec)), build_solver(name, json.loads(options))
    theorem = theorem_with(name, HasOneStep)
    gamma = solver.rho / 2 if solver.gamma is None else solver.gamma
    bounds, descents = [], []
    for index in range(states):
        sizes = _sizes(problem, *draw_state(problem, index, reach))
        try:
            found = theorem.one_step(problem.constants, problem.p, problem.d, solver, sizes, json.loads(wrong))
        except DerivationError:
            raise
        except ValueError as error:  # an unknown constant, named
            raise DerivationError(str(error)) from error
        bounds.append([found[side] for side in _SIDES])
        descents.append(gamma * (sizes["D"] ** 2 + sizes["g"] ** 2) / 2)
    return bounds, descents


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """The largest excess over a bound, relative to both sides, over all states and inequalities.

    The bound on E Psi(x+) - Psi(x) is a difference of a descent and of what errors and noise add. Where it happens to
    vanish an excess is measured by the descent, gamma (D^2 + g^2)/2, and not by the little that is left.
    """
    (rows,) = plan.rows(results)
    seen = _together(rows)
    failed = sum(row["failed"] for row in rows)
    each = family_level(level, len(_SIDES) * len(plan.context["bounds"]))
    lowest = highest = largest = -math.inf
    where, tightest = "", 0.0
    for index, (bounds, descent) in enumerate(zip(plan.context["bounds"], plan.context["descents"], strict=True)):
        for side, bound, estimate in zip(_SIDES, bounds, seen[index], strict=True):
            mean = estimate.value
            # Rounding of a difference of values, and what is no size at all.
            scale = max(abs(bound) + abs(mean), descent if side == "psi" else 0.0) + 1e-12
            limits = estimate.limits(each)
            # The largest excess lies between the largest lower and the largest upper limit of all of them.
            lowest = max(lowest, (limits.low - bound) / scale)
            highest = max(highest, (limits.high - bound) / scale)
            if (mean - bound) / scale > largest:
                largest, where = (mean - bound) / scale, f"E of {side} at state {index}"
            if side != "psi" and bound > 0:
                tightest = max(tightest, mean / bound)
    note = f"largest excess: {where}; closest a bound came to its value: {tightest:.3f} of it"
    if failed:
        return Measurement(0.0, math.inf, Limits(math.inf, math.inf), f"{failed} steps diverged")
    return Measurement(0.0, largest, Limits(lowest, highest), note, series={"tightest": tightest})


def one_steps(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], states: int,
    replicates: int, first: int = 0, reach: float = 1.0, look: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Means and standard errors of |z+ - z*(x+)|^2, |v+ - v*(x+)|^2 and Psi(x+) - Psi(x), state by state.

    ``look`` tells independent cells of the same states apart.
    """
    built, configured = build_problem(problem), build_solver(solver, options)
    built.require("inner_solution", "adjoint", "value")
    means, errors, failed, where = [], [], 0, ""
    each = max(getattr(configured, "l1", 1), getattr(configured, "l2", 1)) * (built.p + built.d)
    for index in range(first, first + states):
        z, v, x = draw_state(built, index, reach)
        seen: list[Array] = []
        for size in replicate_blocks(replicates, each, _AT_ONCE):
            result = run(
                built, configured, z0=z, v0=v, x0=x, rng=rng, replicates=size, max_iterations=1, record_every=None
            )
            failed += int(result.failed.sum())
            where = where or result.non_finite
            moved = (
                result.z - built.inner_solution(result.x),  # type: ignore[misc]
                result.v - built.adjoint(result.x),  # type: ignore[misc]
            )
            gained = built.value(result.x) - built.value(x)  # type: ignore[misc]
            seen.append(np.stack([*(np.vecdot(m, m) for m in moved), gained]))
        found = [mean_limits(values) for values in np.concatenate(seen, axis=1)]
        means.append([estimate.value for estimate in found])
        errors.append([estimate.error for estimate in found])
    return {"first": first, "replicates": replicates, "means": means, "errors": errors, "failed": failed,
            **met_non_finite(where)}  # fmt: skip


def _together(rows: list[Mapping[str, Any]]) -> dict[int, list[Estimate]]:
    """The three means of every state, over the cells of all looks."""
    parts: dict[int, list[tuple[float, list[float], list[float]]]] = {}
    for row in rows:
        for offset, at_state in enumerate(zip(row["means"], row["errors"], strict=True)):
            parts.setdefault(row["first"] + offset, []).append((row["replicates"], *at_state))
    return {
        state: [
            pooled([Estimate(means[side], errors[side], n - 1.0) for n, means, errors in found])
            for side in range(len(_SIDES))
        ]
        for state, found in parts.items()
    }


def draw_state(problem: BilevelProblem, index: int, reach: float = 1.0) -> tuple[Array, Array, Array]:
    """The state (z, v, x) of a number: a function of the problem and of nothing else.

    Errors of z and v have sizes in (0, 0.03, 0.3, 1, 3) times ``reach`` and run along a random direction or an
    eigenvector of G_zz; x is as far from the minimiser, or from the family's start where there is none.
    """
    problem.require("inner_solution", "adjoint", "inner_hessian")
    rng = np.random.default_rng([index, problem.p, problem.d])
    a, b, far = reach * rng.choice(_SIZES, 3)
    kind = _KINDS[index % len(_KINDS)]
    x = problem.minimizer if problem.minimizer is not None else problem.initial_point(rng)[1]
    x = x + far * _direction("random", np.eye(problem.d), rng)
    radius = problem.constants.radius
    if math.isfinite(radius):
        x = x * min(1.0, 0.5 * radius / max(float(np.linalg.norm(x)), 1e-300))
    z = problem.inner_solution(x)  # type: ignore[misc]
    curvature = problem.inner_hessian(z, x)[0]  # type: ignore[misc]
    v = problem.adjoint(x) + b * _direction(kind, curvature, rng)  # type: ignore[misc]
    # Where the constants hold on a radius, z stays inside too; x is far enough inside to leave room for an error.
    a = min(a, max(0.9 * radius - float(np.linalg.norm(z)), 0.0))
    return z + a * _direction(kind, curvature, rng), v, x


def _direction(kind: str, matrix: Array, rng: np.random.Generator) -> Array:
    """A unit vector: random, or an eigenvector of the smallest or the largest eigenvalue."""
    if kind == "random":
        vector = rng.standard_normal(len(matrix))
        unit: Array = vector / np.linalg.norm(vector)
        return unit
    vectors = np.linalg.eigh(matrix)[1]
    turned: Array = vectors[:, 0 if kind == "smallest" else -1] * rng.choice([-1.0, 1.0])
    return turned


def _sizes(problem: BilevelProblem, z: Array, v: Array, x: Array) -> dict[str, float]:
    """What the inequalities know of a state; the mean direction of x is that of exact derivatives."""
    problem.require("inner_jvp_xz", "outer_grad_x", "hypergradient")
    mean_x = problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x)  # type: ignore[misc]
    return {
        "a": float(np.linalg.norm(z - problem.inner_solution(x))),  # type: ignore[misc]
        "b": float(np.linalg.norm(v - problem.adjoint(x))),  # type: ignore[misc]
        "g": float(np.linalg.norm(problem.hypergradient(x))),  # type: ignore[misc]
        "D": float(np.linalg.norm(mean_x)),
        "v": float(np.linalg.norm(v)),
    }
