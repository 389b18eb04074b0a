"""The plan is put into the certificate's own bound: wrong glue between the two is refused by the step "plan"."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp
from zoba_bench.theory.single_loop import plan as module
from zoba_bench.theory.single_loop.plan import Route
from zoba_bench.theory.single_loop.plan_steps import cost_steps
from zoba_bench.theory.single_loop.variance import VarianceModel
from zoba_bench.theory.symbols import a_0, eps

from zoba_bench.registry import theorem

BOTH = ("hf-zoba-shared", "hf-zoba-shared-samples")


def outcome(name, **changed):
    """The check of the step "plan" of a route made anew, so that nothing cached is left of it."""
    route = replace(theorem(name).route, **changed)
    return next(step for step in cost_steps(route) if step.name == "plan").check()


def defined(name, change):
    whole = Route.__dict__["definitions"].func
    return property(lambda route: whole(route) | {name: change(whole(route)[name])})


@pytest.mark.parametrize("name", BOTH)
def test_the_plan_leaves_slacks_that_are_not_negative(name):
    assert outcome(name).ok


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("symbol", "change"),
    [("X", lambda value: value / 2), ("W_0", lambda value: value.subs(a_0, a_0 / 2))],
    ids=["X halved", "a part of W_0 divided by 4"],
)
def test_numbers_that_are_not_the_certificates_are_refused(monkeypatch, name, symbol, change):
    monkeypatch.setattr(Route, "definitions", defined(symbol, change))
    assert f"{symbol} of the plan is" in outcome(name).detail


@pytest.mark.parametrize("name", BOTH)
def test_half_of_the_directions_or_samples_is_refused(monkeypatch, name):
    monkeypatch.setattr(Route, "noise_term", staticmethod(lambda column: sp.expand(3 * column / eps)))
    assert "do not bring the noise to eps / 3" in outcome(name).detail


def test_the_factor_of_dependent_noise_may_not_be_lost(monkeypatch):
    whole = module.noise_factors
    monkeypatch.setattr(module, "noise_factors", lambda independent: whole(True))
    assert "of the plan is not the certificate's" in outcome("hf-zoba-shared-samples").detail


def test_a_variance_that_the_batch_does_not_divide_is_refused(monkeypatch):
    monkeypatch.setattr(VarianceModel, "_mean", lambda model, spread, one, l, batch: spread / batch + one / l)
    name = "hf-zoba-shared-samples"
    model = VarianceModel(theorem(name).route.model.preset, sampled=True)
    assert "is not divided by b samples" in outcome(name, model=model).detail
