"""Directions that do not grow with 1/eps: steps that prove the rates, explicit bounds, plans and counts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
import sympy as sp
from zoba_bench.problems.quadratic.reference import reference
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.proof.theorem import TheoremError
from zoba_bench.theory.single_loop.bound import ExplicitBound
from zoba_bench.theory.single_loop.drift_steps import motion_step
from zoba_bench.theory.single_loop.fixed_directions import decreasing, noise, noise_steps
from zoba_bench.theory.single_loop.fixed_directions.noise import FIXED_KINDS, Noise
from zoba_bench.theory.single_loop.hf_zoba import hf_zoba_shared, hf_zoba_shared_fixed
from zoba_bench.theory.single_loop.run import Start
from zoba_bench.theory.single_loop.weights import Certificate
from zoba_bench.theory.symbols import K

from zoba_bench.registry import load_problem

from ..mutation import mutants

START = {"gap": 1.0, "z_error": 0.5, "v_error": 0.25}
EIGHTH, QUARTER = sp.Rational(1, 8), sp.Rational(1, 4)


def noises():
    return [Noise(Certificate(i, kind), y) for i, y in ((True, EIGHTH), (False, QUARTER)) for kind in FIXED_KINDS]


@pytest.mark.sample(1)
@pytest.mark.parametrize("one", noises(), ids=lambda one: f"{one.kind} {one.coupling}")
def test_no_changed_constant_of_a_steps_noise_is_accepted(one):
    for step in noise_steps.noise_steps(one):
        assert step.outcome.ok, step.outcome
        for changed in mutants(step.statement, 4):
            if not step.name.startswith("largest step"):
                assert not replace(step, statement=changed).check().ok, changed


def test_a_larger_step_is_refused():
    for one in noises():
        (step,) = [s for s in noise_steps.noise_steps(one) if s.name.startswith("largest step")]
        larger = sp.Le(step.statement.lhs, 5 * step.statement.rhs)
        assert not replace(step, statement=larger).check().ok


def test_a_rate_that_forgets_the_conditions_is_refused():
    (step,) = [s for s in noise_steps.noise_steps(noises()[0]) if s.name.startswith("rate")]
    assert step.outcome.ok, step.outcome
    assert not replace(step, statement=step.statement.subs(noise_steps.inverse_step, 0)).check().ok


@pytest.mark.slow
def test_no_changed_constant_of_decreasing_steps_is_accepted():
    for step in decreasing.decreasing_steps():
        assert step.outcome.ok, step.outcome
        for changed in mutants(step.statement):
            # A larger bound of a sum is true too.
            if replace(step, statement=changed).check().ok:
                assert step.name.startswith("sum of"), changed
                assert larger_bound(step.statement, changed), changed


def larger_bound(statement, changed):
    if statement.lhs != changed.lhs:
        return False
    values = {symbol: sp.Rational(7, 3) for symbol in statement.free_symbols | changed.free_symbols} | {K: 30}
    difference = (changed.rhs - statement.rhs).subs(values)
    return bool(difference <= 0) if isinstance(statement, sp.GreaterThan) else bool(difference >= 0)


@pytest.mark.parametrize("horizon", [1, 2, 7, 400])
def test_sums_of_decreasing_steps(horizon):
    sums = [math.fsum((k + 1) ** (-power / 2) for k in range(horizon)) for power in (1, 2, 3)]
    assert 2 * (math.sqrt(horizon + 1) - 1) <= sums[0] <= 2 * math.sqrt(horizon)
    assert sums[1] <= 1 + math.log(horizon)
    assert sums[2] <= 3


@dataclass(frozen=True)
class Steps:
    gamma: float
    rho: float
    l1: int
    l2: int
    h: float = 1e-4
    eta: float = 1e-4
    h_bar: float = 1e-4
    normalize_h_bar: bool = True
    schedule: str = "constant"


@pytest.fixture(scope="module")
def constants():
    return reference(p=3, d=2, seed=0).constants


@pytest.fixture(scope="module")
def theorem():
    return hf_zoba_shared_fixed()


@pytest.mark.slow
def test_every_kind_has_a_plan_that_costs_at_most_the_count(theorem, constants):
    flat = replace(constants, s_z=0.0, s_v=0.0)
    for known, options in ((constants, {}), (flat, {}), (flat, {"directions": 5}), (constants, {"projected": True})):
        plan = theorem.plan(known, 3, 2, 1e-2, START, **options)
        assert plan.bound <= 1e-2
        assert plan.bound == theorem.bound(known, 3, 2, plan, plan.K, START)
        assert plan.evaluations <= theorem.derived_count(known, 3, 2, 1e-2, START, **options)
        assert plan.l1 == options.get("directions", plan.l1)
        assert (plan.v_radius is None) == ("projected" not in options)


@pytest.mark.slow
def test_decreasing_steps_reach_the_accuracy_too(theorem, constants):
    plan = theorem.plan(replace(constants, s_z=0.0, s_v=0.0), 3, 2, 0.1, START, schedule="inverse-sqrt", directions=20)
    assert plan.schedule == "inverse-sqrt"
    assert plan.bound <= 0.1 < theorem.bound(replace(constants, s_z=0.0, s_v=0.0), 3, 2, plan, plan.K // 2, START)


@pytest.mark.slow
def test_the_explicit_bound_is_above_the_smallest_certified_one(theorem, constants):
    """The matrix certificate comes from other code, and searches over all weights."""
    for directions, K_ in ((20, 10**4), (200, 10**5)):
        gamma = 0.05 / math.sqrt(K_)
        steps = Steps(gamma=gamma, rho=gamma / 0.02, l1=directions, l2=directions)
        flat = replace(constants, s_z=0.0, s_v=0.0)
        explicit = theorem.bound(flat, 3, 2, steps, K_, START)
        least = hf_zoba_shared().route.bound(flat, 3, 2, steps, K_, Start.of(START))
        assert least <= explicit <= 20 * least


def test_the_mean_falls_with_the_log_over_the_root_of_K(theorem, constants):
    flat = replace(constants, s_z=0.0, s_v=0.0)
    steps = Steps(gamma=0.002, rho=0.1, l1=20, l2=20, h=1e-9, eta=1e-9, h_bar=1e-9, schedule="inverse-sqrt")
    scaled = [
        theorem.bound(flat, 3, 2, steps, K_, START) * math.sqrt(K_) / (1 + math.log(K_))
        for K_ in (10**4, 10**8, 10**12)
    ]
    assert scaled == sorted(scaled, reverse=True)
    weighted = theorem.bound(flat, 3, 2, steps, 10**8, START, weighted=True)
    assert weighted < theorem.bound(flat, 3, 2, steps, 10**8, START)


def test_what_the_theorem_does_not_speak_of_is_refused(theorem, constants):
    steps = Steps(gamma=1e-6, rho=1.1, l1=200, l2=200)
    with pytest.raises(TheoremError, match="condition rho <= 2"):
        theorem.bound(constants, 3, 2, steps, 100, START)
    with pytest.raises(TheoremError, match="more directions"):
        theorem.bound(constants, 3, 2, Steps(gamma=1e-4, rho=1e-3, l1=1, l2=1), 100, START)
    with pytest.raises(TheoremError, match="H = 0"):
        theorem.bound(replace(constants, H=1.0), 3, 2, steps, 100, START)
    with pytest.raises(ValueError, match="s_v"):
        theorem.plan(replace(constants, s_v=None), 3, 2, 1e-2, START)
    with pytest.raises(ValueError, match="directions"):
        theorem.plan(constants, 3, 2, 1e-2, START, directions=0)


def test_the_noise_is_not_that_of_another_kind(monkeypatch):
    one = Noise(Certificate(False, "free"), QUARTER)
    whole = noise.Noise.quadratic.fget
    monkeypatch.setattr(noise.Noise, "quadratic", property(lambda self: whole(self) / 4))
    step = noise_steps.noise_steps.__wrapped__(one)[0]
    assert not step.check().ok


def test_a_smaller_mean_motion_is_refused():
    step = motion_step()
    assert step.outcome.ok, step.outcome
    assert not replace(step, statement=sp.Le(step.statement.lhs, step.statement.rhs / 2)).check().ok
    for changed in mutants(step.statement):
        assert not replace(step, statement=changed).check().ok, changed


def test_a_free_adjoint_on_a_curved_problem_has_the_slope_too():
    """Directions fixed, gamma = 0.1/sqrt(K): sqrt(K) times the certified bound stays, as the mean motion is linear."""
    problem = load_problem("dataclean_ortho", p=2, d=2)
    explicit, scaled = ExplicitBound(preset_named("hf-zoba")), []
    for K_ in (10**6, 10**10):
        gamma = 0.1 / math.sqrt(K_)
        steps = Steps(gamma=gamma, rho=gamma / 0.02, l1=5, l2=5, h=1e-7, eta=1e-7, h_bar=1e-7)
        found = explicit.certificate(problem.constants, 2, 2, steps, K_, Start(gap=1.0))
        scaled.append(float(found.bound) * math.sqrt(K_))
    assert scaled[1] < scaled[0] < 30
