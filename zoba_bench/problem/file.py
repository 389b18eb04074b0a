"""Problems of one's own from "file.py:name"."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from zoba_bench.problem.bilevel import BilevelProblem
from zoba_bench.problem.building import NEEDED, title_of
from zoba_bench.problem.inner_check import check_inner_solution

__all__ = ["file_spec", "is_file", "load_file"]


def is_file(name: object) -> bool:
    """Whether a problem's name is "file.py:name" (or a file whose name was forgotten)."""
    return isinstance(name, str) and (name.endswith(".py") or ".py:" in name)


def file_spec(name: str) -> dict[str, Any]:
    """What names a problem in a cell: for a file, its name and the hash of its content."""
    if not is_file(name):
        return {"name": name}
    path, _ = _split(name)
    return {"name": name, "file_hash": _digest(path)}


def load_file(
    name: str,
    *,
    file_hash: str | None = None,
    checked: bool = True,
    **options: Any,
) -> BilevelProblem:
    """A problem from "file.py:name".

    Parameters
    ----------
    name : str
        The path of a Python file, and what it calls the problem: a BilevelProblem, a function that returns one,
        or a class or an object as :meth:`BilevelProblem.from_object` takes.
    file_hash : str, optional
        SHA-256 that the file must have.
    checked : bool
        Refuse a declared inner solution that does not minimise G.
    **options
        Arguments of the function or class.

    Raises
    ------
    ValueError
        For a file that is not there, does not run, was edited, or whose z* is wrong.
    TypeError
        For a name that is no problem, or options that it does not take.
    """
    path, attribute = _split(name)
    digest = _digest(path)
    if file_hash is not None and digest != file_hash:
        raise ValueError(f"{path} was edited since this run was planned (its SHA-256 is {digest}, not {file_hash})")
    module = _module(str(path.resolve()), digest)
    if not hasattr(module, attribute):
        raise ValueError(f"{path} has no {attribute!r}; {_offers(module)}")
    problem = _build(f"{path}:{attribute}", getattr(module, attribute), options)
    if problem.name == title_of(problem.outer):  # it was given none
        problem = replace(problem, name=attribute)
    if checked:
        check_inner_solution(problem)
    return problem


def _split(name: str) -> tuple[Path, str]:
    path, colon, attribute = name.rpartition(":")
    if not colon or not path.endswith(".py"):
        path, attribute = name, ""
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"there is no file {path!r} (seen from {Path.cwd()}); a problem of your own is file.py:name")
    if not attribute.isidentifier():
        offers = _offers(_module(str(file.resolve()), _digest(file)))
        raise ValueError(f"which problem of {path}? Write {path}:name; {offers}")
    return file, attribute


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@functools.cache
def _module(path: str, digest: str) -> ModuleType:
    """The file's module. Cached by content, so that a cell does not run the file again."""
    # Under a name of its own: dataclasses and pickle look a module up there.
    title = f"zoba_bench_user_{digest[:16]}"
    spec = importlib.util.spec_from_file_location(title, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[title] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[title]
        where = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        raise ValueError(f"{path} cannot be run: {type(error).__name__}: {error}{where}") from error
    return module


def _offers(module: ModuleType) -> str:
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (isinstance(value, BilevelProblem) or getattr(value, "__module__", None) == module.__name__)
    ]
    return f"it defines {', '.join(own)}" if own else "it defines nothing that could be one"


def _build(title: str, target: Any, options: Mapping[str, Any]) -> BilevelProblem:
    wanted = "a BilevelProblem, a function that returns one, or a class or object with p, d, inner and outer"
    if callable(target) and (inspect.isclass(target) or not any(hasattr(target, name) for name in NEEDED)):
        known = list(inspect.signature(target).parameters)
        for option in options:
            if option not in known:
                takes = ", ".join(known) or "none"
                raise TypeError(f"{title} has no option {option!r}; its options are {takes}")
        try:
            target = target(**options)
        except TypeError as error:
            raise TypeError(f"{title} could not be called with {dict(options)}: {error}; wanted is {wanted}") from error
    elif options:
        raise TypeError(f"{title} is an object and takes no options, got {', '.join(options)}")
    if isinstance(target, BilevelProblem):
        return target
    if not any(hasattr(target, name) for name in NEEDED):
        raise TypeError(f"{title} is {_article(type(target).__name__)}; wanted is {wanted}")
    try:
        return BilevelProblem.from_object(target)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{title}: {error}") from error


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
