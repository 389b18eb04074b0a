"""One iteration as a law: the mean direction, its derivatives and the noise of a solver on a problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.arrays import Array

from ..estimators.presets import Preset
from ..estimators.surrogates import resolve_radii
from ..proof.theorem import TheoremError
from .averaged import VECTORS, Environments, LinearNoise, noise_of_environments
from .cubature import cubature, root
from .skewness import iteration_skewness

__all__ = ["LocalLaw", "Means"]


@dataclass(frozen=True, eq=False)
class Means:
    """Means over N(m, P) in one iteration.

    Attributes
    ----------
    stationarity : E|grad Psi|^2.
    direction, with_state, spread : E D (n,), Cov(s, D) and Var D (n, n).
    second : E[y y'] of y = (G_z, v, F_z, F_x), (3p + d, 3p + d).
    root : L with L L' = P.
    """

    stationarity: float
    direction: Array
    with_state: Array
    spread: Array
    second: Array
    root: Array


class LocalLaw:
    """Mean direction and noise of a solver on a problem, at points and averaged over normal laws.

    Parameters
    ----------
    preset, problem, solver : as in ``closure_moments``, which says what is refused.
    """

    def __init__(self, preset: Preset | None, problem: Any, solver: Any) -> None:
        preset = _checked(preset, problem, solver)
        self._preset, self._problem, self._solver = preset, problem, solver
        self.p, self.d = p, d = problem.p, problem.d
        self.n = 2 * p + d
        h, eta = solver.h, solver.outer_radius(p, d)
        ratio = None if h > 0 and eta > 0 else preset.ratio(p, d, getattr(solver, "curvature_ratio", 1.0))
        self._options = (solver.l1, solver.l2, *resolve_radii(h, eta, ratio), solver.outer_directions)
        self.points, self.weights = cubature(self.n)
        self._weighted = self.weights[:, None] * self.points
        self.linear: LinearNoise | None = None
        if problem.card is not None and problem.card.quadratic_inner:
            matrices = self._matrices(np.zeros((1, p)), np.zeros((1, d)))
            only = {name: value[0] for name, value in matrices.items()}
            self.linear = LinearNoise(lambda second: self._evaluate(only, second), 3 * p + d)

    def steps(self, k: int) -> Array:
        """The diagonal of T in iteration k."""
        rho, gamma = self._solver.steps(k)
        return np.concatenate([np.full(2 * self.p, rho), np.full(self.d, gamma)])

    def split(self, s: Array) -> tuple[Array, Array, Array]:
        """z, v and x of states (..., n)."""
        return s[..., : self.p], s[..., self.p : 2 * self.p], s[..., 2 * self.p :]

    def vectors(self, s: Array) -> tuple[Array, Array]:
        """Mean direction D (..., n), and y = (G_z, v, F_z, F_x) (..., 3p + d), at states (..., n)."""
        of, (z, v, x) = self._problem, self.split(s)
        g_z, f_z, f_x = of.inner_grad_z(z, x), of.outer_grad_z(z, x), of.outer_grad_x(z, x)
        direction = np.concatenate([g_z, of.inner_hvp_zz(z, x, v) + f_z, of.inner_jvp_xz(z, x, v) + f_x], axis=-1)
        return direction, np.concatenate([g_z, v, f_z, f_x], axis=-1)

    def hypergradient(self, s: Array) -> Array:
        """grad Psi at states (..., n), (..., d)."""
        found: Array = self._problem.hypergradient(s[..., 2 * self.p :])
        return found

    def at(self, mean: Array, covariance: Array) -> Means:
        """Means over N(mean, covariance)."""
        lift = root(covariance)
        states = mean + self.points @ lift.T
        direction, vectors = self.vectors(states)
        gradient = self.hypergradient(states)
        average = self.weights @ direction
        centred = direction - average
        weighted = self.weights[:, None] * centred
        return Means(
            float(self.weights @ np.vecdot(gradient, gradient)),
            average,
            lift @ (self._weighted.T @ centred),
            centred.T @ weighted,
            vectors.T @ (self.weights[:, None] * vectors),
            lift,
        )

    def noise(self, second: Array, mean: Array, lift: Array) -> Array:
        """E N over a normal law: exact for quadratic G, else by a rule of degree 3 with the Hessian at each point."""
        if self.linear is not None:
            return self.linear(second)
        if not lift.any():
            single: Array = self.noise_at(mean[None])[0]
            return single
        axes = np.sqrt(self.n) * lift.T
        found: Array = self.noise_at(np.concatenate([mean + axes, mean - axes])).mean(axis=0)
        return found

    def noise_at(self, states: Array) -> Array:
        """N at states (N, n), (N, n, n)."""
        vectors = self.vectors(states)[1]
        z, _, x = self.split(states)
        return self._evaluate(self._matrices(z, x), vectors[:, :, None] * vectors[:, None, :])

    def share_of_radii(self, state: Array) -> float:
        """How much of the trace of N at a state the radii add: near 1 where the noise vanishes with them."""
        vectors = self.vectors(state)[1]
        z, _, x = self.split(state[None])
        environments = Environments(self._matrices(z, x), np.outer(vectors, vectors))
        l1, l2, r, radius, outer = self._options
        whole, limit = (
            float(np.trace(noise_of_environments(self._preset, environments, l1, l2, r, size, outer)[0]))
            for size in (radius, 0.0)
        )
        return 1 - limit / whole if whole > 0 else 1.0

    def _matrices(self, z: Array, x: Array) -> dict[str, Array]:
        inner = zip(*map(self._problem.inner_hessian, z, x), strict=True)
        a, c, b = (np.stack(blocks) for blocks in inner)
        # The Hessian of F enters with squared radii only: once, in the middle of the states, is enough.
        outer = self._problem.outer_hessian(z.mean(axis=0), x.mean(axis=0))
        f_zz, f_xz, f_xx = (np.asarray(block)[None] for block in outer)
        return {"A": a, "C": c, "B": b, "F_zz": f_zz, "F_xz": f_xz, "F_xx": f_xx}

    def skewness(self, mean: Array) -> Array:
        """Third cumulants of one iteration's surrogates at a state, (n, n, n)."""
        p = self.p
        z, _, x = self.split(mean[None])
        matrices = {name: value[0] for name, value in self._matrices(z, x).items()}
        parts = np.split(self.vectors(mean)[1], np.cumsum([p, p, p]))
        return iteration_skewness(self._preset, matrices, dict(zip(VECTORS, parts, strict=True)), *self._options)

    def _evaluate(self, matrices: dict[str, Array], second: Array) -> Array:
        return noise_of_environments(self._preset, Environments(matrices, second), *self._options)


def _checked(preset: Preset | None, problem: Any, solver: Any) -> Preset:
    if preset is None:
        raise TheoremError("exact derivatives have no noise of directions to speak of")
    preset.check()
    for name, wanted in (("v_radius", None), ("law", "gaussian")):
        if getattr(solver, name, wanted) != wanted:
            raise TheoremError(f"the closure needs {name}={wanted!r}, the solver has {getattr(solver, name)!r}")
    if problem.stochastic:
        raise TheoremError("the closure is derived for exact values; the problem has samples")
    if problem.capabilities.project_x is not None:
        raise TheoremError(f"the closure is derived without projection; {problem.name} restricts x")
    problem.require(
        "inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x", "hypergradient",
        "inner_hessian", "outer_hessian",
    )  # fmt: skip
    return preset
