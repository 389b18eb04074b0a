"""A zeroth-order solver of this project as one of benchopt's."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from benchopt import BaseSolver
from benchopt.stopping_criterion import SufficientProgressCriterion
from zoba_bench.integrations.benchopt.precision import PrecisionWarning, too_small, widened
from zoba_bench.integrations.benchopt.values import BatchOracle, Level, is_jax

from zoba_bench.directions import generator
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry, make_solver

__all__ = ["ValueSolver"]

_ORDERS = ("independent", "passes")


class ValueSolver(BaseSolver):  # type: ignore[misc]  # benchopt has no types here
    """Base class of the solvers: a subclass names one of ours, its options and its radii.

    Solvers of benchopt's bilevel benchmark get f_inner and f_outer, functions of (inner_var, outer_var, start,
    batch_size), their numbers of rows and a start. Only values are asked of them here, one point and one batch at a
    time.

    Parameters, beside the solver's own options, of which None stands for its default:

    batch_size : int or "full"
        Rows of a batch, which is one sample of ours: ``b1`` and ``b2`` count batches. "full": exact values.
    order : {"independent", "passes"}
        How batches are drawn, see :class:`~zoba_bench.integrations.benchopt.values.BatchOracle`.
    eval_freq : int
        Iterations between two evaluations of the objective, which is when the run can stop.
    random_state : int
        Seed.

    The benchmark counts nothing. Here a row at a point is an evaluation; ``evaluations`` has the sums of the run so
    far. They are written to ``evaluations.csv`` in the run's own folder of benchopt's outputs, a line for every
    ``stop_val``, and handed to an objective whose ``evaluate_result`` takes ``inner_evaluations`` and
    ``outer_evaluations``.

    jax computes in single precision unless told otherwise, in which differences of the usual radii are rounding. Radii
    that are left out are then widened, with a PrecisionWarning; such that were chosen too small make the solver be
    skipped, with the reason.

    A run that leaves the finite numbers hands NaN to the objective, as the benchmark's own solvers do.
    """

    solver: ClassVar[str]
    #: Radius -> root of the machine precision below which it is lost: 2 first, 3 central, 4 second differences.
    radii: ClassVar[Mapping[str, int]] = {"h": 4}
    #: Options that are always so.
    fixed: ClassVar[Mapping[str, Any]] = {}

    stopping_criterion = SufficientProgressCriterion(patience=12_800, strategy="callback")
    sampling_strategy = "callback"
    common: ClassVar[dict[str, list[Any]]] = {
        "batch_size": [64], "order": ["independent"], "eval_freq": [128], "random_state": [1],
    }  # fmt: skip
    #: What the single-loop methods have beside their own; None is a choice of the solver, or of :mod:`precision`.
    single_loop: ClassVar[dict[str, list[Any]]] = {
        "rho": [0.01], "gamma": [None], "schedule": ["inverse-sqrt"], "l1": [100], "b1": [1], "b2": [1], "h": [None],
        **common,
    }  # fmt: skip
    parameters: ClassVar[dict[str, list[Any]]] = common

    @staticmethod
    def get_next(stop_val: int) -> int:
        """The objective is evaluated whenever the callback is called."""
        return stop_val + 1

    def skip(self, **objective: Any) -> tuple[bool, str | None]:
        """Whether this solver cannot run here, and why."""
        for name in ("inner_var0", "outer_var0"):
            if not hasattr(objective[name], "shape"):
                return True, f"{name} is {type(objective[name]).__name__}; this solver needs one array"
        z, x = (np.asarray(objective[name], dtype=np.float64).ravel() for name in ("inner_var0", "outer_var0"))
        reason = too_small(self._chosen(), self.radii, self._dtype(self._levels(**objective), z, x))
        return bool(reason), reason or None

    def set_objective(
        self, f_inner: Callable[..., Any], f_outer: Callable[..., Any], n_inner_samples: int, n_outer_samples: int,
        inner_var0: Any, outer_var0: Any,
    ) -> None:  # fmt: skip
        """Take the two functions of rows and the start."""
        if self.order not in _ORDERS:
            raise ValueError(f"order must be one of {', '.join(map(repr, _ORDERS))}, got {self.order!r}")
        self.levels = self._levels(f_inner, f_outer, n_inner_samples, n_outer_samples, inner_var0, outer_var0)
        self.shapes = np.shape(inner_var0), np.shape(outer_var0)
        self.start = tuple(np.asarray(a, dtype=np.float64).ravel() for a in (inner_var0, outer_var0))
        inner, outer = self.levels
        self.problem = BilevelProblem(
            "benchmark", len(self.start[0]), len(self.start[1]), inner, outer, inner_samples=inner.samples,
            outer_samples=outer.samples,
        )  # fmt: skip
        chosen = self._chosen()
        names = entry("solvers", self.solver).option_names()
        plain = make_solver(self.solver, **self.fixed)
        defaults = {name: getattr(plain, name) for name in names}
        wide, words = widened(chosen, defaults, self.radii, self._dtype(self.levels, *self.start))
        if words:
            warnings.warn(words, PrecisionWarning, stacklevel=2)
        given = {name: value for name, value in chosen.items() if value is not None}
        self.configuration = make_solver(self.solver, **{**self.fixed, **given, **wide})
        self.configuration.check(self.problem)

    def warm_up(self) -> None:
        """One iteration, so that jax compiles before the clock runs."""
        self.configuration.step(self._begin())

    def run(self, callback: Callable[[], bool]) -> None:
        """Iterate until the callback says stop."""
        state = self._begin()
        self._keep(state)
        self.curve: list[tuple[int, int, int]] = []
        while callback():
            with np.errstate(all="ignore"):  # of a run that leaves
                for _ in range(self.eval_freq):
                    state = self.configuration.step(state)
            self._keep(state)

    def get_result(self) -> dict[str, Any]:
        """What the objective evaluates."""
        z, x = (a.reshape(shape) for a, shape in zip(self.iterates, self.shapes, strict=True))
        result = {"inner_var": z, "outer_var": x}
        spent = self.evaluations
        self.curve.append((len(self.curve), spent["inner_evaluations"], spent["outer_evaluations"]))
        self._write_curve()
        evaluate = getattr(getattr(self, "_objective", None), "evaluate_result", None)
        taken = inspect.signature(evaluate).parameters if evaluate is not None else {}
        return {**result, **{name: n for name, n in spent.items() if name in taken}}

    @property
    def evaluations(self) -> dict[str, int]:
        """Rows times points of this run so far, by level."""
        return {
            f"{name}_evaluations": level.rows_read for name, level in zip(("inner", "outer"), self.levels, strict=True)
        }

    def _begin(self) -> Any:
        for level in self.levels:
            level.rows_read = 0
        oracle = BatchOracle(self.problem, self.order)
        z, x = (a[None].copy() for a in self.start)
        rng = generator(np.random.SeedSequence(self.random_state))
        return self.configuration.init(oracle, rng, z, np.zeros_like(z), x)

    def _keep(self, state: Any) -> None:
        self.iterates = state.z[0], state.x[0]

    def _chosen(self) -> dict[str, Any]:
        """The solver's own options as they were set; None for those that were left out."""
        names = entry("solvers", self.solver).option_names()
        return {name: getattr(self, name) for name in type(self).parameters if name in names}

    def _levels(
        self, f_inner: Any, f_outer: Any, n_inner_samples: int, n_outer_samples: int, inner_var0: Any, outer_var0: Any
    ) -> tuple[Level, Level]:
        batch = None if self.batch_size == "full" else int(self.batch_size)
        z_shape, x_shape = np.shape(inner_var0), np.shape(outer_var0)
        inner, outer = (
            Level(f, int(n), batch, z_shape, x_shape, is_jax(inner_var0))
            for f, n in ((f_inner, n_inner_samples), (f_outer, n_outer_samples))
        )
        return inner, outer

    @staticmethod
    def _dtype(levels: tuple[Level, Level], z: Any, x: Any) -> np.dtype[Any]:
        """The coarser one of the types of both levels' values."""
        return max((level.dtype(z, x) for level in levels), key=lambda dtype: np.finfo(dtype).eps)

    def _write_curve(self) -> None:
        try:
            folder = Path(self.get_run_output_path())
        except (AttributeError, RuntimeError):  # older benchopt; or a test, which has no outputs
            return
        lines = ["stop_val,inner_evaluations,outer_evaluations", *(",".join(map(str, row)) for row in self.curve)]
        (folder / "evaluations.csv").write_text("\n".join(lines) + "\n")
