"""Wrong derivations: places of the code of the theory, changed one at a time, and which step refuses each.

``planting`` changes one place in a process of its own and derives every theorem that rests on it. The tables say what
is changed: ``bounds`` in the bound of a run, ``plans`` in plan and count, ``fixed`` in those at fixed directions,
``lower`` in the lower bound, ``estimators`` in one direction, ``methods`` in the other papers' methods, ``rates`` in
the rates of PZOBO and SABA. ``page`` writes the outcomes down. Run it by ``python -m tests.theory.mutants``.
"""

from . import bounds, estimators, fixed, lower, methods, plans, rates

__all__ = ["MUTANTS"]

MUTANTS = (
    *bounds.MUTANTS, *plans.MUTANTS, *fixed.MUTANTS, *lower.MUTANTS, *estimators.MUTANTS, *methods.MUTANTS,
    *rates.MUTANTS,
)  # fmt: skip
