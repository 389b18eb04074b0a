"""What was learned: how the noise that a protocol asks for grows, measured beside derived powers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoba_bench.report.plots import Plot, growth_plot
from zoba_bench.report.series import Line, honest_lines, one_a_solver

__all__ = ["Finding", "Power", "findings"]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Power:
    """A solver's power law: measured and derived exponents, and the claim that says so."""

    solver: str
    measured: float
    derived: float
    claim: str


@dataclass(frozen=True)
class Finding:
    """A title, the axis along which something grows, the powers with the largest first, and a picture.

    ``base`` is what is raised to the powers; ``file`` names the picture.
    """

    title: str
    axis: str
    base: str
    powers: tuple[Power, ...]
    file: str
    plot: Plot


def findings(rows: Sequence[Row], names: Callable[[str], str] = str) -> list[Finding]:
    """One for each protocol that asks for a summary and has lines; ``names`` makes names of files."""
    found = []
    solvers: list[str] = []
    for protocol, lines in honest_lines(rows).items():
        asked = lines[0].rows[0].get("summary") or {}
        along = [line for line in lines if asked and line.xlabel.partition(" ")[0] == asked["along"]]
        shown = one_a_solver(along)
        if not shown:
            continue
        powers = sorted((_power(line, along) for line in shown), key=lambda power: -power.measured)
        solvers += [line.solver for line in shown if line.solver not in solvers]
        title, base = str(asked["title"]), str(asked["along"]).rpartition("=")[2]
        plot = growth_plot(shown, title, solvers)
        found.append(Finding(title, shown[0].xlabel, base, tuple(powers), names(f"growth-{protocol}"), plot))
    return found


def _power(line: Line, along: Sequence[Line]) -> Power:
    """The slope that a claim about this solver measured, else that of the points."""
    claimed = [row for one in along if one.solver == line.solver for row in one.rows if _is_slope(row)]
    if claimed:
        row = claimed[-1]
        return Power(line.solver, float(row["measured"]), float(row["predicted"]), str(row["id"]))
    derived = line.fit(line.log_measured - line.log_ratio)[0]
    return Power(line.solver, line.slope, derived, str(line.rows[0]["id"]))


def _is_slope(row: Row) -> bool:
    """Whether a derived claim measured a slope."""
    derived = row["origin"] == "derived" and row["series"]["quantity"] == "slope"
    return derived and row["measured"] is not None and math.isfinite(row["measured"])
