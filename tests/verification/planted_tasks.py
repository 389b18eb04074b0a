"""Tasks of cells that do what a task should not, for worker processes: this file's folder is among their places."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time

import numpy as np


def well(rng, n):
    return {"n": n, "drawn": rng.standard_normal(2).tolist()}


def raises(rng, n):
    raise ZeroDivisionError(f"planted in {n}")


def exits(rng, n):
    sys.exit(0)


def interrupts(rng, n):
    raise KeyboardInterrupt


def exhausts(rng, n):
    return {"too large": bytearray(2**62)}


def faults(rng, n):
    ctypes.string_at(0)


def is_killed(rng, n):
    os.kill(os.getpid(), signal.SIGKILL)


def leaves(rng, n):
    os._exit(0)


def closes_all(rng, n):
    os.closerange(3, 256)
    time.sleep(600)


def unstorable(rng, n):
    return {"a set": {n}}


def sleeps(rng, n):
    """With a process of its own, as a simulator is."""
    subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"], check=False)
    return {}


def takes_a_while(rng, n):
    time.sleep(0.3)
    return {"n": n, "drawn": rng.standard_normal(2).tolist()}


def kills_its_worker(rng, n):
    """The process that gave it this call, a worker of a cluster, and with it this one."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)
    return {}


def allocates(rng, n):
    return {"sum": float(np.ones(n // 8).sum())}
