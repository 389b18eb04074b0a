"""A benchmark's functions of rows as values of many points, with every row counted."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array, Samples
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem

__all__ = ["BatchOracle", "Level", "is_jax"]

#: Rows that jax works on at once; points of more rows are taken one after the other.
_AT_ONCE = 2**18


def is_jax(array: Any) -> bool:
    """Whether an array is one of jax."""
    return type(array).__module__.partition(".")[0] in ("jax", "jaxlib")


class Level:
    """F or G of a benchmark at many points: f(inner_var, outer_var, start, batch_size), the mean over rows from start.

    The benchmark's batches are contiguous and stay what they are: batch i has the rows i b ... i b + b - 1. The last
    one begins at n - b where b does not divide n, and shares rows with the one before it, as the benchmark has it; the
    mean over batches is then not quite that over rows.

    Parameters
    ----------
    function : callable
    rows : int
        n, rows of the level.
    batch : int or None
        b, rows of a batch; None, or no fewer than n, for all rows at once: exact values.
    z_shape, x_shape : tuple of int
        Shapes of inner_var and outer_var.
    jax : bool
        Whether the function is one of jax, and is mapped over the points; else it is called for each.

    Attributes
    ----------
    samples : int or None
        Batches, of which each is one sample; None for exact values.
    rows_read : int
        Rows times points so far.
    """

    def __init__(
        self, function: Callable[..., Any], rows: int, batch: int | None, z_shape: tuple[int, ...],
        x_shape: tuple[int, ...], jax: bool,
    ) -> None:  # fmt: skip
        self.function, self.rows, self.batch = function, rows, batch if batch is not None and batch < rows else None
        self.shapes = z_shape, x_shape
        self.samples = None if self.batch is None else -(-rows // self.batch)
        self.rows_read = 0
        self._jax = jax
        self._mapped: dict[tuple[int, bool], Callable[..., Any]] = {}

    def __call__(self, z: Array, x: Array, sample: Samples | None = None) -> Array:
        """Values (...) at z (..., p), x (..., d); ``sample`` are batches that broadcast with the leading axes."""
        drawn = () if sample is None else np.shape(sample)
        lead = np.broadcast_shapes(z.shape[:-1], x.shape[:-1], drawn)
        Z, X = (np.broadcast_to(a, (*lead, a.shape[-1])).reshape(-1, a.shape[-1]) for a in (z, x))
        if sample is None or self.batch is None:
            starts, size = np.zeros(len(Z), dtype=np.int64), self.rows
        else:
            starts = np.minimum(np.broadcast_to(sample, lead).reshape(-1) * self.batch, self.rows - self.batch)
            size = self.batch
        self.rows_read += len(Z) * size
        values = self._in_jax(Z, X, starts, size) if self._jax else self._one_by_one(Z, X, starts, size)
        return values.reshape(lead)

    def dtype(self, z: Array, x: Array) -> np.dtype[Any]:
        """The type of the function's own values, by one row at one point that is not counted."""
        found = self.function(z.reshape(self.shapes[0]), x.reshape(self.shapes[1]), start=0, batch_size=1)
        dtype = np.asarray(found).dtype
        if dtype.kind == "V":  # bfloat16, which numpy does not know
            return np.dtype(np.float16)
        return dtype if dtype.kind == "f" else np.dtype(np.float64)  # whole numbers are exact

    def _one_by_one(self, Z: Array, X: Array, starts: Samples, size: int) -> Array:
        z_shape, x_shape = self.shapes
        found = [
            float(self.function(z.reshape(z_shape), x.reshape(x_shape), start=int(start), batch_size=size))
            for z, x, start in zip(Z, X, starts, strict=True)
        ]
        return np.array(found)

    def _in_jax(self, Z: Array, X: Array, starts: Samples, size: int) -> Array:
        at_once = len(Z) * size <= _AT_ONCE
        key = (size, at_once)
        if key not in self._mapped:
            self._mapped[key] = self._map(size, at_once)
        # The conversion waits for the values: the benchmark's clock would stop before the work is done otherwise.
        return np.asarray(self._mapped[key](Z, X, starts), dtype=np.float64)

    def _map(self, size: int, at_once: bool) -> Callable[..., Any]:
        jax: Any = importlib.import_module("jax")
        z_shape, x_shape = self.shapes

        def value(z: Any, x: Any, start: Any) -> Any:
            return self.function(z.reshape(z_shape), x.reshape(x_shape), start=start, batch_size=size)

        mapped: Callable[..., Any] = jax.jit(
            jax.vmap(value) if at_once else lambda *points: jax.lax.map(lambda point: value(*point), points)
        )
        return mapped


class BatchOracle(Oracle):
    """An oracle whose batches are drawn independently, or pass by pass.

    Parameters
    ----------
    order : {"independent", "passes"}
        "independent": uniform, with replacement, as theory has it. "passes": every batch once, in an order that is
        drawn anew for each pass, as the benchmark's solvers mean to (theirs draw the last batch of a pass twice, and
        do not shuffle the first pass).
    """

    def __init__(self, problem: BilevelProblem, order: Literal["independent", "passes"]) -> None:
        super().__init__(problem, 1)
        self._in_passes = order == "passes"
        self._left: dict[str, NDArray[np.int64]] = {level: np.empty(0, dtype=np.int64) for level in ("inner", "outer")}

    def draw_inner(self, rng: np.random.Generator, batch: int) -> Samples | None:
        """Batches of G, shape (1, batch, 1)."""
        return self._batches("inner", rng, batch, self.inner_samples)

    def draw_outer(self, rng: np.random.Generator, batch: int) -> Samples | None:
        """Batches of F, shape (1, batch, 1)."""
        return self._batches("outer", rng, batch, self.outer_samples)

    def _batches(self, level: str, rng: np.random.Generator, batch: int, size: int | None) -> Samples | None:
        if size is None:
            return None
        if not self._in_passes:
            return rng.integers(size, size=(1, batch, 1))
        while len(self._left[level]) < batch:
            self._left[level] = np.concatenate([self._left[level], rng.permutation(size)])
        taken, self._left[level] = self._left[level][:batch], self._left[level][batch:]
        return taken.reshape(1, batch, 1)
