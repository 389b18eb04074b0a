"""How a verb writes to the terminal: a console, JSON, errors and warnings."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import unicodedata
import warnings
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from zoba_bench.cli.output import json_stream
from zoba_bench.json_values import strict_json

__all__ = [
    "columns_table", "complain", "escape", "new_console", "one_line_warnings", "print_json", "print_rows",
    "report_failed", "safe", "say", "visible",
]  # fmt: skip

_LISTED = 20  # failed cells
_WIDTH = 100  # columns where nothing says how many there are


def new_console(stderr: bool = False) -> Any:
    """A console on standard output, or on standard error: as wide as the terminal, or as COLUMNS says.

    Where nothing says how wide it is, a table that needs more than that gets it, so that a row stays in one line.
    """
    from rich.console import Console

    from zoba_bench.report.sheet import Sheet

    known = (sys.stderr if stderr else sys.stdout).isatty() or "COLUMNS" in os.environ

    class Honest(Console):
        def print(self, *objects: Any, **options: Any) -> None:
            if not known and len(objects) == 1 and isinstance(objects[0], Sheet):
                self.width = max(_WIDTH, objects[0].least_width(self))
            try:
                super().print(*objects, **options)
            finally:
                if not known:
                    self.width = _WIDTH

        def on_broken_pipe(self) -> None:
            raise  # it is called where BrokenPipeError was caught; the command answers that

    return Honest(stderr=stderr, width=None if known else _WIDTH)


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
    """Strict JSON on standard output."""
    click.echo(json.dumps(strict_json(content), indent=1, allow_nan=False), file=json_stream())


def print_rows(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Rows in columns: a table that fits a terminal, a line each where something else reads them."""
    rows = list(rows)
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        from zoba_bench.report.sheet import Sheet

        table = Sheet(*columns)
        for row in rows:
            table.add_row(*map(visible, row))
        new_console().print(table)
        return
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(len(columns))]
    for row in rows:
        cells = [f"{visible(cell):<{width}}" for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def say(text: str) -> None:
    """Something beside the results, on standard error; lost where nobody reads that any more."""
    with contextlib.suppress(OSError):
        click.echo(visible(text), err=True)


def complain(message: str) -> None:
    """An error, on standard error."""
    say(f"zoba-bench: error: {message}")


def report_failed(failed: Iterable[Any]) -> None:
    """The cells that failed, one a line, on standard error."""
    failed = list(failed)
    if failed:
        what = "1 cell" if len(failed) == 1 else f"{len(failed)} cells"
        complain(f"{what} failed; what needs them is inconclusive, and they are run again the next time:")
    for one in failed[:_LISTED]:
        say(f"  {one}")
    if len(failed) > _LISTED:
        say(f"  and {len(failed) - _LISTED} others")


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Warnings in one line each, without sources."""
    from zoba_bench.notices import one_line

    with warnings.catch_warnings():

        def show(message: Any, category: Any, *arguments: Any, **named: Any) -> None:
            say(one_line(message, category))

        warnings.showwarning = show
        yield
