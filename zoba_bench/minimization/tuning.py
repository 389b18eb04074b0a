"""Automatic units, radii and steps for :func:`zoba_bench.minimize`, from a measured curvature.

prediction
    With J = -A^-1 C', Hess Psi = [J; I]' W [J; I]; the local quadratic model gives z* - z, v* - v
    and x* - x.
units
    z = z_c + T_z y and x = x_c + T_x s such that G / s_G and Psi / s_F have unit curvature, and
    |v| is about 1.
radii
    h = sqrt(4 e / q), as in :mod:`zoba_bench.minimization.probe`, with q = 1e-5: the surrogates' truncation
    error grows like h, so they take smaller radii than the stencil.
steps
    The linearised iteration is e+ = (I - S K) e with
    K = [[A, 0, C'], [W_zz, A, W_zx], [W_xz, C, W_xx]] and S = diag(rho W, rho W, gamma U), where
    W and U are means of l products ww' and uu'. For Gaussian directions
    E[W X W] = X + (X' + tr(X) I) / l, so the contraction of the mean square is known, and gamma is
    the one that contracts most at rho = 1 / (|A| (1 + (p + 1) / l)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.probe import Curvature, Point, Probe
from zoba_bench.problem import BilevelProblem

__all__ = [
    "CONDITION_CAP", "SURROGATE_PRECISION", "Prediction", "Units", "choose_units", "mean_square_rate",
    "mean_square_step", "predict", "scaled_matrices", "step_sizes", "surrogate_radii", "unit_root",
]  # fmt: skip


SURROGATE_PRECISION = 1e-5
CONDITION_CAP = 1e4
_EXACT = 120  # rows of K up to which the noise of the directions is part of the model


@dataclass(frozen=True)
class Prediction:
    """What the local quadratic model says of a point.

    ``a`` = z*(x) - z, ``b`` = v*(x) - v, ``gradient`` and ``hessian`` of Psi at x,
    ``dx`` = x* - x without what value noise alone can cause, whose size is ``dx_noise``.
    """

    a: Array
    b: Array
    gradient: Array
    hessian: Array
    dx: Array
    dx_noise: float

    @property
    def distance(self) -> float:
        """Predicted |x - x*|."""
        return float(np.linalg.norm(self.dx))


def unit_root(matrix: Array, added: Array | float = 0.0) -> Array:
    """T with T'(|M| + diag(added)) T = I for a symmetric M, whatever the scale of each coordinate.

    |M| has the absolute eigenvalues of M scaled to unit diagonal, none below 1 / CONDITION_CAP of
    the largest.
    """
    symmetric = (matrix + matrix.T) / 2
    largest = float(np.abs(symmetric).max())
    if largest == 0.0:
        return np.diag(1.0 / np.sqrt(1.0 + np.zeros(len(matrix)) + added))
    scale = np.sqrt(np.maximum(np.abs(np.diag(symmetric)), 1e-14 * largest))
    values, vectors = np.linalg.eigh(symmetric / np.outer(scale, scale))
    size = np.abs(values)
    size = np.maximum(size, size.max() / CONDITION_CAP)
    if np.any(added):
        full = (vectors * size) @ vectors.T + np.diag(added / scale**2)
        size, vectors = np.linalg.eigh(full)
    root: Array = (vectors / np.sqrt(size)) / scale[:, None]
    return root


def predict(probe: Probe, point: Point, curvature: Curvature) -> Prediction:
    """Where the local quadratic model puts the solution, seen from a point."""
    p = probe.p
    W, C = curvature.W, curvature.C
    T_z = unit_root(curvature.A)
    inverse = T_z @ T_z.T
    J = -inverse @ C.T
    a = -inverse @ point.inner_z
    b = -inverse @ (point.hessian_v + point.outer_z + W[:p, :p] @ a)
    gradient = point.cross_v + point.outer_x + W[p:, :p] @ a + C @ b
    lift = np.vstack([J, np.eye(probe.d)])
    hessian = lift.T @ W @ lift
    n_z, n_v, n_x = probe.predict_noise(point)
    T_x = unit_root(hessian)
    through_z = (W[p:, :p] + J.T @ W[:p, :p]) @ inverse
    noise = np.sqrt(((T_x.T * n_x) ** 2).sum(1) + ((T_x.T @ J.T * n_v) ** 2).sum(1)
                    + ((T_x.T @ through_z * n_z) ** 2).sum(1))  # fmt: skip
    # Along a direction without curvature, noise in the gradient would look like a distance.
    slope = T_x.T @ gradient
    dx = -T_x @ np.where(np.abs(slope) > 3 * noise, slope, 0.0)
    dx_noise = float(np.linalg.norm(T_x * noise))
    return Prediction(a, b, gradient, hessian, dx, dx_noise)


def _solve(matrix: Array, vector: Array) -> Array:
    return np.asarray(np.linalg.solve(matrix, vector), dtype=np.float64)


@dataclass(frozen=True)
class Units:
    """The change of variables z = z_c + T_z y, x = x_c + T_x s, and of values G / s_G, F / s_F."""

    z_c: Array
    x_c: Array
    T_z: Array
    T_x: Array
    s_G: float
    s_F: float

    def problem(self, problem: BilevelProblem) -> BilevelProblem:
        """The problem in these units; the solver's own step runs on it."""
        T_z, T_x = self.T_z.T, self.T_x.T

        def inner(y: Array, s: Array) -> Array:
            values: Array = np.asarray(problem.inner(self.z_c + y @ T_z, self.x_c + s @ T_x)) / self.s_G
            return values

        def outer(y: Array, s: Array) -> Array:
            values: Array = np.asarray(problem.outer(self.z_c + y @ T_z, self.x_c + s @ T_x)) / self.s_F
            return values

        return BilevelProblem(problem.name, problem.p, problem.d, inner, outer)

    def inside(self, z: Array, v: Array, x: Array) -> tuple[Array, Array, Array]:
        """(y, v, s) in these units; v solves G_yy v = -F_y there."""
        y = _solve(self.T_z, z - self.z_c)
        return y, _solve(self.T_z, v) * (self.s_G / self.s_F), _solve(self.T_x, x - self.x_c)

    def back(self, y: Array, v: Array, s: Array) -> tuple[Array, Array, Array]:
        """(z, v, x) in the user's units."""
        return self.z_c + self.T_z @ y, self.T_z @ v * (self.s_F / self.s_G), self.x_c + self.T_x @ s


def choose_units(
    point: Point,
    curvature: Curvature,
    prediction: Prediction,
    added: Array,
    target: float,
    *,
    identity: bool,
) -> Units:
    """Units of unit curvature, with ``added`` (d,) on the diagonal of |Hess Psi|; or the user's own.

    ``target`` is the distance in x that still matters.
    """
    p, d = len(point.z), len(point.x)
    if identity:
        return Units(np.zeros(p), np.zeros(d), np.eye(p), np.eye(d), 1.0, 1.0)
    T_z = unit_root(curvature.A)
    T_x = unit_root(prediction.hessian, added)
    # v where it is, where it should be, and how far it goes while z and x move: v* may vanish.
    W = curvature.W
    J = -T_z @ T_z.T @ curvature.C.T
    through_z, through_x = T_z.T @ W[:p, :p] @ J @ T_x, T_z.T @ W[:p, p:] @ T_x
    follow = float(np.linalg.norm(through_z, 2)) + float(np.linalg.norm(through_x, 2))
    distance = max(float(np.linalg.norm(_solve(T_x, prediction.dx))), target / float(np.linalg.norm(T_x, 2)))
    s_F = max(
        float(np.linalg.norm(_solve(T_z, point.v))),
        float(np.linalg.norm(_solve(T_z, point.v + prediction.b))),
        follow * distance,
    )
    if s_F == 0.0:  # F does not depend on z
        s_F = 1.0 / float(np.linalg.norm(T_x, 2)) ** 2
    return Units(point.z, point.x, T_z, T_x * math.sqrt(s_F), 1.0, s_F)


def scaled_matrices(curvature: Curvature, units: Units) -> tuple[Array, Array, Array]:
    """A, C and W in the given units."""
    T_z, T_x = units.T_z, units.T_x
    p = len(T_z)
    T = np.zeros((p + len(T_x),) * 2)
    T[:p, :p], T[p:, p:] = T_z, T_x
    W: Array = T.T @ curvature.W @ T / units.s_F
    return T_z.T @ curvature.A @ T_z / units.s_G, T_x.T @ curvature.C @ T_z / units.s_G, W


def surrogate_radii(probe: Probe, curvature: Curvature, units: Units) -> dict[str, float]:
    """Radii h, eta and h_bar of the solver's surrogates, in the given units.

    h balances as in the module's docstring; h_bar |v| = h. The x-surrogate's error is
    alpha / eta + beta eta with alpha from noise and beta from curvature in x: eta is its minimiser.
    """
    A, _, W = scaled_matrices(curvature, units)
    p, d = probe.p, probe.d
    curved = float(np.linalg.norm(A, 2)) or 1.0
    h = math.sqrt(4 * probe.noise_inner / (SURROGATE_PRECISION * units.s_G * curved))
    alpha = probe.noise_outer / units.s_F + 2 * probe.noise_inner / (units.s_G * h)
    outer_xx = units.T_x.T @ curvature.outer_xx @ units.T_x / units.s_F
    largest = max(float(np.linalg.norm(W[p:, p:], 2)), float(np.linalg.norm(outer_xx, 2)))
    beta = 0.5 * (d + 2) * (largest or 1.0)
    return {"h": h, "eta": math.sqrt(alpha / beta), "h_bar": h}


def mean_square_step(P: Array, K: Array, p: int, rho: float, gamma: float, l: int) -> Array:
    """E[e+ e+'] of the linearised iteration (see the module's docstring), given P = E[e e']."""
    n = len(K)
    z, v, x = slice(0, p), slice(p, 2 * p), slice(2 * p, n)
    S = np.concatenate([np.full(2 * p, rho), np.full(n - 2 * p, gamma)])
    mean = np.eye(n) - S[:, None] * K
    Q = K @ P @ K.T
    P = mean @ P @ mean.T
    for rows, columns, step in ((z, z, rho), (z, v, rho), (v, z, rho), (v, v, rho), (x, x, gamma)):
        X = Q[rows, columns]
        P[rows, columns] += (step * step / l) * (X.T + np.trace(X) * np.eye(len(X)))
    return P


def mean_square_rate(K: Array, p: int, rho: float, gamma: float, l: int) -> float:
    """Contraction of E|e|^2 an iteration of the linearised iteration."""
    n = len(K)
    if n > _EXACT:
        S = np.concatenate([np.full(2 * p, rho), np.full(n - 2 * p, gamma)])
        return _mean_rate(np.eye(n) - S[:, None] * K)
    P, logs = np.eye(n) / n, []
    for _ in range(40):
        P = mean_square_step(P, K, p, rho, gamma, l)
        size = float(np.trace(P))
        if not 0.0 < size < math.inf:
            return 0.0 if size == 0.0 else math.inf
        logs.append(math.log(size))
        P /= size
    return math.exp(float(np.mean(logs[20:])))


def _mean_rate(mean: Array) -> float:
    """Square of the growth of |e| under the mean iteration alone: much cheaper in many dimensions."""
    e = np.eye(len(mean), 8) + 1.0 / len(mean)
    logs = []
    for _ in range(60):
        e = mean @ e
        size = float(np.linalg.norm(e))
        if not 0.0 < size < math.inf:
            return 0.0 if size == 0.0 else math.inf
        logs.append(2 * math.log(size))
        e /= size
    return math.exp(float(np.mean(logs[30:])))


def step_sizes(
    curvature: Curvature, hessian: Array, units: Units, l: int, caution: float, added: Array,
    rho: float | None = None, gamma: float | None = None,
) -> tuple[float, float, float]:  # fmt: skip
    """Steps (rho, gamma) and the mean-square rate that the model promises with them.

    ``caution`` in (0, 1] shortens both; ``added`` (d,) is the curvature added to |Hess Psi|. A step
    that is given is kept.
    """
    A, C, W = scaled_matrices(curvature, units)
    p, d = len(A), len(units.T_x)
    # The model has |Hess Psi|: at negative curvature the iteration is meant to move away.
    root = np.linalg.inv(unit_root(hessian))
    size = root.T @ root
    W_xx = W[p:, p:] + units.T_x.T @ (size - (hessian + hessian.T) / 2) @ units.T_x / units.s_F
    K = np.block([[A, np.zeros((p, p)), C.T], [W[:p, :p], A, W[:p, p:]], [W[p:, :p], C, W_xx]])
    top = float(np.abs(np.linalg.eigvalsh(A)).max()) or 1.0
    rho = caution / (top * (1 + (p + 1) / l)) if rho is None else rho
    if gamma is not None:
        # With x at rest only z and v contract.
        return rho, gamma, mean_square_rate(K if gamma > 0 else K[: 2 * p, : 2 * p], p, rho, gamma, l)
    largest = float(np.linalg.norm(units.T_x.T @ (size + np.diag(added)) @ units.T_x, 2)) / units.s_F
    gamma = caution / (largest * (1 + (d + 1) / l))
    best, best_rate, worse = gamma, math.inf, 0
    for _ in range(24):
        rate = mean_square_rate(K, p, rho, gamma, l)
        if rate < best_rate:
            best, best_rate, worse = gamma, rate, 0
        elif best_rate < 1.0:
            worse += 1
            if worse == 2:
                break
        gamma /= 2.0
    return rho, best, best_rate
