"""P6c: the plan of a theorem, run exactly as it is planned, reaches eps within the derived count.

The plan is ``theorem.plan(constants, p, d, eps, start)``: radii, directions, steps and iterations, from constants of
the problem alone. Three quantities:

"mean"    the mean of |grad Psi|^2 over the whole run, over eps: at most 1;
"count"   the evaluations that the oracle counted, over the derived n(eps): at most 1;
"order"   n(eps) over C times an order in p, d and 1/eps, with the constant C that a dominance certificate exhibits: at
          most 1. Nothing is run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.contracts import HasPlan
from zoba_bench.driver import run
from zoba_bench.problem import BilevelProblem
from zoba_bench.result import Status
from zoba_bench.statistics import Limits, log_mean
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import COUNT, NAME, OPTIONS, POSITIVE, PROBLEM, Parameters, one_of, table
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver, theorem_with
from zoba_bench.verification.protocols.shared.plan import Plan, replicate_blocks
from zoba_bench.verification.protocols.shared.runs import start_point

__all__ = ["PARAMETERS", "TITLE", "judge", "plan", "planned_run"]

TITLE = "plans to accuracy eps"
TOLERANCE = "None: a share of what the theorem allows is at most 1."
LEAVES_OPEN = "Whether a smaller plan would do: the constants are those of the worst case."

PARAMETERS = Parameters(
    {"problem": PROBLEM, "eps": POSITIVE, "quantity": one_of("mean", "count", "order")},
    {
        "options": OPTIONS, "replicates": COUNT, "order": NAME,
        "wrong": table(
            Parameters({}, {**dict.fromkeys(("accuracy", "directions", "iterations", "count"), COUNT), "order": NAME})
        ),
    },
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "eps", "quantity"; "options" of the solver beside those that are planned.

    "replicates" of the run (for "mean" and "count"); "order", an expression in p, d and eps, or "published", that a
    dominance certificate of the theorem has as its target (for "order"). A control's "wrong" claims "accuracy" times as
    small an eps, runs "directions" or "iterations" times as few, claims "count" times as few evaluations, or another
    "order" with the same C.

    Raises
    ------
    DerivationError
        If the theorem has no plan, or no dominance certificate for the order.
    """
    chosen = claim.parameters
    problem, eps, wrong = build_problem(chosen["problem"]), chosen["eps"], chosen.get("wrong", {})
    theorem = theorem_with(claim.solver, HasPlan)
    problem.require("value", "minimum")
    start = {"gap": _gap(problem)}
    derived = theorem.derived_count(problem.constants, problem.p, problem.d, eps, start)
    if chosen["quantity"] == "order":
        if "order" not in chosen:
            raise ValueError("the quantity 'order' needs an order, such as '(d + p)/eps**2' or 'published'")
        allowed = theorem.dominating_count(
            chosen["order"], problem.constants, problem.p, problem.d, eps, start, at=wrong.get("order")
        )
        return Plan((), {"derived": derived, "allowed": allowed})
    if "replicates" not in chosen:
        raise ValueError(f"the quantity {chosen['quantity']!r} needs replicates")
    planned = theorem.plan(problem.constants, problem.p, problem.d, eps, start)
    l1, l2 = (math.ceil(l / wrong.get("directions", 1)) for l in (planned.l1, planned.l2))
    iterations = math.ceil(planned.K / wrong.get("iterations", 1))
    options = {
        "schedule": "constant", "h": planned.h, "eta": planned.eta, "l1": l1, "l2": l2, "rho": planned.rho,
        "gamma": planned.gamma, **chosen.get("options", {}),
    }  # fmt: skip
    if claim.solver.startswith("hf-zoba"):
        options |= {"h_bar": planned.h_bar, "normalize_h_bar": planned.normalize_h_bar}
    common = {
        "problem": chosen["problem"], "solver": claim.solver, "options": options, "eps": eps,
        "iterations": iterations,
    }  # fmt: skip
    work = iterations * l1 * (problem.p + problem.d)
    cells = [
        Cell("planned_run", {**common, "replicates": size, "block": block}, seed)
        for block, size in enumerate(replicate_blocks(chosen["replicates"], work))
    ]
    context = {"derived": derived, "planned": planned.evaluations, "iterations": iterations, "bound": planned.bound}
    return Plan.of_lines([cells], **context)


def planned_run(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], eps: float,
    iterations: int, replicates: int, block: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Mean of |grad Psi(x_k)|^2 over k < iterations, evaluations, and the first k at which that mean is at most eps.

    From the problem's own start, with exact z and v. ``block`` tells independent blocks of replicates apart.
    """
    built = build_problem(problem)
    built.require("hypergradient")
    z0, v0, x0 = start_point(built, "family", rng)

    def stationarity(x: Any) -> Any:
        gradient = built.hypergradient(x)  # type: ignore[misc]
        return np.vecdot(gradient, gradient)

    # The callback sees x_{k+1}: ``total`` holds the terms 0 ... k, the newest waits for its turn.
    total, newest = np.zeros(replicates), stationarity(np.tile(x0, (replicates, 1)))
    reached = np.zeros(replicates, dtype=int)

    def add(k: int, state: Any) -> bool:
        nonlocal total, newest
        total = total + newest
        reached[(reached == 0) & (total <= eps * (k + 1))] = k + 1
        newest = stationarity(state.x)
        return False

    result = run(
        built, build_solver(solver, options), z0=z0, v0=v0, x0=x0, rng=rng, replicates=replicates,
        max_iterations=iterations, record_every=None, callback=add,
    )  # fmt: skip
    return {
        "means": (total / iterations).tolist(),
        "evaluations": (result.n_inner + result.n_outer).tolist(),
        "reached": [int(k) or None for k in reached],
        "failed": int(np.isin(result.status, (Status.DIVERGED, Status.NON_FINITE)).sum()),
    }


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """The quantity over what is allowed; at most 1."""
    chosen, context = claim.parameters, plan.context
    wrong, eps, derived = chosen.get("wrong", {}), chosen["eps"], context["derived"]
    if chosen["quantity"] == "order":
        ratio = derived / context["allowed"]
        return Measurement(
            1.0, ratio, Limits(ratio, ratio), f"n(eps) = {derived:.4g}, C order = {context['allowed']:.4g}"
        )
    (rows,) = plan.rows(results)
    if chosen["quantity"] == "count":
        most = max(value for row in rows for value in row["evaluations"]) * wrong.get("count", 1)
        ratio = most / derived
        return Measurement(1.0, ratio, Limits(ratio, ratio), f"counted {most}, planned {context['planned']}")
    failed = sum(row["failed"] for row in rows)
    if failed:
        return Measurement(1.0, math.inf, Limits(math.inf, math.inf), f"{failed} replicates diverged")
    claimed = eps / wrong.get("accuracy", 1)
    estimate = log_mean([value for row in rows for value in row["means"]])
    limits = estimate.limits(level)
    mean, low, high = (math.exp(min(value, 700.0)) / claimed for value in (estimate.value, limits.low, limits.high))
    reached = [k for row in rows for k in row["reached"] if k is not None]
    note = f"bound {context['bound'] / eps:.3g} eps, eps/mean {1 / mean:.3g}"
    if reached:
        note += f", reached after {max(reached) / context['iterations']:.0%} of the planned iterations"
    found = Measurement(1.0, mean, Limits(low, high), note, size=True)
    return replace(found, series={"eps": eps, "mean": mean * claimed})


def _gap(problem: BilevelProblem) -> float:
    """Psi(x_0) - Psi* at the problem's own start."""
    x = problem.initial_point(np.random.default_rng(0))[1]
    return max(float(problem.value(x)) - float(problem.minimum or 0.0), 0.0)  # type: ignore[misc]
