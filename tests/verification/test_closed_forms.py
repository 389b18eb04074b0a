"""Closed forms that are off by one percent are refused before anything runs; right ones are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.errors import DerivationError
from zoba_bench.registry import list_problems, load_problem, missing_requirements
from zoba_bench.verification.claim import decide
from zoba_bench.verification.claims.accuracy import quick_claims
from zoba_bench.verification.protocols import accuracy, bounds, inequalities
from zoba_bench.verification.protocols.shared.closed_forms import refuse_contradictions
from zoba_bench.verification.run.verify import verify
from zoba_bench.verification.suite import Suite
from zoba_bench.verification.suites.bounds import bounds as bounds_suite
from zoba_bench.verification.suites.standard import standard

RIGHT = load_problem("quad_tracking", 3, 2, kappa=2.0)


def off(name, factor=1.01):
    """The problem with a closed form multiplied."""
    form = getattr(RIGHT, name)
    return replace(RIGHT, **{name: (lambda x: factor * form(x)) if callable(form) else factor * form})


WRONG = {
    "minimum": "minimum", "minimizer": "minimiser", "value": "minimum|slope", "hypergradient": "hypergradient",
    "adjoint": r"v\*", "inner_solution": r"v\*|hypergradient",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in list_problems() if not missing_requirements(name)])
def test_no_registered_problem_contradicts_itself(name):
    problem = load_problem(name)
    refuse_contradictions(problem)


@pytest.mark.parametrize("factor", [0.99, 1.01])
@pytest.mark.parametrize("name", WRONG)
def test_one_percent_of_any_closed_form_is_refused(name, factor):
    assert RIGHT.minimum > 0
    with pytest.raises(DerivationError, match=f"contradict each other: .*({WRONG[name]})"):
        refuse_contradictions(off(name, factor))


def test_a_hypergradient_is_held_against_values_alone_too():
    forms = dict.fromkeys(("adjoint", "inner_solution", "minimizer", "minimum"))
    refuse_contradictions(replace(RIGHT, **forms))
    with pytest.raises(DerivationError, match="Psi has the slope"):
        refuse_contradictions(replace(off("hypergradient"), **forms))


def test_a_minimum_above_a_value_is_refused_where_no_minimiser_is_declared():
    with pytest.raises(DerivationError, match="below its declared minimum"):
        refuse_contradictions(replace(RIGHT, minimizer=None, minimum=1e3))


def claim_of(module):
    if module is accuracy:
        return next(claim for claim in quick_claims() if claim.origin != "control")
    claims = bounds_suite().claims if module is bounds else standard().claims
    protocol = "P5" if module is bounds else "P3"
    return next(claim for claim in claims if claim.protocol == protocol and claim.origin != "control")


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", ["minimum", "hypergradient", "adjoint"])
@pytest.mark.parametrize("module", [accuracy, bounds, inequalities], ids=["P7", "P5", "P3"])
def test_protocols_that_rest_on_closed_forms_refuse_them(module, name, monkeypatch, tmp_path):
    claim = replace(claim_of(module), controls=())
    monkeypatch.setattr(module, "build_problem", lambda spec: off(name))
    monkeypatch.setattr("zoba_bench.verification.run.verify.entry", lambda kind, n: lambda: Suite("s", "", (claim,)))
    (found,) = verify("s", out=tmp_path)
    assert found.verdict == "violated"
    assert "contradict each other" in found.reason


def test_a_gap_below_the_declared_minimum_is_violated_and_not_a_missing_logarithm():
    claim = next(c for c in quick_claims() if c.parameters["quantity"] == "gap" and c.origin != "control")
    plan = accuracy.plan(claim, 0)
    promised, rng = plan.context["promised"], np.random.default_rng(0)
    for shift, verdict in ((0.0, "consistent"), (-1.5 * promised, "violated"), (-20 * promised, "violated")):
        gaps = shift + promised * rng.gamma(16.0, 1 / 16, len(plan.cells) * 128)
        results = {
            cell.key: {"means": part.tolist(), "failed": 0}
            for cell, part in zip(plan.cells, np.split(gaps, len(plan.cells)), strict=True)
        }
        verdict_found, reason = decide(claim, accuracy.judge(claim, plan, results, 0.9999))
        assert verdict_found == verdict, reason
