"""A Dask cluster of processes on this machine, for trying; it ends with this process, however that ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from zoba_bench.processes import WorkerError, guardian, same_places

__all__ = ["LocalProcesses"]

_PATIENCE = 120.0  # seconds for the scheduler to start


class LocalProcesses:
    """A scheduler, and N worker processes of one thread that Dask starts again when they die.

    They are ended by a guardian (see :mod:`zoba_bench.processes`), also where this process is killed.

    Attributes
    ----------
    address : str
        Of the scheduler.
    """

    def __init__(self, number: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="zoba-bench-dask-", ignore_cleanup_errors=True)
        self._guardian = guardian.start()
        try:
            place = Path(self._folder.name) / "scheduler.json"
            common = ["--host", "127.0.0.1", "--no-dashboard"]
            scheduler = self._start("scheduler", *common, "--port", "0", "--scheduler-file", str(place))
            self.address = _address(place, scheduler)
            self._start(
                "worker", self.address, *common, "--nworkers", str(number), "--nthreads", "1", "--memory-limit", "0",
                "--local-directory", self._folder.name, "--death-timeout", "120",
            )  # fmt: skip
        except BaseException:
            self.close()
            raise

    def _start(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        code = f"{same_places()}; from distributed.cli.dask_{what} import main; main({list(arguments)!r})"
        return subprocess.Popen(
            [sys.executable, "-P", "-c", code], stdin=subprocess.DEVNULL, stdout=2, process_group=self._guardian.pid,
            env={**os.environ, "DASK_LOGGING__DISTRIBUTED": "error"},
        )  # fmt: skip

    def close(self) -> None:
        """End all of it at once."""
        guardian.end(self._guardian)
        self._folder.cleanup()


def _address(place: Path, scheduler: subprocess.Popen[bytes]) -> str:
    """What the scheduler writes into its file once it listens."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        code = scheduler.poll()
        if code is not None:
            raise WorkerError(f"the scheduler of a local Dask cluster ended with exit code {code}; see its message")
        try:
            return str(json.loads(place.read_text())["address"])
        except (OSError, ValueError, KeyError):
            time.sleep(0.05)
    raise WorkerError(f"the scheduler of a local Dask cluster did not start in {_PATIENCE:g} seconds")
