"""Counted stencils of function values: noise, radii, gradients and curvature.

noise
    Error of one value, from high differences of equally spaced values: rounding has no smooth
    part, so its differences grow where those of the function vanish.
radii
    An error e in each value and a radius r in units of curvature 1 spoil a second difference by
    about 4 e / r^2. Asking for a relative error q gives r = sqrt(4 e / q), which needs no length
    scale; q = 1e-9 leaves room for third differences.
curvature
    A = G_zz, C = G_xz and W = Hess(F + v'G_z), the last from Hessians of G at z + t v and z - t v.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.pool import Task
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem

__all__ = ["ADAPT_SIZE", "Curvature", "NonFiniteError", "Point", "Probe", "line_noise", "stencil_size"]


EPS = float(np.finfo(np.float64).eps)
STENCIL_PRECISION = 1e-9
_CHUNK = 4096
_LINE = 12
ADAPT_SIZE = 2 * _LINE  # evaluations of Probe.adapt


class NonFiniteError(ArithmeticError):
    """A value was NaN or infinite where the tuning needed it."""


@dataclass(frozen=True)
class Point:
    """Iterates with values and exact-looking first derivatives (central differences).

    ``hessian_v`` and ``cross_v`` are G_zz v and G_xz v; ``along_v`` is the step t of their
    differences along v, zero where v is.
    """

    z: Array
    v: Array
    x: Array
    inner: float
    outer: float
    inner_z: Array
    outer_z: Array
    outer_x: Array
    hessian_v: Array
    cross_v: Array
    along_v: float


@dataclass(frozen=True)
class Curvature:
    """A = G_zz (p, p), C = G_xz (d, p), W = Hess(F + v'G_z) (p + d, p + d) and F_xx (d, d)."""

    A: Array
    C: Array
    W: Array
    outer_xx: Array
    inner_xx: Array


def stencil_size(p: int, d: int, *, along_v: bool, curvature: bool) -> int:
    """Evaluations of one stencil: F once, G once or (with v nonzero) twice."""
    n = p + d
    return (3 if along_v else 2) * (1 + 2 * n + (n * (n - 1) // 2 if curvature else 0))


class Probe:
    """Counted values of the user's functions for the tuning, and the stencils made of them.

    Attributes
    ----------
    noise_inner, noise_outer : float
        Absolute error of one value of G and F.
    relative_noise : dict
        The same by level, before any floor, as a fraction of the values.
    radii : (p + d,) array
        Stencil radius of each coordinate of z and x.
    """

    def __init__(self, problem: BilevelProblem, ahead: Callable[[Sequence[Task]], None] | None = None) -> None:
        self._ahead = ahead
        self.oracle = Oracle(problem, 1)
        self.p, self.d = problem.p, problem.d
        self.noise_inner = self.noise_outer = 0.0
        self.relative_noise: dict[str, float] = {}
        self.radii = np.empty(0)

    @property
    def spent(self) -> int:
        """Evaluations of both levels so far."""
        return int(self.oracle.n_inner[0] + self.oracle.n_outer[0])

    def inner(self, points: Array) -> Array:
        """G at points (m, p + d), shape (m,)."""
        return self._values("inner", points)

    def outer(self, points: Array) -> Array:
        """F at points (m, p + d), shape (m,)."""
        return self._values("outer", points)

    def _values(self, level: str, points: Array) -> Array:
        function = getattr(self.oracle, level)
        chunks = [points[i : i + _CHUNK] for i in range(0, len(points), _CHUNK)]
        values = np.concatenate([function(c[None, :, : self.p], c[None, :, self.p :])[0] for c in chunks])
        if not np.isfinite(values).all():
            raise NonFiniteError(f"{level} returned a NaN or an infinity")
        return values

    def _both(self, f_points: Array, g_points: Array) -> None:
        """Have F and G evaluated at once; they are asked for next."""
        if self._ahead is not None and max(len(f_points), len(g_points)) <= _CHUNK:
            self._ahead([(level, (np.ascontiguousarray(points[:, : self.p]), np.ascontiguousarray(points[:, self.p :])))
                         for level, points in (("outer", f_points), ("inner", g_points))])  # fmt: skip

    @staticmethod
    def prepare_size(p: int, d: int) -> int:
        """Most evaluations that :meth:`prepare` uses."""
        return 2 * _LINE + 3 * 2 * (1 + 2 * (p + d))

    def prepare(self, z: Array, x: Array) -> None:
        """Measure the noise at (z, x) and choose the first stencil radii."""
        q = np.concatenate([z, x])
        self.radii = 1e-4 * np.maximum(1.0, np.abs(q))
        lines = self._line(q)
        for _ in range(3):
            step = np.diag(self.radii)
            star = np.vstack([q, q + step, q - step])
            n, squares = len(q), self.radii**2
            curved = [
                (values[1 : n + 1] + values[n + 1 :] - 2 * values[0]) / squares
                for values in (self.inner(star), self.outer(star))
            ]
            self._set_noise(q, lines, curved[0], curved[1])
            previous, self.radii = self.radii, self._choose_radii(q, curved[0], curved[1])
            if np.all(np.abs(np.log(self.radii / previous)) < math.log(10.0)):
                break

    def _line(self, q: Array) -> tuple[Array, Array]:
        signs = np.where(np.arange(len(q)) % 2, -1.0, 1.0)
        line = q + 1e-5 * np.arange(_LINE)[:, None] * np.maximum(1.0, np.abs(q)) * signs
        self._both(line, line)
        return self.inner(line), self.outer(line)

    def _set_noise(self, q: Array, lines: tuple[Array, Array], inner: Array, outer: Array) -> None:
        # Where value and gradient are near zero, rounding is not visible: it is that of values nearby.
        nearby = (1e-2 * np.maximum(1.0, np.abs(q))) ** 2 / 2
        noise = [line_noise(values) for values in lines]
        self.relative_noise = {
            level: each / max(float(np.abs(values).max()), 1e-200)
            for level, each, values in zip(("inner", "outer"), noise, lines, strict=True)
        }
        self.noise_inner = max(noise[0], EPS * float(np.abs(inner * nearby).max()))
        self.noise_outer = max(noise[1], EPS * float(np.abs(outer * nearby).max()))

    def adapt(self, point: Point, curvature: Curvature) -> None:
        """Noise here, and radii for the next stencil from the curvature at hand. 24 evaluations."""
        q = np.concatenate([point.z, point.x])
        inner = np.concatenate([np.diag(curvature.A), np.diag(curvature.inner_xx)])
        outer = np.concatenate([np.zeros(self.p), np.diag(curvature.outer_xx)])
        self._set_noise(q, self._line(q), inner, outer)
        self.radii = self._choose_radii(q, inner, outer)

    def _choose_radii(self, q: Array, inner: Array, outer: Array) -> Array:
        size = np.maximum(1.0, np.abs(q))
        outer = outer.copy()
        outer[: self.p] = 0.0  # G is strongly convex in z: its own curvature decides there
        with np.errstate(divide="ignore"):
            by_inner = np.sqrt(4 * self.noise_inner / (STENCIL_PRECISION * np.abs(inner)))
            by_outer = np.sqrt(4 * self.noise_outer / (STENCIL_PRECISION * np.abs(outer)))
        # Rounding alone never asks for more than 1e-3 of the coordinate's size; noise may.
        noisy = max(self.noise_inner, self.noise_outer) > 1e-13
        radii = np.minimum(np.minimum(by_inner, by_outer), (0.1 if noisy else 1e-3) * size)
        return np.maximum(radii, 1e-7 * np.maximum(np.abs(q), 1e-9))

    def point(self, z: Array, v: Array, x: Array) -> Point:
        """First derivatives at (z, v, x)."""
        return self._stencil(z, v, x, curvature=False)[0]

    def curvature(self, z: Array, v: Array, x: Array) -> tuple[Point, Curvature]:
        """First and second derivatives at (z, v, x), and third ones along v."""
        point, found = self._stencil(z, v, x, curvature=True)
        assert found is not None
        return point, found

    def value(self, z: Array, v: Array, x: Array, along_v: float) -> tuple[float, float]:
        """F + v'G_z, which is Psi(x) up to the product of the errors of z and v, and F. At most three evaluations."""
        q = np.concatenate([z, x])[None]
        if along_v == 0.0:
            found = float(self.outer(q)[0])
            return found, found
        shift = np.concatenate([along_v * v, np.zeros(self.d)])
        plus, minus = self.inner(np.vstack([q + shift, q - shift]))
        found = float(self.outer(q)[0])
        return found + float(plus - minus) / (2 * along_v), found

    def _stencil(self, z: Array, v: Array, x: Array, *, curvature: bool) -> tuple[Point, Curvature | None]:
        p, n, r = self.p, self.p + self.d, self.radii
        q = np.concatenate([z, x])
        size = float(np.max(np.abs(v) / r[:p]))
        along = 1.0 / size if size > 0 else 0.0
        first, second = np.triu_indices(n, 1) if curvature else (np.empty(0, int), np.empty(0, int))
        offsets = np.zeros((1 + 2 * n + len(first), n))
        np.fill_diagonal(offsets[1 : n + 1], r)
        np.fill_diagonal(offsets[n + 1 : 2 * n + 1], -r)
        rows = np.arange(2 * n + 1, len(offsets))
        offsets[rows, first] = r[first]
        offsets[rows, second] = r[second]

        def derivatives(values: Array) -> tuple[float, Array, Array]:
            centre, plus, minus = values[0], values[1 : n + 1], values[n + 1 : 2 * n + 1]
            hessian = np.diag((plus + minus - 2 * centre) / r**2)
            mixed = (values[2 * n + 1 :] - plus[first] - plus[second] + centre) / (r[first] * r[second])
            hessian[first, second] = hessian[second, first] = mixed
            return float(centre), (plus - minus) / (2 * r), hessian

        shift = np.concatenate([along * v, np.zeros(self.d)])
        f_points = q + offsets
        g_points = np.vstack([q + shift + offsets, q - shift + offsets]) if along > 0 else f_points
        self._both(f_points, g_points)
        f, f_q, f_qq = derivatives(self.outer(f_points))
        if along > 0:
            g_values = self.inner(g_points).reshape(2, -1)
            g_plus, q_plus, h_plus = derivatives(g_values[0])
            g_minus, q_minus, h_minus = derivatives(g_values[1])
            g, g_q, hess = (g_plus + g_minus) / 2, (q_plus + q_minus) / 2, (h_plus + h_minus) / 2
            g -= float(v @ (q_plus - q_minus)[:p]) * along / 4  # half of t^2 v'G_zz v
            g_qv, third = (q_plus - q_minus) / (2 * along), (h_plus - h_minus) / (2 * along)
        else:
            g_values = self.inner(g_points)
            g, g_q, hess = derivatives(g_values)
            g_qv, third = np.zeros(n), np.zeros((n, n))
        if not (np.isfinite(g_q).all() and np.isfinite(hess).all() and np.isfinite(f_qq + third).all()):
            raise NonFiniteError("a finite difference of the functions overflowed")
        point = Point(z, v, x, g, f, g_q[:p], f_q[:p], f_q[p:], g_qv[:p], g_qv[p:], along)
        if not curvature:
            return point, None
        return point, Curvature(hess[:p, :p], hess[p:, :p], f_qq + third, f_qq[p:, p:], hess[p:, p:])

    def predict_noise(self, point: Point) -> tuple[Array, Array, Array]:
        """Errors of G_z, D_v and D_x, by coordinate, that value noise causes in a :class:`Point`."""
        r_z, r_x = self.radii[: self.p], self.radii[self.p :]
        along = self.noise_inner / point.along_v if point.along_v > 0 else 0.0
        return self.noise_inner / r_z, (self.noise_outer + along) / r_z, (self.noise_outer + along) / r_x


def line_noise(values: Array) -> float:
    """Noise of equally spaced values: the smallest estimate from differences of order 3 to 6."""
    estimates, differences = [], values
    for order in range(1, 7):
        differences = np.diff(differences)
        if order >= 3:
            estimates.append(float(np.sqrt(np.mean(differences**2) / math.comb(2 * order, order))))
    return max(min(estimates), EPS * float(np.abs(values).max()), np.finfo(np.float64).tiny)
