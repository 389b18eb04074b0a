"""What a protocol takes: declared once, beside its plan, and checked before anything is planned."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.problem.file import is_file
from zoba_bench.registry import entry, names
from zoba_bench.solver_file import is_solver_file, load_solver_class
from zoba_bench.suggestions import unknown

__all__ = [
    "COUNT", "COUNTS", "FLAG", "LOOKS", "NAME", "NUMBER", "OPTIONS", "OPTION_SETS", "POINT", "POSITIVE", "POSITIVES",
    "POSITIVE_OR_NONE", "POWER", "PROBLEM", "PROBLEMS", "SEQUENTIAL", "SIZED_PROBLEM", "SIZED_PROBLEMS", "Kind",
    "Parameters", "one_of", "solver_options", "table", "tables", "unknown",
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Attributes
    ----------
    words : what it is, as in "must be ...".
    fits : callable(value) -> bool, the shape of the value.
    look : callable(where, value, solver), or None
        Raises ValueError for what is wrong inside a value of the right shape.
    """

    words: str
    fits: Callable[[Any], bool]
    look: Callable[[str, Any, str], None] | None = None

    def check(self, where: str, value: Any, solver: str) -> None:
        """Raise ValueError that names the place and the value."""
        if not self.fits(value):
            raise ValueError(f"{where} must be {self.words}, got {value!r}")
        if self.look is not None:
            self.look(where, value, solver)


@dataclass(frozen=True)
class Parameters:
    """The parameters of a protocol, or the keys of a table among them.

    Attributes
    ----------
    required, optional : kind by name.
    either : groups of optional names; exactly one group must be given, whole.
    """

    required: Mapping[str, Kind]
    optional: Mapping[str, Kind] = field(default_factory=dict)
    either: tuple[tuple[str, ...], ...] = ()

    @property
    def kinds(self) -> dict[str, Kind]:
        """Every kind by name, the required ones first."""
        return {**self.required, **self.optional}

    def describe(self) -> str:
        """All names in words: what is needed, what must be chosen, what may be left out."""
        chosen = {name for group in self.either for name in group}
        parts = [", ".join(self.required)] if self.required else []
        if self.either:
            parts.append("either " + " or ".join(" with ".join(group) for group in self.either))
        free = [name for name in self.optional if name not in chosen]
        if free:
            parts.append("optionally " + ", ".join(free))
        return "; ".join(parts) or "none"

    def check(self, given: Mapping[str, Any], solver: str, where: str = "") -> None:
        """Raise ValueError for an unknown, missing or malformed parameter; it lists what is taken.

        Parameters
        ----------
        given : the values.
        solver : whose options an ``OPTIONS`` value must be.
        where : what the names stand in, as "points[0]"; empty for a claim's own parameters.
        """
        kinds, prefix = self.kinds, f"{where}." if where else ""
        for name in given:
            if name not in kinds:
                raise ValueError(f"{unknown('parameter', prefix + str(name), map(prefix.__add__, kinds), listed=False)}"
                                 f"taken are: {self.describe()}")  # fmt: skip
        for name in self.required:
            if name not in given:
                raise ValueError(f"parameter {prefix}{name} is missing; taken are: {self.describe()}")
        begun = [group for group in self.either if any(name in given for name in group)]
        if self.either and len(begun) != 1:
            got = " and ".join(repr(name) for group in begun for name in group if name in given) or "neither"
            raise ValueError(f"parameters: got {got}; taken are: {self.describe()}")
        for name in begun[0] if begun else ():
            if name not in given:
                raise ValueError(f"parameter {prefix}{name} is missing; taken are: {self.describe()}")
        for name, value in given.items():
            kinds[name].check(f"{prefix}{name}", value, solver)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _real(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _several(kind: Kind, words: str) -> Kind:
    def look(where: str, value: Any, solver: str) -> None:
        for i, item in enumerate(value):
            kind.check(f"{where}[{i}]", item, solver)

    return Kind(words, lambda value: isinstance(value, (list, tuple)) and len(value) > 0, look)


def one_of(*allowed: str) -> Kind:
    """One of some words."""
    return Kind("one of " + ", ".join(map(repr, allowed)), lambda value: value in allowed)


def table(parameters: Parameters) -> Kind:
    """A table with keys of its own."""

    def look(where: str, value: Any, solver: str) -> None:
        parameters.check(value, str(value.get("solver", solver)), where)

    return Kind("a table", lambda value: isinstance(value, Mapping), look)


def tables(parameters: Parameters) -> Kind:
    """A list of such tables."""
    return _several(table(parameters), "a list of tables that is not empty")


def _look_at_problem(where: str, value: Any, solver: str) -> None:
    name = value["name"]
    if is_file(name):
        return
    if name not in names("problems"):
        problem = unknown("problem", name, names("problems"), listed=False)
        raise ValueError(f"{where}: {problem}`zoba-bench list` shows all, and file.py:name is one of your own")
    known = ["name", *inspect.signature(entry("problems", name)).parameters]
    for option in value:
        if option not in known:
            raise ValueError(f"{where}: {unknown(f'parameter of problem {name!r}', option, known)}")


def _look_at_options(where: str, value: Any, solver: str) -> None:
    known = solver_options(solver)
    for name in value:
        if name not in known:
            raise ValueError(f"{where}: {unknown(f'option of solver {solver!r}', name, known)}")


def solver_options(solver: str) -> list[str]:
    """Names of the options of a registered solver, a control's or a file's; ValueError if there is no such solver."""
    from zoba_bench.verification.controls import CONTROLS

    if is_solver_file(solver):
        return list(load_solver_class(solver).option_names())
    if solver not in CONTROLS and solver not in names("solvers"):
        raise ValueError(unknown("solver", solver, [*names("solvers"), *CONTROLS]))
    known: list[str] = (CONTROLS[solver] if solver in CONTROLS else entry("solvers", solver)).option_names()
    return known


def _growing(value: Any) -> bool:
    shares = list(value) if isinstance(value, (list, tuple)) else []
    return bool(shares) and all(map(_real, shares)) and shares[0] > 0 and shares[-1] == 1 and (
        all(a < b for a, b in itertools.pairwise(shares))
    )  # fmt: skip


FLAG = Kind("true or false", lambda value: isinstance(value, bool))
NAME = Kind("a name", lambda value: isinstance(value, str) and bool(value))
COUNT = Kind("a positive integer", lambda value: _whole(value) and value > 0)
COUNTS = _several(COUNT, "a list of positive integers")
LOOKS = Kind("a list of shares of the replicates that grow to 1", _growing)
SEQUENTIAL = {"looks": LOOKS}
POWER = Kind("a non-negative integer", lambda value: _whole(value) and value >= 0)
NUMBER = Kind("a finite number", _real)
POINT = Kind(
    "a list of coordinates, or 'first_order_point'",
    lambda v: v == "first_order_point" or (isinstance(v, (list, tuple)) and bool(v) and all(map(_real, v))),
)
POSITIVE = Kind("a positive finite number", lambda value: _real(value) and value > 0)
POSITIVES = _several(POSITIVE, "a list of positive numbers")
POSITIVE_OR_NONE = Kind("a positive finite number, or left out", lambda value: value is None or POSITIVE.fits(value))
PROBLEM = Kind(
    "a problem: a table with its name, and its parameters",
    lambda value: isinstance(value, Mapping) and isinstance(value.get("name"), str),
    _look_at_problem,
)
PROBLEMS = _several(PROBLEM, "a list of problems, each a table with its name")
SIZED_PROBLEM = Kind(
    "a problem with its sizes: a table with name, p, d, and its other parameters",
    lambda value: PROBLEM.fits(value) and all(COUNT.fits(value.get(size)) for size in ("p", "d")),
    _look_at_problem,
)
SIZED_PROBLEMS = _several(SIZED_PROBLEM, "a list of problems, each a table with name, p and d")
OPTIONS = Kind("a table of solver options", lambda value: isinstance(value, Mapping), _look_at_options)
OPTION_SETS = _several(OPTIONS, "a list of tables of solver options")
