"""A search along z*(x) where the loop stalls: Psi may have a kink there, or z*(x) no second derivatives."""

from __future__ import annotations

import math

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.bundle import Found, descend
from zoba_bench.minimization.implicit.differences import second
from zoba_bench.minimization.implicit.inner import Refused
from zoba_bench.minimization.implicit.noise import NotFinite, weyl
from zoba_bench.minimization.implicit.state import State

__all__ = ["Kinks"]

#: Relative difference of dz*/dx and -G_zz^-1 G_zx, along F_z, that no smooth G has.
_BENT = 0.1
_PASSES, _AGAIN = 6, 8
#: Difference of the slopes on the two sides, relative to F's change over a unit step, that is a kink.
_KINK = 0.2


class Kinks(State):
    """A run that may search across kinks."""

    def search(self) -> float:
        """Lower F along the tangent of z*(x), where a value costs one evaluation, let z follow, and repeat that.

        Moves the run to the point that was found. Returns the jump of the slopes there relative to the unit of F, and
        0 where Psi looks smooth.
        """
        self.searches += 1
        self.measured_follows = False
        tol, jump, moved, failed = self.near, 0.0, 0.0, False
        self._begin(tol)
        B, radius = np.zeros((self.d, self.d)), max(self.radius, 30 * tol)
        for turn in range(_PASSES):
            Z = self._tangent(tol, fresh=failed)
            if turn == 0 or moved > 10 * tol:
                B = self._curvature(Z, 5 * tol)
            least = max(float(np.linalg.eigvalsh(B)[0]), 0.01 * self.F.phi)
            found = self._descend(Z, B, radius, 0.005 * least * tol**2, tol)
            jump, moved = found.jump / self.F.phi, float(np.linalg.norm(found.s))
            off = self._take(Z, found)
            if off is None and not self.measured_follows:
                failed = True  # the tangent is not one: once more with one from z*(x) itself
                continue
            if off is None or moved <= 0.1 * tol or off <= 1e-3 * tol:
                break
            radius = max(moved, tol)
        return jump if jump > _KINK else 0.0

    def bends(self) -> bool:
        """Whether -G_zz^-1 G_zx is not dz*/dx, which was measured by z*(x) itself: G_zz jumps at z*(x)."""
        if not self.measured_follows or self.follows is None or self.B is None:
            return False
        along = self.follows.T @ self.outer_z
        off = along + self.outer_x - self.gradient
        far = float(np.linalg.norm(self.unit_x * self.free_model().solve(off))) > self.tol
        return far and float(np.linalg.norm(off)) > _BENT * float(np.linalg.norm(along))

    def bends_here(self) -> bool:
        """:meth:`bends`, by what z*(x) does next to this very point."""
        if not self.bends():
            return False
        self.measured_follows = False
        self._tangent(self.near, fresh=True)
        return self.bends()

    def _begin(self, tol: float) -> None:
        """At the lowest point so far, with z settled."""
        best = self.best
        if best is not None and best.value < self.value_F:
            self.z, self.x = best.z / self.unit_z, best.x / self.unit_x
        self.z, self.value_G, self.z_error = self._settled(self.z, self.x, 2e-5 * tol)
        self.value_F = self.F.one(self.z, self.x)

    def _tangent(self, tol: float, *, fresh: bool) -> Array:
        """[dz*/dx; I], (p + d, d): as the run has it if it predicts z at one more x, else from z at d more."""
        R = self.follows
        length = 10 * tol
        known = self.measured_follows or (not fresh and R is not None and self._predicts(R, length * weyl(self.d, 5)))
        if R is None or not known:
            R = np.column_stack([
                (self._z_at(self.x + length * e) - self.z) / length for e in np.eye(self.d)
            ])  # fmt: skip
            self.follows, self.measured_follows = R, True
        return np.vstack([R, np.eye(self.d)])

    def _predicts(self, R: Array, s: Array) -> bool:
        move = self._z_at(self.x + s) - self.z
        return float(np.linalg.norm(move - R @ s)) <= 0.1 * max(float(np.linalg.norm(move)), 0.1 * self.z_error)

    def _z_at(self, x: Array) -> Array:
        return self._settled(self.z, x, 2e-4 * float(np.linalg.norm(x - self.x)))[0]

    def _settled(self, z: Array, x: Array, ztol: float) -> tuple[Array, float, float]:
        """z*(x) by gradients that say so: the contraction of earlier steps says nothing where G_zz jumps."""
        for _ in range(_AGAIN):
            self.inner.kappa, self.inner.kappa_at = 1.0, math.inf
            z, value, _ = self.inner.settle(z, x, ztol)
            g, value = self.inner.slopes(z, x, value)
            off = float(np.linalg.norm(self.inner.H.solve(g)))
            if off <= ztol:
                break
        return z, value, off

    def _scaled(self, Z: Array) -> tuple[Array, Array]:
        length = np.maximum(np.linalg.norm(Z, axis=0), 1.0)
        return (Z / length).T, length

    def _curvature(self, Z: Array, away: float) -> Array:
        """Second derivatives of F along the tangent, beside the point, which may be at a kink."""
        S, length = self._scaled(Z)
        move = Z @ (away * weyl(self.d, 7))
        M = second(self.F, self.z + move[: self.p], self.x + move[self.p :], S) * np.outer(length, length)
        values, vectors = np.linalg.eigh((M + M.T) / 2)
        if float(np.abs(values).max()) > 1e3 * self.F.phi:
            return np.zeros((self.d, self.d))
        values = np.where(values > 2 * np.sqrt(self.d) * self.F.second_noise * length.max() ** 2, values, 0.0)
        positive: Array = (vectors * values) @ vectors.T
        return positive

    def _descend(self, Z: Array, B: Array, radius: float, enough: float, near: float) -> Found:
        F, p, h = self.F, self.p, self.F.h1
        S, length = self._scaled(Z)
        moves = h * np.vstack([np.zeros(len(Z)), S])
        # A kink is near. Where F falls to infinity steps would grow without end, to points where functions overflow.
        far = max(1.0, float(np.linalg.norm(self.x)), radius)

        def function(s: Array) -> tuple[float, Array]:
            if float(np.linalg.norm(s)) > far:
                return np.nan, np.full(self.d, np.nan)
            w = np.r_[self.z, self.x] + Z @ s
            points = np.clip(w + moves, np.r_[F.low_z, F.low], np.r_[F.high_z, F.high])
            values = F.raw(points[:, :p], points[:, p:])
            if not np.isfinite(values).all():
                return np.nan, np.full(self.d, np.nan)
            return float(values[0]), (values[1:] - values[0]) / h * length

        return descend(function, self.d, B, radius, enough, 0.5 * near, 20 + 6 * self.d)

    def _take(self, Z: Array, found: Found) -> float | None:
        """Go to the point with z settled there; how far z was from the tangent, None where F is not lower."""
        w = np.r_[self.z, self.x] + Z @ found.s
        x = np.clip(w[self.p :], self.F.low, self.F.high)
        guess = np.clip(w[: self.p], self.G.low_z, self.G.high_z)
        try:
            z, value_G, z_error = self._settled(guess, x, 2e-5 * self.near)
            value = self.F.one(z, x)
        except (NotFinite, Refused):
            return None
        off = float(np.linalg.norm(z - guess))
        if not value < self.value_F:
            return None
        if self.follows is not None:
            self.follows = self.follows + np.outer(z - guess, found.s) / float(found.s @ found.s)
        self.z, self.x, self.value_F, self.value_G, self.z_error = z, x, value, value_G, z_error
        self.seen(z, x, value)
        return off
