"""The command and its exit codes; every verb is added here."""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn

import click

from zoba_bench.about import VERSION
from zoba_bench.cli.listing import info, list_command
from zoba_bench.cli.proving import check, derive
from zoba_bench.cli.reporting import clean, report, sys_info
from zoba_bench.cli.solving import run_command, solve
from zoba_bench.cli.terminal import complain
from zoba_bench.cli.testing import self_test
from zoba_bench.cli.verifying import verify

__all__ = ["cli", "main"]


def main() -> NoReturn:
    """Run the command line; exit codes 0, 1, 2, 3 and 130 as ``zoba-bench --help`` says."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        complain("interrupted; finished cells are kept and will be reused")
        code = 130
    except KeyboardInterrupt:
        complain("interrupted; finished cells are kept and will be reused")
        code = 130
    except click.ClickException as error:
        error.show()
        code = 2
    except (ValueError, TypeError, RuntimeError, ImportError, OSError) as error:
        complain("\n".join([str(error), *getattr(error, "__notes__", ())]))
        code = 2
    except Exception as error:  # a crash must not look like a verdict
        traceback.print_exc()
        complain(f"crashed: {type(error).__name__}: {error}")
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="zoba-bench")
def cli() -> None:
    """Verified benchmarks and theory checks for zeroth-order bilevel optimisation.

    Exit codes: 0 done, and every verdict as expected; 1 an unexpected verdict; 2 bad input or
    a crash; 3 something inconclusive and nothing worse; 130 interrupted.
    """


for verb in (list_command, info, solve, run_command, verify, self_test, check, derive, report, clean, sys_info):
    cli.add_command(verb)
