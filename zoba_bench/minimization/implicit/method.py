"""The loop: start, trial steps of x that z follows, and the tests that end a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.differences import cross, gradient, mixed
from zoba_bench.minimization.implicit.inner import Inner, Refused
from zoba_bench.minimization.implicit.noise import Level, NotFinite
from zoba_bench.minimization.implicit.outer import hessian, held, step
from zoba_bench.minimization.implicit.stopping import Hidden, hidden, ritz
from zoba_bench.minimization.implicit.symmetric import Symmetric, bfgs, secant
from zoba_bench.minimization.outcome import Exhausted, Outcome, Values
from zoba_bench.result import Status

__all__ = ["minimize_implicit"]

_AVERAGED = 20
_REJECTIONS = 9
_WITHOUT_STEPS = 31
_FAR = 1e6
_NEWTON_MOST = 60


class _Ended(Exception):
    """How the run ends."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True)
class _Point:
    """A point that was seen, in the user's units; ``above`` bounds Psi there from above."""

    x: Array
    z: Array
    value: float
    above: float


def minimize_implicit(
    values: Values, z0: Array, x0: Array, *, tol: float,
    bounds: tuple[Array, Array] | None = None, bounds_z: tuple[Array, Array] | None = None,
    max_iterations: int | None = None, on_iteration: Callable[[Outcome], bool] | None = None,
) -> Outcome:  # fmt: skip
    """Minimise Psi(x) = F(z*(x), x) by differences at (z, x), inner Newton steps and outer quasi-Newton steps.

    Parameters
    ----------
    values : counted values of both levels; :class:`Exhausted` ends the run.
    z0, x0 : (p,) and (d,) arrays
    tol : |x - x*| that is aimed at, absolute.
    bounds, bounds_z : (low, high) arrays of x and of z, or None.
    max_iterations : most steps of x that are tried; 1000 where None.
    on_iteration : called with the outcome so far before each step; True ends the run.
    """
    return _Run(values, z0, x0, tol, bounds, bounds_z, max_iterations or 1000, on_iteration).run()


def _natural(start: Array) -> float:
    """A unit: 1, or the size of the start where that is far from 1."""
    size = float(np.sqrt(np.mean(start**2)))
    return 1.0 if size == 0.0 or 0.03 <= size <= 30.0 else 2.0 ** round(math.log2(size))


class _Run:
    """One run. z and x are in units: the user's are ``unit_z * z`` and ``unit_x * x``."""

    def __init__(
        self, values: Values, z0: Array, x0: Array, tol: float, bounds: tuple[Array, Array] | None,
        bounds_z: tuple[Array, Array] | None, limit: int, on_iteration: Callable[[Outcome], bool] | None,
    ) -> None:  # fmt: skip
        self.unit_z, self.unit_x = np.full(len(z0), _natural(z0)), np.full(len(x0), _natural(x0))
        self.F, self.G = (Level(values, name, self.unit_z, self.unit_x) for name in ("outer", "inner"))
        for level in (self.F, self.G):
            if bounds is not None:
                level.low, level.high = (np.array(side) / self.unit_x for side in bounds)
            if bounds_z is not None:
                level.low_z, level.high_z = (np.array(side) / self.unit_z for side in bounds_z)
        self.inner = Inner(self.G)
        self.z = np.clip(z0 / self.unit_z, self.G.low_z, self.G.high_z)
        self.x = np.clip(x0 / self.unit_x, self.G.low, self.G.high)
        self.x0_size = max(1.0, float(np.linalg.norm(x0)))
        self.tol, self.limit, self.on_iteration = tol, limit, on_iteration
        p, d = len(z0), len(x0)
        self.p, self.d = p, d
        self.v, self.outer_z, self.outer_x = np.zeros(p), np.zeros(p), np.zeros(d)
        self.gradient = np.full(d, math.nan)
        self.cross_v, self.C = np.zeros(d), np.zeros((0, 0))
        self.cross_norm = self.slope = self.response = self.followed = 0.0
        self.value_F = self.value_G = math.nan
        self.z_error, self.four, self.z_last = 0.0, False, self.z
        self.B: Symmetric | None = None
        self.B_at, self.B_measured = self.x, 0
        self.newton, self.rho = False, math.nan
        self.radius, self.last_step, self.nit = 1.0, math.inf, 0
        self.pairs: list[tuple[Array, Array]] = []
        self.targets: list[Array] = []
        self.shifts: list[Array] = []
        self.near_steps = self.widenings = self.rescales = 0
        self.remeasured = False
        self.not_finite, self.edges, self.edge_error = 0, list[int](), 0.0
        self.bar = math.inf
        self.best: _Point | None = None
        self.final: _Point | None = None
        self.history: dict[str, list[float]] = {
            name: [] for name in ("iteration", "evaluations", "value", "gradient_norm", "predicted_distance")
        }

    @property
    def noisy(self) -> bool:
        return self.F.noisy or self.G.noisy

    # A run and its outcome

    def run(self) -> Outcome:
        try:
            self.start()
            self.loop()
        except (_Ended, Refused) as end:
            return self.outcome(end.status, end.message)
        except Exhausted:
            return self.outcome(Status.BUDGET, f"the budget is used up; {self._distance()}")
        except NotFinite as error:
            return self.outcome(
                Status.NON_FINITE,
                f"{error} returned NaN or an infinity next to the point, however short the differences; "
                "start further inside of the functions' domain, or give bounds",
            )
        raise AssertionError("the loop ends with a status")

    def _distance(self) -> str:
        if math.isfinite(self.bar):
            return f"the distance to a solution may be up to {self.bar:.2g} (tolerance {self.tol:.2g})"
        return "the distance to a solution is not known yet"

    def outcome(self, status: Status, message: str) -> Outcome:
        """The best point seen, with what is known at the last one."""
        point = self.final or self.here()
        best = self.best
        if status is not Status.CONVERGED and best is not None and not point.value <= best.above:
            point = best
        return Outcome(
            x=point.x.copy(), z=point.z.copy(), v=self.v * self.unit_z, status=status, message=message, nit=self.nit,
            fun=point.value, jac=self.gradient / self.unit_x, error_bound=self.bar,
            history={name: list(column) for name, column in self.history.items()},
        )  # fmt: skip

    def here(self) -> _Point:
        return self.point(self.z, self.x, self.value_F)

    def point(self, z: Array, x: Array, value: float) -> _Point:
        hides = 6 * self.F.eps + 2 * float(np.linalg.norm(self.outer_z)) * self.z_error
        return _Point(x * self.unit_x, z * self.unit_z, value, value + hides)

    def seen(self, z: Array, x: Array, value: float) -> None:
        """Remember the point with the lowest value."""
        point = self.point(z, x, value)
        if self.best is None or point.above < self.best.above:
            self.best = point

    # Start

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
        F_value = F.measure(self.z, self.x)
        if F.constant:
            raise _Ended(
                Status.FLAT,
                "the outer function did not change within a unit of the start: it is constant there, or rounded",
            )
        self.value_F = F_value
        self.radius = max(1.0, float(np.linalg.norm(self.x)))
        self.derivatives(first=True)
        self.seen(self.z, self.x, self.value_F)
        p, d = self.p, self.d
        iterations = min(0.6 * d + 2, 12)
        cheap = p * d + 0.75 * d * (d + 3) <= iterations * (2 * p + 3 * d + 4)
        self.newton = d <= _NEWTON_MOST and (cheap or self.noisy)
        if self.newton:
            self.measure_hessian()
            self.fit_units_of_x()

    def settle_first(self) -> None:
        G, inner = self.G, self.inner
        for turn in range(3):
            ztol = 0.03 * max(0.1 * min(1.0, float(np.linalg.norm(self.z)) + 0.1), 0.3 * self.tol)
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
        """The same for x, by the diagonal of the Hessian of Psi."""
        for _ in range(3):
            assert self.B is not None
            diagonal = np.maximum(np.abs(np.diag(self.B.matrix)), self.B.entry_error)
            lost = float(np.abs(self.B.values).min()) <= self.B.error and not self.noisy and not self.rescales
            uneven = diagonal.max() > 100 * diagonal.min()
            if not (lost or uneven):
                return
            factor = np.clip(np.exp(np.mean(np.log(diagonal)) / 2) / np.sqrt(diagonal), 1 / 300, 300.0)
            if lost and not uneven:
                factor = np.full(self.d, 300.0)
            self.rescales += 1
            factor = 2.0 ** np.rint(np.log2(factor))
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

    # Derivatives at the current point

    def derivatives(self, *, first: bool = False) -> None:
        """F_z, F_x, v, C v and the hypergradient: p + 2 d + d + 1 values, and a check of v where it is due."""
        F, G, inner = self.F, self.G, self.inner
        before_z, before = self.z_last if not first else self.z, self.outer_z
        slopes, _ = gradient(F, self.z, self.x, "zx", self.value_F)
        self.outer_z, self.outer_x = slopes[: self.p], slopes[self.p :]
        moved = float(np.linalg.norm(self.z - before_z))
        change = float(np.linalg.norm(self.outer_z - before))
        if not first and moved > 1e-6 * (1.0 + float(np.linalg.norm(self.z))) and change > 3 * math.sqrt(2 * self.p) * F.gradient_noise:
            self.slope = max(self.slope, change / moved)
        self.z_last = self.z
        error = inner.expected_error(self.z, self.x)
        allowed = 0.01
        if self.noisy:
            allowed = max(allowed, 2 * inner.H.error / inner.H.least)
        # Of the gradient, an error of v may be a tenth at most: later steps are short, and their changes are learnt from.
        reach = self.reach()
        if reach > 0 and not self.noisy:
            allowed = min(allowed, max(0.1 * float(np.linalg.norm(self.gradient)) / reach, self.enough() / reach))
        if error > allowed and not (first and self._just_measured()):
            self.v = inner.check(self.z, self.x, self.outer_z, self.value_G, min(0.02, max(allowed, 1e-5)), four=self.four)
        else:
            self.v = inner.adjoint(self.outer_z)
        self.measure_cross_v()

    def through(self) -> float:
        """A bound on |C G_zz^-1| = |dz*/dx|: measured with C, else from |C v| / |v|, and from how far z has followed x."""
        bound = self.cross_norm / self.inner.H.least
        if self.response:
            return min(bound, 1.5 * self.response)
        return min(bound, 4 * self.followed) if self.followed else bound

    def reach(self) -> float:
        """What a relative error of v multiplies in the hypergradient, at most."""
        return min(
            self.through() * float(np.linalg.norm(self.outer_z)), 4 * self.cross_norm * float(np.linalg.norm(self.v))
        )

    def enough(self) -> float:
        """An error of the hypergradient that moves the solution by a tenth of the tolerance."""
        if self.B is None:
            return 0.0
        return 0.1 * self.tol / self.free_model().weighted_inverse(self.unit_x)[1]

    def _just_measured(self) -> bool:
        at = self.inner.measured_at
        return at is not None and np.array_equal(at[0], self.z) and np.array_equal(at[1], self.x)

    def measure_cross_v(self) -> None:
        """C v: 2 d + 1 values; 4 d where noisy or near the end."""
        size = float(np.linalg.norm(self.v))
        if size == 0.0:
            self.cross_v = np.zeros(self.d)
        else:
            row = mixed(self.G, self.z, self.x, self.v / size, "x", self.value_G, four=self.four)
            self.cross_v = row * size
            self.cross_norm = max(self.cross_norm, float(np.linalg.norm(row)))
        self.gradient = self.outer_x + self.cross_v

    def measure_hessian(self) -> None:
        """C and the Hessian of Psi at the current point."""
        self.C = cross(self.G, self.z, self.x, self.value_G)
        self.cross_norm = float(np.linalg.norm(self.C, 2))
        response = -self.inner.H.solve(self.C.T)
        self.response = float(np.linalg.norm(response, 2))
        M, error, _ = hessian(self.F, self.G, self.z, self.x, self.v, response, self.value_F)
        self.B = Symmetric(M, error)
        self.B_at, self.rho = self.x, math.nan
        self.B_measured += 1

    def refresh(self) -> None:
        """G_zz, v and the Hessian of Psi, measured where the run is."""
        self.targets, self.shifts = [], []
        self.inner.measure(self.z, self.x, self.value_G)
        self.z, self.value_G, self.z_error = self.inner.settle(self.z, self.x, 0.01 * self.tol)
        self.value_F = self.F.one(self.z, self.x)
        self.derivatives()
        if self.best is not None and np.array_equal(self.best.x, self.x * self.unit_x):
            self.best = self.here()  # z was less exact then, and the value with it
        if self.newton:
            self.measure_hessian()
        else:
            self.B, self.pairs = None, []

    # The loop

    def loop(self) -> None:
        rejections = 0
        while True:
            s, size = self.newton_step()
            parts = self.hidden()
            self.bar = self.bar_of(size, parts)
            self.report(size)
            if self.consider_stop(s, size, parts):
                continue
            if self.near_steps >= _WITHOUT_STEPS:
                self.stall()
            if self.nit >= self.limit:
                raise _Ended(Status.MAX_ITERATIONS, f"reached max_iterations; {self._distance()}")
            s, predicted = self.trial_step(size)
            self.nit += 1
            if self.try_step(s, predicted):
                rejections = 0
                continue
            rejections += 1
            if rejections > _REJECTIONS:
                self.give_up()
            if rejections in (2, 5):
                self.refresh()

    def stall(self) -> None:
        if self.noisy:
            self.noise_limited(resolved=math.isfinite(self.bar))
        raise _Ended(Status.STOPPED, f"{self.near_steps} short steps did not meet the tolerance; {self._distance()}")

    def newton_step(self) -> tuple[Array, float]:
        """-|B|^-1 grad on the x that are free, and its length in the user's units."""
        if self.B is None:
            return -self.gradient, math.inf
        fixed = held(self.x, self.gradient, self.G.low, self.G.high)
        part = self.B.with_free(np.flatnonzero(~fixed))
        s = -part.solve(np.where(fixed, 0.0, self.gradient))
        s = np.clip(self.x + s, self.G.low, self.G.high) - self.x
        return s, float(np.linalg.norm(self.unit_x * s))

    def free_model(self) -> Symmetric:
        assert self.B is not None
        fixed = held(self.x, self.gradient, self.G.low, self.G.high)
        return self.B.with_free(np.flatnonzero(~fixed))

    def hidden(self) -> Hidden:
        if self.B is None:
            return Hidden(math.inf, math.inf, math.inf, math.inf)
        return hidden(
            self.F, self.G, self.inner, self.free_model(), self.unit_x, v=self.v, outer_z=self.outer_z,
            cross_norm=self.cross_norm, through=self.through(), slope=self.slope, z_error=self.z_error,
            v_error=self.inner.expected_error(self.z, self.x), four=self.four,
        )  # fmt: skip

    def trust(self) -> float:
        return 0.5 if math.isnan(self.rho) else max(1.5 * self.rho, 0.25)

    def bar_of(self, size: float, parts: Hidden) -> float:
        """What |x - x*| may be at the point that would be returned."""
        if self.B is None:
            return math.inf
        model = self.free_model()
        if model.lowest <= model.error:
            return math.inf
        if not self.newton:
            least = min(max(model.lowest, 0.0), ritz(self.pairs[-2 * self.d :]))
            fixed = held(self.x, self.gradient, self.G.low, self.G.high)
            slope = float(np.linalg.norm(np.where(fixed, 0.0, self.gradient)))
            longest = 0.7 * slope / least if least > 0 else math.inf
            return max(size + self.tail(size, parts), longest) + parts.noise + parts.bias + self.edge_error
        r = self.trust()
        beyond = r * max(size, r * self.last_step if self.last_step < 10 * self.tol else 0.0)
        return max(beyond, self.tail(size, parts)) + parts.noise + parts.bias + self.edge_error

    def tail(self, size: float, parts: Hidden) -> float:
        """What follows after this step if steps go on shrinking as they did, as at a minimum of higher order."""
        if size <= 3 * parts.noise or not math.isfinite(self.last_step):
            return 0.0
        shrinks = min(size / self.last_step, 0.95)
        return 1.2 * size * shrinks / (1 - shrinks)

    def trial_step(self, size: float) -> tuple[Array, float]:
        G = self.G
        if self.B is None:
            norm = float(np.linalg.norm(self.gradient)) or 1.0
            B = Symmetric(np.eye(self.d) * norm / self.radius, 0.0)
            return step(B, self.x, self.gradient, self.radius, G.low, G.high)
        if size <= 5 * self.tol and self.B.lowest < -self.B.error:
            # Stationary, but not a minimum: along the direction of most negative curvature.
            s = self.B.vectors[:, 0] * self.radius
            s = s if float(s @ self.gradient) <= 0 else -s
            s = np.clip(self.x + s, G.low, G.high) - self.x
            return s, float(-0.5 * (s @ self.B.matrix @ s) - self.gradient @ s)
        return step(self.B, self.x, self.gradient, self.radius, G.low, G.high)

    def try_step(self, s: Array, predicted: float) -> bool:
        """Let z follow x + s; take the point, its derivatives and the update of the model if F fell."""
        F, length = self.F, float(np.linalg.norm(s))
        real = float(np.linalg.norm(self.unit_x * s))
        if length == 0.0:
            return False
        slope = float(np.linalg.norm(self.outer_z)) or 1e-300
        ztol = min(0.03 * max(min(length, 10.0), 0.3 * self.tol), 0.1 * max(predicted, 0.0) / slope)
        ztol = max(ztol, 1e-3 * self.tol if real <= 10 * self.tol else 0.0)
        x = self.x + s
        try:
            z, value_G, z_error = self.inner.settle(self.z, x, ztol)
            value = F.one(z, x)
        except NotFinite:
            self.radius = length / 3
            self.not_finite += 1
            if self.not_finite >= 3:
                self.find_edge(s)
            return False
        except Refused:
            if self.nit > 1 and length > 1e-3:
                self.radius = length / 10
                return False
            raise
        self.not_finite = 0
        self.near_steps = self.near_steps + 1 if real <= 10 * self.tol else 0
        hides = 6 * F.eps + 2 * slope * z_error + 1e-3 * abs(predicted)
        fall = self.value_F - value
        good = fall >= 0.05 * predicted - hides
        if not good and real <= 10 * self.tol:
            good = value < self.value_F + 0.01 * self.tol * F.phi
        if not good:
            self.radius = length / 3
            return False
        ratio = fall / predicted if predicted > 0 else 1.0
        if ratio > 0.6 and length > 0.8 * self.radius:
            self.radius *= 3
        elif ratio < 0.2 and real > 10 * self.tol:
            self.radius /= 2
        self.followed = max(self.followed, float(np.linalg.norm(z - self.z)) / length)
        before, gradient_before = (self.z, self.x, self.value_F, self.value_G, self.z_error), self.gradient
        v_before = self.v, self.outer_z, self.outer_x, self.cross_v
        self.z, self.x, self.value_F, self.value_G, self.z_error = z, x, value, value_G, z_error
        try:
            self.derivatives()
        except NotFinite:
            self.z, self.x, self.value_F, self.value_G, self.z_error = before
            self.gradient = gradient_before
            self.v, self.outer_z, self.outer_x, self.cross_v = v_before
            self.radius = length / 3
            return False
        self.seen(self.z, self.x, self.value_F)
        if float(np.linalg.norm(self.unit_x * self.x)) > _FAR * self.x0_size:
            raise _Ended(Status.DIVERGED, "x runs away: Psi seems to be unbounded below; bounds= would keep x in place")
        self.update(s, self.gradient - gradient_before)
        self.last_step = real
        return True

    def find_edge(self, s: Array) -> None:
        """Bound the coordinate of x whose move alone leaves the functions' domain, where values end."""

        def finite(x: Array) -> bool:
            return all(math.isfinite(float(f.raw(self.z[None], x[None])[0])) for f in (self.F, self.G))

        for i in np.argsort(-np.abs(s * self.unit_x))[:20]:
            alone = np.zeros(self.d)
            alone[i] = s[i]
            if s[i] == 0.0 or finite(self.x + alone) or not finite(self.x + s - alone):
                continue
            inside, outside = 0.0, 1.0
            width = abs(float(s[i] * self.unit_x[i]))
            while (outside - inside) * width > 0.02 * self.tol:
                middle = (inside + outside) / 2
                inside, outside = (middle, outside) if finite(self.x + middle * alone) else (inside, middle)
            edge = float(self.x[i] + inside * s[i])
            for f in (self.F, self.G):
                side = f.low if s[i] < 0 else f.high
                side[i] = edge
            self.edge_error += 0.02 * self.tol
            self.radius = max(self.radius, float(np.linalg.norm(s)))
            self.not_finite = 0
            self.edges.append(int(i))
            return

    def update(self, s: Array, y: Array) -> None:
        """The model of Psi after a step: SR1 where it was measured, BFGS where it is learnt; measured again if poor."""
        length, change = float(np.linalg.norm(s)), float(np.linalg.norm(y))
        if not self.newton:
            if self.B is not None:
                # What v and z may be off by is no curvature.
                parts, spectral = self.hidden(), self.free_model().weighted_inverse(self.unit_x)[1]
                if change < 2 * (parts.noise + parts.bias) / spectral:
                    return
            self.pairs.append((s, y))
            if self.B is None and float(s @ y) > 0:
                self.B = Symmetric(np.eye(self.d) * (change**2 / float(s @ y)), 0.0)
            if self.B is not None:
                self.B = self.B.replaced(bfgs(self.B.matrix, s, y))
            return
        assert self.B is not None
        size = float(np.linalg.norm(self.v))
        noise = math.sqrt(2 * self.d) * math.hypot(self.F.gradient_noise, self.G.mixed_noise(self.four) * size)
        r = y - self.B.matrix @ s
        off = max(float(np.linalg.norm(r)) - noise, 0.0)
        if off == 0.0 and noise > 0.3 * change:
            return  # the step was too short to tell anything
        scale = off / (float(np.linalg.norm(r)) or 1.0)
        inverse = float(np.linalg.norm(self.B.solve(r))) * scale / length
        self.rho = max(off / (change or 1.0), inverse, 0.02)
        if float(np.linalg.norm(r)) > 2 * noise and off > 0.02 * change:
            updated = self.B.replaced(secant(self.B.matrix, s, y))
            if self.B.lowest > self.B.error and updated.lowest < 0.2 * self.B.lowest:
                updated = self.B.replaced(bfgs(self.B.matrix, s, y))  # keeps a convex model convex
            self.B = updated
        p, d = self.p, self.d
        affordable = p * d + p + d + 0.75 * d * (d + 3) < 4 * (2 * p + 3 * d + 4)
        if not self.noisy and self.rho > 0.4 and affordable and self.B_measured < 10:
            self.measure_hessian()

    def give_up(self) -> None:
        if self.noisy:
            raise _Ended(Status.NOISE_LIMITED, f"noise hides whether shorter steps lower Psi; {self._distance()}")
        if self.B is not None and self.B.lowest < -self.B.error:
            raise _Ended(Status.STOPPED, "no step lowers Psi, which curves downwards here; it may have a kink")
        raise _Ended(
            Status.STOPPED, f"no step lowers Psi: it may have a kink, or z has more than one solution; {self._distance()}"
        )

    def report(self, size: float) -> None:
        row = (
            self.nit, self.F.evaluations + self.G.evaluations, self.value_F,
            float(np.linalg.norm(self.gradient / self.unit_x)), size,
        )  # fmt: skip
        for name, entry in zip(self.history, row, strict=True):
            self.history[name].append(entry)
        if self.on_iteration is not None and self.on_iteration(self.outcome(Status.STOPPED, "running")):
            raise _Ended(Status.STOPPED, f"stopped by the callback; {self._distance()}")

    # Whether to stop

    def consider_stop(self, s: Array, size: float, parts: Hidden) -> bool:
        """End the run if the error model allows it. True if something was measured, so that all must be judged again."""
        if self.B is None:
            if float(np.linalg.norm(self.gradient)) == 0.0:
                raise _Ended(Status.FLAT, "the hypergradient is zero and the curvature of Psi was not measured")
            return False
        model, tol = self.free_model(), self.tol
        near = size <= max(3 * parts.noise, 5 * tol) and model.lowest > -model.error
        if not near:
            return False
        if self.noisy:
            return self.consider_noisy(s, size, parts, model)
        if model.lowest <= model.error:
            raise _Ended(
                Status.FLAT,
                "Psi is flat along a direction of x, as far as rounding shows: solutions may lie anywhere along it",
            )
        if not self.four and parts.noise + parts.bias > 0.1 * tol and math.isfinite(parts.bias):
            self.four = True
            self.measure_cross_v()
            return True
        if self.bar > tol:
            if parts.adjoint > 0.2 * tol and self.verify():
                return True
            if parts.noise + parts.bias > 0.3 * tol and not self.remeasured:
                self.measure_levels()
                return True
            return False
        if (parts.adjoint > 0.2 * tol or self.loose(parts)) and self.verify():
            return True
        moved = float(np.linalg.norm(self.unit_x * (self.x - self.B_at)))
        stale = self.rho > 0.3 or (self.d > 1 and self.rho > 0.1 and moved > 10 * tol)
        if self.newton and stale and self.B_measured < 20:
            self.measure_hessian()
            return True
        return self.finish(s, size)

    def finish(self, s: Array, size: float) -> bool:
        """Go to x + s where that is not far below the tolerance, look at z once more, and end the run."""
        tol = self.tol
        if self.newton and size > 0.1 * tol:
            x = self.x + s
            z, value_G, z_error = self.inner.settle(self.z, x, 0.02 * tol)
            value = self.F.one(z, x)
            if value > self.value_F + 6 * self.F.eps + 2 * float(np.linalg.norm(self.outer_z)) * z_error:
                return False
        else:
            x, z, value_G, value = self.x, self.z, self.value_G, self.value_F
            self.bar += size if self.newton else 0.0
            if self.bar > tol:
                return False
        g, _ = gradient(self.G, z, x, "z", value_G, np.diag(self.inner.H.matrix))
        self.inner.set_free(z, g)
        off = float(np.linalg.norm(self.inner.H.solve(g)))
        if off * max(1.0, self.cross_norm * self.slope * self.B_inverse()) > 0.05 * tol:
            self.z, self.value_G, self.z_error = self.inner.settle(z, x, 0.01 * tol)
            self.x = x
            self.value_F = self.F.one(self.z, x)
            self.derivatives()
            return True
        self.final = self.point(z, x, value)
        self.converged()
        return True

    def B_inverse(self) -> float:
        return self.free_model().weighted_inverse(self.unit_x)[1] / self.inner.H.least

    def converged(self) -> None:
        point = self.final or self.here()
        if self.best is not None and point.value > self.best.above + 0.01 * self.tol * self.F.phi:
            self.final = self.best
            raise _Ended(Status.STOPPED, "a point that was seen earlier has a lower value than the stationary point found")
        if self.inner.weak.any():
            raise _Ended(
                Status.STOPPED,
                f"z[{int(np.argmax(self.inner.weak))}] is at a bound that hardly holds it (no strict complementarity): "
                "Psi has a kink where that changes, and no derivative there; without z_bounds, or with others, there is",
            )
        held_x = held(self.x, self.gradient, self.G.low, self.G.high)
        where = f", with {int(held_x.sum())} of {self.d} variables at a bound" if held_x.any() else ""
        if held_x[self.edges].any():
            where += " or where the functions stop being finite"
        raise _Ended(
            Status.CONVERGED,
            f"converged: the distance to a local solution{where} is at most {self.bar:.2g} by the error model "
            f"(tolerance {self.tol:.2g}); z is a local minimiser of the inner function, local in z",
        )

    def loose(self, parts: Hidden) -> bool:
        """Whether z may be too far from z*(x) for the derivatives at z to be those at z*(x)."""
        return parts.inner > 0.05 * self.tol or self.z_error > max(0.1 * self.tol, 3 * self.inner.noise)

    def measure_levels(self) -> None:
        """Noise and units where the run has come to: those of the start may have been those of much larger values."""
        self.remeasured = True
        self.value_G = self.G.measure(self.z, self.x)
        self.value_F = self.F.measure(self.z, self.x)
        self.refresh()

    def verify(self) -> bool:
        """Measure v along itself and z once more; False if that has been done at this very point."""
        at = self.inner.checked_at
        here = at is not None and np.array_equal(at[0], self.z) and np.array_equal(at[1], self.x)
        if here and (self.four or self.noisy):
            return False
        if self.z_error > 0.01 * self.tol:
            self.z, self.value_G, self.z_error = self.inner.settle(self.z, self.x, 0.01 * self.tol)
            self.value_F = self.F.one(self.z, self.x)
            self.derivatives()
        reach = self.reach()
        allowed = min(0.02, max(2 * self.enough() / reach, 1e-5)) if reach else 0.02
        self.four = not self.noisy
        self.v = self.inner.check(self.z, self.x, self.outer_z, self.value_G, allowed, four=self.four)
        self.measure_cross_v()
        return True

    # With noise

    def consider_noisy(self, s: Array, size: float, parts: Hidden, model: Symmetric) -> bool:
        """Average the targets x + s; end where the average is good enough, or cannot become so."""
        F, G, tol = self.F, self.G, self.tol
        if not self.remeasured:
            self.remeasured = True
            h2 = G.h2, F.h2
            for level, value in ((G, self.value_G), (F, self.value_F)):
                if level.noisy:
                    level.measure_derivatives(self.z, self.x, value)
            if G.h2 < 0.8 * h2[0] or F.h2 < 0.8 * h2[1]:
                self.refresh()
                return True
        r = self.trust()
        # Targets that were aimed at from further away than noise explains are worse than the new one, not as good.
        worst = 2 * size + 2 * parts.noise / r
        kept = [i for i, shift in enumerate(self.shifts) if float(np.linalg.norm(self.unit_x * shift)) <= worst]
        self.targets = [*(self.targets[i] for i in kept), self.x + s]
        self.shifts = [*(self.shifts[i] for i in kept), s]
        n = len(self.targets)
        drift = max(
            float(np.linalg.norm(self.unit_x * np.mean(self.shifts, axis=0))),
            float(np.median([np.linalg.norm(self.unit_x * shift) for shift in self.shifts])) / math.sqrt(n),
        )
        spread = 0.0
        if n >= 4:
            deviation = np.std(np.array(self.targets) * self.unit_x, axis=0, ddof=1)
            spread = 2 * float(np.linalg.norm(deviation)) / math.sqrt(n)
        resolved = model.lowest > model.error
        self.bar = r * drift + max(parts.noise / math.sqrt(n), spread) + parts.bias if resolved else math.inf
        if self.bar <= tol:
            if (parts.adjoint > 0.2 * tol or self.loose(parts)) and self.verify():
                return True
            moved = float(np.linalg.norm(self.unit_x * (self.x - self.B_at)))
            if self.newton and self.d > 1 and self.rho > 0.1 and moved > 10 * tol and self.B_measured < 12:
                self.measure_hessian()
                return True
            return self.repeat_with_longer_steps()
        if n >= _AVERAGED or (n >= 3 and (parts.bias > tol or not resolved)) or self.near_steps >= _WITHOUT_STEPS:
            self.noise_limited(resolved)
        return False

    def noise_limited(self, resolved: bool) -> None:
        self.take_average()
        what = self._distance() if resolved else "the curvature of Psi is smaller than its error"
        raise _Ended(
            Status.NOISE_LIMITED,
            f"noise of size {self.F.eps:.1g} in outer and {self.G.eps:.1g} in inner limits the accuracy: {what}",
        )

    def take_average(self) -> None:
        """The mean target, with z there: what is returned."""
        if not self.targets:
            return
        x = np.clip(np.mean(self.targets, axis=0), self.G.low, self.G.high)
        try:
            z, _, self.z_error = self.inner.settle(self.z, x, 0.03 * self.tol)
            value = self.F.one(z, x)
        except (Refused, NotFinite, Exhausted):
            return
        self.final = self.point(z, x, value)

    def repeat_with_longer_steps(self) -> bool:
        """The target at the same x from differences of twice the steps; half of its change joins the bound."""
        F, G, tol, inner = self.F, self.G, self.tol, self.inner
        assert self.B is not None
        H, kept = inner.H, (inner.measured_at, inner.checked_at, inner.rel, inner.remainder, inner.before)
        F.widen = G.widen = 2.0
        try:
            inner.measure(self.z, self.x, self.value_G)
            z, base, _ = inner.settle(self.z, self.x, 0.01 * tol)
            slopes, _ = gradient(F, z, self.x, "zx", F.one(z, self.x))
            v = inner.adjoint(slopes[: self.p])
            size = float(np.linalg.norm(v)) or 1.0
            g = slopes[self.p :] + mixed(G, z, self.x, v / size, "x", base) * size
        except (NotFinite, Refused):
            g = self.gradient + math.inf
        finally:
            F.widen = G.widen = 1.0
            inner.H = H
            inner.measured_at, inner.checked_at, inner.rel, inner.remainder, inner.before = kept
        change = self.free_model().solve(g - self.gradient) if np.isfinite(g).all() else np.full(self.d, math.inf)
        fixed = held(self.x, self.gradient, G.low, G.high)
        half = 0.5 * float(np.linalg.norm((self.unit_x * change)[~fixed]))
        if self.bar + half <= tol:
            self.bar += half
            self.take_average()
            self.converged()
        self.widenings += 1
        if self.widenings > 2:
            self.bar += half
            self.noise_limited(True)
        for level in (F, G):
            level.third, level.fourth = 4 * level.third, 4 * level.fourth
        self.targets, self.shifts = [], []
        self.refresh()
        return True
