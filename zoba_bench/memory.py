"""A setting of the C allocator that keeps freed arrays for the next iteration."""

from __future__ import annotations

import ctypes
import functools

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's names for mallopt
_LARGEST_MMAP = 32 * 2**20  # glibc refuses more


@functools.cache
def keep_freed_memory(most: int = 2**28) -> bool:
    """Let glibc keep up to ``most`` bytes of freed memory in this process; True where it could.

    Every iteration frees and allocates the same large arrays. By default their pages go
    back to the system and are faulted in again, which was measured to take up to a third of the
    time at p = d = 100. Results do not depend on it. Elsewhere than on glibc it does nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return False
    return bool(mallopt(_TRIM_THRESHOLD, most)) and bool(mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP))
