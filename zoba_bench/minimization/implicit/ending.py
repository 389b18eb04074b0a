"""Whether a run may end, and how: tests of the error model, averages where values are noisy, statuses."""

from __future__ import annotations

import math

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.differences import gradient, mixed
from zoba_bench.minimization.implicit.inner import Refused
from zoba_bench.minimization.implicit.noise import NotFinite
from zoba_bench.minimization.implicit.outer import held
from zoba_bench.minimization.implicit.sizes import condition
from zoba_bench.minimization.implicit.state import State
from zoba_bench.minimization.implicit.stopping import Hidden
from zoba_bench.minimization.implicit.symmetric import Symmetric
from zoba_bench.minimization.outcome import Ended, Exhausted
from zoba_bench.result import Status

__all__ = ["ILL", "JUMP", "WITHOUT_STEPS", "Ending", "Stuck", "Unsure"]

#: Condition of G_zz from which on rounding, multiplied by it, may be what a run ended with.
ILL = 3e3
_AVERAGED = 20
#: Relative residual of v that is no inaccuracy of differences where G_zz was measured at the same point.
_JUMP = 0.01
#: Share of F's change over a unit step that slopes near a minimum are below: at most 0.26 in 75 smooth runs that
#: converged, and 0.8 or more where F had a kink.
_STEEP = 0.5
#: Share of the last step that the next one has at a point without curvature: 1/2 at an inflection of third order.
_SLOW = 0.3
#: Corrections of z at one x before the end.
_CORRECTIONS = 3
#: Short steps in a row after which a run has stalled.
WITHOUT_STEPS = 31

JUMP = (
    "the second derivatives of the inner function in z differ on the two sides of z: a kink, where v = -G_zz^-1 F_z is "
    "not defined"
)


class Unsure(Ended):
    """The run would end here, by differences that those of another length may contradict."""


class Stuck(Unsure):
    """The run would end here for want of progress: Psi may have a kink."""


class Ending(State):
    """A run that may end here."""

    def consider_stop(self, s: Array, size: float, parts: Hidden) -> bool:
        """End the run if the error model allows it. True if something was measured: all must be judged again."""
        if self.B is None:
            if float(np.linalg.norm(self.gradient)) == 0.0:
                raise Ended(Status.FLAT, "the hypergradient is zero and the curvature of Psi was not measured")
            return False
        model, tol = self.free_model(), self.tol
        near = size <= max(3 * parts.noise, 5 * tol) and model.lowest > -model.error
        if not near:
            return False
        if self.noisy:
            return self.consider_noisy(s, size, parts, model)
        if model.lowest <= model.error:
            return self.flat(parts, model)
        if not self.four and parts.noise + parts.bias > 0.1 * tol and math.isfinite(parts.bias):
            self.four = True
            self.measure_cross_v()
            return True
        if self.bar > tol:
            hides = parts.noise + parts.bias
            if self.bar - hides > tol and max(parts.adjoint, parts.inner) <= 0.5 * size:
                return False  # the step that is left is too long, whatever hides beside it
            if max(parts.adjoint, parts.inner) > 0.2 * tol and self.verify():
                return True
            if hides - parts.adjoint - parts.inner > 0.3 * tol and not self.remeasured:
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
        if self.newton and size > 0.1 * tol and not math.isnan(self.rho):
            # After a Newton step, s is what the model missed, and its curvature along s may be a multiple of the true
            # one: s is tried as a step, and the next one tells.
            return False
        if float(np.linalg.norm(s)) > self.radius or self.steep(model):
            return False  # the model failed at shorter steps than the one that is left, or there is a kink
        if self.inner.jumps:
            raise Stuck(Status.STOPPED, f"{JUMP}; {self._distance()}")
        if self.B_jumped:
            return False  # curvature that is new here has to explain a step first: it may be that of a kink
        missed = self.confirm(parts)
        if self.bar <= tol and missed <= _JUMP:
            return self.finish(s, size)
        if self.verify():
            return True
        if missed > _JUMP:
            raise Stuck(
                Status.STOPPED,
                f"{JUMP}; {self._distance()}",
            )
        return False

    def flat(self, parts: Hidden, model: Symmetric) -> bool:
        """Curvature below its error: measured once more where the run is, with G_zz; then slopes tell what it is."""
        fresh = self.B_at is self.x and self._just_measured()
        if self.newton and not (self.looked_again or fresh):
            self.looked_again = True
            self.refresh()
            return True
        pull = model.vectors.T @ self.gradient[model.free]
        level = model.values <= model.error
        rest = model.vectors[:, ~level] @ (pull / model.size)[~level]
        if float(np.linalg.norm(self.unit_x[model.free] * rest)) > 5 * self.tol:
            return False  # where Psi does curve, it falls still
        slope = float(np.linalg.norm(pull[level]))
        frobenius, spectral = model.weighted_inverse(self.unit_x)
        if slope > parts.noise / frobenius + parts.bias / spectral or self.steep(model):
            raise Stuck(
                Status.STOPPED,
                "Psi has slopes but no curvature that could be measured: it has a kink, or a linear piece; "
                f"{self._distance()}{self._ill()}",
            )
        raise Unsure(
            Status.FLAT,
            f"Psi is flat along a direction of x, mostly {self._weakest()}, as far as rounding shows: solutions may "
            f"lie anywhere along it{self._ill()}",
        )

    def steep(self, model: Symmetric) -> bool:
        """Whether the hypergradient is still of the size of F's change over a unit step.

        At a kink differences show huge curvature across it, and the step that is left seems short; slopes do not fall.
        """
        return float(np.linalg.norm(self.gradient[model.free])) > _STEEP * self.F.phi

    def confirm(self, parts: Hidden) -> float:
        """|G_zz v + F_z| / |F_z| where the hypergradient was measured; what it does to x joins the bar.

        2 p + 1 values, on the other side of z than those that G_zz was measured with: a jump of G_zz shows.
        """
        inner, G, rows = self.inner, self.G, self.inner.H.free
        size = float(np.linalg.norm(self.v))
        if size == 0.0 or not len(rows):
            return 0.0
        product = -mixed(G, self.z, self.x, -self.v / size, "z", self.value_G, four=self.four) * size
        r = np.zeros(self.p)
        r[rows] = product[rows] + self.outer_z[rows]
        noise = 2 * math.sqrt(len(rows)) * G.mixed_noise(self.four) * size + G.mixed_bias(self.four) * size
        missed = float(np.linalg.norm(r))
        share = max(missed - noise, 0.0) / missed if missed else 0.0
        through = min(self.through() * missed, self.cross_norm * float(np.linalg.norm(inner.H.solve(r))))
        effect = share * through * self.free_model().weighted_inverse(self.unit_x)[1]
        self.bar += max(effect - parts.adjoint, 0.0)
        return share * missed / float(np.linalg.norm(self.outer_z[rows]))

    def falls_beyond(self, s: Array, size: float) -> bool:
        """Go beyond the end of steps that shrink slowly, as at a point without curvature, if Psi is lower there.

        At a minimum of higher order it is not; at an inflection point it is.
        """
        slow = math.isfinite(self.last_step) and size > max(_SLOW * self.last_step, 1e-3 * self.tol)
        if not (self.newton and slow):
            return False
        G, x = self.G, self.x + s * (3 * self.bar / size)
        x = np.clip(x, G.low, G.high)
        z, value_G, z_error = self.inner.settle(self.z, x, 1e-3 * self.near)
        value = self.F.one(z, x)
        hides = 6 * self.F.eps + 2 * float(np.linalg.norm(self.outer_z)) * (self.z_error + z_error)
        if not value < self.value_F - hides:
            return False
        self.z, self.x, self.value_F, self.value_G, self.z_error = z, x, value, value_G, z_error
        self.seen(z, x, value)
        self.last_step = math.inf
        self.derivatives()
        self.measure_hessian()
        return True

    def finish(self, s: Array, size: float) -> bool:
        """Go to x + s where that is not far below the tolerance, look at z once more, and end the run."""
        tol = self.tol
        if self.falls_beyond(s, size):
            return True
        if self.newton and size > 0.1 * tol:
            x = self.x + s
            z, value_G, z_error = self.inner.settle(self.z, x, 0.02 * self.near)
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
        effect = off * self.cross_norm * self.slope * self.B_inverse()
        if off > 0.05 * self.near or effect > 0.05 * tol:
            return self.correct_z(z, x)
        self.final = self.point(z, x, value)
        self.converged()
        return True

    def correct_z(self, z: Array, x: Array) -> bool:
        """z and the derivatives once more; the run ends if that hardly moves the target x - B^-1 grad."""
        tol, moved, before = self.tol, x is not self.x, self.gradient
        self.corrections = 0 if moved else self.corrections + 1
        if self.corrections > _CORRECTIONS:
            return False
        self.z, self.value_G, self.z_error = self.inner.settle(z, x, 0.01 * self.near)
        self.x = x
        self.value_F = self.F.one(self.z, x)
        self.derivatives()
        if not moved:
            # The bound that asked for this is a product of worst cases, which rounding of g alone may exceed for ever:
            # what the correction did to the target is measured, and joins the bar.
            effect = float(np.linalg.norm(self.unit_x * self.free_model().solve(self.gradient - before)))
            enough = effect <= 0.05 * tol or self.corrections == _CORRECTIONS
            if enough and self.bar + effect <= tol:
                self.bar += effect
                self.converged()
        return True

    def B_inverse(self) -> float:
        return self.free_model().weighted_inverse(self.unit_x)[1] / self.inner.H.least

    def converged(self) -> None:
        point = self.final or self.here()
        best = self.best
        if (
            best is not None
            and point.value > best.above + 0.01 * self.near * self.F.phi
            # Where z was less exact a value may be too low: within the tolerance that is no evidence.
            and float(np.linalg.norm(best.x - point.x)) > self.tol
        ):
            self.final = best
            raise Ended(
                Status.STOPPED, "a point that was seen earlier has a lower value than the stationary point found"
            )
        if self.inner.weak.any():
            raise Ended(
                Status.STOPPED,
                f"z[{int(np.argmax(self.inner.weak))}] is at a bound that hardly holds it (no strict complementarity): "
                "Psi has a kink where that changes, and no derivative there; other z_bounds may help",
            )
        held_x = held(self.x, self.gradient, self.G.low, self.G.high)
        where = f", with {int(held_x.sum())} of {self.d} variables at a bound," if held_x.any() else ""
        if held_x[self.edges].any():
            where += " or where the functions stop being finite"
        caveat = "" if self.G.central or not self._ill() else f"{self._ill()}, of which the bound may know too little"
        raise Ended(
            Status.CONVERGED,
            f"converged: the distance to a local solution{where} is at most {self.bar:.2g} by the error model "
            f"(tolerance {self.tol:.2g}); z minimises the inner function nearby (local in z){caveat}",
        )

    def loose(self, parts: Hidden) -> bool:
        """Whether z may be too far from z*(x) for the derivatives at z to be those at z*(x)."""
        return parts.inner > 0.05 * self.tol or self.z_error > max(0.1 * self.near, 3 * self.inner.noise)

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
        loose = self.z_error > 0.01 * self.near and self.settled_at is not self.x
        if here and (self.four or self.noisy) and not loose:
            return False
        if loose or (self.z_error > 0.01 * self.near and not here):
            self.settled_at = self.x
            self.radius = max(self.radius, self.near)  # steps may have failed for this z
            self.z, self.value_G, self.z_error = self.inner.settle(self.z, self.x, 0.01 * self.near)
            self.value_F = self.F.one(self.z, self.x)
            self.derivatives()
        reach = self.reach()
        allowed = min(0.02, max(2 * self.enough() / reach, 1e-5)) if reach else 0.02
        self.four = not self.noisy
        self.v = self.inner.check(self.z, self.x, self.outer_z, self.value_G, allowed, four=self.four)
        self.adjust_cross_v()
        return True

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
        if G.central:  # steps that shrink slowly are no noise there
            self.bar += self.tail(size, parts)
        if self.bar <= tol:
            if (parts.adjoint > 0.2 * tol or self.loose(parts)) and self.verify():
                return True
            moved = float(np.linalg.norm(self.unit_x * (self.x - self.B_at)))
            if self.newton and self.d > 1 and self.rho > 0.1 and moved > 10 * tol and self.B_measured < 12:
                self.measure_hessian()
                return True
            return self.repeat_with_longer_steps()
        if n >= _AVERAGED or (n >= 3 and (parts.bias > tol or not resolved)) or self.near_steps >= WITHOUT_STEPS:
            self.noise_limited(resolved)
        return False

    def noise_limited(self, resolved: bool) -> None:
        self.take_average()
        what = "the curvature of Psi is smaller than its error"
        if self.B is not None:
            what = f"the curvature of Psi along some x, mostly {self._weakest()}, is smaller than its error"
        if resolved:
            what = self._distance() + self._within_reach()
        of = "rounding" if self.G.central else "noise"
        raise Unsure(
            Status.NOISE_LIMITED,
            f"{of} of size {self.F.eps:.1g} in outer and {self.G.eps:.1g} in inner limits the accuracy: {what}"
            f"{self._ill()}",
        )

    def take_average(self) -> None:
        """The mean target, with z there: what is returned."""
        if not self.targets:
            return
        x = np.clip(np.mean(self.targets, axis=0), self.G.low, self.G.high)
        try:
            z, _, self.z_error = self.inner.settle(self.z, x, 0.03 * self.near)
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
            z, base, _ = inner.settle(self.z, self.x, 0.01 * self.near)
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
            level.third, level.fourth, level.fourth_z = 4 * level.third, 4 * level.fourth, 4 * level.fourth_z
        self.targets, self.shifts = [], []
        self.refresh()
        return True

    def stall(self) -> None:
        if self.noisy:
            self.noise_limited(resolved=math.isfinite(self.bar))
        why = ""
        if self.B is not None and self.free_model().lowest <= self.free_model().error:
            why = f": Psi has next to no curvature along some x, mostly {self._weakest()}, and may flatten without end"
        elif math.isfinite(self.bar) and sum(self.hides()) > self.tol:
            why = ", which rounding and the errors of differences exceed"
        raise Stuck(
            Status.STOPPED,
            f"{self.near_steps} short steps did not meet the tolerance{why}; {self._distance()}{self._within_reach()}"
            f"{self._ill()}",
        )

    def hides(self) -> tuple[float, float]:
        """What noise and biases hide of the distance."""
        parts = self.hidden()
        return parts.noise, parts.bias

    def _ill(self) -> str:
        """What is to be said of the condition of G_zz, which multiplies errors of values."""
        found = condition(self.inner.H.matrix, self.unit_z)
        return f"; the inner problem is ill-conditioned in z (about {found:.0e})" if ILL < found < math.inf else ""

    def give_up(self) -> None:
        if self.noisy:
            raise Unsure(Status.NOISE_LIMITED, f"noise hides whether shorter steps lower Psi; {self._distance()}")
        if self.B is not None and self.B.lowest < -self.B.error:
            raise Stuck(Status.STOPPED, "no step lowers Psi, which curves downwards here; it may have a kink")
        raise Stuck(
            Status.STOPPED,
            f"no step lowers Psi: it may have a kink, or z has more than one solution; {self._distance()}",
        )
