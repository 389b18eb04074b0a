"""Types of arrays, and the few array operations that every problem's hot path is made of.

Solvers call the objectives hundreds of thousands of times with z of shape (R, b, l, p) and x of
shape (R, 1, 1, d) or (R, b, l, d). Each helper is the fastest of the forms that were timed there
(p in 5, 20, 100; l = 100; R in 1, 16; one BLAS thread): ``np.vecdot`` is 2 to 5 times faster than a product
followed by ``sum(-1)``, and on rows of at most 12 entries a product with ones is twice as fast again.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ones  # by name, so that what puts another numpy in its place does not end up in the cache below
from numpy.typing import NDArray

__all__ = [
    "Array",
    "Index",
    "Samples",
    "Vector",
    "blockwise",
    "covariance",
    "dot",
    "fitted",
    "frozen",
    "linear_map",
    "log_sum_exp",
    "quadratic_form",
    "row_sum",
    "softmax",
    "spread",
    "spread_vectors",
    "square_norm",
]

#: Points, values and derivatives; samples drawn by an oracle; any integers.
Array = NDArray[np.float64]
Samples = NDArray[np.int64]
Index = NDArray[np.integer]

#: What users write for a vector; a type whose name stays short in signatures.
Vector = Sequence[float] | np.ndarray

# Entries of z or x that an objective takes at once (half a megabyte).
_BLOCK = 2**16
# Rows up to this length: a product with ones takes half the time of ``np.vecdot``.
_SHORT = 12


def blockwise(objective: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    """An objective of (z, x) that evaluates large arguments in blocks along the leading axis.

    Temporaries then stay in cache and in the allocator's reach: two of a megabyte each were measured to
    double the time. A block holds about ``_BLOCK`` entries, or one leading index where that has more; the
    split depends on the shapes alone.
    """

    def evaluate(z: Array, x: Array, sample: None = None) -> Array:
        size = max(z.size, x.size)
        if size <= _BLOCK or z.ndim != x.ndim or z.ndim < 3:
            return objective(z, x)
        values: Array = np.empty(np.broadcast_shapes(z.shape[:-1], x.shape[:-1]))
        step = max(1, _BLOCK * len(values) // size)
        for i in range(0, len(values), step):
            block = slice(i, i + step)
            values[block] = objective(z[block] if len(z) > 1 else z, x[block] if len(x) > 1 else x)
        return values

    return evaluate


def linear_map(x: Array, transposed: Array) -> Array:
    """M x over the last axis, given M' of shape (n_in, n_out), C-contiguous.

    ``matmul`` runs one product per stacked matrix. Where those are single rows (x of shape (R, 1, 1, d)),
    folding the leading axes into one 2-D product is up to 10 times faster; elsewhere it is not. Of five axes the first
    one counts arrays that are stacked in one call, each of which is a product with the bits that it has alone.
    """
    if x.ndim > 2 and x.shape[-2] == 1:
        if x.ndim > 4:
            stacked: Array = x.reshape(len(x), -1, x.shape[-1]) @ transposed
            return stacked.reshape(*x.shape[:-1], transposed.shape[1])
        folded: Array = x.reshape(-1, x.shape[-1]) @ transposed
        return folded.reshape(*x.shape[:-1], transposed.shape[1])
    mapped: Array = x @ transposed
    return mapped


def dot(r: Array, s: Array) -> Array:
    """Inner products over the last axis; the leading axes broadcast."""
    if r.shape[-1] <= _SHORT:
        return row_sum(r * s)
    products: Array = np.vecdot(r, s)
    return products


def quadratic_form(r: Array, matrix: Array) -> Array:
    """r' A r over the last axis, for a symmetric A."""
    return dot(linear_map(r, matrix), r)


def square_norm(r: Array) -> Array:
    """|r|^2 over the last axis."""
    return dot(r, r)


def row_sum(values: Array) -> Array:
    """Sum over the last axis."""
    total: Array = values @ _ones(values.shape[-1])
    return total


@functools.lru_cache(maxsize=64)
def _ones(size: int) -> Array:
    values = ones(size)
    values.setflags(write=False)
    return values


def softmax(z: Array) -> Array:
    """e^(z_i) / sum e^(z_j) over the last axis, without overflow."""
    values: Array = z - z.max(axis=-1, keepdims=True)
    values = np.exp(values, out=values)
    values /= row_sum(values)[..., None]
    return values


def log_sum_exp(z: Array) -> Array:
    """log sum e^(z_i) over the last axis, whose derivative is ``softmax``."""
    highest = z.max(axis=-1)
    values = z - highest[..., None]
    values = np.exp(values, out=values)
    total: Array = np.log(row_sum(values)) + highest
    return total


def covariance(q: Array, w: Array) -> Array:
    """(diag q - qq') w over the last axis: the derivative of softmax along w, where it is q."""
    found: Array = q * (w - dot(q, w)[..., None])
    return found


def spread(values: Array, *others: Array) -> Array:
    """Values (...) broadcast against the leading axes of z and x, for a function that ignores one of them."""
    shape = np.shape(values)
    for other in others:
        lead = other.shape[:-1]
        # The usual case, x with leading axes of length 1 or those of z, costs less than broadcast_shapes.
        if lead != shape and (
            len(lead) > len(shape) or any(n not in (1, m) for n, m in zip(lead[::-1], shape[::-1], strict=False))
        ):
            return np.broadcast_to(values, np.broadcast_shapes(shape, *(o.shape[:-1] for o in others))).copy()
    return values


def spread_vectors(vectors: Array, *others: Array) -> Array:
    """Vectors (..., n) broadcast against the leading axes of z, x and other vectors."""
    lead = np.broadcast_shapes(vectors.shape[:-1], *(other.shape[:-1] for other in others))
    if lead == vectors.shape[:-1]:
        return vectors
    return np.broadcast_to(vectors, (*lead, vectors.shape[-1])).copy()


def fitted(values: NDArray[Any], shape: tuple[int, ...], *vectors: Array) -> NDArray[Any]:
    """A function's values in the shape that was asked for, where the function left out some of its arguments.

    Parameters
    ----------
    values : array
        What the function returned.
    shape : tuple of int
        The broadcast leading axes of the arguments, and for vectors their length.
    *vectors : arrays (..., n)
        The arguments.

    Returns
    -------
    array
        ``values``, broadcast where they have the leading axes of some of the arguments alone. Anything else is
        returned as it is: one number for many points is a sum over all of them more often than a constant.
    """
    if values.shape == shape:
        return values
    tail = shape[max(vector.ndim for vector in vectors) - 1 :]
    leads = [vector.shape[:-1] for vector in vectors]
    kept = values.shape[: values.ndim - len(tail)]
    if kept in leads and values.shape[len(kept) :] == tail:
        return np.broadcast_to(values, shape)
    return values.reshape(shape) if values.ndim == 0 and math.prod(shape) == 1 else values


def frozen(array: Array) -> Array:
    """A read-only copy."""
    copy = array.copy()
    copy.setflags(write=False)
    return copy
