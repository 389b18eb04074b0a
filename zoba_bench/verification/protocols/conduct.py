"""P12: conduct of a solver in a run: breaches of the budget and of what is asked where a value is NaN, against none.

Budgets of several sizes, one that iterations divide and others, are given to the driver, with derivatives that cost one
evaluation and as many as they have components: no replicate may use more, counts never fall, an iteration that does not
fit is not started, and one that fits is. Then one replicate receives NaN from the third iteration
on: it ends as non_finite at its last finite iterates, nothing is raised, and the other replicates run to their end.
A step leaves every array of the state that it is given as it is, to the bit: the driver returns to that state.
With "shifted", a step on F + 1 and G + 1, with the same draws, must be the step on F and G, in double precision.
"""

from __future__ import annotations

import copy
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.driver import iteration_cost, run, start_cost
from zoba_bench.errors import place_in_solver
from zoba_bench.oracle import DERIVATIVES, Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.result import Result, Status
from zoba_bench.solvers.base import StepWarning
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.declarations import start
from zoba_bench.verification.parameters import COUNT, FLAG, OPTIONS, PROBLEM, Parameters
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.protocols.whole_step import parts

__all__ = ["PARAMETERS", "RESTS_ON_THEOREM", "TITLE", "WORK", "breaches", "judge", "plan"]

TITLE = "conduct: budget, NaN and precision"
TOLERANCE = "None: no breach is allowed."
LEAVES_OPEN = "Other budgets, values that are not finite at other places, and rounding that a constant does not show."
#: Neither budget nor status is a statement of a theorem.
RESTS_ON_THEOREM = False
PARAMETERS = Parameters(
    {"problem": PROBLEM, "options": OPTIONS, "iterations": COUNT, "replicates": COUNT},
    {"over": FLAG, "infects": FLAG, "in_place": FLAG, "shifted": FLAG},
)

_TASK = "zoba_bench.verification.protocols.conduct:breaches"
#: Functions of a distribution of tasks that a method queries.
_OF_TASKS = ("inner_grad", "inner_hvp", "inner_cross", "outer_grad_phi", "outer_grad_theta")
_WATCHED = 4  # steps after which the state that was given is compared with copies
_NAN_FROM = 2  # the iteration from which one replicate gets NaN


def plan(claim: Claim, seed: int) -> Plan:
    """One cell.

    ``parameters``: "problem", "options", "iterations" (that the largest budget pays for) and "replicates". For a
    control, "over": the solver queries one more value of an iteration that the budget ends; "infects": the NaN of one
    replicate reaches the next one; "in_place": the next x is written into the state before. "shifted" asks for the
    step on F + 1 and G + 1 too.
    """
    return Plan((Cell(_TASK, {"solver": claim.solver, **claim.parameters}, seed),))


def breaches(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], iterations: int,
    replicates: int, over: bool = False, infects: bool = False, in_place: bool = False, shifted: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What was done against the rules, in words, and how many runs were looked at."""
    built, configured = build_problem(problem), build_solver(solver, options)
    if over:
        configured = _Wrapped(configured, _one_more)
    if infects:
        configured = _Wrapped(configured, _infected)
    if in_place:
        configured = _Wrapped(configured, _written_over)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepWarning)
        found = [
            words
            for share, half, prices in ((1.0, False, "dimension"), (0.55, True, "one"), (0.2, True, "one"))
            for words in _of_budget(rng, built, configured, max(1, int(share * iterations)), replicates, half, prices)
        ]
        changed = _in_place(copy.deepcopy(rng), built, configured, replicates)
        if changed:
            found.append(f"step changes {', '.join(changed)} of the state that it is given, in place")
        found += _of_nan(rng, built, configured, max(iterations, 2 * _NAN_FROM + 2), replicates, changed)
        if shifted:
            found += _of_constants(rng, built, configured, replicates)
    return {"breaches": found, "runs": 4}


def _prices(gradient_cost: str, problem: BilevelProblem) -> dict[str, int]:
    """Evaluations that a query costs: a value 1, a derivative 1 or as many as it has components."""
    sizes = {"z": problem.p, "x": problem.d}  # inner_jvp_xz is G_xz times a vector in z: as many as x has
    of = {name: sizes[name.rpartition("_")[2][0]] if gradient_cost == "dimension" else 1 for name in DERIVATIVES}
    return {"inner": 1, "outer": 1, **of}


def _of_budget(
    rng: np.random.Generator, problem: BilevelProblem, solver: Any, paid: int, replicates: int, half: bool, prices: str
) -> list[str]:  # fmt: skip
    """Breaches of a budget that pays for so many iterations, and ``half`` of another one."""
    cost = _prices(prices, problem)
    first, most = (
        sum(cost.get(name, 0) * number for name, number in of(problem, solver, rng).items())
        for of in (start_cost, iteration_cost)
    )
    if most == 0:
        return ["an iteration queries nothing"]
    budget = first + paid * most + half * (most // 2)
    z0, x0 = problem.initial_point(rng)
    seen: list[Any] = []

    def watch(k: int, state: Any) -> bool:
        oracle = state.oracle
        seen.append((oracle.spent(cost).copy(), {name: count.copy() for name, count in oracle.counts.items()}))
        return False

    result = run(
        problem, solver, z0=z0, x0=x0, rng=rng, replicates=replicates, max_iterations=20 * (paid + 1), budget=budget,
        gradient_cost=prices, record_every=1, callback=watch,
    )  # fmt: skip
    found = _of_records(result, len(seen))
    spent = sum(weight * result.counts[name] for name, weight in cost.items())
    if np.any(spent > budget):
        found.append(f"used {int(np.max(spent))} evaluations of a budget of {budget}")
    left = np.where(result.status == Status.BUDGET, budget - spent, 0)
    if np.any(left >= most):
        found.append(f"ended with {int(left.max())} evaluations left, where an iteration takes at most {most}")
    for (before, counts), (after, later) in itertools.pairwise(seen):
        if any(np.any(later[name] < counts[name]) for name in counts):
            found.append("a count fell")
            break
        if np.any((after > before) & (before + most > budget)):
            found.append(f"started an iteration of {most} evaluations with {budget - int(before.max())} left")
            break
    ended = np.isin(result.status, (Status.BUDGET, Status.DIVERGED, Status.NON_FINITE))
    if not ended.all():
        found.append(f"a run of {int(result.nit.max())} iterations never met its budget of {budget}")
    return found


def _of_records(result: Result, steps: int) -> list[str]:
    """Breaches of the record: iterations as they were seen, and a mean that is that of its rows."""
    found = []
    last = result.nit == result.nit.max()
    # A last iteration that all replicates end in is not watched.
    if int(result.nit.max()) != steps and np.any(result.status[last] == Status.BUDGET):
        found.append(f"{steps} iterations are recorded as {int(result.nit.max())}")
    rows = result.history.get("stationarity")
    if result.mean_stationarity is None or rows is None or np.any(result.nit != steps):
        return found
    # The last row is the final iterate, from which no step went.
    mean = rows[:-1].mean(axis=0)
    off = np.abs(result.mean_stationarity - mean)
    if np.any(off > 1e-12 * len(rows) * (1 + np.abs(mean))):
        found.append("the mean stationarity is not the mean of the iterates' stationarity")
    return found


def _in_place(rng: np.random.Generator, problem: BilevelProblem, solver: Any, replicates: int) -> list[str]:
    """Names of what one of the first steps changed in the state that it was given, and did not declare."""
    declared = set(getattr(solver, "changes_in_place", ())) - {"z", "v", "x"}
    z, x = problem.initial_point(rng)
    iterates = (np.repeat(a[None], replicates, axis=0) for a in (z, start(problem)[1], x))
    found: list[str] = []
    with np.errstate(all="ignore"):
        state = solver.init(Oracle(problem, replicates), rng, *iterates)
        for _ in range(_WATCHED):
            before = {name: _bits(array) for name, array in _arrays(state)}
            after = solver.step(state)
            now = {name: _bits(array) for name, array in _arrays(state)}
            found += [
                name for name in {**before, **now}
                if before.get(name) != now.get(name) and name.partition(".")[0] not in declared
            ]  # fmt: skip
            state = after
    return list(dict.fromkeys(found))


def _arrays(value: Any, name: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Every array that a state holds, also in lists and tables, by its dotted name."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, (list, tuple)):
        for number, part in enumerate(value):
            yield from _arrays(part, f"{name}.{number}")
    elif not isinstance(value, (Oracle, np.random.Generator)):
        for part, inner in parts(value):
            yield from _arrays(inner, f"{name}.{part}" if name else str(part))


def _bits(array: NDArray[Any]) -> tuple[Any, ...]:
    return array.shape, array.dtype.str, array.tobytes()


def _of_nan(
    rng: np.random.Generator, problem: BilevelProblem, solver: Any, iterations: int, replicates: int,
    changed: Sequence[str],
) -> list[str]:  # fmt: skip
    """Breaches where the first replicate gets NaN; ``changed`` are blocks that steps change in place."""
    switch = {"on": False}
    poisoned = _poisoned(problem, replicates, switch)
    z0, x0 = problem.initial_point(rng)
    before: dict[str, Any] = {}

    def watch(k: int, state: Any) -> bool:
        if k == _NAN_FROM - 1:  # the iterations 0 ... k are done
            switch["on"] = True
            before.update(z=state.z[0].copy(), v=state.v[0].copy(), x=state.x[0].copy())
        return False

    try:
        result = run(
            poisoned, solver, z0=z0, x0=x0, rng=rng, replicates=replicates, max_iterations=iterations,
            record_every=None, callback=watch,
        )  # fmt: skip
    except Exception as error:  # whatever a solver raises where a value is NaN is what is looked for
        where = place_in_solver(error)
        return [f"NaN raised {type(error).__name__}: {error}{f' ({where})' if where else ''}"]
    if not before:
        return ["no replicate came as far as the iteration that meets NaN"]
    found = []
    if result.status[0] != Status.NON_FINITE:
        found.append(f"NaN was met with status {Status(result.status[0]).name.lower()}, not non_finite")
    else:
        last = {"z": result.z[0], "v": result.v[0], "x": result.x[0]}
        moved = [name for name, values in last.items() if not np.array_equal(values, before[name])]
        if moved:
            cause = ", since step changes them in place" if set(moved) <= set(changed) else ""
            found.append(f"after NaN {', '.join(moved)} are not the last finite ones{cause}")
    others = result.status[1:]
    if np.any(others == Status.NON_FINITE):
        found.append("the NaN of one replicate reached another one")
    elif np.any((others != Status.DIVERGED) & (result.nit[1:] < iterations)):
        found.append("another replicate ended with the one that met NaN")
    return found


def _of_constants(rng: np.random.Generator, problem: BilevelProblem, solver: Any, replicates: int) -> list[str]:
    """Breaches where both objectives are moved by a constant.

    How much rounding moves a step differs from solver to solver: second differences divide it by a squared radius. So
    it is measured, on values that are rounded to 40 of their 53 binary digits. In double precision a constant of the
    size of the values changes their last digits, and the step 2^13 times less than that.
    """
    draws = int(rng.integers(2**62))
    single: list[str] = []

    def moved(change: Callable[[Array], Array]) -> Array:
        def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
            def values(*arguments: Any) -> Any:
                single.extend(a.dtype.name for a in arguments[:2] if np.asarray(a).dtype != np.float64)
                return change(np.asarray(function(*arguments), dtype=float))

            return values

        changed = replace(problem, inner=wrap(problem.inner), outer=wrap(problem.outer))
        points = (np.repeat(a[None], replicates, axis=0) for a in start(problem))
        state = solver.init(Oracle(changed, replicates), np.random.default_rng(draws), *points)
        after = solver.step(state)
        return np.concatenate([np.ravel(getattr(after, name)) for name in ("z", "v", "x")])

    def rounded(values: Array) -> Array:
        unit = 2.0 ** (np.ceil(np.log2(1.0 + np.abs(values).max())) - 40)
        return np.asarray(np.round(values / unit) * unit)

    plain = moved(lambda values: values)
    off, allowed = (float(np.abs(moved(change) - plain).max()) for change in (lambda values: values + 1.0, rounded))
    found = [f"queries in {single[0]}"] if single else []
    if off > allowed:
        found.append(
            f"a constant added to F and G moves a step by {off:.2g}; 40 digits of the values, by {allowed:.2g}"
        )
    return found


def _poisoned(problem: BilevelProblem, replicates: int, switch: Mapping[str, bool]) -> BilevelProblem:
    """The problem whose first replicate gets NaN from every function, once the switch is on.

    Frozen replicates are not asked for, so that fewer rows come then.
    """

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def values(*arguments: Any) -> Any:
            found = np.array(function(*arguments), dtype=float)
            if switch["on"] and found.ndim and len(found) == replicates:
                found[0] = np.nan
            return found

        return values

    names = [name for name in ("inner", "outer", *DERIVATIVES) if getattr(problem, name) is not None]
    tasks = problem.capabilities.tasks
    if tasks is not None:
        there = [name for name in _OF_TASKS if getattr(tasks, name) is not None]
        offered: dict[str, Any] = {name: wrap(getattr(tasks, name)) for name in there}
        problem = replace(problem, capabilities=replace(problem.capabilities, tasks=replace(tasks, **offered)))
    changed: dict[str, Any] = {name: wrap(getattr(problem, name)) for name in names}
    return replace(problem, **changed)


class _Wrapped:
    """A solver whose steps are changed; everything else is the solver's own."""

    def __init__(self, solver: Any, change: Callable[[Any, Any], Any]) -> None:
        self._solver, self._change = solver, change
        for name in ("name", "tolerance_quantity", "needs", "remedy", "cost_options"):
            setattr(self, name, getattr(solver, name))
        self.changes_in_place = getattr(solver, "changes_in_place", ())
        for name in ("lacking", "check", "stable_steps", "option_names", "init"):
            setattr(self, name, getattr(solver, name))

    def step(self, state: Any) -> Any:
        return self._change(state, self._solver.step(state))


def _one_more(before: Any, after: Any) -> Any:
    """Every third iteration queries half as many values again as any had."""
    oracle: Oracle = before.oracle
    if before.k % 3 == 2:
        for count in oracle.counts.values():
            count += count // 2
    return after


def _infected(before: Any, after: Any) -> Any:
    """Where one replicate is not finite, all are."""
    if before.oracle.non_finite.any():
        return replace(after, x=np.full_like(after.x, np.nan))
    return after


def _written_over(before: Any, after: Any) -> Any:
    """The state before gets the next x."""
    before.x[...] = after.x
    return after


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """The number of breaches; none may be."""
    row = results[plan.cells[0].key]
    number = float(len(row["breaches"]))
    note = f"{row['runs']} runs: three budgets, and one with NaN; the states before {_WATCHED} steps"
    if number:
        note += f"; {'; '.join(dict.fromkeys(row['breaches']))}"
    return Measurement(0.0, number, Limits(number, number), note)


WORK = {"breaches": lambda parameters, work: work({**parameters, "iterations": 3 * parameters["iterations"]})}
