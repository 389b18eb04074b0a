"""What runs in a worker process: calls as they come, one at a time, and an answer to each."""

from __future__ import annotations

import faulthandler
import importlib
import os
import pickle
import signal
import warnings
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from zoba_bench.memory import limit_memory, shown
from zoba_bench.notices import show_one_line
from zoba_bench.processes.failure import Failure, caught

__all__ = ["READY", "main"]

#: What a worker says first.
READY = b"ready"


def main(connection_fd: int, crash_fd: int, memory: int | None = None) -> None:
    """Serve the calls of the connection until it is closed. Fatal signals leave a traceback in the crash file."""
    # The parent answers what reaches the terminal; a worker that dies of it would look like a failed cell.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for fd in (connection_fd, crash_fd):
        os.set_inheritable(fd, False)
    faulthandler.enable(file=crash_fd, all_threads=False)
    warnings.filterwarnings("ignore", message="plug-in ")  # the parent has said it
    if memory is not None:
        limit_memory(memory)
    show_one_line()
    connection = Connection(connection_fd)
    connection.send_bytes(READY)
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            os._exit(0)  # whatever a cell left behind, threads too, must not keep this process
        answer = _answer(message, memory)
        try:
            connection.send_bytes(answer)
        except OSError:
            os._exit(0)


def _answer(message: bytes, memory: int | None) -> bytes:
    try:
        target, arguments = pickle.loads(message)
        module, _, name = target.partition(":")
        value: Any = getattr(importlib.import_module(module), name)(*arguments)
    except BaseException as error:  # also SystemExit and KeyboardInterrupt: they end a cell, not the run
        value = caught(error)
    if memory is not None and isinstance(value, Failure) and value.exception.endswith("MemoryError"):
        value = replace(value, message=f"{value.message} (the limit is {shown(memory)} at once, --max-memory)")
    try:
        return pickle.dumps(value)
    except BaseException as error:
        return pickle.dumps(caught(error))
