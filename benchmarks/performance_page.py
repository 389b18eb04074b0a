"""The table of ``benchmarks.floors``, and its page of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .floor import LONGER

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
    "compiled": ("µs compiled", lambda t: f"{t['compiled']:.4g}"),
    "gain": ("compiled / now", lambda t: f"{t['compiled'] / t['now']:.2f}"),
    "fast": ("compiled over JAX", lambda t: f"{t['compiled'] / t['jax']:.2f}"),
}

#: What the columns of ratios need beside their own name.
_NEEDS = {"faster": ("before",), "gain": ("compiled",), "fast": ("compiled", "jax")}


def _shown(names: Sequence[str]) -> list[str]:
    return [name for name in _COLUMNS if set(_NEEDS.get(name, (name,))) <= set(names)]


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
_TARGETS: tuple[tuple[str, Callable[[Case], bool], tuple[str, ...], str, float], ...] = (
    ("p, d >= 100", lambda c: c["size"] >= 100, ("now",), "bare", 1.2),
    ("p = d = 5, 16 replicates", lambda c: c["size"] == 5 and c["replicates"] > 1, ("now",), "bare", 1.6),
    ("p = d = 5, one replicate", lambda c: c["size"] == 5 and c["replicates"] == 1, ("now",), "bare", 3.0),
    ("p = d = 5, l1 = 10, one replicate", lambda c: _sizes(c) == (5, 10, 1), ("compiled",), "now", 0.2),
    ("all, numpy", lambda c: True, ("now",), "jax", 1.0),
    ("all, numpy or compiled", lambda c: True, ("now", "compiled"), "jax", 1.0),
)


def _sizes(case: Case) -> tuple[int, int, int]:
    return case["size"], case["l1"], case["replicates"]


_TOP = """\
# What an iteration costs

CPU time of an iteration and replicate of `{solver}` on `{family}`, one thread, the least of {repeats} runs in turns
with what it is compared with. The machine was not idle: differences of ten percent are noise. Written by (not run in
the tests: it takes long, and times differ)

```sh
pip install -e ".[peers,fast]"
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
- *compiled*: the loop of `zb.solve(..., compiled=True)` (extra `fast`), with the same random numbers and counts, in
  runs of {longer} times as many iterations; compiling, which takes seconds once a process, is not in it.
{before}
## Targets

{targets}

## Why they are missed

- Few directions in one replicate: an iteration is about 350 calls of Python and numpy on arrays of a few hundred
  bytes, a microsecond or less each. A jitted loop has none, and neither has the compiled one. The bits of results are
  kept, which rules out more queries in one product: a product with another number of rows may round differently.
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
        longer=LONGER, table="\n".join([title(list(times)), *(row(*each) for each in rows)]), targets=_targets(rows),
    )  # fmt: skip


def _targets(rows: Sequence[tuple[Case, Times]]) -> str:
    lines = ["| cases | ratio | at most | met in | worst | missed at (p = d, l1, R) |", "|---|---|---|---|---|---|"]
    for words, chosen, ours, column, most in _TARGETS:
        of = [(c, t) for c, t in rows if chosen(c) and {*ours, column} <= set(t)]
        found = [(min(t[name] for name in ours) / t[column], c) for c, t in of]
        if found:
            missed = [f"{_sizes(c)}" for ratio, c in found if ratio > most]
            cells = [
                words, "compiled / now" if column == "now" else _COLUMNS[column][0], f"{most:g}",
                f"{len(found) - len(missed)} of {len(found)}",
                f"{max(ratio for ratio, _ in found):.2f}", ", ".join(missed) or "-",
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
