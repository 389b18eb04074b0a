"""P7: distance to the known minimiser, Psi - Psi*, |grad Psi|^2 or distance to another point, over the last iterates of
a run from the problem's own start, against what a theorem promises for that very run: as close, and no closer.

What is promised comes from a theorem, in one of three ways:

"moments"  the second moments of the run. They are exact where both objectives are quadratic between start and solution;
           elsewhere they are those of what stays when the start is forgotten, and count only if the noise-free
           iteration has come far closer than that.
"rest"     the point at which the theorem's method comes to rest, where its hypergradient is biased: the quantity is
           what it is there.
"bound"    the certified bound on the mean of |grad Psi|^2 over all iterations: the mean over the last ``window`` of
           them is at most iterations / window times that, as no term is negative.

Measured is a mean over the last iterates and over replicates, in units of what is promised; for a distance the roots of
both, for the gap and |grad Psi|^2 they themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.contracts import HasBound, HasPointOfRest, HasRunMoments
from zoba_bench.driver import run
from zoba_bench.problem import BilevelProblem
from zoba_bench.statistics import Limits, mean_limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import COUNT, OPTIONS, POINT, PROBLEM, Parameters, one_of, table
from zoba_bench.verification.protocols.shared.closed_forms import refuse_contradictions
from zoba_bench.verification.protocols.shared.lines import log_means
from zoba_bench.verification.protocols.shared.mean_iteration import mean_path
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver, theorem_with
from zoba_bench.verification.protocols.shared.plan import Plan, replicate_blocks
from zoba_bench.verification.protocols.shared.runs import ended

__all__ = ["PARAMETERS", "TITLE", "final", "judge", "plan"]

TITLE = "final accuracy"
TOLERANCE = (
    "Declared in the claim, in units of what is promised. Where the noise-free iteration is more than 0.05 of the "
    "promise away, the claim is inconclusive."
)
LEAVES_OPEN = "How fast a run comes there, and other starts and steps."

#: What is measured, by quantity: the closed forms that it needs.
_NEEDS = {
    "distance": ("minimizer",),
    "gap": ("value", "minimum"),
    "stationarity": ("hypergradient",),
    "distance_to_point": (),
}

PARAMETERS = Parameters(
    {
        "problem": PROBLEM, "options": OPTIONS, "iterations": COUNT, "window": COUNT, "replicates": COUNT,
        "quantity": one_of(*_NEEDS), "promise": one_of("moments", "rest", "bound"),
    },
    {"point": POINT, "wrong": table(Parameters({}, {"directions": COUNT, "options": OPTIONS}))},
)  # fmt: skip

#: How much of the promise the noise-free iteration may still be away, in the unit of the promise.
_REMAINDER = 0.05
#: How much of what it is at the start a promise may be, for there to be something to reach.
_REACHED = 0.5


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "options", "iterations", "window", "replicates", "quantity" and "promise".

    "quantity" is "distance" (to the problem's minimiser), "gap" (Psi - Psi*), "stationarity" (|grad Psi|^2) or
    "distance_to_point", with "point": coordinates, or "first_order_point", where the first-order gradient of the
    problem's tasks vanishes. A control's "wrong" promises what other "options" would, or "directions" times as many.

    Raises
    ------
    DerivationError
        If the theorem promises nothing for this run, or the problem's closed forms contradict each other.
    ValueError
        If the problem lacks what the quantity needs; the distance needs a minimiser that is the only one.
    """
    chosen = claim.parameters
    problem = build_problem(chosen["problem"])
    quantity, iterations, window = chosen["quantity"], chosen["iterations"], chosen["window"]
    if window > iterations:
        raise ValueError(f"window must be at most the {iterations} iterations, got {window}")
    _check(problem, quantity)
    point = _point(problem, chosen.get("point"), quantity)
    solver = build_solver(claim.solver, chosen["options"])
    wrong = chosen.get("wrong", {})
    times = wrong.get("directions", 1)
    claimed = replace(solver, l1=solver.l1 * times, l2=solver.l2 * times) if times > 1 else solver
    claimed = replace(claimed, **wrong.get("options", {}))
    start, remainder = _start(problem), 0.0
    refuse_contradictions(problem)
    if chosen["promise"] == "bound":
        promised = (
            _bound(theorem_with(claim.solver, HasBound), problem, start, claimed, iterations, quantity)
            * iterations
            / window
        )
    elif chosen["promise"] == "rest":
        resting = theorem_with(claim.solver, HasPointOfRest).point_of_rest(problem, claimed)
        promised = float(_measure(problem, quantity, point, resting))
    else:
        moments = theorem_with(claim.solver, HasRunMoments).run_moments(problem, start, claimed, iterations, window)
        promised = moments.expected(quantity, point)
        if not moments.exact:
            rho, gamma = solver.steps(0)
            path = mean_path(problem, start, rho, gamma, iterations)
            left = float(_measure(problem, quantity, point, path[-window:]).mean())
            remainder = abs(left - float(_measure(problem, quantity, point, moments.minimizer))) / promised
    common = {
        "problem": chosen["problem"], "solver": claim.solver, "options": chosen["options"], "iterations": iterations,
        "window": window, "quantity": quantity, **({"point": chosen["point"]} if "point" in chosen else {}),
    }  # fmt: skip
    directions = max(getattr(solver, "l1", 1), getattr(solver, "l2", 1))
    work = iterations * directions * (problem.p + problem.d)
    cells = [
        Cell("zoba_bench.verification.protocols.accuracy:final", {**common, "replicates": size, "block": block}, seed)
        for block, size in enumerate(replicate_blocks(chosen["replicates"], work))
    ]
    begun = float(_measure(problem, quantity, point, start[2]))
    return Plan.of_lines([cells], promised=promised, remainder=remainder, begun=begun)


def final(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], iterations: int,
    window: int, quantity: str, replicates: int, point: str | Sequence[float] | None = None, block: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Mean of the quantity over the last iterates, per replicate, distances squared.

    The run begins at the family's own z and x, drawn once for plan and cells alike, with v = 0. ``block`` tells
    independent blocks of replicates apart.
    """
    built = build_problem(problem)
    goal = _point(built, point, quantity)
    z0, v0, x0 = _start(built)
    total = np.zeros(replicates)

    def add(k: int, state: Any) -> bool:
        nonlocal total
        if k >= iterations - window:  # the state is that of iterate k + 1
            total = total + _measure(built, quantity, goal, state.x)
        return False

    result = run(
        built, build_solver(solver, options), z0=z0, v0=v0, x0=x0, rng=rng, replicates=replicates,
        max_iterations=iterations, record_every=None, callback=add,
    )  # fmt: skip
    return {"means": (total / window).tolist(), **ended(result)}


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Measured over promised, 1 if the promise is met exactly."""
    (rows,) = plan.rows(results)
    quantity, context = claim.parameters["quantity"], plan.context
    rooted = quantity.startswith("distance")
    power = 0.5 if rooted else 1.0
    estimate, promised = log_means(rows), context["promised"] ** power
    limits = estimate.limits(level)
    reached, low, high = (_exp(power * value) for value in (estimate.value, limits.low, limits.high))
    values = [value for row in rows for value in row["means"]]
    if (
        estimate.value == -math.inf and min(values) < 0
    ):  # a gap below what is declared to be the minimum has no logarithm
        mean = mean_limits(values)
        reached, low, high = mean.value, mean.limits(level).low, mean.limits(level).high
    begun = context["begun"] ** power
    words = f"root mean square {quantity.replace('_', ' ')}" if rooted else f"mean {quantity}"
    found = Measurement(
        1.0, reached / promised, Limits(low / promised, high / promised),
        f"{words} {reached:.4g}, promised {promised:.4g}, {begun:.4g} at the start",
        series={"promised": promised, "reached": reached, "begun": begun}, size=True,
    )  # fmt: skip
    if context["remainder"] > _REMAINDER:
        return replace(found, obstacle=(
            f"the noise-free iteration is not there yet: what is left of it is {context['remainder']:.2g} of the "
            "promise; use more iterations"
        ))  # fmt: skip
    if quantity != "distance_to_point" and promised > _REACHED * begun:
        obstacle = f"nothing is to be reached: {promised:.4g} is promised, and {begun:.4g} is what the start has"
        return replace(found, obstacle=obstacle)
    return found


def _exp(value: float) -> float:
    """The exponential, infinite where it overflows: limits of very few replicates are that wide."""
    return math.exp(value) if value < 700 else math.inf


def _start(problem: BilevelProblem) -> tuple[Array, Array, Array]:
    """(z, v, x)."""
    z, x = problem.initial_point(np.random.default_rng(0))
    return z, np.zeros(problem.p), x


def _check(problem: BilevelProblem, quantity: str) -> None:
    """Refuse a quantity that the problem's closed forms do not give."""
    missing = [name for name in _NEEDS[quantity] if getattr(problem, name) is None]
    if "minimizer" in missing:
        raise ValueError(
            f"problem {problem.name!r} has no minimiser that is the only one, so that no distance to it can be "
            "promised: use the gap or the stationarity"
        )
    if missing:
        raise ValueError(f"quantity {quantity!r} needs {', '.join(missing)}, which {problem.name!r} does not declare")


def _point(problem: BilevelProblem, point: str | Sequence[float] | None, quantity: str) -> Array | None:
    """What distances are measured to; None for what is no distance."""
    if quantity != "distance_to_point":
        if point is not None:
            raise ValueError(f"point belongs to the quantity 'distance_to_point', not to {quantity!r}")
        return problem.minimizer if quantity == "distance" else None
    if point is None:
        raise ValueError("the quantity 'distance_to_point' needs a point")
    if isinstance(point, str):
        tasks = problem.capabilities.tasks
        found = None if tasks is None else tasks.first_order_point
        if found is None:
            raise ValueError(f"problem {problem.name!r} knows no point where a first-order gradient vanishes")
        return found
    goal = np.asarray(point, dtype=np.float64)
    if goal.shape != (problem.d,):
        raise ValueError(f"point must have {problem.d} coordinates, as x has, got {goal.size}")
    return goal


def _measure(problem: BilevelProblem, quantity: str, point: Array | None, x: Array) -> Array:
    """The quantity at points x (..., d), distances squared."""
    away: Array
    if quantity == "gap":
        assert problem.value is not None
        assert problem.minimum is not None
        away = problem.value(x) - problem.minimum
        return away
    if quantity == "stationarity":
        assert problem.hypergradient is not None
        away = problem.hypergradient(x)
    else:
        assert point is not None
        away = x - point
    square: Array = np.vecdot(away, away)
    return square


def _bound(
    theorem: HasBound,
    problem: BilevelProblem,
    start: tuple[Array, Array, Array],
    solver: Any,
    iterations: int,
    quantity: str,
) -> float:
    """The certified bound on the mean of |grad Psi|^2 over all iterations."""
    if quantity != "stationarity":
        raise ValueError(f"a bound promises the stationarity alone, not {quantity!r}: use the promise 'moments'")
    if math.isfinite(problem.constants.radius):
        raise ValueError(f"the constants of {problem.name!r} hold up to a radius, which only P5 watches")
    problem.require("value", "minimum", "inner_solution", "adjoint")
    z, v, x = start
    errors = {
        "gap": max(float(problem.value(x)) - float(problem.minimum or 0.0), 0.0),  # type: ignore[misc]
        "z_error": float(np.linalg.norm(z - problem.inner_solution(x))),  # type: ignore[misc]
        "v_error": float(np.linalg.norm(v - problem.adjoint(x))),  # type: ignore[misc]
    }
    bound: float = theorem.bound(problem.constants, problem.p, problem.d, solver, iterations, errors)
    return bound
