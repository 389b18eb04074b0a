"""Errors planted in whatever any registered problem declares are seen by its certificate, every one of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from zoba_bench.certification import certify
from zoba_bench.certification.identities import _proofs, _run, prove
from zoba_bench.registry import list_problems, load_problem, missing_requirements

from . import mutants
from .mutants import ADDED, FACTOR, FIXED, Outcome, closed_forms, constants, plant

NAMES = list_problems()


@pytest.fixture(scope="module")
def outcomes():
    """What became of everything planted so far, by problem and kind."""
    return {}


@pytest.fixture(scope="module", params=NAMES)
def instances(request):
    if missing_requirements(request.param):
        pytest.skip(f"{request.param} needs {missing_requirements(request.param)}")
    return request.param, *certify.instances(request.param)


@pytest.mark.sample(8)
def test_every_error_in_a_closed_form_is_seen(instances, outcomes):
    name, problem, small = instances
    outcome = outcomes[name, "closed forms"] = closed_forms(problem, small)
    assert len(outcome.planted) >= 2
    assert not outcome.missed, f"{name}: {outcome}"


@pytest.mark.sample(6)
def test_no_constant_can_be_half_of_what_it_is(instances, outcomes):
    name, problem, small = instances
    outcome = outcomes[name, "constants"] = constants(problem, small)
    assert not outcome.missed, (
        f"{name}: {outcome}. A certificate that says nothing where these are half (mu: twice) of what is declared: "
        "tighten them until a point attains them within a factor of two, or give their argument in `symbolic`"
    )


@pytest.mark.slow
def test_the_whole_registry_is_planted_with_errors_and_all_of_them_are_seen(outcomes):
    for name in NAMES:
        if missing_requirements(name):
            continue
        for kind, plants in (("closed forms", closed_forms), ("constants", constants)):
            if (name, kind) not in outcomes:  # run alone
                outcomes[name, kind] = plants(*certify.instances(name))
    for kind, least in (("closed forms", 1800), ("constants", 480)):
        found = {name: outcome for (name, of), outcome in outcomes.items() if of == kind}
        planted, missed = (sum(len(getattr(o, part)) for o in found.values()) for part in ("planted", "missed"))
        print(f"{kind}: {planted - missed} of {planted} planted errors seen, in {len(found)} problems")
        assert not missed, {name: outcome.missed for name, outcome in found.items() if outcome.missed}
        # A registry in which nothing is declared any more would pass everything above.
        assert planted >= least


# The proofs, with errors planted in the symbols.

SYMBOLIC = ("inner_solution", "adjoint", "hypergradient", "value", "minimizer", "minimum", "mu")


def wrong_symbols(symbols, field, index=0):
    """The symbols with one expression a thousandth too large."""
    off = 1 + sp.Rational(1, 1000)
    kept = getattr(symbols, field)
    if not isinstance(kept, (list, tuple)):
        return replace(symbols, **{field: kept * off})
    changed = list(kept)
    changed[index] = changed[index] * off if changed[index] != 0 else off - 1
    return replace(symbols, **{field: changed})


def proved_one_by_one(symbols):
    """The checks of ``prove``, each made when it is asked for."""
    return (_run(name, proof) for name, proof in _proofs(symbols))


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", ["quad_general", "quad_tracking", "minimax_quad"])
@pytest.mark.parametrize("field", SYMBOLIC)
def test_every_error_in_the_symbols_is_refuted(name, field):
    symbols = load_problem(name, p=2, d=1).symbolic()
    assert any(not refuted.ok for refuted in proved_one_by_one(wrong_symbols(symbols, field)))


def test_a_term_too_few_in_a_proof_is_refuted():
    symbols = load_problem("quad_general", p=2, d=2).symbolic()
    for field, name in (("curvature", "strong convexity"), ("excess", "global minimum")):
        fewer = replace(symbols, **{field: getattr(symbols, field)[1:]})
        assert name in [check.name for check in prove(fewer) if not check.ok]


# The planting itself.


def test_what_is_planted_differs_from_what_is_declared_by_what_it_says():
    problem = load_problem("quad_general", p=3, d=2)
    z, x = np.ones((2, 3)), np.ones((2, 2))
    for name in ("hypergradient", "outer_grad_z"):
        arguments = (x,) if name == "hypergradient" else (z, x)
        right = getattr(problem, name)(*arguments)
        for label, change in plant(problem, name):
            gap = getattr(change(problem), name)(*arguments) - right
            if label.endswith("scaled"):
                np.testing.assert_allclose(gap, (FACTOR - 1) * right, rtol=1e-9)
            else:
                assert (np.count_nonzero(gap, axis=-1) == 1).all()
                np.testing.assert_allclose(gap.sum(-1), ADDED * (1 + np.abs(right[:, 1])), rtol=1e-9)
    for name in FIXED:
        for label, change in plant(problem, name):
            assert np.any(getattr(change(problem), name) != getattr(problem, name)), label


def test_a_certificate_that_checks_nothing_would_be_noticed(monkeypatch):
    problem = load_problem("quad_general", p=3, d=2)
    monkeypatch.setattr(mutants, "_parts", lambda *_: iter([list]))
    outcome = closed_forms(problem, problem)
    assert outcome.missed == outcome.planted
    assert str(Outcome(("a", "b"), ("b",))) == "1 of 2 planted errors seen; not b"
