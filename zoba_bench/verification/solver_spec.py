"""What names a solver in a cell: a registered name, or "file.py:Class" with its hash; and its options."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from zoba_bench.registry import entry, names
from zoba_bench.solver_file import is_solver_file, name_of_solver

__all__ = ["solver_spec"]


def solver_spec(solver: Any) -> tuple[str, dict[str, Any]]:
    """What names a solver in a cell, and its options that are not the defaults.

    Parameters
    ----------
    solver : str, class or object
        "file.py:Class", a registered name, a class at the top of a file, or a configuration of such a class.

    Raises
    ------
    ValueError
        For a file or class that is not there, or a class that stands in no file.
    TypeError
        For options that a cell cannot hold.
    """
    if isinstance(solver, str):
        if not is_solver_file(solver):
            return solver, {}
        return name_of_solver(solver), {}
    kind = solver if inspect.isclass(solver) else type(solver)
    name, _ = solver_spec(_place(kind))
    return name, {} if solver is kind else _changed(solver)


def _place(kind: type) -> str:
    """ "file.py:Class" of a class, or the registered name of a built-in or plugged-in one."""
    name = getattr(kind, "name", None)
    if isinstance(name, str) and name in names("solvers") and entry("solvers", name) is kind:
        return name
    try:
        path = inspect.getfile(kind)
    except (TypeError, OSError):
        path = ""
    if not path.endswith(".py") or not Path(path).is_file() or "." in kind.__qualname__:
        raise ValueError(
            f"solver {kind.__qualname__} does not stand at the top of a file, so worker processes cannot build it: "
            "save it as file.py and pass 'file.py:Class'"
        )
    return f"{path}:{kind.__name__}"


def _changed(solver: Any) -> dict[str, Any]:
    """The options of an object that differ from its class's defaults."""
    if not is_dataclass(solver):
        raise TypeError(f"solver {solver!r} is no dataclass, so its options are not known; pass its class")
    try:
        kind: Any = type(solver)
        plain = kind()
        found = {f.name: getattr(solver, f.name) for f in fields(solver)
                 if getattr(solver, f.name) != getattr(plain, f.name)}  # fmt: skip
    except TypeError:
        found = {f.name: getattr(solver, f.name) for f in fields(solver) if f.init}
    try:
        json.dumps(found, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"options {found} of {type(solver).__name__} cannot stand in a cell: {error}") from error
    return found
