"""Every check of an argument: the value as it is used, or an error that names argument, value and way out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MOST_PASSES",
    "check_choice",
    "check_count",
    "check_dimension",
    "check_passes",
    "check_positive",
    "check_probability",
    "check_radius",
    "check_real",
    "check_seed",
    "check_vector",
    "check_whole",
    "either",
    "is_integer",
    "is_number",
    "real_numbers",
]

#: Passes of a loop inside of one iteration; each costs an evaluation at least, and microseconds.
MOST_PASSES = 10**6


def is_integer(value: object) -> bool:
    """Whether it is an integer of Python or numpy. Truth values are none, nor durations, which numpy calls integers."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.timedelta64))


def is_number(value: object) -> bool:
    """Whether it is a real number of Python or numpy, finite or not."""
    return is_integer(value) or isinstance(value, (float, np.floating))


def real_numbers(values: Any) -> NDArray[Any]:
    """What somebody handed over as an array of real numbers.

    Raises
    ------
    TypeError
        For anything else: durations, dates, complex numbers, text, objects, ragged lists, arrays with masked entries.
        The message says what it is: "ndarray of object, not real numbers".
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise TypeError("an array with masked entries, which have no value; fill or drop them")
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        raise TypeError(f"{type(values).__name__} of no one shape, not real numbers") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{type(values).__name__} of {array.dtype}, not real numbers")
    return array


def check_vector(name: str, value: Any, size: int) -> NDArray[np.float64]:
    """A finite vector of this length, as a float array."""
    try:
        array = real_numbers(value).astype(np.float64)
    except TypeError as error:
        raise TypeError(f"{name} must be a vector of {size} real numbers, got {error}") from None
    if array.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array!r}")
    return array


def check_dimension(name: str, value: object) -> int:
    """A positive int, or an error that names the argument and the value."""
    check_count(name, value)
    return int(value)  # type: ignore[call-overload,no-any-return]


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
    if not is_number(value) or not math.isfinite(value) or value < 0 or (value == 0 and not zero):  # type: ignore[arg-type,operator]
        kind = "non-negative" if zero else "positive"
        raise ValueError(f"{name} must be a {kind} finite number, got {value!r}")


def check_count(name: str, value: object) -> None:
    """A positive integer, or an error that names the argument and the value."""
    if not is_integer(value) or value < 1:  # type: ignore[operator]
        raise ValueError(f"{name} must be a positive integer, got {value!r}")


def check_passes(name: str, value: object) -> None:
    """A number of passes of a loop inside of one iteration, which is to end."""
    check_count(name, value)
    if value > MOST_PASSES:  # type: ignore[operator]
        raise ValueError(
            f"{name} must be at most {MOST_PASSES}, got {value!r}: a loop inside of one iteration, each pass of which "
            "costs an evaluation at least"
        )


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
    if not is_number(value) or not (math.isfinite(value) and above < value < below and value >= at_least):
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
    if not is_integer(value) or value < 0:
        raise ValueError(f"seed must be a non-negative integer (it names the instance), got {value!r}")
    return int(value)


def check_radius(radius: float | None) -> float | None:
    """A positive radius, or None for global constants only."""
    hint = "leave it None for the global constants only"
    return None if radius is None else check_real("radius", radius, above=0.0, hint=hint)
