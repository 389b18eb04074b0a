"""Some of a suite's claims, with the controls that they need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.parameters import unknown
from zoba_bench.verification.suite import Suite, problems_of

__all__ = ["KEYS", "select"]

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
