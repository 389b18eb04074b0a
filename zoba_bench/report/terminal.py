"""Tables for the terminal: what is measured, what it costs, and the verdicts. Nothing is printed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.text import Text

from zoba_bench.report import wording
from zoba_bench.report.findings import findings
from zoba_bench.report.sheet import Sheet

__all__ = [
    "cost_table",
    "counts_table",
    "learned",
    "matrix_table",
    "power_rows",
    "short_matrix",
    "told",
    "verdict_table",
]

Row = Mapping[str, Any]
_STYLES = {"consistent": "green", "violated": "red", "inconclusive": "yellow", "measured": "cyan"}


def matrix_table(
    matrix: Mapping[str, Mapping[str, Sequence[str]]], left_out: Mapping[str, str], titles: Mapping[str, str]
) -> Sheet:
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
    table = Sheet("protocol", "problems", "solvers")
    for protocol, problems in matrix.items():
        shared: dict[tuple[str, ...], list[str]] = {}
        for problem, solvers in problems.items():
            shared.setdefault(tuple(solvers), []).append(problem)
        title = wording.heading(protocol, titles)
        for solvers, names in shared.items():
            table.add_row(title, ", ".join(names), ", ".join(solvers))
            title = ""
    return _with_left_out(table, left_out)


def short_matrix(
    matrix: Mapping[str, Mapping[str, Sequence[str]]], left_out: Mapping[str, str], titles: Mapping[str, str]
) -> Sheet:
    """The same in a line a protocol: how many problems and solvers, by name where there are few."""
    table = Sheet("protocol", "problems", "solvers")
    for protocol, problems in matrix.items():
        solvers = dict.fromkeys(name for names in problems.values() for name in names)
        table.add_row(wording.heading(protocol, titles), _few(problems), _few(solvers))
    return _with_left_out(table, left_out)


def _few(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names) if len(names) <= 2 else f"{names[0]} and {len(names) - 1} others"


def _with_left_out(table: Sheet, left_out: Mapping[str, str]) -> Sheet:
    for problem, hint in left_out.items():
        table.add_row(Text("left out", style="yellow"), problem, hint)
    return table


def verdict_table(rows: Sequence[Row]) -> Sheet:
    """Verdicts grouped by protocol; unexpected ones are marked with "!!".

    Parameters
    ----------
    rows : sequence of mapping
        The rows of ``Verdict.row()``, with "protocol", "title" and "tolerance" where known.
    """
    table = Sheet("verdict", "claim", "allowed", "measured [limits]", head=2, whole=(0, 2, 3))
    titles = wording.titles(rows)
    for protocol, group in wording.by_protocol(rows).items():
        table.add_title(wording.heading(protocol, titles))
        for row in group:
            table.add_row(_verdict(row), row["id"], wording.allowed(row, 3), wording.measured(row, 3))
    return table


def _verdict(row: Row) -> Text:
    good = wording.as_expected(row)
    style = "bold red" if not good else "dim" if wording.is_control(row) else _STYLES[row["verdict"]]
    words = wording.verdict(row) if good else f"!! {row['verdict']}"
    return Text(words, style=style)


def counts_table(rows: Sequence[Row]) -> Sheet:
    """How many claims of each protocol got which verdict, controls for themselves, and how many are unexpected."""
    kinds = ("consistent", "violated", "inconclusive", "measured")
    held = [kind for kind in kinds if any(row["verdict"] == kind and not wording.is_control(row) for row in rows)]
    numbers = ("claims", *held, "controls rejected", "unexpected")
    table = Sheet("protocol", *numbers, right=numbers)
    titles = wording.titles(rows)
    groups = wording.by_protocol(rows)
    for name, group in [*groups.items(), *([("all", list(rows))] if len(groups) > 1 else [])]:
        claims = [row for row in group if not wording.is_control(row)]
        controls = [row for row in group if wording.is_control(row)]
        rejected = sum(row["verdict"] == "violated" for row in controls)
        wrong = sum(not wording.as_expected(row) for row in group)
        table.add_row(
            wording.heading(name, titles), str(len(claims)),
            *(str(sum(row["verdict"] == kind for row in claims)) for kind in held),
            f"{rejected} of {len(controls)}", Text(str(wrong), style="bold red" if wrong else ""),
        )  # fmt: skip
    return table


def told(rows: Sequence[Row]) -> Sheet:
    """Verdicts in words: the claim, what was allowed, what was measured, and the reason of one that is unexpected."""
    table = Sheet("", "", "", head=2, lines=True)
    for row in rows:
        if row.get("measured") is not None and row.get("relation") != "none":
            numbers = f"measured {wording.measured(row, 3)}, allowed {wording.allowed(row, 3)}"
        else:
            numbers = ""
        why = "" if wording.as_expected(row) else str(row.get("reason") or "")
        if "measured " in why and "allowed" in why:
            numbers = ""
        words = [str(row["statement"]).rstrip("."), *(part for part in (numbers, why) if part)]
        table.add_row(_verdict(row), row["id"], "; ".join(words))
    return table


def learned(rows: Sequence[Row]) -> Sheet | None:
    """How what the protocols ask for grows: for each, the powers that were measured beside those that were derived.

    None where no protocol asks for it.
    """
    table = Sheet("how it grows", "measured (derived)")
    found = findings(rows)
    for finding in found:
        words = ", ".join(
            f"{power.solver} {finding.base}^{power.measured:.2f} ({power.derived:.2f})" for power in finding.powers
        )
        table.add_row(f"{finding.title}, along {finding.axis}", words)
    return table if found else None


def cost_table(shares: Sequence[tuple[str, int, int, int, float]], titles: Mapping[str, str], jobs: int = 1) -> Sheet:
    """What a run will cost, by protocol and in all.

    Parameters
    ----------
    shares : sequence of (protocol, claims, cells to run, cells in the ledger, CPU-seconds)
    titles : mapping
        Protocol to what it measures.
    jobs : int
        Processes that share the time.
    """
    numbers = ("claims", "cells to run", "in the ledger", "about")
    table = Sheet("protocol", *numbers, right=numbers, whole=(4,))
    whole = (sum(s[1] for s in shares), sum(s[2] for s in shares), sum(s[3] for s in shares), sum(s[4] for s in shares))
    for name, claims, run, found, seconds in [*shares, ("all", *whole)]:
        title = wording.heading(name, titles)
        table.add_row(title, str(claims), str(run), str(found), wording.duration(seconds / jobs))
    return table


def power_rows(rows: Sequence[Row]) -> Sheet:
    """How small an error each protocol refuses: a line for each kind of number.

    Parameters
    ----------
    rows : sequence of mapping
        The rows of ``zoba_bench.verification.power.table.Row.content()``.
    """
    table = Sheet("protocol", "error of", "claims", "median", "worst", "worst claim", "planted (a third)", head=2)
    for row in rows:
        table.add_row(
            row["protocol"],
            f"{row['quantity']} ({row['unit']})",
            wording.deciding(row),
            wording.error(row, "median"),
            wording.error(row, "worst"),
            row["worst_claim"],
            wording.planted(row),
        )
    return table
