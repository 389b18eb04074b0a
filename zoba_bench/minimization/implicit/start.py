"""The start of a run: noise, units, the first inner solution, and which model of Psi is used."""

from __future__ import annotations

import math

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.ending import Unsure
from zoba_bench.minimization.implicit.inner import Refused
from zoba_bench.minimization.implicit.sizes import along, natural, sizes_of_x, smooth
from zoba_bench.minimization.implicit.state import State
from zoba_bench.result import Status

__all__ = ["Start"]

_NEWTON_MOST = 60
#: Multiple of the start's value, or of what F changes over a unit there, that no F with a minimum falls by.
_ABYSS = 1e12


class Start(State):
    """A run that has not moved x yet."""

    def start(self) -> None:
        """Noise, G_zz, z near z*(x), derivatives, and the model of Psi."""
        G, F, inner = self.G, self.F, self.inner
        self.fit_odd_sizes()
        base = G.measure(self.z, self.x)
        if G.constant:
            raise Refused(Status.INNER_SINGULAR, "the inner function is constant, so z*(x) is not defined")
        inner.measure(self.z, self.x, base)
        if inner.H.lowest <= inner.H.error and abs(inner.H.highest) <= 3 * inner.H.error:
            self.rescale_z(np.full(self.p, 300.0))  # nothing of G_zz is resolved: z may be far larger than 1
        self.fit_units_of_z()
        self.settle_first()
        self.value_F = F.measure(self.z, self.x)
        self.lowest_sane = self.value_F - _ABYSS * max(abs(self.value_F), F.phi)
        if F.constant:
            raise Unsure(
                Status.FLAT,
                "the outer function did not change within a unit of the start: it is constant there, or rounded; where "
                "x or z is far larger than 1, x_scale= and z_scale= tell more",
            )
        self.radius = max(1.0, float(np.linalg.norm(self.x)))
        p, d = self.p, self.d
        iterations = min(0.6 * d + 2, 12)
        cheap = p * d + 0.75 * d * (d + 3) <= iterations * (2 * p + 3 * d + 4)
        self.newton = d <= _NEWTON_MOST and (cheap or self.noisy)
        self.derivatives(first=True, cross_v=not self.newton or self.noisy)
        self.seen(self.z, self.x, self.value_F)
        if self.newton:
            self.measure_hessian()
            self.fit_units_of_x()

    def fit_odd_sizes(self) -> None:
        """Units of those x whose start is of another size than the rest, by the functions themselves.

        A start near 0 looks so too: a unit lies between that of the start and that of the other coordinates.
        """
        if not len(self.odd):
            return
        start, factor = self.unit_x * self.x, np.ones(self.d)
        others = natural(np.delete(start, self.odd))
        bases = [(level, float(level.raw(self.z[None], self.x[None])[0])) for level in (self.F, self.G)]
        for i in self.odd:
            low, high = sorted((abs(float(start[i])), others))
            now = float(self.unit_x[i])
            if all(smooth(level, self.z, self.x, self.p + i, (low / now, high / now), base) for level, base in bases):
                unit = high
            else:
                unit = float(np.clip(now * sizes_of_x(bases, self.z, self.x, np.array([i]))[0], low, high))
            factor[i] = 2.0 ** round(math.log2(unit / now))
        self.convert_x(factor)

    def start_size(self) -> int:
        """About how many evaluations of both functions :meth:`start` takes where values are exact."""
        p, d = self.p, self.d
        model = p * d + p + d * (d + 3) // 2 + max(10, (d + 1) * (d + 2)) if d <= _NEWTON_MOST else d + 1
        return 2 + 18 + p * (p + 3) // 2 + p + 2 + p + d + model

    def settle_first(self) -> None:
        G, inner = self.G, self.inner
        for turn in range(3):
            ztol = 0.03 * max(0.1 * min(1.0, float(np.linalg.norm(self.z)) + 0.1), 0.3 * self.near)
            self.z, self.value_G, self.z_error = inner.settle(self.z, self.x, ztol)
            if inner.H.lowest > max(inner.H.error, 0.0):
                return
            if turn == 2:
                break
            # Noise and units are those of the start, where values may have been much larger: once more, here.
            G.measure(self.z, self.x)
            inner.measure(self.z, self.x, self.value_G)
            if inner.H.lowest <= inner.H.error and turn == 0:
                self.rescale_z(np.full(self.p, 300.0))
                self.fit_units_of_z()
        if inner.H.lowest < -inner.H.error:
            raise Refused(
                Status.INNER_SINGULAR,
                "the inner function curves downwards in z where its gradient vanishes: is its sign right?",
            )
        flat = np.r_[inner.H.vectors[:, 0], np.zeros(self.d)]
        if len(inner.H.free) == self.p and along(G, self.z, self.x, flat, self.value_G)[1] != 0.0:
            raise Refused(
                Status.INNER_SINGULAR,
                "the curvature of the inner function along a direction of z is below the error of its differences, "
                "but shows over longer steps: the variables may be of very different sizes (x_scale=, z_scale=), or "
                "the inner problem ill-conditioned",
                unsure=True,
            )
        raise Refused(
            Status.INNER_SINGULAR,
            "the inner function is flat along a direction of z, "
            f"{self._direction(inner.H.vectors[:, 0])}, at all lengths that noise and rounding let see, so z*(x) is "
            "not defined there: it needs a term that determines that direction, as a small multiple of |z|^2 would",
        )

    def _direction(self, vector: Array) -> str:
        """The largest coordinate of a direction of the free z, in the user's units."""
        part = np.abs(vector * self.unit_z[self.inner.H.free])
        return f"mostly z[{self.inner.H.free[int(np.argmax(part))]}]"

    def fit_units_of_z(self) -> None:
        """One unit a coordinate, so that the curvatures along them agree, where they differ by more than 100."""
        for _ in range(3):
            H = self.inner.H
            diagonal = np.maximum(np.abs(np.diag(H.matrix)), H.entry_error)
            if diagonal.max() <= 100 * diagonal.min() or diagonal.max() == 0.0:
                return
            factor = np.clip(np.exp(np.mean(np.log(diagonal)) / 2) / np.sqrt(diagonal), 1 / 300, 300.0)
            self.rescale_z(factor)

    def rescale_z(self, factor: Array) -> None:
        """Other units of z: everything is converted, noise and G_zz are measured again."""
        factor = 2.0 ** np.rint(np.log2(factor))
        self.unit_z *= factor
        self.z = self.z / factor
        for level in (self.F, self.G):
            level.low_z, level.high_z = level.low_z / factor, level.high_z / factor
        base = self.G.measure(self.z, self.x)
        self.inner.measure(self.z, self.x, base)

    def fit_units_of_x(self) -> None:
        """The same for x, by the diagonal of the Hessian of Psi; undone where that resolves less of the curvature."""
        for _ in range(3):
            assert self.B is not None
            diagonal = np.maximum(np.abs(np.diag(self.B.matrix)), self.B.entry_error)
            resolved, v_error = self.resolved(), max(self.inner.expected_error(self.z, self.x), 1e-3)
            # Where most of the curvature is resolved the unit is right: longer ones add the rounding of larger values.
            lost = self.B.highest <= 3 * self.B.error and not self.noisy and not self.rescales
            uneven = diagonal.max() > 100 * diagonal.min()
            if not (lost or uneven):
                return
            factor = np.clip(np.exp(np.mean(np.log(diagonal)) / 2) / np.sqrt(diagonal), 1 / 300, 300.0)
            if lost and not uneven:
                factor = np.full(self.d, 300.0)
            self.rescales += 1
            factor = 2.0 ** np.rint(np.log2(factor))
            parts = (self, self.F, self.G, self.inner)
            before = [dict(vars(part)) for part in parts]
            self.rescale_x(factor)
            kept_v = self.inner.expected_error(self.z, self.x) <= 10 * v_error
            if kept_v and (self.resolved() > resolved or (self.resolved() == resolved and not lost)):
                continue
            self.unit_x /= factor
            for part, kept in zip(parts, before, strict=True):
                vars(part).update({name: kept[name] for name in kept if name != "evaluations"})
            return

    def resolved(self) -> int:
        """How many eigenvalues of the Hessian of Psi exceed its error."""
        assert self.B is not None
        return int(np.count_nonzero(np.abs(self.B.values) > self.B.error))

    def convert_x(self, factor: Array) -> None:
        """The point and its bounds in other units of x."""
        self.unit_x *= factor
        self.x = self.x / factor
        for level in (self.F, self.G):
            level.low, level.high = level.low / factor, level.high / factor

    def rescale_x(self, factor: Array) -> None:
        """Other units of x: everything is converted, noise and the Hessian of Psi are measured again."""
        self.convert_x(factor)
        self.G.measure(self.z, self.x)
        self.F.measure(self.z, self.x)
        self.radius = max(1.0, float(np.linalg.norm(self.x)))
        self.C = np.zeros((0, 0))
        self.derivatives()
        self.measure_hessian()
