"""P11: replicates, iterations, levels and cells of every solver that draws are independent."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._later import LATER
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["quick_claims", "standard_claims"]

_RIPPLE: dict[str, Any] = {"name": "logcosh_ripple", "p": 6, "d": 9}
_SUM: dict[str, Any] = {"name": "quad_sum", "p": 4, "d": 9, "n_inner": 16, "n_outer": 16}
_FEW: dict[str, Any] = {"name": "quad_sum", "p": 3, "d": 2, "n_inner": 6, "n_outer": 6}
_TASKS: dict[str, Any] = {"name": "two_task"}

#: One setting with noise for every solver that draws; AID-BiO, ITD-BiO and MEHA do not.
_NOISY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{solver: (_SUM, {"l1": 5}) for solver in ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")},
    **dict.fromkeys(("soba", "saba", "stocbio"), (_FEW, {})),
    "fom": (_TASKS, {}),
    "ufom": (_TASKS, {"q": 0.5}),
    "ufom-adaptive": (_TASKS, {"q": 0.5}),
    "f2sa": (_SUM, {"inner_steps": 2}),
    "zmdsba": (_SUM, {"t_k": 2, "b_k": 2, "s_k": 5}),
    "zdsba": (_SUM, {"t_k": 2, "b_k": 2}),
    "zo-penalty": (_SUM, {}),
    "pzobo": (_SUM, {"batch": 2, "N": 2}),
    "hozog": (_RIPPLE, {"inner_steps": 2}),
    "zo-sogd": (_SUM, {}),
    "gfm": (_SUM, {"q": 2, "batch": 2, "inner_steps": 2, "training": "gradients"}),
    **dict.fromkeys(("s-szd", "o-zd", "mezo-bcd", "lozo"), (_RIPPLE, {"inner_steps": 2, "training": "gradients"})),
    "vrzsbo-like": (_FEW, {"q": 0.3, "b1": 3, "b2": 3}),
    "fednest": (_SUM, {"batch": 1}),
    "amigo": (_FEW, {"b1": 2, "b2": 2, "inner_steps": 2}),
    **dict.fromkeys(("fsla", "srba"), (_FEW, {"b1": 2, "b2": 2})),
    "vrbo": (_FEW, {"b1": 2, "b2": 2, "N": 2, "inner_steps": 2, "period": 5}),
    "bsa": (_FEW, {"b1": 2, "b2": 2, "N": 3, "inner_steps": 2}),
    **dict.fromkeys(("ttsa", "sustain", "mrbo"), (_FEW, {"b1": 2, "b2": 2, "N": 3})),
}
_INDEPENDENT = (
    "Increments of two replicates, of a step and the next, and of two cells, the samples of both levels and those of "
    "one batch are uncorrelated, and no query repeats a direction; measured is the largest rank correlation over what "
    "chance allows."
)


def quick_claims() -> list[Claim]:
    """One solver of each kind: values, sampled derivatives, tasks."""
    return [claim for solver in ("hf-zoba", "soba", "ufom") for claim in _independent(solver)]


def standard_claims() -> list[Claim]:
    """Every solver that draws, each with its replicates identical in pairs as the control."""
    return [claim for solver in _NOISY for claim in _independent(solver)]


def _independent(solver: str) -> list[Claim]:
    problem, options = _NOISY[solver]
    draws = 120 if solver in LATER else 250
    parameters = {"problem": problem, "options": options, "draws": draws, "replicates": 4}
    claim = build(f"P11/{solver}/independence", _INDEPENDENT, "at_most", 0.0, parameters, problem=problem["name"])
    wrong = f"control:{solver}-paired"
    return with_controls(claim, Control(f"P11/{wrong}/independence", solver=wrong))
