"""Warnings as people read them: one line, without the place in the sources."""

from __future__ import annotations

import sys
import warnings
from typing import Any

__all__ = ["one_line", "show_one_line"]


def one_line(message: Any, category: type[Warning]) -> str:
    """A warning in one line; of another package, with its kind."""
    text = " ".join(str(message).split())
    own = category.__module__.partition(".")[0] == "zoba_bench"
    return f"zoba-bench: warning: {text}" if own else f"zoba-bench: warning: {category.__name__}: {text}"


def show_one_line() -> None:
    """Show the warnings of this process so, from now on."""

    def show(message: Any, category: type[Warning], *arguments: Any, **named: Any) -> None:
        print(one_line(message, category), file=sys.stderr, flush=True)

    warnings.showwarning = show
