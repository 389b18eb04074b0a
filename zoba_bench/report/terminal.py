"""Tables for the terminal: what is measured, and the verdicts. Nothing is printed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from zoba_bench.report import wording

__all__ = ["cost_table", "matrix_table", "power_rows", "verdict_table"]

Row = Mapping[str, Any]
_STYLES = {"consistent": "green", "violated": "red", "inconclusive": "yellow", "measured": "cyan"}


def matrix_table(
    matrix: Mapping[str, Mapping[str, Sequence[str]]], left_out: Mapping[str, str], titles: Mapping[str, str]
) -> Table:
    """What is measured: problems with the same solvers share a line; then what is left out and how to get it.

    Parameters
    ----------
    matrix : mapping
        Protocol to problem to solvers.
    left_out : mapping
        Problem to the command that installs what it needs.
    titles : mapping
        Protocol to what it measures.
    """
    table = _table("protocol", "problems", "solvers")
    for protocol, problems in matrix.items():
        shared: dict[tuple[str, ...], list[str]] = {}
        for problem, solvers in problems.items():
            shared.setdefault(tuple(solvers), []).append(problem)
        title = wording.heading(protocol, titles)
        for solvers, names in shared.items():
            table.add_row(Text(title), Text(", ".join(names)), Text(", ".join(solvers)))
            title = ""
    for problem, hint in left_out.items():
        table.add_row(Text("left out", style="yellow"), Text(problem), Text(hint))
    return table


def verdict_table(rows: Sequence[Row]) -> Table:
    """Verdicts grouped by protocol, at most 100 columns wide; unexpected ones are marked with "!!".

    Parameters
    ----------
    rows : sequence of mapping
        The rows of ``Verdict.row()``, with "protocol", "title" and "tolerance" where known.
    """
    table = _table("verdict", "claim", "allowed", "measured [limits]")
    for index in (2, 3):
        table.columns[index].no_wrap = True
    titles = wording.titles(rows)
    for protocol, group in wording.by_protocol(rows).items():
        table.add_section()
        table.add_row(Text(protocol, style="bold"), Text(titles[protocol], style="bold"))
        for row in group:
            good = wording.as_expected(row)
            style = "bold red" if not good else "dim" if wording.is_control(row) else _STYLES[row["verdict"]]
            words = row["verdict"] if not good else wording.verdict(row)
            table.add_row(
                Text(words if good else f"!! {words}", style=style),
                Text(row["id"], overflow="fold"),
                Text(wording.allowed(row, 3)),
                Text(wording.measured(row, 3)),
            )
    return table


def cost_table(shares: Sequence[tuple[str, int, int, int, float]], titles: Mapping[str, str]) -> Table:
    """What a run will cost, by protocol and in all.

    Parameters
    ----------
    shares : sequence of (protocol, claims, cells to run, cells in the ledger, CPU-seconds)
    titles : mapping
        Protocol to what it measures.
    """
    table = _table("protocol", "claims", "cells to run", "in the ledger", "CPU-seconds")
    for column in table.columns[1:]:
        column.justify = "right"
    whole = (sum(s[1] for s in shares), sum(s[2] for s in shares), sum(s[3] for s in shares), sum(s[4] for s in shares))
    for name, claims, run, found, seconds in [*shares, ("all", *whole)]:
        title = wording.heading(name, titles)
        table.add_row(Text(title), Text(str(claims)), Text(str(run)), Text(str(found)), Text(wording.duration(seconds)))
    return table


def power_rows(rows: Sequence[Row]) -> Table:
    """How small an error each protocol refuses: a line for each kind of number.

    Parameters
    ----------
    rows : sequence of mapping
        The rows of ``zoba_bench.verification.power.table.Row.content()``.
    """
    table = _table("protocol", "error of", "claims", "median", "worst", "worst claim", "planted (a third)")
    for row in rows:
        table.add_row(
            Text(row["protocol"]),
            Text(f"{row['quantity']} ({row['unit']})"),
            Text(wording.deciding(row)),
            Text(wording.error(row, "median")),
            Text(wording.error(row, "worst")),
            Text(row["worst_claim"], overflow="fold"),
            Text(wording.planted(row)),
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold underline")
    for column in columns:
        table.add_column(Text(column))
    return table
