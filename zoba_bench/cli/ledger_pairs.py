"""Two ledgers: ``merge`` and ``compare``. They are only read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoba_bench.cli.options import AS_JSON
from zoba_bench.cli.terminal import columns_table, new_console, print_json, safe

if TYPE_CHECKING:
    from zoba_bench.ledger.changes import Change

__all__ = ["compare", "merge"]

_SHOWN = 40  # changes or conflicts


@click.command()
@click.argument("ledgers", nargs=-1, required=True, metavar="LEDGER LEDGER...", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the new ledger.sqlite."
)
@AS_JSON
def merge(ledgers: tuple[Path, ...], out: Path, as_json: bool) -> int:
    """Make one ledger of two or more, which are only read. A LEDGER is its folder or its file.

    Rows of the same code that contradict each other are shown, and nothing is written then.

    \b
    Examples:
      zoba-bench merge first second --out both
      zoba-bench merge first/ledger.sqlite second/ledger.sqlite --out all --json
    """
    from zoba_bench.ledger.merging import MergeError
    from zoba_bench.ledger.merging import merge as write

    if len(ledgers) < 2:
        raise click.UsageError("name two ledgers or more")
    target = out / "ledger.sqlite"
    try:
        merged = write([_file(ledger) for ledger in ledgers], target)
    except MergeError as error:
        if as_json:
            print_json({"merged": False, "conflicts": [conflict.row() for conflict in error.conflicts]})
        for conflict in () if as_json else error.conflicts[:_SHOWN]:
            click.echo(_side_by_side(conflict.row()))
        raise click.ClickException(str(error)) from error
    if as_json:
        print_json({"merged": True, "ledger": str(target), "rows": dict(merged.rows), "twice": merged.twice,
                    "damaged": list(merged.damaged)})  # fmt: skip
        return 0
    words = ", ".join(f"{number} {table}" for table, number in merged.rows.items())
    click.echo(f"{safe(str(target))}: {words} ({merged.twice} were there twice)")
    for damaged in merged.damaged:
        click.echo(f"left out, since it is damaged: {safe(damaged)}", err=True)
    return 0


def _side_by_side(conflict: Mapping[str, Any]) -> str:
    """Two rows, a line a column, those that differ marked."""
    first, second = conflict["first"], conflict["second"]
    lines = [f"{conflict['table']}:"]
    for name in first:
        one, two = (_cut(row.get(name)) for row in (first, second))
        lines += [f"    {name:<12} {one}"] if one == two else [f"  ! {name:<12} {one}", f"  ! {'':<12} {two}"]
    return "\n".join(lines)


def _cut(value: Any, most: int = 300) -> str:
    text = safe(str(value))
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"


@click.command()
@click.argument("first", metavar="LEDGER[@RUN]")
@click.argument("second", metavar="LEDGER[@RUN]")
@AS_JSON
def compare(first: str, second: str, as_json: bool) -> int:
    """What changed from one run to another: verdicts, numbers beyond their uncertainty, figures, and cells.

    A LEDGER is its folder or its file, RUN a number that `zoba-bench runs` shows, or -1 (the newest), -2 and so on.
    Exit code 1 if something became worse.

    \b
    Examples:
      zoba-bench compare first second
      zoba-bench compare first@1 first@-1 --json
    """
    from zoba_bench.ledger.comparing import compare as compared
    from zoba_bench.ledger.comparing import reference

    found = compared(reference(first), reference(second))
    code = 1 if found.regressions else 0
    if as_json:
        print_json(found.content())
        return code
    for name, run in (("first", found.first), ("second", found.second)):
        version = f"{run['version']} {str(run['commit'])[:8]} code {str(run['code'])[:8]}"
        words = (run["suite"], f"seed {run['seed']}", run["created"], version)
        click.echo(safe(f"{name:<7} run {run['run']} of {run['ledger']}: {', '.join(map(str, words))}"))
    if found.changes:
        new_console().print(
            columns_table(("", "what", "name", "before", "after", "±"), map(_change, found.changes[:_SHOWN]))
        )
        if len(found.changes) > _SHOWN:
            click.echo(f"and {len(found.changes) - _SHOWN} others (--json has all)")
    for change in [change for change in found.regressions if change.reason][:_SHOWN]:
        click.echo(f"  {safe(change.name)}: {safe(change.reason)}")
    cells = ", ".join(f"{number} {name.replace('_', ' in the ')}" for name, number in found.cells.items())
    click.echo(f"{len(found.regressions)} regressions, {len(found.changes)} changes; {found.same} the same, "
               f"{found.within} changed within their uncertainty; cells: {cells}")  # fmt: skip
    return code


def _change(change: Change) -> tuple[str, ...]:
    return (
        "!!" if change.regression else "", change.what, change.name, _number(change.before), _number(change.after),
        "" if change.uncertainty is None else _number(change.uncertainty),
    )  # fmt: skip


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _file(path: Path) -> Path:
    """The ledger's file, from itself or from its folder."""
    return path if path.is_file() else path / "ledger.sqlite"
