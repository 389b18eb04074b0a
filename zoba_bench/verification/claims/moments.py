"""P2: the moments of every surrogate on every problem, each with a wrong estimator on the same problem and budget."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import BATCHES, DIABETES, SMALL, reference
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["quick_claims"]

_STATEMENT = (
    "Every surrogate has the exact derivative as its mean and the derived second moment; measured is the largest "
    "deviation over what remainder, rounding and sampling allow."
)
_WRONG = {
    "zoba": "control:hessian-factor",
    "zoba-mixed": "control:mixed-factor",
    "hf-zoba": "control:unshared-directions",
}
_SAMPLED: dict[str, Any] = {"replicates": 20_000, "cells": 4}
_BATCHED: dict[str, Any] = {**_SAMPLED, "cells": 12, "batches": {"l1": 2, "l2": 2, "b1": 3, "b2": 2}, "h": 2e-4}


def quick_claims() -> list[Claim]:
    """Three solvers on every small problem by quadrature, on real data by sampling, and there with batches too."""
    claims = []
    for solver, wrong in _WRONG.items():
        nodes = {"nodes": 4 if solver == "zoba-mixed" else 6}
        for name, spec in SMALL.items():
            claims += _pair(solver, wrong, name, spec, nodes)
        claims += _pair(solver, wrong, "diabetes_ridge", DIABETES, _SAMPLED)
        # Unshared directions are unbiased: only a second moment gives them away, and batches have none derived.
        biased = "control:hf-factor" if solver == "hf-zoba" else wrong
        claims += _pair(solver, biased, "diabetes_ridge-batches", BATCHES, _BATCHED)
    # Its mean differs by a transposition, so it needs p = d and a matrix that is not symmetric.
    return claims + _pair("zoba", "control:swapped-projection", "reference-square", reference(3, 3), {"nodes": 5})


def _pair(solver: str, wrong: str, what: str, problem: dict[str, Any], parameters: dict[str, Any]) -> list[Claim]:
    settings = {"h": 1e-3, "problem": problem, **parameters}
    claim = build(f"P2/{solver}/{what}", _STATEMENT, "at_most", 1.0, settings, problem=problem["name"])
    return with_controls(claim, Control(f"P2/{wrong}/{what}", solver=wrong))
