"""What the command does when a signal ends it: it stops at once, ends its workers, and says so."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

__all__ = ["Stopped", "stopping"]

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT) if os.name == "posix" else (signal.SIGINT,)
_GRACE = 1.5  # seconds after which a process that does not stop by itself is ended


class Stopped(KeyboardInterrupt):
    """A signal arrived."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


@contextlib.contextmanager
def stopping(advice: str = "") -> Iterator[None]:
    """Raise :class:`Stopped` in the main thread on SIGTERM, SIGHUP and SIGINT; a signal that is ignored stays so.

    Where the main thread does not end in time (it is inside of compiled code, or a user's function caught the
    exception), the process is ended with the same code and the advice is said. The workers' guardian ends them then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ignored = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    before = {number: signal.signal(number, _raise) for number in _SIGNALS if number not in ignored}
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    done = threading.Event()
    threading.Thread(target=_watch, args=(reader, done, advice), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        signal.set_wakeup_fd(wakeup)
        os.close(writer)
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(number: int, frame: FrameType | None) -> None:
    for each in _SIGNALS:  # a second one ends the process at once
        if signal.getsignal(each) is _raise:
            signal.signal(each, signal.SIG_DFL)
    raise Stopped(number)


def _watch(reader: int, done: threading.Event, advice: str) -> None:
    """Read the numbers of signals as they arrive, also while the main thread cannot answer them."""
    with os.fdopen(reader, "rb", buffering=0) as numbers:
        while number := numbers.read(1):
            if number[0] in _SIGNALS and signal.getsignal(number[0]) is not signal.SIG_IGN:
                time.sleep(_GRACE)
                if not done.is_set():
                    if sys.stderr.isatty():
                        os.write(2, b"\x1b[?25h")  # a progress bar hides the cursor
                    name = signal.Signals(number[0]).name
                    os.write(2, f"\nzoba-bench: error: stopped by {name}; finished cells are kept{advice}\n".encode())
                    os._exit(128 + number[0])
