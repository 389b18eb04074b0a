"""The inner variable: z follows z*(x), and the adjoint v = -G_zz^-1 F_z with a check along v.

G_zz is measured by differences and repaired by what the checks measure; it is measured again only where the
contraction of the inner steps, or the residual of the adjoint, says that it is too old.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.differences import gradient, mixed, second_and_slopes
from zoba_bench.minimization.implicit.noise import Level
from zoba_bench.minimization.implicit.sizes import falling
from zoba_bench.minimization.implicit.symmetric import Symmetric, bfgs, secant
from zoba_bench.result import Status

__all__ = ["Inner", "Refused"]

_STEPS = 40
_AWAY = 1e6
#: Factor by which steps grow, so many times in a row, where G curves downwards: it doubles them where it is quadratic.
_GROWS, _GROWN = 1.5, 3
#: How much further than the last check looked back its residual is believed.
_SEEN = 3.0
#: Expected relative error of G_zz above which a check along v would find that it has to be measured again.
_STALE = 0.05
#: Relative error of v from a G_zz that was measured at the same point.
_MEASURED = 1e-4
#: Relative residual of v right after G_zz was measured that no smooth G has: forward differences are off by 1e-5.
_ONE_SIDED = 0.05


class Refused(Exception):
    """The inner problem has no solution that the method can follow: a status and its message.

    ``unsure`` where differences of another length may contradict that.
    """

    def __init__(self, status: Status, message: str, *, unsure: bool = False) -> None:
        super().__init__(message)
        self.status, self.message, self.unsure = status, message, unsure


class Inner:
    """G_zz, the contraction of the inner iteration, and the error of v.

    Attributes
    ----------
    kappa : |dz_new| / |dz_old|, as last measured, at steps of length ``kappa_at``.
    rel : relative residual |G_zz v + F_z| / |F_z| of the last check.
    remainder : expected relative error of v after that check.
    jumps : whether G_zz, measured at one point, was another one there on the other side of z.
    changed : whether G_zz was repaired by inner gradients since the last check, which may be wrong along v.
    weak : which z stand at a bound without being pushed there.
    """

    def __init__(self, level: Level) -> None:
        self.level = level
        self.H = Symmetric(np.eye(level.p), 0.0)
        self.measured_at: tuple[Array, Array] | None = None
        self.kappa, self.kappa_at = 1.0, math.inf
        self.rel = self.remainder = 0.0
        self.checked_at: tuple[Array, Array] | None = None
        self.before = (0.0, 0.0)
        self.weak = np.zeros(level.p, dtype=bool)
        self.slopes_at: tuple[Array, Array, Array, float] | None = None
        self.changed = self.jumps = False

    def measure(self, z: Array, x: Array, base: float | None = None) -> None:
        """G_zz at a point: p (p + 3) / 2 values; p^2 + p where noisy."""
        G = self.level
        S = np.hstack([np.eye(G.p), np.zeros((G.p, G.d))])
        H, slopes, value = second_and_slopes(G, z, x, S, base)
        self.slopes_at = None if slopes is None else (z, x, slopes, value)
        self.H = Symmetric(H, G.second_noise, self.H.free)
        self.measured_at = (z, x)
        self.checked_at, self.changed = None, False
        self.kappa, self.kappa_at = min(self.kappa, 0.5), math.inf
        self.rel = self.remainder = 0.0

    @property
    def noise(self) -> float:
        """What the noise of G's gradient does to z."""
        inverse = self.H.weighted_inverse(np.ones(self.level.p))[0]
        return self.level.gradient_noise * inverse

    def set_free(self, z: Array, g: Array) -> None:
        """Release all z but those at a bound that the gradient pushes outwards."""
        G = self.level
        held = ((z <= G.low_z) & (g > 0)) | ((z >= G.high_z) & (g < 0))
        self.H = self.H.with_free(np.flatnonzero(~held))
        at_bound = (z <= G.low_z) | (z >= G.high_z)
        beyond = np.where(held, np.abs(g), 0.0) / np.maximum(np.abs(np.diag(self.H.matrix)), self.H.error)
        self.weak = at_bound & (beyond <= np.maximum(3 * self.noise, 1e-6 * (1.0 + np.abs(z))))

    def settle(
        self, z: Array, x: Array, ztol: float, last_step: Callable[[Array], None] | None = None
    ) -> tuple[Array, float, float]:
        """z near z*(x), the value of G there, and what is expected to remain of |z - z*(x)|.

        Each step takes a gradient and a value; on a quadratic one step is enough once the contraction is known.
        ``last_step`` is told the z that the last step is expected to end at, before its value is taken.
        """
        G = self.level
        base = G.one(z, x) if G.noisy else None
        last, renewed, slow, grown = 0.0, False, 0, 0
        previous: tuple[Array, Array] | None = None
        remaining = math.inf
        for turn in range(_STEPS):
            g, base = self.slopes(z, x, base)
            self.set_free(z, g)
            dz = -self.H.solve(g)
            size = float(np.linalg.norm(dz))
            if last and size:
                self.kappa, self.kappa_at = size / last, last
                grown = grown + 1 if self.kappa >= _GROWS else 0
            if grown == _GROWN and self.H.lowest < -self.H.error:
                self._refuse_downwards(z, x, dz, base)
            if previous is not None and size > 3 * self.noise and (self.kappa > 0.1 or not last):
                self.learn(z - previous[0], g - previous[1])
                slow += last > 0 and self.kappa > 0.3
                if size > ztol and (G.p <= 6 or slow > max(2, G.p // 8)) and (not last or self.kappa > 0.3):
                    self.measure(z, x, base)
                    slow = 0
                dz = -self.H.solve(g)
                size = float(np.linalg.norm(dz))
            previous = (z, g)
            if not size <= _AWAY * (1.0 + float(np.linalg.norm(z))):
                raise Refused(Status.INNER_FAILED, "the inner function falls without end, so z*(x) does not exist")
            if not G.noisy and size <= 1e-2 * ztol:
                return z, base, 2 * size  # nothing to be gained by the value of a step
            if last_step is not None and self._remaining(1.0, size, last, z + dz, x) <= max(ztol, self.noise):
                last_step(np.clip(z + dz, G.low_z, G.high_z))
            found = self._line_search(z, x, g, dz, base)
            if found is None:
                if size <= max(3 * self.noise, ztol):
                    return z, base, size
                if renewed:
                    return z, base, max(size, self.noise)
                self.measure(z, x, base)
                renewed, last = True, 0.0
                continue
            t, z, base = found
            remaining = self._remaining(t, size, last, z, x)
            if t == 1 and remaining <= max(ztol, self.noise):
                return z, base, max(remaining, self.noise if G.noisy else 0.0)
            if turn >= 10 and size <= 10 * self.noise:
                return z, base, size  # values no longer tell which of such steps is right
            last = size if t == 1 else 0.0
        raise Refused(
            Status.INNER_FAILED,
            f"{_STEPS} inner steps did not bring z near a minimiser of the inner function; a z0 of the size of the "
            "solution, or z_scale=, helps where that size is far from 1",
            unsure=True,
        )

    def _refuse_downwards(self, z: Array, x: Array, dz: Array, base: float) -> None:
        """End the run where G falls along the step as far as one looks: a double well turns up again."""
        curvature = falling(self.level, z, x, dz, base)
        if curvature < 0:
            raise Refused(
                Status.INNER_FAILED,
                f"the inner function curves downwards in z (curvature about {curvature:.2g}) and falls as far as was "
                "looked, so z*(x) does not exist: is its sign right?",
            )

    def _remaining(self, t: float, size: float, last: float, z: Array, x: Array) -> float:
        """What a step of this length leaves of |z - z*(x)|; ``last`` is the length of the one before, if any."""
        kappa = max(self.kappa * max(1.0, size / self.kappa_at), self.rel / 2) if t == 1 else 1.0
        if not last:  # the contraction was measured elsewhere
            kappa = max(kappa, self.staleness(z, x))
        return min(0.9, kappa) * size

    def slopes(self, z: Array, x: Array, base: float | None = None) -> tuple[Array, float]:
        """G's gradient in z and its value: p values and one where ``base`` is not known, none after :meth:`measure`."""
        at = self.slopes_at
        if at is not None and np.array_equal(at[0], z) and np.array_equal(at[1], x):
            return at[2], at[3]
        return gradient(self.level, z, x, "z", base, None if self.level.noisy else np.diag(self.H.matrix))

    def learn(self, s: Array, y: Array) -> None:
        """Repair G_zz by what two gradients say of it."""
        noise = 2 * self.level.gradient_noise * math.sqrt(len(s))
        if float(np.linalg.norm(y - self.H.matrix @ s)) > 2 * noise:
            self.H = self.H.replaced(bfgs(self.H.matrix, s, y))
            self.changed = True

    def _line_search(self, z: Array, x: Array, g: Array, dz: Array, base: float) -> tuple[float, Array, float] | None:
        G, t = self.level, 1.0
        slope = float(g @ dz)
        for _ in range(25):
            trial = np.clip(z + t * dz, G.low_z, G.high_z)
            value = float(G.raw(trial[None], x[None])[0])
            if math.isfinite(value) and value <= base + 1e-4 * t * slope + 4 * G.eps:
                G.seen(value)
                return t, trial, value
            t /= 2
        return None

    # The adjoint

    def adjoint(self, outer_z: Array) -> Array:
        """v = -G_zz^-1 F_z."""
        return -self.H.solve(outer_z)

    def expected_error(self, z: Array, x: Array) -> float:
        """Relative error of v that is expected at (z, x), from the last check and the distance moved since."""
        if self.checked_at is None:
            return 1.0
        q = self._further(z, x)
        if q > _SEEN or self.changed:
            return self.remainder + max(self.rel, 0.1)
        return self.remainder + self.rel * q * max(q, 1.0) * (3.0 if self.rel > 1e-3 else 1.0)

    def staleness(self, z: Array, x: Array) -> float:
        """Relative error of G_zz that is expected at (z, x), from the residual of the last check."""
        if self.checked_at is None:
            return 0.0
        q = self._further(z, x)
        return 0.9 if q > _SEEN else self.rel * q

    def _further(self, z: Array, x: Array) -> float:
        """Distance moved since the last check over the distance that it looked back on, in z or in x."""
        assert self.checked_at is not None
        moved = _distances(self.checked_at, z, x)
        return max(new / old if old > 0 else (math.inf if new > 0 else 0.0)
                   for new, old in zip(moved, self.before, strict=True))  # fmt: skip

    def check(
        self, z: Array, x: Array, outer_z: Array, base: float, allowed: float = 0.02, *, four: bool = False
    ) -> Array:
        """v with a relative error of ``allowed``: G_zz v is measured, and G_zz repaired along v, until that holds.

        2 p + 1 values a time; 4 p where noisy, or with ``four``, which is more accurate.
        """
        G, rows = self.level, self.H.free
        size = float(np.linalg.norm(outer_z[rows])) if len(rows) else 0.0
        since = self.checked_at or self.measured_at or (z, x)
        # Curvature that was found right along one of z and x says nothing of the other: each has its own distance.
        before = _distances(since, z, x)
        if self._measure_is_better(z, x, four):
            v = self.adjoint(outer_z)
            self.measure(z, x, base)
            self.checked_at, self.before = (z, x), before
            r = (self.H.matrix @ v + outer_z)[rows]
            self.rel = min(float(np.linalg.norm(r)) / size, 1.0) if size else 0.0
            self.remainder = _MEASURED
            return self.adjoint(outer_z)
        self.before, self.checked_at, self.changed = before, (z, x), False
        previous, expected = 0.0, 0.0
        for turn in range(8):
            v = self.adjoint(outer_z)
            length = float(np.linalg.norm(v))
            if length == 0.0 or size == 0.0:
                self.rel = self.remainder = 0.0
                return v
            product = mixed(G, z, x, v / length, "z", base, four=four) * length
            r = np.zeros_like(v)
            r[rows] = product[rows] + outer_z[rows]
            noise = math.sqrt(len(rows)) * G.mixed_noise(four) * length / size
            rel = float(np.linalg.norm(r)) / size
            if turn == 0:
                self.rel = max(rel - 2 * noise, 0.0)
            hidden = rel <= 2 * noise
            if turn == 0 and not G.noisy:
                at = self.measured_at
                self.jumps = rel > _ONE_SIDED and at is not None and not any(_distances(at, z, x))
            expected = rel * (max(rel, 0.3) if turn == 0 else min(rel / previous, 1.0) if previous else 1.0)
            if not hidden:
                if (G.p <= 6 and rel > 0.01) or rel > 1.0:
                    at = self.measured_at
                    if at is None or any(_distances(at, z, x)):
                        moved, checked = self.before, self.rel
                        self.measure(z, x, base)
                        self.checked_at, self.before, self.rel = (z, x), moved, min(checked, 1.0)
                        self.remainder = min(0.02, noise + 1e-4)
                        return self.adjoint(outer_z)
                y = np.zeros_like(v)
                y[rows] = product[rows]
                self.H = self.H.replaced(secant(self.H.matrix, v, y))
            self.remainder = noise if hidden else min(expected, rel)
            if hidden or expected <= allowed:
                break
            previous = rel
        return self.adjoint(outer_z)

    def measured_here(self, z: Array, x: Array) -> None:
        """G_zz is as it was measured at this very point: as good as checked, until the point moves."""
        self.checked_at, self.before, self.rel, self.remainder = (z, x), (0.0, 0.0), 0.0, _MEASURED

    def _measure_is_better(self, z: Array, x: Array, four: bool) -> bool:
        """Whether G_zz costs no more than a check along v that would, most likely, ask for it."""
        G = self.level
        if G.noisy or four or G.p > 6 or (self.measured_at is not None and not any(_distances(self.measured_at, z, x))):
            return False
        return G.p <= 3 or self.staleness(z, x) > _STALE


def _distances(since: tuple[Array, Array], z: Array, x: Array) -> tuple[float, float]:
    return float(np.linalg.norm(z - since[0])), float(np.linalg.norm(x - since[1]))
