"""Cells of an experiment: named tasks with parameters, keys, seeds and code fingerprints."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import platform
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from zoba_bench.about import IMPORTED
from zoba_bench.directions import generator
from zoba_bench.machine import blas_kernels
from zoba_bench.solvers.base import StepWarning
from zoba_bench.tasks import READS, resolve
from zoba_bench.threads import one_thread

__all__ = ["Cell", "CellError", "fingerprint", "plan_fingerprint", "run_cell"]

# Neither wiring nor presentation can change the result of a cell; certificates and derivations only that of a task that
# says so, since predictions enter cells as parameters. The catalogue is covered as a source of problems, wherever it is
# installed; a user's file by its hashes, which are among the parameters.
_OUTSIDE_FINGERPRINT = ("cli/", "report/", "certification/", "theory/", "problems/", "integrations/")

#: What plans of claims are made with, beside the engine, the problems and the solvers.
_OF_PLANS = ("certification", "claims", "theorems", "updates")


#: In JSON, "folder/file.py:name", with or without a hash of the file.
_IN_A_FOLDER = re.compile(r'"[^"]*[/\\]([^"/\\]+\.py:\w+(?:@[0-9a-f]+)?)"')


class CellError(RuntimeError):
    """A cell's task raised; the message carries the task, its parameters and the cause."""


@dataclass(frozen=True)
class Cell:
    """A task with everything that determines its result.

    Attributes
    ----------
    task : str
        A name of :data:`zoba_bench.tasks.TASKS`, or "module:function"; the function takes the parameters as
        keywords and ``rng``, and returns a mapping that JSON can hold.
    parameters : mapping
        JSON values only.
    seed : int
        Root seed; the cell's own stream is derived from it and from the key, without the folders of a user's files.
    """

    task: str
    parameters: Mapping[str, Any]
    seed: int = 0
    key: str = field(init=False)
    _stream: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        content = json.dumps(
            {"task": self.task, "parameters": dict(self.parameters), "seed": self.seed},
            sort_keys=True, allow_nan=False,
        )  # fmt: skip
        object.__setattr__(self, "key", _digest(content))
        # The same file elsewhere is another cell, since a worker has to find it, with the same random numbers.
        object.__setattr__(self, "_stream", _digest(_IN_A_FOLDER.sub(r'"\1"', content)))

    def rng(self) -> np.random.Generator:
        """The cell's generator: a function of the root seed and of the key, but for folders of a user's files."""
        words = [int(self._stream[i : i + 8], 16) for i in range(0, 32, 8)]
        return generator(np.random.SeedSequence(self.seed, spawn_key=tuple(words)))


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def run_cell(cell: Cell) -> dict[str, Any]:
    """Run a cell's task with one BLAS thread; its result is the same in any process."""
    task = resolve(cell.task)
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", StepWarning)  # where a run went is judged, not where it might have gone
        try:
            return dict(task(rng=cell.rng(), **cell.parameters))
        except (ArithmeticError, ValueError, TypeError, LookupError, MemoryError, RuntimeError) as error:
            shown = json.dumps(dict(cell.parameters), sort_keys=True)
            raise CellError(f"{cell.task} with {shown} failed: {type(error).__name__}: {error}") from error


def fingerprint(task: str = "") -> str:
    """Hash of the sources that can change a result, and of the versions they run on.

    Covers the engine, every registered problem and solver (built in or plugged in), Python, numpy and the kernel of
    its BLAS, scipy and scikit-learn.

    Parameters
    ----------
    task : str
        A cell's, for what :data:`zoba_bench.tasks.READS` says that it reads beside these.

    Raises
    ------
    CellError
        If a source was edited after this process imported the package: what runs here is
        then not what the files say.
    """
    return _hash(READS.get(task, ()))


def plan_fingerprint() -> str:
    """Hash of all sources that predictions are derived with: those of :func:`fingerprint`, the derivations, the exact
    updates, the certificates and the suites, and the version of sympy."""
    return _hash(_OF_PLANS)


@functools.cache
def _hash(reads: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for name, path in _sources(reads):
        _add(digest, name, path)
    versions = [platform.python_version(), np.__version__, importlib.metadata.version("scipy"), platform.machine()]
    versions += blas_kernels()
    if importlib.util.find_spec("sklearn") is not None:
        versions.append(importlib.metadata.version("scikit-learn"))
    if reads:
        versions.append(importlib.metadata.version("sympy"))
    digest.update(repr(versions).encode())
    return digest.hexdigest()[:32]


def _sources(reads: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Name and place of the sources that a task with these reads can use."""
    from zoba_bench.registry import sources

    engine = Path(__file__).parent
    outside = tuple(folder for folder in _OUTSIDE_FINGERPRINT if folder.rstrip("/") not in reads)
    for path in sorted(engine.rglob("*.py")):
        relative = path.relative_to(engine).as_posix()
        if not relative.startswith(outside):
            yield relative, path
    kinds = ["problems", "solvers", *(kind for kind in reads if not (engine / kind).is_dir())]
    modules = {module for kind in kinds for module in sources(kind)}
    for root in sorted({root for module in modules for root in _source_roots(module)}):
        for path in [root] if root.is_file() else sorted(root.rglob("*.py")):
            yield path.name, path


def _add(digest: Any, name: str, path: Path) -> None:
    # A time in the future is a clock's fault, not an edit.
    if IMPORTED < path.stat().st_mtime <= time.time():
        raise CellError(
            f"{path} was edited after this process imported zoba_bench, so its results could not be told from "
            "those of the code before; start a new process"
        )
    digest.update(name.encode() + b"\0" + path.read_bytes())


def _source_roots(module: str) -> list[Path]:
    """The folders or file whose sources a module may use: its package, for a plug-in its whole top level."""
    top = module.partition(".")[0]
    package = ".".join(module.split(".")[:2]) if top == "zoba_bench" else top
    spec = importlib.util.find_spec(package or module)
    if spec is None:  # of a broken plug-in: what cannot be imported changes no result
        return []
    if spec.submodule_search_locations:
        return [Path(location) for location in spec.submodule_search_locations]
    return [Path(str(spec.origin))]
