"""P11: replicates, iterations, levels and cells are independent of each other, and so is what is drawn in one batch.

Two cells let the solver take one step from the same state many times, for a few replicates. Each step's increments of
z, v and x, and the points of its first queries, are projected onto fixed vectors. Rank correlations over the steps must
be those of independent numbers: between two replicates of one step, between a step and the next one, between the cells,
between the samples of G and of F, and between the first two samples of every batch that a query gets. A query along
several directions may not ask twice for the same point: a direction that is used again leaves every mean as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array, Samples
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import COUNT, FLAG, OPTIONS, PROBLEM, Parameters
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.protocols.whole_step import copies, start

__all__ = ["PARAMETERS", "increments", "judge", "plan"]

#: Independence is asked of every solver, with or without a theorem.
RESTS_ON_THEOREM = False
TITLE = "independence of replicates, iterations, levels, cells and batches"
TOLERANCE = "1, in units of the largest rank correlation that chance leaves at this confidence."
LEAVES_OPEN = "Dependence that no rank correlation of the projections sees."
PARAMETERS = Parameters(
    {"problem": PROBLEM, "options": OPTIONS, "draws": COUNT, "replicates": COUNT}, {"paired": FLAG}
)  # fmt: skip

_Flags = NDArray[np.bool_]
#: Iterations before the state; the first step of a method with a memory has no noise.
_SETTLED = 2
#: Batches of a step that are looked at, of each level.
_BATCHES = 4
#: Queries of a step whose points are looked at, of each level: one at the centre, and a displaced one.
_QUERIES = 3
_TASK = "zoba_bench.verification.protocols.independence:increments"


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "options", "draws" (steps) and "replicates" (two at least).

    For a control, "paired": what is judged are the same numbers with each second replicate equal to the one before it.
    """
    chosen = {name: value for name, value in claim.parameters.items() if name != "paired"}
    if chosen["replicates"] < 2:
        raise ValueError(f"replicates must be at least 2, or there is no pair, got {chosen['replicates']}")
    common = {**chosen, "options": dict(chosen["options"]), "solver": claim.solver}
    return Plan(tuple(Cell(_TASK, {**common, "block": block}, seed) for block in range(2)))


class _Recorder(Oracle):
    """An oracle that keeps the first samples of each level that a step draws, and looks at what its queries get.

    Attributes
    ----------
    first : level -> samples that were drawn first.
    batches : level -> the first two samples, (R, 2), of every batch that a query gets, each batch once.
    points : level -> the first point (R, p + d) of each of the first queries of a step.
    queries : of each query of a step, in their order, its level and which points were the same in all steps.
    """

    def __init__(self, problem: BilevelProblem, replicates: int) -> None:
        super().__init__(problem, replicates)
        self.queries: list[tuple[str, list[_Flags]]] = []

    def restart(self) -> None:
        """Forget the samples of the last step."""
        self.first: dict[str, Samples] = {}
        self.batches: dict[str, list[Samples]] = {"G": [], "F": []}
        self.points: dict[str, list[Array]] = {"G": [], "F": []}
        self._known: dict[str, list[Samples]] = {"G": [], "F": []}
        self._asked_for = 0

    def draw_inner(self, rng: np.random.Generator, batch: int) -> Samples | None:
        """See :meth:`Oracle.draw_inner`."""
        return self._kept("G", super().draw_inner(rng, batch))

    def draw_outer(self, rng: np.random.Generator, batch: int) -> Samples | None:
        """See :meth:`Oracle.draw_outer`."""
        return self._kept("F", super().draw_outer(rng, batch))

    def _kept(self, level: str, drawn: Samples | None) -> Samples | None:
        if drawn is not None:
            self.first.setdefault(level, drawn)
        return drawn

    def _query(self, name: str, vectors: tuple[Array, ...], sample: Samples | None) -> Array:
        level = "G" if name.startswith("inner") else "F"
        known = any(sample is each for each in self._known[level])
        if sample is not None and not known and sample.shape[1] > 1 and len(self.batches[level]) < _BATCHES:
            self._known[level].append(sample)
            self.batches[level].append(sample.reshape(len(sample), sample.shape[1], -1)[:, :2, 0])
        if len(self.points[level]) < _QUERIES:
            firsts = [vector.reshape(len(vector), -1, vector.shape[-1])[:, 0] for vector in vectors[:2]]
            self.points[level].append(np.concatenate(firsts, axis=-1))
        # The clients of a federated method are at one point where an iteration begins; they query derivatives of F.
        if name in ("inner", "outer") or level == "G":
            same = _same_points(vectors[:2]) if name in ("inner", "outer") else _same_points(vectors[1:2])
            if self._asked_for == len(self.queries):
                self.queries.append((level, same))
            else:
                pairs = zip(self.queries[self._asked_for][1], same, strict=False)  # queries may come in another order
                self.queries[self._asked_for] = level, [a & b for a, b in pairs if a.shape == b.shape]
            self._asked_for += 1
        return super()._query(name, vectors, sample)


def _same_points(points: tuple[Array, ...]) -> list[_Flags]:
    """For each axis of a query's points: which coincide, in all replicates, with another one; shape (shifts, number).

    A point that lies in memory once, and is seen by several samples or directions, is not asked for twice.
    """
    axes = max(point.ndim for point in points) - 1
    aligned = [point.reshape(len(point), *[1] * (axes + 1 - point.ndim), *point.shape[1:]) for point in points]
    found = []
    for axis in range(1, axes):
        own = [point for point in aligned if point.shape[axis] > 1 and point.strides[axis]]
        if own:
            number = own[0].shape[axis]
            rows = np.concatenate([np.moveaxis(point, axis, 0).reshape(number, -1) for point in own], axis=1)
            found.append(np.array([(rows == np.roll(rows, by, axis=0)).all(axis=1) for by in (1, number // 2)]))
    return found


def _repeated(queries: list[tuple[str, list[_Flags]]]) -> int:
    """How many queries ask for a point twice, in every step.

    A centre may be asked for once for each direction, if the same number of other points are along directions.
    """
    several = [(level, each) for level, arrays in queries for each in arrays]
    moved = {(level, each.shape) for level, each in several if not each.any()}
    return sum(bool(each.any()) and not (each.all() and (level, each.shape) in moved) for level, each in several)


def increments(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], draws: int,
    replicates: int, block: int,
) -> dict[str, Any]:  # fmt: skip
    """Projected increments of z, v, x, points of queries and samples, each of shape (draws, replicates).

    "batches" are the first two samples of each batch, (draws, replicates, 2); "repeated" says how many queries ask for
    a point twice in every step.
    """
    built, configuration = build_problem(problem), build_solver(solver, options)
    configuration.check(built)
    weights = np.random.default_rng(5)
    along = {name: weights.standard_normal(size) for name, size in (("z", built.p), ("v", built.p), ("x", built.d))}
    one = configuration.init(Oracle(built, 1), rng, *(a[None] for a in start(built)))
    for _ in range(_SETTLED):
        one = configuration.step(one)
    oracle = _Recorder(built, replicates)
    found: dict[str, list[Any]] = {}
    batches: dict[str, list[Any]] = {}
    for _ in range(draws):
        oracle.restart()
        after = configuration.step(copies(one, oracle, rng))
        for name, vector in along.items():
            found.setdefault(name, []).append(((getattr(after, name) - getattr(one, name)) @ vector).tolist())
        for level, sample in oracle.first.items():
            found.setdefault(f"sample of {level}", []).append(sample.reshape(replicates, -1)[:, 0].tolist())
        towards = np.concatenate([along["z"], along["x"]])
        for level, points in oracle.points.items():
            for i, point in enumerate(points):
                found.setdefault(f"query {i + 1} of {level}", []).append((point @ towards).tolist())
        for level, several in oracle.batches.items():
            for i, pair in enumerate(several):
                batches.setdefault(f"batch {i + 1} of {level}", []).append(pair.tolist())
    return {"series": found, "batches": batches, "repeated": _repeated(oracle.queries)}


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Largest rank correlation of two things that must be independent, over what chance allows; at most 1."""
    from scipy.special import stdtrit

    found = [results[cell.key] for cell in plan.cells]
    rows = [{name: np.array(values, dtype=float) for name, values in each["series"].items()} for each in found]
    if claim.parameters.get("paired"):
        for values in (values for row in rows for values in row.values()):
            values[:, 1::2] = values[:, : 2 * (values.shape[1] // 2) : 2]
    draws = claim.parameters["draws"]
    pairs = [pair for name in rows[0] for pair in _of_series(name, *(row[name] for row in rows))]
    pairs += [pair for row in rows for pair in _of_levels(row)]
    pairs += [pair for each in found for pair in _of_batches(each["batches"], draws)]
    if not pairs:
        return Measurement(
            1.0, 0.0, Limits(0.0, 0.0), obstacle="steps have no noise, so that there is nothing to compare"
        )
    # t = r sqrt((n - 2)/(1 - r^2)) has n - 2 degrees of freedom, for ranks to good approximation; n >= draws - 1.
    t = -float(stdtrit(draws - 3.0, (1 - level) / (2 * len(pairs))))
    allowed = t / np.sqrt(draws - 3.0 + t**2)
    ratios = [(abs(_rank_correlation(a, b)) / allowed, what) for a, b, what in pairs]
    repeated = max(each["repeated"] for each in found)
    if repeated:
        ratios.append((np.inf, f"{repeated} queries of a step ask for a point twice, every time"))
    shared = next((name for name in rows[0] if all(_is_shared(row[name]) for row in rows)), None)
    if shared is not None:
        ratios.append((np.inf, f"replicates share their random numbers: {shared} is the same in all of them"))
    worst, where = max(ratios)
    note = f"largest: {where}; {len(pairs)} correlations, each at most {allowed:.3g} by chance"
    return Measurement(1.0, worst, Limits(worst, worst), note, series={"allowed": float(allowed)})


def _of_series(name: str, first: Array, second: Array) -> Iterator[tuple[Array, Array, str]]:
    """Pairs of sequences over the draws, of one projected increment or sample; none where it never varies.

    What BLAS rounds differently from row to row is no variation.
    """
    if all(np.ptp(cell) <= 1e-12 * (1 + np.abs(cell).max()) for cell in (first, second)):
        return
    replicates = first.shape[1]
    for cell, values in enumerate((first, second)):
        for i in range(replicates):
            for j in range(replicates):
                if i < j:
                    yield values[:, i], values[:, j], f"{name} of replicates {i} and {j} in cell {cell}"
                yield values[:-1, i], values[1:, j], f"{name} of replicate {i} and of {j} a step later in cell {cell}"
    for i in range(replicates):
        for j in range(replicates):
            yield first[:, i], second[:, j], f"{name} of replicate {i} and of {j} in the other cell"


def _is_shared(values: Array) -> bool:
    """Whether a projection varies over the draws and never over the replicates, beyond what BLAS rounds differently."""
    unit = 1e-12 * (1 + np.abs(values).max())
    return bool(np.ptp(values[:, 0]) > unit and np.ptp(values, axis=1).max() <= unit)


def _of_levels(row: Mapping[str, Array]) -> Iterator[tuple[Array, Array, str]]:
    """The samples of both levels, replicate by replicate."""
    if {"sample of G", "sample of F"} <= set(row):
        for i, (inner, outer) in enumerate(zip(row["sample of G"].T, row["sample of F"].T, strict=True)):
            yield inner, outer, f"samples of G and F in replicate {i}"


def _of_batches(batches: Mapping[str, Any], draws: int) -> Iterator[tuple[Array, Array, str]]:
    """The first two samples of every batch, and those of both levels; a batch that is the same each time is a set."""
    drawn = {name: np.array(values, dtype=float) for name, values in batches.items() if len(values) == draws}
    drawn = {name: pairs for name, pairs in drawn.items() if np.ptp(pairs, axis=0).any()}
    for name, pairs in drawn.items():
        other = drawn.get(name.replace(" of G", " of F"), pairs)
        for i in range(pairs.shape[1]):
            yield pairs[:, i, 0], pairs[:, i, 1], f"two samples of {name} in replicate {i}"
            if other is not pairs:
                yield pairs[:, i, 0], other[:, i, 0], f"samples of {name} and of F in replicate {i}"


def _rank_correlation(a: Array, b: Array) -> float:
    """Spearman's correlation; 1 where either does not vary, since what repeats itself is not drawn anew."""
    from scipy.stats import rankdata

    ranks = [rankdata(values) for values in (a, b)]
    if any(np.ptp(each) == 0 for each in ranks):
        return 1.0
    return float(np.corrcoef(*ranks)[0, 1])
