"""Runs in a file, a line each, so that a benchmark that was ended goes on where it was.

A run belongs to its class, problem, method and limit, and to what made it: the sources of the benchmark, those of
``zb.minimize`` for that method, the package's version for a peer. Runs of other sources stay in the file, unused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
from functools import lru_cache
from pathlib import Path

import zoba_bench

from .methods import METHODS, OWN
from .referee import Run

__all__ = ["Store", "fingerprint"]

_HERE = Path(__file__).parent
_REFEREE = ("classes", "problems", "ridge", "white_box", "referee", "race", "methods")
_PEERS = ("peers", "fd_implicit", "inner_solve")
_DISTRIBUTIONS = {"pybobyqa": "Py-BOBYQA", "cma": "cma", "nevergrad": "nevergrad", "optuna": "optuna"}
#: Of zoba_bench: what ``minimize`` runs.
_OWN_SOURCES = ("minimization", "arrays.py", "oracle.py", "problem/building.py", "problem/bilevel.py", "validation.py")


@lru_cache
def fingerprint(method: str) -> str:
    """Hash of what a method's runs are made by."""
    package = Path(zoba_bench.__file__).parent
    files = [_HERE / f"{name}.py" for name in _REFEREE]
    if method == OWN:
        for name in _OWN_SOURCES:
            path = package / name
            files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    else:
        files += [_HERE / f"{name}.py" for name in _PEERS]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    module = METHODS[method].module
    for name in ("numpy", "scipy", *([_DISTRIBUTIONS.get(module, module)] if module else [])):
        digest.update(f"{name} {importlib.metadata.version(name)}\0".encode())
    return digest.hexdigest()[:16]


class Store:
    """Runs by what they belong to; each new one is on disk when it is done. Several processes may add to one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._runs: dict[str, Run] = {}
        self.reused = 0
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    row = json.loads(line)
                    self._runs[row["key"]] = Run(**row["run"])
                except (ValueError, KeyError, TypeError):
                    continue  # a line that was cut when the process ended

    @staticmethod
    def key(kind: str, seed: int, index: int, method: str, limit: int) -> str:
        """What a run belongs to."""
        return f"{kind}|{seed}|{index}|{method}|{limit}|{fingerprint(method)}"

    def find(self, key: str) -> Run | None:
        """The run, if it has been made."""
        run = self._runs.get(key)
        self.reused += run is not None
        return run

    def add(self, key: str, run: Run) -> None:
        """Write a run."""
        self._runs[key] = run
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, "run": dataclasses.asdict(run)}) + "\n")
