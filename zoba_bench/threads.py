"""One thread in the libraries below numpy and scipy, so that results do not depend on how many they would use."""

from __future__ import annotations

import functools
import sys
from contextlib import AbstractContextManager
from typing import Any

__all__ = ["one_thread"]


def one_thread(user_api: str | None = None) -> AbstractContextManager[Any]:
    """A context in which the libraries that are loaded use one thread.

    A product of matrices rounds differently with two: what OMP_NUM_THREADS and the number of processors would decide.

    Parameters
    ----------
    user_api : {"blas", "openmp"}, optional
        Only libraries of this kind; all where None.
    """
    limited: AbstractContextManager[Any] = _pools(len(sys.modules), next(reversed(sys.modules))).limit(
        limits=1, user_api=user_api
    )
    return limited


@functools.lru_cache(1)
def _pools(modules: int, newest: str) -> Any:
    """The thread pools of the loaded libraries. Looking for them takes milliseconds; only an import can add one."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
