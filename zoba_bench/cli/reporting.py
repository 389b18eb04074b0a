"""What is left of runs, and what they depend on: ``report`` and ``sys-info``."""

from __future__ import annotations

from pathlib import Path

import click

from zoba_bench.cli.options import AS_JSON, OUT
from zoba_bench.cli.terminal import new_console, print_json, visible

__all__ = ["report", "sys_info"]


@click.command()
@click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), help="Folder that gets report/  [default: that of --out]"
)
@OUT
def report(to: Path | None, out: Path) -> int:
    """Write the HTML report of the newest run in the ledger, which is only read."""
    from zoba_bench.ledger import Ledger
    from zoba_bench.report.html import write_report
    from zoba_bench.verification.run.provenance import render_missing

    with Ledger(_existing(out), readonly=True) as ledger:
        render_missing(ledger)
        new_console().print(str(write_report(ledger, to or out)), highlight=False, soft_wrap=True)
    return 0


def _existing(out: Path) -> Path:
    path = out / "ledger.sqlite"
    if not path.exists():
        raise click.ClickException(f"there is no ledger {path}; run `zoba-bench verify` first, or pass --out")
    return path


@click.command("sys-info")
@AS_JSON
def sys_info(as_json: bool) -> int:
    """Versions that results depend on, and plug-ins with their state."""
    import warnings

    from zoba_bench.machine import origin
    from zoba_bench.registry import PluginWarning, plugins
    from zoba_bench.verification.run.provenance import provenance

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # the list says it
        offered = plugins()
        content = {**origin(), **provenance()}
    if as_json:
        print_json({**content, "plugins": offered})
        return 0
    for key, value in content.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        click.echo(f"{key:<14} {shown}")
    for row in offered:
        click.echo(f"{row['kind']:<14} {row['distribution']}: {row['names']} names")
        for problem in row["problems"]:
            click.echo(f"{'':<14}   broken: {visible(problem)}")
    return 0
