"""Third derivatives of G in the linear model: against differences of the mean direction and against symbols."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.estimators.blocks import Blocks
from zoba_bench.theory.noise.curvature import CurvedBlocks, mean_jacobian, third_derivatives
from zoba_bench.theory.noise.stationary import LinearModel

from zoba_bench.registry import load_problem

from .support import mean_direction, solution_of, tilted_by_hand

CURVED = ["ridge_scalar", "xdep_curvature", "poisson_bregman", "quartic_cardano", "logistic_bregman", "logistic_outer"]


def numeric_jacobian(of, s, step=1e-5):
    """Central differences; 1e-5 leaves about 1e-10 of truncation and 1e-11 of rounding in units of the values."""
    return np.array([(of(s + e) - of(s - e)) / (2 * step) for e in step * np.eye(len(s))]).T


@pytest.mark.parametrize("family", CURVED)
def test_the_linear_model_of_a_tilted_problem_is_the_derivative_of_its_mean_direction(family):
    problem = tilted_by_hand(load_problem(family))
    z, v, x = solution_of(problem)
    expected = numeric_jacobian(lambda s: mean_direction(problem, s), np.concatenate([z, v, x]))
    model = LinearModel.at(CurvedBlocks.at(problem, x))
    size = np.abs(expected).max()
    assert np.allclose(model.J, expected, rtol=0, atol=1e-7 * size), np.abs(model.J - expected).max()
    jacobian, error = mean_jacobian(problem, z, v, x)
    assert np.array_equal(jacobian, model.J)
    assert error <= 1e-8 * size
    # Psi is that of the problem without the tilt.
    hessian = numeric_jacobian(problem.hypergradient, x)
    assert np.allclose(model.hessian, hessian, rtol=0, atol=1e-7 * max(1.0, np.abs(hessian).max()))


@pytest.mark.parametrize("family", ["ridge_scalar", "xdep_curvature"])
def test_without_third_derivatives_the_linear_model_is_a_wrong_one(family):
    problem = tilted_by_hand(load_problem(family))
    s = np.concatenate(solution_of(problem))
    expected = numeric_jacobian(lambda at: mean_direction(problem, at), s)
    plain = LinearModel.at(Blocks.at(problem, problem.minimizer))
    assert np.abs(plain.J - expected).max() > 0.01 * np.abs(expected).max()


def test_away_from_the_solution_the_jacobian_is_the_derivative_too():
    problem, rng = load_problem("poisson_bregman", 3, 2), np.random.default_rng(4)
    z, v, x = rng.standard_normal(3) / 2, rng.standard_normal(3), rng.standard_normal(2) / 2
    expected = numeric_jacobian(lambda s: mean_direction(problem, s), np.concatenate([z, v, x]))
    jacobian, error = mean_jacobian(problem, z, v, x)
    assert np.allclose(jacobian, expected, rtol=0, atol=1e-8 * np.abs(expected).max())
    assert error < 1e-8 * np.abs(expected).max()


@pytest.mark.parametrize("family", ["quartic_cardano", "logistic_bregman", "xdep_curvature", "ridge_scalar"])
def test_the_error_bound_of_the_differences_holds_against_the_problems_symbols(family):
    card = load_problem(family).card
    problem = load_problem(family, **dict(card.small))
    symbols = problem.symbolic()
    z, x = list(symbols.z), list(symbols.x)
    rng = np.random.default_rng(1)
    at_z, v, at_x = rng.uniform(-0.5, 0.5, problem.p), rng.standard_normal(problem.p), rng.uniform(-0.5, 0.5, problem.d)
    values = (*at_z, *at_x, *symbols.parameters.values())
    names = [*z, *x, *symbols.parameters]
    point = dict(zip(names, [sp.Float(float(number), 40) for number in values], strict=True))
    along = sum(float(n) * sp.diff(symbols.inner, name) for n, name in zip(v, z, strict=True))
    (zz, xz, xx), error = third_derivatives(problem, at_z, at_x, v)
    for found, rows, columns in ((zz, z, z), (xz, x, z), (xx, x, x)):
        exact = np.array([[float(sp.diff(along, r, c).subs(point).evalf(30)) for c in columns] for r in rows])
        assert np.abs(found - exact).max() <= error, (np.abs(found - exact).max(), error)
    assert error < 1e-7


def test_quadratic_inner_objectives_keep_their_bits():
    for family, size in (("reference", (4, 3)), ("quad_general", (3, 2)), ("cournot", ())):
        problem = load_problem(family, *size)
        curved, plain = (kind.at(problem, problem.minimizer) for kind in (CurvedBlocks, Blocks))
        assert curved.T_error == 0.0
        for name in ("J", "Q", "hessian"):
            assert np.array_equal(getattr(LinearModel.at(curved), name), getattr(LinearModel.at(plain), name)), name


def test_a_zero_adjoint_has_no_third_derivatives():
    problem = load_problem("quartic_cardano")
    blocks = CurvedBlocks.at(problem, problem.minimizer)
    assert np.abs(blocks.T_zz).max() <= 1e-12


def test_third_derivatives_that_are_not_finite_or_of_another_shape_are_refused():
    problem = load_problem("quartic_cardano", 3, 2)
    z, v, x = np.zeros(3), np.ones(3), np.zeros(2)
    broken = replace(problem, inner_hessian=lambda z, x: tuple(np.nan * b for b in problem.inner_hessian(z, x)))
    with pytest.raises(ValueError, match="not finite"):
        third_derivatives(broken, z, x, v)
    with pytest.raises(ValueError, match=r"T_xz must have shape \(2, 3\)"):
        replace(CurvedBlocks.at(problem, problem.minimizer), T_xz=np.zeros((3, 2)))
