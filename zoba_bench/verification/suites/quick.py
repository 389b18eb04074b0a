"""The suites "quick" and "smoke": ZOBA and HF-ZOBA against their derived numbers."""

from __future__ import annotations

from zoba_bench.verification.claims import (
    accuracy,
    bounds,
    complexity,
    conduct,
    counts,
    determinism,
    floors,
    horizon,
    independence,
    mean_run,
    mean_step,
    moments,
    one_step,
    planned,
    proofs,
    registry,
    settings,
    transient,
    whole_step,
)
from zoba_bench.verification.suite import Suite, together

__all__ = ["quick", "smoke"]

_SMOKE = (counts, settings, moments, mean_step, determinism)
_QUICK = (
    *_SMOKE, whole_step, independence, conduct, one_step, horizon, transient, bounds, complexity, floors, planned,
    registry, accuracy, mean_run, proofs,
)  # fmt: skip


def smoke() -> Suite:
    """Counts, moments, the mean of a step and identical bits, in a few seconds."""
    return Suite(
        "smoke",
        "Counts, moments, the mean of a step and identical bits, each with a control that must be rejected.",
        together(*(file.quick_claims() for file in _SMOKE)),
    )


def quick() -> Suite:
    """Every protocol, with controls, in about two minutes on two cores."""
    return Suite(
        "quick",
        "Counts of every solver and moments on every problem; identical bits in every order; one-step law, horizon "
        "rate, transient, evaluations to eps and noise floors on the reference family; certified bounds on four "
        "problems; known solutions reached on six; every solver as fast as its box says; a theorem and a certificate "
        "proved again; each with a control that must be rejected.",
        together(*(file.quick_claims() for file in _QUICK)),
    )
