"""zoba-bench: verified benchmarks and theory checks for zeroth-order bilevel optimisation.

The public names are loaded when first used, so that importing the package is fast. To read the package, begin with
``problem``, ``oracle`` and ``contracts``; then follow a run through ``solvers``, ``driver`` and ``result``, and a
measurement through ``sweep`` (cells), ``execution``, ``ledger`` and ``verification``. CONTRIBUTING.md has the whole
tree.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zoba_bench.about import VERSION

if TYPE_CHECKING:
    from zoba_bench.api import solve
    from zoba_bench.frames import to_dataframe
    from zoba_bench.minimization import minimize
    from zoba_bench.problem import BilevelProblem, Card, Constants
    from zoba_bench.problem import BilevelProblem as Problem
    from zoba_bench.registry import list_problems, list_solvers, list_theorems, load_problem, theorem
    from zoba_bench.report.rates import plot_rates
    from zoba_bench.result import Result, Status
    from zoba_bench.verification.run.verify import verify

__version__ = VERSION

__all__ = [
    "BilevelProblem",
    "Card",
    "Constants",
    "Problem",
    "Result",
    "Status",
    "list_problems",
    "list_solvers",
    "list_theorems",
    "load_problem",
    "minimize",
    "plot_rates",
    "solve",
    "theorem",
    "to_dataframe",
    "verify",
]

_HOMES = {
    "BilevelProblem": "problem:BilevelProblem",
    "Card": "problem:Card",
    "Constants": "problem:Constants",
    "Problem": "problem:BilevelProblem",
    "Result": "result:Result",
    "Status": "result:Status",
    "list_problems": "registry:list_problems",
    "list_solvers": "registry:list_solvers",
    "list_theorems": "registry:list_theorems",
    "load_problem": "registry:load_problem",
    "minimize": "minimization:minimize",
    "plot_rates": "report.rates:plot_rates",
    "solve": "api:solve",
    "theorem": "registry:theorem",
    "to_dataframe": "frames:to_dataframe",
    "verify": "verification.run.verify:verify",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zoba_bench' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    value = getattr(importlib.import_module(f"zoba_bench.{module}"), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
