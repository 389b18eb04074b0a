"""From functions of single points, or an object, to the keywords that a problem is made of."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from zoba_bench.arrays import Array, fitted
from zoba_bench.problem.constants import Constants
from zoba_bench.validation import check_dimension, real_numbers

__all__ = ["NEEDED", "called", "keywords_of_functions", "keywords_of_object", "over_arrays", "over_points", "title_of"]


#: Functions of points: how many vectors each takes, and which dimension its value has ("" for a number).
_FUNCTIONS = {
    "inner": (2, ""), "outer": (2, ""),
    "inner_solution": (1, "p"), "adjoint": (1, "p"), "value": (1, ""), "hypergradient": (1, "d"),
    "inner_grad_z": (2, "p"), "inner_grad_x": (2, "d"), "outer_grad_z": (2, "p"), "outer_grad_x": (2, "d"),
    "inner_hvp_zz": (3, "p"), "inner_jvp_xz": (3, "d"), "inner_jvp_zx": (3, "p"),
}  # fmt: skip
#: What an object must have to be a problem.
NEEDED = ("p", "d", "inner", "outer")


def keywords_of_functions(
    known: Collection[str],
    outer: Callable[..., Any],
    inner: Callable[..., Any],
    p: int,
    d: int,
    *,
    vectorize: bool = False,
    **closed_forms: Any,
) -> dict[str, Any]:
    """What a problem is made of, checked: see :meth:`zoba_bench.problem.BilevelProblem.from_functions`.

    ``known`` are the attributes of a problem.
    """
    unknown = sorted(set(closed_forms) - set(known))
    if unknown:
        raise TypeError(f"unknown keyword {unknown[0]!r}; known are {', '.join(sorted(known))}")
    given: dict[str, Any] = {"inner": inner, "outer": outer, **closed_forms}
    given.setdefault("name", title_of(outer))
    check_dimension("p", p)
    check_dimension("d", d)
    for name in _FUNCTIONS:
        function = given.get(name)
        if function is None and name not in ("inner", "outer"):
            continue
        if not callable(function):
            takes = "(z, x)" if _FUNCTIONS[name][0] > 1 else "x"
            raise TypeError(f"{name} must be a function of {takes}, got {function!r}")
        given[name] = over_points(name, function, p, d) if vectorize else over_arrays(name, function, p, d)
    if isinstance(given.get("constants"), Mapping):
        given["constants"] = _constants(given["constants"])
    if given.get("minimizer") is not None:
        minimizer = np.array(given["minimizer"], dtype=np.float64)
        if minimizer.shape != (d,):
            raise ValueError(f"minimizer must have shape ({d},), one entry for each of d, got {minimizer.shape}")
        given["minimizer"] = minimizer
    return {"p": p, "d": d, **given}


def title_of(outer: object) -> str:
    """What a problem is called that is given no name."""
    name = getattr(outer, "__name__", "")
    return name if isinstance(name, str) and name.isidentifier() else "problem"


def keywords_of_object(known: Collection[str], description: Any) -> dict[str, Any]:
    """The arguments of ``from_functions``: see :meth:`zoba_bench.problem.BilevelProblem.from_object`."""
    if inspect.isclass(description):
        try:
            description = description()
        except TypeError as error:
            raise TypeError(
                f"{description.__name__} cannot be made without arguments ({error}): pass an object of it"
            ) from error
    title = type(description).__name__
    missing = [name for name in NEEDED if getattr(description, name, None) is None]
    if missing:
        raise TypeError(f"{title} has no {missing[0]!r}: a problem needs p, d, inner(z, x) and outer(z, x)")
    # A closed form under a wrong name would be left out without a word.
    for name in (n for n in dir(description) if not n.startswith("_") and n not in known):
        close = [n for n in difflib.get_close_matches(name, known, cutoff=0.85) if not hasattr(description, n)]
        if close:
            raise TypeError(f"{title} has {name!r}; did you mean {close[0]!r}? (a leading underscore keeps the name)")
    given = {name: getattr(description, name) for name in known if getattr(description, name, None) is not None}
    given.setdefault("name", title)
    return {"vectorize": bool(getattr(description, "vectorize", False)), **given}


def _constants(given: Mapping[str, Any]) -> Constants:
    known = [f.name for f in fields(Constants)]
    for name in given:
        if name not in known:
            raise TypeError(f"constants has no {name!r}; known are {', '.join(known)}")
    return Constants(**given)


def over_arrays(name: str, function: Callable[..., Any], p: int, d: int) -> Callable[..., Any]:
    """A function of arrays that may leave out an argument, or return other real numbers than floats.

    What has a wrong shape or kind is returned as it is: whoever asked for it names what it expected.
    """
    vectors, letter = _FUNCTIONS[name]
    tail = {"": (), "p": (p,), "d": (d,)}[letter]

    @functools.wraps(function)
    def fit(*arguments: Any, **keywords: Any) -> Any:
        values = function(*arguments, **keywords)
        if isinstance(values, np.ma.MaskedArray) or (
            isinstance(values, (np.ndarray, np.generic)) and values.dtype.kind not in "fiub"
        ):
            return values
        points = [np.asarray(array) for array in arguments[:vectors]]
        given = [np.asarray(s) for s in (*arguments[vectors:], keywords.get("sample")) if s is not None]
        if not isinstance(values, (np.ndarray, np.generic, float, int)) or not all(a.ndim for a in points):
            return values
        lead = np.broadcast_shapes(*(a.shape[:-1] for a in points), *(s.shape for s in given))
        array = np.asarray(values)
        found = fitted(array, (*lead, *tail), *points)
        # What needs no change is not copied: the oracle copies what it takes.
        return found if found is array and found.dtype == np.float64 else found.astype(np.float64)

    return fit


def over_points(name: str, function: Callable[..., Any], p: int, d: int) -> Callable[..., Array]:
    """A function of single points as one of arrays with any leading axes: a loop, one call a point."""
    vectors, letter = _FUNCTIONS[name]
    shape = {"": (), "p": (p,), "d": (d,)}[letter]

    def loop(*arguments: Any, sample: Any = None) -> Array:
        points = [np.asarray(array, dtype=np.float64) for array in arguments[:vectors]]
        given = [np.asarray(s) for s in (*arguments[vectors:], sample) if s is not None]
        lead = np.broadcast_shapes(*(a.shape[:-1] for a in points), *(s.shape for s in given))
        rows = [np.broadcast_to(a, (*lead, a.shape[-1])).reshape(-1, a.shape[-1]) for a in points]
        picked = [np.broadcast_to(s, lead).reshape(-1) for s in given]
        values = np.empty((len(rows[0]), *shape))
        for index in range(len(values)):
            # Copies: a function that changes its arguments, or keeps them, harms nobody.
            value = called(name, function, *(row[index].copy() for row in rows), *(int(s[index]) for s in picked))
            values[index] = _checked(name, value, shape)
        return values.reshape((*lead, *shape))

    loop.__name__ = title_of(function)
    return loop


def called(name: str, function: Callable[..., Any], *point: Any) -> Any:
    """The value of a function of single points; what it raises gets a note that says for which one."""
    try:
        return function(*point)
    except Exception as error:  # a user's function may raise anything
        error.add_note(f"zoba-bench called {name} with the single point {', '.join(map(repr, point))}")
        raise


def _checked(name: str, value: Any, shape: tuple[int, ...]) -> Array:
    wanted = f"an array of shape {shape}" if shape else "one real number"
    try:
        array = real_numbers(value)
    except TypeError as error:
        got = f"{error}, " if isinstance(value, np.ma.MaskedArray) else f"{value!r} "
        raise TypeError(f"{name} returned {got}for a single point; it must return {wanted}") from None
    if array.shape != shape:
        raise ValueError(f"{name} returned shape {array.shape} for a single point; it must return {wanted}")
    return array.astype(np.float64)
