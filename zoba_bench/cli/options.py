"""Options that several verbs share.

A ``Shared`` option means the same for every verb that has it. So a configuration file may set it for all of them at
once, and so may one environment variable.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from zoba_bench.cli.output import for_json

__all__ = [
    "AS_JSON",
    "CELL_TIMEOUT",
    "DASK",
    "FAIL_FAST",
    "FRESH",
    "JOBS",
    "MAX_MEMORY",
    "OUT",
    "OWN",
    "QUIET",
    "SEED",
    "VERBOSE",
    "Completed",
    "Shared",
]


class Shared(click.Option):
    """An option that means the same for every verb."""


if TYPE_CHECKING:
    _Text = click.ParamType[str]
else:  # older releases of click do not know it as generic
    _Text = click.ParamType


class Completed(_Text):
    """A text that a shell can complete to a registered name.

    Parameters
    ----------
    *kinds : "problems", "solvers", "theorems", "claims" (suites), or "comparisons".
    """

    name = "text"

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin so."""
        from zoba_bench.comparison.suites import SUITES
        from zoba_bench.registry import names

        every = {name for kind in self.kinds for name in (SUITES if kind == "comparisons" else names(kind))}
        return [CompletionItem(name) for name in sorted(every) if name.startswith(incomplete)]


def _keep_for_json(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    if value and not ctx.resilient_parsing:
        ctx.with_resource(for_json())
    return value


AS_JSON = click.option(
    "--json", "as_json", is_flag=True, callback=_keep_for_json,
    help="Print JSON, and nothing else, on standard output.",
)  # fmt: skip
QUIET = click.option(
    "--quiet/--no-quiet", "-q", default=False, cls=Shared, help="No progress and no announcements; only the results."
)
VERBOSE = click.option("--verbose/--no-verbose", "-v", default=False, cls=Shared, help="Print the full tables.")
OUT = click.option(
    "--out", default="zoba-results", show_default=True, type=click.Path(file_okay=False, path_type=Path), cls=Shared,
    help="Folder of ledger.sqlite and report/.",
)  # fmt: skip
SEED = click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), cls=Shared, help="Root seed.")
JOBS = click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), cls=Shared, help="Processes.")
CELL_TIMEOUT = click.option(
    "--cell-timeout", metavar="SECONDS", type=click.FloatRange(min=0, min_open=True), cls=Shared,
    help="Stop a cell that takes longer; it counts as failed.",
)  # fmt: skip
MAX_MEMORY = click.option(
    "--max-memory", metavar="SIZE", cls=Shared,
    help="Memory that a cell or a run may allocate at once, for example 500M or 2GiB; one that needs more fails.",
)  # fmt: skip
DASK = click.option(
    "--dask", metavar="ADDRESS", cls=Shared,
    help="Run cells on a Dask cluster: the address or file of its scheduler, or local:N.  [extra: dask]",
)  # fmt: skip
FAIL_FAST = click.option(
    "--fail-fast/--no-fail-fast", default=False, cls=Shared, help="Run no further cell after one that failed."
)
FRESH = click.option(
    "--fresh", is_flag=True, help="Derive and run everything anew, and replace what the ledger holds of it."
)
OWN = click.option("--problem", "own", metavar="FILE.PY:NAME", help="A problem of your own, from a file.")
