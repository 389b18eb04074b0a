"""Solvers of one's own from "file.py:Class".

The name of such a solver ends in the hash of its file and of the local modules that the file imports:
"file.py:Class@0123456789ab". The name stands in every cell, so an edited solver has other cells. A worker process
builds the solver from the name alone.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from zoba_bench.contracts import HasOptions, Solver, lacking
from zoba_bench.errors import SOLVER_MODULE

__all__ = [
    "checked_solver_class", "is_solver_file", "load_solver_class", "local_files", "name_of_solver", "title_of_solver",
]  # fmt: skip

_DIGITS = 12
#: Names that are never local modules, whatever stands beside the file.
_NEVER_LOCAL = {*sys.stdlib_module_names, "numpy", "scipy", "sympy", "zoba_bench"}
#: What to write for a member that a class lacks.
_ADD = {
    "name": 'name: ClassVar[str] = "my-solver"',
    "tolerance_quantity": 'tolerance_quantity: ClassVar[str] = "what State.estimate is"',
    "init": "def init(self, oracle, rng, z, v, x), which returns the State of iteration 0",
    "step": "def step(self, state), which returns the next State",
}


def is_solver_file(name: object) -> bool:
    """Whether a solver's name is "file.py:Class", with or without its hash."""
    return isinstance(name, str) and (name.endswith(".py") or ".py:" in name)


def name_of_solver(solver: str) -> str:
    """The name with its hash, of "file.py:Class"; ValueError for a file that is not there."""
    path, attribute, _ = _split(solver)
    return f"{path}:{attribute}@{_digest(path)}"


def title_of_solver(name: str) -> str:
    """The name in short: a file's own name and the class, without folder and hash."""
    if not is_solver_file(name):
        return name
    path, attribute, _ = _split(name)
    return f"{path.name}:{attribute}"


def load_solver_class(name: str) -> Any:
    """The class behind "file.py:Class" or "file.py:Class@hash".

    Raises
    ------
    ValueError
        For a file that is not there, does not run or was edited since its hash was taken, or that lacks the class.
    TypeError
        For what is no class of a solver; the error says what to add.
    """
    path, attribute, wanted = _split(name)
    digest = _digest(path)
    if wanted and digest != wanted:
        raise ValueError(f"{path} was edited since this run was planned (its hash is {digest}, not {wanted})")
    module = _module(str(path.resolve()), digest)
    if not hasattr(module, attribute):
        raise ValueError(f"{path} has no {attribute!r}; {_offers(module)}")
    found = getattr(module, attribute)
    if not inspect.isclass(found):
        raise TypeError(f"{path}:{attribute} is no class but {type(found).__name__}; {_offers(module)}")
    return checked_solver_class(found, f"solver {path}:{attribute}")


def checked_solver_class(found: type, title: str) -> Any:
    """The class; a TypeError that says what to add where it lacks members of a solver."""
    members = {*lacking(found, Solver), *lacking(found, HasOptions)}
    if len(members) > len(_ADD):
        raise TypeError(
            f"{title} lacks {', '.join(sorted(members))}. A frozen dataclass that inherits from "
            f"zoba_bench.solvers.base.Solver has all of them but {', '.join(_ADD)}. Add: {'; '.join(_ADD.values())}"
        )
    missing = sorted({*members, *getattr(found, "__abstractmethods__", ())})
    if missing:
        words = "; ".join(_ADD.get(member, member) for member in missing)
        raise TypeError(f"{title} lacks {', '.join(missing)}. Add: {words}")
    if isinstance(needs := getattr(found, "needs", ()), str):
        raise TypeError(f'needs of {title} must be a tuple of names: write needs = ("{needs}",)')
    if options := _undeclared_options(found):
        name = options[0]
        raise TypeError(
            f"{title} is no dataclass, so that {', '.join(options)} are no options: write @dataclass(frozen=True) "
            f"above the class and an annotation, {name}: float = ...; of a constant, {name}: ClassVar[float] = ..."
        )
    return found


def _undeclared_options(kind: type) -> list[str]:
    """What looks like an option of a class that is not decorated: annotated names, numbers, and its parent's options.

    A subclass without options of its own needs no decorator.
    """
    if "__dataclass_fields__" in vars(kind):
        return []
    annotated = {name: str(words) for name, words in inspect.get_annotations(kind).items()}
    numbers = [
        name for name, value in vars(kind).items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not name.startswith("_")
        and name not in (*annotated, "declared_reduction")
    ]  # fmt: skip
    return [*[name for name, words in annotated.items() if "ClassVar" not in words], *numbers]


def local_files(path: Path) -> list[Path]:
    """The file and the modules beside it that it imports, and that these import."""
    folder = path.resolve().parent
    found: list[Path] = []
    waiting = [path.resolve()]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.append(file)
        for top in _imported(file.read_bytes()):
            package = folder / top
            if (folder / f"{top}.py").is_file():
                waiting.append(folder / f"{top}.py")
            elif (package / "__init__.py").is_file():
                waiting.extend(sorted(package.rglob("*.py")))
    return sorted(found)


@functools.cache
def _imported(content: bytes) -> tuple[str, ...]:
    """First words of the modules that a source imports; none of one that cannot be read as Python."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return ()
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module and not node.level
    ]
    return tuple(top for name in names if (top := name.partition(".")[0]) not in _NEVER_LOCAL)


def _split(name: str) -> tuple[Path, str, str]:
    """Path, class and hash."""
    before, at, digest = name.rpartition("@")
    if not at or ".py:" not in before:
        before, digest = name, ""
    path, colon, attribute = before.rpartition(":")
    if not colon or not path.endswith(".py"):
        path, attribute = before, ""
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"there is no file {path!r} (seen from {Path.cwd()}); a solver of your own is file.py:Class")
    if not attribute.isidentifier():
        offers = _offers(_module(str(file.resolve()), _digest(file)))
        raise ValueError(f"which solver of {path}? Write {path}:Class; {offers}")
    return file, attribute, digest


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    folder = path.resolve().parent
    for file in local_files(path):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:_DIGITS]


@functools.cache
def _module(path: str, digest: str) -> ModuleType:
    """The file's module. Cached by content, so that a cell does not run the file again."""
    title = f"{SOLVER_MODULE}{digest}"
    spec = importlib.util.spec_from_file_location(title, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    files = {str(file) for file in local_files(Path(path))}
    # A local module that was imported under older content, or another folder's of the same name, is read anew.
    local = {Path(file).stem for file in files} | {Path(file).parent.name for file in files if "__init__" in file}
    for name in [name for name in sys.modules if name.partition(".")[0] in local - _NEVER_LOCAL]:
        del sys.modules[name]
    importlib.invalidate_caches()
    sys.modules[title] = module  # dataclasses and pickle look a module up there
    sys.path.insert(0, str(Path(path).parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[title]
        where = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        raise ValueError(f"{path} cannot be run: {type(error).__name__}: {error}{where}") from error
    finally:
        sys.path.remove(str(Path(path).parent))
    return module


def _offers(module: ModuleType) -> str:
    own = [
        name for name, value in vars(module).items()
        if not name.startswith("_") and inspect.isclass(value) and value.__module__ == module.__name__
    ]  # fmt: skip
    return f"it defines {', '.join(own)}" if own else "it defines no class"
