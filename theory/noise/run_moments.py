"""Means and second moments of (z, v, x) along a whole run, without simulation; exact where G and F are quadratic.

With s = (z, v, x) minus the exact solution, an iteration is s+ = M s + T xi with M = I - T J, T = diag(rho, rho, gamma)
and E[xi | s] = 0. On quadratics Cov(xi | s) is a polynomial of degree 2 in s, so that

    E s+ = M E s,    E[s+ s+'] = M E[s s'] M' + T E[Cov(xi | s)] T

is a linear recursion in (1, E s, E[s s']). Forward differences of a quadratic are unbiased (what the radius adds is
odd in the direction), so the radii add variance only, and all of it is counted here.

Where F is not quadratic (or G not everywhere), the same recursion from the solution is the linear-noise prediction:
what stays when the start is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.arrays import Array

from ..estimators.blocks import Blocks
from ..estimators.isserlis import Environment
from ..estimators.presets import Preset
from ..estimators.surrogates import resolve_radii
from ..proof.theorem import TheoremError
from .covariance import environment_noise
from .curvature import CurvedBlocks
from .stationary import LinearModel, vector_slopes

__all__ = [
    "QUANTITIES",
    "QuadraticNoise",
    "RunMoments",
    "moments_of_run",
    "pack",
    "quadratic_between",
    "run_moments",
    "unpack",
]


#: What is derived from the moments, each an expectation.
QUANTITIES = ("distance", "gap", "stationarity", "distance_to_point")


@dataclass(frozen=True, eq=False)
class RunMoments:
    """Mean and second moment of (z, v, x) - (z*, v*, x*), averaged over some iterates.

    Attributes
    ----------
    mean : (2p + d,)
    second : (2p + d, 2p + d)
    hessian : (d, d), of Psi at x*.
    minimizer : (d,), x*.
    response : (d, 2p + d), grad Psi of the point at which the mean iteration rests, over a bias of (D_z, D_v, D_x).
    exact : whether this holds for the run from its start, both objectives being quadratic between there and the
        solution; otherwise it is the linear-noise prediction of what stays, as if from the solution.
    """

    mean: Array
    second: Array
    hessian: Array
    minimizer: Array
    response: Array
    exact: bool

    def of_bias(self, z: float, v: float, x: float) -> float:
        """A bound on |grad Psi|^2 where the mean iteration rests, from bounds on the bias of D_z, D_v and D_x.

        From the solution the mean goes there, at most, so that biased directions add no more than this to
        E|grad Psi|^2, to first order in the bias: the noise has mean zero.
        """
        d = len(self.minimizer)
        p = (self.response.shape[1] - d) // 2
        blocks = (self.response[:, :p], self.response[:, p : 2 * p], self.response[:, 2 * p :])
        sizes = (float(np.linalg.norm(block, 2)) for block in blocks)
        return sum(size * bias for size, bias in zip(sizes, (z, v, x), strict=True)) ** 2

    def expected(self, quantity: str, point: Array | None = None) -> float:
        """E of one of :data:`QUANTITIES`: |x - x*|^2, Psi - Psi*, |grad Psi|^2, |x - point|^2."""
        d = len(self.minimizer)
        of_x, mean_x = self.second[-d:, -d:], self.mean[-d:]
        if quantity == "distance":
            return float(np.trace(of_x))
        if quantity == "gap":
            return float(np.sum(self.hessian * of_x) / 2)
        if quantity == "stationarity":
            return float(np.sum((self.hessian @ self.hessian) * of_x))
        if quantity == "distance_to_point" and point is not None:
            away = self.minimizer - point
            return float(np.trace(of_x) + 2 * away @ mean_x + away @ away)
        raise ValueError(f"quantity must be one of {', '.join(QUANTITIES)} (the last with a point), got {quantity!r}")


def moments_of_run(
    preset: Preset | None, problem: Any, start: Sequence[Array], solver: Any, K: int, window: int = 1
) -> RunMoments:
    """Moments of the last ``window`` of K iterates of a solver's run.

    Parameters
    ----------
    preset : the solver's surrogates.
    problem : a BilevelProblem with exact values, both Hessians and a unique minimiser.
    start : z, v and x.
    solver : with h, l1, l2, rho, gamma, outer_directions and constant steps.

    Raises
    ------
    TheoremError : the configuration is one that the moments are not derived for, named; or they grow without bound.
    ValueError : the problem lacks something, named.
    """
    if preset is None:
        raise TheoremError("exact derivatives have no noise of directions to speak of")
    preset.check()
    for name, wanted in (("schedule", "constant"), ("v_radius", None), ("law", "gaussian")):
        if getattr(solver, name, wanted) != wanted:
            raise TheoremError(f"moments of a run need {name}={wanted!r}, the solver has {getattr(solver, name)!r}")
    if problem.stochastic:
        raise TheoremError("moments of a run are derived for exact values; the problem has samples")
    problem.require("minimizer", "inner_solution", "adjoint", "inner_hessian", "outer_hessian")
    best = problem.minimizer
    blocks = CurvedBlocks.at(problem, best)
    solution = (problem.inner_solution(best), problem.adjoint(best), best)
    exact = quadratic_between(problem, start, solution)
    offset = np.concatenate([one - two for one, two in zip(start, solution, strict=True)])
    gamma = solver.rho / 2 if solver.gamma is None else solver.gamma
    mean, second, hessian = run_moments(
        preset, blocks, offset if exact else np.zeros_like(offset), solver.rho, gamma, solver.l1, solver.l2, K, window,
        h=solver.h, eta=solver.outer_radius(blocks.p, blocks.d), outer_directions=solver.outer_directions,
    )  # fmt: skip
    model = LinearModel.at(blocks)
    response = -model.hessian @ np.linalg.inv(model.J)[-blocks.d :]
    return RunMoments(mean, second, hessian, best, response, exact)


def quadratic_between(problem: Any, start: Sequence[Array], solution: Sequence[Array]) -> bool:
    """Whether all second derivatives are the same at some points from start to solution."""
    (z0, _, x0), (z1, _, x1) = start, solution
    points = [(z1 + t * (z0 - z1), x1 + t * (x0 - x1)) for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for hessian in (problem.inner_hessian, problem.outer_hessian):
        first, *others = (np.concatenate([block.ravel() for block in hessian(z, x)]) for z, x in points)
        if any(np.abs(other - first).max() > 1e-9 * np.abs(first).max() for other in others):
            return False
    return True


def run_moments(
    preset: Preset,
    blocks: Blocks,
    offset: Array,
    rho: float,
    gamma: float,
    l1: int,
    l2: int,
    K: int,
    window: int = 1,
    *,
    h: float = 0.0,
    eta: float = 0.0,
    outer_directions: str = "shared",
) -> tuple[Array, Array, Array]:
    """Mean and second moment of the iterates K - window + 1, ..., K of a run at constant steps, and the Hessian of Psi.

    Parameters
    ----------
    preset : the solver's surrogates.
    blocks : derivatives at the exact solution.
    offset : (2p + d,), the start minus the solution.
    rho, gamma, l1, l2, h, eta, outer_directions : the solver's; radii of zero are the limit.
    K, window : iterations, and how many of the last iterates are averaged over.

    Raises
    ------
    TheoremError : the moments grow without bound at these steps and directions.
    """
    if not 1 <= window <= K:
        raise ValueError(f"window must be between 1 and K={K!r}, got {window!r}")
    model = LinearModel.at(blocks)
    scale = model.steps(rho, gamma, blocks.d)
    n = scale.size
    if np.shape(offset) != (n,):
        raise ValueError(f"offset must have shape ({n},), z, v and x together, got {np.shape(offset)}")
    r, radius = resolve_radii(h, eta, None if h > 0 and eta > 0 else preset.ratio(blocks.p, blocks.d))
    update = np.eye(n) - scale[:, None] * model.J
    noise = QuadraticNoise(preset, blocks, l1, l2, r, radius, outer_directions)
    step = _recursion(update, scale, noise)
    state = pack(offset, np.outer(offset, offset))
    total = np.zeros_like(state)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(1, K + 1):
            state = step @ state
            if k > K - window:
                total += state
    if not np.isfinite(total).all() or np.abs(total).max() > 1e100:
        raise TheoremError(
            f"the second moments of the run grow without bound at rho={rho!r}, gamma={gamma!r}, l1={l1}: use smaller "
            "steps or more directions"
        )
    mean, second = unpack(total / window, n)
    return mean, second, model.hessian


class QuadraticNoise:
    """E[Cov(xi | s)] as a function of E s and E[s s']."""

    def __init__(
        self,
        preset: Preset,
        blocks: Blocks,
        l1: int,
        l2: int,
        r: float,
        radius: float,
        outer_directions: str,
    ) -> None:
        slopes = vector_slopes(blocks)
        self._slopes, self._blocks, self._preset = slopes, blocks, preset
        self._rest = (l1, l2, r, radius, outer_directions)

    def __call__(self, mean: Array, second: Array) -> Array:
        """The gradients and v are affine in s, and at most their products occur."""
        vectors, slopes = self._blocks.vectors, self._slopes

        def pair(one: str, two: str) -> Array:
            a, b, of_a, of_b = vectors[one], vectors[two], slopes[one], slopes[two]
            both: Array = np.outer(a, b) + np.outer(a, of_b @ mean) + np.outer(of_a @ mean, b) + of_a @ second @ of_b.T
            return both

        return environment_noise(self._preset, Environment(self._blocks.matrices, pair), *self._rest)


def pack(mean: Array, second: Array) -> Array:
    """(1, mean, upper triangle)."""
    return np.concatenate([[1.0], mean, second[np.triu_indices(len(mean))]])


def unpack(state: Array, n: int) -> tuple[Array, Array]:
    upper = np.zeros((n, n))
    upper[np.triu_indices(n)] = state[1 + n :]
    return state[1 : 1 + n], upper + np.triu(upper, 1).T


def _recursion(update: Array, scale: Array, noise: QuadraticNoise) -> Array:
    """The matrix of (1, m, P) -> (1, M m, M P M' + T N(m, P) T), column by column."""
    n = scale.size
    size = 1 + n + n * (n + 1) // 2
    constant = noise(np.zeros(n), np.zeros((n, n)))
    matrix = np.empty((size, size))
    for i, state in enumerate(np.eye(size)):
        mean, second = unpack(state, n)
        linear = noise(mean, second) - constant if i else constant
        following = update @ second @ update.T + scale[:, None] * linear * scale
        matrix[:, i] = pack(update @ mean, following)
        matrix[0, i] = state[0]
    return matrix
