"""The only way from a solver to values: counts, samples, shapes and non-finite values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.problem import BilevelProblem

__all__ = ["DryOracle", "Oracle", "OracleError"]

Array = NDArray[np.float64]
Samples = NDArray[np.int64]


class OracleError(ValueError):
    """A user's function returned something that is not an array of values of the right shape."""


class Oracle:
    """Values of F and G for a block of replicates, each one counted.

    Query arrays have the replicate axis first: z (R, ..., p), x (R, ..., d), samples
    (R, ...). One value is one evaluation of its replicate.

    Attributes
    ----------
    p, d, replicates : int
    n_inner, n_outer : (R,) int64 arrays
        Evaluations so far, per replicate.
    active : (R,) bool array
        Replicates that still run; the others are neither evaluated nor counted, and
        get zeros, so that every difference of their values vanishes.
    non_finite : (R,) bool array
        Replicates that received NaN or an infinity since the driver last cleared it.
    """

    def __init__(self, problem: BilevelProblem, replicates: int) -> None:
        self._inner = problem.inner
        self._outer = problem.outer
        self._name = problem.name
        self.p = problem.p
        self.d = problem.d
        self.replicates = replicates
        self.inner_samples = problem.inner_samples
        self.outer_samples = problem.outer_samples
        self.n_inner = np.zeros(replicates, dtype=np.int64)
        self.n_outer = np.zeros(replicates, dtype=np.int64)
        self.active = np.ones(replicates, dtype=bool)
        self.non_finite = np.zeros(replicates, dtype=bool)
        self._all_active = True

    @property
    def stochastic_inner(self) -> bool:
        """Whether G is a mean over samples."""
        return self.inner_samples is not None

    @property
    def stochastic_outer(self) -> bool:
        """Whether F is a mean over samples."""
        return self.outer_samples is not None

    def freeze(self, replicates: NDArray[np.bool_]) -> None:
        """Stop evaluating and counting the given replicates."""
        self.active &= ~replicates
        self._all_active = bool(self.active.all())

    def draw_inner(self, rng: np.random.Generator, batch: int) -> Samples | None:
        """Sample indices of G, uniform with replacement, shape (R, batch, 1); None if deterministic."""
        return self._draw(rng, batch, self.inner_samples)

    def draw_outer(self, rng: np.random.Generator, batch: int) -> Samples | None:
        """Sample indices of F, uniform with replacement, shape (R, batch, 1); None if deterministic."""
        return self._draw(rng, batch, self.outer_samples)

    def _draw(self, rng: np.random.Generator, batch: int, size: int | None) -> Samples | None:
        return None if size is None else rng.integers(size, size=(self.replicates, batch, 1))

    def inner(self, z: Array, x: Array, sample: Samples | None = None) -> Array:
        """Values of G, shape: the broadcast leading axes of the arguments."""
        values = self._evaluate("inner", self._inner, z, x, sample)
        self._count(self.n_inner, values)
        return values

    def outer(self, z: Array, x: Array, sample: Samples | None = None) -> Array:
        """Values of F, shape: the broadcast leading axes of the arguments."""
        values = self._evaluate("outer", self._outer, z, x, sample)
        self._count(self.n_outer, values)
        return values

    def _count(self, counter: NDArray[np.int64], values: Array) -> None:
        each = values.size // self.replicates
        counter += each if self._all_active else each * self.active

    def _evaluate(self, level: str, function: Callable[..., Any], z: Array, x: Array, sample: Samples | None) -> Array:
        shape = _leading_shape(z, x, sample)
        if self._all_active:
            values = self._call(level, function, z, x, sample, shape)
        else:
            on = self.active
            some = self._call(level, function, z[on], x[on], None if sample is None else sample[on],
                              (int(on.sum()), *shape[1:]))  # fmt: skip
            values = np.zeros(shape)
            values[on] = some
        finite = np.isfinite(values)
        if not finite.all():
            self.non_finite |= ~finite.reshape(self.replicates, -1).all(axis=1)
        return values

    def _call(
        self, level: str, function: Callable[..., Any], z: Array, x: Array, sample: Samples | None,
        shape: tuple[int, ...],
    ) -> Array:  # fmt: skip
        # Read-only views and a copy: neither a function that works in place nor one that
        # reuses its output can change iterates or earlier values.
        z, x = _read_only(z), _read_only(x)
        values = function(z, x) if sample is None else function(z, x, sample)
        if type(values) is np.ndarray and values.shape == shape and values.dtype == np.float64:
            return values.copy()
        if values is None:
            raise OracleError(f"{level} of problem {self._name!r} returned None: it must return its values")
        try:
            array = np.asarray(values)
        except (TypeError, ValueError):  # ragged
            array = np.empty(0, dtype=object)
        if array.dtype.kind not in "biuf":
            raise OracleError(
                f"{level} of problem {self._name!r} returned {type(values).__name__} of {array.dtype}, not real numbers"
            )
        converted = array.astype(np.float64)
        if converted.shape != shape:
            raise OracleError(
                f"{level} of problem {self._name!r} returned shape {converted.shape} for z of shape "
                f"{z.shape} and x of shape {x.shape}; expected {shape}: one value for each point, the last "
                "axis reduced and every leading axis kept (or pass vectorized=False where that is offered)"
            )
        return converted


def _leading_shape(z: Array, x: Array, sample: Samples | None) -> tuple[int, ...]:
    shapes = (z.shape[:-1], x.shape[:-1]) if sample is None else (z.shape[:-1], x.shape[:-1], sample.shape)
    return np.broadcast_shapes(*shapes)


def _read_only(array: Array) -> Array:
    view = array.view()
    view.setflags(write=False)
    return view


class DryOracle(Oracle):
    """Counts what an iteration would evaluate, without evaluating: every value is zero."""

    def _evaluate(self, level: str, function: Callable[..., Any], z: Array, x: Array, sample: Samples | None) -> Array:
        return np.zeros(_leading_shape(z, x, sample))
