"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path

import click

from zoba_bench.cli.output import for_json

__all__ = ["AS_JSON", "CELL_TIMEOUT", "DASK", "FAIL_FAST", "FRESH", "JOBS", "MAX_MEMORY", "OUT", "OWN", "SEED"]


def _keep_for_json(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    if value and not ctx.resilient_parsing:
        ctx.with_resource(for_json())
    return value


AS_JSON = click.option(
    "--json", "as_json", is_flag=True, callback=_keep_for_json,
    help="Print JSON, and nothing else, on standard output.",
)  # fmt: skip
OUT = click.option(
    "--out", default="zoba-results", show_default=True, type=click.Path(file_okay=False, path_type=Path),
    help="Folder of ledger.sqlite and report/.",
)  # fmt: skip
SEED = click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Root seed.")
JOBS = click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Processes.")
CELL_TIMEOUT = click.option(
    "--cell-timeout", metavar="SECONDS", type=click.FloatRange(min=0, min_open=True),
    help="Stop a cell that takes longer; it counts as failed.",
)  # fmt: skip
MAX_MEMORY = click.option(
    "--max-memory", metavar="SIZE",
    help="Memory that a cell or a run may allocate at once, for example 500M or 2GiB; one that needs more fails.",
)  # fmt: skip
DASK = click.option(
    "--dask", metavar="ADDRESS",
    help="Run cells on a Dask cluster: the address or file of its scheduler, or local:N.  [extra: dask]",
)  # fmt: skip
FAIL_FAST = click.option("--fail-fast", is_flag=True, help="Run no further cell after one that failed.")
FRESH = click.option(
    "--fresh", is_flag=True, help="Derive and run everything anew, and replace what the ledger holds of it."
)
OWN = click.option("--problem", "own", metavar="FILE.PY:NAME", help="A problem of your own, from a file.")
