"""How a call can fail."""

from __future__ import annotations

import signal
import traceback
from dataclasses import dataclass

from zoba_bench.errors import place_in_solver

__all__ = ["Failure", "caught", "ended", "timed_out"]

#: Signals whose cause can be said.
_CAUSES = {
    "SIGKILL": "this is also what the kernel does when memory runs out",
    "SIGSEGV": "a segmentation fault in compiled code",
    "SIGBUS": "a fault in compiled code, or a full disk",
    "SIGABRT": "compiled code gave up",
    "SIGFPE": "an arithmetic fault in compiled code",
    "SIGILL": "an instruction that this processor does not have",
}


@dataclass(frozen=True)
class Failure:
    """What is known of a call that did not return.

    Attributes
    ----------
    status : {"raised", "killed", "ended", "timeout"}
        It raised, a signal killed its process, its process ended otherwise, or its time was up.
    exception : str
        Name of the exception's type, or of the signal; empty for the others.
    message : str
        One line.
    traceback : str
        Where it happened, as far as that is known.
    """

    status: str
    exception: str
    message: str
    traceback: str


def caught(error: BaseException) -> Failure:
    """The failure of a call that raised."""
    name = type(error).__name__
    text = str(error) or "no message"
    if where := place_in_solver(error):
        text += f" ({where})"
    if isinstance(error, SystemExit):
        text = f"code {error.code!r}; a problem or a solver must not end the program"
    try:
        lines = "".join(traceback.format_exception(error))
    except Exception:  # the exception's own code may fail, or memory
        lines = ""
    return Failure("raised", name, f"{name}: {text}", lines)


def ended(code: int | None, crash: str) -> Failure:
    """The failure of a call whose process is gone, from its exit code and what faulthandler wrote."""
    if code is None:
        return Failure("ended", "", "its process stopped answering", crash)
    if code >= 0:
        return Failure("ended", "", f"its process ended with exit code {code}", crash)
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    cause = f" ({_CAUSES[name]})" if name in _CAUSES else ""
    return Failure("killed", name, f"its process was killed by {name}{cause}", crash)


def timed_out(seconds: float) -> Failure:
    """The failure of a call that took too long."""
    return Failure("timeout", "", f"it was stopped after {seconds:g} seconds, its limit", "")
