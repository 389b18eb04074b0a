"""The loop: trial steps of x that z follows, and the updates of the model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.ending import ILL, JUMP, WITHOUT_STEPS, Ending, Stuck, Unsure
from zoba_bench.minimization.implicit.inner import Refused
from zoba_bench.minimization.implicit.kinks import Kinks
from zoba_bench.minimization.implicit.noise import NotFinite
from zoba_bench.minimization.implicit.outer import step
from zoba_bench.minimization.implicit.sizes import UNEVEN, along, condition, sizes_of_x
from zoba_bench.minimization.implicit.start import Start
from zoba_bench.minimization.implicit.symmetric import Symmetric, bfgs, secant
from zoba_bench.minimization.implicit.together import together
from zoba_bench.minimization.outcome import Ended, Exhausted, Outcome, Values
from zoba_bench.result import Status

__all__ = ["Loop", "minimize_implicit"]

_REJECTIONS, _ITERATIONS = 9, 1000
_REFUSED = 3
#: Searches across kinks in a run, and what asks for one: short steps, or rejections in a row (twice as many in all).
_SEARCHES = 2
_NEAR, _NEAR_LEARNT, _IN_A_ROW = 7, 20, 4
#: The same of steps whose change of the hypergradient the model of Psi, measured before, explains this little of.
_UNEXPLAINED, _IN_ALL = 0.8, 3
#: Relative error of the model along a step up to which it has explained it.
_EXPLAINS = 0.3
_FAR = 1e6


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
    max_iterations : most steps of x that are tried; 1000 where None, and with 0 the start is judged.
    on_iteration : called with the outcome so far before each step; True ends the run.
    """
    limit = _ITERATIONS if max_iterations is None else max_iterations
    run = Loop(values, z0, x0, tol, bounds, bounds_z, limit, on_iteration)
    outcome = run.run()
    while limit and run.unsure and run.bar > tol:
        try:
            again = run.other_differences()
        except (Exhausted, Ended, NotFinite):
            break
        if again is None:
            break
        before = outcome
        run = Loop(values, before.z, before.x, tol, bounds, bounds_z, limit, on_iteration, run, *again)
        outcome = run.run()
        if outcome.status == Status.BUDGET:
            said = f"{outcome.message}; before, with other differences, it seemed that {before.message}"
            outcome = replace(outcome, message=said)
    return outcome


class Loop(Start, Ending, Kinks):
    """The whole run."""

    def run(self) -> Outcome:
        try:
            self.start()
            self.loop()
        except Exhausted:
            if not self.history["value"]:
                return self.outcome(
                    Status.BUDGET,
                    f"the budget is used up before the first step: the start takes about {self.start_size()} "
                    f"evaluations for p={self.p}, d={self.d}, and more where values are noisy",
                )
            return self.outcome(Status.BUDGET, f"the budget is used up; {self._distance()}")
        except (Ended, Refused) as end:
            self.unsure = end.unsure if isinstance(end, Refused) else isinstance(end, Unsure)
            return self.outcome(end.status, end.message)
        except NotFinite as error:
            return self.outcome(
                Status.NON_FINITE,
                f"{error} returned NaN or an infinity next to the point, however short the differences; "
                "start further inside of the functions' domain, or give bounds; of one that fails now and then, "
                'on_error="retry" asks again',
            )
        raise AssertionError("the loop ends with a status")

    def other_differences(self) -> tuple[Array, bool] | None:
        """Units of x, and whether by central differences, for a run from here; None where none promise more."""
        H, central = self.inner.H, self.G.central
        if self.scaled or math.isfinite(self.bar):
            factor = np.ones(self.d)
        else:
            bases = [(level, level.one(self.z, self.x)) for level in (self.F, self.G)]
            curvatures = np.diag(H.matrix)
            if not H.lowest > H.error:
                directions = np.eye(self.p, self.p + self.d)
                curvatures = np.array([along(self.G, self.z, self.x, u, bases[1][1])[1] for u in directions])
            typical = float(np.median(np.abs(curvatures)))
            factor = sizes_of_x(bases, self.z, self.x, np.arange(self.d), typical)
            factor = np.where(np.isfinite(factor), factor, 1.0)
        if factor.max() > UNEVEN * factor.min():
            return self.unit_x * 2.0 ** np.rint(np.log2(factor)), central
        if not central and not self.noisy and condition(H.matrix, self.unit_z) > ILL:
            return self.unit_x, True
        return None

    def loop(self) -> None:
        while True:
            try:
                self.steps()
            except Stuck as stuck:
                if not self.may_search():
                    raise
                self.across(stuck)

    def across(self, stuck: Stuck) -> None:
        """Search along z*(x), and end the run at a kink or where that is of no use; else go on from there."""
        before, x = self.value_F, self.x
        try:
            jump = self.search()
        except (Refused, NotFinite):
            raise stuck from None
        if jump:
            self.bar = math.inf
            raise Ended(
                Status.STOPPED,
                f"Psi has a kink at the point found: its slopes there differ by {jump:.2g} of what F changes over a "
                "unit step. No lower point was found across it; a kink has no derivative, and so no bound on the "
                "distance to a solution",
            )
        moved = float(np.linalg.norm(self.unit_x * (self.x - x)))
        if not self.value_F < before or (self.searches == _SEARCHES and moved <= self.tol):
            raise stuck
        self.near_steps = self.rejected = self.unexplained = 0
        self.radius = max(self.radius, 10 * self.near)
        follows = self.follows
        self.refresh()
        if self.measured_follows:
            self.follows = follows
            if self.bends_here():
                raise Ended(Status.STOPPED, f"{JUMP}; {self._distance()}")

    def steps(self) -> None:
        rejections = 0
        while True:
            s, size = self.newton_step()
            self.left = size
            parts = self.hidden()
            self.bar = self.bar_of(size, parts)
            self.report(size)
            if self.consider_stop(s, size, parts):
                continue
            if self.near_steps >= WITHOUT_STEPS or self.stalls(rejections):
                self.stall()
            if self.nit >= self.limit:
                raise Ended(Status.MAX_ITERATIONS, f"reached max_iterations; {self._distance()}")
            s, predicted = self.trial_step(size)
            self.nit += 1
            if self.try_step(s, predicted):
                rejections = 0
                continue
            rejections += 1
            self.rejected += 1
            if rejections > _REJECTIONS:
                self.give_up()
            if rejections in (2, 5):
                self.refresh()

    def may_search(self) -> bool:
        return not self.noisy and self.searches < _SEARCHES and self.limit > 0

    def stalls(self, rejections: int) -> bool:
        """Whether it is time to look for kinks, which is cheap beside what they cost otherwise."""
        if not self.may_search():
            return False
        in_all = self.rejected >= 2 * _IN_A_ROW or self.unexplained >= _IN_ALL
        return in_all or self.near_steps >= (_NEAR if self.newton else _NEAR_LEARNT) or rejections >= _IN_A_ROW

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
        ztol = min(0.03 * max(min(length, 10.0), 0.3 * self.near), 0.1 * max(predicted, 0.0) / slope)
        ztol = max(ztol, 1e-3 * self.near if real <= 10 * self.tol else 0.0)
        x = self.x + s
        try:
            z, value_G, z_error = self.inner.settle(self.predicted_z(s), x, ztol, lambda z: self.values_at(z, x))
            value = F.one(z, x)
        except NotFinite:
            self.radius = length / 3
            self.not_finite += 1
            if self.not_finite >= 3:
                self.find_edge(s)
            return False
        except Refused:
            self.refused += 1
            if self.refused > _REFUSED or length <= 1e-3:
                raise
            self.radius = length / 10
            self.inner.measure(self.z, self.x, self.value_G)  # the trial may have bent it
            return False
        self.not_finite = 0
        self.near_steps = self.near_steps + 1 if real <= 10 * self.tol else 0
        hides = 6 * F.eps + 2 * slope * z_error + 1e-3 * abs(predicted)
        fall = self.value_F - value
        good = fall >= 0.05 * predicted - hides
        if not good and real <= 10 * self.tol:
            good = value < self.value_F + 0.01 * self.near * F.phi
        if not good:
            self.radius = length / 3
            return False
        ratio = fall / predicted if predicted > 0 else 1.0
        if ratio > 0.6 and length > 0.8 * self.radius:
            self.radius *= 3
        elif ratio < 0.2 and real > 10 * self.tol:
            self.radius /= 2
        self.followed = max(self.followed, float(np.linalg.norm(z - self.z)) / length)
        if self.follows is not None:
            self.follows = self.follows + np.outer(z - self.z - self.follows @ s, s) / length**2
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
            raise Ended(Status.DIVERGED, "x runs away: Psi seems to be unbounded below; bounds= would keep x in place")
        if self.value_F < self.lowest_sane:
            raise Ended(
                Status.DIVERGED,
                f"F has fallen to {self.value_F:.2g} and falls on: Psi seems to be unbounded below; bounds= would keep "
                "x in place",
            )
        self.update(s, self.gradient - gradient_before)
        self.last_step = real
        return True

    def values_at(self, z: Array, x: Array) -> None:
        """Both values at a point, at once; they are asked for next."""
        together(
            self.values, self.F, self.G, lambda: self.F.raw(z[None], x[None]), lambda: self.G.raw(z[None], x[None])
        )

    def predicted_z(self, s: Array) -> Array:
        """z*(x + s) to first order, where dz*/dx is known."""
        z: Array = self.z
        if self.follows is not None and not self.noisy:
            z = np.clip(z + self.follows @ s, self.G.low_z, self.G.high_z)
        return z

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
        if self.rho <= _EXPLAINS:
            self.B_jumped = False
        self.unexplained += off > _UNEXPLAINED * change
        if float(np.linalg.norm(r)) > 2 * noise and off > 0.02 * change:
            updated = self.B.replaced(secant(self.B.matrix, s, y))
            if self.B.lowest > self.B.error and updated.lowest < 0.2 * self.B.lowest:
                updated = self.B.replaced(bfgs(self.B.matrix, s, y))  # keeps a convex model convex
            self.B = updated
        p, d = self.p, self.d
        affordable = p * d + p + d + 0.75 * d * (d + 3) < 4 * (2 * p + 3 * d + 4)
        if not self.noisy and self.rho > 0.4 and affordable and self.B_measured < 10:
            self.measure_hessian()

    def report(self, size: float) -> None:
        row = (
            self.nit, self.F.evaluations + self.G.evaluations, self.value_F,
            float(np.linalg.norm(self.gradient / self.unit_x)), size,
        )  # fmt: skip
        for name, entry in zip(self.history, row, strict=True):
            self.history[name].append(entry)
        if self.on_iteration is not None and self.on_iteration(self.outcome(Status.STOPPED, "running")):
            raise Ended(Status.STOPPED, f"stopped by the callback; {self._distance()}")
