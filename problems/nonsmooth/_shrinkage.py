"""The lower level of the non-smooth families: G = |z-a|^2/2 + sum over groups g of x_g |z_g|, and its proofs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zoba_bench.arrays import Array, dot, row_sum, spread, spread_vectors, square_norm
from zoba_bench.problem.capabilities import Capabilities

from .._base.checks import by_terms, identities

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = ["Shrinkage", "planted_proofs"]


# How far certificates keep from kinks, relative to |a_g| and at most: their differences reach 0.004.
_MARGIN, _WIDEST = 0.25, 0.01


class Shrinkage:
    """The lower level: its functions, for a centre a of shape (d, size of a group)."""

    def __init__(self, centre: Array) -> None:
        self.d, self.group = centre.shape
        self.centre = np.ascontiguousarray(centre.reshape(-1))
        self.size = np.asarray(np.linalg.norm(centre, axis=-1), dtype=np.float64)
        self.unit = np.ascontiguousarray(centre / self.size[:, None])
        self.margin = np.minimum(_MARGIN * self.size, _WIDEST)
        # Of differences, which reach twice as far.
        self.step = min(1e-3, float(self.margin.min()) / 4)

    def groups(self, z: Array) -> Array:
        return z.reshape(*z.shape[:-1], self.d, self.group)

    def flat(self, groups: Array) -> Array:
        return groups.reshape(*groups.shape[:-2], self.d * self.group)

    def norms(self, z: Array) -> Array:
        return np.abs(z) if self.group == 1 else np.sqrt(square_norm(self.groups(z)))

    def directions(self, z: Array) -> Array:
        """z_g/|z_g|, and 0 where z_g = 0: shape (..., d, group)."""
        norms = self.norms(z)[..., None]
        directions: Array = self.groups(z) / np.where(norms > 0, norms, 1.0)
        return directions

    def smooth(self, z: Array, x: Array) -> Array:
        return spread(0.5 * square_norm(z - self.centre), x)

    def rest(self, z: Array, x: Array) -> Array:
        return dot(x, self.norms(z))

    def inner(self, z: Array, x: Array) -> Array:
        total: Array = 0.5 * square_norm(z - self.centre) + dot(x, self.norms(z))
        return total

    def smooth_grad_z(self, z: Array, x: Array) -> Array:
        return spread_vectors(z - self.centre, x)

    def smooth_grad_x(self, z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(self.d), z, x)

    def inner_grad_z(self, z: Array, x: Array) -> Array:
        # A derivative where z_g != 0, a subgradient elsewhere.
        slopes: Array = z - self.centre + self.flat(x[..., None] * self.directions(z))
        return slopes

    def inner_grad_x(self, z: Array, x: Array) -> Array:
        return spread_vectors(self.norms(z), x)

    def inner_jvp_xz(self, z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(row_sum(self.directions(z) * self.groups(v)), x)

    def inner_jvp_zx(self, z: Array, x: Array, u: Array) -> Array:
        return spread_vectors(self.flat(u[..., None] * self.directions(z)), x)

    def below(self, x: Array) -> Array:
        """s - x_g, or 0 beyond the kink: the norm of z*_g."""
        return np.maximum(self.size - x, 0.0)

    def solution(self, x: Array) -> Array:
        return self.flat(self.below(x)[..., None] * self.unit)

    def prox(self, z: Array, x: Array, step: float) -> Array:
        return self.flat(np.maximum(self.norms(z) - step * x, 0.0)[..., None] * self.directions(z))

    def region(self, project: Callable[[Array], Array]) -> Callable[[Array, Array], tuple[Array, Array]]:
        """Into X, and off the kinks of G in z and of z* in x, where derivatives are measured."""

        def settle(z: Array, x: Array) -> tuple[Array, Array]:
            norms, away = self.norms(z), self.margin
            directions = np.where(norms[..., None] > 0, self.directions(z), self.unit)
            moved = self.flat(away[:, None] * directions)
            z = np.where(np.repeat(norms < away, self.group, axis=-1), moved, z)
            x = project(x)
            near = np.where(x < self.size, self.size - away, self.size + away)
            return z, np.where(np.abs(x - self.size) < away, near, x)

        return settle

    def capabilities(
        self,
        project: Callable[[Array], Array],
        reduced: Callable[[Array], Array],
        distance: Callable[[Array], Array] | None = None,
    ) -> Capabilities:
        return Capabilities(
            project_x=project,
            distance_to_solutions=distance,
            inner_smooth=self.smooth,
            inner_smooth_grad_z=self.smooth_grad_z,
            inner_smooth_grad_x=self.smooth_grad_x,
            inner_rest=self.rest,
            inner_rest_grad_x=self.inner_grad_x,
            inner_prox=self.prox,
            optimistic_solution=self.solution,
            reduced_adjoint=reduced,
        )

    def points(self, project: Callable[[Array], Array]) -> tuple[Array, Array]:
        """Points of X on both sides of the kinks and on them, and points off the kinks."""
        rng = np.random.default_rng(1)
        x = project(2 * self.size * rng.uniform(0, 1, (30 if self.d <= 100 else 6, self.d)))
        x[:5] = np.where(rng.uniform(size=(5, self.d)) < 0.5, self.size, x[:5])
        return x, self.region(project)(np.zeros(self.d * self.group), x)[1]

    def proofs(self) -> list[Check]:
        """The lower-level solution, region by region, of one group in norms and inner products."""
        import sympy as sp

        norm, m, s, over, weight, short = sp.symbols("rho m s over x short", nonnegative=True)
        a, z = sp.symbols(f"a_1:{self.group + 1}", real=True), sp.symbols(f"z_1:{self.group + 1}", real=True)
        # |z| = rho and a'z = s rho - short, short >= 0 by the first statement.
        pairs = [(i, k) for i in range(self.group) for k in range(i)]
        schwarz = sum(e * e for e in a) * sum(e * e for e in z) - sum(e * f for e, f in zip(a, z, strict=True)) ** 2

        def value(x: Any) -> Any:
            return (norm**2 - 2 * (s * norm - short) + s**2) / 2 + x * norm

        def lowest(x: Any) -> Any:
            """G at z = (s-x) a/s."""
            return ((s - x) ** 2 - 2 * s * (s - x) + s**2) / 2 + x * (s - x)

        # |z - z*|^2 = rho^2 - 2 m (a'z)/s + m^2, m = s - x, where z* is not zero.
        left = sp.Symbol("m", positive=True)
        whole = {s: weight + left}
        distance = norm**2 - 2 * left * (norm - short / (weight + left)) + left**2
        return [
            by_terms(
                "a'z <= |a||z|",
                schwarz,
                [(a[i] * z[k] - a[k] * z[i]) ** 2 for i, k in pairs],
                f"Lagrange's identity for groups of {self.group}: {len(pairs)} squares",
            ),
            by_terms(
                "lower level, x_g <= |a_g|: the shrunk group is the minimiser",
                value(s - m) - lowest(s - m),
                [(norm - m) ** 2 / 2, short],
                "G - G(z*) = (|z|-m)^2/2 + (s|z| - a'z) with m = s - x >= 0, for every real x; zero at z = m a/s only",
            ),
            by_terms(
                "lower level, x_g >= |a_g|: zero is the minimiser",
                value(s + over) - s**2 / 2,
                [norm**2 / 2, over * norm, short],
                "G - G(0) = |z|^2/2 + (x-s)|z| + (s|z| - a'z); zero at z = 0 only",
            ),
            by_terms(
                "growth with mu = 1 for 0 <= x_g <= |a_g|",
                (value(weight) - lowest(weight)).subs(whole) - distance / 2,
                [short * weight / (weight + left)],
                "G - G(z*) - |z-z*|^2/2 = (s|z| - a'z) x/s",
            ),
            by_terms(
                "growth with mu = 1 for x_g >= |a_g|",
                value(s + over) - s**2 / 2 - norm**2 / 2,
                [over * norm, short],
                "G - G(0) - |z|^2/2 = (x-s)|z| + (s|z| - a'z)",
            ),
        ]


def planted_proofs(group: int) -> list[Check]:
    """Psi of one group on both sides of its kink, and the reduced adjoint where the group is not zero."""
    import sympy as sp

    from .._base.symbols import reals

    a = sp.Matrix(reals("a", group))
    s = sp.sqrt(a.dot(a))
    x, best = sp.symbols("x xopt", positive=True)
    t, z = (1 - best / s) * a, (1 - x / s) * a
    slope = z - t
    # G_zz = I + (x/|z|)(I - zz'/|z|^2), with z/|z| = a/s and |z| = s - x.
    hessian = sp.eye(group) + x / (s - x) * (sp.eye(group) - a * a.T / s**2)
    return [
        identities("Psi below the kink", [(slope.T * slope)[0] / 2 - (x - best) ** 2 / 2], "|z*-t|^2/2 = (x-x_o)^2/2"),
        identities("Psi beyond the kink", [(t.T * t)[0] / 2 - (s - best) ** 2 / 2], "|t|^2/2 = (|a|-x_o)^2/2"),
        identities("reduced adjoint equation", list(hessian * -slope + slope), "G_zz v + F_z = 0 at v = -F_z"),
        identities("reduced hypergradient", [-(a / s).dot(slope) - (x - best)], "G_xz v = (z/|z|)'v = x - x_o"),
    ]
