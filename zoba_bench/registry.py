"""Names to problems, solvers, theorems and suites, through entry points.

Each distribution offers, under an entry-point group, one mapping name -> "module:attribute".
Built-ins are found exactly as a third party's are.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import warnings
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any

from zoba_bench.contracts import HasOptions, Solver, Theorem, lacking, members, require
from zoba_bench.option_kinds import with_kinds
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.file import is_file, load_file
from zoba_bench.problem.pickling import made_by
from zoba_bench.solver_file import checked_solver_class, is_solver_file, load_solver_class
from zoba_bench.suggestions import nearest, unknown
from zoba_bench.threads import one_thread
from zoba_bench.validation import check_dimension, is_integer

__all__ = [
    "PluginWarning",
    "RegistryError",
    "UnknownNameError",
    "entry",
    "list_problems",
    "list_solvers",
    "list_theorems",
    "load_problem",
    "make_solver",
    "missing_requirements",
    "names",
    "plugins",
    "problem_groups",
    "sources",
    "theorem",
]


_WORDS = {"problems": "problem", "solvers": "solver", "theorems": "theorem", "claims": "suite", "updates": "update",
          "counts": "counts of solver"}  # fmt: skip


_OWN = "zoba-bench"
#: Kinds whose entries are called to get what the name stands for.
_CALLED = ("problems", "solvers", "theorems", "claims")


class RegistryError(RuntimeError):
    """Two distributions offer the same name, or an offered object cannot be loaded."""


class PluginWarning(UserWarning):
    """What a distribution offers cannot be used; the message names it. Everything else works."""


class UnknownNameError(ValueError):
    """A name that no distribution offers; the message suggests the nearest ones."""


@functools.cache
def _offers(kind: str) -> tuple[dict[str, tuple[str, str]], tuple[tuple[str, str], ...]]:
    """Name -> (module:attribute, distribution), and what is wrong with offers: (distribution, reason).

    A name that several offer stays with this distribution if it is one of them; else nobody has it, and ("", reason)
    stands there.
    """
    found: dict[str, tuple[str, str]] = {}
    broken: list[tuple[str, str]] = []
    points = [(_distribution(point), point) for point in entry_points(group=f"zoba_bench.{kind}")]
    claimed: dict[str, str] = {}
    for distribution, point in sorted(points, key=lambda pair: pair[0] != _OWN):  # its own first, the order kept
        try:
            offered = _checked_offer(point.load())
        except (Exception, SystemExit) as error:  # whatever a plug-in does at its import
            broken.append((distribution, f"{_words(error)}; nothing of it can be used"))
            continue
        for name, target in offered.items():
            first = claimed.setdefault(name, distribution)
            if name not in found and first == distribution:
                found[name] = (target, distribution)
                continue
            reason = f"{_WORDS[kind]} {name!r} is offered by both {first!r} and {distribution!r}"
            if first == _OWN:
                broken.append((distribution, f"{reason}: that of {first!r} is used; rename the other one"))
            else:
                found[name] = ("", f"{reason}: uninstall one, or rename it there")
                broken.append((distribution, f"{reason}: neither can be used; uninstall one, or rename it there"))
    return found, tuple(broken)


@functools.cache
def _mapping(kind: str) -> dict[str, tuple[str, str]]:
    """Name -> (module:attribute, distribution) for kind in problems, solvers, theorems, claims.

    Warns of every distribution whose offer cannot be used.
    """
    found, broken = _offers(kind)
    for distribution, reason in broken:
        warnings.warn(f"plug-in {distribution!r} ({kind}): {reason}", PluginWarning, stacklevel=3)
    return {name: offer for name, offer in found.items() if offer[0]}


def _distribution(point: Any) -> str:
    return str(point.dist.name if point.dist is not None else point.name)


def _checked_offer(offered: Any) -> dict[str, str]:
    if not isinstance(offered, Mapping):
        raise TypeError(f"its entry point is {type(offered).__name__}, not a mapping of names to 'module:attribute'")
    for name, target in offered.items():
        if not (isinstance(name, str) and isinstance(target, str) and all(target.partition(":"))):
            raise TypeError(f"its entry {name!r}: {target!r} is no name with 'module:attribute'")
    return dict(offered)


def _words(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def plugins() -> list[dict[str, Any]]:
    """Every distribution that offers something, with the state of it; the entries of others than this one are loaded.

    Returns
    -------
    list of dict
        "distribution", "kind", "names" (how many can be used), "problems": one line for everything that is wrong.
    """
    rows = []
    for kind in _WORDS:
        found, broken = _offers(kind)
        distributions = {_distribution(point) for point in entry_points(group=f"zoba_bench.{kind}")}
        for distribution in sorted(distributions, key=lambda name: (name != _OWN, name)):
            own = [name for name, offer in found.items() if offer[0] and offer[1] == distribution]
            wrong = [reason for name, reason in broken if name == distribution]
            if distribution != _OWN:
                wrong += [reason for name in own if (reason := _unloadable(kind, name))]
            usable = len(own) - sum(bool(_unloadable(kind, name)) for name in own if distribution != _OWN)
            rows.append({"distribution": distribution, "kind": kind, "names": usable, "problems": wrong})
    return rows


def _unloadable(kind: str, name: str) -> str:
    """Why an entry cannot be loaded; empty if it can."""
    try:
        entry(kind, name)
    except RegistryError as error:
        return str(error)
    return ""


def names(kind: str) -> list[str]:
    """All names of a kind: "problems", "solvers", "theorems" or "claims"."""
    return sorted(_mapping(kind))


def own_names(kind: str) -> list[str]:
    """The names of a kind that this distribution offers, without those of other packages."""
    return sorted(name for name, (_, distribution) in _mapping(kind).items() if distribution == _OWN)


def entry(kind: str, name: str) -> Any:
    """The object behind a name; UnknownNameError with suggestions if there is none."""
    mapping = _mapping(kind)
    if name not in mapping:
        _, reason = _offers(kind)[0].get(name, ("", ""))
        if reason:
            raise RegistryError(reason)
        raise UnknownNameError(unknown(_WORDS[kind], name, sorted(mapping)))
    target, distribution = mapping[name]
    module, _, attribute = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # whatever a plug-in does at its import
        raise RegistryError(
            f"{_WORDS[kind]} {name!r} of {distribution!r} ({target}) cannot be loaded: {_words(error)}"
        ) from error
    if kind in _CALLED and not callable(found):
        raise RegistryError(
            f"{_WORDS[kind]} {name!r} of {distribution!r} ({target}) cannot be loaded: it is "
            f"{type(found).__name__}, nothing that can be called"
        )
    return found


def sources(kind: str) -> list[str]:
    """The modules of every entry of a kind, for fingerprints."""
    return sorted({target.partition(":")[0] for target, _ in _mapping(kind).values()})


def list_problems(
    *,
    assumptions: Iterable[str] = (),
    smooth: bool | None = None,
    convexity: str | None = None,
    scalable: bool | None = None,
    data: bool | None = None,
    group: str | None = None,
) -> list[str]:
    """Names of the registered problems, installed data or not; nothing is built.

    Parameters
    ----------
    assumptions : iterable of str
        Those of A1 to A5 that must hold everywhere and in full.
    smooth, scalable, data : bool, optional
        Whether both objectives are smooth, p or d can be chosen, another package's data is needed.
    convexity : {"strongly convex", "convex", "nonconvex"}, optional
        What the card says of Psi.
    group : str, optional
        The part of the catalogue, one of :func:`problem_groups`.

    Returns
    -------
    list of str
        With any of these, problems without a card are left out.

    Raises
    ------
    UnknownNameError
        For a group that no card names.
    """
    if group is not None:
        known = [each for each in problem_groups() if each]
        if group not in known:
            raise UnknownNameError(unknown("group", group, known))
    wanted = {"smooth": smooth, "psi_convexity": convexity, "scalable": scalable, "needs_data": data, "group": group}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    held = list(assumptions)
    if not wanted and not held:
        return names("problems")
    found = []
    for name in names("problems"):
        card = card_of(name)
        if card is not None and all(map(card.holds, held)) and all(getattr(card, k) == v for k, v in wanted.items()):
            found.append(name)
    return found


def problem_groups() -> dict[str, list[str]]:
    """The groups that cards name, sorted, with the names of their problems; last, under "", those of no group."""
    found: dict[str, list[str]] = {}
    for name in names("problems"):
        card = card_of(name)
        found.setdefault(card.group if card is not None else "", []).append(name)
    return {group: found[group] for group in sorted(found, key=lambda group: (not group, group))}


def card_of(name: str) -> Any:
    """The card of a registered problem; None if it has none, or cannot be loaded."""
    try:
        return getattr(entry("problems", name), "card", None)
    except RegistryError:
        return None


def list_solvers() -> list[str]:
    """Names of all registered solvers and presets."""
    return names("solvers")


def list_theorems() -> list[str]:
    """Names of all registered theorems."""
    return names("theorems")


def missing_requirements(name: str) -> dict[str, str]:
    """Modules a problem needs that are not installed -> the extra that installs each."""
    card = getattr(entry("problems", name), "card", None)
    requires = card.requires if card is not None else {}
    return {module: extra for module, extra in requires.items() if importlib.util.find_spec(module) is None}


def load_problem(
    name: str, p: int | None = None, d: int | None = None, *, seed: int | None = None, **parameters: Any
) -> BilevelProblem:
    """Build a registered problem, or one of your own from a file.

    Parameters
    ----------
    name : str
        A registered name, or "file.py:name" (a BilevelProblem there, a function that returns one, or a class or
        object with p, d, inner and outer). ``file_hash`` among the parameters is then the SHA-256 that the file
        must have.
    p, d : int, optional
        Dimensions of z and x; the family's defaults where None.
    seed : int, optional
        Seed of the family's random data, for families that have any.
    **parameters
        The family's own parameters.

    Raises
    ------
    UnknownNameError
        For a name that is not registered.
    ValueError
        For dimensions that are not positive integers, parameters out of range, or a file that is not there, was
        edited, or declares an inner solution that does not minimise G.
    TypeError
        For a parameter that the family does not have, or a name in a file that is no problem.
    """
    options = dict(parameters)
    for key, value in (("p", p), ("d", d)):
        if value is not None:
            options[key] = check_dimension(key, value)
    if seed is not None:
        if not is_integer(seed) or seed < 0:
            raise ValueError(f"seed must be a non-negative integer, got {seed!r}")
        options["seed"] = int(seed)
    if is_file(name):
        return load_file(name, **options)
    factory = entry("problems", name)
    _check_options(f"problem {name!r}", options, _parameter_names(factory))
    with one_thread("blas"):  # an instance of a seed has the same bits wherever it is built
        problem: Any = factory(**options)
    if not isinstance(problem, BilevelProblem):
        _, distribution = _mapping("problems")[name]
        raise TypeError(f"problem {name!r} of {distribution!r} is {type(problem).__name__}, not a BilevelProblem")
    return made_by(problem, load_problem, name, **options)


def make_solver(solver: Any, **options: Any) -> Solver:
    """A solver's immutable configuration.

    Parameters
    ----------
    solver : str, class or object
        A registered name, "file.py:Class", a solver's class, or a configuration of one, which is returned as it is.
    **options
        What replaces defaults of a name or a class.

    Raises
    ------
    UnknownNameError
        For a name that is not registered.
    ValueError
        For a file that is not there, does not run or was edited.
    TypeError
        For an option that the solver does not have, a value of another kind than its default, options beside a
        configuration, or a solver that lacks a member of its contract.
    """
    if isinstance(solver, str):
        factory = load_solver_class(solver) if is_solver_file(solver) else entry("solvers", solver)
        title = f"solver {solver!r}"
    elif inspect.isclass(solver):
        factory = checked_solver_class(solver, f"solver {solver.__name__}")
        title = f"solver {solver.__name__}"
    else:
        if lacking(solver, Solver) == members(Solver):
            raise TypeError(
                "solver must be a registered name, 'file.py:Class', the class of a solver or an object of one, "
                f"got {solver!r}"
            )
        title = f"solver {solver!r}"
        require(title, solver, Solver)
        if options:
            raise TypeError(
                f"{', '.join(options)} cannot be set on {title}, which has its options already: give them to its "
                f"class, or use dataclasses.replace(solver, {next(iter(options))}=...)"
            )
        configured: Solver = solver
        return configured
    require(title, factory, HasOptions)
    _check_options(title, options, factory.option_names())
    made: Solver = with_kinds(title, factory, options)
    require(title, made, Solver)
    return made


def theorem(name: str) -> Theorem:
    """The theorem of that name; its steps are checked when a bound is asked for.

    Parameters
    ----------
    name : str
        A registered name, see ``list_theorems()``.

    Raises
    ------
    UnknownNameError
        For a name that is not registered.
    TypeError
        For a theorem that lacks a member of its contract.
    """
    found: Theorem = entry("theorems", name)()
    require(f"theorem {name!r}", found, Theorem)
    return found


def _parameter_names(factory: Any) -> list[str]:
    return list(inspect.signature(factory).parameters)


def _check_options(what: str, options: Mapping[str, Any], known: list[str]) -> None:
    for option in options:
        if option not in known:
            close = nearest(option, known, number=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise TypeError(f"{what} has no option {option!r}; {hint}its options are {', '.join(known)}")
