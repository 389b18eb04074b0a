"""The driver's side: calls go to a Dask cluster a few at a time, answers come back as they are ready."""

from __future__ import annotations

import contextlib
import itertools
import pickle
import queue
import re
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from zoba_bench.cluster import serving
from zoba_bench.cluster.local import LocalProcesses
from zoba_bench.processes import Failure, WorkerError

__all__ = ["Cluster", "ClusterWarning"]

_PATIENCE = 60.0  # seconds for the scheduler to answer, and without a worker until that is said
_ARRIVAL = 300.0  # seconds for a first worker
_LOOK = 2.0  # seconds between two looks at the cluster
_AHEAD = 8  # calls a thread that the scheduler knows, so that none waits for the driver
_LOCAL = re.compile(r"local:([1-9][0-9]*)")
_KILLED = "KilledWorker"
_LOST = object()  # instead of the answer to a call
_ADDRESS = re.compile(r"(?!local)([a-z]+://.+|.+\.json|[^:]+:[0-9]+)")


class _Sent(NamedTuple):
    """A call on the cluster; ``alone`` says that no other one was running when it was sent."""

    call: int
    message: bytes
    alone: bool
    future: Any


class ClusterWarning(UserWarning):
    """A cluster has no workers at the moment."""


class Cluster:
    """Workers of a Dask cluster; the interface is that of :class:`zoba_bench.processes.Workers`.

    Parameters
    ----------
    address : str
        Of a running scheduler, as in "tcp://10.0.0.1:8786", or of its file, "/shared/scheduler.json"; "local:N" starts
        a cluster of N processes on this machine.
    timeout : float, optional
        Seconds of wall time that a call may take once it runs.
    memory : int, optional
        Bytes that a call may allocate at once.

    Notes
    -----
    Every thread of a worker runs one call at a time in a process of its own, so that a call that crashes is known by
    name and takes nothing along. A call whose worker dies is run again on another one. Those on whose account more
    workers died than Dask's ``distributed.scheduler.allowed-failures`` says (3) are run again at the end, one at a
    time, since Dask suspects all calls of a worker that dies; one that fails again counts as failed. Workers may come
    and go.

    Each process compares its code with that of this one before a call, by the fingerprint of all sources, versions and
    the BLAS kernel: what runs elsewhere has the same bits, or does not run.
    """

    def __init__(self, address: str, timeout: float | None = None, memory: int | None = None) -> None:
        self.address, self.timeout, self.memory = address, timeout, memory
        local = _LOCAL.fullmatch(address)
        self._wanted = int(local[1]) if local else None
        if local is None and not _ADDRESS.fullmatch(address):
            raise ValueError(
                f"dask must be the address of a scheduler, as in 'tcp://10.0.0.1:8786', its scheduler file, or "
                f"'local:N' with a number of processes, got {address!r}"
            )
        self._processes: LocalProcesses | None = None
        self._client: Any = None
        self._threads = 0
        self._looked = float("-inf")
        self._lonely = float("inf")

    def __enter__(self) -> Cluster:
        self._connect()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def number(self) -> int:
        """Threads of all workers, as last seen; at least 1."""
        return max(1, self._threads)

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        client, self._client = self._client, None
        processes, self._processes = self._processes, None
        try:
            if client is not None:
                if processes is None and client.status == "running":
                    client.run(serving.close, on_error="ignore", wait=False)
                client.close(timeout=1)
        finally:
            if processes is not None:
                processes.close()

    def run(self, target: str, calls: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """Index of each call and what it returned, or its ``Failure``; see :meth:`zoba_bench.processes.Workers.run`.

        Raises
        ------
        WorkerError
            If the cluster is lost, or a worker runs other code.
        """
        self._connect()
        code = serving.about()["code"]
        waiting = enumerate(calls)
        running: dict[str, _Sent] = {}
        suspects: deque[_Sent] = deque()
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def send(index: int, message: bytes, alone: bool = False) -> None:
            future = self._client.submit(serving.serve, message, self.timeout, self.memory, pure=False)
            running[future.key] = _Sent(index, message, alone, future)
            future.add_done_callback(done.put)

        try:
            while True:
                self._look()
                for index, arguments in itertools.islice(waiting, max(0, _AHEAD * self.number - len(running))):
                    send(index, pickle.dumps((code, target, pickle.dumps(arguments))))
                if not running and suspects:
                    send(suspects[0].call, suspects.popleft().message, alone=True)
                if not running:
                    return
                for future, answer in self._answers(_those_in(done)):
                    sent = running.pop(future.key)
                    if not sent.alone and (answer is _LOST or _killed(answer)):
                        suspects.append(sent)
                    elif answer is _LOST:
                        raise self._error("lost a call twice")
                    else:
                        yield sent.call, answer
        finally:
            if running and self._client is not None and self._client.status == "running":
                with contextlib.suppress(OSError, TimeoutError):  # it went just now, and takes them along
                    self._client.cancel([sent.future for sent in running.values()], asynchronous=False)

    def _answers(self, finished: list[Any]) -> Iterator[tuple[Any, Any]]:
        """Futures with what came of them."""
        good = [future for future in finished if future.status == "finished"]
        try:
            values = dict(zip([f.key for f in good], self._client.gather(good), strict=True))
        except (OSError, TimeoutError) as error:  # after the patience of the client
            raise self._error("is gone") from error
        for future in finished:
            answer = values[future.key] if future.key in values else self._failure(future)
            if isinstance(answer, serving.OtherCode):
                raise WorkerError(_difference("a process of a worker", answer.about))
            yield future, answer

    def _failure(self, future: Any) -> Any:
        from distributed import KilledWorker

        if future.status != "error":  # its worker died after it had finished, for example
            if self._client.status != "running":
                raise self._error("is gone")
            return _LOST
        error = future.exception()
        if isinstance(error, KilledWorker):
            times = error.allowed_failures + 1
            return Failure(
                "killed", _KILLED, f"{times} workers died while they ran it, the last one at "
                f"{error.last_worker.address}", "",
            )  # fmt: skip
        raise WorkerError(f"a worker of the Dask cluster at {self.address} failed: {type(error).__name__}: {error}")

    def _error(self, what: str) -> WorkerError:
        return WorkerError(f"the Dask cluster at {self.address} {what}; finished cells are kept: start again")

    def _connect(self) -> None:
        if self._client is not None:
            return
        try:
            from distributed import Client
        except ImportError as error:
            raise WorkerError("--dask needs the extra dask: pip install 'zoba-bench[dask]'") from error
        try:
            address = self.address
            if self._wanted is not None:
                self._processes = LocalProcesses(self._wanted)
                address = self._processes.address
            where = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
            try:
                self._client = Client(**where, timeout=_PATIENCE, set_as_default=False)
                self._client.wait_for_workers(self._wanted or 1, timeout=_ARRIVAL)
            except (OSError, TimeoutError) as error:
                what = "no worker joined" if self._client is not None else "there is no answer from"
                raise WorkerError(f"{what} the Dask cluster at {self.address}: {error}") from error
            self._check_code()
            self._look()
        except BaseException:
            self.close()
            raise

    def _check_code(self) -> None:
        """Refuse a cluster with a worker that runs other code, before any cell runs."""
        try:
            found = self._client.run(serving.about, on_error="return")
        except Exception as error:  # whatever cannot be imported there
            found = {"of the cluster": error}
        code = serving.about()["code"]
        for worker, what in found.items():
            if isinstance(what, Exception):
                raise WorkerError(
                    f"worker {worker} cannot run this package: {type(what).__name__}: {what}; install the same version "
                    "there, with its dependencies, and start the worker again"
                ) from what
            if what["code"] != code:
                raise WorkerError(_difference(f"worker {worker}", what))

    def _look(self) -> None:
        """Every now and then, how many threads there are; an error if the scheduler is gone."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        if self._client.status not in ("running", "connecting"):
            raise self._error("is gone")
        try:
            self._threads = sum(self._client.nthreads().values()) if self._client.status == "running" else 0
        except (OSError, TimeoutError):
            self._threads = 0
        if self._threads:
            self._lonely = float("inf")
        elif self._lonely == float("inf"):
            self._lonely = now
        elif now - self._lonely > _PATIENCE:
            self._lonely = now
            warnings.warn(f"the Dask cluster at {self.address} has no worker; waiting", ClusterWarning, stacklevel=3)


def _killed(answer: Any) -> bool:
    return isinstance(answer, Failure) and answer.exception == _KILLED


def _those_in(done: queue.SimpleQueue[Any]) -> list[Any]:
    """What is finished, after a short wait for a first one."""
    try:
        found = [done.get(timeout=_LOOK)]
    except queue.Empty:
        return []
    while not done.empty():
        found.append(done.get())
    return found


def _difference(who: str, there: dict[str, Any]) -> str:
    """What differs between another process and this one."""
    here = serving.about()
    names = ("zoba_bench", "python", "numpy", "scipy", "blas", "machine")
    differ = [f"{name} {there.get(name)} there, {here[name]} here" for name in names if there.get(name) != here[name]]
    what = "; ".join(differ) or "its sources, or the versions of sympy or scikit-learn, differ"
    commits = f" (commit {there.get('commit')} there, {here['commit']} here)" if here["commit"] else ""
    return f"{who} runs other code than this process, so that its results would have other bits: {what}{commits}"
