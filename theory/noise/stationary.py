"""Stationary and finite-horizon means of |grad Psi|^2 around the solution, without simulation.

Around the exact solution the iteration is s+ = M s + noise with M = I - T J,
T = diag(rho, rho, gamma), and J the derivative of the mean direction. The covariance of s
obeys a linear recursion, and |grad Psi|^2 is a quadratic form of the x part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_continuous_lyapunov

from zoba_bench.arrays import Array

from ..estimators.blocks import Blocks
from ..estimators.isserlis import Environment
from ..estimators.presets import Preset
from ..estimators.surrogates import resolve_radii
from .covariance import environment_noise
from .curvature import jacobian_of, lagrangian_hessian

__all__ = ["LinearModel", "StateNoise", "horizon_mean", "linear_noise", "vector_slopes"]


@dataclass(frozen=True, eq=False)
class LinearModel:
    """The iteration linearised at a solution.

    The third derivatives of G enter where the blocks have them (``CurvedBlocks``); plain ``Blocks`` are those of a
    quadratic G, or of one with v* = 0.

    Attributes
    ----------
    J : (2p + d, 2p + d) derivative of the mean direction in (z, v, x).
    Q : (2p + d, 2p + d) with |grad Psi|^2 = s' Q s to second order.
    hessian : (d, d), of Psi.
    """

    J: Array
    Q: Array
    hessian: Array

    @classmethod
    def at(cls, blocks: Blocks) -> LinearModel:
        """The model at an exact solution."""
        b = blocks
        p, d = b.p, b.d
        jacobian = jacobian_of(b)
        zz, xz, xx = lagrangian_hessian(b)
        lift = np.vstack([-np.linalg.solve(b.A, b.C.T), np.eye(d)])
        hessian = lift.T @ np.block([[zz, xz.T], [xz, xx]]) @ lift
        weight = np.zeros_like(jacobian)
        weight[2 * p :, 2 * p :] = hessian.T @ hessian
        return cls(jacobian, weight, hessian)

    def steps(self, rho: float, gamma: float, d: int) -> Array:
        """The diagonal of T."""
        return np.concatenate([np.full(self.J.shape[0] - d, rho), np.full(d, gamma)])


def linear_noise(
    preset: Preset,
    blocks: Blocks,
    gamma: float,
    c: float,
    l: int = 1,
    *,
    l2: int | None = None,
    outer_directions: str = "shared",
    ratio: float | None = None,
    curvature_ratio: float = 1.0,
    multiplicative: bool = False,
) -> float:
    """A such that the stationary mean of |grad Psi|^2 is A gamma / l at constant steps.

    Parameters
    ----------
    preset : the solver's surrogates.
    blocks : derivatives at the exact solution, where G_z, A v + F_z and C v + F_x vanish.
    gamma : step of x; 0 gives the limit of small steps (c fixed).
    c : gamma / rho.
    l, l2 : inner and outer directions; ``l2=None`` is l. Without ``multiplicative`` and with
        l2 = l the value does not depend on l.
    outer_directions, ratio, curvature_ratio : as in ``iteration_noise``; radii in the limit 0.
    multiplicative : let the noise depend on the state, exactly to second moments when F is
        quadratic too.

    Raises
    ------
    ValueError : when the linearised iteration is unstable at these steps (with
        ``multiplicative``, when the second moments have no stationary value).
    """
    _check_solution(blocks)
    model = LinearModel.at(blocks)
    noise = StateNoise(preset, blocks, l, l if l2 is None else l2, outer_directions, ratio, curvature_ratio)
    if gamma == 0:
        scale = model.steps(1 / c, 1.0, blocks.d)
        drift = scale[:, None] * model.J
        _require_stable(float(-np.linalg.eigvals(drift).real.min()) < 0, gamma, c)
        q = scale[:, None] * noise.exact() * scale
        return float(np.sum(model.Q * solve_continuous_lyapunov(drift, q)) * l)
    scale = model.steps(gamma / c, gamma, blocks.d)
    update = np.eye(scale.size) - scale[:, None] * model.J
    additive = scale[:, None] * noise.exact() * scale
    covariance = _discrete_lyapunov(update, additive)
    _require_stable(covariance is not None, gamma, c)
    assert covariance is not None
    if multiplicative:
        covariance = _state_dependent(update, scale, covariance, noise, model, gamma, c)
    return float(np.sum(model.Q * covariance) * l / gamma)


def horizon_mean(
    preset: Preset,
    blocks: Blocks,
    gamma: float,
    c: float,
    l: int,
    K: int,
    *,
    l2: int | None = None,
    outer_directions: str = "shared",
    ratio: float | None = None,
    curvature_ratio: float = 1.0,
) -> float:
    """Mean over k < K of E|grad Psi(x_k)|^2 of the linearised iteration started at the solution.

    Arguments as in :func:`linear_noise`; here the value itself is returned, in units of
    |grad Psi|^2. The sum of K covariances takes about 2 log2(K) matrix products.
    """
    _check_solution(blocks)
    if K < 1:
        raise ValueError(f"K must be a positive integer, got {K!r}")
    model = LinearModel.at(blocks)
    noise = StateNoise(preset, blocks, l, l if l2 is None else l2, outer_directions, ratio, curvature_ratio)
    scale = model.steps(gamma / c, gamma, blocks.d)
    update = np.eye(scale.size) - scale[:, None] * model.J
    additive = scale[:, None] * noise.exact() * scale
    _, total = _partial_sums(update, additive, K)
    return float(np.sum(model.Q * total) / K)


def _partial_sums(update: Array, additive: Array, count: int) -> tuple[Array, Array]:
    """P_n = sum_{j<n} M^j N M'^j and S_n = sum_{k<n} P_k at n = count, by doubling.

    P_{n+m} = P_n + M^n P_m M'^n, hence S_{n+m} = S_n + m P_n + M^n S_m M'^n.
    """
    power, n, covariance, total = np.eye(update.shape[0]), 0, np.zeros_like(update), np.zeros_like(update)
    for bit in bin(count)[2:]:
        # A power that has died out would go on as denormal numbers, which are slow.
        power[np.abs(power) < 1e-200] = 0.0
        if n:
            total = total + n * covariance + power @ total @ power.T
            covariance = covariance + power @ covariance @ power.T
            power, n = power @ power, 2 * n
        if bit == "1":
            total = total + covariance
            covariance = additive + update @ covariance @ update.T
            power, n = update @ power, n + 1
    return covariance, total


def _discrete_lyapunov(update: Array, additive: Array) -> Array | None:
    """P = M P M' + N by doubling (Smith's method); None when M is not stable."""
    covariance, power = additive, update
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(64):
            size = np.abs(power).max()
            if not size < 1e100:
                return None
            if size < 1e-12:
                # The remaining sum is below (size n)^2 of what is there.
                return covariance
            covariance = covariance + power @ covariance @ power.T
            power = power @ power
    return None


class StateNoise:
    """One iteration's covariance at the solution, or averaged over states around it."""

    def __init__(
        self,
        preset: Preset,
        blocks: Blocks,
        l1: int,
        l2: int,
        outer_directions: str,
        ratio: float | None,
        curvature_ratio: float,
    ) -> None:
        r = preset.ratio(blocks.p, blocks.d, curvature_ratio) if ratio is None else ratio
        self._r, _ = resolve_radii(0.0, 0.0, r)
        self._preset, self._blocks, self._counts, self._outer = preset, blocks, (l1, l2), outer_directions

    def exact(self) -> Array:
        """At the solution."""
        return self._evaluate(self._blocks.environment())

    def around(self, model: LinearModel, covariance: Array) -> Array:
        """Mean over states with this covariance: the gradients and v are affine in the state, for quadratic G and F."""
        b = self._blocks
        slopes = vector_slopes(b)
        vectors = b.vectors

        def second(one: str, two: str) -> Array:
            return np.outer(vectors[one], vectors[two]) + slopes[one] @ covariance @ slopes[two].T

        return self._evaluate(Environment(b.matrices, second))

    def _evaluate(self, environment: Environment) -> Array:
        return environment_noise(self._preset, environment, *self._counts, self._r, 0.0, self._outer)


def vector_slopes(blocks: Blocks) -> dict[str, Array]:
    """Derivatives in (z, v, x) of the vectors that the noise depends on: G_z, v, F_z and F_x."""
    b, p, d = blocks, blocks.p, blocks.d
    nothing = np.zeros((p, p))
    return {
        "G_z": np.hstack([b.A, nothing, b.C.T]),
        "v": np.hstack([nothing, np.eye(p), np.zeros((p, d))]),
        "F_z": np.hstack([b.F_zz, nothing, b.F_xz.T]),
        "F_x": np.hstack([b.F_xz, np.zeros((d, p)), b.F_xx]),
    }


def _state_dependent(
    update: Array,
    scale: Array,
    covariance: Array,
    noise: StateNoise,
    model: LinearModel,
    gamma: float,
    c: float,
) -> Array:
    """Stationary covariance with the noise of the states it describes, by fixed-point iteration."""
    for _ in range(500):
        additive = scale[:, None] * noise.around(model, covariance) * scale
        following = _discrete_lyapunov(update, additive)
        assert following is not None  # the update was stable before, and does not change
        change = np.abs(following - covariance).max()
        covariance = following
        if not np.isfinite(change) or np.abs(covariance).max() > 1e12:
            break
        if change <= 1e-12 * np.abs(covariance).max():
            return covariance
    raise ValueError(f"the second moments have no stationary value at gamma={gamma!r}, c={c!r}: use more directions")


def _check_solution(blocks: Blocks) -> None:
    b = blocks
    scale = 1e-6 * (1 + np.abs(b.A @ b.v).max() + np.abs(b.C @ b.v).max())
    for name, residual in (
        ("G_z", b.G_z),
        ("A v + F_z", b.A @ b.v + b.F_z),
        ("C v + F_x", b.C @ b.v + b.F_x),
    ):
        if np.abs(residual).max() > scale:
            raise ValueError(f"blocks are not those of an exact solution: {name} = {residual!r}, needs to vanish")


def _require_stable(stable: bool, gamma: float, c: float) -> None:
    if not stable:
        raise ValueError(f"the linearised iteration is unstable at gamma={gamma!r}, c={c!r}; lower gamma")
