"""What a run's verdicts rest on: the versions, the code, and the derivations that the report shows.

A run names the derivations and the fingerprint of their code. They are rendered for a report alone, which takes a
while, and kept in the ledger under that fingerprint.
"""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Iterable
from typing import Any

from zoba_bench.about import VERSION
from zoba_bench.errors import DerivationError
from zoba_bench.ledger import Ledger
from zoba_bench.registry import list_theorems, theorem
from zoba_bench.sweep import fingerprint

__all__ = ["DERIVING", "derivations", "provenance", "render_missing", "rendered", "rendering_cost"]

DERIVING = "zoba_bench.verification.protocols.proofs:derivation"  # reads what a rendered derivation depends on
_SECONDS = 4.0  # of rendering one that never was


def provenance() -> dict[str, Any]:
    """Versions and the code fingerprint that a verdict rests on."""
    return {
        "zoba_bench": VERSION,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("numpy", "scipy", "sympy")},
        "machine": platform.machine(),
        "fingerprint": fingerprint(),
    }


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


def render_missing(ledger: Ledger) -> None:
    """Render the derivations of the newest run that the ledger lacks.

    Those of other code than this one cannot be rendered any more, and the report goes without them.
    """
    mark = fingerprint(DERIVING)
    for name, wanted in ledger.missing_derivations().items():
        if wanted == mark:
            ledger.put_text("derivation", name, mark, *rendered(name))
