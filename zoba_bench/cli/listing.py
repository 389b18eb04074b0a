"""What there is: ``list`` and ``info``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import click

from zoba_bench.cli.options import AS_JSON
from zoba_bench.cli.terminal import complain, escape, new_console, print_json

__all__ = ["PARTS", "info", "list_command", "parts"]

#: Labels of the paragraphs in which a solver's docstring says what the method is and promises.
PARTS = ("Problem class", "Assumptions", "Cost", "Bias", "Directions", "Rate", "Source", "Deviations")


@click.command("list")
@click.option("--assumption", "assumptions", multiple=True, metavar="A1..A5", help="That holds in full; repeatable.")
@click.option("--smooth/--nonsmooth", default=None, help="Both objectives smooth, or not.")
@click.option("--convexity", type=click.Choice(["strongly convex", "convex", "nonconvex"]), help="Of Psi, by the card.")
@click.option("--scalable/--fixed-size", default=None, help="p or d can be chosen, or not.")
@click.option("--data/--no-data", default=None, help="On data that another package ships, or not.")
@click.option("--group", help="Part of the catalogue, as the table without filters names them.")
@AS_JSON
def list_command(as_json: bool, **filters: Any) -> int:
    """Problems by group, solvers and theorems by name; with a filter, problems only. Nothing is built."""
    from zoba_bench.registry import (
        RegistryError,
        entry,
        list_problems,
        list_solvers,
        list_theorems,
        missing_requirements,
    )

    problems: list[dict[str, Any]] = []
    for name in list_problems(**filters):
        try:
            card = getattr(entry("problems", name), "card", None)
            missing = missing_requirements(name)
        except RegistryError as error:
            complain(str(error))
            problems.append({"name": name, "summary": "", "missing": "cannot be loaded"})
            continue
        hint = "".join(f'needs pip install "zoba-bench[{extra}]"' for extra in missing.values())
        row: dict[str, Any] = {"name": name, "summary": card.summary if card else "", "missing": hint}
        if card:
            row |= {"group": card.group, "scalable": card.scalable, "smooth": card.smooth}
            row |= {"psi_convexity": card.psi_convexity, "data": card.needs_data}
        problems.append(row)
    content: dict[str, Any] = {"problems": problems}
    filtered = any(value not in (None, ()) for value in filters.values())
    if not filtered:
        content["solvers"] = [{"name": n, "summary": summary_line(n)} for n in list_solvers()]
        content["theorems"] = list_theorems()
    if as_json:
        print_json(content)
        return 0
    console = new_console()
    for key in ("problems", "solvers"):
        if key in content:
            console.print(catalogue(key.capitalize(), content[key]))
            console.print()
    if not filtered:
        console.print("[bold]Theorems[/]  " + ", ".join(content["theorems"]))
    return 0


@click.command()
@click.argument("name")
@AS_JSON
def info(name: str, as_json: bool) -> int:
    """The card of a problem, or what a solver is, needs and takes as options."""
    from zoba_bench.registry import entry, list_problems, list_solvers, load_problem, make_solver, missing_requirements

    if name in list_solvers() and name not in list_problems():
        solver = entry("solvers", name)
        default = make_solver(name)
        needs = list(default.needs)
        about: dict[str, Any] = {
            "name": name, "summary": summary(solver), **{k.lower(): text for k, text in parts(solver).items()},
            "needs": needs,
            "tolerance_quantity": default.tolerance_quantity,
            "options": {option: getattr(default, option) for option in solver.option_names()},
        }  # fmt: skip
        if as_json:
            print_json(about)
            return 0
        from rich.padding import Padding

        from zoba_bench.solvers.base import NEEDS

        console = new_console()
        words = ", ".join(NEEDS.get(need, need) for need in needs) or "values of inner and outer"
        console.print(f"[bold]{name}[/]  {escape(about['summary'])}\n")
        for label, text in parts(solver).items():
            console.print(Padding(f"[bold]{label}[/]: {escape(text)}", (0, 0, 0, 2)))
        console.print()
        console.print(f"  [bold]{'needs':<20}[/] {escape(words)}")
        console.print(f"  [bold]{'tolerance is on':<20}[/] {escape(about['tolerance_quantity'])}\n")
        for option, value in about["options"].items():
            console.print(f"  {option:<20} {escape(repr(value))}")
        return 0
    card = getattr(entry("problems", name), "card", None)
    content: dict[str, Any] = {"name": name, "summary": card.summary if card else ""}
    if card:
        content |= {
            "source": card.source, "dimensions": card.dimensions, "assumptions": dict(card.assumptions),
            "quadratic_inner": card.quadratic_inner, "psi_convexity": card.psi_convexity, "smooth": card.smooth,
            "scalable": card.scalable, "group": card.group, "errata": list(card.errata),
        }  # fmt: skip
    missing = missing_requirements(name)
    if missing:
        content["missing"] = {m: f'pip install "zoba-bench[{extra}]"' for m, extra in missing.items()}
    else:
        from zoba_bench.timing import evaluation_cost

        problem = load_problem(name)
        content |= {
            "p": problem.p, "d": problem.d,
            "parameters": {k: v for k, v in problem.parameters.items() if not callable(v)}, "minimum": problem.minimum,
            "minimizer": None if problem.minimizer is None else problem.minimizer.tolist(),
            "constants": problem.constants.known(), "sampled": list(problem.constants.sampled),
            "microseconds an evaluation": evaluation_cost(problem),
        }  # fmt: skip
    if as_json:
        print_json(content)
        return 0
    console = new_console()
    console.print(f"[bold]{name}[/]  {escape(content['summary'])}\n")
    for key, value in content.items():
        if key in ("name", "summary", "sampled"):
            continue
        if isinstance(value, dict):
            console.print(f"  [bold]{key}[/]")
            for inner, text in value.items():
                note = "  sampled: no bound uses it" if key == "constants" and inner in content["sampled"] else ""
                console.print(f"    {inner:<14} {escape(show(text))}{note}", highlight=False)
        else:
            console.print(f"  [bold]{key:<16}[/] {escape(show(value))}", highlight=False)
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


def summary_line(name: str) -> str:
    """First line of a registered solver; empty, with a complaint, for one that cannot be loaded."""
    from zoba_bench.registry import RegistryError, entry

    try:
        return first_line(entry("solvers", name))
    except RegistryError as error:
        complain(str(error))
        return ""


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
