"""P5: the mean of |grad Psi|^2 over a run from far, cold and exact starts, at most the bound that the theorem certifies
for that very run.

The bound is computed from the problem's constants, the solver's configuration, the number of iterations and
the start; nothing in it is fitted. "solution" starts leave the floor of the noise alone, the others are
dominated by the transient.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.contracts import HasBound
from zoba_bench.driver import run
from zoba_bench.errors import DerivationError
from zoba_bench.problem import BilevelProblem
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import (
    COUNT,
    NAME,
    NUMBER,
    OPTIONS,
    PROBLEM,
    SEQUENTIAL,
    Parameters,
    one_of,
    table,
)
from zoba_bench.verification.protocols.shared.closed_forms import refuse_contradictions
from zoba_bench.verification.protocols.shared.lines import log_means
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver, theorem_with
from zoba_bench.verification.protocols.shared.plan import Plan, trajectory_cells
from zoba_bench.verification.protocols.shared.runs import ended, start_point

__all__ = ["PARAMETERS", "TITLE", "judge", "plan", "trajectory"]

TITLE = "explicit bound"
TOLERANCE = (
    "None: the mean with its limits is at most the bound. A bound that is a hundred times the mean says nothing, "
    "and the claim is then inconclusive."
)
LEAVES_OPEN = "Other starts, steps and problems: there the bound rests on its proof. How much smaller a bound could be."

#: What a control may claim too much of: how often the directions, the samples, the iterations, the (inverse) start.
_TOO_MUCH = ("directions", "samples", "iterations", "start")

PARAMETERS = Parameters(
    {
        "problem": PROBLEM, "options": OPTIONS, "start": one_of("solution", "family", "cold", "origin"),
        "iterations": COUNT, "replicates": COUNT,
    },
    {
        **SEQUENTIAL, "psi_at_least": NUMBER,
        "wrong": table(Parameters({}, {"theorem": NAME, **dict.fromkeys(_TOO_MUCH, COUNT)})),
    },
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "options" (of the solver), "start", "iterations", "replicates".

    "start" is "solution" (exact), "family" (the family's x, exact z and v), "cold" (the family's x and z,
    v = 0) or "origin" (x = 0, exact z and v). "psi_at_least" bounds Psi from below where the problem does
    not know its infimum. A control's "wrong" makes the claim too strong: {"directions": n}, {"samples": n},
    {"iterations": n} and {"start": n} predict as if there were n times as many directions, samples (b1 and b2
    must be given) or iterations, or an n-th of every error at the start, {"theorem": name} with another theorem.

    Raises
    ------
    DerivationError
        If the theorem gives no bound for this run, the problem lacks a constant that it needs, or its closed forms
        contradict each other.
    """
    chosen = claim.parameters
    wrong = dict(chosen.get("wrong", {}))
    problem = build_problem(chosen["problem"])
    solver = build_solver(claim.solver, chosen["options"])
    other = wrong.pop("theorem", None)
    theorem = theorem_with(other or claim.solver, HasBound)
    times = {name: wrong.pop(name, 1) for name in _TOO_MUCH}
    if wrong:
        raise ValueError(f"a control can be wrong in theorem, {', '.join(_TOO_MUCH)}, not in {', '.join(wrong)}")
    refuse_contradictions(problem)
    start = {name: value / times["start"] for name, value in _errors(problem, chosen).items()}
    more = {"l1": times["directions"], "l2": times["directions"]}
    if times["samples"] != 1:
        more |= {"b1": times["samples"], "b2": times["samples"]}
    pretended: dict[str, Any] = {name: getattr(solver, name) * n for name, n in more.items()}
    if other == "hf-zoba-shared":  # it refuses independent directions, and a refusal would show nothing
        pretended["outer_directions"] = "shared"
    claimed = replace(solver, **pretended)
    iterations = chosen["iterations"]
    try:
        certified = theorem.certificate(
            problem.constants, problem.p, problem.d, claimed, iterations * times["iterations"], start
        )
    except DerivationError:
        raise
    except ValueError as error:  # an unknown constant, named
        raise DerivationError(str(error)) from error
    work = iterations * max(solver.l1, solver.l2) * (problem.p + problem.d)
    common = {
        "problem": chosen["problem"], "solver": claim.solver, "options": chosen["options"], "start": chosen["start"],
        "iterations": iterations,
    }  # fmt: skip
    look, task = chosen.get("look", 0), "zoba_bench.verification.protocols.bounds:trajectory"
    cells = trajectory_cells(common, chosen["replicates"], work, seed, look, task)
    # A float at or above the certified rational.
    bound = math.nextafter(float(certified.bound), math.inf)
    return Plan.of_lines(
        [cells], bound=bound, transient=float(certified.transient), floor=float(certified.tau), **start
    )


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """The mean over the replicates, at most the bound; with its tightness, bound / measured."""
    (rows,) = plan.rows(results)
    context = plan.context
    estimate = log_means(rows)
    limits = estimate.limits(level)
    bound, measured = context["bound"], math.exp(estimate.value)
    tightness = bound / measured if measured > 0 else math.inf
    found = Measurement(
        bound, measured, replace(limits, low=math.exp(limits.low), high=math.exp(limits.high)),
        f"tightness {tightness:.4g}, bound = transient {context['transient']:.4g} + floor {context['floor']:.4g}, "
        f"{claim.parameters['replicates']} replicates",
        series={
            "tightness": tightness, "bound": bound, "measured": measured, "start": claim.parameters["start"],
            "iterations": claim.parameters["iterations"],
            **{name: context[name] for name in ("transient", "floor", "gap", "z_error", "v_error")},
        },
        size=True,
    )  # fmt: skip
    outside = sum(row["outside"] for row in rows)
    if outside:
        obstacle = f"{outside} of {claim.parameters['replicates']} replicates left the region where the constants hold"
        return replace(found, obstacle=obstacle)
    return found


def trajectory(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any],
    start: str, iterations: int, replicates: int, block: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Mean of |grad Psi(x_k)|^2 over k < iterations, per replicate, from the start that the bound is for.

    ``outside`` counts the replicates with |x| or |z| beyond the radius up to which the problem's constants
    hold. ``block`` tells independent blocks of replicates apart.
    """
    built = build_problem(problem)
    z0, v0, x0 = _start(built, start)
    radius = built.constants.radius
    left = np.zeros(replicates, dtype=bool)

    def watch(_: int, state: Any) -> bool:
        for iterate in (state.x, state.z):
            left[np.vecdot(iterate, iterate) > radius**2] = True
        return False

    result = run(
        built, build_solver(solver, options), z0=z0, v0=v0, x0=x0, rng=rng, replicates=replicates,
        max_iterations=iterations, record_every=iterations, callback=watch if math.isfinite(radius) else None,
    )  # fmt: skip
    assert result.mean_stationarity is not None
    left |= max(np.linalg.norm(x0), np.linalg.norm(z0)) > radius
    return {"means": result.mean_stationarity.tolist(), **ended(result), "outside": int(left.sum())}


def _start(problem: BilevelProblem, start: str) -> tuple[Array, Array, Array]:
    """(z, v, x) of a start by name; a random start of the family's is drawn once, for plan and cells alike."""
    rng = np.random.default_rng(0)
    if start in ("solution", "family"):
        return start_point(problem, start, rng)
    problem.require("inner_solution", "adjoint")
    if start == "cold":
        z, x = problem.initial_point(rng)
        return z, np.zeros(problem.p), x
    if start == "origin":
        x = np.zeros(problem.d)
        return problem.inner_solution(x), problem.adjoint(x), x  # type: ignore[misc]
    raise ValueError(f"start must be 'solution', 'family', 'cold' or 'origin', got {start!r}")


def _errors(problem: BilevelProblem, chosen: Mapping[str, Any]) -> dict[str, float]:
    """What the bound has to know of the start: Psi(x) - inf Psi, |z - z*(x)| and |v - v*(x)|."""
    problem.require("value")
    z, v, x = _start(problem, chosen["start"])
    lowest = problem.minimum if problem.minimum is not None else chosen.get("psi_at_least")
    if lowest is None:
        raise ValueError(f"problem {problem.name!r} does not declare its minimum; bound Psi below by psi_at_least")
    return {
        "gap": max(float(problem.value(x)) - lowest, 0.0),  # type: ignore[misc]
        "z_error": float(np.linalg.norm(z - problem.inner_solution(x))),  # type: ignore[misc]
        "v_error": float(np.linalg.norm(v - problem.adjoint(x))),  # type: ignore[misc]
    }
