"""P11: replicates, iterations, levels and cells are independent of each other.

Two cells let the solver take one step from the same state many times, for a few replicates. Each step's increments of
z, v and x are projected onto fixed vectors. Rank correlations over the steps must be those of independent numbers:
between two replicates of one step, between a step and the next one, between the cells, and between the samples that
were drawn of G and of F.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array, Samples
from zoba_bench.oracle import Oracle
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
TITLE = "independence of replicates, iterations, levels and cells"
TOLERANCE = "1, in units of the largest rank correlation that chance leaves at this confidence."
LEAVES_OPEN = "Dependence that no rank correlation of the projections sees."
PARAMETERS = Parameters(
    {"problem": PROBLEM, "options": OPTIONS, "draws": COUNT, "replicates": COUNT}, {"paired": FLAG}
)  # fmt: skip

#: Iterations before the state; the first step of a method with a memory has no noise.
_SETTLED = 2
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
    """An oracle that keeps the first samples of each level that a step draws."""

    def restart(self) -> None:
        """Forget the samples of the last step."""
        self.first: dict[str, Samples] = {}

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


def increments(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], draws: int,
    replicates: int, block: int,
) -> dict[str, Any]:  # fmt: skip
    """Projected increments of z, v, x and the first samples of both levels, each of shape (draws, replicates)."""
    built, configuration = build_problem(problem), build_solver(solver, options)
    configuration.check(built)
    weights = np.random.default_rng(5)
    along = {name: weights.standard_normal(size) for name, size in (("z", built.p), ("v", built.p), ("x", built.d))}
    one = configuration.init(Oracle(built, 1), rng, *(a[None] for a in start(built)))
    for _ in range(_SETTLED):
        one = configuration.step(one)
    oracle = _Recorder(built, replicates)
    found: dict[str, list[Any]] = {}
    for _ in range(draws):
        oracle.restart()
        after = configuration.step(copies(one, oracle, rng))
        for name, vector in along.items():
            found.setdefault(name, []).append(((getattr(after, name) - getattr(one, name)) @ vector).tolist())
        for level, sample in oracle.first.items():
            found.setdefault(f"sample of {level}", []).append(sample.reshape(replicates, -1)[:, 0].tolist())
    return found


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Largest rank correlation of two things that must be independent, over what chance allows; at most 1."""
    from scipy.special import stdtrit

    rows = [{name: np.array(values, dtype=float) for name, values in results[cell.key].items()} for cell in plan.cells]
    if claim.parameters.get("paired"):
        for values in (values for row in rows for values in row.values()):
            values[:, 1::2] = values[:, : 2 * (values.shape[1] // 2) : 2]
    draws = claim.parameters["draws"]
    pairs = [pair for name in rows[0] for pair in _of_series(name, *(row[name] for row in rows))]
    pairs += [pair for row in rows for pair in _of_levels(row)]
    if not pairs:
        return Measurement(
            1.0, 0.0, Limits(0.0, 0.0), obstacle="steps have no noise, so that there is nothing to compare"
        )
    # t = r sqrt((n - 2)/(1 - r^2)) has n - 2 degrees of freedom, for ranks to good approximation; n >= draws - 1.
    t = -float(stdtrit(draws - 3.0, (1 - level) / (2 * len(pairs))))
    allowed = t / np.sqrt(draws - 3.0 + t**2)
    ratios = [(abs(_rank_correlation(a, b)) / allowed, what) for a, b, what in pairs]
    worst, where = max(ratios)
    note = f"largest: {where}; {len(pairs)} correlations, each at most {allowed:.3g} by chance"
    return Measurement(1.0, worst, Limits(worst, worst), note)


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


def _of_levels(row: Mapping[str, Array]) -> Iterator[tuple[Array, Array, str]]:
    """The samples of both levels, replicate by replicate."""
    if {"sample of G", "sample of F"} <= set(row):
        for i, (inner, outer) in enumerate(zip(row["sample of G"].T, row["sample of F"].T, strict=True)):
            yield inner, outer, f"samples of G and F in replicate {i}"


def _rank_correlation(a: Array, b: Array) -> float:
    """Spearman's correlation; 1 where either does not vary, since what repeats itself is not drawn anew."""
    from scipy.stats import rankdata

    ranks = [rankdata(values) for values in (a, b)]
    if any(np.ptp(each) == 0 for each in ranks):
        return 1.0
    return float(np.corrcoef(*ranks)[0, 1])
