"""AID-BiO, ITD-BiO and stocBiO: one step against a slow reference, counts, replicates, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import sympy as sp

import zoba_bench as zb
from zoba_bench.driver import iteration_cost, run
from zoba_bench.oracle import DERIVATIVES, Oracle
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.registry import make_solver, theorem
from zoba_bench.result import Status
from zoba_bench.solvers.base import StepWarning

from ..theory.implicit_support import at, value
from .differentiable import differentiable, points
from .hypergradient_support import BATCHES, EPS, METHODS, SAMPLES, Reference, at_solution, draws, states

SETTINGS: tuple[tuple[str, dict[str, Any], dict[str, int]], ...] = (
    ("aid-bio", {"D": 3, "N": 2}, {}),
    ("aid-bio", {"D": 1, "N": 1}, {}),
    ("aid-bio", {"D": 2, "N": 2}, SAMPLES),
    ("itd-bio", {"D": 4}, {}),
    ("itd-bio", {"D": 1}, {}),
    ("itd-bio", {"D": 3}, SAMPLES),
    ("stocbio", {"D": 3, "Q": 3}, {}),
    ("stocbio", {"D": 1, "Q": 1}, {}),
    ("stocbio", {"D": 2, "Q": 4, **BATCHES}, SAMPLES),
    ("stocbio", {"D": 2, "Q": 3, **BATCHES, "B_ratio": 1.0}, SAMPLES),
    ("stocbio", {"D": 2, "Q": 3, **BATCHES}, {"inner_samples": 6}),
    ("stocbio", {"D": 2, "Q": 3, **BATCHES}, {"outer_samples": 5}),
    ("stocbio", {"D": 2, "Q": 2, "S": None, "D_f": None, "D_g": None, "B": None}, SAMPLES),
    ("stocbio", {"D": 2, "Q": 2, "S": None, "D_f": 2, "D_g": 3, "B": None}, SAMPLES),
)
IDS = [f"{name}: {options} {samples}" for name, options, samples in SETTINGS]


# One step.


def compare_with_reference(method, options, samples, p=3, d=2, seed=0, replicates=2):
    problem = differentiable(p, d, seed, wave=0.05, **samples)
    solver = make_solver(method, **options)
    options = {name: getattr(solver, name) for name in solver.option_names()}
    reference = Reference(problem, options)
    state = states(problem, replicates, np.random.default_rng([seed, 7]))
    of = draws(method, problem, options, np.random.default_rng([seed, 7]), replicates)
    following = solver.step(state)
    for r in range(replicates):
        found = reference.step(method, state.z[r], state.v[r], state.x[r], of(r))
        limit = reference.limit()
        # A wrong sign, batch or factor changes an iterate by about its step.
        assert limit < 1e-6, f"the comparison is blunt: {limit}"
        for name, expected in zip(("z", "v", "x", "estimate"), found, strict=True):
            actual = getattr(following, name)[r]
            error = np.abs(actual - expected).max()
            assert error <= limit, f"{name} of replicate {r}: {actual} against {expected}, {limit=}"
    assert following.k == 1


@pytest.mark.parametrize(("method", "options", "samples"), SETTINGS, ids=IDS)
def test_step_equals_the_reference(method, options, samples):
    compare_with_reference(method, options, samples)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("p", "d"), [(1, 1), (1, 4), (4, 1), (2, 2)])
def test_step_equals_the_reference_in_other_dimensions(method, p, d):
    own = {"aid-bio": {"N": 2}, "itd-bio": {}, "stocbio": {"Q": 2, "eta": 0.2}}[method]
    options = {"D": 2, "alpha": 0.08, "beta": 0.3, **own}
    compare_with_reference(method, options, {}, p, d, seed=3)


@pytest.mark.parametrize("name", list(DERIVATIVES))
@pytest.mark.parametrize("sampled", [False, True])
def test_derivatives_of_the_local_problem_are_those_of_its_values(name, sampled):
    """Central differences of values and of gradients: h^2 times a third derivative below 100, and rounding over h."""
    problem, h = differentiable(wave=0.05, **SAMPLES), 1e-5
    rng = np.random.default_rng(0)
    z, x, v, u = (rng.standard_normal(n) for n in (3, 2, 3, 2))
    sample = np.array(4) if sampled else None
    level = name.partition("_")[0]
    along = {"z": [(h * e, 0 * x) for e in np.eye(3)], "x": [(0 * z, h * e) for e in np.eye(2)]}

    def differences(function, moves):
        return [(function(z + a, x + b) - function(z - a, x - b)) / (2 * h) for a, b in moves]

    if name.endswith(("grad_z", "grad_x")):
        found = getattr(problem, name)(z, x, sample=sample)
        expected = differences(lambda q, y: getattr(problem, level)(q, y, sample), along[name[-1]])
    else:
        other, vector = {"zz": (along["z"], v), "xz": (along["x"], v), "zx": (along["z"], u)}[name[-2:]]
        first = problem.inner_grad_x if name.endswith("zx") else problem.inner_grad_z
        found = getattr(problem, name)(z, x, vector, sample=sample)
        expected = differences(lambda q, y: vector @ first(q, y, sample=sample), other)
    assert np.abs(found - expected).max() <= 100 * h**2 + 1e3 * EPS / h


# Evaluations.


def derived_counts(method, options, problem) -> dict[str, int]:
    """The theorem's counts of an iteration at the options."""
    theory = theorem(method)
    full = {"inner": problem.inner_samples or 1, "outer": problem.outer_samples or 1}
    numbers: dict[str, Any] = {name: options[name] for name in ("D", "N", "Q") if name in options}
    counts = theory.evaluations_per_iteration
    if method == "stocbio":
        exact = {"S": "inner", "D_f": "outer", "D_g": "inner", "B": "inner"}
        sizes = {
            name: full[level] if options[name] is None or full[level] == 1 else options[name]
            for name, level in exact.items()
        }
        ratio = options["B_ratio"] if sizes["B"] == options["B"] else 1.0
        numbers |= {name: sizes[name] for name in ("S", "D_f", "D_g")} | {"b_1": sizes["B"]}
        # The batches b_1 (1 - eta mu)^(j-1): any eta mu = 1 - ratio will do, and its limit for equal batches.
        eta = theory.symbols["eta"]
        hvp = counts["inner_hvp_zz"].subs(theory.symbols["mu"], 1)
        counts |= {"inner_hvp_zz": sp.limit(hvp, eta, 0) if ratio == 1 else hvp.subs(eta, sp.Rational(1 - ratio))}
        return {name: round(at(sp.sympify(count), **numbers)) for name, count in counts.items()}
    # Means over all samples cost one evaluation a sample.
    return {
        name: round(at(sp.sympify(count), **numbers)) * full[name.partition("_")[0]] for name, count in counts.items()
    }


@pytest.mark.parametrize(("method", "options", "samples"), SETTINGS, ids=IDS)
def test_evaluations_are_those_of_the_theorem(method, options, samples):
    """By the oracle's count, by that of the functions themselves, and by a dry run."""
    problem = differentiable(**samples)
    solver = make_solver(method, **options)
    iterations, replicates = 3, 2
    each = derived_counts(method, {n: getattr(solver, n) for n in solver.option_names()}, problem)
    result = run(
        problem, solver, z0=np.ones(3), x0=np.ones(2), rng=np.random.default_rng(0), replicates=replicates,
        max_iterations=iterations, record_every=None,
    )  # fmt: skip
    queried = points(problem)
    for name, count in result.counts.items():
        assert (count == iterations * each.get(name, 0)).all(), (name, count, each)
        assert queried.get(name, 0) == replicates * iterations * each.get(name, 0), (name, queried, each)
    assert iteration_cost(problem, solver, np.random.default_rng(0)) == {n: c for n, c in each.items() if c}


def test_hessian_batches_fall_by_the_ratio_and_are_rounded_up():
    assert make_solver("stocbio", Q=5, B=10, B_ratio=0.5).hessian_batches() == [10, 5, 3, 2, 1]
    assert make_solver("stocbio", Q=4, B=10, B_ratio=0.9).hessian_batches() == [10, 9, 9, 8]
    assert make_solver("stocbio", Q=2, B=None).hessian_batches() == [None, None]
    # 1000 * 0.1**2 is 10 and a rounding error.
    assert make_solver("stocbio", Q=5, B=1000, B_ratio=0.1).hessian_batches() == [1000, 100, 10, 1, 1]
    # Rounding up costs at most one product a batch, as the theorem counts.
    for B, ratio, Q in product((1, 7, 100), (0.3, 0.7, 0.99), (1, 4, 12)):
        total = sum(make_solver("stocbio", Q=Q, B=B, B_ratio=ratio).hessian_batches())
        assert total <= value(theorem("stocbio"), "Hessian products of a Neumann sum", b_1=B, eta=1 - ratio, mu=1, Q=Q)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("gradient_cost", ["one", "dimension"])
def test_budget_is_not_exceeded(method, gradient_cost):
    problem = differentiable(**SAMPLES)
    weight = {"one": {"p": 1, "d": 1}, "dimension": {"p": 3, "d": 2}}[gradient_cost]
    solver = make_solver(method)
    each = derived_counts(method, {n: getattr(solver, n) for n in solver.option_names()}, problem)
    cost = sum(count * weight[DERIVATIVES[name][1]] for name, count in each.items())
    for budget in (cost, 2 * cost - 1, 2 * cost, 5 * cost + 3):
        result = zb.solve(problem, method, budget=budget, gradient_cost=gradient_cost, replicates=2, record_every=None)
        spent = sum(result.counts[name] * weight[DERIVATIVES[name][1]] for name in each)
        assert (result.nit == budget // cost).all()
        assert (spent == budget // cost * cost).all()
        assert (result.status == Status.BUDGET).all()


@pytest.mark.parametrize("method", METHODS)
def test_budget_below_one_iteration_is_refused_before_anything_is_evaluated(method):
    problem = differentiable()
    cost = sum(iteration_cost(problem, make_solver(method), np.random.default_rng(0)).values())
    with pytest.raises(ValueError, match=f"budget={cost - 1} is below the cost of one iteration, {cost} evaluations"):
        zb.solve(problem, method, budget=cost - 1)
    assert not any(points(problem).values())


# Runs.


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("samples", [{}, SAMPLES], ids=["exact", "sampled"])
def test_same_seed_same_bits(method, samples, same_run):
    problem = differentiable(**samples)
    runs = [zb.solve(problem, method, max_iterations=4, replicates=3, seed=5) for _ in range(2)]
    same_run(*runs)
    other = zb.solve(problem, method, max_iterations=4, replicates=3, seed=6)
    assert not np.array_equal(other.x, runs[0].x)


def test_replicates_of_stocbio_draw_their_own_batches():
    problem = differentiable(**SAMPLES)
    result = zb.solve(problem, "stocbio", max_iterations=2, replicates=3, S=1, B=1, D_f=1, D_g=1)
    assert len(np.unique(result.x, axis=0)) == 3


def rounding(problem, solver, iterations, *visited) -> float:
    """``Reference.limit`` with a bound on the sums in a derivative: |A||z| + |C||x| + |a| + |b| in the rows' norms."""
    reference = Reference(problem, {n: getattr(solver, n) for n in solver.option_names()})
    size = max(np.abs(y).max() for state in visited for y in (state.z, state.v, state.x, np.ones(1)))
    for o in (problem.inner, problem.outer):
        rows = np.abs(o.A).sum(-1).max() + np.abs(o.B).sum(-1).max() + np.abs(o.C).sum((-1, -2)).max()
        rows += np.abs(o.a).max() + np.abs(o.b).max() + o.wave
        reference.largest = max(reference.largest, rows * size)
    return reference.limit(iterations)


def fixed_draws(problem, replicates, seed=11):
    """Patches of both draws with batches of ``replicates`` rows, each call a new one; ``rows`` picks from them."""

    def patched(rows):
        generator = np.random.default_rng(seed)

        def draw(size):
            def of(self, rng, batch):
                return None if size is None else generator.integers(size, size=(replicates, batch, 1))[rows]

            return of

        return (
            patch.object(Oracle, "draw_inner", draw(problem.inner_samples)),
            patch.object(Oracle, "draw_outer", draw(problem.outer_samples)),
        )

    return patched


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("samples", [{}, SAMPLES], ids=["exact", "sampled"])
def test_block_of_replicates_equals_a_loop_over_them(method, samples):
    problem = differentiable(wave=0.05, **samples)
    options = {"D": 3} | {"aid-bio": {"N": 1}, "stocbio": {"Q": 3, "eta": 0.2, **BATCHES}}.get(method, {})
    solver = make_solver(method, **options)
    state = states(problem, 3)
    patched = fixed_draws(problem, 3)

    def advance(state, rows):
        inner, outer = patched(rows)
        with inner, outer:
            for _ in range(2):
                state = solver.step(state)
        return state

    block = advance(state, slice(None))
    limit = rounding(problem, solver, 2, state, block)
    assert limit < 1e-6, f"the comparison is blunt: {limit}"
    for r in range(3):
        alone = replace(state, z=state.z[[r]], v=state.v[[r]], x=state.x[[r]], oracle=Oracle(problem, 1), rng=state.rng)
        single = advance(alone, slice(r, r + 1))
        for name in ("z", "v", "x", "estimate"):
            a, b = getattr(block, name)[r], getattr(single, name)[0]
            assert np.abs(a - b).max() <= limit, f"{name} of replicate {r}: {a} against {b}"


@pytest.mark.parametrize("method", METHODS)
def test_replicate_does_not_depend_on_the_others_even_where_one_is_frozen(method):
    problem = differentiable(wave=0.05)
    options = {"D": 3} | {"aid-bio": {"N": 2}, "stocbio": {"Q": 3, "eta": 0.2}}.get(method, {})
    solver = make_solver(method, **options)
    state = states(problem, 3)
    other = replace(state, z=state.z.copy(), x=state.x.copy(), oracle=Oracle(problem, 3))
    other.z[1] += 3.0
    other.x[1] *= -4.0
    frozen = replace(state, oracle=Oracle(problem, 3))
    frozen.oracle.freeze(np.array([False, True, False]))
    plain, perturbed, beside = solver.step(state), solver.step(other), solver.step(frozen)
    limit = rounding(problem, solver, 1, state, plain)
    assert limit < 1e-5, f"the comparison is blunt: {limit}"
    for name in ("z", "v", "x", "estimate"):
        a, b, c = (getattr(s, name)[[0, 2]] for s in (plain, perturbed, beside))
        assert np.abs(b - a).max() <= limit
        assert np.abs(c - a).max() <= limit
    assert np.array_equal(beside.z[1], state.z[1])
    assert np.array_equal(beside.x[1], state.x[1])
    assert np.isfinite(beside.v).all()
    assert all((count[1] == 0) for count in frozen.oracle.counts.values())


@pytest.mark.parametrize("method", METHODS)
def test_step_does_not_change_the_state_it_starts_from(method):
    problem = differentiable(**SAMPLES)
    state = states(problem, 2)
    copies = {name: getattr(state, name).copy() for name in ("z", "v", "x")}
    make_solver(method, D=2).step(state)
    for name, copy in copies.items():
        assert np.array_equal(getattr(state, name), copy)


@pytest.mark.parametrize("method", METHODS)
def test_z_goes_on_from_where_it_ended(method):
    problem = zb.load_problem("quad_general")
    solver = make_solver(method, D=2, alpha=0.1)
    first = solver.step(at_solution(problem, np.ones(problem.d)))
    second = solver.step(first)
    z = first.z[0]
    for _ in range(2):
        z = z - 0.1 * problem.inner_grad_z(z, first.x[0])
    np.testing.assert_allclose(second.z[0], z, rtol=0, atol=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_x_is_projected_once_an_iteration(method):
    box = Capabilities(project_x=lambda x: np.clip(x, -0.2, 0.3))
    problem = differentiable(capabilities=box)
    seen = []
    result = zb.solve(
        problem, method, max_iterations=30, x0=[5.0, -5.0], record_every=None,
        callback=lambda k, state: seen.append(state.x.copy()),
    )  # fmt: skip
    assert (np.array(seen) >= -0.2).all()
    assert (np.array(seen) <= 0.3).all()
    assert (result.counts["projection"] == 30).all()


@pytest.mark.parametrize("method", METHODS)
def test_tolerance_stops_at_the_norm_of_the_estimate(method):
    """At the first iteration whose step of x is at most beta times the tolerance."""
    problem, moves, last = differentiable(), [], [np.ones(2)]

    def watch(k, state):
        moves.append(np.linalg.norm(state.x[0] - last[-1]))
        last.append(state.x[0])

    result = zb.solve(problem, method, beta=0.25, tolerance=1e-3, max_iterations=2000, x0=last[0], callback=watch)
    assert (result.status == Status.CONVERGED).all()
    assert (result.estimate <= 1e-3).all()
    # The callback is not asked in the iteration that stops.
    assert len(moves) == result.nit[0] - 1
    assert min(moves) > 0.25e-3 * (1 - 1e-9)
    assert np.linalg.norm(result.x[0] - last[-1]) == pytest.approx(0.25 * result.estimate[0], rel=1e-9)


# What goes wrong.


@pytest.mark.parametrize(
    ("method", "options"),
    [*((m, {"alpha": 5.0}) for m in METHODS), *((m, {"beta": 5.0}) for m in METHODS), ("stocbio", {"eta": 5.0})],
)
def test_a_step_outside_the_stable_range_warns_and_diverges(method, options):
    """On quadratics both ends are sharp: beyond 2/L_zz and 2/L_Psi the iteration must leave every ball."""
    ((name, _),) = options.items()
    end = "2 / L_Psi" if name == "beta" else "2 / L_zz"
    problem = zb.load_problem("quad_general")
    steady = {"eta": 0.5} if method == "stocbio" and name != "eta" else {}
    with pytest.warns(StepWarning, match=f"{name}=5 is outside of the stable range \\(0, {end}\\)"):
        result = zb.solve(problem, method, max_iterations=400, replicates=2, **options, **steady)
    assert (result.status == Status.DIVERGED).all()
    assert np.isfinite(result.x).all()


def test_the_closed_forms_of_a_diverged_run_may_overflow_in_silence():
    problem = replace(differentiable(), hypergradient=lambda x: np.exp(np.abs(x)))
    result = zb.solve(problem, "aid-bio", beta=1e3, max_iterations=50)
    assert (result.status == Status.DIVERGED).all()
    assert np.isinf(result.history["stationarity"][-1]).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["quad_general", "quad_tracking", "reference", "logistic_bregman", "nesterov_chain"])
def test_defaults_are_silent_and_stable_on_ordinary_problems(method, name):
    result = zb.solve(zb.load_problem(name), method, max_iterations=50)
    assert not result.failed.any()
    assert (result.history["stationarity"][-1] < result.history["stationarity"][0]).all()


@pytest.mark.parametrize(
    ("method", "options"),
    [("aid-bio", {"alpha": 0.99 * 2, "beta": 1.0}), ("itd-bio", {"alpha": 1.99}), ("stocbio", {"eta": 1.99})],
)
def test_a_step_inside_the_range_does_not_warn(method, options):
    problem = zb.load_problem("reference")  # L_zz = 1, L_Psi = 2
    ranges = {name: (first, end) for name, first, end, _ in make_solver(method, **options).stable_steps(problem)}
    assert all(first <= end for first, end in ranges.values()), ranges


def test_ranges_on_finite_sums_are_those_of_the_mean():
    """L_zz bounds every sample; the mean of quad_sum has its own curvature, and that is what has to be contracted."""
    problem = zb.load_problem("quad_sum")
    curvature = np.linalg.eigvalsh(problem.inner_hessian(np.zeros(10), np.zeros(5))[0])[-1]
    ranges = {name: end for name, _, end, _ in make_solver("stocbio").stable_steps(problem)}
    assert ranges["alpha"] == ranges["eta"] == pytest.approx(2 / curvature)
    assert ranges["eta"] > 5 / problem.constants.L_zz
    # Of a sum that is not quadratic, nothing is known of the mean.
    unknown = replace(problem, card=replace(problem.card, quadratic_inner=False))
    assert {name for name, *_ in make_solver("stocbio").stable_steps(unknown)} == {"beta"}


def test_constants_that_hold_in_a_ball_give_no_range_of_the_outer_step():
    problem = zb.load_problem("quad_tracking", radius=2.0)
    assert "beta" not in {name for name, *_ in make_solver("aid-bio").stable_steps(problem)}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("broken", ["inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x"])
def test_a_derivative_that_is_not_finite_is_a_status(method, broken):
    problem = differentiable()
    right = getattr(problem, broken)

    def wrong(z, x, *rest):
        values = np.array(right(z, x, *rest))
        values[..., 0] = np.nan
        return values

    result = zb.solve(replace(problem, **{broken: wrong}), method, max_iterations=5, D=2, replicates=2)
    assert (result.status == Status.NON_FINITE).all()
    assert np.isfinite(result.x).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", ["inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x"])
def test_a_problem_without_a_derivative_is_refused_by_name(method, missing):
    problem = replace(differentiable(), **{missing: None})
    with pytest.raises(ValueError, match=f"^{method} needs {missing}, which local does not declare$"):
        zb.solve(problem, method, max_iterations=1)


@pytest.mark.parametrize("method", METHODS)
def test_a_problem_of_another_class_is_refused(method):
    held = differentiable(capabilities=Capabilities(project_z=lambda z: z))
    with pytest.raises(ValueError, match=f"{method} needs an inner problem without constraints; local restricts z"):
        zb.solve(held, method)
    rough = differentiable(capabilities=Capabilities(inner_prox=lambda z, x, step: z))
    with pytest.raises(ValueError, match=f"{method} needs a smooth inner objective; that of local has a non-smooth"):
        zb.solve(rough, method)
    assert not any(points(held).values())


def test_stocbio_needs_derivatives_of_single_samples_and_the_others_do_not():
    problem = differentiable(**SAMPLES)
    means = replace(problem, capabilities=Capabilities())
    with pytest.raises(ValueError, match="stocbio needs derivatives of single samples; local declares those of the m"):
        zb.solve(means, "stocbio")
    for method in ("aid-bio", "itd-bio"):
        assert not zb.solve(means, method, max_iterations=2).failed.any()


# Configuration.


@pytest.mark.parametrize("value", [0, 0.0, -1.0, float("nan"), float("inf"), True, "0.1", None, [0.1]])
@pytest.mark.parametrize(
    ("method", "name"), [*product(METHODS, ("alpha", "beta")), ("stocbio", "eta"), ("stocbio", "B_ratio")]
)
def test_step_is_validated_by_name(method, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive finite number, got"):
        make_solver(method, **{name: value})


@pytest.mark.parametrize("value", [0, -3, 1.5, True, "2", float("nan"), [3]])
@pytest.mark.parametrize(
    ("method", "name"),
    [*product(METHODS, "D"), ("aid-bio", "N"), *(("stocbio", name) for name in ("Q", "S", "D_f", "D_g", "B"))],
)
def test_count_is_validated_by_name(method, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive integer, got"):
        make_solver(method, **{name: value})


@pytest.mark.parametrize(("method", "name"), [*product(METHODS, "D"), ("aid-bio", "N"), ("stocbio", "Q")])
def test_none_is_no_count(method, name):
    with pytest.raises(ValueError, match=f"{name} must be a positive integer, got None"):
        make_solver(method, **{name: None})


def test_growing_batches_are_refused():
    with pytest.raises(ValueError, match=r"B_ratio must be at most 1, for batches that do not grow, got 1\.5"):
        make_solver("stocbio", B_ratio=1.5)


def test_unknown_option_is_refused_with_the_known_ones():
    with pytest.raises(TypeError, match=r"solver 'aid-bio' has no option 'Q'; .*its options are alpha, beta, D, N"):
        make_solver("aid-bio", Q=3)


@pytest.mark.parametrize("method", METHODS)
def test_configuration_is_immutable_and_compares_by_value(method):
    solver = make_solver(method, D=3)
    with pytest.raises(AttributeError):
        solver.D = 4
    assert solver == make_solver(method, D=3)
    assert solver != make_solver(method, D=4)


def test_published_defaults():
    """Of the released scripts: ITD-BiO (alpha, D), MNIST (beta, eta), newsgroups (N, Q, batches)."""
    stocbio, aid = make_solver("stocbio"), make_solver("aid-bio")
    assert (stocbio.alpha, stocbio.D, stocbio.beta, stocbio.eta, stocbio.Q) == (0.05, 10, 0.1, 0.5, 10)
    assert (stocbio.S, stocbio.D_f, stocbio.D_g, stocbio.B, stocbio.B_ratio) == (100, 100, 100, 100, 1.0)
    assert (aid.alpha, aid.beta, aid.D, aid.N) == (0.05, 0.1, 10, 10)
