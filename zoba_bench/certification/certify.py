"""The certificate of a problem."""

from __future__ import annotations

import numpy as np

from zoba_bench.certification.measurement import measure, measure_constants, shapes
from zoba_bench.certification.outcome import Certificate, Check
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry, load_problem

__all__ = ["certify", "certify_registered"]


def certify(problem: BilevelProblem, small: BilevelProblem | None = None, seed: int = 0) -> Certificate:
    """Check everything a problem declares.

    Parameters
    ----------
    problem : the instance whose functions are measured.
    small : an instance of the same family whose symbols are proved and compared with its functions; default
        the problem itself. Without ``symbolic`` nothing is proved, and the certificate says so.
    seed : of the random points.
    """
    rng = np.random.default_rng(seed)
    checks = shapes(problem, rng)
    if all(check.ok for check in checks):
        checks += measure(problem, rng)
        checks += measure_constants(problem, rng)
    small = problem if small is None else small
    if small.symbolic is None:
        checks.append(Check("proof", True, "stated", "no symbolic form is declared: nothing is proved"))
        return Certificate(problem.name, tuple(checks))
    from zoba_bench.certification.comparison import compare, compare_constants
    from zoba_bench.certification.proofs import prove

    symbols = small.symbolic()
    checks += prove(symbols)
    checks += compare(small, symbols, rng)
    checks += compare_constants(small, symbols)
    if symbols.minimum is not None and not symbols.excess:
        checks.append(Check("global minimum", True, "stated", "no proof that the declared minimum is global"))
    return Certificate(problem.name, tuple(checks))


def certify_registered(name: str, seed: int = 0) -> Certificate:
    """The certificate of a registered problem: its default instance, proved for the card's small one."""
    card = getattr(entry("problems", name), "card", None)
    small = dict(card.small) if card is not None else {}
    problem = load_problem(name)
    return certify(problem, load_problem(name, **small) if small else problem, seed)
