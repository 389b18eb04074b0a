"""Standard output that holds JSON alone, whatever a user's function prints."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TextIO

__all__ = ["for_json", "json_stream"]

_stream: ContextVar[TextIO | None] = ContextVar("json_stream", default=None)


def json_stream() -> TextIO:
    """Where JSON goes."""
    return _stream.get() or sys.stdout


@contextlib.contextmanager
def for_json() -> Iterator[None]:
    """Keep standard output for :func:`json_stream`; all else that is written there goes to standard error.

    Also what compiled code and processes that are started inside write to the file descriptor.
    """
    real = sys.stdout
    with contextlib.ExitStack() as stack:
        stream = real
        if _descriptor(real) == 1 and _descriptor(sys.stderr) == 2:
            real.flush()
            kept = os.dup(1)
            stack.callback(_restore, kept)
            os.dup2(2, 1)
            # Closed by hand: after a broken pipe nobody reads what is left in it.
            stream = open(kept, "w", encoding=real.encoding, errors=real.errors, closefd=False)  # noqa: SIM115
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        token = _stream.set(stream)
        try:
            yield
        finally:
            _stream.reset(token)
            if sys.stdout is not None:
                sys.stdout.flush()  # what was printed and waits
            if stream is not real:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def _descriptor(stream: TextIO | None) -> int | None:
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError, AttributeError):  # no file, as in a test
        return None


def _restore(kept: int) -> None:
    os.dup2(kept, 1)
    os.close(kept)
