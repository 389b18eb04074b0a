"""First-order solvers in the driver: needs, cost of derivatives, budgets, steps that warn, what results say."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

import zoba_bench as zb
from zoba_bench import api, registry
from zoba_bench.cli import cli
from zoba_bench.driver import iteration_cost, run
from zoba_bench.oracle import COUNTED, DERIVATIVES, weights
from zoba_bench.problem import BilevelProblem, Constants
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.registry import entry, list_solvers, make_solver
from zoba_bench.result import Result, Status
from zoba_bench.solvers.base import NEEDS, Solver, State, StepWarning, batch_mean, sqrt_decay
from zoba_bench.validation import check_choice, check_count

P, D = 3, 2


@dataclass(frozen=True)
class Descent(Solver):
    """Gradient steps on z and on x at once.

    Parameters
    ----------
    size : float
        Of both steps.
    products : int
        Products G_xz v an iteration.
    first : int
        Values of F at the start.
    """

    size: float = 0.1
    products: int = 2
    first: int = 0
    name: ClassVar[str] = "descent"
    tolerance_quantity: ClassVar[str] = "nothing"
    needs: ClassVar[tuple[str, ...]] = ("inner_grad_z", "outer_grad_x", "inner_jvp_xz")
    remedy: ClassVar[str] = "lower size"

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        if problem.constants.L_zz is not None:
            yield "size", self.size, 2 / problem.constants.L_zz, "2 / L_zz"

    def init(self, oracle, rng, z, v, x) -> State:
        for _ in range(self.first):
            oracle.outer(z, x)
        return State(z, v, x, 0, oracle, rng)

    def step(self, state: State) -> State:
        z, v, x, oracle = state.z, state.v, state.x, state.oracle
        slope = oracle.outer_grad_x(z, x)
        for _ in range(self.products):
            slope = slope + oracle.inner_jvp_xz(z, x, v)
        following = oracle.project_x(x - self.size * slope)
        return State(z - self.size * oracle.inner_grad_z(z, x), v, following, state.k + 1, oracle, state.rng)


class Coins(Descent):
    """Each replicate asks for up to 4 more gradients, at random; a dry run counts them all."""

    name = "coins"

    def step(self, state: State) -> State:
        following = super().step(state)
        oracle = state.oracle
        more = np.full(oracle.replicates, 4) if oracle.dry else state.rng.integers(5, size=oracle.replicates)
        oracle.counts["inner_grad_x"] += np.where(oracle.active, more, 0)
        return following


def problem_of(**changes: Any) -> BilevelProblem:
    """G = 2 |z|^2 + sum(z) sum(x), F = (|z|^2 + |x|^2)/2, with every derivative and every call recorded."""
    calls: list[str] = []

    def logged(name, function):
        def call(*arguments):
            calls.append(name)
            return function(*arguments)

        return call

    def total(a):
        return a.sum(axis=-1, keepdims=True)

    functions = {
        "inner": lambda z, x, *_: 2 * (z**2).sum(axis=-1) + z.sum(axis=-1) * x.sum(axis=-1),
        "outer": lambda z, x, *_: ((z**2).sum(axis=-1) + (x**2).sum(axis=-1)) / 2,
        "inner_grad_z": lambda z, x, *_: 4 * z + total(x),
        "inner_grad_x": lambda z, x, *_: total(z) + 0 * x,
        "outer_grad_z": lambda z, x, *_: z + 0 * total(x),
        "outer_grad_x": lambda z, x, *_: x + 0 * total(z),
        "inner_hvp_zz": lambda z, x, v, *_: 4 * v + 0 * total(x) + 0 * z,
        "inner_jvp_xz": lambda z, x, v, *_: total(v) + 0 * x,
        "inner_jvp_zx": lambda z, x, u, *_: total(u) + 0 * z,
    }
    forms = {name: logged(name, function) for name, function in functions.items()} | changes
    made = BilevelProblem.from_functions(
        forms.pop("outer"), forms.pop("inner"), P, D, name="local", **({"constants": Constants(L_zz=4.0)} | forms)
    )
    object.__setattr__(made, "calls", calls)
    return made


START = {"z0": np.ones(P), "x0": np.ones(D), "v0": np.ones(P)}


def go(problem, solver, seed=0, **keywords) -> Result:
    return run(problem, solver, rng=np.random.default_rng(seed), **(START | keywords))


EACH = {"inner_grad_z": 1, "outer_grad_x": 1, "inner_jvp_xz": 2}
COST = {"one": 4, "dimension": P + 3 * D}


# Counts.


def test_counts_of_a_run_are_those_of_its_calls():
    problem = problem_of(capabilities=Capabilities(project_x=lambda x: x))
    result = go(problem, Descent(first=3), replicates=4, max_iterations=5)
    assert tuple(result.counts) == COUNTED
    expected = {"outer": 3, "projection": 5} | {name: 5 * n for name, n in EACH.items()}
    for name in COUNTED:
        assert result.counts[name].tolist() == [expected.get(name, 0)] * 4, name
    assert {name: problem.calls.count(name) for name in set(problem.calls)} == {
        name: n for name, n in expected.items() if name != "projection"
    }
    assert result.n_inner is result.counts["inner"]
    assert result.n_outer is result.counts["outer"]
    assert result.nfev.tolist() == [3] * 4


def test_iteration_cost_names_the_queries():
    problem = problem_of()
    assert iteration_cost(problem, Descent(products=5), np.random.default_rng(0)) == EACH | {"inner_jvp_xz": 5}
    assert problem.calls == []


def test_repr_lists_the_queries_beside_values():
    result = go(problem_of(), Descent(first=3), replicates=2, max_iterations=5)
    shown = [line.strip() for line in repr(result).splitlines()]
    assert {"n_inner: [0 0]", "n_outer: [3 3]", "inner_grad_z: [5 5]", "inner_jvp_xz: [10 10]"} <= set(shown)
    random = go(problem_of(), Coins(), replicates=8, max_iterations=5)
    counts = random.counts["inner_grad_x"]
    assert counts.min() < counts.max()
    assert f"inner_grad_x: {counts}" in repr(random)


def test_repr_without_queries_has_no_line_for_them():
    problem = problem_of()
    assert "queries" not in repr(zb.solve(problem, "hf-zoba", l1=2, max_iterations=2))


# Budget.


@pytest.mark.parametrize("gradient_cost", COST)
@pytest.mark.parametrize("extra", [0, 1, -1])
@pytest.mark.parametrize("first", [0, 3])
def test_budget_is_never_exceeded_whatever_a_derivative_costs(gradient_cost, extra, first):
    problem, cost = problem_of(), COST[gradient_cost]
    budget = first + 5 * cost + extra
    result = go(
        problem, Descent(first=first), replicates=3, max_iterations=99, budget=budget, gradient_cost=gradient_cost
    )
    iterations = (budget - first) // cost
    assert result.status.tolist() == [Status.BUDGET] * 3
    assert result.nit.tolist() == [iterations] * 3
    spent = sum(weight * result.counts[name] for name, weight in weights(gradient_cost, P, D).items())
    assert spent.tolist() == [first + iterations * cost] * 3
    assert (spent <= budget).all()
    assert problem.calls.count("inner_jvp_xz") == 2 * iterations


@pytest.mark.parametrize("gradient_cost", COST)
@pytest.mark.parametrize("first", [0, 3])
def test_budget_below_start_and_iteration_is_refused_before_anything_is_evaluated(gradient_cost, first):
    problem, cost = problem_of(), COST[gradient_cost] + first
    once = r" \(3 of them once, at the start\)" if first else ""
    with pytest.raises(ValueError, match=f"budget={cost - 1} is below .* {cost} evaluations with these options{once};"):
        go(problem, Descent(first=first), budget=cost - 1, gradient_cost=gradient_cost)
    assert problem.calls == []
    assert go(problem, Descent(first=first), budget=cost, gradient_cost=gradient_cost).nit.tolist() == [1]


@pytest.mark.parametrize("gradient_cost", ["two", None, 3, ""])
def test_an_unknown_gradient_cost_is_refused(gradient_cost):
    problem = problem_of()
    with pytest.raises(ValueError, match="gradient_cost must be 'one' or 'dimension'"):
        go(problem, Descent(), gradient_cost=gradient_cost)
    assert problem.calls == []


def test_the_cost_of_a_derivative_does_not_change_the_path():
    first, second = (go(problem_of(), Descent(), max_iterations=5, gradient_cost=cost) for cost in COST)
    assert np.array_equal(first.x, second.x)
    assert all(np.array_equal(first.counts[name], second.counts[name]) for name in COUNTED)


def test_replicates_of_different_cost_stop_one_by_one():
    """An iteration is not started where its worst case does not fit; a replicate with cheap coins goes further."""
    budget, worst = 100, COST["one"] + 4
    result = go(problem_of(), Coins(), replicates=20, max_iterations=99, budget=budget)
    assert result.status.tolist() == [Status.BUDGET] * 20
    spent = sum(result.counts[name] for name in weights("one", P, D))
    assert (spent <= budget).all()
    assert (spent + worst > budget).all()
    assert len(set(result.nit)) > 2
    assert np.array_equal(spent - result.counts["inner_grad_x"], COST["one"] * result.nit)
    assert (result.nit >= budget // worst).all()
    assert (result.nit <= (budget - worst) // COST["one"] + 1).all()


def test_a_replicate_that_stopped_on_its_budget_stays_where_it_was():
    """Iterates of the same draws without a budget, at each one's last iteration."""
    path = [np.ones((20, D))]
    go(problem_of(), Coins(), replicates=20, max_iterations=25, callback=lambda k, state: path.append(state.x))
    result = go(problem_of(), Coins(), replicates=20, max_iterations=99, budget=100)
    for r, n in enumerate(result.nit):
        assert np.array_equal(result.x[r], path[n][r])


def test_cheaper_options_are_named_where_the_solver_has_them():
    with pytest.raises(ValueError, match="raise the budget or lower l1, l2, b1 or b2"):
        go(problem_of(), make_solver("zoba"), budget=3)
    with pytest.raises(ValueError, match="raise the budget or lower the cost of an iteration"):
        go(problem_of(), Descent(), budget=3)


@pytest.mark.parametrize("name", list_solvers())
def test_cost_options_are_options_of_the_solver(name):
    solver = entry("solvers", name)
    assert set(solver.cost_options) <= set(solver.option_names())


# Needs.


def without(*names: str) -> BilevelProblem:
    return problem_of(**dict.fromkeys(names))


@pytest.mark.parametrize("name", Descent.needs)
def test_a_missing_derivative_is_named_before_anything_is_evaluated(name):
    problem = without(name)
    assert Descent().lacking(problem) == [f"{name}, which local does not declare"]
    with pytest.raises(ValueError, match=f"descent needs {name}, which local does not declare"):
        go(problem, Descent())
    assert problem.calls == []


def test_everything_that_is_missing_is_named_at_once():
    message = "descent needs inner_grad_z, which local does not declare, and outer_grad_x, which local does not declare"
    with pytest.raises(ValueError, match=message):
        Descent().check(without("inner_grad_z", "outer_grad_x"))


def test_nothing_is_missing_where_all_is_there():
    assert Descent().lacking(problem_of()) == []
    Descent().check(problem_of())
    for name in ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared"):
        assert entry("solvers", name)().lacking(without(*DERIVATIVES)) == []


def test_a_capability_is_a_need_like_an_attribute():
    class Proximal(Descent):
        name = "proximal"
        needs = ("inner_prox", "inner_hvp_zz")

    assert Proximal().lacking(problem_of()) == ["inner_prox, which local does not declare"]
    able = problem_of(capabilities=Capabilities(inner_prox=lambda z, x, step: z))
    assert Proximal().lacking(able) == []


def test_samples_are_two_needs_in_one():
    class Sampled(Descent):
        name = "sampled"
        needs = ("samples",)

    assert Sampled().lacking(problem_of()) == ["a finite-sum problem; local is deterministic"]
    assert Sampled().lacking(problem_of(inner_samples=4)) == ["a finite-sum problem; local is deterministic"]
    sums = {"inner_samples": 4, "outer_samples": 4}
    assert Sampled().lacking(problem_of(**sums)) == [
        "derivatives of single samples; local declares those of the means only"
    ]
    assert Sampled().lacking(problem_of(**sums, capabilities=Capabilities(sampled_derivatives=True))) == []


def test_tasks_are_a_need():
    class Meta(Descent):
        name = "meta"
        needs = ("tasks",)

    with pytest.raises(ValueError, match="meta needs a distribution of tasks; local has none"):
        go(problem_of(), Meta())
    problem = zb.load_problem("two_task")
    assert Meta().lacking(problem) == []


@pytest.mark.parametrize("name", list_solvers())
def test_needs_of_registered_solvers_can_be_looked_up(name):
    """Each need is a word of its own, or an attribute of every problem or of its capabilities."""
    problem = problem_of()
    for need in getattr(entry("solvers", name), "needs", ()):
        assert need in NEEDS or hasattr(problem, need) or hasattr(problem.capabilities, need), need


# Steps.


@pytest.mark.parametrize("size", [0.5, 0.7, 50.0])
def test_a_step_outside_the_stable_range_warns_with_the_range(size):
    """L_zz = 4: from size = 1/2 on."""
    message = rf"descent on local: size={size:.4g} is outside of the stable range \(0, 2 / L_zz\) = \(0, 0.5\);"
    with pytest.warns(StepWarning, match=message) as caught:
        go(problem_of(), Descent(size), max_iterations=3)
    assert len(caught) == 1


@pytest.mark.parametrize("size", [1e-9, 0.1, 0.499])
def test_a_step_inside_the_stable_range_does_not_warn(size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        go(problem_of(), Descent(size), max_iterations=3)


def test_a_range_that_is_not_known_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        go(problem_of(constants=Constants()), Descent(50.0), max_iterations=3)


@pytest.mark.parametrize("name", ["zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared"])
def test_single_loop_solvers_warn_of_rho_and_only_outside(name):
    problem = problem_of()
    # p = 3 and two directions: E|D_z|^2 is 3 |G_z|^2, and L_zz = 4.
    words = rf"{name} on local: rho=0.167 is outside of the stable range \(0, 2 / \(\(1 .* L_zz\)\) = \(0, 0.1667\)"
    with pytest.warns(StepWarning, match=words):
        go(problem, make_solver(name, l1=2, rho=0.167), max_iterations=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        go(problem, make_solver(name, l1=2, rho=0.166), max_iterations=1)


def test_the_warning_points_at_the_call():
    with pytest.warns(StepWarning) as caught:
        zb.solve(problem_of(), "hf-zoba", l1=2, rho=0.5, max_iterations=1)
    assert "outside of the stable range" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_a_warning_may_be_made_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error", StepWarning)
        with pytest.raises(StepWarning):
            go(problem_of(), Descent(50.0))


# What results say.


def test_a_diverged_run_advises_with_the_options_of_its_solver():
    with pytest.warns(StepWarning):
        result = go(problem_of(), Descent(50.0), max_iterations=99)
    assert result.status.tolist() == [Status.DIVERGED]
    assert result.message == [f"diverged in iteration {result.nit[0]}: lower size"]
    with pytest.warns(StepWarning):
        result = go(problem_of(), make_solver("hf-zoba", l1=4, rho=50.0, schedule="constant"), max_iterations=99)
    advice = "lower rho and gamma, raise l1, or project v with v_radius"
    assert result.message == [f"diverged in iteration {result.nit[0]}: {advice}"]


def test_a_solver_that_gives_no_advice_gets_the_general_one():
    class Plain(Solver):
        name = "plain"
        tolerance_quantity = "nothing"

        def init(self, oracle, rng, z, v, x):
            return State(z, v, x, 0, oracle, rng)

        def step(self, s):
            return State(s.z, s.v, 1e20 * s.x, s.k + 1, s.oracle, s.rng)

    assert go(problem_of(), Plain()).message == ["diverged in iteration 1: lower the steps"]
    assert Solver.remedy == "lower the steps"


@pytest.mark.parametrize("name", list_solvers())
def test_advice_names_no_option_of_another_solver(name):
    own = set(entry("solvers", name).option_names())
    others = {option for other in list_solvers() for option in entry("solvers", other).option_names()}
    advice = getattr(entry("solvers", name), "remedy", "")
    assert advice, "every solver inherits one"
    assert not set(re.findall(r"(?<![\w'])\w+", advice)) & (others - own - {"step", "steps"})


def test_other_messages_name_no_options():
    options = {option for name in list_solvers() for option in entry("solvers", name).option_names()}
    for status in Status:
        assert not set(re.findall(r"(?<![\w'])\w+", status.message)) & (options - {"step", "steps", "curvature"})


# The public interfaces.


@pytest.fixture
def registered(monkeypatch):
    """``descent`` under its name, in ``zb.solve`` and on the command line."""
    known = registry._mapping("solvers") | {"descent": (f"{__name__}:Descent", "tests")}
    real = registry._mapping

    def load(kind, name):
        return Descent if (kind, name) == ("solvers", "descent") else entry(kind, name)

    monkeypatch.setattr(registry, "_mapping", lambda kind: known if kind == "solvers" else real(kind))
    monkeypatch.setattr(registry, "entry", load)
    monkeypatch.setattr(api, "make_solver", lambda name, **options: load("solvers", name)(**options))


@pytest.mark.parametrize("gradient_cost", COST)
def test_solve_takes_the_cost_of_a_derivative(registered, gradient_cost):
    result = zb.solve(problem_of(), "descent", budget=100, gradient_cost=gradient_cost)
    assert result.nit.tolist() == [100 // COST[gradient_cost]]
    assert result.status.tolist() == [Status.BUDGET]


def test_solve_refuses_an_unknown_cost_of_a_derivative():
    with pytest.raises(ValueError, match="gradient_cost must be 'one' or 'dimension', got 'free'"):
        zb.solve(problem_of(), "zoba", gradient_cost="free")


def test_the_cost_of_a_derivative_does_not_matter_without_derivatives():
    first, second = (zb.solve("reference", "hf-zoba", l1=2, budget=200, gradient_cost=cost) for cost in COST)
    assert np.array_equal(first.x, second.x)
    assert first.nit == second.nit


def called(*arguments: str):
    return CliRunner().invoke(cli, list(arguments), standalone_mode=False)


@pytest.mark.parametrize("gradient_cost", COST)
def test_the_command_line_takes_the_cost_of_a_derivative(registered, gradient_cost):
    arguments = ["solve", "quad_general", "--p", "3", "--d", "2", "--solver", "descent", "--set", "size=0.01"]
    done = called(*arguments, "--budget", "100", "--gradient-cost", gradient_cost, "--json")
    assert done.exception is None, done.exception
    content = json.loads(done.output)
    iterations = 100 // COST[gradient_cost]
    assert content["nit"] == [iterations]
    assert content["status"] == ["budget"]
    assert content["counts"] == {name: [n * iterations] for name, n in EACH.items()}


def test_the_command_line_names_the_costs_there_are():
    done = called("solve", "reference", "--gradient-cost", "free")
    assert "'free' is not one of 'one', 'dimension'" in str(done.exception.format_message())


def test_info_of_a_solver_shows_summary_needs_and_options(registered):
    done = called("info", "descent")
    text = " ".join(done.output.split())
    assert text.startswith("descent (solver) Gradient steps on z and on x at once.")
    assert "needs inner_grad_z, outer_grad_x, inner_jvp_xz" in text
    assert "tolerance is on nothing" in text
    for line in ("size = 0.1 Of both steps. (float)", "products = 2 Products G_xz v an iteration. (int)", "first = 0"):
        assert line in text
    content = json.loads(called("info", "descent", "--json").output)
    assert set(content.pop("explained")) == {"size", "products", "first"}
    assert content == {
        "name": "descent", "kind": "solver", "summary": "Gradient steps on z and on x at once.",
        "needs": list(Descent.needs), "tolerance_quantity": "nothing",
        "options": {"size": 0.1, "products": 2, "first": 0},
    }  # fmt: skip


def test_info_says_needs_in_words(registered, monkeypatch):
    monkeypatch.setattr(Descent, "needs", ("samples", "tasks", "inner_prox"))
    text = " ".join(called("info", "descent").output.split())
    assert "needs finite sums with derivatives of single samples, a distribution of tasks, inner_prox" in text


@pytest.mark.parametrize("name", list_solvers())
def test_info_of_every_solver(name):
    content = json.loads(called("info", name, "--json").output)
    assert content["summary"].endswith(".")
    assert list(content["options"]) == entry("solvers", name).option_names()
    assert content["tolerance_quantity"]
    text = " ".join(called("info", name).output.split())
    assert content["summary"] in text
    if not content["needs"]:
        assert "needs values of inner and outer" in text


# Building blocks.


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "2", np.nan, None])
def test_counts_are_positive_integers(value):
    with pytest.raises(ValueError, match=re.escape(f"T must be a positive integer, got {value!r}")):
        check_count("T", value)
    check_count("T", np.int64(3))


def test_choices_are_named():
    with pytest.raises(ValueError, match="order must be one of 'a', 'b', got 'c'"):
        check_choice("order", "c", ("a", "b"))
    check_choice("order", "a", ("a", "b"))


def test_schedules_of_steps():
    assert [sqrt_decay("constant", k) for k in (0, 8)] == [1.0, 1.0]
    assert [sqrt_decay("inverse-sqrt", k) for k in (0, 3, 99)] == [1.0, 0.5, 0.1]


@pytest.mark.parametrize("axes", [2, 3])
def test_the_mean_of_a_batch_is_that_of_its_samples(axes):
    """From indices (R, b) and from what the oracle draws, (R, b, 1); one evaluation a sample."""
    seen = problem_of(
        inner_samples=5, outer_samples=5, inner_grad_z=lambda z, x, i: i[..., None] * np.ones(P) + 0 * z,
        capabilities=Capabilities(sampled_derivatives=True),
    )  # fmt: skip
    oracle = zb_oracle(seen, 2)
    sample = np.array([[0, 1, 4], [2, 2, 3]])
    given = sample if axes == 2 else sample[..., None]
    mean = batch_mean(oracle.inner_grad_z, np.ones((2, P)), np.ones((2, D)), sample=given)
    np.testing.assert_allclose(mean, np.array([5 / 3, 7 / 3])[:, None] * np.ones(P))
    assert oracle.counts["inner_grad_z"].tolist() == [3, 3]


def test_the_mean_without_a_batch_is_the_problems_own():
    oracle = zb_oracle(problem_of(), 2)
    z, x = np.ones((2, P)), np.ones((2, D))
    assert np.array_equal(batch_mean(oracle.inner_grad_z, z, x, sample=None), 4 * z + 2)
    assert oracle.counts["inner_grad_z"].tolist() == [1, 1]


def zb_oracle(problem, replicates):
    from zoba_bench.oracle import Oracle

    return Oracle(problem, replicates)


def test_a_configuration_is_immutable_and_comparable():
    assert Descent(0.2) == replace(Descent(), size=0.2)
    with pytest.raises(AttributeError):
        Descent().size = 1.0
    assert Descent.option_names() == ["size", "products", "first"]
