"""P5: runs on every problem whose assumptions hold, each against its theorem's certified bound."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._bound_runs import RUNS, Runs
from zoba_bench.verification.claims._pairs import Control, build, with_controls
from zoba_bench.verification.controls import CONTROLS

__all__ = ["quick_claims", "standard_claims"]

_STARTS = {
    "family": "from a far x0 with exact z and v",
    "cold": "from a far x0 with the family's z0 and v0 = 0",
    "solution": "from the exact solution",
    "origin": "from x0 = 0 with exact z and v",
}
_WRONG = {
    "directions": "{} times the directions",
    "samples": "{} times the samples",
    "iterations": "{} times the iterations",
    "start": "a {}th of every error at the start",
}
_QUICK = (
    "P5/zoba/reference/family",
    "P5/zoba/reference/solution",
    "P5/hf-zoba-shared/quad_general/family",
    "P5/zoba/logcosh_ripple/family",
    "P5/zoba-mixed/minimax_quad/family",
)


def quick_claims() -> list[Claim]:
    """Five claims with their controls, in a few seconds."""
    known = {claim.id: claim for claim in standard_claims()}
    return [known[name] for key in _QUICK for name in (key, *known[key].controls)]


def standard_claims() -> list[Claim]:
    """Every claim, a solver and its runs each, followed by its controls; the suite "bounds" is these."""
    return [claim for runs in RUNS for solver in runs.directions for claim in _pair(runs, solver)]


def _pair(runs: Runs, solver: str) -> list[Claim]:
    parameters = {
        "problem": {"name": runs.problem, **runs.instance},
        "options": _options(runs, solver),
        "start": runs.start,
        "iterations": runs.iterations,
        "replicates": runs.replicates,
    }
    if runs.psi_at_least is not None:
        parameters["psi_at_least"] = runs.psi_at_least
    plain = {name: value for name, value in runs.instance.items() if name != "options"} | runs.instance.get(
        "options", {}
    )
    size = ", ".join(f"{name} = {value:g}" for name, value in plain.items()) or "defaults"
    statement = (
        f"On {runs.problem} ({size}) {_STARTS[runs.start]} the mean of |grad Psi|^2 over {runs.iterations} "
        "iterations is at most the certified bound."
    )
    where = f"{runs.problem}-{runs.variant}" if runs.variant else runs.problem
    key = f"P5/{solver}/{where}/{runs.start}"
    words = "the bound of a run with " + " and ".join(_WRONG[name].format(n) for name, n in runs.wrong.items())
    controls = [Control(f"{key}/control-{'-'.join(runs.wrong)}", words, {"wrong": dict(runs.wrong)})]
    if solver == "hf-zoba" and runs.start == "solution" and "samples" not in runs.wrong:
        words = "the bound of shared directions for a run whose directions are independent"
        controls.append(Control(f"{key}/control-shared", words, {"wrong": {"theorem": "hf-zoba-shared"}}))
    controls += [
        Control(f"P5/{name}/{where}/{runs.start}", solver=name, changed={"replicates": runs.replicates // 2})
        for name in runs.mutated
        if CONTROLS[name].mutates == solver
    ]
    return with_controls(build(key, statement, "at_most", 0.0, parameters, problem=runs.problem), *controls)


def _options(runs: Runs, solver: str) -> dict[str, Any]:
    l = runs.directions[solver]
    chosen = {"schedule": "constant", "rho": runs.rho, "gamma": runs.gamma, "h": runs.h, "l1": l, "l2": l}
    if solver in ("hf-zoba", "hf-zoba-shared"):
        chosen |= {"h_bar": runs.h, "normalize_h_bar": True}
    if solver == "hf-zoba":
        chosen["outer_directions"] = "independent"
    return chosen | dict(runs.options.get(solver, {}))
