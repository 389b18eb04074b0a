"""What a problem in a file depends on beside the file itself: local modules, declared data, and values otherwise.

A cell of such a problem may be reused only while all of it is the same. Read it in this order: :func:`local_modules`
are found in the source, :func:`declared_files` are named by the user, :func:`values_hash` sees what is neither.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoba_bench.problem.bilevel import BilevelProblem

__all__ = ["combined_hash", "declared_files", "forget_modules", "local_modules", "values_hash"]

#: Points at which the values of F and G are part of a cell's key.
_PROBES = 5


def local_modules(path: Path) -> list[Path]:
    """Sources beside the file that it imports, directly or through each other; sorted.

    An import is found wherever it stands in the source, inside of functions too. Of a package in the folder all sources
    count. A module that is imported under a name made at run time is not found.
    """
    folder = path.resolve().parent
    found: set[Path] = set()
    todo = [path.resolve()]
    while todo:
        for name in _imported(todo.pop()):
            for source in _sources(folder, name.partition(".")[0]):
                if source not in found and source != path.resolve():
                    found.add(source)
                    todo.append(source)
    return sorted(found)


def _imported(source: Path) -> Iterator[str]:
    """Names of the modules that a source imports; those of its own package are counted with it."""
    try:
        tree = ast.parse(source.read_bytes())
    except (SyntaxError, ValueError):  # running it says so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module


def _sources(folder: Path, name: str) -> list[Path]:
    """The sources of a module beside the file; none where that name stands for another place already."""
    known = getattr(sys.modules.get(name), "__file__", None)
    if name == "zoba_bench" or (known is not None and not Path(known).resolve().is_relative_to(folder)):
        return []
    module, package = folder / f"{name}.py", folder / name
    if (package / "__init__.py").is_file():
        return sorted(package.rglob("*.py"))
    return [module] if module.is_file() else []


def declared_files(path: Path, *holders: Any) -> list[Path]:
    """The files that the ``files`` of a module, a class, a function or an object name, beside the file; sorted.

    Raises
    ------
    ValueError
        If they are no list of paths, or a file is not there.
    """
    named: set[Path] = set()
    for holder in holders:
        files = getattr(holder, "files", ())
        if not isinstance(files, (list, tuple)) or not all(isinstance(name, (str, Path)) for name in files):
            raise ValueError(f"files of {path} must be a list of paths of data files beside it, got {files!r}")
        for name in files:
            file = path.resolve().parent / name
            if not file.is_file():
                raise ValueError(f"files of {path} names {str(name)!r}, but there is no file {file}")
            named.add(file)
    return sorted(named)


def combined_hash(path: Path, others: Iterable[Path]) -> str:
    """SHA-256 of the names and the contents of files, the names as seen from the folder of ``path``."""
    digest, folder = hashlib.sha256(), path.resolve().parent
    for other in others:
        name = other.relative_to(folder).as_posix() if other.is_relative_to(folder) else str(other)
        digest.update(f"{name}\0{hashlib.sha256(other.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def forget_modules(sources: Iterable[Path]) -> None:
    """Let the next import of these sources read them again."""
    files = {str(source) for source in sources}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and str(Path(file).resolve()) in files:
            del sys.modules[name]


def values_hash(problem: BilevelProblem) -> str:
    """Hash of F and G at a few fixed points, to ten digits, which rounding in another order of sums leaves alone.

    A value that cannot be computed is a value too: runs will say why.
    """
    rng = np.random.default_rng(20260129)
    z, x = (rng.standard_normal((_PROBES, size)) for size in (problem.p, problem.d))
    words = []
    for function in (problem.inner, problem.outer):
        try:
            with np.errstate(all="ignore"):
                values = np.asarray(function(z.copy(), x.copy()), dtype=np.float64)
            words.append(" ".join(f"{value:.9e}" for value in values.ravel()))
        except Exception as error:  # a user's function may raise anything
            words.append(type(error).__name__)
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
