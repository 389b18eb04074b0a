"""What the protocols say of a problem of one's own.

Its certificate, counts, and moments and mean steps where it declares enough. What no solver could run on, as a function
that mixes the points which it is given, is an error before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.certification.shapes import NON_FINITE, shapes
from zoba_bench.exactness import check_exact
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.inner_check import check_inner_solution
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims import counts, mean_step, moments, proofs
from zoba_bench.verification.protocols.shared.named import build_problem
from zoba_bench.verification.suite import Suite

__all__ = ["own_suite"]

# What P2 and P2s compare with.
_NEEDED = (
    "inner_solution", "inner_grad_z", "outer_grad_z", "outer_grad_x", "inner_hvp_zz", "inner_jvp_xz", "inner_hessian",
    "outer_hessian",
)  # fmt: skip
#: Nodes of a tensor grid that a cell may hold; beyond, directions are drawn.
_NODES = 50_000
# The claims that are made on a built-in problem are made on this one instead.
_TEMPLATE, _SAMPLED, _BATCHES = "quad_general", "diabetes_ridge", "diabetes_ridge-batches"


def own_suite(spec: Mapping[str, Any]) -> tuple[Suite, dict[str, str]]:
    """Claims on one problem, given as {"name": ..., "file_hash": ..., parameters}, and what cannot be claimed.

    Returns
    -------
    Suite, and protocols with the reason why each is left out

    Raises
    ------
    ValueError
        For a problem on which nothing can be measured: functions of wrong shapes or that mix points, a start that does
        not fit, a wrong inner solution, a level that is declared exact and is not.
    """
    problem = build_problem(spec)
    check_exact(problem)
    _check_shapes(problem, str(spec["name"]))
    check_inner_solution(problem)
    claims = proofs.of_own(problem, spec) + [_of_counts(claim, spec) for claim in counts.of_levels()]
    left_out = {}
    missing = [name for name in _NEEDED if getattr(problem, name) is None]
    if missing:
        left_out["P2, P2s"] = f"not declared: {', '.join(missing)}"
    else:
        claims += _of_moments(problem, spec)
        if problem.stochastic or not _fits(problem, 6):
            left_out["P2s"] = "needs exact values and few dimensions: its tensor grid is too large"
        else:
            claims += [
                _moved(c, _TEMPLATE, problem.name, spec) for c in mean_step.quick_claims() if c.problem == _TEMPLATE
            ]
    return Suite("own", f"What can be measured on {spec['name']}.", tuple(claims)), left_out


def _check_shapes(problem: BilevelProblem, name: str) -> None:
    """Refuse what ``zoba-bench check`` refuses before it measures; values that are not finite are a run's to report."""
    with np.errstate(all="ignore"):
        checks = shapes(problem, np.random.default_rng(0))
    failed = [check for check in checks if not check.ok and check.detail != NON_FINITE]
    if failed:
        words = "; ".join(f"{check.name}: {check.detail}" for check in failed)
        raise ValueError(f"problem {name}: {words}. `zoba-bench check` shows every check")


def _of_counts(claim: Claim, spec: Mapping[str, Any]) -> Claim:
    return replace(claim, problem=str(spec["name"]), parameters={**claim.parameters, "problems": [dict(spec)]})


def _of_moments(problem: BilevelProblem, spec: Mapping[str, Any]) -> list[Claim]:
    """The claims on nodes where they fit, else those on draws; batches of samples where there are any."""
    batches = [c for c in moments.quick_claims() if c.id.endswith(f"/{_BATCHES}")]
    drawn = [c for c in moments.quick_claims() if c.id.endswith(f"/{_SAMPLED}")]
    nodes = [c for c in moments.quick_claims() if c.id.endswith(f"/{_TEMPLATE}")]
    if problem.stochastic:
        return [_moved(c, _BATCHES, problem.name, spec) for c in batches]
    if _fits(problem, 6):
        return [_moved(c, _TEMPLATE, problem.name, spec) for c in nodes]
    return [_moved(c, _SAMPLED, problem.name, spec) for c in drawn]


def _fits(problem: BilevelProblem, order: int) -> bool:
    # zoba-mixed draws second directions too, on a grid of order 4.
    nodes: int = max(order ** (problem.p + problem.d), 4 ** (2 * problem.p + problem.d))
    return nodes <= _NODES


def _moved(claim: Claim, template: str, name: str, spec: Mapping[str, Any]) -> Claim:
    """The same claim on another problem."""

    def renamed(key: str) -> str:
        return f"{key.removesuffix(template)}{name}"

    return replace(
        claim,
        id=renamed(claim.id),
        problem=str(spec["name"]),
        parameters={**claim.parameters, "problem": dict(spec)},
        controls=tuple(map(renamed, claim.controls)),
    )
