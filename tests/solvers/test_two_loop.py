"""One step of every two-loop method against a slow reference, its counts, its options and how runs of it end."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.driver import iteration_cost, run
from zoba_bench.oracle import COUNTED, Oracle
from zoba_bench.registry import entry, make_solver, theorem
from zoba_bench.result import Status
from zoba_bench.solvers.base import State, StepWarning
from zoba_bench.solvers.hozog import HozogState

from .two_loop_support import NAMES, VALUES_ONLY, Recording, Reference, Replay, with_gradients

SMALL: dict[str, dict[str, Any]] = {
    "zdsba": {"t_k": 3, "b_k": 3, "alpha": 1e-2, "beta": 1e-3, "gamma": 1e-3, "h": 0.4},
    "zmdsba": {"t_k": 3, "b_k": 3, "s_k": 4, "alpha": 1e-2, "beta": 1e-3, "gamma": 1e-3, "h": 0.4},
    "zo-penalty": {"T_b": 3, "l": 4, "lam": 3.0, "alpha": 1e-2, "beta": 1e-3, "h": 0.4},
    "pzobo": {"N": 4, "Q": 3, "eta": 0.3, "alpha": 0.05, "beta": 0.02},
    "hozog": {"q": 3, "eta": 0.3, "gamma": 0.02, "inner_steps": 4, "alpha": 0.05},
}
SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "zdsba": {"plain": {}, "own radius of x": {"eta": 0.6}, "no second inner step": {"t_k": 1, "b_k": 1}},
    "zmdsba": {
        "plain": {}, "own radius of x": {"eta": 0.6}, "constant": {"schedule": "constant"},
        "block moves": {"moves": "block", "eta": 0.6}, "one direction": {"s_k": 1},
    },
    "zo-penalty": {"plain": {}, "own radius of x": {"eta": 0.6}, "constant": {"schedule": "constant"}, "one": {"l": 1}},
    "pzobo": {"plain": {}, "sphere": {"directions": "sphere"}, "one": {"Q": 1, "N": 1}},
    "hozog": {"plain": {}, "one": {"q": 1, "inner_steps": 1}},
}  # fmt: skip
SAMPLES = {"inner_samples": 6, "outer_samples": 5}


def cases():
    for name, settings in SETTINGS.items():
        for title, options in settings.items():
            yield pytest.param(name, {**SMALL[name], **options}, {}, id=f"{name}: {title}")
        if name != "hozog":
            yield pytest.param(
                name, SMALL[name] | ({"batch": 3} if name == "pzobo" else {}), SAMPLES, id=f"{name}: samples"
            )
    yield pytest.param("pzobo", SMALL["pzobo"], SAMPLES, id="pzobo: exact gradients of a finite sum")
    yield pytest.param("hozog", SMALL["hozog"], SAMPLES, id="hozog: exact gradients of a finite sum")


def states(solver, problem, replicates, rng, k=0, seed=0) -> State:
    start = np.random.default_rng([seed, 5])
    z, v, x = (start.standard_normal((replicates, n)) for n in (problem.p, problem.p, problem.d))
    state = solver.init(Oracle(problem, replicates), rng, z, v, x)
    kept = {name: getattr(state, name) for name in ("origin", "best_x", "best_value") if hasattr(state, name)}
    return type(state)(z=z, v=v, x=x, k=k, oracle=state.oracle, rng=rng, **kept)


def compare_a_step(solver, reference, state, rng):
    """The state after a step, which every replicate of the reference confirms."""
    rng.drawn.clear()
    following = solver.step(state)
    origin = state.origin if isinstance(state, HozogState) else state.z
    for r in range(len(state.z)):
        wanted = reference.compare([rng.drawn], r, origin[r], state.v[r], state.x[r], state.k)
        for part, (expected, limit) in wanted.items():
            error = np.abs(getattr(following, part)[r] - expected).max()
            assert error <= limit, f"{part} at k={state.k}, replicate {r}: off by {error}, {limit=}"
            # Steps are at least 1e-3: what a wrong factor, sign or direction changes.
            assert limit < 1e-8, f"the comparison of {part} is blunt: {limit}"
    return following


@pytest.mark.parametrize(("name", "options", "samples"), list(cases()))
def test_step_equals_the_reference(bilevel, name, options, samples):
    problem = with_gradients(bilevel(3, 2, wave=0.5, **samples))
    solver, reference = make_solver(name, **options), Reference(problem, name, **options)
    rng = Recording(np.random.default_rng(3))
    state = states(solver, problem, 2, rng)
    for _ in range(3):
        state = compare_a_step(solver, reference, state, rng)
    assert state.k == 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("p", "d"), [(1, 1), (1, 4), (4, 1)])
def test_step_equals_the_reference_in_other_dimensions(bilevel, name, p, d):
    problem = with_gradients(bilevel(p, d, seed=3, wave=0.5))
    rng = Recording(np.random.default_rng(4))
    solver, reference = make_solver(name, **SMALL[name]), Reference(problem, name, **SMALL[name])
    compare_a_step(solver, reference, states(solver, problem, 1, rng, k=8), rng)


def test_trainings_by_values_are_those_by_gradients_on_quadratics(bilevel):
    """Central differences of a quadratic are exact; rounding is that of a value over the radius, T times alpha."""
    problem = with_gradients(bilevel(3, 2))
    ends = []
    for training in ("gradients", "values"):
        solver = make_solver("hozog", **SMALL["hozog"], h=0.3, training=training)
        ends.append(solver.step(states(solver, problem, 2, np.random.default_rng(0))))
    box = [np.abs(np.concatenate([s.z for s in ends])).max(axis=0) + 2, np.abs(ends[0].x).max(axis=0) + 2]
    values = inspect.unwrap(problem.inner).rounding(*box) / 0.3 * 4 * 0.05
    np.testing.assert_allclose(ends[1].z, ends[0].z, rtol=0, atol=4 * values)
    # A direction is a difference of F over eta, and F has slopes of size |F_z| < 20 in z.
    np.testing.assert_allclose(ends[1].x, ends[0].x, rtol=0, atol=0.02 * 2 * 20 * 8 * values / 0.3)


# Evaluations.

COUNTED_OPTIONS: dict[str, list[dict[str, Any]]] = {
    "zdsba": [{}, {"t_k": 1, "b_k": 7}, {"moves": "block"}],
    "zmdsba": [{}, {"t_k": 5, "b_k": 2, "s_k": 9}, {"moves": "block", "s_k": 1}],
    "zo-penalty": [{}, {"T_b": 1, "l": 1}, {"T_b": 4, "l": 6}],
    "pzobo": [{}, {"N": 1, "Q": 1}, {"N": 6, "Q": 2, "directions": "sphere"}],
    "hozog": [{}, {"q": 1, "inner_steps": 1}, {"q": 6, "inner_steps": 3}],
}


def derived_counts(name, options) -> dict[str, int]:
    """The theorem's counts at the options' values; a training of HOZOG takes inner_steps gradients (derived here)."""
    solver = make_solver(name, **options)
    known = theorem("zmdsba" if name == "zdsba" else name).evaluations_per_iteration
    values = {kind: int(e.subs({s: getattr(solver, str(s)) for s in e.free_symbols})) for kind, e in known.items()}
    if "trainings" in values:
        values["inner_grad_z"] = solver.inner_steps * values.pop("trainings")
    return values


@pytest.mark.parametrize("samples", [{}, SAMPLES], ids=["exact", "sampled"])
@pytest.mark.parametrize(("name", "options"), [(n, o) for n, several in COUNTED_OPTIONS.items() for o in several])
def test_counts_of_iterations_are_the_derived_ones(bilevel, points, name, options, samples):
    """On a finite sum a value of one sample counts once, an exact gradient or value as many times as it has samples."""
    problem = with_gradients(bilevel(3, 2, **samples))
    options = {**SMALL[name], **options}
    solver, replicates, iterations = make_solver(name, **options), 2, 3
    state = states(solver, problem, replicates, np.random.default_rng(0))
    problem.inner.calls.clear()
    problem.outer.calls.clear()
    for _ in range(iterations):
        state = solver.step(state)
    expected = dict.fromkeys(COUNTED, 0) | derived_counts(name, options)
    if samples and name in ("pzobo", "hozog"):
        expected = {
            kind: n * samples["inner_samples" if "inner" in kind else "outer_samples"] for kind, n in expected.items()
        }
    for kind, count in state.oracle.counts.items():
        assert (count == iterations * expected[kind]).all(), (kind, count, expected[kind])
    if name in VALUES_ONLY:
        assert points(problem.inner.calls) == replicates * iterations * expected["inner"]
        assert points(problem.outer.calls) == replicates * iterations * expected["outer"]
    assert iteration_cost(problem, solver, np.random.default_rng(0)) == {k: n for k, n in expected.items() if n}


def test_batches_and_trainings_by_values_are_counted(bilevel):
    problem = with_gradients(bilevel(3, 2, **SAMPLES))
    rng = np.random.default_rng(0)
    assert iteration_cost(problem, make_solver("pzobo", N=4, Q=3, batch=2), rng) == {
        "inner_grad_z": 2 * 4 * 4, "outer_grad_z": 2, "outer_grad_x": 2,
    }  # fmt: skip
    by_values = make_solver("hozog", q=2, inner_steps=5, training="values")
    assert iteration_cost(bilevel(3, 2), by_values, rng) == {"inner": 2 * 3 * 5 * 3, "outer": 3}


def test_projections_are_asked_of_the_oracle():
    """On the box [0, 1]^2 of this problem, with a step that would leave it."""
    for name, step in {"zdsba": "alpha", "zo-penalty": "alpha", "pzobo": "beta", "hozog": "gamma"}.items():
        problem = zb.load_problem("bome_minmax")
        problem = replace(problem, capabilities=replace(problem.capabilities, project_z=None))
        result = zb.solve(problem, name, max_iterations=2, record_every=None, **{step: 1e3})
        assert (result.counts["projection"] == 2).all()
        assert np.array_equal(result.x, problem.capabilities.project_x(result.x))


# What is refused, and what is warned of.


def test_a_problem_without_gradients_is_refused_by_name(bilevel):
    for name in ("pzobo", "hozog"):
        solver = make_solver(name)
        with pytest.raises(ValueError, match=rf"{name} needs inner_grad_z, which local does not declare"):
            solver.check(bilevel())
        solver.check(with_gradients(bilevel()))
    assert entry("solvers", "pzobo")().lacking(bilevel())[1] == "outer_grad_z, which local does not declare"
    make_solver("hozog", training="values").check(bilevel())
    for name in VALUES_ONLY:
        assert entry("solvers", name)().lacking(bilevel()) == []


def test_batches_of_what_has_no_samples_are_refused(bilevel):
    problem = with_gradients(bilevel())
    with pytest.raises(ValueError, match="pzobo needs a finite-sum problem; local is deterministic"):
        make_solver("pzobo", batch=2).check(problem)
    with pytest.raises(ValueError, match="pzobo needs a finite-sum problem; quad_tracking is deterministic"):
        zb.solve("quad_tracking", "pzobo", batch=2, max_iterations=1)
    make_solver("pzobo", batch=2).check(with_gradients(bilevel(**SAMPLES)))


POSITIVE = {
    "zdsba": ("alpha", "beta", "gamma", "h"),
    "zmdsba": ("alpha", "beta", "gamma", "h"),
    "zo-penalty": ("lam", "alpha", "beta", "h"),
    "pzobo": ("eta", "alpha", "beta"),
    "hozog": ("eta", "gamma", "alpha", "h"),
}
COUNTS = {
    "zdsba": ("t_k", "b_k"), "zmdsba": ("t_k", "b_k", "s_k"), "zo-penalty": ("T_b", "l"), "pzobo": ("N", "Q"),
    "hozog": ("q", "inner_steps"),
}  # fmt: skip
OPTIONAL = {"zdsba": "eta", "zmdsba": "eta", "zo-penalty": "eta"}
CHOICES = {
    "zdsba": ("schedule", "moves"), "zmdsba": ("schedule", "moves"), "zo-penalty": ("schedule",),
    "pzobo": ("directions",), "hozog": ("training",),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), True, "0.1", None, [0.1]], ids=repr)
def test_every_number_is_validated_by_name(name, value):
    for option in POSITIVE[name]:
        with pytest.raises(ValueError, match=f"^{option} must be a positive finite number, got"):
            make_solver(name, **{option: value})
    if name in OPTIONAL and value is not None:
        with pytest.raises(ValueError, match=r"^eta must be a positive finite number, got"):
            make_solver(name, eta=value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -3, 1.5, float("nan"), True, "2", None], ids=repr)
def test_every_count_is_validated_by_name(name, value):
    for option in COUNTS[name]:
        with pytest.raises(ValueError, match=f"^{option} must be a positive integer, got"):
            make_solver(name, **{option: value})
    if name == "pzobo" and value is not None:
        with pytest.raises(ValueError, match=r"^batch must be a positive integer, got"):
            make_solver(name, batch=value)


@pytest.mark.parametrize("name", NAMES)
def test_every_choice_lists_what_is_allowed_and_options_are_all_checked(name):
    for option in CHOICES[name]:
        with pytest.raises(ValueError, match=rf"^{option} must be one of '.*', '.*', got 'wrong'"):
            make_solver(name, **{option: "wrong"})
    checked = {*POSITIVE[name], *COUNTS[name], *CHOICES[name], "eta", "batch" if name == "pzobo" else "eta"}
    assert set(entry("solvers", name).option_names()) - {"s_k"} == checked - {"s_k"}


def test_zdsba_has_one_direction():
    with pytest.raises(ValueError, match="zdsba has one direction, s_k=1, got s_k=3; use zmdsba for more"):
        make_solver("zdsba", s_k=3)
    with pytest.raises(ValueError, match="s_k must be a positive integer"):
        make_solver("zdsba", s_k=0)


QUADRATIC = {"p": 3, "d": 2, "kappa": 2.0}
#: A step, the end of its range in the constants of quad_general, other options, and how far beyond the end to go: as
#: far as values stay finite.
TOO_LARGE: list[tuple[str, str, Any, dict[str, Any], float]] = [
    ("zdsba", "beta", lambda c: 2 / (5 * c.L_zz), {}, 30),
    ("zmdsba", "beta", lambda c: 2 / (5 * c.L_zz), {"s_k": 3}, 30),
    ("zmdsba", "gamma", lambda c: 2 / c.L_zz, {"s_k": 3}, 30),
    ("zmdsba", "alpha", lambda c: 2 / c.L_Psi, {"s_k": 3, "beta": 0.1}, 30),
    ("zo-penalty", "beta", lambda c: 2 / (5 * (c.L_zz + c.m_zz / 10)), {}, 30),
    ("zo-penalty", "alpha", lambda c: 2 / ((1 + 3 / 5) * c.L_Psi), {"l": 5, "beta": 0.1}, 30),
    ("pzobo", "alpha", lambda c: 2 / c.L_zz, {}, 30),
    ("pzobo", "beta", lambda c: 2 / c.L_Psi, {}, 30),
    ("hozog", "alpha", lambda c: 2 / c.L_zz, {}, 1.5),  # (1 - 3)^100 = 1e30 after one training
    ("hozog", "gamma", lambda c: 2 / ((1 + 1 / 5) * c.L_Psi), {}, 30),
]


@pytest.mark.parametrize(
    ("name", "step", "end", "options", "factor"), TOO_LARGE, ids=[f"{n} {s}" for n, s, *_ in TOO_LARGE]
)
def test_a_diverging_step_warns_and_is_a_status(name, step, end, options, factor):
    problem = zb.load_problem("quad_general", **QUADRATIC)
    known = end(problem.constants)
    ranges = {n: (v, e) for n, v, e, _ in make_solver(name, **options, **{step: 1.0}).stable_steps(problem)}
    assert ranges[step] == (1.0, pytest.approx(known))
    run = {"max_iterations": 300, "replicates": 3, "record_every": None}
    constant = {"schedule": "constant"} if "schedule" in entry("solvers", name).option_names() else {}
    with pytest.warns(StepWarning, match=f"{name} on quad_general: {step}=.* may diverge"):
        result = zb.solve(problem, name, **run, **options, **constant, **{step: factor * known})
    assert (result.status == Status.DIVERGED).all(), result.message
    assert np.isfinite(result.x).all()
    assert np.isfinite(result.z).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("problem", ["quad_general", "quad_tracking", "reference", "logistic_bregman", "imaml_quad"])
def test_defaults_are_silent_on_ordinary_problems(name, problem):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = zb.solve(problem, name, max_iterations=1, record_every=None)
    assert not result.failed.any()


@pytest.mark.parametrize("name", NAMES)
def test_unknown_or_vanishing_curvature_gives_no_range(bilevel, name):
    problem = with_gradients(bilevel())
    assert list(make_solver(name).stable_steps(problem)) == []
    flat = zb.load_problem("bome_minmax")
    assert flat.constants.L_zz == 0
    assert list(make_solver(name).stable_steps(flat)) == []


def test_the_range_of_the_inner_step_is_sharp():
    """On a quadratic a descent multiplies its error by at most |1 - alpha L_zz|, attained: below and above 1."""
    for factor, status in ((0.95, Status.MAX_ITERATIONS), (1.05, Status.DIVERGED)):
        problem = zb.load_problem("quad_general", **QUADRATIC)
        alpha = factor * 2 / problem.constants.L_zz
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StepWarning)
            result = zb.solve(problem, "pzobo", alpha=alpha, beta=1e-6, max_iterations=60, record_every=None)
        # 600 inner steps: 1.1^600 = 7e24.
        assert (result.status == status).all(), result.message


# Budgets and seeds.


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_is_never_exceeded_and_used_up(bilevel, start, name):
    problem, solver = with_gradients(bilevel()), make_solver(name, **SMALL[name])
    cost = sum(iteration_cost(problem, solver, np.random.default_rng(0)).values())
    for budget in (cost, 3 * cost - 1, 3 * cost):
        result = run(problem, solver, **start(problem), rng=np.random.default_rng(0), replicates=2, budget=budget)
        spent = sum(result.counts.values())
        assert (result.nit == budget // cost).all()
        assert (spent == budget // cost * cost).all()
        assert (result.status == Status.BUDGET).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_below_an_iteration_is_refused_before_anything_is_evaluated(bilevel, start, name):
    problem, solver = with_gradients(bilevel()), make_solver(name, **SMALL[name])
    cost = sum(iteration_cost(problem, solver, np.random.default_rng(0)).values())
    problem.inner.calls.clear()
    problem.outer.calls.clear()
    with pytest.raises(
        ValueError, match=rf"budget={cost - 1} is below the cost of one iteration, {cost} .*lower"
    ) as error:
        run(problem, solver, **start(problem), rng=np.random.default_rng(0), budget=cost - 1)
    for option in COUNTS[name]:
        assert option in str(error.value)
    assert problem.inner.calls == problem.outer.calls == []


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_bits(bilevel, start, same_run, name):
    problem, solver = with_gradients(bilevel(**SAMPLES)), make_solver(name, **SMALL[name])
    runs = [
        run(problem, solver, **start(problem), rng=np.random.default_rng(seed), replicates=3, max_iterations=4)
        for seed in (1, 1, 2)
    ]
    same_run(*runs[:2])
    assert not np.array_equal(runs[0].x, runs[2].x)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("samples", [{}, SAMPLES], ids=["exact", "sampled"])
def test_a_replicate_alone_agrees_with_the_block(bilevel, name, samples):
    """With the same draws; what is left is rounding, as in the comparison with the reference."""
    problem = with_gradients(bilevel(3, 2, wave=0.5, **samples))
    solver, rng = make_solver(name, **SMALL[name]), Recording(np.random.default_rng(3))
    reference = Reference(problem, name, **SMALL[name])
    before = states(solver, problem, 3, rng)
    middle = solver.step(before)
    first = list(rng.drawn)
    block = solver.step(middle)
    for r in range(3):
        alone = solver.init(Oracle(problem, 1), Replay(rng.drawn, r), before.z[[r]], before.v[[r]], before.x[[r]])
        alone = solver.step(solver.step(alone))
        draws = [first, rng.drawn[len(first) :]]
        wanted = reference.compare(draws, r, before.z[r], before.v[r], before.x[r])
        for part, (_, limit) in wanted.items():
            difference = np.abs(getattr(block, part)[r] - getattr(alone, part)[0]).max()
            assert difference <= limit < 1e-8, f"{part} of replicate {r}: {difference}, {limit=}"


@pytest.mark.parametrize("name", NAMES)
def test_another_start_of_one_replicate_leaves_the_others_alone(bilevel, name):
    problem, solver = with_gradients(bilevel(3, 2, wave=0.5)), make_solver(name, **SMALL[name])
    ends = []
    for shift in (0.0, 2.0):
        state = states(solver, problem, 3, np.random.default_rng(1))
        z, x = state.z.copy(), state.x.copy()
        z[1] += shift
        x[1] -= shift
        state = solver.init(state.oracle, state.rng, z, state.v, x)
        ends.append(solver.step(solver.step(state)))
    assert np.abs(ends[0].x[1] - ends[1].x[1]).max() > 1
    for part in ("z", "v", "x", "estimate"):
        assert np.array_equal(*(getattr(end, part)[[0, 2]] for end in ends)), part


@pytest.mark.parametrize("name", NAMES)
def test_step_does_not_change_the_state_it_starts_from(bilevel, name):
    problem, solver = with_gradients(bilevel()), make_solver(name, **SMALL[name])
    state = states(solver, problem, 2, np.random.default_rng(1))
    copies = {part: getattr(state, part).copy() for part in ("z", "v", "x")}
    solver.step(state)
    for part, copy in copies.items():
        assert np.array_equal(getattr(state, part), copy)


@pytest.mark.parametrize("name", NAMES)
def test_a_frozen_replicate_is_neither_evaluated_nor_moved(bilevel, name):
    problem, solver = with_gradients(bilevel()), make_solver(name, **SMALL[name])
    state = states(solver, problem, 3, np.random.default_rng(1))
    state.oracle.freeze(np.array([False, True, False]))
    following = solver.step(state)
    assert all((count[1] == 0) and (count[0] == count[2]) for count in state.oracle.counts.values())
    assert np.array_equal(following.x[1], state.x[1])
    assert np.array_equal(following.estimate[1], 0.0)


# HOZOG's best iterate.


def test_hozog_keeps_the_iterate_with_the_best_value(bilevel, start):
    problem = with_gradients(bilevel())
    solver = make_solver("hozog", **SMALL["hozog"] | {"gamma": 0.3})
    seen: list[Any] = []
    first = start(problem)
    run(
        problem, solver, **first, rng=np.random.default_rng(0), replicates=2, max_iterations=12,
        callback=lambda k, state: seen.append(state),
    )  # fmt: skip
    iterates = np.stack([np.tile(first["x0"], (2, 1)), *(state.x for state in seen)])
    oracle, origin = Oracle(problem, 2), np.tile(first["z0"], (2, 1))
    values = np.stack([problem.outer(solver.train(oracle, origin, x[:, None])[:, 0], x) for x in iterates])
    for k, state in enumerate(seen, 1):
        # The last iterate has not been trained at.
        best = values[:k].argmin(axis=0)
        assert np.array_equal(state.best_x, iterates[best, [0, 1]])
        np.testing.assert_allclose(state.best_value, values[:k].min(axis=0), rtol=1e-13)
    assert (values.argmin(axis=0) < len(values) - 1).any(), "the test needs a run whose last iterate is not the best"


def test_a_frozen_replicate_keeps_its_best(bilevel):
    """Its values are zeros, which may be below all it has seen."""
    problem, solver = with_gradients(bilevel()), make_solver("hozog", **SMALL["hozog"])
    state = solver.step(states(solver, problem, 2, np.random.default_rng(1)))
    state.oracle.freeze(np.array([True, False]))
    state = type(state)(**{**vars(state), "best_value": np.array([5.0, 5.0])})
    following = solver.step(state)
    assert following.best_value[0] == 5.0
    assert np.array_equal(following.best_x[0], state.best_x[0])


def test_every_training_starts_at_the_first_point(bilevel):
    problem, solver = with_gradients(bilevel()), make_solver("hozog", **SMALL["hozog"])
    first = states(solver, problem, 2, np.random.default_rng(1))
    second = solver.step(solver.step(first))
    assert np.array_equal(second.origin, first.z)
    assert not np.array_equal(second.z, first.z)
