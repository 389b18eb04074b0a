"""AID-BiO, ITD-BiO and stocBiO: every step and its mutants, orders beside the published ones, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp
from zoba_bench.theory.methods.differentiation import neumann as neumann_module
from zoba_bench.theory.methods.differentiation.aid import aid_bio
from zoba_bench.theory.methods.differentiation.implicit_lemmas import kappa, x
from zoba_bench.theory.methods.differentiation.itd import itd_bio
from zoba_bench.theory.methods.differentiation.stocbio import stocbio
from zoba_bench.theory.proof.algebra import require_growth, require_recursion, triangle
from zoba_bench.theory.proof.boxes import Loop, count
from zoba_bench.theory.proof.orders import dominated
from zoba_bench.theory.symbols import eps

from ...implicit_support import KINDS, step_of
from ...mutation import accepted_mutants

FACTORIES = {"aid-bio": aid_bio, "itd-bio": itd_bio, "stocbio": stocbio}


@pytest.fixture(params=FACTORIES)
def theorem(request):
    return FACTORIES[request.param]()


def refuses(theorem, name, statement):
    return not replace(step_of(theorem, name), statement=statement).check().ok


# Steps


def test_every_step_is_verified(theorem):
    for result in theorem.results:
        assert result.ok, result


def test_every_changed_number_is_refused(theorem):
    assert accepted_mutants(theorem) == []


def test_names_and_caching(theorem):
    assert theorem is FACTORIES[theorem.name]()
    assert theorem.solver == theorem.name
    assert len({step.name for step in theorem.steps}) == len(theorem.steps), "two steps have one name"


def test_rendering_says_what_is_verified_and_what_is_quoted(theorem):
    text = theorem.render_text()
    assert "FAILS" not in text
    assert "Quoted, not derived here" in text
    assert "recalled from arXiv 2010.07962" in text
    assert "Enhanced Bilevel Optimization via Bregman Distance" in text
    details = theorem.render()
    assert all(step["ok"] and step["mathml"].startswith("<m") for step in details["steps"])
    assert theorem.render_markdown()


@pytest.mark.parametrize("kind", KINDS)
def test_derived_orders_are_the_published_ones_up_to_the_logarithm(theorem, kind):
    derived = step_of(theorem, f"order of {kind}").statement.rhs
    (published,) = (q.statement.rhs for q in theorem.quoted if q.name == f"published {kind}")
    ratio = sp.cancel(derived / published)
    assert not ratio.has(kappa, eps), f"{kind}: derived over published is {ratio}"


# Negative controls


def test_a_reversed_sign_of_the_remainder_is_refused():
    right = step_of(stocbio(), "remainder of the Neumann sum").statement.rhs
    assert refuses(stocbio(), "remainder of the Neumann sum", sp.Eq(sp.Symbol("remainder"), -right))


def test_a_missing_eta_on_the_neumann_sum_is_refused(monkeypatch):
    theorem = stocbio()
    right = step_of(theorem, "mean of the Neumann sum").statement.rhs
    eta = theorem.symbols["eta"]
    assert refuses(theorem, "mean of the Neumann sum", sp.Eq(sp.Symbol("E_v_Q"), right / eta))

    def released(batches, start):
        r, total = start, 0
        for hessian in batches:
            r = r - eta * hessian * r
            total = total + r
        return eta * r + total

    monkeypatch.setattr(neumann_module, "neumann", released)
    with pytest.raises(ValueError, match="the mean is"):
        neumann_module._mean()


def test_a_batch_that_is_used_twice_is_refused(monkeypatch):
    once = neumann_module.neumann
    monkeypatch.setattr(neumann_module, "neumann", lambda batches, start: once([batches[0]] * len(batches), start))
    with pytest.raises(ValueError, match="occurs twice"):
        neumann_module._mean()


def test_a_reversed_inequality_is_refused():
    for name in ("smoothness of Phi", "inner contraction", "bound"):
        statement = step_of(aid_bio(), name).statement
        assert refuses(aid_bio(), name, sp.Ge(*statement.args, evaluate=False)), name


@pytest.mark.parametrize("kind", KINDS)
def test_one_power_of_kappa_too_few_is_refused(theorem, kind):
    left, right = step_of(theorem, f"order of {kind}").statement.args
    assert refuses(theorem, f"order of {kind}", sp.Le(left, right / kappa))


def test_conjugate_gradients_do_not_contract_with_kappa_for_its_root():
    left, right = step_of(aid_bio(), "rate of conjugate gradients").statement.args
    faster = right.subs(sp.sqrt(kappa), kappa ** sp.Rational(1, 4))
    assert refuses(aid_bio(), "rate of conjugate gradients", sp.Le(left, faster))


def test_a_split_that_forgets_a_term_is_refused():
    a, b, c, d = sp.symbols("a b c d", commutative=False)
    bounds = {a: 1, d: 1, a - c: 1, b - d: 1}
    assert triangle(a * b - c * d, [(a, b - d), (a - c, d)], bounds) == 2
    with pytest.raises(ValueError, match="the terms leave"):
        triangle(a * b - c * d, [(a, b - d)], bounds)
    with pytest.raises(ValueError, match="no bound on the norm"):
        triangle(a * b - c * d, [(a, b - d), (a - c, d)], {a: 1})


def test_a_wrong_closed_form_is_refused():
    n, q = sp.Symbol("n", integer=True, positive=True), sp.Symbol("q", positive=True)
    assert require_recursion(q**n, n, 1, lambda power: q * power) == q**n
    with pytest.raises(ValueError, match="derived"):
        require_recursion(n * q**n, n, 0, lambda power: q * power)


def test_a_function_that_falls_is_refused():
    with pytest.raises(ValueError, match="may be negative"):
        require_growth(sp.log(1 / (1 - x)) - 2 * x, x, {sp.Symbol("s", nonnegative=True): 1})


def test_a_negative_coefficient_has_no_order():
    assert dominated(2 * kappa**2 / eps + 3, kappa) == 5 * kappa**2 / eps
    with pytest.raises(ValueError, match="may be negative"):
        dominated(kappa**2 - kappa, kappa)


def test_a_loop_is_counted_by_its_bounds():
    n, i = sp.Symbol("n", integer=True, positive=True), sp.Symbol("i", integer=True)
    box = (("hvp", 1), Loop(i, 1, n, (("hvp", i), ("jvp", 2))))
    assert sp.expand(count(box, "hvp") - 1 - n * (n + 1) / 2) == 0
    assert count(box, "jvp") == 2 * n
