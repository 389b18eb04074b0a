"""Mutants in the lower bound."""

from __future__ import annotations

from .planting import table

__all__ = ["MUTANTS"]

MUTANTS = table(
    "single_loop/lower_bound.py",
    ("noise = R**2 * d * _FORMS / (4 * l1)", "noise = R**2 * d * _FORMS / (2 * l1)", "twice the noise"),
    ("_FORMS = L_zz**2 * ratio**2 * (p + 2) * (p + 4)", "_FORMS = L_zz**2 * ratio**2 * (p + 2) * (p + 6)",
     "a larger moment of w"),
    ("_FORMS += beta**2 * (d + 2) * (d + 4) / ratio**2", "_FORMS += beta**2 * (d + 2) * (d + 4) / ratio",
     "the term of G_xx over r"),
    ("needed = L * Delta * R**2 * (d - 1) * _FORMS / (16 * eps**2)",
     "needed = L * Delta * R**2 * d * _FORMS / (16 * eps**2)", "the slow coordinate counts as a fast one"),
    ("needed = L * Delta * R**2 * (d - 1) * _FORMS / (16 * eps**2)",
     "needed = L * Delta * R**2 * (d - 1) * _FORMS / (8 * eps**2)", "twice the evaluations"),
    ("sp.Ge(_square, R**2)", "sp.Ge(_square, 2 * R**2)", "v is larger than v*"),
    ("sp.Ge(K, Delta / (4 * gamma * eps))", "sp.Ge(K, Delta / (2 * gamma * eps))", "twice the time of the slow one"),
    ("sp.Le(gamma, 4 * eps / (L * Q_fast))", "sp.Le(gamma, 2 * eps / (L * Q_fast))",
     "half of the step of the fast ones"),
    ("sp.Eq(sp.Symbol(\"excess_in_d\"), 1)", "sp.Eq(sp.Symbol(\"excess_in_d\"), 2)", "one more power of d"),
    tests=("single_loop/test_lower_bound.py",),
)  # fmt: skip
