"""The group of verbs: each takes ``--config``, and an unknown one is answered with the nearest."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from zoba_bench.cli.configuration import PREFIX, Configuration, ConfigurationError, key_of, read
from zoba_bench.suggestions import unknown

__all__ = ["HERE", "NobodyReads", "Verbs", "closed", "configuration_of", "resolved", "set_values", "source_of"]

#: Sources of a value that are no file and no variable.
HERE = ("command line", "default")
_META = "zoba_bench.configuration"


class Verbs(click.Group):
    """A group whose commands read their defaults from the configuration."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a verb, with the option that every verb has."""
        cmd.params.append(
            click.Option(
                ["--config"], type=click.Path(exists=True, dir_okay=False, path_type=Path), is_eager=True,
                expose_value=False, envvar=f"{PREFIX}CONFIG", callback=self._configure, metavar="FILE",
                help="File of settings, in place of the project's zoba-bench.toml or pyproject.toml.",
            )
        )  # fmt: skip
        super().add_command(cmd, name)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """As click does, which would answer a closed pipe with exit code 1."""
        with _unread():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does, which would answer a closed pipe with exit code 1."""
        with _unread():
            return super().invoke(ctx)

    def _configure(self, ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
        try:
            found = read(self.commands, value, os.environ, Path.cwd())
        except (ConfigurationError, OSError):
            if not ctx.resilient_parsing:  # a completion must not fail
                raise
            return
        ctx.meta[_META] = found
        verb = ctx.command.name or ""
        ctx.default_map = {**(ctx.default_map or {}), **{name: s.value for name, s in found.of(verb).items()}}

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that the arguments begin with; an error with the nearest ones where there is none."""
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing and not name.startswith("-"):
            ctx.fail(unknown("command", name, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


class NobodyReads(Exception):
    """Standard output, or standard error, is a pipe whose other end is closed."""


@contextlib.contextmanager
def _unread() -> Iterator[None]:
    """Tell a pipe of this process that nobody reads any more from any other."""
    try:
        yield
    except BrokenPipeError as error:
        if closed():
            raise NobodyReads from error
        raise RuntimeError(f"a pipe was closed: {error}") from error


def closed() -> list[int]:
    """Which of standard output and standard error are pipes that nobody reads any more."""
    if not hasattr(select, "poll"):
        return [1, 2]
    poll = select.poll()
    for fd in (1, 2):
        poll.register(fd, 0)
    return [fd for fd, event in poll.poll(0) if event & select.POLLERR]


def configuration_of(ctx: click.Context) -> Configuration:
    """The configuration that a verb was given."""
    found: Configuration = ctx.meta.get(_META, Configuration())
    return found


def source_of(ctx: click.Context, name: str) -> str:
    """Where the value of a parameter comes from: "command line", "default", or the name of a variable or of a file."""
    source = ctx.get_parameter_source(name)
    if source is click.core.ParameterSource.DEFAULT_MAP:
        return configuration_of(ctx).of(ctx.command.name or "")[name].place
    return HERE[source in (None, click.core.ParameterSource.DEFAULT)]


def resolved(ctx: click.Context | None = None) -> dict[str, dict[str, Any]]:
    """Every parameter of a verb by its key, as JSON: its "value", and where it is "from".

    Parameters
    ----------
    ctx : click.Context, optional
        That of the verb which runs, where None.
    """
    ctx = ctx or click.get_current_context()
    found = {}
    for param in ctx.command.params:
        if param.name in ctx.params:
            key = key_of(param) if isinstance(param, click.Option) else str(param.name)
            found[key] = {"value": _plain(ctx.params[param.name]), "from": source_of(ctx, param.name)}
    return found


def set_values(found: Mapping[str, Mapping[str, Any]]) -> str:
    """What is not as by default, in one line."""
    own = [f"{key}={row['value']} ({row['from']})" for key, row in found.items() if row["from"] != "default"]
    return ", ".join(own) or "defaults"


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, Path):
        return str(value)
    return value if isinstance(value, (str, int, float)) else None  # click has a mark of its own for what is not set
