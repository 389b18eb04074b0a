"""The certificate of a problem."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from zoba_bench.certification.certificate import Certificate, Check
from zoba_bench.certification.closed_forms import measure
from zoba_bench.certification.constants import measure_constants
from zoba_bench.certification.optimum import optimum
from zoba_bench.certification.shapes import shapes
from zoba_bench.certification.spreads import measure_spreads
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.file import is_file, load_file
from zoba_bench.registry import entry, load_problem

__all__ = ["certify", "certify_registered", "instances", "measured"]


def certify(problem: BilevelProblem, small: BilevelProblem | None = None, seed: int = 0) -> Certificate:
    """Check everything a problem declares.

    Parameters
    ----------
    problem : the instance whose functions are measured.
    small : an instance of the same family whose symbols are proved and compared with its functions; default
        the problem itself. Without ``symbolic`` nothing is proved, and the certificate says so.
    seed : of the random points.
    """
    small = problem if small is None else small
    checks = [*measured(problem, seed), *_own(problem)]
    if small is not problem:
        # In few dimensions the search comes closer to what the family's constants really are.
        found = _guarded("constants", lambda: measure_constants(small, np.random.default_rng([seed, 3])))
        checks += [replace(check, name=f"{check.name} of the small instance") for check in found]
    if small.symbolic is None:
        checks.append(Check("proof", True, "stated", "no symbolic form is declared: nothing is proved"))
    else:
        checks += _guarded("symbolic form", lambda: _proved(small, seed))
    return Certificate(problem.name, tuple(checks))


def measured(problem: BilevelProblem, seed: int = 0) -> list[Check]:
    """What is seen without symbols: shapes, then residuals, the optimum and constants."""
    checks = _guarded("shapes", lambda: shapes(problem, np.random.default_rng(seed)))
    if all(check.ok for check in checks):
        for name, part in (
            ("closed forms", measure), ("optimum", optimum), ("constants", measure_constants),
            ("samples", measure_spreads),
        ):  # fmt: skip
            checks += _guarded(name, partial(part, problem, np.random.default_rng([seed, 1])))
        checks += _unmeasured(problem, {check.name for check in checks})
    return checks


def _unmeasured(problem: BilevelProblem, seen: set[str]) -> Iterator[Check]:
    """Constants that are only sampled, and that nothing here can measure: they must not go unmentioned."""
    for name in problem.constants.sampled:
        declared = getattr(problem.constants, name)
        if declared is not None and f"constant {name}" not in seen:
            detail = f"declared {declared:.6g}; only sampled, no bound uses it, and not measured here"
            yield Check(f"constant {name}", True, "stated", detail)


def _proved(small: BilevelProblem, seed: int) -> list[Check]:
    from zoba_bench.certification.against_symbols import compare, compare_constants
    from zoba_bench.certification.identities import prove

    assert small.symbolic is not None
    symbols = small.symbolic()
    checks = [*prove(symbols), *compare(small, symbols, np.random.default_rng([seed, 2]))]
    checks += compare_constants(small, symbols)
    if symbols.minimum is not None and not symbols.excess:
        checks.append(Check("global minimum", True, "stated", "no proof that the declared minimum is global"))
    return checks


def _own(problem: BilevelProblem) -> list[Check]:
    """The family's own checks."""
    own = problem.extra_checks
    if own is None:
        return []
    subject = (problem,) if inspect.signature(own).parameters else ()
    return _guarded("extra checks", lambda: own(*subject))


def _guarded(name: str, part: Callable[[], Sequence[Check]]) -> list[Check]:
    try:
        return list(part())
    except Exception as error:  # a problem's functions may raise anything: that is a finding, not a crash
        return [Check(name, False, "computed", f"raises {type(error).__name__}: {error}")]


def instances(name: str, **parameters: Any) -> tuple[BilevelProblem, BilevelProblem]:
    """The instance of a registered family at its default size, and the small one that its card names for proofs.

    Both have the ``parameters`` beside their sizes. Of a costly family both are the small one.
    """
    card = getattr(entry("problems", name), "card", None)
    if card is not None and card.costly:
        small = load_problem(name, **{**card.small, **parameters})
        return small, small
    problem = load_problem(name, **parameters)
    small = load_problem(name, **{**card.small, **parameters}) if card is not None and card.small else problem
    return problem, small


def certify_registered(name: str, seed: int = 0) -> Certificate:
    """The certificate of a registered problem: its default instance, proved for the card's small one.

    "file.py:name" names one of your own.
    """
    if is_file(name):
        own = load_file(name, checked=False)
        return Certificate(name, certify(own, seed=seed).checks)
    return Certificate(name, certify(*instances(name), seed).checks)
