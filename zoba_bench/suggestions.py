"""What an error says of a name that nobody knows: the nearest ones, and all that there are."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["nearest", "refuse_misspelt", "unknown"]

_MISSPELT = 0.75  # of the letters are the same


def nearest(name: object, known: Iterable[str], number: int = 3) -> list[str]:
    """The known names nearest to one, the nearest first, whatever the case and whether parts are joined by "-" or "_".

    Parameters
    ----------
    name : what was given.
    known : iterable of str
    number : int
        How many at most.
    """
    plain: dict[str, str] = {}
    for each in known:
        plain.setdefault(_plain(each), each)
    return [plain[each] for each in difflib.get_close_matches(_plain(str(name)), plain, n=number, cutoff=0.5)]


def unknown(kind: str, name: object, known: Iterable[str], *, listed: bool = True) -> str:
    """How an error begins: what is unknown, the nearest names, and all of them if ``listed``."""
    known = list(known)
    close = nearest(name, known)
    hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    return f"unknown {kind} {name!r}; {hint}" + (f"known: {', '.join(known) or 'none'}" if listed else "")


def refuse_misspelt(function: Callable[..., Any], options: Iterable[str]) -> None:
    """Refuse an option that no solver knows, where it looks like an argument of the function that it was given to.

    Parameters
    ----------
    function : of which ``options`` are keywords that it has no name for.
    options : iterable of str

    Raises
    ------
    TypeError
        With the argument that is meant.
    """
    own = list(inspect.signature(function).parameters)
    for option in options:
        if close := difflib.get_close_matches(option.lower(), own, n=1, cutoff=_MISSPELT):
            raise TypeError(f"{function.__name__} has no argument {option!r}; did you mean {close[0]!r}?")


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
