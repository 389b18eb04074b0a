"""The command and its exit codes; every verb is added here."""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from typing import NoReturn

import click

from zoba_bench.about import VERSION
from zoba_bench.cli.info import info
from zoba_bench.cli.ledger_pairs import compare, merge
from zoba_bench.cli.ledgers import clean, export, runs
from zoba_bench.cli.listing import list_command
from zoba_bench.cli.proving import check, derive
from zoba_bench.cli.reporting import report
from zoba_bench.cli.running import run_command
from zoba_bench.cli.signals import Stopped, stopping
from zoba_bench.cli.solving import solve
from zoba_bench.cli.system import config, sys_info
from zoba_bench.cli.terminal import complain, one_line_warnings
from zoba_bench.cli.testing import self_test
from zoba_bench.cli.verbs import HERE, NobodyReads, Verbs, closed, source_of
from zoba_bench.cli.verifying import verify
from zoba_bench.errors import place_in_solver
from zoba_bench.suggestions import unknown

__all__ = ["cli", "main"]

_INTERRUPTED = 130
_COMPLETE = "_ZOBA_BENCH_COMPLETE"
_NOBODY_READS = 141  # as a shell says of a process that SIGPIPE ended


def main() -> NoReturn:
    """Run the command line; exit codes as ``zoba-bench --help`` says."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started this
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    with one_line_warnings(), stopping(f"; to go on: {_command()}"):
        sys.exit(_code())


def _code() -> int:
    try:
        code = cli.main(prog_name="zoba-bench", standalone_mode=False)
        sys.stdout.flush()
    except (click.exceptions.Abort, KeyboardInterrupt) as error:
        return _interrupted(error)
    except (NobodyReads, BrokenPipeError):
        return _quietly()
    except SystemExit as stop:
        if _COMPLETE in os.environ:  # a shell asked for completions, and click has answered
            return stop.code if isinstance(stop.code, int) else 2
        complain(f"{_place(stop)} called for the end of the program (code {stop.code!r}); a problem, a solver or a "
                 "plug-in must not")  # fmt: skip
        return 2
    except click.ClickException as error:
        complain(_in_a_line(error))
        return 2
    except (ValueError, TypeError, RuntimeError, ImportError, OSError) as error:
        complain(_in_words(error))
        return 2
    except Exception as error:  # a crash must not look like a verdict
        if place_in_solver(error):
            complain(_in_words(error))
            return 2
        traceback.print_exc()
        complain(f"crashed: {type(error).__name__}: {error}")
        return 2
    return code if isinstance(code, int) else 0


def _in_words(error: Exception) -> str:
    """What was raised, with its notes, and with kind and place where it came out of a solver's own file."""
    words = "; ".join([str(error) or type(error).__name__, *getattr(error, "__notes__", ())])
    where = place_in_solver(error)
    return f"{where}: {type(error).__name__}: {words}" if where else words


def _interrupted(error: BaseException) -> int:
    """Say what was kept and how to go on."""
    cause = error if isinstance(error, KeyboardInterrupt) else error.__cause__  # click raises Abort from what it caught
    code = cause.code if isinstance(cause, Stopped) else _INTERRUPTED
    how = "interrupted" if code == _INTERRUPTED else f"stopped by {cause}"
    far = "".join(f" {note}" for note in getattr(cause, "__notes__", ()))
    complain(f"{how}{far}; to go on: {_command()}")
    return code


def _command() -> str:
    """What was asked for, as a shell reads it."""
    return shlex.join(["zoba-bench", *sys.argv[1:]])


def _in_a_line(error: click.ClickException) -> str:
    """What is wrong with the arguments, where a wrong value stands, and where to look."""
    ctx = getattr(error, "ctx", None)
    words = error.format_message()
    if isinstance(error, click.NoSuchOption) and ctx is not None:
        options = [name for param in ctx.command.get_params(ctx) for name in (*param.opts, *param.secondary_opts)]
        words = unknown("option", error.option_name, [name for name in options if name.startswith("-")])
    param = getattr(error, "param", None)
    if ctx is not None and param is not None and (place := source_of(ctx, param.name)) not in HERE:
        words = f"{place}: {words}"
    verb = next((f" {word}" for word in sys.argv[1:] if word in cli.commands), "")  # the parser does not say it
    return f"{words.rstrip('.')} (see `{ctx.command_path if ctx is not None else f'zoba-bench{verb}'} --help`)"


def _quietly() -> int:
    """Let what was not written go nowhere: at the exit it would be tried again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for fd in closed():
        os.dup2(nowhere, fd)
    return _NOBODY_READS


def _place(error: BaseException) -> str:
    """File and line in which an exception was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}, line {last.lineno}, in {last.name},"


@click.group(
    cls=Verbs, invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)  # fmt: skip
@click.version_option(VERSION, prog_name="zoba-bench")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Verified benchmarks and theory checks for zeroth-order bilevel optimisation.

    Exit codes: 0 done, and every verdict as expected; 1 an unexpected verdict, or a run that diverged; 2 bad input, a
    crash or a failed cell; 3 something inconclusive and nothing worse; 129, 130 and 143 ended by SIGHUP, Ctrl-C and
    SIGTERM; 141 nobody reads the output any more.

    \b
    Examples:
      zoba-bench verify --jobs 2
      zoba-bench solve reference --solver hf-zoba
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for verb in (
    list_command, info, solve, run_command, verify, self_test, check, derive, report, runs, export, compare,
    merge, clean, config, sys_info,
):  # fmt: skip
    cli.add_command(verb)
