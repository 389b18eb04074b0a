"""Ends the workers when the process that started them is gone, however it ended.

The guardian leads a process group that the workers join. It waits for the end of its standard input, which only the
parent holds open, and then kills the group: itself, the workers, and what they started. It does not depend on what the
workers are doing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

__all__ = ["end", "start"]

# Run without this package, so that it starts at once and stays small.
_CODE = """
import os, signal
for name in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    signal.signal(name, signal.SIG_IGN)
while os.read(0, 1):
    pass
os.killpg(0, signal.SIGKILL)
"""


def start() -> subprocess.Popen[bytes]:
    """A guardian, the leader of a new process group."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _CODE],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0,
    )  # fmt: skip


def end(guardian: subprocess.Popen[bytes]) -> None:
    """Kill its group at once."""
    if guardian.poll() is None:
        os.killpg(guardian.pid, signal.SIGKILL)
    if guardian.stdin is not None:
        guardian.stdin.close()
    guardian.wait()
