"""Theorems as a whole: steps, changed constants in them, bounds, plans, refusals, rendering.

What needs every theorem stands in this file, since a process derives each once.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sympy as sp
from zoba_bench.problems.quadratic.reference import reference
from zoba_bench.theory import THEOREMS
from zoba_bench.theory.estimators.presets import PRESETS
from zoba_bench.theory.proof.render import render_markdown, render_summary, render_text
from zoba_bench.theory.proof.theorem import TheoremError
from zoba_bench.theory.single_loop import assemble
from zoba_bench.theory.single_loop.run import Start
from zoba_bench.theory.single_loop.weights import Certificate
from zoba_bench.theory.symbols import b1, b2, l1, l2

from zoba_bench import estimators

from .mutation import mutants
from .support import reference_blocks

#: Changed constants tried in one statement, evenly spread: long statements have hundreds.
LIMIT = 6
SINGLE_LOOP = (*PRESETS, "soba")
ORDERS = Path(__file__).parents[2] / "docs" / "explanation" / "theory.md"
START = Start(gap=2.0, z_error=0.0, v_error=0.5)


def load(name):
    module, factory = THEOREMS[name].split(":")
    return getattr(importlib.import_module(module), factory)


@pytest.fixture(params=PRESETS)
def theorem(request):
    """Of a zeroth-order preset."""
    return load(request.param)()


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", THEOREMS)
def test_every_step_is_verified(name):
    for result in load(name)().results:
        assert result.ok, result


@pytest.mark.slow
def test_no_changed_constant_is_accepted_in_any_step_of_the_single_loop_theorems():
    seen, accepted = set(), []
    for name in SINGLE_LOOP:
        for step in load(name)().steps:
            # Theorems share steps.
            if (step.name, step.statement) in seen:
                continue
            seen.add((step.name, step.statement))
            for changed in mutants(step.statement, LIMIT):
                if replace(step, statement=changed).check().ok:
                    accepted.append(f"{name}, {step.name}: {str(changed)[:300]}")
    assert accepted == []
    assert len(seen) > 100


@pytest.mark.slow
def test_the_pages_table_of_orders_is_what_the_theorems_derive():
    rows = dict(
        re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| O\((.+)\) \|$", ORDERS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert sorted(rows) == [name for name in sorted(THEOREMS) if load(name)().complexity is not None]
    for name, text in rows.items():
        derived = load(name)().complexity.order
        symbols = {str(s): s for s in derived.free_symbols}
        source = re.sub(r"(?<=[\w)])\s*\(", "*(", text.replace("^", "**"))
        source = re.sub(r"\b([pd])\s+(?=[(N])", r"\1*", source)
        assert sp.simplify(sp.sympify(source, locals=symbols) - derived) == 0, name


@dataclass(frozen=True)
class Setting:
    h: float = 1e-3
    eta: float | None = 1e-3
    l1: int = 100_000
    l2: int = 100_000
    rho: float = 0.2
    gamma: float | None = 0.01
    v_radius: float | None = None
    schedule: str = "constant"
    h_bar: float = 1e-3
    normalize_h_bar: bool = False


def test_factories_are_cached():
    assert load("zoba")() is load("zoba")()


def test_the_mapping_loads_no_sympy():
    code = "import sys, zoba_bench.theory; assert 'sympy' not in sys.modules, 'sympy was imported'"
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "inner"),
    [("zoba", 4 * l1 + 1), ("zoba-tuned", 4 * l1 + 1), ("zoba-mixed", 6 * l1 + 1), ("hf-zoba", 4 * l1 + 2)],
)
def test_evaluations_an_iteration(name, inner):
    found = load(name)().evaluations_per_iteration
    assert sp.expand(found["inner"] - b1 * inner) == 0
    assert sp.expand(found["outer"] - b2 * (2 * l2 + 1)) == 0


def test_symbols_are_reachable_by_name(theorem):
    assert {"p", "d", "eps", "l1", "l2", "h", "eta", "r", "mu", "L_zz"} <= set(theorem.symbols)
    assert theorem.complexity.count.has(theorem.symbols["p"])


@pytest.mark.sample(2)
@pytest.mark.parametrize("size", [(2, 2), (8, 3), (2, 32)])
def test_a_plan_meets_its_accuracy_at_the_announced_cost(theorem, size):
    constants = reference(*size).constants
    plan = theorem.plan(constants, *size, 0.1, {"gap": 2.0, "v_error": 0.5})
    assert plan.bound <= 0.1
    assert theorem.bound(constants, *size, plan, plan.K, START) == plan.bound
    assert theorem.certificate(constants, *size, plan, plan.K, START).verify()
    cost = sum(theorem.evaluations_per_iteration.values()).subs({b1: 1, b2: 1, l1: plan.l1, l2: plan.l2})
    assert plan.evaluations == plan.K * cost
    values = {"p": size[0], "d": size[1], "eps": 0.1, "gap": 2.0, "a_0": 0.0, "b_0": 0.5} | constants.known()
    for name, definition in theorem.complexity.definitions.items():
        values[name] = float(definition.subs({s: values[str(s)] for s in definition.free_symbols}))
    count = theorem.complexity.count
    assert plan.evaluations <= float(count.subs({s: values[str(s)] for s in count.free_symbols}))


def test_halving_eps_multiplies_the_cost_by_the_derived_power(theorem):
    constants = reference(4, 4).constants
    costs = [theorem.plan(constants, 4, 4, eps, START).evaluations for eps in (1e-4, 5e-5)]
    power = sp.degree(sp.denom(sp.together(theorem.complexity.order)), theorem.symbols["eps"])
    assert costs[1] / costs[0] == pytest.approx(2.0**power, rel=0.02)


@pytest.mark.parametrize("name", ["zoba", "zoba-tuned", "zoba-mixed", "hf-zoba"])
def test_the_bound_exceeds_the_linear_noise_mean(name):
    theorem, constants = load(name)(), reference(4, 4).constants
    setting = Setting()
    predicted = theorem.horizon_mean(reference_blocks(4, 4), setting.gamma, 0.05, setting.l1, 5000)
    bound = theorem.bound(constants, 4, 4, setting, 5000, Start(0.0))
    assert predicted < bound, (predicted, bound)


def test_the_bound_is_stated_for_the_radii_of_the_solver():
    """A smaller outer radius at the same h is a larger ratio: the p^2 d term grows."""
    theorem, constants = load("zoba")(), reference(16, 2).constants
    equal = theorem.bound(constants, 16, 2, Setting(), 1000, START)
    assert theorem.bound(constants, 16, 2, Setting(eta=1e-4), 1000, START) > equal


def test_the_bound_falls_with_directions_and_iterations(theorem):
    constants = reference(4, 4).constants
    base = Setting()
    value = theorem.bound(constants, 4, 4, base, 1000, START)
    assert theorem.bound(constants, 4, 4, base, 2000, START) < value
    assert theorem.bound(constants, 4, 4, replace(base, l1=10**6, l2=10**6), 1000, START) < value


def test_projecting_v_does_not_worsen_the_bound():
    theorem, constants = load("zoba")(), reference(4, 4).constants
    plain = theorem.bound(constants, 4, 4, Setting(), 1000, START)
    assert theorem.bound(constants, 4, 4, Setting(v_radius=1.0), 1000, START) <= plain


def test_a_solver_with_one_radius_gets_its_outer_radius_from_it():
    from zoba_bench.solvers.zoba import Zoba

    solver = Zoba(l1=10**5, l2=10**5, rho=0.02, gamma=0.002, schedule="constant")
    explicit = Setting(rho=0.02, gamma=0.002)
    constants = reference(4, 4).constants
    theorem = load("zoba")()
    given = theorem.bound(constants, 4, 4, solver, 1000, START)
    assert given == theorem.bound(constants, 4, 4, explicit, 1000, START)


# Refusals.


def test_an_unknown_constant_is_named(theorem):
    constants = replace(reference(4, 4).constants, k_v=None)
    with pytest.raises(ValueError, match="'k_v'"):
        theorem.bound(constants, 4, 4, Setting(), 100, START)


def test_a_curved_inner_problem_has_a_larger_bound(theorem):
    flat = reference(4, 4).constants
    curved = replace(flat, H=0.01, H_zz=0.01, H_xz=0.01, H_zx=0.01, H_xx=0.01)
    setting = Setting(normalize_h_bar=True)
    assert theorem.bound(curved, 4, 4, setting, 1000, START) > theorem.bound(flat, 4, 4, setting, 1000, START)
    plan = theorem.plan(curved, 4, 4, 0.1, START)
    assert plan.bound <= 0.1


@pytest.mark.parametrize("name", ["hf-zoba", "hf-zoba-shared"])
def test_a_step_along_v_without_a_bound_is_refused_where_G_is_curved(name):
    curved = replace(reference(4, 4).constants, H=0.01)
    with pytest.raises(TheoremError, match="normalize_h_bar"):
        load(name)().bound(curved, 4, 4, Setting(h_bar=1e-3), 1000, START)
    curved = replace(reference(4, 4).constants, H=0.01, H_zz=0.01, H_xz=0.01, H_zx=0.01, H_xx=0.01)
    assert load(name)().bound(curved, 4, 4, Setting(v_radius=2.0), 1000, START) > 0
    with pytest.raises(TheoremError, match="v_radius"):  # the start may lie outside
        load(name)().bound(curved, 4, 4, Setting(v_radius=1.0), 1000, START)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rho": 1.5, "gamma": 0.01}, r"rho <= 2/\(mu \+ L_zz\)"),
        ({"gamma": 5.0, "rho": 0.5}, "negative drift' holds for no weights"),
        ({"schedule": "inverse-sqrt"}, "constant steps"),
    ],
)
def test_a_violated_condition_is_named(theorem, change, message):
    with pytest.raises(TheoremError, match=message):
        theorem.bound(reference(4, 4).constants, 4, 4, replace(Setting(), **change), 100, START)


def test_too_few_directions_violate_a_weight_condition():
    with pytest.raises(TheoremError, match="use more directions"):
        load("zoba")().bound(reference(8, 8).constants, 8, 8, Setting(l1=1, l2=1), 100, START)


def test_the_tuned_ratio_needs_a_curvature_to_balance():
    constants = replace(reference(4, 4).constants, L_xx=0.0)
    with pytest.raises(TheoremError, match="L_xx > 0"):
        load("zoba-tuned")().plan(constants, 4, 4, 0.1, START)
    assert load("zoba")().plan(constants, 4, 4, 0.1, START).bound <= 0.1


def test_a_problem_without_coupling_has_a_bound(theorem):
    constants = replace(reference(4, 4).constants, L_xz=0.0, k_z=0.0)
    assert theorem.bound(constants, 4, 4, Setting(), 1000, START) > 0


def test_a_ball_without_the_adjoint_is_refused():
    with pytest.raises(TheoremError, match="v_radius"):
        load("zoba")().bound(reference(4, 4).constants, 4, 4, Setting(v_radius=0.1), 100, START)


def test_shared_directions_need_equal_counts():
    with pytest.raises(TheoremError, match="l2 must equal l1"):
        load("hf-zoba-shared")().bound(reference(4, 4).constants, 4, 4, Setting(l2=1), 100, START)


def without_the_half(plus, minus, centre, r1, r2):
    return (plus + minus - 2 * centre) / (r1 * r2)


def assert_refused(theorem, step):
    match = f"theorem {theorem.name!r}: step {step!r} fails"
    for ask in (
        lambda: theorem.complexity,
        lambda: theorem.bound(reference(4, 4).constants, 4, 4, Setting(), 100, START),
        lambda: theorem.plan(reference(4, 4).constants, 4, 4, 0.1, START),
    ):
        with pytest.raises(TheoremError, match=match):
            ask()


def test_a_wrong_estimator_leaves_no_bound_plan_or_complexity(monkeypatch):
    monkeypatch.setattr(estimators, "second_difference", without_the_half)
    wrong = load("zoba").__wrapped__()
    assert_refused(wrong, "mean of Hv second difference")
    assert "derived mean 2*A v" in str(wrong.results)
    assert "FAILS" in render_text(wrong)
    assert "no statement" in render_summary(wrong)["statement"]


def test_a_wrong_difference_along_v_is_refused(monkeypatch):
    monkeypatch.setattr(estimators, "difference_along", lambda moved, centre, step: (moved - centre) / (2 * step))
    assert_refused(load("hf-zoba").__wrapped__(), "mean of Hv difference along v")


@pytest.fixture
def no_kept_steps():
    """Steps that theorems share are kept for the process: none from before the change, none of the changed ones."""
    kept = [each for each in vars(assemble).values() if hasattr(each, "cache_clear")]
    assert len(kept) >= 5
    for step in kept:
        step.cache_clear()
    yield
    for step in kept:
        step.cache_clear()


@pytest.mark.slow
def test_a_wrong_certificate_is_refused(monkeypatch, no_kept_steps):
    whole = Certificate.bias.fget
    monkeypatch.setattr(Certificate, "bias", property(lambda self: whole(self) / 2))
    assert_refused(load("zoba").__wrapped__(), "certificate, flat solutions")


@pytest.mark.slow
def test_too_small_an_order_is_refused_by_the_count_step(monkeypatch):
    from zoba_bench.theory.single_loop import zoba as module

    monkeypatch.setattr(module, "PUBLISHED", module.PUBLISHED / module.build("zoba", "t").symbols["p"])
    assert_refused(load("zoba").__wrapped__(), "count")


# Rendering.


def test_text_and_markdown_hold_every_step(theorem):
    text, markdown = render_text(theorem), render_markdown(theorem)
    for step in theorem.steps:
        assert step.name in text
        assert step.name in markdown
    assert "verified" in text
    assert "FAILS" not in text
    assert "paper's text was not available" in text


def test_summary_is_a_mapping_of_strings_for_the_report(theorem):
    summary = render_summary(theorem)
    assert json.loads(json.dumps(summary)) == summary
    assert summary["order_mathml"].startswith("<m")
    assert summary["order_latex"]
    assert summary["failures"] == ""
    assert summary["statement"] == theorem.complexity.statement
