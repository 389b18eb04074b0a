"""The start of a run: noise, units, the first inner solution, and which model of Psi is used."""

from __future__ import annotations

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.inner import Refused
from zoba_bench.minimization.implicit.state import State
from zoba_bench.minimization.outcome import Ended
from zoba_bench.result import Status

__all__ = ["Start"]

_NEWTON_MOST = 60


class Start(State):
    """A run that has not moved x yet."""

    def start(self) -> None:
        """Noise, G_zz, z near z*(x), derivatives, and the model of Psi."""
        G, F, inner = self.G, self.F, self.inner
        base = G.measure(self.z, self.x)
        if G.constant:
            raise Refused(Status.INNER_SINGULAR, "the inner function is constant, so z*(x) is not defined")
        inner.measure(self.z, self.x, base)
        if inner.H.lowest <= inner.H.error and abs(inner.H.highest) <= 3 * inner.H.error:
            self.rescale_z(np.full(self.p, 300.0))  # nothing of G_zz is resolved: z may be far larger than 1
        self.fit_units_of_z()
        self.settle_first()
        self.value_F = F.measure(self.z, self.x)
        if F.constant:
            raise Ended(
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
            raise Refused(Status.INNER_SINGULAR, "the inner function curves downwards in z where its gradient vanishes")
        raise Refused(
            Status.INNER_SINGULAR,
            "the inner function is flat along a direction of z (as far as noise and rounding show), so z*(x) is not "
            "defined there; add a small multiple of |z|^2 to it, or scale z",
        )

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

    def rescale_x(self, factor: Array) -> None:
        """Other units of x: everything is converted, noise and the Hessian of Psi are measured again."""
        self.unit_x *= factor
        self.x = self.x / factor
        for level in (self.F, self.G):
            level.low, level.high = level.low / factor, level.high / factor
        self.G.measure(self.z, self.x)
        self.F.measure(self.z, self.x)
        self.radius = max(1.0, float(np.linalg.norm(self.x)))
        self.C = np.zeros((0, 0))
        self.derivatives()
        self.measure_hessian()
