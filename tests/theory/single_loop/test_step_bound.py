"""The one-step bounds use only constants that are argued for, as the bound of a run does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zoba_bench.registry import load_problem, make_solver, theorem

STATE = {"a": 0.5, "b": 0.5, "g": 0.3, "D": 0.4, "v": 1.0}


def bounds(constants):
    solver = make_solver(
        "hf-zoba",
        h=0.1,
        eta=0.1,
        h_bar=0.1,
        normalize_h_bar=True,
        l1=50,
        l2=50,
        rho=0.2,
        gamma=0.02,
        schedule="constant",
    )
    return theorem("hf-zoba").one_step(constants, 2, 2, solver, STATE)


def test_a_sampled_lipschitz_constant_does_not_make_the_inner_problem_quadratic():
    known = load_problem("logcosh_ripple", p=2, d=2).constants
    curved = bounds(known)
    quadratic = bounds(replace(known, H=0.0))
    assert quadratic["b"] < curved["b"] * (1 - 1e-3), "H = 0 as a bound drops what curvature adds"
    assert bounds(replace(known, H=0.0, sampled=("H",))) == curved


@pytest.mark.parametrize("name", ["C_z", "C_x"])
def test_sampled_slopes_of_the_outer_objective_are_not_used(name):
    known = load_problem("logcosh_ripple", p=2, d=2).constants
    tiny = replace(known, **{name: 1e-6})
    assert bounds(tiny) != bounds(replace(known, **{name: None})), "as a bound it would be used"
    assert bounds(replace(tiny, sampled=(name,))) == bounds(replace(known, **{name: None}))


def test_a_sampled_bound_of_the_adjoint_is_refused_by_name():
    known = load_problem("logcosh_ripple", p=2, d=2).constants
    with pytest.raises(ValueError, match="'R' is only sampled"):
        bounds(replace(known, sampled=("R",)))
