"""Progress on standard error: a bar in a terminal, plain lines elsewhere.

A verb goes through phases. Each has a name, a count of things where that is known, how many of them are done in a
second, and the time that is left. What takes less than a second says nothing.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from zoba_bench.cli.pace import Pace
from zoba_bench.cli.terminal import new_console, say

__all__ = ["Progress"]

_FIRST = 1.0  # second after which a phase is worth a line
_EVERY = 5.0  # seconds between two lines


class Progress:
    """The phases of a verb; at most one at a time.

    Parameters
    ----------
    quiet : bool
        Show nothing, and keep count all the same: an interrupted verb says how far it came.
    kept : str
        Where finished cells are kept; empty for a verb that keeps nothing.
    """

    def __init__(self, quiet: bool = False, kept: str = "") -> None:
        self.quiet, self.kept = quiet, kept
        self._pace: Pace | None = None
        self._shown: _Shown | None = None

    def begin(
        self,
        word: str,
        things: str = "",
        *,
        done: int = 0,
        total: int | None = None,
        expected: Mapping[str, tuple[int, float]] | None = None,
        jobs: int = 1,
    ) -> Callable[[int, int, str], None]:
        """Begin a phase and end the one before; returned is what its steps are told to.

        Parameters
        ----------
        word : what is done, as "measuring".
        things : what is counted, as "cells"; empty where nothing is.
        done, total : how many are done before it begins, and how many there are.
        expected : number of things and CPU-seconds of them all, by the name that the steps tell.
        jobs : in how many processes.
        """
        self.end()
        self._pace = Pace(word, things, done=done, total=total, expected=expected or {}, jobs=jobs)
        if not self.quiet:
            self._shown = _Bar(self._pace) if _terminal() else _Lines(self._pace)
            self._shown.start()
        return self._pace.update

    def end(self) -> None:
        """End the phase; one that took long leaves a line."""
        shown, self._shown = self._shown, None
        if shown is not None:
            shown.stop()
            if self._pace is not None and self._pace.passed >= _FIRST:
                say(self._pace.summary())

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is shown for a while: something else is printed."""
        shown = self._shown
        if shown is not None:
            shown.stop()
        try:
            yield
        finally:
            if shown is not None and shown is self._shown:
                shown.start()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown is not None and error is not None:
            self._shown.stop()  # and no summary: it did not end
            self._shown = None
        self.end()
        if isinstance(error, KeyboardInterrupt):
            error.add_note(self._how_far())

    def _how_far(self) -> str:
        """What an interrupted verb did, and what is left of that."""
        at = self._pace.place() if self._pace is not None else "before anything was done"
        return f"{at}; what is finished is kept in {self.kept}" if self.kept else f"{at}; nothing is kept"


class _Shown(ABC):
    """How a phase is shown."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...


class _Lines(_Shown):
    """A line after a second, and then every few."""

    def start(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, args=(self._over,), daemon=True)
        self._thread.start()

    def _write(self, over: threading.Event) -> None:
        due = time.monotonic() + _FIRST
        while not over.wait(max(0.0, due - time.monotonic())):
            say(self.pace.line())
            due += _EVERY

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


class _Bar(_Shown):
    """A bar that is drawn anew all the time, and erased at the end."""

    def start(self) -> None:
        from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
        from rich.text import Text

        pace = self.pace
        console = new_console(stderr=True)

        class Rest(ProgressColumn):
            max_refresh = 0.2

            def render(self, task: Any) -> Text:
                bar.update(task.id, completed=pace.done, total=pace.total)
                return Text(pace.numbers(), overflow="ellipsis", no_wrap=True)

        self._bar = bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=max(4, min(30, console.width - 66))), Rest(),
            console=console, transient=True, redirect_stdout=False,
        )  # fmt: skip
        bar.add_task(pace.word, total=pace.total, completed=pace.done)
        bar.start()

    def stop(self) -> None:
        self._bar.stop()


def _terminal() -> bool:
    """Whether standard error is a terminal that can draw a line anew."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")
