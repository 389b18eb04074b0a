"""Values of the two functions for whole batches of points: spread over workers, recorded, and limited.

``Evaluator`` stands between the oracle, which counts, and the user's functions. ``CountedValues`` is what a
deterministic method sees: stencils in, values out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.minimization.black_box import Finished
from zoba_bench.minimization.checkpoint import Checkpoint, Key
from zoba_bench.minimization.outcome import BudgetExhausted, TimeIsUp
from zoba_bench.minimization.pool import Points, Pool, split
from zoba_bench.oracle import Oracle

__all__ = ["ON_ERROR", "CountedValues", "Evaluator"]


ON_ERROR = ("raise", "retry", "skip")
_TRIES = 3


class Evaluator:
    """F and G for points with any leading axes, one batch a call.

    Parameters
    ----------
    workers : Pool
    vectorized : bool
    on_error : {"raise", "retry", "skip"}
        What an exception of a function does: it is raised; its point is evaluated again, three times in all, before
        it is; or its value is NaN. With "retry" a value that is not finite is asked for again as well.
    checkpoint : Checkpoint or None
    budget : int or None
        Evaluations of both levels, repeated ones included.
    deadline : float or None
        Of ``time.monotonic()``.

    Attributes
    ----------
    finished : dict level -> int
        Evaluations that were made, or taken from the checkpoint. The oracle counts a batch when it is asked for: the
        two differ where a run ends within one.
    repeated : dict level -> int
        Evaluations made once more.
    skipped : list of str
        What was raised where a value became NaN.
    """

    def __init__(
        self,
        workers: Pool,
        *,
        vectorized: bool,
        on_error: str = "raise",
        checkpoint: Checkpoint | None = None,
        budget: int | None = None,
        max_seconds: float | None = None,
    ) -> None:
        self._workers, self._vectorized, self._on_error = workers, vectorized, on_error
        self._checkpoint, self._budget, self._max_seconds = checkpoint, budget, max_seconds
        self._deadline = None if max_seconds is None else time.monotonic() + max_seconds
        self.finished = {"inner": 0, "outer": 0}
        self.repeated = {"inner": 0, "outer": 0}
        self.skipped: list[str] = []
        self._pending = 0  # points of the batch that have not been evaluated

    @property
    def spent(self) -> int:
        """Evaluations of both levels, repeated ones included."""
        return sum(self.finished.values()) + sum(self.repeated.values())

    def inner(self, z: Array, x: Array) -> Array:
        """G at z (..., p), x (..., d), shape (...)."""
        return self._values("inner", z, x)

    def outer(self, z: Array, x: Array) -> Array:
        """F at z (..., p), x (..., d), shape (...)."""
        return self._values("outer", z, x)

    def _values(self, level: str, z: Array, x: Array) -> Array:
        shape = np.broadcast_shapes(z.shape[:-1], x.shape[:-1])
        Z = np.ascontiguousarray(np.broadcast_to(z, (*shape, z.shape[-1])).reshape(-1, z.shape[-1]))
        X = np.ascontiguousarray(np.broadcast_to(x, (*shape, x.shape[-1])).reshape(-1, x.shape[-1]))
        self._allow(len(Z))
        values = np.empty(len(Z))
        tasks = split(len(Z), self._vectorized, self._workers.parallel)
        keys = [] if self._checkpoint is None else self._checkpoint.keys(level, Z, X)
        if self._checkpoint is not None:
            tasks = [task for task in tasks if not self._take(level, keys[task], values[task])]
        failed: Exception | None = None
        self._pending = sum(len(Z[task]) for task in tasks)
        for task, outcome in self._run(level, [(Z[task], X[task]) for task in tasks], tasks):
            self.finished[level] += len(Z[task])
            self._pending -= len(Z[task])
            outcome = self._settled(level, (Z[task], X[task]), outcome)
            if outcome.values is None:  # the other points of the batch are finished, and recorded, before it is raised
                failed = failed or outcome.error
                if not self._workers.parallel:
                    break
                continue
            values[task] = outcome.values
            if self._checkpoint is not None:
                self._checkpoint.record(zip(keys[task], Z[task], X[task], map(float, outcome.values), strict=True))
        if failed is not None:
            raise failed
        return values.reshape(shape)

    def _run(self, level: str, points: list[Points], tasks: list[slice]) -> Iterator[tuple[slice, Finished]]:
        self._on_time()
        for number, outcome in self._workers.run(level, points):
            yield tasks[number], outcome
            if number < len(tasks) - 1:
                self._on_time()

    def _take(self, level: str, keys: list[Key], values: NDArray[np.float64]) -> bool:
        """Fill in a task's values from the checkpoint where it has all of them."""
        assert self._checkpoint is not None
        found = [self._checkpoint.value(key) for key in keys]
        if any(value is None for value in found):
            return False
        values[:] = found
        self._checkpoint.found += len(found)
        self.finished[level] += len(found)
        return True

    def _settled(self, level: str, points: Points, outcome: Finished) -> Finished:
        """The outcome after what ``on_error`` asks for."""
        if self._on_error == "retry":
            for _ in range(_TRIES - 1):
                if outcome.values is not None and np.isfinite(outcome.values).all():
                    return outcome
                self._allow(len(points[0]), self._pending)
                self.repeated[level] += len(points[0])
                ((_, again),) = self._workers.run(level, [points])
                outcome = again if again.values is not None or outcome.values is None else outcome
        if self._on_error == "skip" and outcome.values is None:
            self.skipped.append(f"{type(outcome.error).__name__}: {outcome.error}")
            return Finished(np.full(len(points[0]), np.nan))
        return outcome

    def _allow(self, cost: int, promised: int = 0) -> None:
        """Raise where the budget does not cover the cost beside what was promised to the rest of the batch."""
        if self._budget is not None and self.spent + promised + cost > self._budget:
            raise BudgetExhausted(cost, self._budget - self.spent - promised)

    def _on_time(self) -> None:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            assert self._max_seconds is not None
            raise TimeIsUp(self._max_seconds)


class CountedValues:
    """F and G at whole stencils, every value counted by an oracle of one replicate.

    A stencil that does not fit into the budget is not begun: ``BudgetExhausted`` is raised.
    """

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle

    def inner(self, Z: Array, X: Array) -> Array:
        """G at Z (n, p), X (n, d), shape (n,)."""
        values: Array = self.oracle.inner(Z[None], X[None])[0]
        return values

    def outer(self, Z: Array, X: Array) -> Array:
        """F at Z (n, p), X (n, d), shape (n,)."""
        values: Array = self.oracle.outer(Z[None], X[None])[0]
        return values
