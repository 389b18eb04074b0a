"""One changed place of the code, and what refuses it: a step of a theorem, or else a test."""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import multiprocessing.connection
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoba_bench.verification.self_test.planted import PlantedError, dependents, plant

__all__ = ["Mutant", "Outcome", "affected", "judged", "table"]

_PACKAGE = "zoba_bench.theory"
#: A process that takes longer is ended; nothing has refused its mutant then.
_SECONDS = 400.0


@dataclass(frozen=True)
class Mutant:
    """A changed place.

    Attributes
    ----------
    file : below ``theory``.
    old, new : text that stands there once, and what takes its place.
    words : what it is.
    tests : files of tests below ``tests/theory`` that are tried where no step refuses it.
    """

    file: str
    old: str
    new: str
    words: str
    tests: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The changed module."""
        return f"{_PACKAGE}.{self.file.removesuffix('.py').replace('/', '.')}"

    def occurrences(self) -> int:
        """How often the old text stands in the file."""
        place = importlib.util.find_spec(self.module)
        assert place is not None
        assert place.origin is not None
        return Path(place.origin).read_text().count(self.old)

    def plant(self) -> None:
        """Change the running code; only for a process that ends afterwards."""
        plant(PlantedError(self.words, self.module, self.old, self.new, self.words, ()))


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Attributes
    ----------
    mutant : Mutant
    kind : "step" refused it, "building" a theorem did, a "test" did; it ended in a "crash", took too "long", or
        "nothing" refused it.
    by : the theorem and step, or the test.
    reason : why.
    seconds : CPU time.
    """

    mutant: Mutant
    kind: str
    by: str
    reason: str
    seconds: float

    @property
    def derived(self) -> bool:
        """Whether ``derive --check`` refuses it, with a reason."""
        return self.kind in ("step", "building")

    @property
    def refused(self) -> bool:
        """Whether a step or a test refuses it."""
        return self.derived or self.kind == "test"


def table(file: str, *rows: tuple[str, ...], tests: tuple[str, ...] = ()) -> tuple[Mutant, ...]:
    """Mutants of one file, from (old, new, words)."""
    return tuple(Mutant(file, old, new, words, tests) for old, new, words in rows)


def affected(module: str) -> list[str]:
    """Names of the theorems that rest on a module; all theorems must have been loaded."""
    from zoba_bench.theory import THEOREMS

    users = {module} | {user.__name__ for user in dependents(module)}
    return [name for name, place in THEOREMS.items() if place.partition(":")[0] in users]


def _theorem(name: str) -> Any:
    from zoba_bench.theory import THEOREMS

    module, _, factory = THEOREMS[name].partition(":")
    return getattr(importlib.import_module(module), factory)()


def _warm(modules: Iterable[str]) -> dict[str, float]:
    """Derive what rests on these modules, so that processes forked from here only derive what changes; CPU times."""
    from zoba_bench.theory import THEOREMS

    for place in THEOREMS.values():
        importlib.import_module(place.partition(":")[0])
    wanted = {name for module in set(modules) for name in affected(module)}
    spent = {}
    for name in THEOREMS:
        if name not in wanted:
            continue
        start = time.process_time()
        if not all(result.ok for result in _theorem(name).results):
            raise ValueError(f"theorem {name!r} does not hold before anything is changed")
        spent[name] = time.process_time() - start
    return spent


def _first_refusal(names: Iterable[str]) -> tuple[str, str, str]:
    for name in names:
        try:
            theorem = _theorem(name)
        except ValueError as error:
            return "building", name, str(error)
        except Exception as error:
            return "crash", name, f"{type(error).__name__}: {error}"
        for result in theorem.outcomes():
            if not result.ok:
                return "crash" if result.crashed else "step", f"{name}: {result.step}", result.detail
    return "nothing", "", ""


def _judge(mutant: Mutant, costs: dict[str, float], answer: Any) -> None:
    start = time.process_time()
    # What a reloaded module warns of is not of interest here.
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    names = sorted(affected(mutant.module), key=costs.__getitem__)
    try:
        mutant.plant()
    except ValueError as error:
        answer.send(("building", "import", str(error), time.process_time() - start))
        return
    except Exception as error:
        answer.send(("crash", "import", f"{type(error).__name__}: {error}", time.process_time() - start))
        return
    kind, by, reason = _first_refusal(names)
    if kind in ("nothing", "crash") and (failing := _failing_test(mutant)):
        kind, by, reason = ("test" if kind == "nothing" else kind), failing if kind == "nothing" else by, reason
    answer.send((kind, by, reason[:2000], time.process_time() - start))


def _failing_test(mutant: Mutant) -> str:
    """The first test of the mutant's files that fails with the changed code, or nothing."""
    if not mutant.tests:
        return ""
    import pytest

    class First:
        """Remembers the first failure."""

        name = ""

        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed and not self.name:
                self.name = report.nodeid

    first = First()
    files = [f"tests/theory/{name}" for name in mutant.tests]
    pytest.main(["-q", "-x", "-n0", "-p", "no:cacheprovider", *files], plugins=[first])
    return first.name


def judged(
    mutants: Sequence[Mutant], jobs: int = 1, progress: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    """Plant each mutant in a process of its own and say what refuses it.

    Raises
    ------
    ValueError
        Where a theorem fails before anything is changed, or a mutant's old text does not stand once in its file.
    """
    for mutant in mutants:
        if (number := mutant.occurrences()) != 1:
            raise ValueError(f"{mutant.old!r} must stand once in theory/{mutant.file}, found {number} times")
    costs = _warm(mutant.module for mutant in mutants)
    context = multiprocessing.get_context("fork")
    waiting, running = list(enumerate(mutants)), dict[Any, tuple[int, Any, float]]()
    found: dict[int, Outcome] = {}

    def finish(pipe: Any, values: tuple[str, str, str, float]) -> None:
        number, process, _ = running.pop(pipe)
        process.join(5)
        if process.is_alive():
            process.kill()
        pipe.close()
        found[number] = Outcome(mutants[number], *values)
        if progress is not None:
            progress(found[number])

    while waiting or running:
        while waiting and len(running) < jobs:
            number, mutant = waiting.pop(0)
            mine, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_judge, args=(mutant, costs, theirs))
            process.start()
            theirs.close()
            running[mine] = (number, process, time.monotonic())
        for pipe in multiprocessing.connection.wait(list(running), timeout=1.0):
            try:
                values = pipe.recv()
            except EOFError:
                values = ("crash", "process", "ended without an answer", 0.0)
            finish(pipe, values)
        for pipe, (_, process, start) in list(running.items()):
            if time.monotonic() - start > _SECONDS:
                process.kill()
                finish(pipe, ("long", "", f"more than {_SECONDS:.0f} s", _SECONDS))
    return [found[number] for number in range(len(mutants))]
