"""Every check of an argument: the value as it is used, or an error that names argument, value and way out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = [
    "check_choice",
    "check_count",
    "check_dimension",
    "check_positive",
    "check_probability",
    "check_radius",
    "check_real",
    "check_seed",
    "check_whole",
    "either",
]


def check_dimension(name: str, value: object) -> int:
    """A positive int, or an error that names the argument and the value."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return int(value)


def check_whole(name: str, value: object) -> int:
    """A positive whole number, also one that is written as a float, such as 1e5."""
    whole = isinstance(value, (float, np.floating)) and value > 0 and float(value).is_integer()
    return check_dimension(name, int(value) if whole else value)  # type: ignore[call-overload]


def either(**names: Any) -> Any:
    """The value of an argument that has two names; None where neither is given."""
    given = {name: value for name, value in names.items() if value is not None}
    if len(given) > 1:
        raise TypeError(f"{' and '.join(given)} are two names of one thing: give one of them")
    return next(iter(given.values()), None)


def check_positive(name: str, value: object, zero: bool = False) -> None:
    """A positive finite number (or zero, if allowed), else an error that says what is wanted."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0 or (value == 0 and not zero):  # type: ignore[arg-type,operator]
        kind = "non-negative" if zero else "positive"
        raise ValueError(f"{name} must be a {kind} finite number, got {value!r}")


def check_count(name: str, value: object) -> None:
    """A positive integer, or an error that names the argument and the value."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """One of the allowed words."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")


def check_probability(name: str, value: object) -> None:
    """A number in (0, 1]."""
    check_positive(name, value)
    if value > 1:  # type: ignore[operator]
        raise ValueError(f"{name} must be at most 1, got {value!r}")


def check_real(
    name: str,
    value: Any,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    hint: str = "",
) -> float:
    """A finite number inside the limits, or an error that names argument, value and way out."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not (math.isfinite(value) and above < value < below and value >= at_least):
        limits = [
            f"{word} {limit:.6g}"
            for word, limit in (("above", above), ("at least", at_least), ("below", below))
            if math.isfinite(limit)
        ]
        wanted = " and ".join(["a finite number", *limits]) if limits else "a finite number"
        raise ValueError(f"{name} must be {wanted}, got {value!r}{'; ' + hint if hint else ''}")
    return float(value)


def check_seed(value: Any) -> int:
    """A non-negative int: the family's instance is a function of it."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(f"seed must be a non-negative integer (it names the instance), got {value!r}")
    return int(value)


def check_radius(radius: float | None) -> float | None:
    """A positive radius, or None for global constants only."""
    hint = "leave it None for the global constants only"
    return None if radius is None else check_real("radius", radius, above=0.0, hint=hint)
