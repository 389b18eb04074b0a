"""P14 claims: every solver has the published defaults, and asks for values where the stated radii say."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._later import LATER
from zoba_bench.verification.claims._pairs import Control, build, with_controls
from zoba_bench.verification.claims.whole_step import SETTINGS

__all__ = ["quick_claims", "standard_claims"]

_STATEMENT = (
    "Every default is the published one, and neighbouring queries of a step are as far apart as the stated radii say."
)
# One direction, and radii that are far from each other and from the moves of z.
_ONE: dict[str, Any] = {"l1": 1, "l2": 1}
_TWO_RADII: dict[str, Any] = {**_ONE, "h": 1e-4, "eta": 1e-3}
# The tuned radius of x is that of z up to a factor: here of 10.
_TUNED: dict[str, Any] = {**_ONE, "h": 1e-4, "radius_rule": "tuned", "curvature_ratio": 0.01}
_FINE: dict[str, Any] = {"h": 1e-6, "eta": 1e-5}
_LOOPS: dict[str, Any] = {**_FINE, "t_k": 2, "b_k": 2, "s_k": 1}
#: Options by solver, of those whose box states radii.
_OPTIONS: dict[str, dict[str, Any]] = {
    "zoba": _TWO_RADII, "zoba-tuned": _TUNED, "zoba-mixed": _TWO_RADII, "hf-zoba": _TUNED,
    "hf-zoba-shared": {**_TWO_RADII, "h_bar": 1e-2}, "zmdsba": _LOOPS, "zdsba": {**_LOOPS, "moves": "block"},
    "zo-penalty": {**_FINE, "l": 1, "T_b": 2}, "pzobo": {"N": 2, "Q": 1, "eta": 1e-5, "directions": "sphere"},
    "hozog": {"q": 1, "inner_steps": 2, "eta": 1e-5},
    **{name: {"inner_steps": 2, "eta": 1e-5, "eta_power": 0.0} for name in ("gfm", "s-szd", "o-zd", "lozo")},
    "mezo-bcd": {"inner_steps": 2, "eta": 1e-5, "block_size": 100},
    "zo-sogd": {"l1": 1, "l2": 1, "rho_r": 1e-6, "rho_s": 1.2e-6},
}  # fmt: skip
#: The same with published radii, that of x left to be that of z; z moves far beyond it.
_ONE_LOOP: dict[str, Any] = {"t_k": 1, "b_k": 1, "s_k": 1, "beta": 0.3}
_ONE_RADIUS: dict[str, dict[str, Any]] = {
    "zoba": _ONE, "zoba-mixed": _ONE, "hf-zoba": _ONE, "hf-zoba-shared": _ONE, "zmdsba": _ONE_LOOP, "zdsba": _ONE_LOOP,
    "zo-penalty": {"l": 1, "T_b": 1, "beta": 0.3}, "pzobo": {"N": 1, "Q": 1},
}  # fmt: skip
_REPLICATES = 400


def quick_claims() -> list[Claim]:
    """Every solver but those of ``LATER``: a claim takes milliseconds."""
    return [claim for claim in standard_claims() if claim.solver not in LATER]


def standard_claims() -> list[Claim]:
    """Every solver."""
    solvers = dict.fromkeys(setting.solver for setting in SETTINGS)
    found = [claim for solver in solvers for claim in _settings(solver, "settings", _OPTIONS.get(solver, {}))]
    return found + [claim for solver in _ONE_RADIUS for claim in _settings(solver, "one-radius", _ONE_RADIUS[solver])]


def _settings(solver: str, what: str, options: dict[str, Any]) -> list[Claim]:
    problem = next(setting.problem for setting in SETTINGS if setting.solver == solver)
    parameters = {"problem": problem, "options": options, "replicates": _REPLICATES}
    claim = build(f"P14/{solver}/{what}", _STATEMENT, "exact", 0.0, parameters, problem=problem["name"])
    # A default is compared exactly, so that one control of it, where no radius is stated, shows what all would.
    words, doubled = "a published number is twice as large", "default_doubled"
    if solver in _OPTIONS:
        words, doubled = "the stated radii are twice as large", "radius_doubled"
    return with_controls(claim, Control(f"P14/{solver}/control-{what}", words, {doubled: True}))
