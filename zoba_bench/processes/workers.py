"""Worker processes: each has one call at a time, so that what happens to it is known to be that call's."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Pipe, wait
from typing import IO, Any

from zoba_bench.processes import guardian
from zoba_bench.processes.failure import ended, timed_out
from zoba_bench.processes.worker import READY

__all__ = ["WorkerError", "Workers", "same_places"]

_LOOK = 0.5  # seconds between two looks at whether the processes are alive
_MODULE = "zoba_bench.processes.worker"


class WorkerError(RuntimeError):
    """Worker processes cannot be started."""


class Workers:
    """A number of worker processes, started when they are needed and replaced when they die.

    Parameters
    ----------
    number : int
        How many.
    timeout : float, optional
        Seconds of wall time that a call may take; one that takes longer is killed.
    memory : int, optional
        Bytes that a call may allocate at once; what does not fit is a MemoryError of that call. Linux alone.

    Notes
    -----
    A worker is a new interpreter that imports this package from the same places. It runs in the same folder and with
    the same environment. What it prints goes to standard error. It never imports the script that started this process.
    """

    def __init__(self, number: int, timeout: float | None = None, memory: int | None = None) -> None:
        self.number, self.timeout, self.memory = number, timeout, memory
        self._workers: list[_Worker] = []
        self._guardian: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End all workers at once, and what they started."""
        if self._guardian is not None:
            guardian.end(self._guardian)
            self._guardian = None
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def run(self, target: str, calls: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """Index of each call and what it returned, or its ``Failure``, as they finish.

        Parameters
        ----------
        target : "module:function"
        calls : iterable of tuple
            Arguments. These and the values returned are pickled.

        Raises
        ------
        WorkerError
            If a worker ends before it can take a call.
        """
        waiting = deque(enumerate(calls))
        try:
            while waiting or any(worker.call is not None for worker in self._workers):
                self._hand_out(target, waiting)
                for worker in self._ready():
                    index, answer = worker.call, self._take(worker)
                    if index is not None and answer is not None:
                        worker.call = None
                        yield index, answer
        finally:
            for worker in [worker for worker in self._workers if worker.call is not None]:
                self._drop(worker)  # its answer would be taken for that of a later call

    def _hand_out(self, target: str, waiting: deque[tuple[int, tuple[Any, ...]]]) -> None:
        """A call for each idle worker; new workers while there are fewer than can be used."""
        for worker in self._workers:
            if waiting and worker.ready and worker.call is None:
                index, arguments = waiting.popleft()
                worker.begin(index, pickle.dumps((target, arguments)), self.timeout)
        starting = sum(not worker.ready for worker in self._workers)
        for _ in range(min(self.number - len(self._workers), len(waiting) - starting)):
            if self._guardian is None or self._guardian.poll() is not None:
                self._guardian = guardian.start()
            self._workers.append(_Worker(self._guardian.pid, self.memory))

    def _ready(self) -> list[_Worker]:
        """Workers that said something, died, or whose time is up."""
        until = min((worker.deadline - time.monotonic() for worker in self._workers), default=_LOOK)
        spoken = wait([worker.connection for worker in self._workers], timeout=max(0.0, min(_LOOK, until)))
        now = time.monotonic()
        return [
            worker
            for worker in self._workers
            if worker.connection in spoken
            or worker.deadline <= now
            or (not spoken and worker.process.poll() is not None)  # what it started may hold its connection open
        ]

    def _take(self, worker: _Worker) -> Any:
        """The answer of a worker, None if it only reported for work."""
        try:
            if worker.connection.poll():
                message = worker.connection.recv_bytes()
            elif worker.process.poll() is None:
                self._drop(worker)
                return timed_out(self.timeout or 0.0)
            else:
                raise EOFError
        except (EOFError, OSError):
            self._workers.remove(worker)
            failure = ended(*worker.end())
            if not worker.ready:
                raise WorkerError(f"a worker process could not start: {failure.message}") from None
            return failure
        worker.deadline = float("inf")
        if not worker.ready:
            worker.ready = message == READY
            return None
        return pickle.loads(message)

    def _drop(self, worker: _Worker) -> None:
        worker.process.kill()
        worker.end()
        self._workers.remove(worker)


def same_places() -> str:
    """Code that makes a new interpreter import from the places that this one does."""
    return f"import sys; sys.path[:] = {[path or os.getcwd() for path in sys.path]!r}"


class _Worker:
    """One process, the call that it works on, and when that must be done."""

    def __init__(self, group: int, memory: int | None) -> None:
        self.connection, theirs = Pipe()
        self._crash: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by end)
        self.ready = False
        self.call: int | None = None
        self.deadline = float("inf")
        fds = (theirs.fileno(), self._crash.fileno())
        code = f"{same_places()}; from {_MODULE} import main; main{(*fds, memory)!r}"
        try:
            self.process = subprocess.Popen(
                [sys.executable, *(f"-W{option}" for option in sys.warnoptions), "-P", "-c", code],
                stdin=subprocess.DEVNULL, stdout=2, pass_fds=fds, process_group=group,
            )  # fmt: skip
        finally:
            theirs.close()

    def begin(self, index: int, message: bytes, timeout: float | None) -> None:
        self.call = index
        if timeout is not None:
            self.deadline = time.monotonic() + timeout
        with contextlib.suppress(OSError):  # it died while it was idle: taking its answer finds out
            self.connection.send_bytes(message)

    def end(self) -> tuple[int | None, str]:
        """Close what belongs to it; its exit code, None if it had to be killed for it, and what faulthandler wrote."""
        self.connection.close()
        try:
            code: int | None = self.process.wait(timeout=_LOOK)
        except subprocess.TimeoutExpired:  # it closed its connection, or is stuck
            self.process.kill()
            self.process.wait()
            code = None
        with self._crash:
            self._crash.seek(0)
            return code, self._crash.read().decode(errors="replace")
