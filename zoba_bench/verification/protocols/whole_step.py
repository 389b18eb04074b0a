"""P10: the mean of one whole step of any solver, from a state that the solver itself reached.

The solver runs k iterations once; its state is copied for many replicates, which take one step each with the solver's
own draws. The mean of every block of the next state (iterates, memories, momenta) must be the expected one, which
:mod:`zoba_bench.theory.updates` writes a second time from exact derivatives. Allowed are the bound on the method's own
bias and confidence limits of the mean, for each coordinate. At k = 0 the initial memories are compared too. Where the
update says that no draw makes a difference, as for SABA with a fresh memory, the step may have no noise.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.json_values import strict_json
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.declarations import MISTAKES, mistaken, start, update_of
from zoba_bench.verification.parameters import COUNT, FLAG, OPTIONS, POWER, PROBLEM, Kind, Parameters, one_of
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.protocols.shared.plane import on_plane
from zoba_bench.verification.protocols.shared.runs import met_non_finite

__all__ = [
    "FAR", "PARAMETERS", "SHARPEST", "blocks", "copies", "judge", "numbers", "parts", "plan", "start", "steps_from",
]  # fmt: skip

TITLE = "mean of one whole step"
TOLERANCE = (
    "1, in units of what is allowed: a bound on the method's own bias plus the limits of the mean, for each "
    "coordinate. Where a factor 2 in a move would not be seen the claim is inconclusive."
)
LEAVES_OPEN = "The spread of a step, but where it has none, and states that the run did not come to."
_NUMBERS = Kind(
    "a list of non-negative integers, none twice",
    lambda value: isinstance(value, (list, tuple)) and bool(value) and all(map(POWER.fits, value))
    and len(set(value)) == len(value),
)  # fmt: skip
PARAMETERS = Parameters(
    {"problem": PROBLEM, "options": OPTIONS, "iterations": _NUMBERS, "replicates": COUNT},
    {"blocks": COUNT, "exact": FLAG, "plane": FLAG, "company": FLAG, "later": COUNT, "mistake": one_of(*MISTAKES)},
)

_TASK = "zoba_bench.verification.protocols.whole_step:steps_from"
#: The iteration whose state "later" numbers anew.
_EARLIER = 3
#: How far each coordinate of the start of the company is from the start.
_ELSEWHERE = 0.1
#: A move of this share of the largest coordinate, or less, is rounding: there is nothing that a factor 2 would change.
_UNMOVED = 1e-13
#: A state with a coordinate beyond has diverged: of a step from there no mean says anything.
FAR = 1e8
#: What is allowed must be less than this share of a move in some coordinate, or a factor 2 would not be seen.
SHARPEST = 0.5


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "options", "iterations" (the numbers k) and "replicates" (one does without noise).

    "blocks" times as many replicates take the step one block after another, where all at once are too large. With
    "exact" the step is taken from z*(x), v*(x) at the x that was reached, and x alone is compared. With "plane" x is
    restricted to one, so that its projection changes every step. With "company" as many replicates in another state
    stand before those that are measured, and one behind them; none of their values may be met. "later" is one number k
    more: of a state that the solver reached earlier, with this number in place of its own, so that schedules are seen
    far on. For a control, "mistake" is what is made wrong in the expected update.
    """
    chosen = claim.parameters
    common = {"problem": chosen["problem"], "solver": claim.solver, "options": dict(chosen["options"])}
    if chosen.get("exact"):
        common["exact"] = True
    common |= {name: True for name in ("plane", "company") if chosen.get(name)}
    if "blocks" in chosen:
        common["blocks_of_replicates"] = chosen["blocks"]
    common["replicates"] = chosen["replicates"]
    cells = [Cell(_TASK, {**common, "iteration": k}, seed) for k in chosen["iterations"]]
    if "later" in chosen:
        cells.append(Cell(_TASK, {**common, "iteration": _EARLIER, "numbered": chosen["later"]}, seed))
    return Plan(tuple(cells))


def numbers(parameters: Mapping[str, Any]) -> list[int]:
    """The number k of the state from which each cell takes its step."""
    return [*parameters["iterations"], *([parameters["later"]] if "later" in parameters else [])]


def steps_from(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], iteration: int,
    replicates: int, exact: bool = False, blocks_of_replicates: int = 1, plane: bool = False,
    company: bool = False, numbered: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The state of iteration ``iteration``, and mean and variance of the next one over replicates, block by block.

    ``numbered`` is the number that the state has in place of its own.
    """
    built, configuration = _problem(problem, plane), build_solver(solver, options)
    configuration.check(built)
    first, together = Oracle(built, 1), Oracle(built, 2 * replicates + 1 if company else replicates)

    def reached(z: Array, v: Array, x: Array) -> Any:
        state = configuration.init(first, rng, z[None], v[None], x[None])
        for _ in range(iteration):
            state = configuration.step(state)
        return state if numbered is None else replace(state, k=numbered)

    one = reached(*start(built))
    other = reached(*(a + _ELSEWHERE for a in start(built))) if company else None
    if exact:
        built.require("inner_solution", "adjoint", "hypergradient")
        one = replace(one, z=built.inner_solution(one.x), v=built.adjoint(one.x))  # type: ignore[misc]
    before = {name: values[0].tolist() for name, values in blocks(one)}
    total: dict[str, _Moments] = {}
    for _ in range(blocks_of_replicates):
        many = configuration.step(copies(one, together, rng, other))
        for name, everyone in blocks(many):
            values = everyone[replicates : 2 * replicates] if company else everyone
            total[name] = _Moments.of(values) if name not in total else total[name].with_more(values)
    row = {
        "before": before,
        "mean": {name: moments.mean.tolist() for name, moments in total.items()},
        "variance": {name: moments.variance.tolist() for name, moments in total.items()},
        "k": [int(one.k), int(many.k)],
        # From a state that has left, infinities are no failure of a function.
        **met_non_finite(next(iter([*first.met.values(), *([] if _has_left(before) else together.met.values())]), "")),
    }
    found: dict[str, Any] = strict_json(row)  # an infinity, as a best value before the first iteration, becomes None
    return found


def _problem(description: Mapping[str, Any], plane: bool) -> BilevelProblem:
    built = build_problem(description)
    return on_plane(built) if plane else built


class _Moments(NamedTuple):
    """Number, mean and sum of squares around it of rows that come block after block."""

    number: int
    mean: Array
    squares: Array

    @classmethod
    def of(cls, values: Array) -> _Moments:
        # Around the first replicate, so that the mean of equal numbers is this number.
        mean = values[0] + (values - values[0]).mean(axis=0)
        spread = values.var(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1:])
        return cls(len(values), mean, spread * (len(values) - 1))

    def with_more(self, values: Array) -> _Moments:
        more = _Moments.of(values)
        number, apart = self.number + more.number, more.mean - self.mean
        squares = self.squares + more.squares + apart**2 * (self.number * more.number / number)
        return _Moments(number, self.mean + apart * (more.number / number), squares)

    @property
    def variance(self) -> Array:
        found: Array = self.squares / max(1, self.number - 1)
        return found


def blocks(value: Any, name: str = "") -> Iterator[tuple[str, Array]]:
    """Every array of real numbers in a state, by its dotted name; not the estimate of the tolerance."""
    if isinstance(value, np.ndarray):
        if value.dtype == np.float64:
            yield name, value
    else:
        for part, inner in parts(value):
            if part not in ("estimate", "oracle", "rng", "bases"):
                yield from blocks(inner, f"{name}.{part}" if name else part)


def copies(value: Any, oracle: Oracle, rng: np.random.Generator, other: Any = None) -> Any:
    """A state of one replicate, copied for all replicates of the oracle.

    Of an odd number half, rounded down, are in an ``other`` state and stand in front, and so does the last one.
    """
    if isinstance(value, np.ndarray):
        if other is None or not value.ndim:
            return np.repeat(value, oracle.replicates, axis=0) if value.ndim else value
        half = oracle.replicates // 2
        return np.repeat(np.concatenate([other, value, other]), [half, half, 1], axis=0)
    if isinstance(value, Oracle):
        return oracle
    if isinstance(value, np.random.Generator):
        return rng
    if isinstance(value, tuple):
        others = [None] * len(value) if other is None else other
        return tuple(copies(part, oracle, rng, its) for part, its in zip(value, others, strict=True))
    others = {} if other is None else dict(parts(other))
    inner = {part: copies(each, oracle, rng, others.get(part)) for part, each in parts(value)}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **inner)
    if isinstance(value, dict):
        return inner
    if inner:
        value = copy.copy(value)
        vars(value).update(inner)
    return value


def parts(value: Any) -> list[tuple[str, Any]]:
    """The named parts of a dataclass, a table, or an object that is neither number nor array."""
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, dict):
        return list(value.items())
    return list(vars(value).items()) if hasattr(value, "__dict__") and not isinstance(value, type) else []


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Largest deviation of a coordinate's mean over what bias and limits allow; at most 1."""
    from scipy.special import stdtrit

    from zoba_bench.verification.controls import CONTROLS

    chosen = claim.parameters
    problem = _problem(chosen["problem"], chosen.get("plane", False))
    replicates = chosen["replicates"] * chosen.get("blocks", 1)
    if claim.solver.startswith("control:"):
        update = entry("updates", CONTROLS[claim.solver].mutates)
    else:
        update = update_of(claim.solver, chosen["options"]) or entry("updates", claim.solver)
    if "mistake" in chosen:
        update = mistaken(update, chosen["mistake"])
    rows = [results[cell.key] for cell in plan.cells]
    if chosen.get("exact"):
        rows = [{**row, "mean": {"x": row["mean"]["x"]}} for row in rows]
    tests = sum(np.size(values) for row in rows for values in row["mean"].values())
    critical = -float(stdtrit(replicates - 1.0, (1 - level) / (2 * tests))) if replicates > 1 else 0.0
    deviations: list[tuple[float, str]] = []
    shares: dict[str, float] = {}
    lost = None
    wanted = {"x"}
    if not chosen.get("exact"):
        whole = getattr(update, "whole_start", True)
        wanted = set(update.initial(problem, chosen["options"], *start(problem))) if whole else {"z", "v", "x"}
    for k, row in zip(numbers(chosen), rows, strict=True):
        state = {name: np.array(values, dtype=float) for name, values in row["before"].items()}
        if _has_left(state):
            lost = k
            break
        absent = sorted((wanted - set(state)) | (wanted - set(row["mean"])))
        if absent:
            words = f"{', '.join(absent)}, which the state does not hold in double precision at k = {k}"
            deviations.append((np.inf, words))
            continue
        if k == 0 and not chosen.get("exact"):
            deviations += _at_the_start(problem, update, chosen["options"], state)
        expected = update.step(problem, chosen["options"], {**state, "k": k})
        if _has_left(expected.mean):
            lost = k + 1
            break
        if row["k"] != [k, k + 1]:
            deviations.append((np.inf, f"the iteration number at k = {k}"))
        for name, measured in row["mean"].items():
            if name not in expected.mean:
                deviations.append((np.inf, f"{name}, of which the update says nothing"))
                continue
            variance = np.array(row["variance"][name], dtype=float)
            allowed = critical * np.sqrt(variance / replicates) + expected.bias.get(name, 0.0)
            off = np.abs(np.array(measured, dtype=float) - expected.mean[name])
            deviations.append((float(np.max(_ratio(off, allowed), initial=0.0)), f"{name} at k = {k}"))
            if name in expected.still:
                unit = 1e-12 * (1 + float(np.max(np.abs(expected.mean[name]), initial=0.0)))
                unit += float(np.max(expected.bias.get(name, 0.0)))
                apart = float(np.sqrt(np.max(variance, initial=0.0))) / unit
                deviations.append((apart, f"the noise of {name} at k = {k}, where a step has none"))
            move = np.abs(expected.mean[name] - state[name])
            if np.any(move > _UNMOVED * np.max(np.abs(state[name]), initial=0.0)):
                # Iterates must be measured sharply at every k, memories, which settle, at one of them.
                where = f"{name} at k = {k}" if name in ("z", "v", "x") else name
                shares[where] = min(shares.get(where, np.inf), float(np.min(_ratio(allowed, move))))
    worst, where = max(deviations, default=(0.0, ""))
    if lost is not None and worst <= 1:
        words = f"its steps diverge within {lost} iterations; lower them, or pass a configuration with others"
        return Measurement(1.0, np.nan, Limits(np.nan, np.nan), obstacle=words, diverged=True)
    which = max(shares, key=lambda name: shares[name], default="no block")
    share = shares.get(which, 0.0)
    # The mean may lie anywhere in what is allowed: twice as much takes it out in every case.
    sharp = f"an error of {200 * share:.2g} % of the move of {which} would be refused"
    note = f"largest: {where}; allowed is at most {share:.2g} of the move, for {which}: {sharp}"
    blunt = share > SHARPEST and worst <= 1
    obstacle = f"a factor 2 would not be seen: what is allowed is {share:.2g} of the move of {which}" if blunt else ""
    return Measurement(1.0, worst, Limits(worst, worst), note, obstacle,
                       series={"rows": [[ratio, name] for ratio, name in deviations],
                               "refused": [2 * share, which]})  # fmt: skip


def _has_left(state: Mapping[str, Any]) -> bool:
    """Whether an iterate of a state is far from any start, or no number."""
    values = np.concatenate([np.array(state.get(name, []), dtype=float).ravel() for name in ("z", "v", "x")])
    return not bool(np.all(np.abs(values) <= FAR))


def _at_the_start(problem: BilevelProblem, update: Any, options: Mapping[str, Any], state: Mapping[str, Array]) -> list[
    tuple[float, str]
]:  # fmt: skip
    """Deviations of the initial state from the one that is declared, over rounding and what measuring it leaves."""
    declared = update.initial(problem, options, *start(problem))
    bias = getattr(update, "initial_bias", None)
    allowed = {} if bias is None else bias(problem, options, *start(problem))
    found = []
    for name, values in state.items():
        if name not in declared:
            if getattr(update, "whole_start", True):
                found.append((np.inf, f"the initial {name}, of which the update says nothing"))
            continue
        # What is not finite, as a best value that there is not yet, must be so in both.
        known = np.where(np.isfinite(declared[name]), declared[name], np.nan)
        unit = 1e-12 * (1 + float(np.max(np.abs(np.nan_to_num(known)), initial=0.0))) + allowed.get(name, 0.0)
        both = np.isnan(known) & ~np.isfinite(values)
        off = np.where(both, 0.0, np.abs(values - known)) / unit
        found.append((float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0)), f"the initial {name}"))
    return found


def _ratio(numerator: Array, denominator: Any) -> Array:
    """The quotient: 0/0 is 0, anything else over 0 and anything that is not finite infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.where(np.asarray(numerator) == 0, 0.0, numerator / np.asarray(denominator, dtype=float))
    return np.where(np.isnan(quotient), np.inf, quotient)
