"""The table of ``benchmarks.scaling``, its picture, and its page of the documentation."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from zoba_bench.report.canvas import SOLVERS, style, to_png
from zoba_bench.statistics import Limits

__all__ = ["draw", "page", "row", "title"]

_HEADS = (
    "solver", "grows", "from, to", "held", "fixed, µs", "each, µs", "off the line by", "exponent",
    "... apart from the oracle",
)  # fmt: skip


def title() -> str:
    """The head of the table."""
    return f"| {' | '.join(_HEADS)} |\n|{'---|' * len(_HEADS)}"


def _range(limits: Limits) -> str:
    return f"{limits.low:.3g} to {limits.high:.3g}"


def row(solver: str, fit: Any) -> str:
    """A row of the table."""
    held = ", ".join(f"{'R' if name == 'replicates' else name} = {size}" for name, size in fit.line.held.items())
    cells = [
        solver, fit.name, f"{fit.line.sizes[0]}, {fit.line.sizes[-1]}", held, f"{fit.fixed:.3g}", _range(fit.each),
        f"{100 * fit.off:.2g} %", _range(fit.exponent), _range(fit.own_exponent),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def draw(fits: dict[str, list[Any]]) -> bytes:
    """A panel a line: time of an iteration and its own part, with limits, and slope one through the largest size."""
    with style():
        figure = Figure(figsize=(7.2, 2.4 * len(fits)), layout="constrained")
        axes = figure.subplots(len(fits), len(next(iter(fits.values()))), squeeze=False, sharey="row")
        for panels, (solver, lines) in zip(axes, fits.items(), strict=True):
            for panel, fit in zip(panels, lines, strict=True):
                sizes = fit.line.sizes
                for times, words, (colour, marker) in zip(
                    (fit.whole, fit.own), ("iteration", "apart from draws and oracle"), SOLVERS, strict=False
                ):
                    limits = [time.limits(0.99) for time in times]
                    values = [time.value for time in times]
                    bars = [
                        [max(0.0, v - each.low) for v, each in zip(values, limits, strict=True)],
                        [max(0.0, each.high - v) for v, each in zip(values, limits, strict=True)],
                    ]
                    panel.errorbar(sizes, values, bars, color=colour, marker=marker, markersize=3, lw=0, elinewidth=1,
                                   label=words)  # fmt: skip
                    panel.plot(sizes, [values[-1] * size / sizes[-1] for size in sizes], color=colour, lw=0.7, ls="--")
                panel.set(xscale="log", yscale="log", xlabel="R" if fit.name == "replicates" else fit.name)
                panel.set_xticks(sizes[:: max(1, len(sizes) // 3)], map(str, sizes[:: max(1, len(sizes) // 3)]))
                panel.set_xticks([], minor=True)
                panel.grid(True, which="major")
            panels[0].set_ylabel(f"{solver}: µs of an iteration")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return to_png(figure)


_PAGE = """\
# How the cost of an iteration grows

CPU time of one thread on `reference`, whose functions cost O(p + d), in {rounds} rounds in turns. Written by (not run
in the tests: it takes minutes, and times differ)

```sh
{command}
```

{table}

![Time of an iteration and its own part along l1, R, p and d; dashed: slope one](../figures/scaling.png)

Points are means with 99 % limits; dashed lines have slope one and go through the largest size.

- *fixed*, *each*: the straight line a + b n through the times of all sizes, with 99 % limits of b; *off the line by*:
  the largest relative distance of a mean time from it.
- *exponent*: of the upper half of the sizes, with 99 % limits. 1 is linear; below 1 is the fixed part, above 1 where
  arrays leave a cache of the processor.
- *apart from the oracle*: the same for the time of a run less that of its draws and its oracle calls alone.
"""


def page(fits: dict[str, list[Any]], rounds: int, command: str) -> str:
    """The whole page."""
    rows = [row(solver, fit) for solver, lines in fits.items() for fit in lines]
    return _PAGE.format(rounds=rounds, command=command, table="\n".join([title(), *rows]))
