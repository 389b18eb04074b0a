"""The only way from a solver to values: counts, samples, shapes and non-finite values."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array, Samples, fitted
from zoba_bench.problem import BilevelProblem
from zoba_bench.resolution import note_values
from zoba_bench.validation import real_numbers

__all__ = ["COUNTED", "DERIVATIVES", "DryOracle", "Oracle", "OracleError", "weights"]


#: Derivatives that first-order methods query: level and last dimension of the result.
DERIVATIVES = {
    "inner_grad_z": ("inner", "p"), "inner_grad_x": ("inner", "d"),
    "outer_grad_z": ("outer", "p"), "outer_grad_x": ("outer", "d"),
    "inner_hvp_zz": ("inner", "p"), "inner_jvp_xz": ("inner", "d"), "inner_jvp_zx": ("inner", "p"),
}  # fmt: skip

#: Everything that is counted: values, derivatives, and what costs no evaluation.
COUNTED = ("inner", "outer", *DERIVATIVES, "prox", "projection", "communication")


def weights(gradient_cost: str, p: int, d: int) -> dict[str, int]:
    """What each counted query costs in evaluations: a derivative 1, or as many as it has components.

    Parameters
    ----------
    gradient_cost : {"one", "dimension"}
    """
    if gradient_cost not in ("one", "dimension"):
        raise ValueError(f"gradient_cost must be 'one' or 'dimension', got {gradient_cost!r}")
    size = {"p": p, "d": d}
    cost = {name: size[n] if gradient_cost == "dimension" else 1 for name, (_, n) in DERIVATIVES.items()}
    return {"inner": 1, "outer": 1, **cost}


#: Entries of the largest array up to which several sets of points are copied into one call.
STACKED = 2**12

Points = tuple[Array, Array]
_NOTHING: Array = np.empty(0)

#: A point is far from the start of a run where a coordinate is so many times larger than 1 plus the largest one there.
FAR = 100.0

#: Coordinates of a point that a message shows.
_SHOWN = 8

#: How a function that takes no leading axes is declared.
SINGLE_POINTS = "pass vectorize=True to Problem.from_functions, vectorized=False to minimize"


class OracleError(ValueError):
    """A user's function returned something that is not an array of values of the right shape."""


class Oracle:
    """Values and derivatives of F and G for a block of replicates, each one counted.

    Query arrays have the replicate axis first: z (R, ..., p), x (R, ..., d), samples
    (R, ...). One value, gradient or product at one point is one evaluation of its replicate; of a
    mean over n samples, n of them.

    Attributes
    ----------
    p, d, replicates : int
    counts : dict of (R,) int64 arrays
        What each replicate has used so far, by the names in ``COUNTED``; up to date when it is asked for.
    active : (R,) bool array
        Replicates that still run; the others are neither evaluated nor counted, and
        get zeros, so that every difference of their values vanishes.
    non_finite : (R,) bool array
        Replicates that received NaN or an infinity since the driver last cleared it.
    met : dict of int to str
        Of each replicate that received one at a point near the start, the first: "inner returned NaN at z = ..., x =
        ...". Far from there (``FAR``) it is the iterate that has left, and not the function that fails.
    dry : bool
        Nothing is evaluated: what an iteration would use is counted, at most.

    Parameters
    ----------
    problem : BilevelProblem
    replicates : int
        R.
    draws : Generator, optional
        Of noise that the problem declares; by default the one that its seed names.
    """

    dry = False

    def __init__(
        self, problem: BilevelProblem, replicates: int, draws: np.random.Generator | None = None
    ) -> None:  # fmt: skip
        self._noise = problem.capabilities.noise
        self._draws = self._noise.stream() if draws is None and self._noise is not None else draws
        sizes = {"": None, "p": problem.p, "d": problem.d}
        samples = {"inner": problem.inner_samples or 1, "outer": problem.outer_samples or 1}
        # Of every query: the function, what a mean over the samples counts for, the last dimension of the result.
        self._queries: dict[str, tuple[Callable[..., Any] | None, int, int | None]] = {
            name: (getattr(problem, name), samples[level], sizes[letter])
            for name, (level, letter) in {"inner": ("inner", ""), "outer": ("outer", ""), **DERIVATIVES}.items()
        }
        self._name = problem.name
        self.capabilities = problem.capabilities
        self.p = problem.p
        self.d = problem.d
        self.replicates = replicates
        self.inner_samples = problem.inner_samples
        self.outer_samples = problem.outer_samples
        self._counts = {name: np.zeros(replicates, dtype=np.int64) for name in COUNTED}
        self._owed: dict[str, int] = {}  # what all replicates have used beside ``_counts``
        self.active = np.ones(replicates, dtype=bool)
        self.non_finite = np.zeros(replicates, dtype=bool)
        self.met: dict[int, str] = {}
        self._near: float | None = None
        # An oracle that looks at its queries, or answers them otherwise, sees each of them; noise is drawn for each.
        alone = type(self)._query is not Oracle._query or type(self).evaluate is not Oracle.evaluate
        plain = not alone and self._noise is None
        self._stacks = {n: plain and bool(getattr(getattr(problem, n), "stacks", False)) for n in ("inner", "outer")}
        self._all_active = True
        self._points: NDArray[np.bool_] | None = None

    @property
    def counts(self) -> dict[str, NDArray[np.int64]]:
        """What each replicate has used so far, (R,) by name."""
        for name, number in self._owed.items():
            self._counts[name] += number
        self._owed.clear()
        return self._counts

    @property
    def all_active(self) -> bool:
        """Whether every replicate still runs."""
        return self._all_active

    @property
    def n_inner(self) -> NDArray[np.int64]:
        """Evaluations of G so far, per replicate."""
        return self.counts["inner"]

    @property
    def n_outer(self) -> NDArray[np.int64]:
        """Evaluations of F so far, per replicate."""
        return self.counts["outer"]

    def spent(self, cost: Mapping[str, int]) -> NDArray[np.int64]:
        """Evaluations so far per replicate, each query with its weight; one without a weight costs nothing."""
        used = [weight * self.counts[name] for name, weight in cost.items()]
        total: NDArray[np.int64] = np.sum(used, axis=0, dtype=np.int64)
        return total

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

    @contextmanager
    def only(self, points: NDArray[np.bool_]) -> Iterator[None]:
        """Evaluate and count these points alone in what is queried inside; the others get zeros.

        A dry run counts all of them: what a random choice of points costs at most.

        Parameters
        ----------
        points : (R, ...) bool array over the first axes of every query inside.
        """
        before, self._points = self._points, None if self.dry else points
        try:
            yield
        finally:
            self._points = before

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
        return self._query("inner", (z, x), sample)

    def outer(self, z: Array, x: Array, sample: Samples | None = None) -> Array:
        """Values of F, shape: the broadcast leading axes of the arguments."""
        return self._query("outer", (z, x), sample)

    def inner_each(self, points: Iterable[Points], entries: int, sample: Samples | None = None) -> list[Array]:
        """Values of G at several sets of points, with the bits and the counts of as many queries in this order.

        Of a function with a true attribute ``stacks`` sets of the same shapes are asked for in one call, where all
        replicates run and a set is small.

        Parameters
        ----------
        points : pairs (z, x) of arrays, taken one by one where each is a query
        entries : int
            Of the largest array.
        sample : integer array, optional
        """
        return self._each("inner", points, entries, sample)

    def outer_each(self, points: Iterable[Points], entries: int, sample: Samples | None = None) -> list[Array]:
        """Values of F, see :meth:`inner_each`."""
        return self._each("outer", points, entries, sample)

    def inner_grad_z(self, z: Array, x: Array, sample: Samples | None = None) -> Array:
        """G_z, shape (..., p)."""
        return self._query("inner_grad_z", (z, x), sample)

    def inner_grad_x(self, z: Array, x: Array, sample: Samples | None = None) -> Array:
        """G_x, shape (..., d)."""
        return self._query("inner_grad_x", (z, x), sample)

    def outer_grad_z(self, z: Array, x: Array, sample: Samples | None = None) -> Array:
        """F_z, shape (..., p)."""
        return self._query("outer_grad_z", (z, x), sample)

    def outer_grad_x(self, z: Array, x: Array, sample: Samples | None = None) -> Array:
        """F_x, shape (..., d)."""
        return self._query("outer_grad_x", (z, x), sample)

    def inner_hvp_zz(self, z: Array, x: Array, v: Array, sample: Samples | None = None) -> Array:
        """G_zz v, shape (..., p)."""
        return self._query("inner_hvp_zz", (z, x, v), sample)

    def inner_jvp_xz(self, z: Array, x: Array, v: Array, sample: Samples | None = None) -> Array:
        """G_xz v, shape (..., d)."""
        return self._query("inner_jvp_xz", (z, x, v), sample)

    def inner_jvp_zx(self, z: Array, x: Array, u: Array, sample: Samples | None = None) -> Array:
        """G_zx u, shape (..., p)."""
        return self._query("inner_jvp_zx", (z, x, u), sample)

    def project_x(self, x: Array) -> Array:
        """The nearest point of X; x itself where the problem declares no X."""
        return self._map("projection", self.capabilities.project_x, x)

    def project_z(self, z: Array) -> Array:
        """The nearest point of Z; z itself where the problem declares no Z."""
        return self._map("projection", self.capabilities.project_z, z)

    def inner_prox(self, z: Array, x: Array, step: float) -> Array:
        """The proximal point of the non-smooth part of G; the projection onto Z where G has none."""
        prox = self.capabilities.inner_prox
        if prox is None:
            return self.project_z(z)
        return self._map("prox", lambda y: prox(y, x, step), z)

    def communicate(self, rounds: int = 1) -> None:
        """Count rounds in which every client exchanges one vector with the server."""
        self._counts["communication"] += rounds * self.active

    def book(self, counted: str, used: NDArray[np.int64]) -> None:
        """Count what a compiled loop has evaluated in the place of this oracle, (R,)."""
        self._counts[counted] += used

    def evaluate(
        self,
        counted: str,
        function: Callable[..., Any],
        vectors: tuple[Array, ...],
        sample: Samples | None = None,
        size: int | None = None,
        each: int = 1,
    ) -> Array:
        """Values (or vectors of the given size) of a function of points, counted under a name.

        Parameters
        ----------
        counted : one of ``COUNTED``.
        function : callable(*vectors) or callable(*vectors, sample)
        vectors : arrays (R, ..., n)
        sample : integer array that broadcasts with their leading axes, or None
        size : last dimension of the result; None for values
        each : evaluations that one point counts for
        """
        shape = _leading_shape(vectors, sample)
        everywhere = self._all_active and self._points is None
        on = self.active if everywhere else self._asked()
        number = each * math.prod(shape[on.ndim :])
        if everywhere:
            self._owed[counted] = self._owed.get(counted, 0) + number
        else:
            self._counts[counted] += number * on.reshape(self.replicates, -1).sum(axis=1)
        whole = shape if size is None else (*shape, size)
        if self.dry or not (everywhere or on.any()):
            return np.zeros(whole)
        if everywhere:
            values = self._call(counted, function, vectors, sample, whole)
        else:
            some = self._call(
                counted, function, tuple(_picked(vector, on) for vector in vectors),
                None if sample is None else _picked(sample, on), (int(on.sum()), *whole[on.ndim :]),
            )  # fmt: skip
            values = np.zeros(whole)
            values[on] = some
        if self._noise is not None and self._draws is not None:
            # For all points, so that the draws of one do not depend on which others are asked.
            faulty = self._noise.applied(values, self._draws)
            values = (
                faulty if everywhere else np.where(on.reshape(*on.shape, *[1] * (faulty.ndim - on.ndim)), faulty, 0.0)
            )
        note_values(counted, values)
        if self._near is None:
            self._near = FAR * (1.0 + max(float(np.abs(vector).max(initial=0.0)) for vector in vectors[:2]))
        finite = np.isfinite(values)
        if np.count_nonzero(finite) != finite.size:  # half the time of finite.all()
            self._non_finite(counted, values, vectors, shape)
        return values

    def _remember(self, name: str, values: Array, vectors: tuple[Array, ...], shape: tuple[int, ...]) -> None:
        """Note the first point of each replicate at which a function failed although the point is finite and near."""
        assert self._near is not None
        bad: NDArray[np.bool_] = ~np.isfinite(values)
        if values.ndim > len(shape):
            bad = np.any(bad, axis=-1)
        wide = [np.broadcast_to(vector, (*shape, vector.shape[-1])) for vector in vectors]
        for vector in wide:
            bad = bad & np.all(np.abs(vector) <= self._near, axis=-1)  # false for NaN
        for replicate in map(int, np.unique(np.nonzero(bad)[0])):
            at = (replicate, *np.argwhere(bad[replicate])[0])
            value = values[at] if values.ndim == len(shape) else values[at][~np.isfinite(values[at])][0]
            where = ", ".join(f"{n} = {_coordinates(vector[at])}" for n, vector in zip("zxv", wide, strict=False))
            self.met.setdefault(replicate, f"{name} returned {_VALUES.get(str(value), value)} at {where}")

    def _asked(self) -> NDArray[np.bool_]:
        """Which points are evaluated, over the first axes: those of replicates that run, and of :meth:`only`."""
        if self._points is None:
            return self.active
        return self._points & self.active.reshape(-1, *[1] * (self._points.ndim - 1))

    def _query(self, name: str, vectors: tuple[Array, ...], sample: Samples | None) -> Array:
        function, mean, size = self._queries[name]
        if function is None:
            raise OracleError(f"problem {self._name!r} does not declare {name}, which this solver queries")
        return self.evaluate(name, function, vectors, sample, size, mean if sample is None else 1)

    def _each(self, name: str, points: Iterable[Points], entries: int, sample: Samples | None) -> list[Array]:
        query = self.outer if name == "outer" else self.inner
        everywhere = self._all_active and self._points is None and not self.dry
        if entries > STACKED or not self._stacks[name] or not everywhere:
            return [query(z, x, sample) for z, x in points]
        made = list(points)
        found: list[Array] = [_NOTHING] * len(made)
        for numbers in _alike(*[(z.shape, x.shape) for z, x in made]):
            values = self._stacked(name, [made[i] for i in numbers], sample) if len(numbers) > 1 else None
            for place, i in enumerate(numbers):
                found[i] = query(*made[i], sample) if values is None else values[place]
        return found

    def _stacked(
        self, name: str, points: list[Points], sample: Samples | None
    ) -> list[Array] | None:  # fmt: skip
        """Values (R, ...) of each set, by one call; None for single queries, which say what is wrong."""
        # The first queries of a run are single ones; the point from which others are far is one of them.
        if self._near is None or not self._stacks[name]:
            return None
        z, x = _stack([z for z, _ in points]), _stack([x for _, x in points])
        if len(points) not in (len(z), len(x)):  # one and the same point, asked for again
            return None
        function, mean, _ = self._queries[name]
        assert function is not None
        lead = _leading_shape((z, x), sample)
        shape = (len(points), *lead[1:])
        given = (_read_only(z), _read_only(x))
        try:
            found = function(*given) if sample is None else function(*given, _read_only(sample))
        except Exception:  # a user's function may raise anything
            found = None
        if type(found) is not np.ndarray or found.shape != shape or found.dtype != np.float64:
            self._stacks[name] = False
            return None
        values: Array = found.copy()
        each = mean if sample is None else 1
        self._owed[name] = self._owed.get(name, 0) + each * len(points) * math.prod(shape[2:])
        finite = np.isfinite(values)
        each_own = list(values)
        note_values(name, *each_own)
        if np.count_nonzero(finite) != finite.size:
            for own, vectors in zip(each_own, points, strict=True):
                self._non_finite(name, own, vectors, shape[1:])
        return each_own

    def _non_finite(self, name: str, values: Array, vectors: tuple[Array, ...], shape: tuple[int, ...]) -> None:
        """Note which replicates received something else than numbers, and where."""
        self.non_finite |= ~np.isfinite(values).reshape(self.replicates, -1).all(axis=1)
        self._remember(name, values, vectors, shape)

    def _map(self, counted: str, function: Callable[[Array], Array] | None, point: Array) -> Array:
        if function is None:
            return point
        self._counts[counted] += math.prod(point.shape[1:-1]) * self.active
        if self.dry:
            return point
        moved = self._call(counted, function, (point,), None, point.shape)
        return np.where(self.active.reshape(-1, *[1] * (point.ndim - 1)), moved, point)

    def _call(
        self, name: str, function: Callable[..., Any], vectors: tuple[Array, ...], sample: Samples | None,
        shape: tuple[int, ...],
    ) -> Array:  # fmt: skip
        # Read-only memory and a copy: neither a function that works in place nor one that
        # reuses its output can change iterates or earlier values.
        vectors = tuple([_read_only(vector) for vector in vectors])
        sample = None if sample is None else _read_only(sample)
        try:
            values = function(*vectors) if sample is None else function(*vectors, sample)
        except Exception as error:  # a user's function may raise anything
            if not getattr(error, "__notes__", ()):
                error.add_note(
                    f"zoba-bench called {name} of problem {self._name!r} with {_shapes(vectors)}; if it takes one "
                    f"point z (p,), x (d,), {SINGLE_POINTS}"
                )
            raise
        if type(values) is np.ndarray and values.shape == shape and values.dtype == np.float64:
            return values.copy()
        if values is None:
            raise OracleError(f"{name} of problem {self._name!r} returned None: it must return its values")
        try:
            array = real_numbers(values)
        except TypeError as error:
            raise OracleError(f"{name} of problem {self._name!r} returned {error}") from None
        converted = fitted(array, shape, *vectors).astype(np.float64)
        if converted.shape != shape:
            wanted = "value for each point, the last axis reduced"
            if len(shape) == max(vector.ndim for vector in vectors):
                wanted = "vector for each point"
            raise OracleError(
                f"{name} of problem {self._name!r} returned shape {converted.shape} for {_shapes(vectors)}; expected "
                f"{shape}: one {wanted} and every leading axis kept; if it takes one point, {SINGLE_POINTS}"
            )
        return converted


_VALUES = {"nan": "NaN", "inf": "infinity", "-inf": "-infinity"}


def _coordinates(point: Array) -> str:
    shown = ", ".join(f"{value:.6g}" for value in point[:_SHOWN])
    return f"[{shown}{', ...' if point.size > _SHOWN else ''}]"


def _shapes(vectors: tuple[Array, ...]) -> str:
    if len(vectors) == 1:
        return f"a point of shape {vectors[0].shape}"
    return f"z of shape {vectors[0].shape} and x of shape {vectors[1].shape}"


def _leading_shape(vectors: tuple[Array, ...], sample: Samples | None) -> tuple[int, ...]:
    return _lead(None if sample is None else sample.shape, *[vector.shape for vector in vectors])


@functools.lru_cache(maxsize=256)  # an iteration asks for the same few shapes again and again
def _lead(sample: tuple[int, ...] | None, *vectors: tuple[int, ...]) -> tuple[int, ...]:
    return np.broadcast_shapes(*[shape[:-1] for shape in vectors], () if sample is None else sample)


@functools.lru_cache(maxsize=256)
def _alike(*shapes: Any) -> list[list[int]]:
    """Which of them are equal, in the order of the first ones."""
    groups: dict[Any, list[int]] = {}
    for i, shape in enumerate(shapes):
        groups.setdefault(shape, []).append(i)
    return list(groups.values())


def _stack(arrays: Sequence[Array]) -> Array:
    """Arrays of one shape along an axis in front, which has length 1 where all of them are the same one."""
    first = arrays[0]
    for array in arrays:
        if array is not first:
            break
    else:
        return first[None]
    # A new one a call: a function may keep what it is given.
    stacked = np.empty((len(arrays), *first.shape))
    for i, array in enumerate(arrays):
        stacked[i] = array
    return stacked


def _picked(array: NDArray[Any], on: NDArray[np.bool_]) -> NDArray[Any]:
    """The points of a mask over the first axes, over which the array may broadcast."""
    picked: NDArray[Any] = np.broadcast_to(array, (*on.shape, *array.shape[on.ndim :]))[on]
    return picked


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same memory, which cannot be written to: neither there nor through ``base``, which an array's view offers."""
    return np.asarray(memoryview(array).toreadonly())  # type: ignore[arg-type]


class DryOracle(Oracle):
    """Counts what an iteration would evaluate, without evaluating: every value is zero."""

    dry = True
