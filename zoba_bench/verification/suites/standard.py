"""The suites "standard" (20 minutes on two cores) and "full" (45 minutes): everything that is claimed."""

from __future__ import annotations

from zoba_bench.verification.claims import (
    bounds,
    complexity,
    conduct,
    counts,
    determinism,
    error_rates,
    floors,
    horizon,
    independence,
    inequalities,
    mean_run,
    one_step,
    planned,
    proofs,
    published,
    registry,
    settings,
    whole_step,
)
from zoba_bench.verification.suite import Suite, together
from zoba_bench.verification.suites.quick import quick

__all__ = ["full", "standard"]

_STANDARD = (
    whole_step, independence, conduct, mean_run, proofs, inequalities, bounds, one_step, horizon, floors, complexity,
    registry, published, planned, error_rates, counts, settings, determinism,
)  # fmt: skip
_FULL = (floors, complexity, registry, error_rates)


def standard() -> Suite:
    """The quick suite, every one-step inequality, every certified bound, lines to larger sizes, the checker itself."""
    return Suite(
        "standard",
        "The quick suite; every theorem and certificate proved again; one-step inequalities and certified bounds "
        "on every problem whose assumptions hold; growth along d for a decade more; the order published for ZOBA "
        "against each solver; the checker's own error rates.",
        together(quick().claims, *(file.standard_claims() for file in _STANDARD)),
    )


def full() -> Suite:
    """The standard suite, longer lines in p, d and eps, exponents fitted in all three at once."""
    return Suite(
        "full",
        "Everything: the standard suite, noise floors to p = d = 32 and to d = 128, evaluations to eps along p and d "
        "to 32, over a decade of eps, and with all three varied at once; the checker's own error rates at every "
        "confidence in use.",
        together(standard().claims, *(file.full_claims() for file in _FULL)),
    )
