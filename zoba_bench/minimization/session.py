"""One call of ``minimize``: what it opens and closes, which method runs, and what is handed back however it ends."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoba_bench.arrays import Array, frozen
from zoba_bench.minimization.ahead import at_once
from zoba_bench.minimization.arguments import by_name
from zoba_bench.minimization.black_box import BlackBox, check_black_boxes
from zoba_bench.minimization.checkpoint import Checkpoint
from zoba_bench.minimization.implicit import UNEVEN, certify, minimize_implicit
from zoba_bench.minimization.minimize_result import MinimizeResult, result_of
from zoba_bench.minimization.outcome import Ended, Outcome
from zoba_bench.minimization.pool import Map, Pool
from zoba_bench.minimization.stages import Job
from zoba_bench.minimization.values import CountedValues, Evaluator
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry, make_solver
from zoba_bench.result import Status

__all__ = ["Request", "carry_out"]


Bounds = tuple[Array, Array]
_DETERMINISTIC, _TOLERANCE = "implicit", 1e-3
_ATTRIBUTE = "partial_result"  # of exceptions that leave ``minimize``


@dataclass(frozen=True)
class Request:
    """The checked arguments of one call; z, x and bounds in the user's units."""

    functions: dict[str, Callable[..., Any]]
    args: tuple[Any, ...]
    z: Array
    x: Array
    z_scale: Array
    x_scale: Array
    method: str
    bounds: Bounds | None
    z_bounds: Bounds | None
    options: dict[str, Any]
    tolerance: float | None
    budget: int | None
    limit: int | None
    max_seconds: float | None
    callback: Callable[..., object] | None
    vectorized: bool
    workers: int | Map | None
    checkpoint: str | Path | None
    on_error: str
    seed: int | None
    raise_interrupt: bool

    @property
    def title(self) -> dict[str, Any]:
        """What a checkpoint's values belong to."""
        return {
            "method": self.method, "x0": self.x.tolist(), "z0": self.z.tolist(), "x_scale": self.x_scale.tolist(),
            "z_scale": self.z_scale.tolist(), "vectorized": self.vectorized, "seed": self.seed,
            "options": {name: repr(value) for name, value in sorted(self.options.items())},
            "bounds": [None if b is None else [[repr(float(e)) for e in side] for side in b]
                       for b in (self.bounds, self.z_bounds)],
        }  # fmt: skip


class Session:
    """Where the run stands, so that a result can be made at any time."""

    def __init__(self, request: Request, evaluator: Evaluator, checkpoint: Checkpoint | None) -> None:
        self.request, self.evaluator, self.checkpoint = request, evaluator, checkpoint
        self.problem = BilevelProblem("black box", len(request.z), len(request.x), evaluator.inner, evaluator.outer)
        self.z, self.x = request.z / request.z_scale, request.x / request.x_scale
        self.started = False
        self.so_far: Callable[[], Outcome] = lambda: self._at_start(math.nan)

    def _at_start(self, value: float) -> Outcome:
        p, d = self.problem.p, self.problem.d
        return Outcome(
            x=self.x, z=self.z, v=np.zeros(p), status=Status.STOPPED, message="", nit=0, fun=value,
            jac=np.full(d, np.nan), error_bound=math.nan,
        )  # fmt: skip

    def run(self) -> MinimizeResult:
        """The method's whole run."""
        return self._deterministic() if self.request.method == _DETERMINISTIC else self._stochastic()

    def _stochastic(self) -> MinimizeResult:
        request = self.request
        known = entry("solvers", request.method).option_names()
        make_solver(request.method, **request.options)
        for name, bounds in (("bounds", request.bounds), ("z_bounds", request.z_bounds)):
            if bounds is not None:
                raise ValueError(f"method={request.method!r} does not keep to {name}; method={_DETERMINISTIC!r} may")
        seed = request.seed if self.checkpoint is None else self.checkpoint.run["seed"]
        tunable = {"rho", "gamma", "h", "schedule"}.issubset(known)
        plain = not tunable or "schedule" in request.options or {"rho", "gamma", "h"}.issubset(request.options)
        limit = request.limit if request.limit is not None else (1000 if plain else 20000)
        job = Job(
            self.problem, request.method, request.options, known, np.random.default_rng(seed), self.z, self.x,
            request.budget, request.tolerance, limit, repeated=lambda: sum(self.evaluator.repeated.values()),
            on_iteration=None if request.callback is None else self.follow,
            certify=lambda z, x, tol: certify(CountedValues(job.probe.oracle, self.evaluator), z, x, tol),
            at_once=lambda solver, problem: at_once(solver, problem, self.evaluator),
            ahead=self.evaluator.ahead if self.evaluator.parallel else None,
            outer_mean=lambda: self.evaluator.mean["outer"],
        )  # fmt: skip
        job.require_budget(plain)
        job.start_value = job.course.value = check_black_boxes(job.probe.oracle, self.z, self.x, request.vectorized)[
            "outer"
        ]
        self.started, self.so_far = True, lambda: job.outcome(Status.STOPPED, "")
        outcome = job.plain() if plain else job.tuned()
        cut_short = outcome.status in (Status.STOPPED, Status.BUDGET)
        return self.result(outcome, None if cut_short else job.counts)

    def _deterministic(self) -> MinimizeResult:
        request = self.request
        if request.options:
            name = next(iter(request.options))
            raise TypeError(f"method={_DETERMINISTIC!r} has no option {name!r}")
        oracle = Oracle(self.problem, 1)
        value = check_black_boxes(oracle, self.z, self.x, request.vectorized)["outer"]
        self.started, self.so_far = True, lambda: self._at_start(value)

        def follow(outcome: Outcome) -> bool:
            self.so_far = lambda: replace(outcome, message="")
            return request.callback is not None and self.follow(outcome)

        bounds, bounds_z = (
            None if sides is None else (sides[0] / scale, sides[1] / scale)
            for sides, scale in ((request.bounds, request.x_scale), (request.z_bounds, request.z_scale))
        )
        try:
            outcome = minimize_implicit(
                CountedValues(oracle, self.evaluator), self.z, self.x, tol=request.tolerance or _TOLERANCE,
                bounds=bounds, bounds_z=bounds_z, max_iterations=request.limit, on_iteration=follow,
            )  # fmt: skip
        except Ended as end:
            outcome = replace(self.so_far(), status=end.status, message=end.message)
        return self.result(outcome)

    def follow(self, outcome: Outcome) -> bool:
        """Show the user a copy; whether the run is to stop."""
        assert self.request.callback is not None
        shown = self.result(outcome)
        for name, value in shown.items():
            if isinstance(value, np.ndarray):
                shown[name] = frozen(value)
        callback = self.request.callback
        try:
            return bool(callback(intermediate_result=shown) if by_name(callback) else callback(shown))
        except StopIteration:
            return True

    def partial(self, message: str) -> MinimizeResult:
        """The best point so far, of a run that something ended from outside."""
        outcome = self.so_far()
        said = f"{message}; {outcome.message}" if outcome.message else message
        return self.result(replace(outcome, status=Status.STOPPED, message=said))

    def result(self, outcome: Outcome, counts: dict[str, int] | None = None) -> MinimizeResult:
        """In the user's units. ``counts`` are the oracles', of a run that was not ended within a batch."""
        request, evaluator = self.request, self.evaluator
        made = dict(evaluator.finished if counts is None else counts)
        for level, number in evaluator.repeated.items():
            made[level] += number
        more = {"repeated": sum(evaluator.repeated.values()), "skipped": len(evaluator.skipped)}
        more["resumed"] = 0 if self.checkpoint is None else self.checkpoint.found
        message = outcome.message
        if evaluator.skipped:
            message += (
                f"; {len(evaluator.skipped)} evaluations raised and were skipped, the first {evaluator.skipped[0]}"
            )
        if outcome.message and outcome.sizes is not None and np.ptp(np.log(outcome.sizes)) > math.log(UNEVEN):
            sizes = ", ".join(f"{size:.2g}" for size in outcome.sizes * request.x_scale)
            message += f"; measured sizes of the variables: x_scale=[{sizes}], which may be given, or corrected"
        return result_of(
            x=outcome.x * request.x_scale, z=outcome.z * request.z_scale, v=outcome.v * request.z_scale,
            status=Status(outcome.status), message=message, fun=outcome.fun,
            jac=outcome.jac / request.x_scale if np.isfinite(outcome.jac).all() else None,
            error_bound=outcome.error_bound, nit=outcome.nit,
            counts={**made, **{name: number for name, number in more.items() if number}},
            history=outcome.history, method=request.method,
        )  # fmt: skip


def carry_out(request: Request) -> MinimizeResult:
    """Open what the call needs, run the method, and close it again whatever happens."""
    boxes = {
        level: BlackBox(level, function, request.vectorized, request.args, request.z_scale, request.x_scale)
        for level, function in request.functions.items()
    }
    with contextlib.ExitStack() as stack:
        checkpoint = None
        if request.checkpoint is not None:
            checkpoint = stack.enter_context(Checkpoint(request.checkpoint, request.title))
        workers = stack.enter_context(Pool(boxes, request.workers))
        stack.enter_context(_one_thread(request.workers is not None))
        evaluator = Evaluator(
            workers, vectorized=request.vectorized, on_error=request.on_error, checkpoint=checkpoint,
            budget=request.budget, max_seconds=request.max_seconds,
        )  # fmt: skip
        session = Session(request, evaluator, checkpoint)
        try:
            return session.run()
        except KeyboardInterrupt as error:
            if request.raise_interrupt or not session.started:
                _attach(error, session)
                raise
            return session.partial("stopped by Ctrl-C")
        except Ended as end:  # before the method began
            return session.result(replace(session.so_far(), status=end.status, message=end.message))
        except Exception as error:  # a user's function may raise anything
            _attach(error, session)
            raise


def _attach(error: BaseException, session: Session) -> None:
    """The best point so far, as an attribute of an exception that leaves."""
    if not session.started:
        return
    result = session.partial(f"ended by {type(error).__name__}")
    with contextlib.suppress(AttributeError, TypeError):  # a class may not let itself be written to
        setattr(error, _ATTRIBUTE, result)
        error.add_note(
            f"zoba-bench: {result.nfev} evaluations were made; the best point so far is in the attribute "
            f"{_ATTRIBUTE!r} of this exception, and checkpoint=FILE keeps every evaluation"
        )


@contextlib.contextmanager
def _one_thread(wanted: bool) -> Iterator[None]:
    """BLAS here as in worker processes, so that values do not depend on where they are computed."""
    if not wanted:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield
