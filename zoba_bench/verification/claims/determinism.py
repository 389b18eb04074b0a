"""P8: the same cell gives the same bits, for every built-in solver."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zoba_bench.registry import entry
from zoba_bench.solvers import SOLVERS
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import SMALL
from zoba_bench.verification.claims._later import LATER
from zoba_bench.verification.claims._pairs import Control, build, sharing_controls
from zoba_bench.verification.protocols.shared.named import build_problem

__all__ = ["quick_claims", "standard_claims"]

_STATEMENT = (
    "The same cell with the same seed gives the same bits of x, z, v, counts and history in every order among "
    "other cells, and in a process of its own."
)
#: Where bits are compared: the first two on which a solver can run. With exact values and with samples, if it can.
_PROBLEMS: tuple[dict[str, Any], ...] = (
    SMALL["reference"],
    {"name": "quad_sum", "p": 2, "d": 2, "n_inner": 8, "n_outer": 8},
    {"name": "two_task"},
    {"name": "l1_tracking"},
)


_WRONG = "control:global-generator"


def quick_claims() -> list[Claim]:
    """Every built-in solver but those of ``LATER`` in one list of runs, so that one fresh process serves them all.

    They have one control.
    """
    runs = _runs([solver for solver in SOLVERS if solver not in LATER])
    own = [{**run, "solver": _WRONG} for run in runs if run["solver"] == "zoba"]
    control = Control(f"P8/{_WRONG}/bits", solver=_WRONG, changed={"runs": own})
    return sharing_controls(_claims(runs), control)


def standard_claims() -> list[Claim]:
    """Those of ``LATER`` in another list; the control is that of the first one."""
    runs = _runs([solver for solver in SOLVERS if solver in LATER])
    return [replace(claim, controls=(f"P8/{_WRONG}/bits",)) for claim in _claims(runs)]


def _runs(solvers: list[str]) -> list[dict[str, Any]]:
    return [
        {"solver": solver, "problem": spec, "options": {}, "iterations": 3, "replicates": 2}
        for solver in solvers
        for spec in _two_problems(solver)
    ]


def _claims(runs: list[dict[str, Any]]) -> list[Claim]:
    return [
        build(f"P8/{solver}/bits", _STATEMENT, "exact", 0.0, {"runs": runs}, problem="all")
        for solver in dict.fromkeys(run["solver"] for run in runs)
    ]


def _two_problems(solver: str) -> list[dict[str, Any]]:
    return [spec for spec in _PROBLEMS if not entry("solvers", solver)().lacking(build_problem(spec))][:2]
