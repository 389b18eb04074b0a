"""Options that several verbs share.

A ``Shared`` option means the same for every verb that has it. So a configuration file may set it for all of them at
once, and so may one environment variable.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from zoba_bench.cli.output import for_json
from zoba_bench.cli.whole import Whole

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
    "perturbation_of",
    "perturbed",
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
        from zoba_bench.comparison.applications.settings import APPLICATIONS
        from zoba_bench.comparison.ratios.settings import RATIOS
        from zoba_bench.comparison.suites import SUITES
        from zoba_bench.registry import names

        compared = {*SUITES, *APPLICATIONS, *RATIOS}
        every = {name for kind in self.kinds for name in (compared if kind == "comparisons" else names(kind))}
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
SEED = click.option("--seed", default=0, show_default=True, type=Whole(min=0), cls=Shared, help="Root seed.")
JOBS = click.option("--jobs", default=1, show_default=True, type=Whole(min=1), cls=Shared, help="Processes.")
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
#: Faults that every problem gets, by the names of ``zoba_bench.problems.combinators.perturbed``.
_PERTURBED = (
    click.option("--noise", type=click.FloatRange(min=0), help="Additive normal noise of this standard deviation."),
    click.option("--relative", type=click.FloatRange(min=0), help="Multiplicative noise of this standard deviation."),
    click.option("--digits", type=Whole(min=1), help="Significant digits that are left of a number."),
    click.option("--nan-rate", type=click.FloatRange(min=0, max=1, max_open=True), help="How often a number is NaN."),
    click.option("--permute", is_flag=True, help="Permute the coordinates."),
    click.option("--rotate", is_flag=True, help="Rotate the coordinates."),
    click.option("--scale", type=click.FloatRange(min=1), help="Scale the coordinates, with this condition."),
)
#: Their names as keywords.
PERTURBATION = ("noise", "relative", "digits", "nan_rate", "permute", "rotate", "scale")


def perturbed(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a perturbation, for a command that reads them with :func:`perturbation_of`."""
    for option in reversed(_PERTURBED):
        command = option(command)
    return command


def perturbation_of(options: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, taken out of the options."""
    taken = {name: options.pop(name) for name in PERTURBATION}
    return {name: value for name, value in taken.items() if value not in (None, False)}


OWN = click.option("--problem", "own", metavar="FILE.PY:NAME", help="A problem of your own, from a file.")
