"""What the command line shows and reads: tables, progress, JSON, KEY=VALUE."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

__all__ = [
    "announce", "announce_cost", "catalogue", "complain", "escape", "first_line", "list_claims", "new_console",
    "parts", "print_json", "progress_bar", "read_filters", "read_setting", "show", "summary",
]  # fmt: skip

#: Labels of the paragraphs in which a solver's docstring says what the method is and promises.
PARTS = ("Problem class", "Assumptions", "Cost", "Bias", "Directions", "Rate", "Source", "Deviations")

_WIDTH = 100  # columns where the terminal does not say


def list_claims(suite: Any, as_json: bool) -> int:
    """The claims of a suite, one a line: nothing is planned."""
    if as_json:
        names = ("id", "statement", "protocol", "solver", "problem", "relation", "origin", "source", "controls")
        rows = [{name: getattr(claim, name) for name in names} for claim in suite.claims]
        print_json({"suite": suite.name, "claims": rows, "provenance": suite.provenance})
        return 0
    width = max(len(claim.id) for claim in suite.claims)
    for claim in suite.claims:
        click.echo(f"{claim.id:<{width}}  {claim.statement}")
    return 0


def catalogue(title: str, rows: Sequence[Mapping[str, Any]]) -> Any:
    """A table of names and summaries, by group where there are any; what is of no group comes last."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("what")
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row.get("group", ""), []).append(row)
    for group in sorted(groups, key=lambda group: (not group, group)):
        grouped = any(groups)
        if grouped:
            table.add_row(f"[cyan]{escape(group) or 'of no group'}[/]")
        for row in groups[group]:
            note = f"  [yellow]{escape(row['missing'])}[/]" if row.get("missing") else ""
            table.add_row("  " * grouped + row["name"], escape(row["summary"]) + note)
    return table


def announce(console: Any, suite: Any, left_out: dict[str, str]) -> None:
    from zoba_bench.report.terminal import matrix_table
    from zoba_bench.verification.protocols import titles

    title = f"[bold]Suite {escape(suite.name)}[/]: {len(suite.claims)} claims. {escape(suite.description)}\n"
    console.print(title, highlight=False)
    matrix = suite.matrix()
    console.print(matrix_table(matrix, left_out, titles(matrix)))


def announce_cost(console: Any, cost: Any, jobs: int) -> None:
    from zoba_bench.report.terminal import cost_table
    from zoba_bench.report.wording import duration
    from zoba_bench.verification.protocols import titles

    console.print()
    shares = [(s.protocol, s.claims, s.cells, s.found, s.seconds) for s in cost.shares]
    console.print(cost_table(shares, titles(s.protocol for s in cost.shares)))
    if not cost.cells:
        console.print("Nothing has to run: every cell is in the ledger.\n")
        return
    number, call, cell = cost.rates.number * 1e9, cost.rates.call * 1e6, cost.rates.cell * 1e3
    why = f"{number:.2g} ns a random number, {call:.2g} us a call and {cell:.2g} ms a cell, measured now"
    if cost.remembered:
        why += f"; {cost.remembered} of {cost.cells} cells at what they took under other code"
    shared = f", in {jobs} processes" if jobs > 1 else ""
    console.print(f"About {duration(cost.seconds)} CPU-seconds{shared}: {why}.\n", highlight=False)


@contextmanager
def progress_bar(
    quiet: bool, word: str = "measuring", things: str = "cells"
) -> Iterator[Callable[[int, int, str], None] | None]:
    """A progress bar on standard error, or nothing."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(word),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(things),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(word, total=None)

        def update(done: int, total: int, _: str) -> None:
            bar.update(task, completed=done, total=total)

        yield update


def new_console() -> Any:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDTH)


def read_filters(texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Values by key from KEY=VALUE."""
    found: dict[str, list[str]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE, for example solver=zoba", param_hint="--only")
        found.setdefault(key, []).append(value)
    return found


def read_setting(text: str) -> tuple[str, Any]:
    """NAME=VALUE with a JSON value where it is one, else a string."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--set")
    try:
        return name.replace("-", "_"), json.loads(value)
    except json.JSONDecodeError:
        return name.replace("-", "_"), value


def first_line(solver: Any) -> str:
    return (solver.__doc__ or "").strip().partition("\n")[0]


def summary(solver: Any) -> str:
    """The first paragraph of the docstring."""
    return " ".join((solver.__doc__ or "").strip().partition("\n\n")[0].split())


def parts(solver: Any) -> dict[str, str]:
    """What the docstring says of the method: each paragraph that begins with one of ``PARTS``, by that label."""
    found: dict[str, list[str]] = {}
    lines = None
    for line in inspect.cleandoc(solver.__doc__ or "").splitlines():
        label, colon, rest = line.partition(":")
        if colon and label in PARTS:
            lines = found.setdefault(label, [])
            line = rest
        elif not line.strip():
            lines = None
        if lines is not None:
            lines.append(line.strip())
    return {label: " ".join(found[label]).strip() for label in PARTS if label in found}


def show(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(show, value[:10])) + (", ..." if len(value) > 10 else "")
    return str(value)


def escape(text: str) -> str:
    from rich.markup import escape as escaped

    return escaped(text)


def print_json(content: Any) -> None:
    from zoba_bench.verification.claim import strict_json

    click.echo(json.dumps(strict_json(content), indent=1, allow_nan=False))


def complain(message: str) -> None:
    click.echo(f"zoba-bench: error: {message}", err=True)
