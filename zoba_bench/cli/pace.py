"""How fast a phase goes, and how long it will still take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from zoba_bench.report.wording import about, duration

__all__ = ["Pace"]

_PRIOR = 0.05  # share of the work after which what is measured counts as much as what was expected
_FIRST = 5.0  # seconds without news that nobody wonders about
_LATE = 3.0  # times what was left, after which nobody believes that any more


class Pace:
    """Counts of a phase, its rate, and the time that is left.

    Where the work of the things is known beforehand, as cells have it, the time that is left follows from the work that
    is left; else from their number.

    Parameters
    ----------
    word, things : what is done, and what is counted.
    done, total : before it begins; total None where it is not known.
    expected : number of things and their CPU-seconds together, by name.
    jobs : in how many processes.
    clock : seconds that pass.
    """

    def __init__(
        self,
        word: str,
        things: str = "",
        *,
        done: int = 0,
        total: int | None = None,
        expected: Mapping[str, tuple[int, float]] | None = None,
        jobs: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.word, self.things, self.done, self.total = word, things, done, total
        self._left = {
            name: [number, seconds / number] for name, (number, seconds) in (expected or {}).items() if number
        }
        self._work = sum(number * each for number, each in self._left.values())
        self._known = total
        self._worked = 0.0
        self._first, self._jobs, self._clock = done, jobs, clock
        self._begun = clock()
        self._last = self._begun
        self._lock = threading.Lock()

    def update(self, done: int, total: int, item: str = "") -> None:
        """Tell how many of how many are done, and which was the last."""
        with self._lock:
            self.done, self.total, self._last = done, total, self._clock()
            row = self._left.get(item)
            if row is not None and row[0] > 0:
                row[0] -= 1
                self._worked += row[1]

    @property
    def passed(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._begun

    @property
    def rate(self) -> float:
        """Things a second."""
        passed = self.passed
        return (self.done - self._first) / passed if passed > 0 else 0.0

    def remaining(self) -> float | None:
        """Seconds that are left; None where nothing is known of them, or where what was expected is long over."""
        with self._lock:
            if self.total is None or self.done >= self.total:
                return None
            left = self._left_by_work()
            waited = self._clock() - self._last
            return None if left is None or waited > max(_FIRST, _LATE * left) else left

    def _left_by_work(self) -> float | None:
        """By the work of what is left where that is known, else by its number."""
        assert self.total is not None
        if self._work > 0 and self.total == self._known:
            share = min(self._worked / self._work, 1.0)
            told = share / (share + _PRIOR)  # how far the time that passed is trusted
            slow = self.passed / self._worked if self._worked else 0.0
            each = told * slow + (1 - told) / self._jobs
            passed = 0.0 if self._worked else self.passed
            return max(0.0, each * (self._work - self._worked) - passed)
        number = self.done - self._first
        return self.passed / number * (self.total - self.done) if number > 0 else None

    def numbers(self) -> str:
        """Counts, rate and remaining time in a few words."""
        parts = [f"{self.done} of {self.total} {self.things}"] if self.total is not None and self.things else []
        if self.done > self._first:
            parts.append(_rate(self.rate))
        left = self.remaining()
        parts.append(f"{duration(self.passed)} so far" if left is None else f"{about(left)} left")
        return ", ".join(parts)

    def line(self) -> str:
        """What a pipe is told."""
        return f"{self.word}: {self.numbers()}"

    def place(self) -> str:
        """How far it is."""
        counted = f", {self.done} of {self.total} {self.things} done" if self.total is not None and self.things else ""
        return f"while {self.word}{counted}"

    def summary(self) -> str:
        """What is left to say at the end."""
        counted = f"{self.done} {self.things} in " if self.things else ""
        return f"{self.word}: {counted}{duration(self.passed)}"


def _rate(each: float) -> str:
    """Things a second, or a minute."""
    return f"{each:.2g}/s" if each >= 0.95 else f"{60 * each:.2g}/min"
