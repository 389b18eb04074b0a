"""What there is: ``list``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import click

from zoba_bench.cli.options import AS_JSON
from zoba_bench.cli.terminal import complain, new_console, print_json, visible

__all__ = ["list_command"]


@click.command("list")
@click.option("--assumption", "assumptions", multiple=True, metavar="A1..A5", help="That holds in full; repeatable.")
@click.option("--smooth/--nonsmooth", default=None, help="Both objectives smooth, or not.")
@click.option("--convexity", type=click.Choice(["strongly convex", "convex", "nonconvex"]), help="Of Psi, by the card.")
@click.option("--scalable/--fixed-size", default=None, help="p or d can be chosen, or not.")
@click.option("--data/--no-data", default=None, help="On data that another package ships, or not.")
@click.option("--group", help="Part of the catalogue, as the table without filters names them.")
@AS_JSON
def list_command(as_json: bool, **filters: Any) -> int:
    """Problems by group, solvers, theorems, suites and protocols; with a filter, problems only. Nothing is built.

    \b
    Examples:
      zoba-bench list
      zoba-bench list --assumption A1 --smooth
    """
    from zoba_bench.registry import list_problems

    problems = [_problem(name) for name in list_problems(**filters)]
    content: dict[str, Any] = {"problems": problems}
    if all(value in (None, ()) for value in filters.values()):
        content |= _all_else()
    if as_json:
        print_json(content)
        return 0
    console = new_console()
    for key, rows in content.items():
        if key == "theorems":
            rows = [{"name": name, "summary": f"zoba-bench derive {name}"} for name in rows]
        console.print(f"[bold]{key.capitalize()}[/]")
        console.print(catalogue(rows))
        console.print()
    return 0


def _problem(name: str) -> dict[str, Any]:
    """What its card says; a complaint of one that cannot be loaded."""
    from zoba_bench.registry import RegistryError, entry, missing_requirements

    try:
        card = getattr(entry("problems", name), "card", None)
        missing = missing_requirements(name)
    except RegistryError as error:
        complain(str(error))
        return {"name": name, "summary": "", "missing": "cannot be loaded"}
    hint = "".join(f'needs pip install "zoba-bench[{extra}]"' for extra in missing.values())
    row: dict[str, Any] = {"name": name, "summary": card.summary if card else "", "missing": hint}
    if card:
        row |= {"group": card.group, "scalable": card.scalable, "smooth": card.smooth}
        row |= {"psi_convexity": card.psi_convexity, "data": card.needs_data}
    return row


def _all_else() -> dict[str, Any]:
    """Solvers, theorems, suites and protocols by name."""
    from zoba_bench.registry import list_solvers, list_theorems, names
    from zoba_bench.verification.protocols import PROTOCOLS, titles

    titled = titles(PROTOCOLS)
    return {
        "solvers": [_solver(name) for name in list_solvers()],
        "theorems": list_theorems(),
        "suites": [{"name": name, "summary": _first_line("claims", name)} for name in names("claims")],
        "protocols": [{"name": name, "summary": titled[name]} for name in PROTOCOLS],
    }


def _solver(name: str) -> dict[str, Any]:
    """Its first line, and whether its rate is derived here."""
    from zoba_bench.registry import RegistryError, entry

    row = {"name": name, "summary": _first_line("solvers", name), "rate": ""}
    with suppress(RegistryError):
        row["rate"] = getattr(entry("solvers", name), "rate", "")
    return row


def _first_line(kind: str, name: str) -> str:
    """Of what is registered; empty, with a complaint, for what cannot be loaded."""
    from zoba_bench.cli.info.docstrings import first_line
    from zoba_bench.registry import RegistryError, entry

    try:
        return first_line(entry(kind, name))
    except RegistryError as error:
        complain(str(error))
        return ""


def catalogue(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A table of names and summaries, by group where there are any; what is of no group comes last."""
    from rich.text import Text

    from zoba_bench.report.sheet import Sheet

    table = Sheet("", "", whole=(0,))
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row.get("group", ""), []).append(row)
    for group in sorted(groups, key=lambda group: (not group, group)):
        if any(groups):
            table.add_title(visible(group) or "of no group")
        for row in groups[group]:
            note = f"  {visible(row['missing'])}" if row.get("missing") else ""
            rate = f"  [rate {visible(row['rate'])}]" if row.get("rate") else ""
            words = Text.assemble(visible(row["summary"]), (rate, "dim"), (note, "yellow"))
            table.add_row(Text(f"  {visible(row['name'])}", style="bold"), words)
    return table
