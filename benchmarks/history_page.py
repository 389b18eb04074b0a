"""The table of ``benchmarks.history``, its picture, and its page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from zoba_bench.report.canvas import SOLVERS, style, text, to_png

__all__ = ["draw", "page", "row", "title"]

Found = Mapping[str, Mapping[Any, float]]


def title(names: Sequence[str]) -> str:
    """The head of the table."""
    heads = ["commit", "date", *names, ""]
    return f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}"


def row(commit: Any, found: Found) -> str:
    """A row: iterations and replicates a second of CPU time, by case."""
    cells = [f"`{commit.name}`", commit.date, *(f"{found[name][commit]:.4g}" for name in found)]
    return f"| {' | '.join([*cells, commit.words.replace('|', '/')])} |"


def draw(commits: Sequence[Any], found: Found) -> bytes:
    """Throughput over that of the first commit, a line a case."""
    with style():
        figure = Figure(figsize=(7.2, 3.2), layout="constrained")
        axes = figure.subplots()
        at = range(len(commits))
        for (name, each), (colour, marker) in zip(found.items(), SOLVERS, strict=False):
            values = [each[commit] / each[commits[0]] for commit in commits]
            axes.plot(at, values, color=colour, marker=marker, markersize=4, lw=1, label=text(name))
        axes.axhline(1.0, color="#888888", lw=0.7)
        axes.set_xticks(at, [f"{commit.name}\n{commit.date[5:]}" for commit in commits], rotation=60)
        axes.set_ylabel("throughput over that of the first")
        axes.set_ylim(bottom=0)
        axes.grid(True, axis="y")
        axes.legend(loc="best")
    return to_png(figure)


_PAGE = """\
# Throughput over commits

Iterations and replicates a second of CPU time on `quad_general`, of the last {number} commits that landed and
build, each in turns with all others. Written by (not run in the tests: it takes minutes, and times differ)

```sh
{command}
```

![Throughput of four runs over commits, over that of the first one](../figures/history.png)

{table}
{failed}"""


def page(commits: Sequence[Any], found: Found, failed: Mapping[Any, str], command: str) -> str:
    """The whole page."""
    lines = [f"- `{commit.name}` is left out: {why}" for commit, why in failed.items()]
    return _PAGE.format(
        number=len(commits), command=command, failed="\n" + "\n".join(lines) + "\n" if lines else "",
        table="\n".join([title(list(found)), *(row(commit, found) for commit in commits)]),
    )  # fmt: skip
