"""Plan and count for samples: orders, variances against exact ones, a plan that is run, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.estimators.presets import PRESETS, preset_named
from zoba_bench.theory.noise.covariance import iteration_noise
from zoba_bench.theory.proof.orders import ComplexityError, Divergence, dominates
from zoba_bench.theory.proof.theorem import TheoremError
from zoba_bench.theory.single_loop.assumptions import PUBLISHED
from zoba_bench.theory.single_loop.plan import SampledRoute
from zoba_bench.theory.single_loop.run import Start
from zoba_bench.theory.single_loop.variance import VarianceModel
from zoba_bench.theory.symbols import SIGMA, d, eps, p

import zoba_bench as zb
from zoba_bench.registry import theorem

from ..mutation import mutants
from ..support import random_blocks

ORDERS = {
    "zoba": (p + d) * (p**2 + d**2) / eps**2,
    "zoba-tuned": p * (p**2 + d**2) / eps**2,
    "zoba-mixed": p * (p + d) / eps**2,
    "hf-zoba": (p + d) / eps**2,
    # Exact values leave nothing at the solution, and 1/eps; samples do.
    "hf-zoba-shared": (p + d) / eps**2,
}
#: With a unit of spread a coordinate.
GROWN = {
    "zoba-mixed": (p * (p + d) + d**2) / eps**2,
    "hf-zoba": (p**2 + d**2) / eps**2,
    "hf-zoba-shared": (p**2 + d**2) / eps**2,
}
START = {"gap": 2.0, "z_error": 0.3, "v_error": 0.5}
#: Deriving a theorem takes seconds: two differ most, and the others run with the slow tests.
DERIVED = [
    name if name in ("zoba", "hf-zoba-shared") else pytest.param(name, marks=pytest.mark.slow) for name in PRESETS
]


@pytest.fixture(params=DERIVED)
def sampled(request):
    return theorem(f"{request.param}-samples")


@pytest.mark.slow
def test_order_and_what_is_proved_of_the_published_one(sampled):
    complexity = sampled.complexity
    assert sp.expand(complexity.order - ORDERS[sampled.solver]) == 0
    assert "for samples" in complexity.statement
    about = [found for found in complexity.certificates if found.target == PUBLISHED]
    diverging = [found for found in about if isinstance(found, Divergence)]
    assert bool(diverging) == (sampled.solver == "zoba")
    assert any(not isinstance(found, Divergence) for found in about)


@pytest.mark.slow
@pytest.mark.parametrize("symbol", [p, d, 1 / eps])
def test_one_power_too_few_is_refused(sampled, symbol):
    order = ORDERS[sampled.solver]
    fewer = sp.expand(order * eps) if symbol == 1 / eps else _lowered(order, symbol)
    with pytest.raises(ComplexityError, match="occurs in the count but not in"):
        dominates(sampled.complexity.count, fewer)


def _lowered(order, symbol):
    """Each monomial with the highest power of a symbol loses one power of it."""
    powers = sp.Poly(sp.expand(order * eps**2), symbol)
    terms = (c * symbol ** (k - (k == powers.degree())) for (k,), c in powers.terms())
    return sp.expand(sp.Add(*terms) / eps**2)


def test_the_order_when_spreads_grow_with_the_dimensions(sampled):
    (step,) = (step for step in sampled.steps if step.name.startswith("order with a unit"))
    assert sp.expand(step.statement.rhs - GROWN.get(sampled.solver, ORDERS[sampled.solver])) == 0


@pytest.mark.slow
def test_no_changed_constant_is_accepted(sampled):
    accepted = [
        f"{step.name}: {str(changed)[:200]}"
        for step in sampled.steps
        for changed in mutants(step.statement, 4)
        if replace(step, statement=changed).check().ok
    ]
    assert accepted == []


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", PRESETS)
def test_without_spread_the_variances_are_those_of_exact_values_over_the_batch(name):
    preset = preset_named(name)
    exact, sampled = VarianceModel(preset), VarianceModel(preset, sampled=True)
    nothing = dict.fromkeys(SIGMA, 0)
    for key, value in sampled.coefficients.items():
        at_one = value.subs(nothing).subs({"b1": 1, "b2": 1})
        single = at_one.subs({symbol: 1 for symbol in at_one.free_symbols if str(symbol) in ("b1", "b2")})
        assert sp.simplify(single - exact.coefficients[key]) == 0, key


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", PRESETS)
def test_variance_bounds_dominate_the_exact_variances_of_samples(name):
    """Random samples at random states: the law of total variance with the exact covariance of each sample."""
    preset, l, batch, number = preset_named(name), 3, 2, 6
    for seed in range(3):
        rng = np.random.default_rng(seed)
        e_a, e_b = rng.standard_normal((2, 3))
        each = [random_blocks(3, 2, seed=100 * seed + i, stationary=True) for i in range(number)]
        spread = rng.standard_normal((3, number, 3)) / 2
        adjoint = each[0].v
        moved = [
            replace(one, v=adjoint + e_b, G_z=one.A @ e_a + g, F_z=f + one.F_zz @ e_a, F_x=one.F_xz @ e_a + x[:2])
            for one, g, f, x in zip(each, spread[0] - spread[0].mean(0), spread[1], spread[2], strict=True)
        ]
        mean = {key: np.mean([getattr(one, key) for one in moved], axis=0) for key in ("A", "C", "F_z", "F_x", "G_z")}

        def root(values):
            return np.sqrt(np.mean([np.sum(value**2) for value in values]))

        def largest(key, moved=moved):
            return max(np.linalg.norm(getattr(one, key), 2) for one in moved)

        # Per-sample bounds, and spreads as root mean squares; norms of matrices dominate what they do to vectors.
        c_z = np.linalg.norm(spread[1].mean(axis=0))
        values = {
            "L_zz": largest("A"), "L_xz": largest("C"), "L_xx": largest("B"), "m_zz": largest("F_zz"),
            "m_xx": largest("F_xx"), "M_v": largest("F_zz"), "C_z": c_z, "C_x": np.linalg.norm(mean["F_x"]),
            "R": np.linalg.norm(adjoint), "a": np.linalg.norm(e_a), "b": np.linalg.norm(e_b),
            "D": np.linalg.norm(mean["C"] @ moved[0].v + mean["F_x"]),
            "sigma_gz": root([one.G_z - mean["G_z"] for one in moved]),
            "sigma_zz": root([one.A - mean["A"] for one in moved]),
            "sigma_xz": root([one.C - mean["C"] for one in moved]),
            "sigma_fz": root([one.F_z - mean["F_z"] for one in moved]),
            "sigma_fx": root([one.F_x - mean["F_x"] for one in moved]),
            "y_v": 1.0, "y_f": 1.0, "y_s": 1.0, "h": 0.05, "eta": 0.05, "l1": l, "l2": l, "b1": batch, "b2": batch,
            "p": 3, "d": 2,
        }  # fmt: skip
        if preset.one_count:
            # The mean direction of v at these samples is bounded by L_zz b + M_v a only where A v* = -F_z.
            gap = np.linalg.norm(mean["A"] @ moved[0].v + mean["F_z"])
            values["M_v"] = gap / np.linalg.norm(e_a)
        means, inside = [], 0.0
        for one in moved:
            inside = inside + iteration_noise(preset, one, l, l, h=0.05, eta=0.05) / number
            means.append(np.concatenate([one.G_z, one.A @ one.v + one.F_z, one.C @ one.v + one.F_x]))
        total = (inside + np.cov(np.array(means).T, bias=True)) / batch
        slots = {"inner_gradient": slice(0, 3), "adjoint": slice(3, 6), "outer_gradient": slice(6, 8)}
        model = VarianceModel(preset, any_ratio=True, sampled=True)
        for attribute, slot in slots.items():
            bound = getattr(model, attribute)
            allowed = float(bound.subs({s: values[str(s)] for s in bound.free_symbols}))
            assert np.trace(total[slot, slot]) <= allowed, (name, attribute, seed)


def constants_with(spread: float):
    known = zb.load_problem("reference", p=3, d=2).constants
    return replace(known, **{str(symbol): spread for symbol in SIGMA})


@pytest.mark.slow
@pytest.mark.parametrize("name", DERIVED)
def test_a_plan_for_samples_meets_its_accuracy_within_the_count(name):
    found, constants = theorem(name), constants_with(0.3)
    plan = found.plan(constants, 3, 2, 0.2, START)
    assert plan.bound <= 0.2
    assert plan.b1 == plan.b2 > 1
    # The certificate of the run itself, with samples, not the plan's own word.
    assert found.bound(constants, 3, 2, plan, plan.K, START) == plan.bound
    assert plan.evaluations <= found.derived_count(constants, 3, 2, 0.2, START)
    cost = sum(found.evaluations_per_iteration.values())
    assert plan.evaluations == plan.K * cost.subs({s: getattr(plan, str(s)) for s in cost.free_symbols})
    with pytest.raises(TheoremError, match="negative drift"):
        found.bound(constants, 3, 2, replace(plan, b1=1, b2=1, l1=1, l2=1), plan.K, START)


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", DERIVED)
def test_one_direction_a_sample_costs_little_more_than_the_best_number(name):
    """At most (c + e)/c times as much, 3/2 for the 2 l + 1 values of F."""
    constants, route = constants_with(0.3), theorem(f"{name}-samples").route
    values = route.values(constants, 3, 2, 0.2, Start(**START))

    def cost(directions):
        terms = map(sp.sympify, route.size_terms(directions).values())
        size = max(float(term.subs({s: values[str(s)] for s in term.free_symbols})) for term in terms)
        return float(route.cost.subs(route.sizes(size, directions)))

    assert cost(1) <= 1.5 * cost(route.directions(values)) <= 1.5 * cost(1) * (1 + 1e-12)


@pytest.mark.slow
def test_samples_of_an_unknown_spread_are_refused_by_name():
    constants = replace(constants_with(0.3), sigma_fz=None)
    with pytest.raises(ValueError, match="sigma_fz"):
        theorem("zoba").plan(constants, 3, 2, 0.2, START)


def test_exact_derivatives_plan_for_exact_values_only():
    with pytest.raises(TheoremError, match="exact values"):
        theorem("soba").plan(constants_with(0.3), 3, 2, 0.2, START)


def test_too_few_samples_are_refused_by_the_plan_itself(monkeypatch):
    whole = SampledRoute.size_terms
    monkeypatch.setattr(
        SampledRoute, "size_terms", lambda self, n=1: {key: value / 1000 for key, value in whole(self, n).items()}
    )
    with pytest.raises(TheoremError):
        theorem("hf-zoba-shared").plan(constants_with(0.3), 3, 2, 0.2, START)
