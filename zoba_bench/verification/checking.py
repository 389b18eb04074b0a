"""A claim against what its protocol takes; every error names the claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zoba_bench.problem.file import is_file
from zoba_bench.registry import names
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.parameters import solver_options, unknown
from zoba_bench.verification.protocols import PROTOCOLS, load_protocol

__all__ = ["check_claim", "protocol_of"]


def protocol_of(claim: Claim) -> Any:
    """The module of a claim's protocol.

    Raises
    ------
    ValueError
        If there is no protocol of that name.
    """
    if claim.protocol not in PROTOCOLS:
        raise ValueError(f"claim {claim.id!r}: {unknown('protocol', claim.protocol, PROTOCOLS)}")
    return load_protocol(claim.protocol)


def check_claim(claim: Claim) -> None:
    """Raise ValueError, which names the claim, unless it is one that its protocol can measure.

    Checked are the names of protocol, solver and problem, and the parameters as the protocol declares them; not
    whether the numbers make sense together, which planning finds.
    """
    protocol = protocol_of(claim)
    try:
        protocol.PARAMETERS.check(claim.parameters, claim.solver)
        if not getattr(protocol, "SIMULATED", False):
            solver_options(claim.solver)
            _check_problem(claim)
    except ValueError as error:
        raise ValueError(f"claim {claim.id!r} ({claim.protocol}): {error}") from error


def _check_problem(claim: Claim) -> None:
    """The claim's problem is one that its parameters name, or "all" of several."""
    known = names("problems")
    if claim.problem not in ("all", *known) and not is_file(claim.problem):
        problem = unknown("problem", claim.problem, known, listed=False)
        raise ValueError(f"{problem}`zoba-bench list` shows all; 'all' stands for those that the parameters name")
    named = sorted(set(_named(claim.parameters)))
    if claim.problem != "all" and named and claim.problem not in named:
        raise ValueError(f"problem is {claim.problem!r}, the parameters name {', '.join(named)}")


def _named(value: Any, key: str = "") -> Iterator[str]:
    """Names of the problems in a claim's parameters."""
    if isinstance(value, Mapping):
        if key in ("problem", "problems") and isinstance(value.get("name"), str):
            yield value["name"]
        for inner, part in value.items():
            yield from _named(part, inner)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _named(part, key)
