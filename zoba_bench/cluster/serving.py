"""What runs on a worker of a Dask cluster. Dask finds these functions by name: the package must be installed there."""

from __future__ import annotations

import importlib
import pickle
import threading
from dataclasses import dataclass
from typing import Any

from zoba_bench.machine import origin
from zoba_bench.processes import Workers
from zoba_bench.sweep import plan_fingerprint

__all__ = ["OtherCode", "about", "checked", "close", "serve"]


@dataclass(frozen=True)
class OtherCode:
    """A process of a worker runs other code than the one that asks."""

    about: dict[str, Any]


#: Processes that wait for a call, by what limits them: as many as there were threads of this worker that served.
_idle: dict[tuple[float | None, int | None], list[Workers]] = {}
_lock = threading.Lock()


def about() -> dict[str, Any]:
    """What this process runs, and on what."""
    return {"code": plan_fingerprint(), **origin()}


def serve(message: bytes, timeout: float | None, memory: int | None) -> Any:
    """Run one call in a process that may crash, exhaust its memory or its time: what it returns, or its ``Failure``."""
    limits = (timeout, memory)
    with _lock:
        waiting = _idle.setdefault(limits, [])
        mine = waiting.pop() if waiting else Workers(1, timeout, memory)
    try:
        ((_, answer),) = mine.run(f"{__name__}:checked", [(message,)])
    except BaseException:
        mine.close()
        raise
    with _lock:
        waiting.append(mine)
    return answer


def checked(message: bytes) -> Any:
    """Run a call where the code is that of the process that asks, else say what is here."""
    code, target, arguments = pickle.loads(message)
    if plan_fingerprint() != code:
        return OtherCode(about())
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)(*pickle.loads(arguments))


def close() -> None:
    """End the processes of this worker that wait."""
    with _lock:
        every = [mine for waiting in _idle.values() for mine in waiting]
        _idle.clear()
    for mine in every:
        mine.close()
