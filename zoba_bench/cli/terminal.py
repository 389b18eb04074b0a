"""How a verb writes to the terminal: a console, a progress bar, JSON, errors and warnings."""

from __future__ import annotations

import json
import sys
import unicodedata
import warnings
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from zoba_bench.cli.output import json_stream
from zoba_bench.json_values import strict_json

__all__ = [
    "columns_table",
    "complain",
    "escape",
    "new_console",
    "one_line_warnings",
    "print_json",
    "progress_bar",
    "report_failed",
    "safe",
    "visible",
]

_LISTED = 20  # failed cells
_WIDTH = 100  # columns where the terminal does not say


@contextmanager
def progress_bar(
    quiet: bool, word: str = "measuring", things: str = "cells"
) -> Iterator[Callable[[int, int, str], None] | None]:
    """A progress bar on standard error, or nothing."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(word),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(things),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(word, total=None)

        def update(done: int, total: int, _: str) -> None:
            bar.update(task, completed=done, total=total)

        yield update


def new_console() -> Any:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDTH)


def escape(text: str) -> str:
    """Text that is shown as it is: neither markup nor control characters."""
    from rich.markup import escape as escaped

    return escaped(visible(text))


def visible(text: str) -> str:
    """Text whose control characters, line ends and tabs apart, are written out: they could rewrite the terminal."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else f"\\x{ord(c):02x}" for c in text)


def safe(text: str) -> str:
    """Text from elsewhere in one line: all that is not printable written out, also what reverses the writing."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def columns_table(columns: Iterable[str], rows: Iterable[Iterable[str]], numbers: Container[str] = ()) -> Any:
    """A table of text that is shown as it is; columns of numbers are aligned at the right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(safe(word)) for word in row))
    return table


def print_json(content: Any) -> None:
    click.echo(json.dumps(strict_json(content), indent=1, allow_nan=False), file=json_stream())


def complain(message: str) -> None:
    click.echo(f"zoba-bench: error: {visible(message)}", err=True)


def report_failed(failed: Iterable[Any]) -> None:
    """The cells that failed, one a line, on standard error."""
    failed = list(failed)
    if failed:
        what = "1 cell" if len(failed) == 1 else f"{len(failed)} cells"
        complain(f"{what} failed; what needs them is inconclusive, and they are run again the next time:")
    for one in failed[:_LISTED]:
        click.echo(f"  {visible(str(one))}", err=True)
    if len(failed) > _LISTED:
        click.echo(f"  and {len(failed) - _LISTED} others", err=True)


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Warnings of this package in one line each, without its sources."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Any, category: Any, *arguments: Any, **named: Any) -> None:
            if category.__module__.partition(".")[0] == "zoba_bench":
                click.echo(f"zoba-bench: warning: {visible(str(message))}", err=True)
            else:
                usual(message, category, *arguments, **named)

        warnings.showwarning = show
        yield
