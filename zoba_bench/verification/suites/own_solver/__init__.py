"""What the protocols say of a solver of one's own: what it declares, how it behaves, and what it reaches.

Every claim has controls that cost nothing more: the declaration made wrong, judged on the same cells.

``parts`` gathers the claims. ``declared`` makes those on what the solver declares of one iteration, with the help of
``pilot``, ``behaviour`` those on how it behaves, ``reached`` those on whole runs, and ``of_theorem`` those that are
made of a theorem's own solver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.whole_step import numbers
from zoba_bench.verification.suite import Suite
from zoba_bench.verification.suites.own_solver.behaviour import add_bits, add_conduct, add_independence
from zoba_bench.verification.suites.own_solver.declared import add_counts, add_steps
from zoba_bench.verification.suites.own_solver.of_theorem import add_of_theorem
from zoba_bench.verification.suites.own_solver.parts import SMALL, Parts
from zoba_bench.verification.suites.own_solver.reached import add_reached
from zoba_bench.verification.suites.own_solver.trial import placed, trial

__all__ = ["own_solver_suite"]


def own_solver_suite(solver: str, options: Mapping[str, Any]) -> tuple[Suite, dict[str, str]]:
    """Claims on one solver, and protocols with the reason why each is left out.

    Parameters
    ----------
    solver, options
        As :func:`zoba_bench.verification.solver_spec.solver_spec` returns them.

    Raises
    ------
    ValueError, TypeError
        For a solver that cannot be built or fits no problem, and for a declaration of a wrong form or shape.
    """
    build_solver(solver, options)
    parts = Parts(solver, dict(options), [], {})
    small = parts.fitting(SMALL)
    if not small:
        lacks = build_solver(solver, options).lacking(build_problem(SMALL[0]))
        raise ValueError(f"{parts.title} fits none of the problems it is tried on; it needs {', and '.join(lacks)}")
    for spec in small:
        trial(parts, spec)
    with placed(parts, "counts that are declared"):
        add_counts(parts, small)
    with placed(parts, "a first look at mean steps"):
        add_steps(parts)
    add_bits(parts, small)
    with placed(parts, "a first look at what is random"):
        add_independence(parts, small)
    add_conduct(parts, small)
    add_reached(parts)
    add_of_theorem(parts)
    parts.left_out["other iterations"] = _not_looked_at(parts)
    return (
        Suite("own", f"What can be measured on {parts.title}.", tuple(parts.claims), {"solver": solver}),
        parts.left_out,
    )


def _not_looked_at(parts: Parts) -> str:
    """Which iterations counts and mean steps are looked at; between them a mistake is not seen."""
    counts = max((claim.parameters["iterations"] for claim in parts.claims if claim.protocol == "P1d"), default=0)
    later = {k for claim in parts.claims if claim.protocol == "P1d" for k in claim.parameters.get("later", ())}
    judged = [claim for claim in parts.claims if claim.protocol == "P10" and claim.controls]
    steps = {k for claim in judged for k in numbers(claim.parameters)}
    said = []
    if counts:
        said.append(f"counts are looked at for k = 0 to {counts - 1}{', '.join(['', *map(str, sorted(later))])}")
    if steps:
        said.append(f"mean steps at k = {', '.join(map(str, sorted(steps)))}")
    return "; ".join([*said, "runs (P13) for 2000 iterations, by what they reach"])
