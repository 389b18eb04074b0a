"""Memory of this process: freed arrays that are kept for the next iteration, and a limit."""

from __future__ import annotations

import ctypes
import functools
import re
import sys
from pathlib import Path

__all__ = ["check_memory", "keep_freed_memory", "limit_memory", "shown"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's names for mallopt
_LARGEST_MMAP = 32 * 2**20  # glibc refuses more

_UNITS = ("", "k", "M", "G", "T")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]*)?(?:e[0-9]+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_limit: int | None = None  # of this process, for keep_freed_memory


@functools.cache
def keep_freed_memory(most: int = 2**28) -> bool:
    """Let glibc keep up to ``most`` bytes of freed memory in this process; True where it could.

    Every iteration frees and allocates the same large arrays. By default their pages go
    back to the system and are faulted in again, which was measured to take up to a third of the
    time at p = d = 100. Results do not depend on it. Elsewhere than on glibc, and under a limit, it does nothing.
    """
    if _limit is not None:
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return False
    return bool(mallopt(_TRIM_THRESHOLD, most)) and bool(mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP))


def check_memory(name: str, value: object) -> int:
    """Bytes from a positive number of them, or from text such as "1G", "500 MB" or "2GiB"."""
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    size = value
    if found is not None:
        number, unit, binary = found.groups()
        size = float(number) * (1024 if binary else 1000) ** [u.lower() for u in _UNITS].index(unit.lower())
    if isinstance(size, bool) or not isinstance(size, (int, float)) or not 1 <= size < float("inf"):
        raise ValueError(f"{name} must be a number of bytes, or text such as '500M' or '2GiB', got {value!r}")
    return int(size)


def shown(size: float) -> str:
    """A number of bytes in three digits: "1.5 GB"."""
    power = min(len(_UNITS) - 1, max(0, (len(str(int(size))) - 1) // 3))
    return f"{size / 1000**power:.3g} {_UNITS[power]}B"


def limit_memory(most: int) -> None:
    """Let allocations of this process fail beyond ``most`` bytes more than it has now.

    An array that does not fit is then a MemoryError.

    Raises
    ------
    RuntimeError
        Where the system has no such limit.
    """
    global _limit
    if not sys.platform.startswith("linux"):
        raise RuntimeError("a limit of memory needs Linux; run without it")
    import resource

    import numpy as np

    square = np.ones((64, 64))
    square @ square  # what the BLAS allocates once is not the caller's
    lines = Path("/proc/self/status").read_text().splitlines()
    used = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = used + most
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    _limit = most
