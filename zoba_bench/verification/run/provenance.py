"""What a run's verdicts rest on: the versions, the code, and the derivations that the report shows."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

from zoba_bench.about import VERSION
from zoba_bench.errors import DerivationError
from zoba_bench.registry import list_theorems, theorem
from zoba_bench.sweep import fingerprint

__all__ = ["derivations", "provenance"]


def provenance() -> dict[str, Any]:
    """Versions and the code fingerprint that a verdict rests on."""
    import scipy
    import sympy

    return {
        "zoba_bench": VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "sympy": sympy.__version__,
        "machine": platform.machine(),
        "fingerprint": fingerprint(),
    }


def derivations(solvers: set[str]) -> dict[str, Any]:
    """Rendered derivations of the theorems used and of their estimators; a refused one says why.

    None where no theorem is used.
    """
    found = {}
    used = solvers & set(list_theorems())
    for name in sorted(used | {"estimators"} if used else used):
        try:
            found[name] = theorem(name).render()
        except DerivationError as error:
            found[name] = {"refused": str(error)}
    return found
