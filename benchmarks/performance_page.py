"""The table of ``benchmarks.floors``, and its page of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["page", "row", "title"]

Case = dict[str, Any]
Times = dict[str, float]

#: Columns: heading, and how a cell follows from the microseconds.
_COLUMNS = {
    "before": ("µs before", lambda t: f"{t['before']:.4g}"),
    "now": ("µs", lambda t: f"{t['now']:.4g}"),
    "faster": ("before / now", lambda t: f"{t['before'] / t['now']:.2f}"),
    "floor": ("over draws and oracle calls", lambda t: f"{t['now'] / t['floor']:.2f}"),
    "bare": ("over draws and direct calls", lambda t: f"{t['now'] / t['bare']:.2f}"),
    "jax": ("over JAX", lambda t: f"{t['now'] / t['jax']:.2f}"),
}


def _shown(names: Sequence[str]) -> list[str]:
    return [name for name in _COLUMNS if name in names or (name == "faster" and "before" in names)]


def title(names: Sequence[str]) -> str:
    """The head of the table for what was timed."""
    heads = ["p = d", "l1", "R", *(_COLUMNS[name][0] for name in _shown(names))]
    return f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}"


def row(case: Case, times: Times) -> str:
    """A row of the table."""
    cells = [str(case[name]) for name in ("size", "l1", "replicates")]
    cells += [_COLUMNS[name][1](times) for name in _shown(list(times))]
    return f"| {' | '.join(cells)} |"


#: What is asked for: which cases, the column, and the most that it may be.
_TARGETS: tuple[tuple[str, Callable[[Case], bool], str, float], ...] = (
    ("p, d >= 100", lambda c: c["size"] >= 100, "bare", 1.2),
    ("p = d = 5, 16 replicates", lambda c: c["size"] == 5 and c["replicates"] > 1, "bare", 1.6),
    ("p = d = 5, one replicate", lambda c: c["size"] == 5 and c["replicates"] == 1, "bare", 3.0),
    ("all", lambda c: True, "jax", 1.0),
)

_TOP = """\
# What an iteration costs

CPU time of an iteration and replicate of `{solver}` on `{family}`, one thread, the least of {repeats} runs in turns
with what it is compared with. The machine was not idle: differences of ten percent are noise. Written by (not run in
the tests: it takes long, and times differ)

```sh
pip install -e ".[peers]"
{command}
```

{table}
{ended}
- *over draws and oracle calls*: the time over that of the same random numbers, points and single queries of the oracle.
- *over draws and direct calls*: the same without the oracle, by single direct calls of the problem's functions. A
  solver that asks for several sets of points in one call can need less for them than these floors.
- *over JAX*: the time over that of the same algorithm as one jitted loop of JAX in float64 on one thread, which draws
  its own directions. Given the same directions, three iterations must agree with the solver's up to rounding before
  anything is timed; that is left out where directions come in blocks (arrays of more than 2^22 entries).
{before}
## Targets

{targets}

## Why they are missed

- Few directions in one replicate: an iteration is about 350 calls of Python and numpy on arrays of a few hundred
  bytes, a microsecond or less each. A jitted loop has none. The bits of results are kept, which rules out more queries
  in one product: a product with another number of rows may round differently.
- Above that, what is left over the floor is arithmetic of the solver: differences, projections w'v and five means over
  directions, each a pass of its own over the directions.
"""


def page(rows: Sequence[tuple[Case, Times]], command: str, repeats: int, number: int) -> str:
    """The whole page, with what is known after some of a number of cases."""
    rows = sorted(rows, key=lambda each: [each[0][name] for name in ("size", "l1", "replicates")])
    case, times = rows[0]
    before = "- *before*: the version before several queries went into one call.\n" if "before" in times else ""
    return _TOP.format(
        ended=f"\nThe run was ended after {len(rows)} of {number} cases.\n" if len(rows) < number else "",
        solver=case["solver"], family=case["family"], repeats=repeats, command=command, before=before,
        table="\n".join([title(list(times)), *(row(*each) for each in rows)]), targets=_targets(rows),
    )  # fmt: skip


def _targets(rows: Sequence[tuple[Case, Times]]) -> str:
    lines = ["| cases | ratio | at most | met in | worst | missed at (p = d, l1, R) |", "|---|---|---|---|---|---|"]
    for words, chosen, column, most in _TARGETS:
        found = [(t["now"] / t[column], c) for c, t in rows if chosen(c) and column in t]
        if found:
            missed = [f"({c['size']}, {c['l1']}, {c['replicates']})" for ratio, c in found if ratio > most]
            cells = [
                words, _COLUMNS[column][0], f"{most:g}", f"{len(found) - len(missed)} of {len(found)}",
                f"{max(ratio for ratio, _ in found):.2f}", ", ".join(missed) or "-",
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
