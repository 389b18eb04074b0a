"""Every rule accepts the statement that was derived and refuses a planted error."""

from __future__ import annotations

import pytest
import sympy as sp
from zoba_bench.theory.proof import rules

x, y, s = sp.symbols("x y s", nonnegative=True)
n = sp.Symbol("n", integer=True, positive=True)
name = sp.Symbol("name")
square = (x - y) ** 2

#: Rule -> proof, the statement that it is of, and statements that are something else.
CASES = {
    "by_derivation": (
        rules.by_derivation(lambda: (x + y) ** 2, "found"),
        sp.Eq(name, x**2 + 2 * x * y + y**2),
        [sp.Eq(name, x**2 + y**2), sp.Le(name, (x + y) ** 2)],
    ),
    "by_components": (
        rules.by_components((x, y), "found"),
        sp.Eq(sp.Tuple(name, name), sp.Tuple(x, y), evaluate=False),
        [
            sp.Eq(sp.Tuple(name, name), sp.Tuple(x, 2 * y), evaluate=False),
            sp.Eq(sp.Tuple(name, s), sp.Tuple(y, x), evaluate=False),
            sp.Eq(sp.Tuple(name, s, s), sp.Tuple(x, y, y), evaluate=False),
        ],
    ),
    "by_induction": (
        rules.by_induction(n, sp.Integer(0), lambda value: 2 * value + 1, "found"),
        sp.Eq(name, 2**n - 1),
        [sp.Eq(name, 2**n), sp.Eq(name, n)],
    ),
    "by_relation": (
        rules.by_relation(lambda: sp.Le(name, x + y), "found"),
        sp.Le(name, y + x),
        [sp.Ge(name, x + y), sp.Eq(name, x + y), sp.Le(s, x + y), sp.Le(name, x)],
    ),
    "by_slack": (
        rules.by_slack(x, 2 * y, "found"),
        sp.Le(name, x + 2 * y),
        [sp.Le(name, x + y), sp.Le(name, x + 3 * y), sp.Ge(name, x + 2 * y)],
    ),
    "by_sum": (
        rules.by_sum({square: sp.Rational(1, 2), s: x}, "found", stands_for={name: x * y}),
        sp.Le(name, (x**2 + y**2) / 2 + s * x),
        [sp.Le(name, (x**2 + y**2) / 2), sp.Le(name, x**2 + y**2 + s * x)],
    ),
    "by_nonnegative_terms": (
        rules.by_nonnegative_terms(x, "found", attained={y: 0}),
        sp.Le(name, x + y),
        [sp.Le(name, x - y), sp.Le(name, x + y + 1), sp.Le(name, y)],
    ),
}


def test_every_rule_has_a_case():
    assert set(CASES) == {rule for rule in rules.__all__ if rule.startswith("by_")}


@pytest.mark.parametrize("rule", CASES)
def test_the_derived_statement_is_accepted(rule):
    proof, statement, _ = CASES[rule]
    assert proof(statement) == "found"


@pytest.mark.parametrize("rule", CASES)
def test_another_statement_is_refused(rule):
    proof, _, others = CASES[rule]
    for statement in others:
        with pytest.raises(ValueError):
            proof(statement)


def test_a_quantity_or_a_multiplier_that_may_be_negative_proves_nothing():
    real = sp.Symbol("real", real=True)
    with pytest.raises(ValueError, match="may be negative"):
        rules.by_sum({real: sp.Integer(1)}, "")(sp.Le(x, x + real))
    with pytest.raises(ValueError, match="may be negative"):
        rules.by_sum({square: sp.Integer(-1)}, "")(sp.Le(x, x - square))
    with pytest.raises(ValueError, match="may be negative"):
        rules.by_slack(x, -y, "")(sp.Le(name, x - y))
