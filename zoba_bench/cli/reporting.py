"""What is left of runs: ``report`` and ``sys-info``."""

from __future__ import annotations

from pathlib import Path

import click

from zoba_bench.cli.options import AS_JSON, OUT
from zoba_bench.cli.terminal import new_console, print_json

__all__ = ["report", "sys_info"]


@click.command()
@OUT
def report(out: Path) -> int:
    """Write the HTML report of the newest run in the ledger."""
    from zoba_bench.ledger import Ledger
    from zoba_bench.report.html import write_report

    path = out / "ledger.sqlite"
    if not path.exists():
        raise click.ClickException(f"there is no ledger {path}; run `zoba-bench verify` first, or pass --out")
    with Ledger(path) as ledger:
        new_console().print(str(write_report(ledger, out)), highlight=False, soft_wrap=True)
    return 0


@click.command("sys-info")
@AS_JSON
def sys_info(as_json: bool) -> int:
    """Versions that results depend on."""
    from zoba_bench.verification.run.provenance import provenance

    content = provenance()
    if as_json:
        print_json(content)
    else:
        for key, value in content.items():
            click.echo(f"{key:<14} {value}")
    return 0
