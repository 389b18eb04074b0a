"""Rates that verdicts are about, as a figure of matplotlib."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from zoba_bench.json_values import strict_json
from zoba_bench.report.series import Line, honest_lines, one_a_solver
from zoba_bench.report.typography import pretty

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_rates"]

_MOST = 3  # panels side by side


def plot_rates(verdicts: Iterable[Any]) -> Figure:
    """Measured means with their limits on derived lines, a panel for each protocol, problem and axis.

    Parameters
    ----------
    verdicts : iterable
        What :func:`zoba_bench.verify` returns, or rows of a run, as ``verify --json`` prints and a ledger keeps them.

    Returns
    -------
    matplotlib.figure.Figure
        ``.savefig("rates.png")`` writes it. Points are measured, with limits that hold together for all claims of a
        run; lines are derived, and nothing is fitted. Logarithmic axes: a slope is an exponent. Of each solver the line
        that reaches farthest is shown; controls are left out.

    Raises
    ------
    ValueError
        Where no verdict is about a line of sizes.
    """
    from matplotlib.figure import Figure

    from zoba_bench.report import canvas
    from zoba_bench.report.figures import draw_lines

    panels: dict[tuple[str, ...], list[Line]] = {}
    for protocol, lines in honest_lines(map(_row, verdicts)).items():
        for line in lines:
            title = f"{protocol}: {line.rows[0]['problem']}"
            panels.setdefault((title, line.xlabel, line.ylabel), []).append(line)
    if not panels:
        raise ValueError(
            "no verdict is about a line of sizes, so there is no rate to plot; some on the reference family are, for "
            "example: zb.verify(only={'problem': ['reference']})"
        )
    solvers = list(dict.fromkeys(line.solver for lines in panels.values() for line in lines))
    columns = min(len(panels), _MOST)
    rows = -(-len(panels) // columns)
    with canvas.style():
        figure = Figure(figsize=(3.9 * columns, 3.6 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis, ((title, *_), lines) in zip(axes, panels.items(), strict=False):
            shown = one_a_solver(lines) or lines
            handles = draw_lines(axis, shown, canvas.text(pretty(title)), solvers)
            axis.legend(list(handles.values()), [canvas.text(name) for name in handles], loc="upper left")
        for axis in axes[len(panels) :]:
            axis.set_axis_off()
    return figure


def _row(verdict: Any) -> Mapping[str, Any]:
    """A row with the series that it was measured on."""
    if isinstance(verdict, Mapping):
        return verdict
    measurement = verdict.measurement
    series = strict_json(dict(measurement.series)) if measurement is not None else {}
    return {**verdict.row(), "protocol": verdict.claim.protocol, "series": series}
