"""Tasks over workers: this process, processes of loky, or what a map-like callable reaches."""

from __future__ import annotations

import functools
import hashlib
import pickle
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.black_box import BlackBox, Finished

__all__ = ["Map", "Points", "Pool", "Task", "split"]


Points = tuple[Array, Array]
Task = tuple[str, Points]  # a level, and points of it
Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


class Pool:
    """Runs tasks of the two functions; a context whose end stops the processes that it started.

    Parameters
    ----------
    boxes : mapping level -> BlackBox
    workers : int, map-like callable, or None
        None and 1 run every task here. Functions travel by value (cloudpickle), so that lambdas and closures do;
        each process unpickles them once.
    """

    def __init__(self, boxes: dict[str, BlackBox], workers: int | Map | None) -> None:
        self._boxes = boxes
        self._map = workers if callable(workers) else None
        self._number = workers if isinstance(workers, int) else 1
        self._executor: Any = None
        self._sent = _Sent(boxes)
        self._seconds: dict[str, float] = {}  # of one task, as last measured

    @property
    def parallel(self) -> bool:
        """Whether tasks run elsewhere."""
        return self._map is not None or self._number > 1

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End the processes at once: what they still compute is not wanted."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True, kill_workers=True)

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Finished]]:
        """Number and outcome of each task, as they finish."""
        if self._map is not None:
            return enumerate(self._map(self._sent, tasks))
        if self._number == 1:
            return enumerate(map(self._sent, tasks))
        return self._in_processes(tasks)

    def _in_processes(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Finished]]:
        from concurrent.futures import as_completed
        from concurrent.futures.process import BrokenProcessPool

        from joblib.externals import loky

        if self._executor is None:
            self._executor = loky.ProcessPoolExecutor(self._number, initializer=_begin, initargs=(self._sent,))
        executor = self._executor
        # A message costs about a millisecond: quick tasks travel together, slow ones alone, to be kept as they finish.
        parts = [part for level in self._slowest_first() for part in self._parts(level, tasks)]
        futures = {executor.submit(_serve, [tasks[i] for i in part]): part for part in parts}
        for future in as_completed(futures):
            part = futures[future]
            level = tasks[part[0]][0]
            try:
                outcomes, seconds = future.result()
                self._seconds[level] = seconds / len(outcomes)
            except BrokenProcessPool as error:
                if self._executor is executor:  # a new one may have been started meanwhile
                    self.stop()
                lost = RuntimeError(f"a worker process died while it evaluated {level}: {error}")
                outcomes = [Finished(error=lost)] * len(part)
            yield from zip(part, outcomes, strict=True)

    def _slowest_first(self) -> list[str]:
        return sorted(self._boxes, key=lambda level: -self._seconds.get(level, 0.0))

    def _parts(self, level: str, tasks: Sequence[Task]) -> Iterator[list[int]]:
        """Numbers of the tasks of a level, by message."""
        own = [i for i, (each, _) in enumerate(tasks) if each == level]
        together = int(_MESSAGE / max(self._seconds.get(level, _MESSAGE), 1e-9))
        size = max(1, min(together, len(own) // (4 * self._number)))
        for start in range(0, len(own), size):
            yield own[start : start + size]


class _Sent:
    """Both functions; they pickle by value, whatever they are, and are unpickled once a process."""

    def __init__(self, boxes: dict[str, BlackBox]) -> None:
        self._boxes = boxes

    def __call__(self, task: Task) -> Finished:
        level, points = task
        return self._boxes[level].finish(points)

    @functools.cached_property
    def _payload(self) -> bytes:
        return _dumps(self._boxes)

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (hashlib.sha256(self._payload).digest(), self._payload)


@functools.lru_cache(maxsize=4)
def _received(digest: bytes, payload: bytes) -> _Sent:
    return _Sent(pickle.loads(payload))


def _dumps(value: Any) -> bytes:
    from joblib.externals.loky.backend.reduction import dumps

    return bytes(dumps(value))


_served: list[_Sent] = []


def _begin(sent: _Sent) -> None:
    """A worker process: Ctrl-C is answered by the process that started it, and BLAS takes one thread."""
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    _served[:] = [sent]


def _serve(tasks: Sequence[Task]) -> tuple[list[Finished], float]:
    """Outcomes of the tasks, and the seconds that they took."""
    start = time.perf_counter()
    return [_carried(_served[0](task)) for task in tasks], time.perf_counter() - start


def _carried(outcome: Finished) -> Finished:
    """The outcome, with an exception that cannot be pickled replaced by one that says what it was."""
    if outcome.error is None:
        return outcome
    outcome.error.add_note("in a worker process:\n" + "".join(traceback.format_exception(outcome.error)).rstrip())
    try:
        pickle.loads(_dumps(outcome.error))
    except Exception:  # what an exception of a user's class does when it is pickled
        return Finished(error=RuntimeError(f"{type(outcome.error).__name__}: {outcome.error}"))
    return outcome


def split(n: int, vectorized: bool, parallel: bool) -> list[slice]:
    """How n points are cut into tasks: by content, so that values do not depend on the number of workers."""
    if not vectorized:
        return [slice(i, i + 1) for i in range(n)]
    size = max(1, -(-n // _TASKS)) if parallel else n
    bounds = np.arange(0, n, size)
    return [slice(int(i), min(int(i) + size, n)) for i in bounds]


_MESSAGE = 0.02  # seconds of work in one message
_TASKS = 32  # of one batch of a vectorised function
