"""Measurement of a run: stationarity, gap and distance from the closed forms, outside the counter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem
from zoba_bench.validation import is_integer

__all__ = ["Recorder"]


_BLOCK = 64  # iterates measured together, so that closed forms cost few large operations


class Recorder:
    """Collects iterates in blocks and evaluates closed forms on whole blocks.

    The running mean covers every iterate; the history every ``record_every``-th one and
    the last.
    """

    def __init__(self, problem: BilevelProblem, record_every: int | None, replicates: int) -> None:
        if record_every is not None and (not is_integer(record_every) or record_every < 1):
            raise ValueError(f"record_every must be a positive integer or None, got {record_every!r}")
        if record_every is not None:
            _check_closed_forms(problem)
        self._problem = problem
        self._every = record_every
        self._gradient = None if record_every is None else problem.hypergradient
        self._block = np.empty((0 if record_every is None else _BLOCK, replicates, problem.d))
        self._mask = np.empty((_BLOCK, replicates), dtype=bool)
        self._first = 0
        self._filled = 0
        self._sum = np.zeros(replicates)
        self._rows: dict[str, list[Any]] = {"iteration": []}

    def record(self, k: int, x: Array, active: NDArray[np.bool_]) -> None:
        """Take the iterate x_k (R, d) of the active replicates."""
        if self._every is None:
            return
        self._block[self._filled] = x
        self._mask[self._filled] = active
        self._filled += 1
        if self._filled == _BLOCK:
            self._flush()
            self._first = k + 1

    def record_path(self, k: int, path: Array) -> None:
        """Take the iterates x_k, x_(k+1), ..., an array (n, R, d), of replicates that are all active."""
        if self._every is None:
            return
        while len(path):
            taken = path[: _BLOCK - self._filled]
            block = slice(self._filled, self._filled + len(taken))
            self._block[block], self._mask[block] = taken, True
            self._filled, k, path = block.stop, k + len(taken), path[len(taken) :]
            if self._filled == _BLOCK:
                self._flush()
                self._first = k

    def finish(self, k: int, x: Array, nit: NDArray[np.int64]) -> tuple[dict[str, NDArray[Any]], Array | None]:
        """The history, with the final iterate as its last row, and the mean stationarity."""
        if self._every is None:
            return {}, None
        self._flush()
        self._append(np.array([k]), x[None], self._stationarity(x[None]))
        mean = None if self._gradient is None else self._sum / np.maximum(nit, 1)
        return {name: np.concatenate(rows) for name, rows in self._rows.items()}, mean

    def _stationarity(self, x: Array) -> Array | None:
        if self._gradient is None:
            return None
        gradient = self._gradient(x)
        square: Array = np.vecdot(gradient, gradient)
        return square

    def _flush(self) -> None:
        if self._every is None or not self._filled:
            return
        x, mask = self._block[: self._filled], self._mask[: self._filled]
        stationarity = self._stationarity(x)
        if stationarity is not None:
            self._sum += np.where(mask, stationarity, 0.0).sum(axis=0)
        k = np.arange(self._first, self._first + self._filled)
        rows = k % self._every == 0
        if rows.any():
            self._append(k[rows], x[rows].copy(), None if stationarity is None else stationarity[rows])
        self._filled = 0

    def _append(self, k: NDArray[np.int64], x: Array, stationarity: Array | None) -> None:
        self._rows["iteration"].append(k)
        if stationarity is not None:
            self._rows.setdefault("stationarity", []).append(stationarity)
        if self._problem.value is not None and self._problem.minimum is not None:
            gap = self._problem.value(x) - self._problem.minimum
            self._rows.setdefault("gap", []).append(gap)
        if self._problem.minimizer is not None:
            difference = x - self._problem.minimizer
            self._rows.setdefault("distance", []).append(np.sqrt(np.vecdot(difference, difference)))


def _check_closed_forms(problem: BilevelProblem) -> None:
    """Raise an error for a closed form of the wrong shape, before it can be broadcast into a measurement."""
    x = np.zeros((2, problem.d))
    for name, wanted in (("hypergradient", (2, problem.d)), ("value", (2,))):
        function = getattr(problem, name)
        if function is not None and (shape := np.shape(function(x))) != wanted:
            raise ValueError(
                f"{name} of problem {problem.name!r} returned shape {shape} for x of shape {x.shape}, expected {wanted}"
            )
    if problem.minimizer is not None and np.shape(problem.minimizer) != (problem.d,):
        raise ValueError(
            f"minimizer of problem {problem.name!r} has shape {np.shape(problem.minimizer)}, expected ({problem.d},)"
        )
