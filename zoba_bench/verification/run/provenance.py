"""What a run's verdicts rest on: the versions, the code, and the derivations that the report shows.

A run names the derivations and the fingerprint of their code. They are rendered for a report alone, which takes a
while, and kept in the ledger under that fingerprint.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from zoba_bench.about import VERSION
from zoba_bench.errors import DerivationError
from zoba_bench.ledger import Ledger
from zoba_bench.machine import origin
from zoba_bench.registry import list_theorems, theorem
from zoba_bench.sweep import fingerprint

__all__ = ["DERIVING", "command", "derivations", "provenance", "render_missing", "rendered", "rendering_cost"]

DERIVING = "zoba_bench.verification.protocols.proofs:derivation"  # reads what a rendered derivation depends on
_SECONDS = 4.0  # of rendering one that never was


def provenance() -> dict[str, Any]:
    """Versions, machine and code that a verdict rests on."""
    made_with = origin()
    return {
        "zoba_bench": VERSION,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("numpy", "scipy", "sympy")},
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        # Of numpy alone: which others are loaded depends on what ran, and a repeated run would seem to differ.
        "blas": ", ".join(made_with["blas"]) or "unknown",
        "commit": made_with["commit"] or "not a checkout",
        "fingerprint": fingerprint(),
    }


def command(
    suite: str, seed: int, problem: str | None, solver: Any, claims: Iterable[str], only: Mapping[str, Iterable[str]]
) -> str:
    """The command that repeats a run; of a solver that was handed over as an object, what stands for it."""
    words = ["zoba-bench", "verify"]
    if problem is not None:
        words += ["--problem", problem]
    elif solver is not None:
        words += ["--solver", solver if isinstance(solver, str) else f"FILE.PY:{getattr(solver, '__name__', 'OBJECT')}"]
    else:
        words += ["--suite", suite]
    words += ["--seed", str(int(seed))]
    words += [word for name in claims for word in ("--claim", name)]
    words += [word for key, values in only.items() for value in values for word in ("--only", f"{key}={value}")]
    return shlex.join(words)


def derivations(solvers: set[str]) -> dict[str, str]:
    """The theorems used, and their estimators, each with the fingerprint of the code that derives it.

    None where no theorem is used.
    """
    used = solvers & set(list_theorems())
    return {name: fingerprint(DERIVING) for name in sorted(used | {"estimators"} if used else used)}


def rendering_cost(wanted: Iterable[str], ledger: Ledger) -> tuple[int, float]:
    """How many of these derivations a report has to render, and CPU-seconds that takes."""
    mark = fingerprint(DERIVING)
    missing = [name for name in wanted if not ledger.holds_text("derivation", name, mark)]
    return len(missing), sum(ledger.text_seconds("derivation", name) or _SECONDS for name in missing)


def rendered(name: str) -> tuple[dict[str, Any], float]:
    """A derivation as the report shows it, and the CPU-seconds that took; a refused one says why."""
    start = time.process_time()
    try:
        content = theorem(name).render()
    except DerivationError as error:
        content = {"refused": str(error)}
    return content, time.process_time() - start


def render_missing(ledger: Ledger, progress: Callable[[int, int, str], None] | None = None) -> None:
    """Render the derivations of the newest run that the ledger lacks.

    Those of other code than this one cannot be rendered any more, and the report goes without them.
    """
    mark = fingerprint(DERIVING)
    missing = [name for name, wanted in ledger.missing_derivations().items() if wanted == mark]
    for number, name in enumerate(missing, start=1):
        ledger.put_text("derivation", name, mark, *rendered(name))
        if progress is not None:
            progress(number, len(missing), name)
