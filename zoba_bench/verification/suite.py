"""A suite: claims with their controls, and the matrix of what is measured on what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from zoba_bench.registry import list_problems, missing_requirements
from zoba_bench.verification.claim import Claim

__all__ = ["Suite", "problems_of"]

#: Who is named where a claim is about a problem, or the checker, alone.
NO_SOLVER = "no solver"


@dataclass(frozen=True)
class Suite:
    """Named claims; every control that a claim names must be among them.

    Attributes
    ----------
    name, description : str
    claims : tuple of Claim
    provenance : mapping
        What else a run of it rests on: a file's name and hash, a selection; strings by name.
    """

    name: str
    description: str
    claims: tuple[Claim, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ids = [claim.id for claim in self.claims]
        for claim in self.claims:
            if ids.count(claim.id) > 1:
                raise ValueError(f"suite {self.name!r} has two claims with id {claim.id!r}")
            for control in claim.controls:
                if control not in ids:
                    raise ValueError(f"claim {claim.id!r} names the control {control!r}, which the suite lacks")

    def without_missing(self) -> tuple[Suite, dict[str, str]]:
        """The suite without claims on problems that are not installed, and how to install each.

        A claim on several problems (a list in its parameters) keeps the installed ones.
        """
        hints: dict[str, str] = {}
        for name in list_problems():
            for extra in missing_requirements(name).values():
                hints[name] = f'pip install "zoba-bench[{extra}]"'
        kept = tuple(_installed(claim, hints) for claim in self.claims if claim.problem not in hints)
        return replace(self, claims=kept), hints

    def matrix(self) -> dict[str, dict[str, list[str]]]:
        """Protocol -> problem -> solvers, controls left out."""
        table: dict[str, dict[str, list[str]]] = {}
        for claim in self.claims:
            if claim.origin == "control":
                continue
            for problem in problems_of(claim):
                solvers = table.setdefault(claim.protocol, {}).setdefault(problem, [])
                who = claim.solver or NO_SOLVER
                if who not in solvers:
                    solvers.append(who)
        return table


def _installed(claim: Claim, hints: Mapping[str, str]) -> Claim:
    """The claim without those of its several problems that are not installed."""
    specs = claim.parameters.get("problems")
    if specs is None or not any(spec["name"] in hints for spec in specs):
        return claim
    installed = [spec for spec in specs if spec["name"] not in hints]
    return replace(claim, parameters={**claim.parameters, "problems": installed})


def problems_of(claim: Claim) -> list[str]:
    """Names of the problems that a claim is about."""
    specs = claim.parameters.get("problems")
    if isinstance(specs, (list, tuple)) and all(isinstance(s, Mapping) for s in specs):
        return sorted({str(spec["name"]) for spec in specs})
    runs = claim.parameters.get("runs")
    if isinstance(runs, (list, tuple)):
        own = [run for run in runs if run.get("solver", claim.solver) == claim.solver]
        return sorted({str(run["problem"]["name"]) for run in own})
    return [claim.problem]
