"""The stages of :func:`zoba_bench.minimize`: measure, run the solver, keep or undo."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.contracts import Solver, State
from zoba_bench.driver import iteration_cost, run
from zoba_bench.minimization.black_box import CHECK_EVALUATIONS
from zoba_bench.minimization.course import Course, Iterates, Place
from zoba_bench.minimization.implicit import Certificate
from zoba_bench.minimization.outcome import BudgetExhausted, Ended, Outcome
from zoba_bench.minimization.pool import Task
from zoba_bench.minimization.probe import ADAPT_SIZE, Curvature, NonFiniteError, Point, Probe, stencil_size
from zoba_bench.minimization.tuning import (
    CONDITION_CAP,
    SURROGATE_PRECISION,
    Prediction,
    choose_units,
    predict,
    step_sizes,
    surrogate_radii,
    unit_root,
)
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import make_solver
from zoba_bench.result import Result, Status

__all__ = ["Job"]


_IN_USER_UNITS = ("h", "eta", "h_bar", "rho", "gamma", "v_radius", "radius_rule", "curvature_ratio")
_NOISY = 1e-10  # relative noise above which the message says so
_VALUE_SIZE = 3  # evaluations of Probe.value
_MAX_REJECTED = 14
_MAX_WARM_STAGES = 12
_STAGE_CAP = 80  # iterations of one stage
_STAGE_CAP_USER_UNITS = 400
_SETTLED = 1e-2  # error of z and v, relative to its start, that ends a warm stage
_FAR = 1e10
_FLAT = 1e-8
_TRUST = {Status.STOPPED: 4.0, Status.NON_FINITE: 0.5}  # factor of the trust radius after a stage that is kept
_FINITE_TRIES, _FINITE_SHRINK = 4, 0.6
_STRICTEST = 0.02  # share of the target that the model must promise before a run is given up unconfirmed
_BY_CHANCE = 3.0  # factor of the tolerance that a hypergradient may have whose estimate is below it


@dataclass
class Job:
    """One call of ``minimize``: iterates, counters, and the stages that move them."""

    problem: BilevelProblem
    method: str
    options: dict[str, Any]
    known: list[str]
    rng: np.random.Generator
    z: Array
    x: Array
    budget: int | None
    tolerance: float | None
    limit: int
    repeated: Callable[[], int] = lambda: 0  # evaluations that were made once more, uncounted by the oracles
    on_iteration: Callable[[Outcome], object] | None = None
    at_once: Callable[[Solver, BilevelProblem], Solver] = lambda solver, problem: solver
    ahead: Callable[[Sequence[Task]], None] | None = None
    outer_mean: Callable[[], float] = lambda: math.nan  # of the last batch of F
    certify: Callable[[Array, Array, float], Certificate] = field(kw_only=True)
    nit: int = 0
    stage_inner: int = 0
    stage_outer: int = 0
    gradient_norm: float = math.nan
    steepest: float = 0.0  # norm of G_zz where it was last measured
    noisy: bool = False
    start_value: float = math.nan  # of F
    course: Course = field(default_factory=Course)
    lowest: tuple[float, Iterates] | None = None  # mean of F around an iterate of the last stage, and the iterate
    strictness: float = 1.0  # of what the local model must promise before differences are asked

    def __post_init__(self) -> None:
        self.v = np.zeros(self.problem.p)
        self.probe = Probe(self.problem, self.ahead)
        self.z_start, self.x_start = self.z.copy(), self.x.copy()
        self.user_units = any(name in self.options for name in _IN_USER_UNITS)
        self.fixed_steps = "rho" in self.options and "gamma" in self.options
        self.l = int(self.options.get("l1", self._directions()))

    def _directions(self) -> int:
        p, d = self.problem.p, self.problem.d
        if self.method.startswith("hf-zoba") or "l1" not in self.known:
            return max(p, d) + 4
        return 4 * (p + 2) * (p + d + 2)  # of the order of the second and mixed differences' variance

    @property
    def spent(self) -> int:
        """Evaluations of both levels so far."""
        return self.probe.spent + self.stage_inner + self.stage_outer + self.repeated()

    @property
    def counts(self) -> dict[str, int]:
        """Evaluations of each level, by the oracles."""
        oracle = self.probe.oracle
        return {
            "inner": int(oracle.n_inner[0]) + self.stage_inner,
            "outer": int(oracle.n_outer[0]) + self.stage_outer,
        }

    def left(self) -> int | None:
        """Evaluations left, None where unlimited."""
        return None if self.budget is None else self.budget - self.spent

    def need(self, cost: int) -> None:
        """End the run if the budget does not cover this many evaluations."""
        left = self.left()
        if left is not None and left < cost:
            raise BudgetExhausted(cost, left)

    def solver(self, **values: Any) -> Solver:
        """The registered solver with the automatic values that it knows; the user's own win."""
        automatic = {"l1": self.l, "l2": self.l, "normalize_h_bar": True, "schedule": "constant", **values}
        chosen = {name: value for name, value in automatic.items() if name in self.known}
        return make_solver(self.method, **{**chosen, **self.options})

    def require_budget(self, plain: bool) -> None:
        """Refuse a budget that is too small to begin, before anything is evaluated."""
        if self.budget is None:
            return
        p, d = self.problem.p, self.problem.d
        cost = sum(iteration_cost(self.problem, self.solver(), self.rng).values()) + CHECK_EVALUATIONS
        what, hint = "the first checks and one iteration", "raise the budget"
        if not plain:
            cost += Probe.prepare_size(p, d) + ADAPT_SIZE + stencil_size(p, d, along_v=False, curvature=True)
            cost += stencil_size(p, d, along_v=True, curvature=False) + 2 * _VALUE_SIZE
            what = "the automatic tuning and one iteration"
            hint += ", or give rho, gamma and h, which are then not tuned"
        if self.budget < cost:
            raise ValueError(
                f"budget={self.budget} is below the cost of {what}: {cost} evaluations "
                f"for p={p}, d={d}, l1={self.l}; {hint}"
            )

    def plain(self) -> Outcome:
        """One run of the solver as configured, in the user's units; F at its end is evaluated once more."""
        left = self.left()

        def follow(k: int, state: State) -> bool:
            self.z, self.v, self.x, self.nit = state.z[0], state.v[0], state.x[0], k + 1
            if state.estimate is not None:
                self.gradient_norm = float(state.estimate[0])
            self.course.rows.append((self.nit, self.spent, math.nan, self.gradient_norm, math.nan))
            return bool(self.on_iteration is not None and self.on_iteration(self.outcome(Status.STOPPED, "")))

        result = run(
            self.problem, self.at_once(self.solver(), self.problem), z0=self.z, x0=self.x, rng=self.rng,
            max_iterations=self.limit, budget=None if left is None else left - 1,
            tolerance=self.tolerance or 0.0, record_every=None, callback=follow,
        )  # fmt: skip
        self.nit = 0
        self._count(result)
        self.z, self.v, self.x = result.z[0], result.v[0], result.x[0]
        if result.estimate is not None:
            self.gradient_norm = float(result.estimate[0])
        status, message = Status(int(result.status[0])), Status(int(result.status[0])).message
        if status is Status.CONVERGED:
            status, message = self._small_estimate()
        self.course.value = float(self.probe.oracle.outer(self.z[None, None], self.x[None, None])[0, 0])
        if status in (Status.DIVERGED, Status.NON_FINITE) and not self.course.value <= self.start_value:
            self.z, self.x, self.v = self.z_start, self.x_start, np.zeros(self.problem.p)
            self.course.value, message = self.start_value, f"{message}; F is smaller at the start, which is returned"
        return self.outcome(status, message)

    def tuned(self) -> Outcome:
        """Stages with automatic units, radii and steps until the predicted distance is small."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            try:
                self._stages()
            except NonFiniteError as error:
                message = f"{error} next to the last finite iterate, which is returned"
                return self.outcome(Status.NON_FINITE, message)
            except Ended as end:
                return self.outcome(end.status, end.message)
        raise AssertionError("stages end by raising")

    def _stages(self) -> None:
        self.probe.prepare(self.z, self.x)
        self._note_noise()
        here = self._measure()
        may_warm = "gamma" not in self.options
        warm = _MAX_WARM_STAGES if may_warm else 0
        first_a, settled = here.size(here.prediction.a), False
        caution, trust, failed = 1.0, 1.0, list[Status]()
        while True:
            self._arrived(here)
            if warm and settled and here.size(here.prediction.a) <= max(_SETTLED * first_a, self._inner_floor()):
                warm, here = 0, self._measure()
            target = self._target(here.prediction)
            if not warm and here.prediction.distance <= self.strictness * target and self._inner_done(here):
                if here.fresh:
                    self._converged(here, target)
                else:
                    here = self._measure()
                continue
            if self.nit >= self.limit:
                raise Ended(
                    Status.MAX_ITERATIONS,
                    f"reached max_iterations={self.limit} at a predicted distance of "
                    f"{here.prediction.distance:.2g}; raise it to go on",
                )
            outcome, moved = self._stage(here, caution, trust, target, bool(warm))
            there = None
            self._look_back(here)
            if outcome is not Status.DIVERGED:  # before a value that is not finite the stage may have come far
                try:
                    there = self._look(moved, here.curvature)
                    self._seen(there)
                except NonFiniteError:
                    outcome = Status.NON_FINITE
            if there is not None and (self.fixed_steps or self._progress(bool(warm), here, there)):
                self.z, self.v, self.x = moved
                self.course.last = there
                if float(np.linalg.norm(self.x)) > _FAR * max(1.0, float(np.linalg.norm(self.x_start))):
                    raise Ended(Status.DIVERGED, "x left every bounded set: Psi may be unbounded below")
                caution = min(1.0, 1.4 * caution)
                trust *= _TRUST.get(outcome, 1.0)
                # The curvature is kept while the error falls as it promised.
                slow = there.prediction.distance > 0.3 * here.prediction.distance
                if warm:
                    slow = there.size(there.prediction.a) > 0.3 * there.size(here.prediction.a)
                warm, failed, settled = max(warm - 1, 0), [], True
                here = self._measure() if slow and there.prediction.distance > target else there
            else:
                failed.append(outcome)
                caution, trust = caution / 2, trust / 4
                if self.fixed_steps or len(failed) > _MAX_REJECTED:
                    self._give_up(failed, here, target)
                if not here.fresh:
                    here = self._measure()
                a = here.size(here.prediction.a)
                if not warm and may_warm and a > 2 * self._inner_floor():
                    # The start of the stage may be at fault: Psi is known there only near z*(x).
                    warm, first_a, settled = _MAX_WARM_STAGES, a, False

    def _measure(self) -> Place:
        """Everything at the current iterates, with new curvature."""
        p, d = self.problem.p, self.problem.d
        size = stencil_size(p, d, along_v=bool(self.v.any()), curvature=True)
        for tried in range(_FINITE_TRIES):
            self.need(size + ADAPT_SIZE + _VALUE_SIZE)
            try:
                point, curvature = self.probe.curvature(self.z, self.v, self.x)
                self.probe.adapt(point, curvature)
                place = self._place(point, curvature, fresh=True)
                break
            except NonFiniteError:  # of single calls: other points may have values
                if tried == _FINITE_TRIES - 1:
                    raise
                self.probe.radii = self.probe.radii * _FINITE_SHRINK
        spectrum = np.linalg.eigvalsh((curvature.A + curvature.A.T) / 2)
        self.steepest, self.course.inner_convex = float(np.abs(spectrum).max()), bool(spectrum[0] > 0)
        return place

    def _look(self, iterates: Iterates, curvature: Curvature) -> Place:
        """Gradients at other iterates, with the curvature at hand."""
        return self._place(self.probe.point(*iterates), curvature, fresh=False)

    def _place(self, point: Point, curvature: Curvature, fresh: bool) -> Place:
        prediction = predict(self.probe, point, curvature)
        value, measured = self.probe.value(point.z + prediction.a, point.v, point.x, point.along_v)
        return Place(point, curvature, prediction, value, measured, fresh)

    def _stage(self, here: Place, caution: float, trust: float, target: float, warm: bool) -> tuple[Status, Iterates]:
        """Run the solver for as many iterations as the local model asks for."""
        point, curvature, prediction = here.point, here.curvature, here.prediction
        size = np.maximum(1.0, np.abs(self.x))
        leash = trust * size
        # A coordinate that hardly matters for Psi is not stretched without limit.
        matters = np.abs(np.diag(prediction.hessian)) * size**2
        added = np.maximum(np.abs(prediction.gradient) / leash, _FLAT * matters.max() / size**2)
        units = choose_units(point, curvature, prediction, added, target, identity=self.user_units)
        radii = surrogate_radii(self.probe, curvature, units)
        if "radius_rule" in self.options:
            radii.pop("eta")
        model = (curvature, prediction.hessian, units, self.l, caution, added)
        gamma = 0.0 if warm else self.options.get("gamma")
        rho, gamma, rate = step_sizes(*model, self.options.get("rho"), gamma)
        factor = _SETTLED if warm else min(max(0.2 * target / max(prediction.distance, 1e-300), 1e-4), 0.5)

        # Far outside what the model predicts a stage is lost: no evaluation is wasted on it.
        start = units.inside(point.z, point.v, point.x)
        end = units.inside(point.z + prediction.a, point.v + prediction.b, point.x + prediction.dx)
        reach = 1e3 * (1.0 + max(float(np.linalg.norm(part)) for part in (*start, *end)))
        threshold = _FAR if self.user_units else reach

        def left_trust_region(_: int, state: State) -> bool:
            return bool(np.any(np.abs(units.x_c + units.T_x @ state.x[0] - self.x) > leash))

        inside = units.problem(self.problem)
        solver = self.solver(**radii, rho=rho, gamma=gamma)
        callback = None if warm or self.fixed_steps else left_trust_region
        status, iterates = self._run(inside, solver, start, self._iterations(factor, rate), threshold, callback)
        if status is Status.STOPPED and self.nit < self.limit and "gamma" not in self.options:
            # x was stopped in its course: z and v catch up before the stage is judged.
            rate = step_sizes(*model, rho, 0.0)[2]
            solver = self.solver(**radii, rho=rho, gamma=0.0)
            second, iterates = self._run(inside, solver, iterates, self._iterations(_SETTLED, rate), threshold)
            status = status if second is Status.MAX_ITERATIONS else second
        if self.lowest is not None:
            self.lowest = self.lowest[0], units.back(*self.lowest[1])
        return status, units.back(*iterates)

    def _look_back(self, here: Place) -> None:
        """Look at the iterate of the last stage around which F was lowest, where that promises a better point."""
        lowest, self.lowest = self.lowest, None
        best = here.measured if self.course.best is None else min(here.measured, self.course.best[0].measured)
        if lowest is None or not lowest[0] < best - 1e-3 * abs(best - self.start_value) - 2 * self.probe.noise_outer:
            return
        with contextlib.suppress(NonFiniteError):
            self._seen(self._look(lowest[1], here.curvature))

    def _run(
        self, problem: BilevelProblem, solver: Solver, start: Iterates, count: int, threshold: float,
        callback: Callable[[int, State], bool] | None = None,
    ) -> tuple[Status, Iterates]:  # fmt: skip
        """The driver's loop, leaving enough of the budget to judge what it did."""
        left = self.left()
        if left is not None:
            size = stencil_size(self.problem.p, self.problem.d, along_v=True, curvature=False) + _VALUE_SIZE
            self.need(sum(iteration_cost(problem, solver, self.rng).values()) + size)
            left -= size
        z, v, x = start
        before = [start]

        def follow(k: int, state: State) -> bool:
            mean = self.outer_mean()
            if mean < (math.inf if self.lowest is None else self.lowest[0]):
                self.lowest = mean, before[0]  # F was asked for around the iterates before the step
            before[0] = state.z[0], state.v[0], state.x[0]
            return callback is not None and callback(k, state)

        result = run(
            problem, self.at_once(solver, problem), z0=z, v0=v, x0=x, rng=self.rng,
            max_iterations=min(count, self.limit - self.nit), budget=left, record_every=None,
            callback=follow, divergence_threshold=threshold,
        )  # fmt: skip
        self._count(result)
        return Status(int(result.status[0])), (result.z[0], result.v[0], result.x[0])

    def _iterations(self, factor: float, rate: float) -> int:
        """Iterations that shrink an error by the factor, at this rate of its mean square."""
        cap = _STAGE_CAP_USER_UNITS if self.user_units else _STAGE_CAP
        if not 0.0 < rate < 1.0:
            return cap if rate else 3
        return min(cap, math.ceil(2 * math.log(factor) / math.log(rate)) + 2)

    def _count(self, result: Result) -> None:
        self.nit += int(result.nit[0])
        self.stage_inner += int(result.n_inner[0])
        self.stage_outer += int(result.n_outer[0])

    def _progress(self, warm: bool, here: Place, there: Place) -> bool:
        """Whether a stage is kept."""
        noise, floor = self.probe.noise_inner, self._inner_floor()
        before, after = here.size(here.prediction.a), here.size(there.prediction.a)
        if warm:
            if after <= max(0.5 * before, floor):
                return True
            return there.point.inner <= here.point.inner + floor**2 + 10 * noise
        # F + v'G_z is near Psi only while z follows z*(x).
        T_z = unit_root(here.curvature.A)
        moved = float(np.linalg.norm(T_z.T @ here.curvature.C.T @ (there.point.x - here.point.x)))
        if after > max(before, 0.5 * moved, 2 * floor):
            return False
        slack = 2 * self.probe.noise_outer
        if there.point.along_v > 0:
            slack += 2 * noise / there.point.along_v
        return there.value < here.value - slack or there.prediction.distance <= 0.5 * here.prediction.distance

    def _inner_floor(self) -> float:
        """How near, in the metric |G_zz|, the surrogates' radius lets z come to z*(x)."""
        radius = math.sqrt(4 * self.probe.noise_inner / SURROGATE_PRECISION)
        radius = max(radius, float(self.options.get("h", 0.0)) * math.sqrt(self.steepest))
        return (self.problem.p + 2) * radius

    def _target(self, prediction: Prediction) -> float:
        """Predicted distance at which the run has converged."""
        if self.tolerance is not None:
            return self.tolerance
        moved = float(np.linalg.norm(self.x - self.x_start))
        size = max(float(np.linalg.norm(self.x)), moved, prediction.distance)
        return max(1e-3 * min(1.0, size), 1e-6 * min(size, 1e4))

    def _inner_done(self, here: Place) -> bool:
        """Whether z, too, is near its solution: the model is good only there."""
        size = max(float(np.linalg.norm(self.z)), float(np.linalg.norm(self.z - self.z_start)))
        a = here.prediction.a
        return float(np.linalg.norm(a)) <= 1e-2 * size or here.size(a) <= self._inner_floor()

    def _note_noise(self) -> None:
        for level, relative in self.probe.relative_noise.items():
            if relative > _NOISY:  # at the start: near a solution values may vanish, and rounding is all there is
                self.noisy = True
                self.course.caveats.append(
                    f"values of {level} look noisy (relative size {relative:.1g}), "
                    "and automatic settings assume exact values"
                )

    def _converged(self, here: Place, target: float) -> None:
        """End the run if differences confirm what the local model promises; go on with a smaller promise if not yet."""
        distance, noise = here.prediction.distance, here.prediction.dx_noise
        found = f"the predicted distance to a solution, {distance:.2g}, is at most {target:.2g}"
        if noise > target:
            self.course.caveats.append(f"distances up to {noise:.2g} are hidden by noise or lie along flat directions")
        certificate = self.certify(here.point.z, here.point.x, target)
        self.course.bound = certificate.away
        if certificate.status is Status.CONVERGED and certificate.away <= target:
            raise Ended(Status.CONVERGED, f"converged: {found}, and differences confirm at most {certificate.away:.2g}")
        if certificate.status not in (Status.CONVERGED, Status.MAX_ITERATIONS):
            raise Ended(certificate.status, f"{found}, but differences find: {certificate.message}")
        if self.noisy or certificate.noisy:
            raise Ended(
                Status.NOISE_LIMITED,
                f"{found} for exact values, but values are noisy or rounded, and the distance may be up to "
                f"{certificate.away:.2g}",
            )
        values = np.linalg.eigvalsh((here.prediction.hessian + here.prediction.hessian.T) / 2)
        if bool(values[0] < -10 * np.abs(values).max() / CONDITION_CAP):
            raise Ended(Status.STOPPED, "stopped: Psi curves downwards here: a stationary point that is not a minimum")
        self.strictness, self.course.bound = 0.3 * self.strictness, math.nan
        if self.strictness < _STRICTEST:
            self.course.bound = certificate.away
            raise Ended(Status.STOPPED, f"stopped: {found}, but differences allow for {certificate.away:.2g}")

    def _small_estimate(self) -> tuple[Status, str]:
        """How a plain run ends whose estimate fell below the tolerance: what differences say of the point."""
        tolerance, found = self.tolerance or 0.0, Status.CONVERGED.message
        certificate = self.certify(self.z, self.x, max(1e-3, 1e-3 * float(np.linalg.norm(self.x))))
        if certificate.status not in (Status.CONVERGED, Status.MAX_ITERATIONS):
            return certificate.status, f"the estimate is below the tolerance, but {certificate.message}"
        measured = certificate.slope
        if not measured <= _BY_CHANCE * tolerance:
            return Status.STOPPED, (
                f"stopped: the estimate fell below the tolerance {tolerance:.2g} by chance; differences find a "
                f"hypergradient of {measured:.2g}"
            )
        return Status.CONVERGED, f"{found}; differences find a hypergradient of {measured:.2g}"

    def _give_up(self, failed: list[Status], here: Place, target: float) -> None:
        for status in (Status.NON_FINITE, Status.DIVERGED):
            if status in failed:
                raise Ended(status, f"{status.message}; shorter steps did not help")
        raise Ended(
            Status.STOPPED,
            f"stopped: shorter steps brought no progress at a predicted distance of "
            f"{here.prediction.distance:.2g} (target {target:.2g}); values may be noisy or not smooth, "
            "or the solver's noise does not vanish",
        )

    def _arrived(self, here: Place) -> None:
        """Note a place, and tell whoever follows the run."""
        self.course.last = here
        self._seen(here)
        self.gradient_norm = float(np.linalg.norm(here.prediction.gradient))
        row = (self.nit, self.spent, here.measured, self.gradient_norm, here.prediction.distance)
        self.course.rows.append(row)
        if self.on_iteration is not None and self.on_iteration(self.outcome(Status.STOPPED, "")):
            raise Ended(Status.STOPPED, Status.STOPPED.message)

    def _seen(self, place: Place) -> None:
        """Keep the place if its Psi is the smallest; it is known where z is near z*(x)."""
        if self._inner_done(place):
            self.course.seen(place, place.doubt(self.probe, self._target(place.prediction)))

    def outcome(self, status: Status, message: str) -> Outcome:
        """The best point so far, with what there is to say."""
        last = self.course.last
        doubt = 0.0 if last is None else last.doubt(self.probe, self._target(last.prediction))
        return self.course.outcome(status, message, (self.z, self.v, self.x), self.nit, doubt)
