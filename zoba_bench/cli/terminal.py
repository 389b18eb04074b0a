"""How a verb writes to the terminal: a console, a progress bar, JSON, an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from zoba_bench.json_values import strict_json

__all__ = ["complain", "escape", "new_console", "print_json", "progress_bar"]

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
    from rich.markup import escape as escaped

    return escaped(text)


def print_json(content: Any) -> None:
    click.echo(json.dumps(strict_json(content), indent=1, allow_nan=False))


def complain(message: str) -> None:
    click.echo(f"zoba-bench: error: {message}", err=True)
