"""Options of a solver against the kinds of their defaults: a number is a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from zoba_bench.validation import is_integer, is_number

__all__ = ["with_kinds"]

_KINDS: tuple[tuple[type, str, Callable[[Any], bool]], ...] = (
    (bool, "true or false", lambda value: isinstance(value, bool)),
    (int, "an integer", is_integer),
    (float, "a number", is_number),
    (str, "a text", lambda value: isinstance(value, str)),
)


def with_kinds(title: str, factory: Any, options: Mapping[str, Any]) -> Any:
    """What the factory makes of options, where each has the kind of its default.

    A whole number in the notation of a float is an integer where an integer is wanted. What the factory itself says of
    an option that it refuses comes first, as it knows more.

    Raises
    ------
    TypeError
        That names option, value and what is wanted.
    """
    chosen = dict(options)
    defaults = _defaults(factory)
    wrong = ""
    for name, value in options.items():
        default = defaults.get(name)
        if type(default) is int and isinstance(value, float) and value.is_integer():
            chosen[name] = value = int(value)
        if not wrong and name in defaults:
            wrong = _wrong(title, name, value, default)
    try:
        made = factory(**chosen)
    except (TypeError, ValueError) as error:
        if wrong and not any(re.search(rf"\b{re.escape(name)}\b", str(error)) for name in options):
            raise TypeError(wrong) from error
        raise
    if wrong:
        raise TypeError(wrong)
    return made


def _defaults(factory: Any) -> dict[str, Any]:
    """Defaults by name, of the fields of a dataclass that are annotated with one kind alone."""
    if not is_dataclass(factory):
        return {}
    kinds = {kind.__name__ for kind, _, _ in _KINDS}
    return {
        field.name: field.default for field in fields(factory)
        if field.default is not MISSING and getattr(field.type, "__name__", field.type) in kinds
    }  # fmt: skip


def _wrong(title: str, name: str, value: Any, default: Any) -> str:
    for kind, words, fits in _KINDS:
        if type(default) is kind:
            if fits(value):
                return ""
            return f"option {name} of {title} must be {words}, as its default {default!r} is; got {value!r}"
    return ""
