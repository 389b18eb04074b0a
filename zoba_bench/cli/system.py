"""What results rest on: ``config`` (settings and where they come from) and ``sys-info`` (versions and plug-ins)."""

from __future__ import annotations

from typing import Any

import click

from zoba_bench.cli.configuration import configurable
from zoba_bench.cli.options import AS_JSON
from zoba_bench.cli.terminal import new_console, print_json, visible
from zoba_bench.cli.verbs import configuration_of, resolved
from zoba_bench.suggestions import unknown

__all__ = ["config", "sys_info"]


@click.command()
@click.argument("verb", required=False)
@AS_JSON
@click.pass_context
def config(ctx: click.Context, verb: str | None, as_json: bool) -> int:
    """What the options of a verb are without a command line, and where each value comes from.

    An option given wins, then the environment (ZOBA_BENCH_JOBS, ZOBA_BENCH_VERIFY_SUITE), then the file
    (zoba-bench.toml, or [tool.zoba-bench] of pyproject.toml, here or in a parent up to the project's root), then the
    default. Without VERB, what is set for any verb.

    \b
    Examples:
      zoba-bench config
      zoba-bench config verify --json
    """
    found = configuration_of(ctx)
    commands = ctx.find_root().command.commands  # type: ignore[attr-defined]
    if verb is not None and verb not in commands:
        raise click.UsageError(unknown("command", verb, sorted(commands)), ctx)
    rows: list[dict[str, Any]] = []
    for name in sorted(commands) if verb is None else [verb]:
        for key, row in _settings(commands[name], ctx).items():
            if verb is not None or row["from"] != "default":
                rows.append({"verb": name, "option": key, **row})
    if as_json:
        print_json({"file": None if found.file is None else str(found.file), "settings": rows})
        return 0
    from zoba_bench.report.sheet import Sheet

    console = new_console()
    console.print(f"file: {visible(str(found.file))}" if found.file else "file: none", markup=False, soft_wrap=True)
    if not rows:
        console.print("nothing is set: every option has its default")
        return 0
    table = Sheet("verb", "option", "value", "from", head=2)
    for row in rows:
        value = "" if row["value"] is None else str(row["value"])
        table.add_row(row["verb"], row["option"], visible(value), visible(row["from"]))
    console.print(table)
    return 0


def _settings(command: click.Command, ctx: click.Context) -> dict[str, dict[str, Any]]:
    """The options of a verb as they are without arguments."""
    # Resilient: an option that must be given has no value here, which is no error.
    own = click.Context(command, info_name=command.name, parent=ctx.find_root(), resilient_parsing=True)
    own.meta.update(ctx.meta)
    own.default_map = {name: setting.value for name, setting in configuration_of(ctx).of(command.name or "").items()}
    for option in configurable(command).values():
        option.handle_parse_result(own, {}, [])
    return resolved(own)


@click.command("sys-info")
@AS_JSON
def sys_info(as_json: bool) -> int:
    """Versions that results depend on, and plug-ins with their state.

    \b
    Examples:
      zoba-bench sys-info
      zoba-bench sys-info --json
    """
    import warnings

    from zoba_bench.machine import origin
    from zoba_bench.registry import PluginWarning, plugins
    from zoba_bench.verification.run.provenance import provenance

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # the list says it
        offered = plugins()
        content = {**origin(), **provenance()}
    found = configuration_of(click.get_current_context())
    content["configuration"] = "none" if found.file is None else str(found.file)
    if as_json:
        print_json({**content, "plugins": offered})
        return 0
    from zoba_bench.report.sheet import Sheet

    table = Sheet("", "", whole=(0,))
    for key, value in content.items():
        table.add_row(key, visible(", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    for row in offered:
        table.add_row(row["kind"], f"{visible(row['distribution'])}: {row['names']} names")
        for problem in row["problems"]:
            table.add_row("", f"broken: {visible(problem)}")
    new_console().print(table)
    return 0
