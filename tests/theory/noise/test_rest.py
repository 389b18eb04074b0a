"""Where methods with a biased hypergradient come to rest: derived matrices against the methods' own directions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from zoba_bench.driver import run
from zoba_bench.errors import DerivationError
from zoba_bench.registry import load_problem, make_solver, theorem


def at_rest(solver, problem, x):
    """One step from x with the inner iterates at rest there: how far x moves, in units of its step."""
    z, v = problem.inner_solution(x), problem.adjoint(x)
    found = run(problem, solver, z0=z, v0=v, x0=x, rng=np.random.default_rng(0), max_iterations=1, record_every=None)
    return (found.x[0] - x) / solver.beta


@pytest.mark.parametrize(
    ("name", "options"),
    [("itd-bio", {"alpha": 0.3, "beta": 0.1, "D": 3}), ("stocbio", {"alpha": 0.3, "beta": 0.1, "eta": 0.2, "Q": 3})],
)
@pytest.mark.parametrize("family", ["quad_general", "quad_tracking", "reference"])
def test_a_step_from_the_derived_point_moves_nothing(name, options, family):
    problem, solver = load_problem(family, p=3, d=2), make_solver(name, **options)
    rest = theorem(name).point_of_rest(problem, solver)
    # In units of the gradient that is left there: rounding of the root, and of the directions.
    left = np.linalg.norm(problem.hypergradient(rest))
    assert left > 1e-3, "the bias moves the point"
    assert np.linalg.norm(at_rest(solver, problem, rest)) < 1e-8 * left
    assert np.linalg.norm(at_rest(solver, problem, problem.minimizer)) > 1e-3


def test_the_penalty_methods_point_is_the_minimiser_of_its_penalty_function():
    problem, lam = load_problem("quad_general", p=3, d=2), 7.0
    rest = theorem("zo-penalty").point_of_rest(problem, SimpleNamespace(lam=lam))
    a, c, _ = problem.inner_hessian(np.zeros(3), np.zeros(2))
    f_zz = problem.outer_hessian(np.zeros(3), np.zeros(2))[0]
    z = problem.inner_solution(rest)
    # y minimises F + lam G: one Newton step from z, as both are quadratic.
    slope = problem.outer_grad_z(z, rest) + lam * problem.inner_grad_z(z, rest)
    y = z - np.linalg.solve(f_zz + lam * a, slope)
    direction = problem.outer_grad_x(y, rest) + lam * c @ (y - z)
    left = np.linalg.norm(problem.hypergradient(rest))
    assert left > 1e-2
    assert np.linalg.norm(direction) < 1e-8 * left


def test_first_order_tasks_rest_where_their_mean_slope_vanishes():
    problem = load_problem("two_task")
    rest = theorem("fom").point_of_rest(problem, make_solver("fom"))
    assert rest == pytest.approx(problem.capabilities.tasks.first_order_point, rel=1e-9)
    with pytest.raises(DerivationError, match="is no pair of one-dimensional tasks"):
        theorem("fom").point_of_rest(load_problem("quad_general"), make_solver("fom"))


def test_what_the_derivation_does_not_speak_of_is_refused():
    solver = make_solver("zo-penalty")
    with pytest.raises(DerivationError, match="quadratic objectives, reference is not"):
        theorem("zo-penalty").point_of_rest(load_problem("reference", p=3, d=2), solver)
    with pytest.raises(DerivationError, match="quad_sum has samples"):
        theorem("itd-bio").point_of_rest(load_problem("quad_sum"), make_solver("itd-bio"))
    with pytest.raises(ValueError, match="minimizer"):
        theorem("itd-bio").point_of_rest(load_problem("coreset_bome"), make_solver("itd-bio"))
