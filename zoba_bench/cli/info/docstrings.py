"""What docstrings say: the first paragraph, labelled paragraphs, and a line for each option."""

from __future__ import annotations

import inspect
import re
from typing import Any

__all__ = ["PARTS", "first_line", "options", "parts", "plain", "summary"]

#: Labels of the paragraphs in which a solver's docstring says what the method is and promises.
PARTS = ("Problem class", "Assumptions", "Cost", "Bias", "Directions", "Rate", "Source", "Deviations")
_ENTRY = re.compile(r"^(\w+(?:, \w+)*) : (.+)$")


def first_line(thing: Any) -> str:
    """The first line of a docstring."""
    return (thing.__doc__ or "").strip().partition("\n")[0]


def summary(thing: Any) -> str:
    """The first paragraph of a docstring."""
    return plain(" ".join((thing.__doc__ or "").strip().partition("\n\n")[0].split()))


def parts(thing: Any) -> dict[str, str]:
    """What a docstring says of a method: each paragraph that begins with one of ``PARTS``, by that label."""
    found: dict[str, list[str]] = {}
    lines = None
    for line in inspect.cleandoc(thing.__doc__ or "").splitlines():
        label, colon, rest = line.partition(":")
        if colon and label in PARTS:
            lines = found.setdefault(label, [])
            line = rest
        elif not line.strip():
            lines = None
        if lines is not None:
            lines.append(line.strip())
    return {label: " ".join(found[label]).strip() for label in PARTS if label in found}


def options(cls: type) -> dict[str, tuple[str, str]]:
    """Kind and explanation of each parameter that the docstrings of a class and of its bases explain; the class's own
    come first."""
    found: dict[str, tuple[str, str]] = {}
    for each in cls.__mro__:
        for name, kind, text in _entries(inspect.cleandoc(each.__dict__.get("__doc__") or "").splitlines()):
            found.setdefault(name, (kind, text))
    return found


def _entries(lines: list[str]) -> list[tuple[str, str, str]]:
    """Name, kind and text of every entry "name, name : kind" with its indented lines."""
    found = []
    for number, line in enumerate(lines, start=1):
        entry = _ENTRY.match(line)
        if entry is None:
            continue
        text = []
        for below in lines[number:]:
            if not below.startswith(" "):
                break
            text.append(below.strip())
        found += [(name, entry[2], plain(" ".join(text))) for name in entry[1].split(", ")]
    return found


def plain(text: str) -> str:
    """Text without the marks of reStructuredText."""
    return re.sub(r":\w+:`~?([^`]+)`|``([^`]+)``", r"\1\2", text)
