"""Problems of one's own from "file.py:name"."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from zoba_bench.problem.bilevel import BilevelProblem
from zoba_bench.problem.building import NEEDED, title_of
from zoba_bench.problem.depends import combined_hash, declared_files, forget_modules, local_modules, values_hash
from zoba_bench.problem.inner_check import check_inner_solution
from zoba_bench.problem.pickling import made_by

__all__ = ["file_spec", "is_file", "load_file"]


def is_file(name: object) -> bool:
    """Whether a problem's name is "file.py:name" (or a file whose name was forgotten)."""
    return isinstance(name, str) and (name.endswith(".py") or ".py:" in name)


def file_spec(name: str, **options: Any) -> dict[str, Any]:
    """What names a problem in a cell; for a file with the hashes of all that its values are known to depend on.

    Parameters
    ----------
    name : str
        A registered name, or "file.py:name".
    **options
        With which the problem is built.

    Returns
    -------
    dict
        "name"; for a file also "file_hash", the SHA-256 of its content; "depends_hash", of the modules beside it that
        it imports and of the data files that it declares, if there are any; and "values_hash", of F and G at a few
        fixed points, which sees an edit of what is not declared. The last is missing where the problem cannot be
        built with these options: building it for a run says why.
    """
    if not is_file(name):
        return {"name": name}
    path, attribute = _split(name)
    loaded = _load(path, attribute)
    spec = {"name": name, "file_hash": loaded.content}
    target = getattr(loaded.module, attribute, None)
    depends = _depends_hash(path, loaded, target)
    if depends is not None:
        spec["depends_hash"] = depends
    try:
        problem = _build(f"{path}:{attribute}", target, options)
    except (Exception, SystemExit):  # a user's factory may raise anything
        return spec
    return {**spec, "values_hash": values_hash(problem)}


def load_file(
    name: str,
    *,
    file_hash: str | None = None,
    depends_hash: str | None = None,
    values_hash: str | None = None,
    checked: bool = True,
    **options: Any,
) -> BilevelProblem:
    """A problem from "file.py:name".

    Parameters
    ----------
    name : str
        The path of a Python file, and what it calls the problem: a BilevelProblem, a function that returns one,
        or a class or an object as :meth:`BilevelProblem.from_object` takes.
    file_hash, depends_hash : str, optional
        What :func:`file_spec` found of the file, and of what it imports and declares; they must still be so.
    values_hash : str, optional
        Part of a cell's key alone: values are not computed again here.
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
    loaded = _load(path, attribute)
    module = loaded.module
    if depends_hash is not None and _depends_hash(path, loaded, getattr(module, attribute, None)) != depends_hash:
        raise ValueError(f"a file that {path} imports or declares was edited since this run was planned")
    if not hasattr(module, attribute):
        raise ValueError(f"{path} has no {attribute!r}; {_offers(module)}")
    problem = _build(f"{path}:{attribute}", getattr(module, attribute), options)
    if problem.name == title_of(problem.outer):  # it was given none
        problem = replace(problem, name=attribute)
    if checked:
        check_inner_solution(problem)
    return made_by(
        problem, load_file, f"{path.resolve()}:{attribute}", file_hash=digest, checked=False,
        depends_hash=_depends_hash(path, loaded, getattr(module, attribute)), **options,
    )  # fmt: skip


def _split(name: str) -> tuple[Path, str]:
    path, colon, attribute = name.rpartition(":")
    if not colon or not path.endswith(".py"):
        path, attribute = name, ""
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"there is no file {path!r} (seen from {Path.cwd()}); a problem of your own is file.py:name")
    if not attribute.isidentifier():
        offers = _offers(_load(file).module)
        raise ValueError(f"which problem of {path}? Write {path}:name; {offers}")
    return file, attribute


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class _Loaded:
    """A file's module, and the sources and data that it was run with."""

    module: ModuleType
    content: str
    modules: list[Path]
    declared: list[Path]
    combined: str


_loaded: dict[str, _Loaded] = {}


def _load(path: Path, attribute: str = "") -> _Loaded:
    """The file's module. It is run again where it, or what it imports or declares, was edited, and else kept."""
    key, content, modules = str(path.resolve()), _digest(path), local_modules(path)
    kept = _loaded.get(key)
    if kept is None or (kept.content, kept.modules, kept.combined) != (content, modules, _hash_of(path, modules, kept)):
        forget_modules(modules)
        module, declared = _run(path, content), []
    else:
        module, declared = kept.module, kept.declared
    declared = sorted({*declared, *declared_files(path, module, getattr(module, attribute, None))})
    _loaded[key] = _Loaded(module, content, modules, declared, combined_hash(path, [*modules, *declared]))
    return _loaded[key]


def _hash_of(path: Path, modules: list[Path], kept: _Loaded) -> str:
    return combined_hash(path, [file for file in [*modules, *kept.declared] if file.is_file()])


def _depends_hash(path: Path, loaded: _Loaded, target: Any) -> str | None:
    """Of imported modules and of the data that module and target declare; None where there are none."""
    files = [*loaded.modules, *declared_files(path, loaded.module, target)]
    return combined_hash(path, files) if files else None


def _run(path: Path, digest: str) -> ModuleType:
    """The module of a file, run as a script's is: with its folder first among the places of modules."""
    # Under a name of its own: dataclasses and pickle look a module up there.
    title = f"zoba_bench_user_{digest[:16]}"
    spec = importlib.util.spec_from_file_location(title, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[title] = module
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[title]
        where = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        raise ValueError(f"{path} cannot be run: {type(error).__name__}: {error}{where}") from error
    finally:
        sys.path.remove(folder)
        if folder not in sys.path:  # for what its functions import when they are called
            sys.path.append(folder)
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
        except SystemExit as error:
            raise ValueError(f"{title} called for the end of the program (code {error.code!r})") from error
        except Exception as error:
            error.add_note(f"raised by {title}")
            raise
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
