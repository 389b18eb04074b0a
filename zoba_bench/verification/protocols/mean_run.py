"""P7b: how fast a whole run of any solver converges: its last x, in the mean, against the expected update carried
through all iterations.

The expected update (:mod:`zoba_bench.theory.updates`, exact derivatives) is iterated from the problem's own start; it
ends at m_K, much closer to a goal c than the start was. A replicate that ends at x has the share

    s = <x - c, m_K - c> / |m_K - c|^2,

whose mean is 1 if x converges as fast as the update's mean says. The goal is the minimiser, or where the expected
update comes after several times as many iterations, for methods with a biased point of rest.

Methods without noise follow the expected update up to rounding, on every problem; then |grad Psi|^2 at the end must be
what it is at m_K too. With noise the mean follows it exactly where both objectives are quadratic, as every step is
affine in the state and its noise is new. Elsewhere the mean share is 1 + a V + O(V^2), V the noise: it is measured at V
and at V/2, and 2 s(V/2) - s(V) has no term in V.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.driver import run
from zoba_bench.json_values import strict_json
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry
from zoba_bench.result import Status
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.controls import CONTROLS
from zoba_bench.verification.parameters import COUNT, OPTIONS, PROBLEM, Parameters, one_of
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.shared.plan import Plan

__all__ = ["PARAMETERS", "TITLE", "judge", "last_iterates", "plan"]

TITLE = "convergence of whole runs"
TOLERANCE = "Declared in the claim: rounding where a method has no noise, else for the data."
LEAVES_OPEN = "The spread of the runs around their mean, and other starts and steps."
PARAMETERS = Parameters(
    {
        "problem": PROBLEM, "options": OPTIONS, "iterations": COUNT, "replicates": COUNT,
        "goal": one_of("minimizer", "rest"),
    },
    {"halved": OPTIONS, "halved_iterations": COUNT, "predicted": OPTIONS},
)  # fmt: skip

_TASK = "zoba_bench.verification.protocols.mean_run:last_iterates"
#: How much of the distance to the goal may be left, for a wrong rate to be seen. A share of what is left has noise in
#: inverse proportion to it, and of a rate r the logarithm of what is left is seen: at equal cost most is seen at 1/e.
_LEFT, _LEFT_WITH_NOISE = 0.1, 0.37
#: A point of rest is where the expected update is after so many times the iterations.
_LONGER = 4
#: How much of the share noise may change, for the next order to be small.
_SECOND_ORDER = 0.2


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "options", "iterations", "replicates" (one does without noise) and "goal".

    "goal" is the "minimizer" or "rest". With noise on objectives that are not quadratic, "halved" are the options that
    differ where the noise is half as large, with "halved_iterations" where that takes shorter steps of x. A control is
    "predicted" with other options than it runs with.
    """
    chosen = claim.parameters
    common = {"problem": chosen["problem"], "solver": claim.solver, "replicates": chosen["replicates"]}
    several = [(chosen["options"], chosen["iterations"])]
    if "halved" in chosen:
        halved = {**chosen["options"], **chosen["halved"]}
        several.append((halved, chosen.get("halved_iterations", chosen["iterations"])))
    return Plan(tuple(
        Cell(_TASK, {**common, "options": dict(options), "iterations": iterations}, seed)
        for options, iterations in several
    ))  # fmt: skip


def last_iterates(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], iterations: int,
    replicates: int,
) -> dict[str, Any]:  # fmt: skip
    """The last x of every replicate, from the problem's own start with v = 0."""
    built = build_problem(problem)
    z0, v0, x0 = _start(built)
    result = run(
        built, build_solver(solver, options), z0=z0, v0=v0, x0=x0, rng=rng, replicates=replicates,
        max_iterations=iterations, record_every=None,
    )  # fmt: skip
    failed = int(np.isin(result.status, (Status.DIVERGED, Status.NON_FINITE)).sum())
    row: dict[str, Any] = strict_json({"x": result.x.tolist(), "failed": failed})
    return row


def _start(problem: BilevelProblem) -> tuple[Array, Array, Array]:
    z, x = problem.initial_point(np.random.default_rng(0))
    return z, np.zeros(problem.p), x


@dataclass(frozen=True)
class _Expected:
    """The end m_K of the expected run, its goal, how much of the distance is left, and whether both are quadratic."""

    end: Array
    goal: Array
    left: float
    quadratic: bool

    def shares(self, x: Array) -> Array:
        """Of ends x (R, d)."""
        away = self.end - self.goal
        return np.asarray((x - self.goal) @ away / (away @ away))


@lru_cache(maxsize=64)
def _expected(description: str) -> _Expected:
    """The expected run; claim and control share it."""
    told = json.loads(description)
    problem, options = build_problem(told["problem"]), told["options"]
    update, start = entry("updates", told["solver"]), _start(problem)
    state = dict(update.initial(problem, options, *start))
    longer = 1 if told["goal"] == "minimizer" else _LONGER
    end: dict[str, Array] = {}
    for k in range(longer * told["iterations"]):
        state |= update.step(problem, options, {**state, "k": k}).mean
        if k + 1 == told["iterations"]:
            end = dict(state)
    if longer == 1 and problem.minimizer is None:
        raise ValueError(f"problem {problem.name!r} has no minimiser that is the only one: its goal is 'rest'")
    goal = np.asarray(problem.minimizer if longer == 1 else state["x"])
    left = float(np.linalg.norm(end["x"] - goal) / np.linalg.norm(start[2] - goal))
    return _Expected(end["x"], goal, left, _quadratic(problem, start[::2], (end["z"], end["x"])))


def _quadratic(problem: BilevelProblem, here: tuple[Array, Array], there: tuple[Array, Array]) -> bool:
    """Whether both Hessians are the same at the start, at the end and between."""
    points = [tuple((1 - t) * a + t * b for a, b in zip(here, there, strict=True)) for t in (0.0, 0.37, 1.0)]
    for level in ("inner", "outer"):
        hessian = getattr(problem, f"{level}_hessian")
        if hessian is None:
            return False
        blocks = [np.concatenate([np.ravel(block) for block in hessian(*point)]) for point in points]
        if max(float(np.max(np.abs(each - blocks[0]))) for each in blocks) > 1e-9:
            return False
    return True


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """The mean share at the end; without noise whichever of it and the ratio of |grad Psi|^2 is further from 1."""
    from scipy.special import stdtrit

    chosen = claim.parameters
    solver = CONTROLS[claim.solver].mutates if claim.solver.startswith("control:") else claim.solver
    told = {"problem": chosen["problem"], "goal": chosen["goal"], "solver": solver}
    runs = [
        _expected(json.dumps(
            {**told, "iterations": cell.parameters["iterations"],
             "options": {**cell.parameters["options"], **chosen.get("predicted", {})}},
            sort_keys=True,
        ))
        for cell in plan.cells
    ]  # fmt: skip
    expected, rows = runs[0], [results[cell.key] for cell in plan.cells]
    note = f"{expected.left:.2g} of the distance is left"
    if any(row["failed"] for row in rows):
        failed = sum(row["failed"] for row in rows)
        return Measurement(1.0, np.inf, Limits(np.inf, np.inf), f"{failed} replicates diverged; {note}")
    shares = [each.shares(np.array(row["x"])) for each, row in zip(runs, rows, strict=True)]
    if chosen["replicates"] == 1:
        found, obstacle = _without_noise(claim, expected, np.array(rows[0]["x"][0]), float(shares[0][0])), ""
        limits = Limits(found, found)
    else:
        means, errors = [float(s.mean()) for s in shares], [float(s.std(ddof=1) / np.sqrt(s.size)) for s in shares]
        found, error = means[0], errors[0]
        obstacle = "" if expected.quadratic or len(shares) > 1 else (
            "the mean follows the expected update on quadratic objectives alone: say which options halve the noise"
        )  # fmt: skip
        if len(shares) > 1:
            found, error = 2 * means[1] - means[0], float(np.hypot(2 * errors[1], errors[0]))
            note += f"; half of the noise changes the share by {means[1] - means[0]:+.2g}"
            if abs(means[1] - means[0]) > _SECOND_ORDER:
                obstacle = "noise changes the share too much for its first order to be enough"
        half = -float(stdtrit(chosen["replicates"] - 1.0, (1 - level) / 2)) * error
        limits = Limits(found - half, found + half)
    if not expected.left <= (_LEFT if chosen["replicates"] == 1 else _LEFT_WITH_NOISE):
        obstacle = f"{expected.left:.2g} of the distance is left: more iterations are needed to see a rate"
    return Measurement(1.0, found, limits, note, obstacle)


def _without_noise(claim: Claim, expected: _Expected, x: Array, share: float) -> float:
    """The share, or the ratio of |grad Psi|^2 at both ends if that is further from 1 and declared."""
    hypergradient = build_problem(claim.parameters["problem"]).hypergradient
    if hypergradient is None:
        return share
    squares = [float(np.sum(np.square(hypergradient(at)))) for at in (x, expected.end)]
    return max((share, squares[0] / squares[1]), key=lambda value: abs(value - 1))
