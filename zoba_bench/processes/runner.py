"""What is asked of anything that runs calls elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

__all__ = ["Runner"]


class Runner(Protocol):
    """Worker processes of this machine (:class:`zoba_bench.processes.Workers`), or of a cluster."""

    @property
    def number(self) -> int:
        """Calls that run at the same time."""
        ...

    def run(self, target: str, calls: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """Index of each call of a "module:function" and what it returned, or its ``Failure``, as they finish."""
        ...
