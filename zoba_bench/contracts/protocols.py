"""What the engine asks of a protocol of verification, and of the parameters of its claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, runtime_checkable

__all__ = ["ClaimParameters", "HasWork", "SimulatedProtocol", "VerificationProtocol"]

Claim = TypeVar("Claim", contravariant=True)
Plan = TypeVar("Plan")
Measurement = TypeVar("Measurement", covariant=True)


class ClaimParameters(Protocol):
    """What the parameters of a claim may be."""

    def check(self, given: Mapping[str, Any], solver: str) -> None:
        """Raise ValueError for an unknown, missing or malformed parameter; it lists what is taken."""
        ...

    def describe(self) -> str:
        """All names in words."""
        ...


@runtime_checkable
class VerificationProtocol(Protocol[Claim, Plan, Measurement]):
    """One way to measure a claim: a module with these members.

    Attributes
    ----------
    TITLE : str
        What it measures, as a report's heading says it.
    PARAMETERS : ClaimParameters
    """

    @property
    def TITLE(self) -> str: ...
    @property
    def PARAMETERS(self) -> ClaimParameters: ...

    def plan(self, claim: Claim, seed: int) -> Plan:
        """The cells that the claim needs, with the predictions.

        Raises DerivationError where the derivation that should predict the value refuses it, and ValueError for a claim
        that cannot be measured.
        """
        ...

    def judge(
        self, claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float
    ) -> Measurement:  # fmt: skip
        """What was seen, from the results of the cells by key, with limits at this confidence level."""
        ...


@runtime_checkable
class SimulatedProtocol(Protocol):
    """A protocol that may set ``SIMULATED`` to True: no solver runs, so a claim's solver and problem are only names."""

    @property
    def SIMULATED(self) -> bool: ...


@runtime_checkable
class HasWork(Protocol):
    """A module of tasks with ``WORK``: task name -> function(parameters, general) that estimates what a cell does."""

    @property
    def WORK(self) -> Mapping[str, Any]: ...
