"""Orders are read off, proved by coefficients, and refused when a power is missing."""

from __future__ import annotations

import pytest
import sympy as sp
from zoba_bench.theory.estimators.presets import PRESETS, preset_named
from zoba_bench.theory.estimators.radius import best_ratio, tuned_ratio, verify_tuned_ratio
from zoba_bench.theory.proof.orders import ComplexityError, Divergence, diverges, dominates, order_of
from zoba_bench.theory.single_loop.assumptions import PUBLISHED
from zoba_bench.theory.single_loop.hf_zoba import hf_zoba, hf_zoba_shared
from zoba_bench.theory.single_loop.variance import VarianceModel
from zoba_bench.theory.single_loop.zoba import zoba, zoba_tuned
from zoba_bench.theory.single_loop.zoba_mixed import zoba_mixed
from zoba_bench.theory.symbols import CONSTANTS, L_xx, L_zz, d, eps, p

from zoba_bench.registry import load_problem

ORDERS = [
    (zoba, (p**3 + p**2 * d + p * d**2 + d**3) / eps**2),
    (zoba_tuned, (p**3 + p * d**2) / eps**2),
    (zoba_mixed, (p**2 + p * d) / eps**2),
    (hf_zoba, (p + d) / eps**2),
    (hf_zoba_shared, (p + d) / eps),
]


@pytest.mark.parametrize(("factory", "order"), ORDERS)
def test_order_read_off_the_derived_count(factory, order):
    found = factory().complexity.order
    assert sp.expand(found - order) == 0, found


@pytest.mark.parametrize(("factory", "order"), ORDERS)
@pytest.mark.parametrize("power", [p, d, 1 / eps])
def test_one_power_too_few_is_refused(factory, order, power):
    count = factory().complexity.count
    with pytest.raises(ComplexityError, match="occurs in the count but not in"):
        dominates(count, sp.expand(order / power) if power == 1 / eps else _lowered(order, power))


def _lowered(order, symbol):
    """Each monomial with the highest power of a symbol loses one power of it."""
    numerator = sp.Poly(order * eps**2, symbol)
    degree = numerator.degree()
    terms = (c * symbol ** (k - (k == degree)) for (k,), c in numerator.terms())
    return sp.expand(sp.Add(*terms) / eps**2)


@pytest.mark.parametrize("factory", [zoba_tuned, zoba_mixed])
def test_the_published_order_is_reproduced(factory):
    complexity = factory().complexity
    assert complexity.published == PUBLISHED
    assert any(c.target == PUBLISHED for c in complexity.certificates)
    assert "the published rate is reproduced under p, d >= 1" in complexity.statement


def test_a_plan_takes_the_published_order_by_its_name():
    problem, theorem = load_problem("reference", p=4, d=3), hf_zoba()
    known = (problem.constants, 4, 3, 0.5, {"gap": 2.0})
    named = theorem.dominating_count("published", *known)
    assert named == theorem.dominating_count(str(PUBLISHED), *known)
    assert named != theorem.dominating_count("(d + p)/eps**2", *known)


def test_one_radius_reproduces_the_published_order_for_p_at_least_d_only():
    complexity = zoba().complexity
    assert "reproduced under p >= d >= 1" in complexity.statement
    assert "The paper's text was not available" in complexity.statement
    (divergence,) = [c for c in complexity.certificates if isinstance(c, Divergence)]
    assert (divergence.growing, divergence.excess) == (d, 1)
    with pytest.raises(ComplexityError, match="occurs in the count but not in"):
        dominates(complexity.count, PUBLISHED)


def test_a_failed_coefficient_test_is_no_divergent_limit():
    with pytest.raises(ComplexityError, match="no divergent limit"):
        diverges(zoba_tuned().complexity.count, PUBLISHED)


@pytest.mark.parametrize(
    ("name", "order", "constant"),
    [
        ("zoba-tuned", p * (d + p) ** 2, sp.Rational(81, 8)),
        ("zoba-mixed", p * (d + p), sp.Integer(9)),
        ("hf-zoba", p + d, sp.Integer(3)),
    ],
)
def test_constants_of_one_direction_with_unit_constants(name, order, constant):
    moment = VarianceModel(preset_named(name)).per_direction.subs(dict.fromkeys(CONSTANTS, 1))
    assert dominates(sp.expand(moment), order).constant == constant


def test_one_direction_with_one_radius_has_no_constant():
    moment = sp.expand(VarianceModel(preset_named("zoba")).per_direction.subs(dict.fromkeys(CONSTANTS, 1)))
    with pytest.raises(ComplexityError):
        dominates(moment, p * (d + p) ** 2)
    assert diverges(moment, p * (d + p) ** 2).excess == 1


@pytest.mark.parametrize("name", PRESETS)
def test_dominance_holds_where_it_is_evaluated(name):
    order = order_of(sp.expand(VarianceModel(preset_named(name)).per_direction))
    moment = sp.expand(VarianceModel(preset_named(name)).per_direction.subs(dict.fromkeys(CONSTANTS, 1)))
    found = dominates(moment, order)
    for size in [(1, 1), (1, 100), (100, 1), (7, 9)]:
        at = dict(zip((p, d), size, strict=True))
        assert moment.subs(at) <= found.constant * order.subs(at), size


def test_a_negative_count_is_refused():
    with pytest.raises(ComplexityError, match="may be negative"):
        dominates(p**2 - 5 * p * d, p**2 + p * d)


def test_a_count_with_roots_is_refused():
    with pytest.raises(ComplexityError, match="not a polynomial"):
        dominates(sp.sqrt(p) * d, p * d)


def test_order_of_keeps_maximal_monomials_only():
    found = order_of((3 * p**2 * d + 7 * p * d + p**2) / eps + p / eps**2)
    assert sp.expand(found - p**2 * d / eps - p / eps**2) == 0, found


def test_best_and_tuned_radius_ratio():
    expected = (L_xx / L_zz) ** 2 * (d + 2) * (d + 4) / ((p + 2) * (p + 4))
    assert sp.simplify(best_ratio() - expected) == 0
    assert sp.simplify(VarianceModel(preset_named("zoba-tuned")).radius_ratio ** 2 - tuned_ratio()) == 0
    assert "5/3" in verify_tuned_ratio()
