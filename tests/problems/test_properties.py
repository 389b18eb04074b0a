"""Laws of the whole catalogue at random sizes, seeds and shapes: what holds of one instance holds of all."""

from __future__ import annotations

import numpy as np
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from zoba_bench.problems import PROBLEMS

from zoba_bench.certification.differences import settle

from .strategies import CHEAP, LARGEST, Drawn, problems
from .support import (
    FIRST_ORDER,
    OF_X,
    OF_ZX,
    PRODUCTS,
    ROUNDING,
    assert_close,
    assert_optimality_conditions,
    assert_slope,
    declared,
    factory,
    sample,
)
from .tracing import assert_traced

SMOOTH = [name for name in CHEAP if factory(name).card.smooth]
#: Leading axes of z, x and a direction: any that broadcast, among them none, and axes of length 0.
LEADS = mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=0, max_side=3)


@given(drawn=problems(), leads=LEADS, seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=80)
def test_functions_of_arrays_are_functions_of_points(drawn, leads, seed):
    problem = drawn.build()
    rng = np.random.default_rng(seed)
    of_z, of_x, of_w = leads.input_shapes
    z, x = settle(problem, rng.standard_normal((*of_z, problem.p)), rng.standard_normal((*of_x, problem.d)))
    for name in declared(problem, [*OF_ZX, *OF_X, *PRODUCTS]):
        arguments = [x] if name in OF_X else [z, x]
        if name in PRODUCTS:
            arguments.append(rng.standard_normal((*of_w, problem.d if name == "inner_jvp_zx" else problem.p)))
        function = getattr(problem, name)
        whole = np.asarray(function(*arguments))
        lead = np.broadcast_shapes(*(array.shape[:-1] for array in arguments))
        many = [np.broadcast_to(array, (*lead, array.shape[-1])) for array in arguments]
        single = [function(*(array[index] for array in many)) for index in np.ndindex(*lead)]
        last = {"p": (problem.p,), "d": (problem.d,), "": ()}[LAST.get(name, "")]
        assert whole.dtype == np.float64, name
        assert whole.shape == (*lead, *last), f"{name} of {problem.name}: {whole.shape} for leading axes {lead}"
        # Solves amplify rounding by the condition number, below 1e3 in all instances.
        assert_close(whole, np.reshape(single, whole.shape), 1e3 * ROUNDING, whole, f"{name} of {problem.name}")


LAST = {
    "inner_grad_z": "p", "inner_grad_x": "d", "outer_grad_z": "p", "outer_grad_x": "d", "inner_hvp_zz": "p",
    "inner_jvp_xz": "d", "inner_jvp_zx": "p", "inner_solution": "p", "adjoint": "p", "hypergradient": "d",
}  # fmt: skip


@given(drawn=problems(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=80)
def test_the_inner_solution_minimises_and_g_grows_from_it_with_its_strong_convexity(drawn, seed):
    """At every distance, inside the radius and region where mu holds; kinks and boxes are no exception."""
    problem = drawn.build()
    solution = problem.inner_solution or problem.capabilities.optimistic_solution
    z, x, _, _ = sample(problem, 40, seed=seed)
    best = solution(x)
    near = best + 10.0 ** np.random.default_rng(seed).uniform(-6, 0, (40, 1)) * (z - best)
    lowest = problem.inner(best, x)
    for away in (z, settle(problem, near, x)[0]):
        values, moved = problem.inner(away, x), away - best
        growth = 0.5 * (problem.constants.mu or 0.0) * np.vecdot(moved, moved)
        rounding = 1e3 * ROUNDING * (1 + np.abs(values) + np.abs(lowest))
        short = lowest + growth - values
        assert (short <= rounding).all(), f"G of {problem.name} is {short.max():.3g} too low away from z*(x)"


@given(drawn=problems(SMOOTH), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_solution_adjoint_and_hypergradient_satisfy_their_equations(drawn, seed):
    problem = drawn.build()
    if not any(getattr(problem, form) is None for form in (*OF_X, *FIRST_ORDER)):
        assert_optimality_conditions(problem, sample(problem, 3, seed=seed).x)


@given(drawn=problems(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=80)
def test_the_hypergradient_is_the_slope_of_f_along_the_solution(drawn, seed):
    """By differences of eighth order of F(z*(x), x); regions keep away from kinks and jumps of z*."""
    problem = drawn.build()
    solution = problem.inner_solution
    if problem.hypergradient is None or solution is None:
        return
    _, x, _, u = sample(problem, 3, seed=seed)
    slope = np.vecdot(problem.hypergradient(x), u)
    assert_slope(slope, lambda t: problem.outer(solution(x + t * u), x + t * u), f"grad Psi of {problem.name}")


@given(drawn=problems())
@settings(deadline=None, max_examples=60)
def test_derivatives_are_automatic_ones_at_any_size_and_seed(drawn):
    assert_traced(drawn.build())


# The strategy itself.


@given(drawn=problems())
def test_drawn_problems_are_small_enough_and_of_their_family(drawn):
    problem = drawn.build()
    assert problem.name == drawn.name
    assert 1 <= problem.p <= LARGEST
    assert 1 <= problem.d <= LARGEST


def test_every_family_that_has_sizes_is_drawn_at_several_of_them():
    wanted = [(1, 1), (7, 3), (3, 7), (40, 2), (30, 40)]
    for name in PROBLEMS:
        sizes = {(problem.p, problem.d) for problem in (Drawn(name, p, d, 0).build() for p, d in wanted)}
        if factory(name).card.scalable:
            assert len(sizes) >= 4, f"{name} is drawn at {sizes} only"
        else:
            assert len(sizes) == 1


def test_a_drawn_problem_shrinks_to_the_smallest_one():
    assert find(problems(["quad_general"]), lambda drawn: drawn.build().p > 2) == ("quad_general", 3, 1, 0)
