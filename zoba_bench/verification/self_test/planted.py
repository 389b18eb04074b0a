"""A planted error: a few characters of one module, changed while it runs."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType

__all__ = ["PlantedError", "dependents", "plant"]

_PACKAGE = "zoba_bench"


@dataclass(frozen=True)
class PlantedError:
    """One error, and the claims that may see it.

    Attributes
    ----------
    name : str
        "where/what".
    module : str
        The module that is changed.
    old, new : str
        The text that stands there once, and what takes its place.
    words : str
        What is wrong, in words.
    solvers : tuple of str
        Whose claims are tried, cheapest first; "" stands for claims about no solver.
    problems : tuple of str
        Of claims about no solver, those on these problems; all where empty.
    protocols : tuple of str
        The protocols that are tried, in this order; those that judge every solver where empty.
    first : tuple of str
        Parts of the ids of claims that are tried before all others, in this order: those that are about what is wrong.
    """

    name: str
    module: str
    old: str
    new: str
    words: str
    solvers: tuple[str, ...]
    problems: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    first: tuple[str, ...] = ()


def plant(error: PlantedError) -> None:
    """Change the running code; only for a process that ends afterwards.

    The module runs again with the changed text, and then every module that uses it.

    Raises
    ------
    ValueError
        Unless the old text stands exactly once in the module.
    """
    module = importlib.import_module(error.module)
    source = inspect.getsource(module)
    if source.count(error.old) != 1:
        raise ValueError(
            f"planted error {error.name!r}: {error.old!r} must stand once in {error.module}, found "
            f"{source.count(error.old)} times; adapt the table of planted errors to the code"
        )
    users = dependents(error.module)
    exec(compile(source.replace(error.old, error.new), str(module.__file__), "exec"), module.__dict__)
    for user in users:
        importlib.reload(user)


def dependents(name: str) -> list[ModuleType]:
    """The loaded modules of this package that use a module, directly or not, each after those that it uses itself."""
    loaded = {key: module for key, module in sys.modules.items() if key.partition(".")[0] == _PACKAGE}
    uses = {key: _used(module) & set(loaded) for key, module in loaded.items()}
    wanted = {name}
    while True:
        more = {key for key, used in uses.items() if used & wanted} - wanted
        if not more:
            break
        wanted |= more
    return [loaded[key] for key in _in_order(wanted, uses) if key != name]


def _used(module: ModuleType) -> set[str]:
    """Modules from which something that stands in this one comes."""
    found = set()
    for value in list(vars(module).values()):
        home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        if isinstance(home, str) and home != module.__name__:
            found.add(home)
    return found


def _in_order(names: Iterable[str], uses: dict[str, set[str]]) -> list[str]:
    """Each name after those that it uses."""
    wanted, ordered, seen = set(names), list[str](), set[str]()

    def visit(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for used in sorted(uses[name] & wanted):
            visit(used)
        ordered.append(name)

    for name in sorted(wanted):
        visit(name)
    return ordered
