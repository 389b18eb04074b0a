"""Values of the two functions for whole batches of points: spread over workers, recorded, and limited.

``Evaluator`` stands between the oracle, which counts, and the user's functions. ``CountedValues`` is what a
deterministic method sees: stencils in, values out.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.minimization.black_box import Finished
from zoba_bench.minimization.checkpoint import Checkpoint, Key
from zoba_bench.minimization.outcome import BudgetExhausted, TimeIsUp
from zoba_bench.minimization.pool import Points, Pool, Task, split
from zoba_bench.oracle import Oracle

__all__ = ["ON_ERROR", "CountedValues", "Evaluator"]


ON_ERROR = ("raise", "retry", "skip")
_TRIES = 3


class Evaluator:
    """F and G for points with any leading axes, one batch a call, or batches of both at once.

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
    max_seconds : float or None
        No evaluation is begun later than that.

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
        self._ready: list[tuple[Task, Array]] = []  # batches that were evaluated before they were asked for
        self._asked: list[Task] | None = None  # what is asked for while nothing is evaluated
        self._varied = False
        self.mean = {"inner": np.nan, "outer": np.nan}  # of the batch that was handed out last

    @property
    def spent(self) -> int:
        """Evaluations of both levels, repeated ones included."""
        return sum(self.finished.values()) + sum(self.repeated.values())

    @property
    def parallel(self) -> bool:
        """Whether more than one point is evaluated at a time."""
        return self._workers.parallel

    def inner(self, z: Array, x: Array) -> Array:
        """G at z (..., p), x (..., d), shape (...)."""
        return self._values("inner", z, x)

    def outer(self, z: Array, x: Array) -> Array:
        """F at z (..., p), x (..., d), shape (...)."""
        return self._values("outer", z, x)

    @contextlib.contextmanager
    def asked(self, *, varied: bool = False) -> Iterator[list[Task]]:
        """What is asked for inside, in rows: nothing is evaluated, all values are zero, or differ if ``varied``."""
        self._asked, self._varied = [], varied
        try:
            yield self._asked
        finally:
            self._asked = None

    def ahead(self, batches: Sequence[Task]) -> None:
        """Evaluate batches of both levels at once; each is handed out when it is asked for."""
        self._ready = list(zip(batches, self._evaluate(batches), strict=True))

    @property
    def all_taken(self) -> bool:
        """Whether everything that was evaluated ahead has been asked for."""
        return not self._ready

    def _values(self, level: str, z: Array, x: Array) -> Array:
        shape = np.broadcast_shapes(z.shape[:-1], x.shape[:-1])
        Z = np.ascontiguousarray(np.broadcast_to(z, (*shape, z.shape[-1])).reshape(-1, z.shape[-1]))
        X = np.ascontiguousarray(np.broadcast_to(x, (*shape, x.shape[-1])).reshape(-1, x.shape[-1]))
        if self._asked is not None:
            self._asked.append((level, (Z, X)))
            # Other ones in each batch: of values that are all the same, differences vanish.
            made_up = np.cos(17.0 * len(self._asked) + np.arange(len(Z))) if self._varied else np.zeros(len(Z))
            return made_up.reshape(shape)
        for i, ((ready, (Z_ready, X_ready)), _) in enumerate(self._ready):
            if ready == level and np.array_equal(Z, Z_ready) and np.array_equal(X, X_ready):
                values = self._ready.pop(i)[1]
                break
        else:
            values = self._evaluate([(level, (Z, X))])[0]
        self.mean[level] = float(np.mean(values)) if len(values) else np.nan
        return values.reshape(shape)

    def _evaluate(self, batches: Sequence[Task]) -> list[Array]:
        """Values (n,) of each batch."""
        self._allow(sum(len(Z) for _, (Z, _) in batches))
        found = [np.empty(len(Z)) for _, (Z, _) in batches]
        tasks: list[tuple[int, slice]] = []
        keys: list[list[Key]] = []
        for number, (level, (Z, X)) in enumerate(batches):
            parts = split(len(Z), self._vectorized, self._workers.parallel)
            keys.append([] if self._checkpoint is None else self._checkpoint.keys(level, Z, X))
            if self._checkpoint is not None:
                parts = [part for part in parts if not self._take(level, keys[number][part], found[number][part])]
            tasks += [(number, part) for part in parts]
        failed: Exception | None = None
        self._pending = sum(len(batches[number][1][0][part]) for number, part in tasks)
        for (number, part), task, outcome in self._run(batches, tasks):
            level, (Z, X) = task
            self.finished[level] += len(Z)
            self._pending -= len(Z)
            outcome = self._settled(task, outcome)
            if outcome.values is None:  # the other points of the batch are finished, and recorded, before it is raised
                failed = failed or outcome.error
                if not self._workers.parallel:
                    break
                continue
            found[number][part] = outcome.values
            if self._checkpoint is not None:
                self._checkpoint.record(zip(keys[number][part], Z, X, map(float, outcome.values), strict=True))
        if failed is not None:
            raise failed
        return found

    def _run(
        self, batches: Sequence[Task], tasks: Sequence[tuple[int, slice]]
    ) -> Iterator[tuple[tuple[int, slice], Task, Finished]]:
        made: list[Task] = []
        for number, part in tasks:
            level, (Z, X) = batches[number]
            made.append((level, (Z[part], X[part])))
        self._on_time()
        for number, outcome in self._workers.run(made):
            yield tasks[number], made[number], outcome
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

    def _settled(self, task: Task, outcome: Finished) -> Finished:
        """The outcome after what ``on_error`` asks for."""
        level, (Z, _) = task
        if self._on_error == "retry":
            for _ in range(_TRIES - 1):
                if outcome.values is not None and np.isfinite(outcome.values).all():
                    return outcome
                self._allow(len(Z), self._pending)
                self.repeated[level] += len(Z)
                ((_, again),) = self._workers.run([task])
                outcome = again if again.values is not None or outcome.values is None else outcome
        if self._on_error == "skip" and outcome.values is None:
            self.skipped.append(f"{type(outcome.error).__name__}: {outcome.error}")
            return Finished(np.full(len(Z), np.nan))
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

    def __init__(self, oracle: Oracle, evaluator: Evaluator) -> None:
        self.oracle, self.evaluator = oracle, evaluator

    def inner(self, Z: Array, X: Array) -> Array:
        """G at Z (n, p), X (n, d), shape (n,)."""
        values: Array = self.oracle.inner(Z[None], X[None])[0]
        return values

    def outer(self, Z: Array, X: Array) -> Array:
        """F at Z (n, p), X (n, d), shape (n,)."""
        values: Array = self.oracle.outer(Z[None], X[None])[0]
        return values

    def both(self, outer: Points, inner: Points) -> tuple[Array, Array]:
        """F at the first points and G at the second ones, all of them evaluated at once."""
        batches: list[Task] = [(level, each) for level, each in (("outer", outer), ("inner", inner)) if len(each[0])]
        if len(batches) == 2:
            self.evaluator.ahead(batches)
        return (
            self.outer(*outer) if len(outer[0]) else np.empty(0),
            self.inner(*inner) if len(inner[0]) else np.empty(0),
        )
