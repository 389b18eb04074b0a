"""The command and its exit codes; every verb is added here."""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn

import click

from zoba_bench.about import VERSION
from zoba_bench.cli.ledger_pairs import compare, merge
from zoba_bench.cli.ledgers import clean, export, runs
from zoba_bench.cli.listing import info, list_command
from zoba_bench.cli.proving import check, derive
from zoba_bench.cli.reporting import report, sys_info
from zoba_bench.cli.signals import Stopped, stopping
from zoba_bench.cli.solving import run_command, solve
from zoba_bench.cli.terminal import complain, one_line_warnings
from zoba_bench.cli.testing import self_test
from zoba_bench.cli.verifying import verify

__all__ = ["cli", "main"]


def main() -> NoReturn:
    """Run the command line; exit codes as ``zoba-bench --help`` says."""
    with one_line_warnings(), stopping():
        sys.exit(_code())


def _code() -> int:
    try:
        code = cli.main(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt) as error:
        stop = error if isinstance(error, Stopped) else error.__cause__  # click raises Abort from what it caught
        code = stop.code if isinstance(stop, Stopped) else _INTERRUPTED
        complain(f"{'interrupted' if code == _INTERRUPTED else f'stopped by {stop}'}; {_GO_ON}")
        return code
    except SystemExit as stop:  # click raises none here: a user's file did
        complain(f"{_place(stop)} called for the end of the program (code {stop.code!r}); a problem, a solver or a "
                 "plug-in must not")  # fmt: skip
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except (ValueError, TypeError, RuntimeError, ImportError, OSError) as error:
        complain("\n".join([str(error), *getattr(error, "__notes__", ())]))
        return 2
    except Exception as error:  # a crash must not look like a verdict
        traceback.print_exc()
        complain(f"crashed: {type(error).__name__}: {error}")
        return 2
    return code if isinstance(code, int) else 0


_INTERRUPTED = 130
_GO_ON = "finished cells are kept and will be reused: the same command goes on from there"


def _place(error: BaseException) -> str:
    """File and line in which an exception was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}, line {last.lineno}, in {last.name},"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="zoba-bench")
def cli() -> None:
    """Verified benchmarks and theory checks for zeroth-order bilevel optimisation.

    Exit codes: 0 done, and every verdict as expected; 1 an unexpected verdict; 2 bad input, a
    crash or a failed cell; 3 something inconclusive and nothing worse; 129, 130 and 143 ended by
    SIGHUP, Ctrl-C and SIGTERM.
    """


for verb in (
    list_command, info, solve, run_command, verify, self_test, check, derive, report, runs, export, compare, merge,
    clean, sys_info,
):  # fmt: skip
    cli.add_command(verb)
