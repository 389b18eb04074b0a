"""How a problem travels to another process: as the call that made it, since most of its functions are closures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["call_of", "made_by"]

Problem = TypeVar("Problem")
_CALL = "_made_by"  # no field, so that a changed copy of a problem is not taken for the problem itself


def made_by(problem: Problem, function: Callable[..., Problem], *arguments: Any, **keywords: Any) -> Problem:
    """The problem, which is pickled as this call from now on; the call must give the same problem every time."""
    object.__setattr__(problem, _CALL, (function, arguments, keywords))
    return problem


def call_of(problem: object) -> tuple[Any, ...] | None:
    """What pickle asks for, the function and arguments that make the problem; None where they are not known."""
    call = vars(problem).get(_CALL)
    return None if call is None else (_again, call)


def _again(function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return function(*arguments, **keywords)
