"""Problems of one's own: from functions of single points, from an object, from a file."""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem, Constants
from zoba_bench.validation import check_dimension

__all__ = [
    "called",
    "check_inner_solution",
    "file_spec",
    "from_functions",
    "from_object",
    "is_file",
    "load_file",
    "over_points",
]


#: Functions of points: how many vectors each takes, and which dimension its value has ("" for a number).
_FUNCTIONS = {
    "inner": (2, ""), "outer": (2, ""),
    "inner_solution": (1, "p"), "adjoint": (1, "p"), "value": (1, ""), "hypergradient": (1, "d"),
    "inner_grad_z": (2, "p"), "inner_grad_x": (2, "d"), "outer_grad_z": (2, "p"), "outer_grad_x": (2, "d"),
    "inner_hvp_zz": (3, "p"), "inner_jvp_xz": (3, "d"), "inner_jvp_zx": (3, "p"),
}  # fmt: skip
_NEEDED = ("p", "d", "inner", "outer")

# From functions and from objects.


def from_functions(
    cls: type[BilevelProblem],
    outer: Callable[..., Any],
    inner: Callable[..., Any],
    p: int,
    d: int,
    *,
    vectorize: bool = False,
    **closed_forms: Any,
) -> BilevelProblem:
    """See :meth:`zoba_bench.problem.BilevelProblem.from_functions`."""
    allowed = {f.name for f in fields(cls)}
    unknown = sorted(set(closed_forms) - allowed)
    if unknown:
        raise TypeError(f"unknown keyword {unknown[0]!r}; known are {', '.join(sorted(allowed))}")
    given: dict[str, Any] = {"inner": inner, "outer": outer, **closed_forms}
    given.setdefault("name", _title(outer))
    check_dimension("p", p)
    check_dimension("d", d)
    for name in _FUNCTIONS:
        function = given.get(name)
        if function is None and name not in ("inner", "outer"):
            continue
        if not callable(function):
            takes = "(z, x)" if _FUNCTIONS[name][0] > 1 else "x"
            raise TypeError(f"{name} must be a function of {takes}, got {function!r}")
        if vectorize:
            given[name] = over_points(name, function, p, d)
    if isinstance(given.get("constants"), Mapping):
        given["constants"] = _constants(given["constants"])
    if given.get("minimizer") is not None:
        minimizer = np.array(given["minimizer"], dtype=np.float64)
        if minimizer.shape != (d,):
            raise ValueError(f"minimizer must have shape ({d},), one entry for each of d, got {minimizer.shape}")
        given["minimizer"] = minimizer
    return cls(p=p, d=d, **given)


def _title(outer: object) -> str:
    """What a problem is called that is given no name."""
    name = getattr(outer, "__name__", "")
    return name if isinstance(name, str) and name.isidentifier() else "problem"


def from_object(cls: type[BilevelProblem], description: Any) -> BilevelProblem:
    """See :meth:`zoba_bench.problem.BilevelProblem.from_object`."""
    if isinstance(description, BilevelProblem):
        return description
    if inspect.isclass(description):
        try:
            description = description()
        except TypeError as error:
            raise TypeError(
                f"{description.__name__} cannot be made without arguments ({error}): pass an object of it"
            ) from error
    title = type(description).__name__
    missing = [name for name in _NEEDED if getattr(description, name, None) is None]
    if missing:
        raise TypeError(f"{title} has no {missing[0]!r}: a problem needs p, d, inner(z, x) and outer(z, x)")
    known = {f.name for f in fields(cls)}
    # A closed form under a wrong name would be left out without a word.
    for name in (n for n in dir(description) if not n.startswith("_") and n not in known):
        close = [n for n in difflib.get_close_matches(name, known, cutoff=0.85) if not hasattr(description, n)]
        if close:
            raise TypeError(f"{title} has {name!r}; did you mean {close[0]!r}? (a leading underscore keeps the name)")
    given = {name: getattr(description, name) for name in known if getattr(description, name, None) is not None}
    given.setdefault("name", title)
    return from_functions(cls, vectorize=bool(getattr(description, "vectorize", False)), **given)


def _constants(given: Mapping[str, Any]) -> Constants:
    known = [f.name for f in fields(Constants)]
    for name in given:
        if name not in known:
            raise TypeError(f"constants has no {name!r}; known are {', '.join(known)}")
    return Constants(**given)


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

    loop.__name__, loop.__module__ = _title(function), getattr(function, "__module__", None) or ""
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
    array = None if value is None else np.asarray(value)
    if array is None or array.dtype.kind not in "fiub":
        raise TypeError(f"{name} returned {value!r} for a single point; it must return {wanted}")
    if array.shape != shape:
        raise ValueError(f"{name} returned shape {array.shape} for a single point; it must return {wanted}")
    return array.astype(np.float64)


# From a file.


def is_file(name: object) -> bool:
    """Whether a problem's name is "file.py:name" (or a file whose name was forgotten)."""
    return isinstance(name, str) and (name.endswith(".py") or ".py:" in name)


def file_spec(name: str) -> dict[str, Any]:
    """What names a problem in a cell: for a file, its name and the hash of its content."""
    if not is_file(name):
        return {"name": name}
    path, _ = _split(name)
    return {"name": name, "file_hash": _digest(path)}


def load_file(
    name: str,
    *,
    file_hash: str | None = None,
    checked: bool = True,
    **options: Any,
) -> BilevelProblem:
    """A problem from "file.py:name".

    Parameters
    ----------
    name : str
        The path of a Python file, and what it calls the problem: a BilevelProblem, a function that returns one,
        or a class or an object as :meth:`BilevelProblem.from_object` takes.
    file_hash : str, optional
        SHA-256 that the file must have.
    checked : bool
        Refuse a declared inner solution that does not minimise G.
    **options
        Arguments of the function or class.

    Raises
    ------
    ValueError
        For a file that is not there, does not run, was edited, or whose z* is wrong.
    TypeError
        For a name that is no problem, or options that it does not take.
    """
    path, attribute = _split(name)
    digest = _digest(path)
    if file_hash is not None and digest != file_hash:
        raise ValueError(f"{path} was edited since this run was planned (its SHA-256 is {digest}, not {file_hash})")
    module = _module(str(path.resolve()), digest)
    if not hasattr(module, attribute):
        raise ValueError(f"{path} has no {attribute!r}; {_offers(module)}")
    problem = _build(f"{path}:{attribute}", getattr(module, attribute), options)
    if problem.name == _title(problem.outer):  # it was given none
        problem = replace(problem, name=attribute)
    if checked:
        check_inner_solution(problem)
    return problem


def _split(name: str) -> tuple[Path, str]:
    path, colon, attribute = name.rpartition(":")
    if not colon or not path.endswith(".py"):
        path, attribute = name, ""
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"there is no file {path!r} (seen from {Path.cwd()}); a problem of your own is file.py:name")
    if not attribute.isidentifier():
        offers = _offers(_module(str(file.resolve()), _digest(file)))
        raise ValueError(f"which problem of {path}? Write {path}:name; {offers}")
    return file, attribute


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@functools.cache
def _module(path: str, digest: str) -> ModuleType:
    """The file's module. Cached by content, so that a cell does not run the file again."""
    # Under a name of its own: dataclasses and pickle look a module up there.
    title = f"zoba_bench_user_{digest[:16]}"
    spec = importlib.util.spec_from_file_location(title, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[title] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[title]
        where = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        raise ValueError(f"{path} cannot be run: {type(error).__name__}: {error}{where}") from error
    return module


def _offers(module: ModuleType) -> str:
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (isinstance(value, BilevelProblem) or getattr(value, "__module__", None) == module.__name__)
    ]
    return f"it defines {', '.join(own)}" if own else "it defines nothing that could be one"


def _build(title: str, target: Any, options: Mapping[str, Any]) -> BilevelProblem:
    wanted = "a BilevelProblem, a function that returns one, or a class or object with p, d, inner and outer"
    if callable(target) and (inspect.isclass(target) or not any(hasattr(target, name) for name in _NEEDED)):
        known = list(inspect.signature(target).parameters)
        for option in options:
            if option not in known:
                takes = ", ".join(known) or "none"
                raise TypeError(f"{title} has no option {option!r}; its options are {takes}")
        try:
            target = target(**options)
        except TypeError as error:
            raise TypeError(f"{title} could not be called with {dict(options)}: {error}; wanted is {wanted}") from error
    elif options:
        raise TypeError(f"{title} is an object and takes no options, got {', '.join(options)}")
    if isinstance(target, BilevelProblem):
        return target
    if not any(hasattr(target, name) for name in _NEEDED):
        raise TypeError(f"{title} is {_article(type(target).__name__)}; wanted is {wanted}")
    try:
        return BilevelProblem.from_object(target)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{title}: {error}") from error


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


# Before a run.

_STEP, _TOLERANCE = 1e-6, 1e-5


def check_inner_solution(problem: BilevelProblem) -> None:
    """Refuse an inner solution from which G falls, at a few points; about a hundred evaluations of G.

    It proves nothing: ``zoba-bench check`` measures closely. It needs no derivative and no smoothness: at a minimiser
    G falls in no direction, neither nearby nor at distance one, whose change of G is also the scale.

    Raises
    ------
    ValueError
        With the slope, or the fall, that was met.
    """
    if problem.inner_solution is None:
        return
    rng = np.random.default_rng(0)
    x = np.stack([problem.initial_point(np.random.default_rng(k))[1] for k in range(3)])
    x[1:] *= np.array([[0.5], [0.1]])
    z = np.zeros((3, problem.p))
    if problem.region is not None:
        z, x = problem.region(z, x)
    z = np.asarray(problem.inner_solution(x), dtype=np.float64)
    if z.shape != (3, problem.p):
        raise ValueError(
            f"inner_solution of problem {problem.name!r} returned shape {z.shape} for x of shape {x.shape}; expected "
            f"{(3, problem.p)}: one z for each point (or pass vectorize=True)"
        )
    directions = rng.standard_normal((8, 1, problem.p))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    signed = np.concatenate([directions, -directions])

    def moved(step: float) -> Array:
        away = z + step * signed
        return away if problem.region is None else problem.region(away, x)[0]

    with np.errstate(all="ignore"):
        here = _inner(problem, z, x)
        near = (_inner(problem, moved(_STEP), x) - here) / _STEP
        far = _inner(problem, moved(1.0), x) - here
    if not np.isfinite(here).all():
        raise ValueError(f"inner of problem {problem.name!r} is not finite at z*(x): {here} at x = {x.tolist()}")
    near, far = (np.where(np.isfinite(rise), rise, 0.0) for rise in (near, far))
    scale = float(np.abs(far).max())
    # G may be a difference of terms of the size of its curvature times |z|^2.
    largest = 1 + float(np.abs(here).max()) + scale * float(np.vecdot(z, z).max())
    unit = 64 * float(np.finfo(np.float64).eps) * largest
    for rise, allowed, words in (
        (near, _TOLERANCE * scale + unit / _STEP, "falls with slope {0:.3g}"),
        (far, _TOLERANCE * scale + unit, "falls by {0:.3g} at distance 1"),
    ):
        if -float(rise.min()) > allowed:
            worst = int(np.argmin(np.min(rise, axis=0)))
            raise ValueError(
                f"inner_solution of problem {problem.name!r} is not a minimiser of inner: at x = {_short(x[worst])} G "
                f"{words.format(-float(rise.min()))} from z*(x) = {_short(z[worst])} (residual; at most {allowed:.1g} "
                "allowed); `zoba-bench check` says more"
            )


def _inner(problem: BilevelProblem, z: Array, x: Array) -> Array:
    shape = np.broadcast_shapes(z.shape[:-1], x.shape[:-1])
    hint = "one value for each point (or pass vectorize=True where it takes single points)"
    try:
        values = np.asarray(problem.inner(z, x), dtype=np.float64)
    except Exception as error:  # a user's function may raise anything
        if not getattr(error, "__notes__", ()):
            error.add_note(
                f"zoba-bench called inner of problem {problem.name!r} with z of shape {z.shape} and x of shape "
                f"{x.shape}; it must return {hint}"
            )
        raise
    if values.shape != shape:
        raise ValueError(
            f"inner of problem {problem.name!r} returned shape {values.shape} for z of shape {z.shape} and x of shape "
            f"{x.shape}; expected {shape}: {hint}"
        )
    return values


def _short(vector: Array) -> str:
    shown = ", ".join(f"{value:.4g}" for value in vector[:4])
    return f"({shown}{', ...' if len(vector) > 4 else ''})"
