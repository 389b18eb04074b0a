"""The page docs/measured/mutants.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .planting import Outcome

__all__ = ["PAGE", "lines", "rate", "summary"]

PAGE = Path(__file__).parents[3] / "docs" / "measured" / "mutants.md"
_HEAD = """\
# Wrong derivations

A proof that proves itself says nothing. Here places of the code of the theory are changed, one at a time: a constant, a
sign, a power, a term, a factor of Young's inequality. Every theorem that rests on the changed file is then derived
again, as `zoba-bench derive --check` does. A changed derivation is refused where a step fails and says why. What ends in
an error of another kind (a name that is missing, say) fails too, but is not counted as refused. Where no step refuses,
tests of the theory are tried.

```sh
python -m tests.theory.mutants --jobs 2 --page
```

The command needs a checkout, and is not run in the tests because it takes a quarter of an hour; a sample of it is.

"""


def rate(outcomes: Sequence[Outcome]) -> float:
    """The share that ``derive --check`` refuses."""
    return sum(outcome.derived for outcome in outcomes) / len(outcomes)


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many are refused by what."""
    kinds = Counter(outcome.kind for outcome in outcomes)
    derived = kinds["step"] + kinds["building"]
    found = f"{derived} of {len(outcomes)} changed places ({100 * rate(outcomes):.1f} %) are refused by a derivation"
    more = [f"{kinds['test']} by a test", f"{kinds['crash']} end in another error"]
    more += [f"{kinds[kind]} took too long" for kind in ("long",) if kinds[kind]]
    return f"{found}, {', '.join(more)}; nothing refuses {kinds['nothing']}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def lines(outcomes: Sequence[Outcome]) -> list[str]:
    """The whole page."""
    by_what = {"nothing": "**nothing**", "long": "**took too long**"}
    rows = [
        f"| `{one.mutant.file}` | {_cell(one.mutant.words)} | "
        + (by_what.get(one.kind) or _cell(f"{'ended in an error: ' if one.kind == 'crash' else ''}{one.by}"))
        + " |"
        for one in outcomes
    ]
    return [
        *_HEAD.splitlines(),
        summary(outcomes),
        "",
        "| file | what is changed | refused by |",
        "|---|---|---|",
        *rows,
    ]
