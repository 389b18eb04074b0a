"""A suite: claims with their controls, the matrix of what is measured on what, and a selection of its claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from zoba_bench.registry import list_problems, missing_requirements
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.parameters import unknown

__all__ = ["KEYS", "Suite", "problems_of", "select", "together"]

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


def together(*parts: Iterable[Claim]) -> tuple[Claim, ...]:
    """All claims in this order; one that several parts have, once."""
    claims: dict[str, Claim] = {}
    for part in parts:
        for claim in part:
            if claims.setdefault(claim.id, claim) != claim:
                raise ValueError(f"two claims with id {claim.id!r} differ")
    return tuple(claims.values())


#: What claims can be chosen by, and which values a claim has.
KEYS = {
    "solver": lambda claim: [claim.solver],
    "problem": lambda claim: [claim.problem, *problems_of(claim)],
    "protocol": lambda claim: [claim.protocol],
    "origin": lambda claim: [claim.origin],
}


def select(suite: Suite, claims: Iterable[str] = (), only: Mapping[str, str | Iterable[str]] | None = None) -> Suite:
    """The suite with the chosen claims and their controls alone, in its order.

    The confidence of a run is shared by the claims that are run: a selection is a family of its own.

    Parameters
    ----------
    suite : Suite
    claims : iterable of str
        Ids; all claims if empty.
    only : mapping, optional
        Values by key, a key in ``solver``, ``problem``, ``protocol`` and ``origin``. A claim must have one of the
        values of every key. Controls are not chosen by what they are, but come with their claims; only where no
        other claim has these values are controls chosen themselves.

    Raises
    ------
    ValueError
        For an id, a key or a value that the suite does not have, with the nearest ones; where nothing is left.
    """
    wanted = [claims] if isinstance(claims, str) else list(claims)
    values = {key: _several(value) for key, value in (only or {}).items()}
    if not wanted and not values:
        return suite
    known = {claim.id: claim for claim in suite.claims}
    for name in wanted:
        if name not in known:
            hint = unknown(f"claim of suite {suite.name!r}:", name, known, listed=False)
            raise ValueError(f"{hint}--list shows all {len(known)}")
    for key, words in values.items():
        if key not in KEYS:
            raise ValueError(unknown("key", key, KEYS))
        there = sorted({value for claim in suite.claims for value in KEYS[key](claim) if value})
        for word in words:
            if word not in there:
                raise ValueError(unknown(f"{key} in suite {suite.name!r}:", word, there))
    fitting = [claim for claim in suite.claims if (not wanted or claim.id in wanted) and _fits(claim, values)]
    if not fitting:
        raise ValueError(f"no claim of suite {suite.name!r} is left by {_words(wanted, values)}")
    honest = [claim for claim in fitting if claim.origin != "control" or claim.id in wanted] or fitting
    how = _words(wanted, values)
    kept = {claim.id for claim in honest} | {control for claim in honest for control in claim.controls}
    return replace(
        suite,
        description=f"{suite.description} Selected: {len(kept)} of its {len(known)} claims, by {how}.",
        claims=tuple(claim for claim in suite.claims if claim.id in kept),
        provenance={**suite.provenance, "selection": how},
    )


def _several(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _fits(claim: Claim, values: Mapping[str, list[str]]) -> bool:
    return all(set(KEYS[key](claim)) & set(words) for key, words in values.items())


def _words(wanted: list[str], values: Mapping[str, list[str]]) -> str:
    parts = [f"claim {', '.join(wanted)}"] if wanted else []
    return "; ".join([*parts, *(f"{key} {' or '.join(words)}" for key, words in values.items())])
