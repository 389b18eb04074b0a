"""Settings from a file and from the environment: an option given wins, then the environment, then the file.

``zoba-bench.toml``, or the table ``[tool.zoba-bench]`` of ``pyproject.toml``, is sought in the working directory and in
its parents up to the root of the project. Keys are the names of options. Those that every verb shares may stand on top,
others in a table of the verb::

    jobs = 2

    [verify]
    suite = "standard"

The environment says the same as ``ZOBA_BENCH_JOBS`` and ``ZOBA_BENCH_VERIFY_SUITE``. What nothing is set by is refused.
"""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from zoba_bench.cli.options import Shared
from zoba_bench.suggestions import unknown

__all__ = [
    "FILE", "PREFIX", "Configuration", "ConfigurationError", "Setting", "configurable", "find_file", "key_of", "read",
]  # fmt: skip

FILE = "zoba-bench.toml"
PREFIX = "ZOBA_BENCH_"
_PROJECT = "pyproject.toml"
_TABLE = "zoba-bench"
#: What a command says for itself alone.
_NEVER = ("as_json", "config", "help", "yes")


class ConfigurationError(ValueError):
    """A configuration that cannot be used; the message names the place, the key and the value."""


@dataclass(frozen=True)
class Setting:
    """A value, and where it stands."""

    value: Any
    place: str


@dataclass(frozen=True)
class Configuration:
    """Settings by verb and by the name of the parameter; the file that was read, if there is one."""

    file: Path | None = None
    settings: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)

    def of(self, verb: str) -> Mapping[str, Setting]:
        """The settings of a verb."""
        return self.settings.get(verb, {})


def configurable(command: click.Command) -> dict[str, click.Option]:
    """The options of a verb that can be set outside of the command line, by key."""
    found = [param for param in command.params if isinstance(param, click.Option) and param.name not in _NEVER]
    return {key_of(option): option for option in found}


def key_of(option: click.Option) -> str:
    """What an option is called in a file: its long name."""
    return next(name for name in option.opts if name.startswith("--")).removeprefix("--")


def read(
    commands: Mapping[str, click.Command], file: Path | None, environment: Mapping[str, str], folder: Path
) -> Configuration:
    """What the environment and a file set.

    Parameters
    ----------
    commands : verbs by name.
    file : the file to read; where None, the one that is found from the folder.
    environment : variables by name.
    folder : the working directory.

    Raises
    ------
    ConfigurationError
        For a file that is no TOML, a key or a variable that nothing is called by, or a value of the wrong kind.
    """
    if file is None:
        file = find_file(folder)
    settings: dict[str, dict[str, Setting]] = {name: {} for name in commands}
    if file is not None:
        _add(settings, _from_file(_content(file), commands, _shown(file, folder)))
    _add(settings, _from_environment(environment, commands))
    return Configuration(file, settings)


def find_file(folder: Path) -> Path | None:
    """The nearest configuration file of a folder, or None."""
    for place in _folders(folder):
        if (place / FILE).is_file():
            return place / FILE
        if (place / _PROJECT).is_file() and _table(_toml(place / _PROJECT)) is not None:
            return place / _PROJECT
    return None


def _folders(folder: Path) -> list[Path]:
    """The folder, and its parents up to one with a pyproject.toml or a repository; without one, the folder alone."""
    places = [folder, *folder.parents]
    for number, place in enumerate(places, start=1):
        if (place / _PROJECT).is_file() or (place / ".git").exists():
            return places[:number]
    return [folder]


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is no TOML: {error}; correct it, or give another file with --config"
        ) from None


def _table(content: Mapping[str, Any]) -> Any:
    tools = content.get("tool", {})
    return tools.get(_TABLE) if isinstance(tools, Mapping) else None


def _content(path: Path) -> Mapping[str, Any]:
    content = _toml(path)
    if path.name != _PROJECT:
        return content
    found = _table(content)
    if not isinstance(found, Mapping):
        raise ConfigurationError(f"{path} has no table [tool.{_TABLE}]; add it, or give another file with --config")
    return found


def _shown(path: Path, folder: Path) -> str:
    """A path as seen from a folder."""
    return os.path.relpath(path, folder)


_Found = Iterator[tuple[str, str, Setting]]  # verb, parameter, setting


def _add(settings: dict[str, dict[str, Setting]], found: _Found) -> None:
    """What is said of all verbs first, so that what is said of one wins."""
    for verb, name, setting in found:
        settings[verb][name] = setting


def _from_file(content: Mapping[str, Any], commands: Mapping[str, click.Command], place: str) -> _Found:
    shared = {key for command in commands.values() for key, option in configurable(command).items() if _shared(option)}
    for key, value in content.items():
        name = _key(key)
        if name in shared:
            for verb, command in commands.items():
                option = configurable(command).get(name)
                if option is not None and _shared(option):
                    yield verb, str(option.name), Setting(_checked(option, value, key, place), place)
        elif key not in commands:
            raise ConfigurationError(f"{place}: {unknown('key', key, [*sorted(shared), *sorted(commands)])}")
    for verb, table in content.items():
        if verb not in commands or _key(verb) in shared:
            continue
        if not isinstance(table, Mapping):
            raise ConfigurationError(f"{place}: {verb} must be a table, [{verb}], of its options; got {table!r}")
        options = configurable(commands[verb])
        for key, value in table.items():
            if _key(key) not in options:
                raise ConfigurationError(f"{place}: {unknown(f'key of [{verb}]', key, sorted(options))}")
            option = options[_key(key)]
            yield verb, str(option.name), Setting(_checked(option, value, f"{verb}.{key}", place), place)


def _from_environment(environment: Mapping[str, str], commands: Mapping[str, click.Command]) -> _Found:
    known: dict[str, list[tuple[str, click.Option]]] = {}
    for verb, command in commands.items():
        for key, option in configurable(command).items():
            if _shared(option):
                known.setdefault(_variable(key), []).append((verb, option))
    every = {
        _variable(verb, key): [(verb, option)]
        for verb, command in commands.items()
        for key, option in configurable(command).items()
    }
    for names in (known, every):
        for variable in sorted(set(environment) & set(names)):
            for verb, option in names[variable]:
                value = _of_text(option, environment[variable], variable)
                yield verb, str(option.name), Setting(value, variable)
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and variable not in {*known, *every, _variable("config")}:
            words = unknown("environment variable", variable, [*known, *every], listed=False)
            raise ConfigurationError(
                f"{words}known are {', '.join(sorted(known))}, {_variable('config')}, and {PREFIX}VERB_OPTION for "
                "every option of a verb"
            )


def _variable(*words: str) -> str:
    return PREFIX + "_".join(words).upper().replace("-", "_")


def _key(name: str) -> str:
    return name.replace("_", "-")


def _shared(option: click.Option) -> bool:
    return isinstance(option, Shared)


def _checked(option: click.Option, value: Any, key: str, place: str) -> Any:
    """The value as click takes it, where it is of the option's kind."""
    if option.multiple and isinstance(value, Mapping) and "=" in (option.metavar or ""):  # --set NAME=VALUE
        value = [f"{name}={each if isinstance(each, str) else _written(each)}" for name, each in value.items()]
    kind, fits = _kind(option)
    if option.multiple:
        good = isinstance(value, list) and all(map(fits, value))
        kind = f"a list, each entry {kind}"
    else:
        good = fits(value)
    if not good:
        raise ConfigurationError(f"{place}: {key} must be {kind}, got {value!r}")
    return value


def _written(value: Any) -> str:
    """A value of TOML as --set reads it."""
    import json

    return json.dumps(value)


def _kind(option: click.Option) -> tuple[str, Any]:
    """What an option takes, in words, and whether a value is that."""
    if option.is_flag:
        return "true or false", lambda value: isinstance(value, bool)
    if isinstance(option.type, click.types.IntParamType):
        return "an integer", _is_whole
    if isinstance(option.type, click.types.FloatParamType):
        return "a number", lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)
    return "a string", lambda value: isinstance(value, str)


def _is_whole(value: Any) -> bool:
    """As on the command line, 1e5 is one too."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


def _of_text(option: click.Option, text: str, variable: str) -> Any:
    """The value of a variable: several are words, as a shell splits them."""
    if option.is_flag:
        try:
            return click.BOOL.convert(text, option, None)
        except click.BadParameter:
            raise ConfigurationError(f"{variable} must be true or false, got {text!r}") from None
    return shlex.split(text) if option.multiple else text
