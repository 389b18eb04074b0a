"""A ledger: ``runs``, ``export`` and ``clean``. All but the last only read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoba_bench.cli.options import AS_JSON, OUT
from zoba_bench.cli.terminal import columns_table, new_console, print_json, safe
from zoba_bench.cli.whole import Whole

if TYPE_CHECKING:
    from zoba_bench.ledger.content import CellRow, Selection

__all__ = ["clean", "export", "runs"]

_COLUMNS = ("task", "solver", "problem", "status", "code")
_NUMBERS = ("cells", "CPU-seconds")
_TABLES = ("cells", "curves", "runs", "claims", "comparisons")
_FILTERS = {
    "task": "Only cells of this task; * and ? stand for anything. Repeatable, as all filters are.",
    "solver": "Only cells of this solver.",
    "problem": "Only cells on this problem.",
    "status": "Only cells that are done, raised, killed, ended, timeout or damaged.",
    "code": "Only cells of this code: a fingerprint or its beginning, current, or old.",
}


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for name, words in reversed(_FILTERS.items()):
        command = click.option(f"--{name}", name, multiple=True, metavar="PATTERN", help=words)(command)
    return command


def _selection(chosen: Mapping[str, Sequence[str]]) -> Selection:
    """Which code is current takes longer to find out than all else, and is asked where it matters alone."""
    from zoba_bench.ledger.content import AGES, Selection

    found = Selection(chosen["task"], chosen["solver"], chosen["problem"], chosen["status"], chosen["code"])
    if not set(chosen["code"]) & set(AGES):
        return found
    from zoba_bench.verification.run.stale import current_code

    return replace(found, current=current_code)


@click.command()
@click.option(
    "--by", multiple=True, type=click.Choice(_COLUMNS), help="Count cells by this column; together with other --by."
)
@click.option("--cells", "each", is_flag=True, help="List every cell.")
@_filters
@OUT
@AS_JSON
def runs(by: tuple[str, ...], each: bool, out: Path, as_json: bool, **chosen: tuple[str, ...]) -> int:
    """What a ledger holds: its runs, and its cells by task, solver, problem, status and code.

    \b
    Examples:
      zoba-bench runs
      zoba-bench runs --cells --solver "zoba*" --status done
    """
    from zoba_bench.ledger import Ledger
    from zoba_bench.ledger.content import cells, counted
    from zoba_bench.ledger.content import runs as runs_of

    selection = _selection(chosen)
    path = _existing(out)
    with Ledger(path, readonly=True) as ledger:
        made = runs_of(ledger) if as_json or not (each or any(chosen.values())) else []
        found = list(cells(ledger, selection))
        size = ledger.size()
    groups = [by] if by else [(column,) for column in _COLUMNS]
    counts = {columns: counted(found, columns, selection) for columns in groups}
    if as_json:
        content: dict[str, Any] = {"ledger": str(path), "bytes": size, "runs": made, "cells": len(found)}
        content["groups"] = [
            {**dict(zip(columns, values, strict=True)), "cells": n, "seconds": seconds, "newest": newest}
            for columns, table in counts.items()
            for values, (n, seconds, newest) in table.items()
        ]
        if each:
            content["listed"] = [_listed(cell) for cell in found]
        print_json(content)
        return 0
    if each:
        click.echo("\n".join(_line(_listed(cell)) for cell in found) or "no cells")
        return 0
    _print_runs(path, size, made, len(found), counts)
    return 0


def _listed(cell: CellRow) -> dict[str, Any]:
    sound = cell.status != "damaged"
    return {
        "key": str(cell.row["key"]), "status": cell.status, "code": cell.code,
        "seconds": cell.row.get("seconds") if sound else None, "created": cell.row["created"] if sound else "",
        "task": cell.task, "solver": cell.solver, "problem": cell.problem,
        "seed": cell.row["seed"] if sound else None,
    }  # fmt: skip


def _line(row: Mapping[str, Any]) -> str:
    seconds = "" if row["seconds"] is None else f"{row['seconds']:.3g} s"
    words = (row["key"], row["status"], row["code"][:8], seconds, row["task"], row["solver"], row["problem"])
    return "  ".join(safe(str(word)) for word in words if word != "")


def _print_runs(
    path: Path, size: int, made: list[dict[str, Any]], number: int,
    counts: Mapping[tuple[str, ...], Mapping[tuple[str, ...], tuple[int, float, str]]],
) -> None:  # fmt: skip
    console = new_console()
    what = f"{len(made)} runs, " if made else ""
    console.print(f"{safe(str(path))}: {what}{number} cells, {size / 1e6:.3g} MB", highlight=False, markup=False,
                  soft_wrap=True)  # fmt: skip
    if made:
        rows = [
            (str(run["run"]), run["suite"], str(run["seed"]), run["created"].replace("+00:00", "Z"), _outcome(run),
             f"{run['version']} {str(run['commit'])[:8]}".strip())
            for run in made
        ]  # fmt: skip
        console.print(columns_table(("run", "suite", "seed", "when", "what", "version"), rows, ("run", "seed")))
    for columns, table in counts.items():
        if any(any(values) for values in table):
            lines = [
                (*(value or "-" for value in values), str(n), _seconds(seconds), newest.replace("+00:00", "Z"))
                for values, (n, seconds, newest) in table.items()
            ]
            console.print()
            console.print(columns_table((*columns, *_NUMBERS, "newest"), lines, _NUMBERS))


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g}" if seconds < 100 else f"{seconds:.0f}"


def _outcome(run: Mapping[str, Any]) -> str:
    if run["kind"] == "damaged":
        return "damaged"
    words = f"{run['rows']} pairs"
    if run["kind"] == "claims":
        words = f"{run['as_expected']} of {run['rows']} verdicts as expected"
    return words + (f", {run['failed']} cells failed" if run["failed"] else "")


@click.command()
@click.option(
    "--to", "form", required=True, type=click.Choice(("parquet", "csv", "jsonl")),
    help="Format. Parquet needs the extra parquet.",
)  # fmt: skip
@click.option(
    "--into", metavar="FOLDER|-",
    help="Where the files go; - is standard output, for one table  [default: export/ in that of --out]",
)  # fmt: skip
@click.option("--table", "tables", multiple=True, type=click.Choice(_TABLES), help="Only this table; repeatable.")
@_filters
@OUT
@AS_JSON
def export(
    form: str, into: str | None, tables: tuple[str, ...], out: Path, as_json: bool, **chosen: tuple[str, ...]
) -> int:  # fmt: skip
    """Write cells, curves, runs, claims and comparisons as tables, one file each. Filters choose cells.

    \b
    Examples:
      zoba-bench export --to csv
      zoba-bench export --to jsonl --table claims --into -
    """
    from zoba_bench.ledger import Ledger
    from zoba_bench.ledger.exporting import export as write
    from zoba_bench.ledger.exporting import write_table

    selection = _selection(chosen)
    if into == "-" and (len(tables) != 1 or form == "parquet" or as_json):
        raise click.UsageError("--into - takes one --table, as csv or jsonl, and no --json")
    with Ledger(_existing(out), readonly=True) as ledger:
        if into == "-":
            write_table(ledger, tables[0], form, sys.stdout, selection)
            return 0
        written = write(ledger, form, Path(into) if into else out / "export", tables or _TABLES, selection)
    if as_json:
        print_json({"files": [{"path": path, "rows": number} for path, number in written.items()]})
    else:
        for path, number in written.items():
            click.echo(f"{safe(path)}: {number} rows")
    return 0


@click.command()
@click.option("--failed", is_flag=True, help="Remove cells that failed.")
@_filters
@click.option("--run", "numbers", multiple=True, type=Whole(min=1), help="Remove this run; repeatable.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@OUT
@AS_JSON
def clean(
    failed: bool, numbers: tuple[int, ...], dry_run: bool, yes: bool, out: Path, as_json: bool,
    **chosen: tuple[str, ...],
) -> int:  # fmt: skip
    """Remove rows of a ledger: those that the filters choose, or else what other code than this wrote.

    Other code's rows are found by no run again. Verdicts stay unless --run names theirs. Cells of this code on problems
    of your own stay, also those of earlier versions of your file.

    \b
    Examples:
      zoba-bench clean --dry-run
      zoba-bench clean --failed --yes
    """
    from zoba_bench.ledger import Ledger
    from zoba_bench.ledger.cleaning import removal, remove

    if failed:
        if chosen["status"]:
            raise click.UsageError("--failed is a filter of --status: give one of them")
        chosen["status"] = ("raised", "killed", "ended", "timeout")
    if not any(chosen.values()) and not numbers:
        chosen["code"] = ("old",)
    path, selection = _existing(out), _selection(chosen)
    with Ledger(path, readonly=True) as ledger:
        found = removal(ledger, selection, numbers)
    words = _words(found.counts, chosen["code"] == ("old",))
    sure = bool(found) and not dry_run
    if sure and not yes:
        sure = click.confirm(f"Remove {words} from {path}? {found.kept} rows stay.", err=True)
    if sure:
        with Ledger(path) as ledger:
            found = removal(ledger, selection, numbers)
            remove(ledger, found)
    if as_json:
        print_json({"ledger": str(path), "rows": found.counts, "kept": found.kept, "removed": sure})
    elif dry_run:
        click.echo(f"would remove {words}; {found.kept} rows stay")
    else:
        click.echo(f"removed {words}" if sure else "nothing was removed" if found else "there is nothing to remove")
    return 0


def _words(counts: Mapping[str, int], old: bool) -> str:
    words = f"{counts['cells']} cells and {counts['derived']} derived plans and proofs{' of other code' if old else ''}"
    for kind, name in (("failed", "failed cells"), ("runs", "runs")):
        if counts[kind]:
            words += f", and {counts[kind]} {name}"
    return words


def _existing(out: Path) -> Path:
    path = out / "ledger.sqlite"
    if not path.exists():
        raise click.ClickException(f"there is no ledger {path}; run `zoba-bench verify` first, or pass --out")
    return path
