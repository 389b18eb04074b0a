"""Predictions of the very run, to second order in the noise: means over a horizon and iterations to eps.

They are numbers for one configuration as it runs: its steps, its whole numbers of directions, its radii. The
asymptotic statement (the floor A gamma / l, the orders in eps, p and d) stands beside them and is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.arrays import Array

from ..estimators.presets import Preset
from ..proof.theorem import TheoremError
from ..symbols import b1, b2, l1, l2
from .closure import closure_moments
from .curvature import CurvedBlocks
from .local_law import LocalLaw
from .stationary import LinearModel

__all__ = [
    "Crossing", "HorizonMean", "TransientMean", "closure_crossing", "closure_horizon_mean", "closure_transient_means",
    "evaluations_of_iteration",
]  # fmt: skip

#: Share of the radii in the noise beyond which their bias counts as well.
_RADII = 0.01


@dataclass(frozen=True)
class HorizonMean:
    """The mean over k < K of E|grad Psi(x_k)|^2 from the exact solution.

    Attributes
    ----------
    value : by the Gaussian closure, with the effect of third cumulants.
    linear : by the linear law with the noise of the solution.
    third : the part of ``value`` that third cumulants make.
    """

    value: float
    linear: float
    third: float

    @property
    def remainder(self) -> float:
        """What is left out of ``value``, relative to it: a derived size, for tolerances.

        With e = gamma/l, value/linear = 1 + a e + (terms of e^2 and beyond), and a e is what the closure and the third
        cumulants add. The terms left out have the size (a e)^2 if the series goes on as it began. Where parts of a e
        cancel, the part of the third cumulants alone is the better measure; the larger of the two is taken.
        """
        return max((self.value / self.linear - 1) ** 2, abs(self.third / self.value))


@dataclass(frozen=True)
class TransientMean:
    """The mean over k < K of E|grad Psi(x_k)|^2 from a far start.

    Attributes
    ----------
    value : by the Gaussian closure, with the effect of third cumulants.
    path : without noise, along the mean iteration.
    third : the part of ``value`` that third cumulants make.
    """

    value: float
    path: float
    third: float

    @property
    def noise(self) -> float:
        """What the noise changes, relative to the path: 1 if as much comes from it as from the way."""
        return abs(self.value / self.path - 1)

    @property
    def remainder(self) -> float:
        """What is left out of ``value``, relative to it: a derived size, for tolerances.

        With e = gamma/l, value/path = 1 + a e + (terms of e^2 and beyond). The closure has the term a e, which is the
        floor and the curvature along the way, and of e^2 what normal laws and third cumulants make. The terms left out
        have the size (a e)^2 if the series goes on as it began; the part of the third cumulants is taken where larger.
        """
        return max(self.noise**2, abs(self.third / self.value))


@dataclass(frozen=True)
class Crossing:
    """The first K at which the mean over k < K of E|grad Psi(x_k)|^2 is at most eps.

    Attributes
    ----------
    iterations : K.
    per_iteration : evaluations of both levels in one iteration, as it runs.
    remainder : relative size of what is left out of K, for tolerances.
    """

    iterations: int
    per_iteration: int
    remainder: float

    @property
    def evaluations(self) -> int:
        """Evaluations of both levels up to there."""
        return self.iterations * self.per_iteration


def closure_horizon_mean(preset: Preset | None, problem: Any, solver: Any, K: int) -> HorizonMean:
    """Mean over k < K of E|grad Psi(x_k)|^2 of a solver's run from the exact (z*, v*, x*).

    Parameters
    ----------
    preset, problem, solver, K : as in :func:`~zoba_bench.theory.noise.closure.closure_moments`; the problem with its
        minimiser, ``inner_solution`` and ``adjoint``.

    Raises
    ------
    TheoremError, ValueError : as there; also where the noise at the solution vanishes with the radii.
    """
    problem.require("minimizer", "inner_solution", "adjoint")
    best = problem.minimizer
    start = (problem.inner_solution(best), problem.adjoint(best), best)
    local, solution = LocalLaw(preset, problem, solver), np.concatenate(start)
    share = local.share_of_radii(solution)
    if share > _RADII:
        raise TheoremError(
            f"{share:.0%} of the noise at the solution of {problem.name} is that of the radii, whose bias is not "
            "derived: tilt the problem, draw outer directions of their own, or claim the rate instead"
        )
    linear = _linear_mean(local, problem, solution, K)
    found = closure_moments(preset, problem, start, solver, K, third=True)
    return HorizonMean(float(found.running[-1]), linear, float(found.omitted.mean()))


def _linear_mean(local: LocalLaw, problem: Any, solution: Array, K: int) -> float:
    """As ``stationary.horizon_mean``, with the solver's own steps and radii."""
    model = LinearModel.at(CurvedBlocks.at(problem, problem.minimizer))
    nothing = np.zeros((local.n, local.n))
    at = local.at(solution, nothing)
    noise = local.noise(at.second, solution, nothing)
    covariance, total = nothing, 0.0
    for k in range(K):
        total += float(np.sum(model.Q * covariance))
        scale = local.steps(k)
        update = np.eye(local.n) - scale[:, None] * model.J
        covariance = update @ covariance @ update.T + scale[:, None] * noise * scale
    return total / K


def closure_transient_means(
    preset: Preset | None, problem: Any, start: Sequence[Array], solver: Any, horizons: Sequence[int]
) -> list[TransientMean]:
    """Mean over k < K of E|grad Psi(x_k)|^2 of a solver's run from a far start, for several K.

    Parameters
    ----------
    preset, problem, start, solver : as in :func:`~zoba_bench.theory.noise.closure.closure_moments`.
    horizons : the K; one run of the closure serves all.

    Raises
    ------
    TheoremError, ValueError : as there.
    """
    most = max(horizons)
    local, state = LocalLaw(preset, problem, solver), np.concatenate([np.asarray(part, float) for part in start])
    squares = np.empty(most)
    for k in range(most):
        gradient = local.hypergradient(state)
        squares[k] = gradient @ gradient
        state = state - local.steps(k) * local.vectors(state)[0]
    paths = np.cumsum(squares)
    found = closure_moments(preset, problem, start, solver, most, third=True)
    third = np.cumsum(found.omitted)
    return [
        TransientMean(float(found.running[K - 1]), float(paths[K - 1]) / K, float(third[K - 1]) / K) for K in horizons
    ]


def closure_crossing(
    preset: Preset | None, problem: Any, start: Sequence[Array], solver: Any, eps: float, most: int
) -> Crossing:
    """Iterations and evaluations until the running mean of E|grad Psi|^2 is at most eps.

    The running mean R falls with slope dlog R/dlog K = s/R - 1, s being the last term. A relative error of R becomes
    one of K that is larger by 1 / (1 - s/R): near the floor K is the less certain.

    Parameters
    ----------
    preset, problem, start, solver : as in :func:`~zoba_bench.theory.noise.closure.closure_moments`.
    eps : target.
    most : iterations to try.

    Raises
    ------
    TheoremError, ValueError : as there; also where the mean stays above eps for ``most`` iterations.
    """
    found = closure_moments(preset, problem, start, solver, most, third=True, stop=eps)
    running = float(found.running[-1])
    if running > eps:
        raise TheoremError(f"the running mean is {running:.3g} after {most} iterations, above eps={eps!r}")
    last = float(found.stationarity[-1] + found.omitted[-1])
    fall = 1 - last / running
    remainder = float(found.remainder[-1]) / fall if fall > 0 else 0.0
    assert preset is not None  # else the closure has refused it
    return Crossing(len(found.stationarity), evaluations_of_iteration(preset, solver), remainder)


def evaluations_of_iteration(preset: Preset, solver: Any) -> int:
    """Evaluations of both levels in an iteration with exact values, for the solver's numbers of directions."""
    numbers = {l1: solver.l1, l2: solver.l2, b1: 1, b2: 1}
    return int(sum(count.subs(numbers) for count in preset.evaluations.values()))
