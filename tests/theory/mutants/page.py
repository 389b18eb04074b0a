"""The page docs/measured/mutants.md: rows of mutants that were judged replace those on it, the others stay."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from .planting import Mutant, Outcome

__all__ = ["PAGE", "cell", "key", "rate", "rows_of", "summary", "updated"]

PAGE = Path(__file__).parents[3] / "docs" / "measured" / "mutants.md"
_HEAD = """\
# Wrong derivations

A proof that proves itself says nothing. Here places of the code of the theory are changed, one at a time: a constant, a
sign, a power, a term, a factor of Young's inequality, an assumption. Every theorem that rests on the changed file is
then derived again, as `zoba-bench derive --check` does. A changed derivation is refused where a step fails and says
why. What ends in an error of another kind (a name that is missing, say) fails too, but is not counted as refused. Where
no step refuses, tests of the theory are tried.

This command needs a checkout and is not run in the tests, because it takes many minutes; a sample of it is:

```sh
python -m tests.theory.mutants --jobs 2 --page
```

"""
_TABLE = ["| file | what is changed | refused by |", "|---|---|---|"]
_ROW = re.compile(r"^\| `([^`]+)` \| (.*) \| (.*) \|$", re.MULTILINE)
_MARKS = {"test": "a test: ", "crash": "not counted, it ends in an error: ", "long": "**took too long**"}


def rate(outcomes: Sequence[Outcome]) -> float:
    """The share that ``derive --check`` refuses."""
    return sum(outcome.derived for outcome in outcomes) / len(outcomes)


def summary(kinds: Iterable[str]) -> str:
    """How many are refused by what, from the outcomes' kinds."""
    found = Counter(kinds)
    derived, number = found["step"] + found["building"], found.total()
    words = f"{derived} of {number} changed places ({100 * derived / number:.1f} %) are refused by a derivation"
    words += f", {found['test']} more by a test; {found['crash']} end in another error"
    if found["long"]:
        words += f", {found['long']} took too long"
    return f"{words}, and nothing refuses {found['nothing']}."


def cell(outcome: Outcome) -> str:
    """What the last column says."""
    by = _escaped(outcome.by)
    return {"nothing": "**nothing**", "long": _MARKS["long"]}.get(outcome.kind) or _MARKS.get(outcome.kind, "") + by


def key(mutant: Mutant) -> tuple[str, str]:
    """File and words, which no two mutants share."""
    return mutant.file, _escaped(mutant.words)


def rows_of(page: str) -> dict[tuple[str, str], str]:
    """The last column of the page by file and words."""
    return {(match[1], match[2]): match[3] for match in _ROW.finditer(page)}


def updated(page: str, outcomes: Iterable[Outcome], order: Iterable[Mutant]) -> str:
    """The page with these outcomes; rows are in this order, and those of mutants that are no more are left out."""
    rows = rows_of(page) | {key(one.mutant): cell(one) for one in outcomes}
    places = list(map(key, order))
    kept = [(place, rows[place]) for place in places if place in rows]
    head = summary(_kind(by) for _, by in kept)
    if len(kept) < len(places):
        head += f" {len(places) - len(kept)} more places of the tables have not been judged since they changed."
    lines = [f"| `{file}` | {words} | {by} |" for (file, words), by in kept]
    return _HEAD + "\n".join([head, "", *_TABLE, *lines]) + "\n"


def _kind(by: str) -> str:
    if by == "**nothing**":
        return "nothing"
    return next((kind for kind, mark in _MARKS.items() if by.startswith(mark)), "step")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
