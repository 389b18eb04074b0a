"""How claims and their controls are built: each control is its claim with one thing made wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.controls import CONTROLS

__all__ = ["Control", "build", "sharing_controls", "with_controls"]


@dataclass(frozen=True)
class Control:
    """What a control has that its claim has not.

    Attributes
    ----------
    id : str
    words : str
        What is wrong, as the statement says it; a wrong estimator's own words if empty.
    changed : mapping
        The parameters that differ from the claim's.
    solver : str
        A wrong estimator, or another solver, that runs in place of the claim's; the claim's own if empty.
    """

    id: str
    words: str = ""
    changed: Mapping[str, Any] = field(default_factory=dict)
    solver: str = ""


def build(
    key: str,
    statement: str,
    relation: str,
    tolerance: float,
    parameters: Mapping[str, Any],
    *,
    problem: str = "reference",
    solver: str | None = None,
    controls: tuple[str, ...] = (),
    quantity: str = "",
) -> Claim:
    """A derived claim.

    Parameters
    ----------
    key : str
        Its id, "PROTOCOL/solver/what": the protocol is read from it, and the solver if none is given.
    statement, relation, tolerance, parameters, problem, controls
        As in :class:`~zoba_bench.verification.claim.Claim`.
    quantity : str
        Which of the protocol's quantities is claimed, where it measures several.
    """
    protocol, second, *_ = key.split("/")
    chosen = {"quantity": quantity} if quantity else {}
    return Claim(
        key, statement, protocol, second if solver is None else solver, problem, relation, tolerance,
        {**parameters, **chosen}, controls=controls,
    )  # fmt: skip


def with_controls(claim: Claim, *controls: Control) -> list[Claim]:
    """The claim, which names its controls, and after it each of them."""
    return sharing_controls([claim], *controls)


def sharing_controls(claims: Sequence[Claim], *controls: Control) -> list[Claim]:
    """The claims, which all name the same controls, and after them each control: the first claim made wrong."""
    ids = tuple(control.id for control in controls)
    named = [replace(claim, controls=(*claim.controls, *ids)) for claim in claims]
    return [*named, *(_made_wrong(claims[0], control) for control in controls)]


def _made_wrong(claim: Claim, control: Control) -> Claim:
    solver, parameters = control.solver or claim.solver, {**claim.parameters, **control.changed}
    if (solver, parameters) == (claim.solver, claim.parameters):
        raise ValueError(f"control {control.id!r} changes nothing of claim {claim.id!r}")
    statement = f"Control: {control.words or CONTROLS[solver].mistake}."
    return replace(
        claim, id=control.id, statement=statement, solver=solver, parameters=parameters, origin="control", source="",
        controls=(), finding=False,
    )  # fmt: skip
