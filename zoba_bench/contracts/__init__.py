"""What the engine asks of a solver, of a theorem and of a protocol, whoever wrote them.

A class satisfies a contract by having its members; it need not inherit from anything. ``lacking`` says which members an
object does not have, and ``require`` refuses such an object by name. A theorem may do more than every theorem must:
each further ability is a contract of its own (:class:`HasBound`, :class:`HasNoise`, ...), and a claim that needs one
asks for it with ``isinstance``.

``solvers`` asks of a solver, ``theorems`` of every theorem, ``bounds`` and ``predictions`` of those that can do more,
``protocols`` of a way to measure a claim. ``membership`` says who satisfies what.

Shapes: p and d are the dimensions of z and x, R is the number of replicates.
"""

from __future__ import annotations

from zoba_bench.contracts.bounds import CertifiedBound, HasBound, HasExport, HasOneStep, HasPlan, RunPlan
from zoba_bench.contracts.membership import lacking, members, require
from zoba_bench.contracts.predictions import (
    HasClosure,
    HasNoise,
    HasPointOfRest,
    HasRunMoments,
    HasSurrogates,
    OneDirectionSurrogate,
    PredictedCrossing,
    PredictedMean,
    PredictedTransient,
    RunMoments,
)
from zoba_bench.contracts.protocols import ClaimParameters, HasWork, SimulatedProtocol, VerificationProtocol
from zoba_bench.contracts.solvers import (
    HasDeclaredCounts,
    HasExpectedDescent,
    HasExpectedStep,
    HasMemory,
    HasOptions,
    Solver,
    State,
)
from zoba_bench.contracts.theorems import CheckOutcome, Complexity, DerivationStep, Theorem

__all__ = [
    "CertifiedBound", "CheckOutcome", "ClaimParameters", "Complexity", "DerivationStep", "HasBound", "HasClosure",
    "HasDeclaredCounts", "HasExpectedDescent", "HasExpectedStep", "HasExport", "HasMemory", "HasNoise",
    "HasOneStep", "HasOptions", "HasPlan",
    "HasPointOfRest", "HasRunMoments", "HasSurrogates", "HasWork", "OneDirectionSurrogate", "PredictedCrossing",
    "PredictedMean", "PredictedTransient", "RunMoments", "RunPlan", "SimulatedProtocol", "Solver", "State", "Theorem",
    "VerificationProtocol",
    "lacking", "members", "require",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
