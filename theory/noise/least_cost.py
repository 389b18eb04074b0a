"""The least evaluations to an accuracy on a quadratic problem, exactly: what the count of a plan is compared with.

At constant steps mean and second moment of a run follow the recursion of :mod:`.run_moments`, whose noise is that of
one direction over their number l = l1 = l2. They are followed until the mean of E|grad Psi|^2 over the iterates is at
most eps. Steps and l are tried out on a grid of powers of sqrt(2) around the best so far, until no neighbour is
cheaper. Radii are at their limit zero, in favour of the run: they only add noise on a quadratic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from zoba_bench.arrays import Array

from ..estimators.presets import Preset
from ..proof.theorem import TheoremError
from ..symbols import b1, b2, l1, l2
from .curvature import CurvedBlocks
from .run_moments import QuadraticNoise, pack, quadratic_between, unpack
from .stationary import LinearModel

__all__ = ["LeastCost", "least_cost"]

_STEP = math.sqrt(2)
#: Iterations after which a setting counts as too slow, and the size of a second moment that has diverged.
_LONGEST, _HUGE = 100_000, 1e100
#: Iterations that are followed at once.
_BLOCK = 64


@dataclass(frozen=True)
class LeastCost:
    """The cheapest run of those tried: evaluations of both levels, iterations, steps and l directions of each level."""

    evaluations: float
    iterations: int
    rho: float
    gamma: float
    l: int


def least_cost(preset: Preset, problem: Any, start: Sequence[Array], eps: float) -> LeastCost:
    """The least evaluations after which the mean of E|grad Psi(x_k)|^2 over k < K is at most eps.

    Parameters
    ----------
    preset : the solver's surrogates.
    problem : a BilevelProblem with exact values, quadratic, with a unique minimiser.
    start : z, v and x.
    eps : the accuracy, above 0.

    Raises
    ------
    TheoremError : the problem is not quadratic, has samples, or no setting that was tried gets there.
    ValueError : the problem lacks something, named.
    """
    if problem.stochastic:
        raise TheoremError("the least cost is for exact values; the problem has samples")
    problem.require("minimizer", "inner_solution", "adjoint", "inner_hessian", "outer_hessian")
    best = problem.minimizer
    solution = (problem.inner_solution(best), problem.adjoint(best), best)
    if not quadratic_between(problem, start, solution):
        raise TheoremError("the least cost is for problems whose both levels are quadratic")
    offset = np.concatenate([one - two for one, two in zip(start, solution, strict=True)])
    runs = _Runs(preset, CurvedBlocks.at(problem, best), offset, eps)
    if runs.stationarity(np.outer(offset, offset)) <= eps:
        raise TheoremError(f"the start has |grad Psi|^2 <= eps={eps!r} already")
    with np.errstate(over="ignore", invalid="ignore"):  # settings that diverge are tried too
        return runs.search()


class _Runs:
    """All runs of a preset from one start: the moments of their noise are computed once."""

    def __init__(self, preset: Preset, blocks: Any, offset: Array, eps: float) -> None:
        self._model, self._d = LinearModel.at(blocks), blocks.d
        self._eps = eps
        n = offset.size
        noise = QuadraticNoise(preset, blocks, 1, 1, preset.ratio(blocks.p, blocks.d), 0.0, "shared")
        constant = noise(np.zeros(n), np.zeros((n, n)))
        # The state is (1, mean, upper triangle of the second moment); each of its units, and the noise of one direction
        # that comes from it.
        units = [unpack(state, n) for state in np.eye(1 + n + n * (n + 1) // 2)]
        self._means, self._seconds = (np.array(part) for part in zip(*units, strict=True))
        self._noise = np.array([constant, *(noise(mean, second) - constant for mean, second in units[1:])])
        self._start = pack(offset, np.outer(offset, offset))
        self._square = np.array([self.stationarity(second) for second in self._seconds])
        total = sum(preset.evaluations.values()).subs({b1: 1, b2: 1})
        self._fixed = float(total.subs({l1: 0, l2: 0}))
        self._each = float(total.subs({l1: 1, l2: 1})) - self._fixed

    def stationarity(self, second: Array) -> float:
        """E|grad Psi|^2."""
        return float(np.sum(self._model.Q * second))

    def cost(self, rho: float, gamma: float, l: int, most: float) -> tuple[float, int]:
        """Evaluations and iterations until the running mean is at most eps; infinite where that takes ``most``."""
        scale = self._model.steps(rho, gamma, self._d)
        update = np.eye(scale.size) - scale[:, None] * self._model.J
        seconds = update @ self._seconds @ update.T + np.outer(scale, scale) / l * self._noise
        moved = np.array([pack(update @ mean, second) for mean, second in zip(self._means, seconds, strict=True)]).T
        moved[0] = np.eye(len(moved))[0]
        # A block of iterations at a time: its terms are rows times the state at its begin.
        rows = [self._square]
        for _ in range(_BLOCK - 1):
            rows.append(rows[-1] @ moved)
        leap = np.linalg.matrix_power(moved, _BLOCK)
        each, total, state = self._fixed + self._each * l, 0.0, self._start
        for begin in range(0, int(min(_LONGEST, most / each)), _BLOCK):
            sums = total + np.cumsum(rows @ state)
            within = np.flatnonzero(sums <= self._eps * np.arange(begin + 1, begin + _BLOCK + 1))
            if within.size:
                K = begin + int(within[0]) + 1
                return each * K, K
            total, state = float(sums[-1]), leap @ state
            if not total < _HUGE:
                break
        return math.inf, 0

    def search(self) -> LeastCost:
        """From steps of 1/(4 L) and as many directions as they need, to the best neighbour until there is none."""
        gamma = 0.25 / float(np.linalg.norm(self._model.hessian, 2))
        rho = 0.25 / float(np.linalg.norm(self._model.J[: -self._d, : -self._d], 2))
        known: dict[tuple[int, int, int], tuple[float, int]] = {}

        def setting(at: tuple[int, int, int]) -> tuple[float, float, int]:
            return rho * _STEP ** at[0], gamma * _STEP ** at[1], round(_STEP ** at[2])

        def tried(at: tuple[int, int, int], most: float) -> float:
            if at not in known:
                known[at] = self.cost(*setting(at), most)
            return known[at][0]

        at, found = (0, 0, 0), math.inf
        while math.isinf(found) and at[2] <= 80:
            found = tried(at, math.inf)
            at = (0, 0, at[2] + (4 if math.isinf(found) else 0))
        if math.isinf(found):
            raise TheoremError(f"no number of directions reaches eps={self._eps!r} at rho={rho:.3g}, gamma={gamma:.3g}")
        while True:
            around = [tuple(a + b for a, b in zip(at, move, strict=True)) for move in product((-1, 0, 1), repeat=3)]
            costs = {(i, j, m): tried((i, j, m), found) for i, j, m in around if m >= 0}
            cheapest = min(costs, key=lambda one: costs[one])
            if not costs[cheapest] < found:
                break
            at, found = cheapest, costs[cheapest]
        steps = setting(at)
        return LeastCost(found, known[at][1], *steps)
