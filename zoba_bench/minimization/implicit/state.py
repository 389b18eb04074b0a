"""Where a run stands: the point, its derivatives, the models of both levels, and how far the solution may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.differences import cross, gradient, mixed
from zoba_bench.minimization.implicit.inner import Inner
from zoba_bench.minimization.implicit.noise import Level
from zoba_bench.minimization.implicit.outer import held, hessian
from zoba_bench.minimization.implicit.sizes import natural, odd
from zoba_bench.minimization.implicit.stopping import Hidden, hidden, ritz
from zoba_bench.minimization.implicit.symmetric import Symmetric
from zoba_bench.minimization.implicit.together import together
from zoba_bench.minimization.outcome import Outcome, Values
from zoba_bench.result import Status

__all__ = ["Point", "State"]

#: Factor by which the largest curvature of Psi does not grow from one measurement to the next where Psi is smooth.
_JUMPED = 3.0


@dataclass(frozen=True)
class Point:
    """A point that was seen, in the user's units; ``above`` bounds Psi there from above."""

    x: Array
    z: Array
    value: float
    above: float


class State:
    """One run. z and x are in units: the user's are ``unit_z * z`` and ``unit_x * x``.

    With ``earlier`` it goes on from where that run ended, in other units of x or by central differences.
    """

    def __init__(
        self, values: Values, z0: Array, x0: Array, tol: float, bounds: tuple[Array, Array] | None,
        bounds_z: tuple[Array, Array] | None, limit: int, on_iteration: Callable[[Outcome], bool] | None,
        earlier: State | None = None, unit_x: Array | None = None, central: bool = False,
    ) -> None:  # fmt: skip
        self.values = values
        self.scaled = unit_x is not None  # whether sizes of x were measured by all lengths
        self.earlier, self.odd = earlier, odd(x0) if earlier is None else np.zeros(0, dtype=np.intp)
        self.unit_z = np.full(len(z0), natural(z0))
        if unit_x is None:
            unit_x = np.full(len(x0), natural(np.delete(x0, self.odd)))
            unit_x[self.odd] = [natural(x0[i : i + 1]) for i in self.odd]
        self.unit_x = unit_x
        self.F, self.G = (Level(values, name, self.unit_z, self.unit_x, central=central) for name in ("outer", "inner"))
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
        self.cross_v, self.C, self.cross_at = np.zeros(d), np.zeros((0, 0)), (self.z, self.x, self.v)
        self.follows: Array | None = None  # dz*/dx (p, d)
        self.measured_follows = False  # whether that is from differences of z*
        self.cross_norm = self.slope = self.response = self.followed = 0.0
        self.value_F = self.value_G = math.nan
        self.z_error, self.four, self.z_last = 0.0, False, self.z
        self.B: Symmetric | None = None
        self.B_jumped = False  # whether it became much larger in one measurement, and has explained no step since
        self.B_at, self.B_measured = self.x, 0
        self.newton, self.rho = False, math.nan
        self.radius, self.last_step = 1.0, math.inf
        self.nit: int = 0 if earlier is None else earlier.nit
        self.pairs: list[tuple[Array, Array]] = []
        self.targets: list[Array] = []
        self.shifts: list[Array] = []
        self.near_steps = self.widenings = self.rescales = self.corrections = self.refused = 0
        self.searches = self.rejected = self.unexplained = 0
        self.remeasured = self.looked_again = self.unsure = False
        self.settled_at: Array | None = None
        self.not_finite, self.edges, self.edge_error = 0, list[int](), 0.0
        self.bar, self.left = math.inf, 0.0
        self.lowest_sane = -math.inf  # a value of F below it is taken for one of a Psi without a minimum
        self.best: Point | None = None
        self.final: Point | None = None
        self.history: dict[str, list[float]] = {
            name: [] for name in ("iteration", "evaluations", "value", "gradient_norm", "predicted_distance")
        }
        if earlier is not None:
            self.history, self.x0_size = earlier.history, earlier.x0_size
            for level, before in ((self.F, earlier.F), (self.G, earlier.G)):
                level.evaluations = before.evaluations

    @property
    def near(self) -> float:
        """The tolerance in the units of the run, for what is not measured in the user's: z, and values."""
        return self.tol / float(np.exp(np.mean(np.log(self.unit_x))))

    @property
    def noisy(self) -> bool:
        return self.F.noisy or self.G.noisy

    def _distance(self) -> str:
        if math.isfinite(self.bar):
            return f"the distance to a solution may be up to {self.bar:.2g} (tolerance {self.tol:.2g})"
        return "the distance to a solution is not known yet"

    def _within_reach(self) -> str:
        """The tolerance that could have been met, if it is known, and says something of x."""
        if not self.tol < self.bar < 0.3 * max(1.0, float(np.linalg.norm(self.unit_x * self.x))):
            return ""
        bound = 1.1 * self.bar
        digit = 10.0 ** math.floor(math.log10(bound))
        return f"; tol={math.ceil(bound / digit) * digit:.1g} is within reach"

    def _weakest(self) -> str:
        """The x along which Psi curves least."""
        model = self.free_model()
        return f"x[{model.free[int(np.argmax(np.abs(model.vectors[:, 0] * self.unit_x[model.free])))]}]"

    def outcome(self, status: Status, message: str) -> Outcome:
        """The best point seen, with what is known at the last one."""
        point = self.final or self.here()
        best, bound = self.best, self.bar
        if status is not Status.CONVERGED and self.final is None and self.newton:
            bound += self.left  # the model speaks of where the step leads that was not taken
        if status is not Status.CONVERGED and best is not None and not point.value <= best.above:
            bound += float(np.linalg.norm(best.x - point.x))
            point = best
        return Outcome(
            x=point.x.copy(), z=point.z.copy(), v=self.v * self.unit_z, status=status, message=message, nit=self.nit,
            fun=point.value, jac=self.gradient / self.unit_x, error_bound=bound,
            history={name: list(column) for name, column in self.history.items()},
            sizes=self.unit_x.copy() if self.unsure else None,
        )  # fmt: skip

    def here(self) -> Point:
        return self.point(self.z, self.x, self.value_F)

    def point(self, z: Array, x: Array, value: float) -> Point:
        hides = 6 * self.F.eps + 2 * float(np.linalg.norm(self.outer_z)) * self.z_error
        return Point(x * self.unit_x, z * self.unit_z, value, value + hides)

    def seen(self, z: Array, x: Array, value: float) -> None:
        """Remember the point with the lowest value."""
        point = self.point(z, x, value)
        if self.best is None or point.above < self.best.above:
            self.best = point

    def derivatives(self, *, first: bool = False, cross_v: bool = True) -> None:
        """F_z, F_x, v, C v and the hypergradient: p + 2 d + d + 1 values, and a check of v where it is due.

        C v is left to :meth:`measure_hessian` with ``cross_v=False``.
        """
        F, inner = self.F, self.inner
        if not cross_v:  # C, which gives C v, depends on no value of F
            together(
                self.values, F, self.G, lambda: gradient(F, self.z, self.x, "zx", self.value_F),
                lambda: cross(self.G, self.z, self.x, self.value_G),
            )  # fmt: skip
        before_z, before = self.z_last if not first else self.z, self.outer_z
        slopes, _ = gradient(F, self.z, self.x, "zx", self.value_F)
        self.outer_z, self.outer_x = slopes[: self.p], slopes[self.p :]
        moved = float(np.linalg.norm(self.z - before_z))
        change = float(np.linalg.norm(self.outer_z - before))
        if (
            not first
            and moved > 1e-6 * (1.0 + float(np.linalg.norm(self.z)))
            and change > 3 * math.sqrt(2 * self.p) * F.gradient_noise
        ):
            self.slope = max(self.slope, change / moved)
        self.z_last = self.z
        error = inner.expected_error(self.z, self.x)
        allowed = 0.01
        if self.noisy:
            allowed = max(allowed, 2 * inner.H.error / inner.H.least)
        # Of the gradient, an error of v may be a tenth at most: steps become short, and are learnt from.
        reach = self.reach()
        if reach > 0 and not self.noisy:
            allowed = min(allowed, max(0.1 * float(np.linalg.norm(self.gradient)) / reach, self.enough() / reach))
        if error > allowed and not (first and self._just_measured()):
            self.v = inner.check(
                self.z, self.x, self.outer_z, self.value_G, min(0.02, max(allowed, 1e-5)), four=self.four
            )
        else:
            if first:
                inner.measured_here(self.z, self.x)
            self.v = inner.adjoint(self.outer_z)
        if cross_v:
            self.measure_cross_v()

    def through(self) -> float:
        """A bound on |C G_zz^-1| = |dz*/dx|: measured with C, else from |C v| / |v| and from how z follows x."""
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
        spectral = self.free_model().weighted_inverse(self.unit_x)[1]
        return 0.1 * self.tol / spectral if spectral else math.inf  # where bounds hold all of x

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
        self.cross_at = (self.z, self.x, self.v)
        self.gradient = self.outer_x + self.cross_v

    def adjust_cross_v(self) -> None:
        """C v after v was corrected at the same point: measured again where C is not known well enough for that."""
        z, x, v = self.cross_at
        if z is self.z and x is self.x and self.B is not None and not self.noisy:
            change = self.v - v
            moved = float(np.linalg.norm(self.x - self.B_at)) > 0.0
            unknown = 1.0 if not self.C.size else 0.3 if moved else 0.01  # share of C
            doubt = unknown * self.cross_norm * float(np.linalg.norm(change))
            if doubt <= 0.2 * self.enough():
                if self.C.size:
                    self.cross_v = self.cross_v + self.C @ change
                    self.gradient = self.outer_x + self.cross_v
                return
        self.measure_cross_v()

    def measure_hessian(self) -> None:
        """C and the Hessian of Psi at the current point."""
        self.C = cross(self.G, self.z, self.x, self.value_G)
        self.cross_norm = float(np.linalg.norm(self.C, 2))
        if any(new is not old for new, old in zip((self.z, self.x, self.v), self.cross_at, strict=True)):
            self.cross_v, self.cross_at = self.C @ self.v, (self.z, self.x, self.v)
            self.gradient = self.outer_x + self.cross_v
        self.follows = response = -self.inner.H.solve(self.C.T)
        self.response = float(np.linalg.norm(response, 2))
        M, error, _ = hessian(self.F, self.G, self.z, self.x, self.v, response, self.value_F, self.values)
        old, self.B = self.B, Symmetric(M, error)
        if old is not None and self.B.highest > _JUMPED * max(old.highest, old.error):
            self.B_jumped = True
        self.B_at, self.rho = self.x, math.nan
        self.B_measured += 1

    def refresh(self) -> None:
        """G_zz, v and the Hessian of Psi, measured where the run is."""
        self.targets, self.shifts = [], []
        self.inner.measure(self.z, self.x, self.value_G)
        self.z, self.value_G, self.z_error = self.inner.settle(self.z, self.x, 0.01 * self.near)
        self.value_F = self.F.one(self.z, self.x)
        self.derivatives(cross_v=not self.newton or self.four or self.noisy)
        if self.best is not None and np.array_equal(self.best.x, self.x * self.unit_x):
            self.best = self.here()  # z was less exact then, and the value with it
        if self.newton:
            self.measure_hessian()
        else:
            self.B, self.pairs = None, []

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
            longest = 1.3 * slope / least if least > 0 else math.inf  # some directions had no step
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
