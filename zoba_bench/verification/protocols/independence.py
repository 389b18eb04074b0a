"""P11: replicates are independent: correlations of their single steps, pair by pair and from draw to draw, against
limits.

A state that the solver reached is copied for all replicates and takes many single steps, each from the same state with
the draws that come next. What a replicate's coordinate moved is ranked over the draws and turned into normal scores.
For independent replicates the correlation of two such series has mean 0 and standard error 1/sqrt(draws - 1), whatever
the law of a step. Compared are all pairs of replicates, and each replicate's draws with its next ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.declarations import start
from zoba_bench.verification.parameters import COUNT, FLAG, OPTIONS, POWER, PROBLEM, Parameters
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.protocols.whole_step import blocks, copies

__all__ = ["PARAMETERS", "RESTS_ON_THEOREM", "TITLE", "WORK", "correlations", "judge", "plan"]

TITLE = "independence of replicates"
#: Independence is asked of every solver, with or without a theorem.
RESTS_ON_THEOREM = False
PARAMETERS = Parameters(
    {"problem": PROBLEM, "options": OPTIONS, "iteration": POWER, "replicates": COUNT, "draws": COUNT},
    {"paired": FLAG},
)

_TASK = "zoba_bench.verification.protocols.independence:correlations"


def plan(claim: Claim, seed: int) -> Plan:
    """One cell.

    ``parameters``: "problem", "options", "iteration" (of the state), "replicates", "draws" (steps from it), and for a
    control "paired": each second replicate is the one before it.
    """
    return Plan((Cell(_TASK, {"solver": claim.solver, **claim.parameters}, seed),))


def correlations(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], iteration: int,
    replicates: int, draws: int, paired: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Largest correlation in size of two replicates and of two draws, how many there are, and what moves at random."""
    built, configured = build_problem(problem), build_solver(solver, options)
    configured.check(built)
    one = configured.init(Oracle(built, 1), rng, *(a[None] for a in start(built)))
    for _ in range(iteration):
        one = configured.step(one)
    many = copies(one, Oracle(built, replicates), rng)
    moves = []
    for _ in range(draws):
        after = dict(blocks(configured.step(many)))
        moves.append(np.concatenate([after[name].reshape(replicates, -1) for name in ("z", "v", "x")], axis=1))
    moved = np.stack(moves)  # (draws, replicates, coordinates)
    if paired:
        moved[:, 1::2] = moved[:, : 2 * (replicates // 2) : 2]
    random = np.ptp(moved, axis=(0, 1)) > 1e-12 * (1 + np.abs(moved).max(axis=(0, 1)))
    if not random.any():
        return {"random": 0, "pairs": 0.0, "draws": 0.0, "tests": 0, "frozen": 0}
    scores = _scores(moved[:, :, random])
    # A replicate whose draws are all the same, while replicates differ, repeats its draws.
    frozen = int((np.ptp(moved[:, :, random], axis=0) == 0).sum())
    first, second = np.triu_indices(replicates, 1)
    pairs = np.einsum("trc,tsc->rsc", scores, scores)[first, second]
    later = np.einsum("trc,trc->rc", scores[1:], scores[:-1])
    return {
        "random": int(random.sum()), "pairs": float(np.abs(pairs).max()), "draws": float(np.abs(later).max()),
        "tests": int(pairs.size + later.size), "frozen": frozen,
    }  # fmt: skip


def _scores(moved: Array) -> Array:
    """Normal scores of the ranks over draws, of mean 0 and sum of squares 1; ties share a rank, constants get 0."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    scores: Array = ndtri(rankdata(moved, axis=0) / (len(moved) + 1))
    scores = scores - scores.mean(axis=0)
    size = np.sqrt((scores**2).sum(axis=0))
    scaled: Array = scores / np.where(size > 0, size, 1.0)
    return scaled


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """The largest correlation over its limit for all of them together; at most 1."""
    from scipy.special import ndtri

    row, draws = results[plan.cells[0].key], claim.parameters["draws"]
    if not row["random"]:
        return Measurement(
            1.0, math.nan, Limits(math.nan, math.nan), obstacle="nothing moves at random: no draws are made"
        )
    limit = float(-ndtri((1 - level) / (2 * row["tests"]))) / math.sqrt(draws - 1)
    worst = max(row["pairs"], row["draws"]) / limit
    what = "two replicates" if row["pairs"] >= row["draws"] else "a draw and the next one"
    note = f"largest correlation {worst * limit:.3g}, of {what}; limit {limit:.3g} for {row['tests']} of them"
    if row["frozen"]:
        worst, note = math.inf, f"{row['frozen']} coordinates of replicates repeat their draw from step to step"
    obstacle = "" if limit < 0.5 else f"{draws} draws are too few: correlations up to {limit:.2g} are allowed"
    return Measurement(1.0, worst, Limits(worst, worst), note, obstacle)


WORK = {
    "correlations": lambda parameters, work: work(
        {**parameters, "iterations": parameters["draws"] + parameters["iteration"]}
    )
}
