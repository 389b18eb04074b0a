"""The tasks of cells: name -> "module:function".

A cell's key and random numbers follow from its task's name, so a name never changes; what it stands for moves with
the code. The names are the places where the functions stood when their numbers were first drawn.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["READS", "TASKS", "resolve", "target"]

_RUNS = "zoba_bench.verification.protocols.shared.runs"
_PROTOCOLS = "zoba_bench.verification.protocols"
_APPLICATIONS = "zoba_bench.comparison.applications"

TASKS: dict[str, str] = {
    "zoba_bench.verification.tasks:count": f"{_RUNS}:count",
    "zoba_bench.verification.tasks:trajectory": f"{_RUNS}:trajectory",
    "zoba_bench.verification.tasks:crossing": f"{_RUNS}:crossing",
    "zoba_bench.verification.tasks:one_step": f"{_RUNS}:one_step",
    "zoba_bench.verification.protocols.calibration:simulate": f"{_PROTOCOLS}.error_rates:simulate",
    "zoba_bench.verification.protocols.moments:measure": f"{_PROTOCOLS}.moments:measure",
    "zoba_bench.verification.protocols.update:mean_move": f"{_PROTOCOLS}.mean_step:mean_move",
    "zoba_bench.verification.protocols.inequalities:one_steps": f"{_PROTOCOLS}.inequalities:one_steps",
    "zoba_bench.verification.protocols.bounds:trajectory": f"{_PROTOCOLS}.bounds:trajectory",
    "zoba_bench.verification.protocols.accuracy:final": f"{_PROTOCOLS}.accuracy:final",
    "zoba_bench.verification.protocols.determinism:orders": f"{_PROTOCOLS}.determinism:orders",
    "zoba_bench.verification.protocols.determinism:digests": f"{_PROTOCOLS}.determinism:digests",
    "zoba_bench.verification.protocols.proofs:derivation": f"{_PROTOCOLS}.proofs:derivation",
    "zoba_bench.verification.protocols.proofs:certificate": f"{_PROTOCOLS}.proofs:certificate",
    "zoba_bench.verification.protocols.whole_step:steps_from": f"{_PROTOCOLS}.whole_step:steps_from",
    "zoba_bench.verification.protocols.independence:increments": f"{_PROTOCOLS}.independence:increments",
    "zoba_bench.verification.protocols.mean_run:last_iterates": f"{_PROTOCOLS}.mean_run:last_iterates",
    "zoba_bench.verification.cost:idle": "zoba_bench.verification.run.cost:idle",
    "query_distances": f"{_PROTOCOLS}.settings:distances",
    "planned_run": f"{_PROTOCOLS}.planned:planned_run",
    "zoba_bench.comparison.trial:trial": "zoba_bench.comparison.trial:trial",
    "zoba_bench.comparison.applications.runs:application_run": f"{_APPLICATIONS}.runs:application_run",
    "zoba_bench.comparison.applications.runs:application_reference": f"{_APPLICATIONS}.runs:application_reference",
    "zoba_bench.comparison.ratios.runs:arrival": "zoba_bench.comparison.ratios.runs:arrival",
}


#: What a task reads beside the engine, the problems and the solvers, by its name: kinds of the registry, or folders of
#: the engine that no other task uses. Its results are not reused after an edit of it.
READS: dict[str, tuple[str, ...]] = {
    "zoba_bench.verification.protocols.proofs:derivation": ("theorems",),
    "zoba_bench.verification.protocols.proofs:certificate": ("certification",),
}


def target(name: str) -> str:
    """The "module:function" of a task; a name that is not in the table is one itself, as another package's are."""
    return TASKS.get(name, name)


def resolve(name: str) -> Callable[..., Mapping[str, Any]]:
    """The function of a task."""
    module, _, function = target(name).partition(":")
    found: Callable[..., Mapping[str, Any]] = getattr(importlib.import_module(module), function)
    return found
