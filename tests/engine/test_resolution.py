"""A difference that vanishes because nothing moved is no zero derivative: no solver converges by one."""

from __future__ import annotations

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench import estimators as est
from zoba_bench.driver import run
from zoba_bench.resolution import watching
from zoba_bench.result import Status
from zoba_bench.solvers.base import Solver, State

U = 2.0**-53
A = np.diag([1.0, 2.0, 3.0])
START = {"z0": np.array([3.0, 2.0, 4.0]), "x0": np.array([3.0, 5.0, 4.0])}
#: |grad Psi| at the start, far above every tolerance here.
STEEP = np.linalg.norm(2 * START["x0"] - 1)
DIFFERENCES = (
    "zoba",
    "zoba-tuned",
    "zoba-mixed",
    "hf-zoba",
    "hf-zoba-shared",
    "zmdsba",
    "zdsba",
    "zo-penalty",
    "implicit",
)


def problem(offset=0.0, inner_offset=0.0, scale=1.0, **more):
    """F = |z - 1|^2 / 2 + |x|^2 / 2 and G = |z - x|_A^2 / 2, each plus a constant, with derivatives."""

    def inner(z, x):
        return 0.5 * np.einsum("...i,ij,...j->...", z - x, A, z - x) + inner_offset

    def outer(z, x):
        return scale * (0.5 * np.sum((z - 1) ** 2, axis=-1) + 0.5 * np.sum(x**2, axis=-1)) + offset

    return zb.Problem.from_functions(
        outer, inner, 3, 3, hypergradient=lambda x: scale * (2 * x - 1), inner_solution=lambda x: x,
        inner_grad_z=lambda z, x: (z - x) @ A, inner_grad_x=lambda z, x: (x - z) @ A,
        outer_grad_z=lambda z, x: scale * (z - 1 + 0 * x), outer_grad_x=lambda z, x: scale * (x + 0 * z), **more,
    )  # fmt: skip


def solve(made, solver, **options):
    return zb.solve(made, solver, **START, **{"max_iterations": 30, "tolerance": 1e-3, "replicates": 2, **options})


@pytest.mark.parametrize("tolerance", [0.0, 1e-3])
@pytest.mark.parametrize("h", [1e-300, 1e-17, 1e-16])
@pytest.mark.parametrize("solver", DIFFERENCES)
def test_a_radius_that_moves_nothing_is_unresolved_at_once(solver, h, tolerance):
    result = solve(problem(), solver, h=h, tolerance=tolerance)
    assert (result.status == Status.UNRESOLVED).all()
    assert (result.nit == 1).all()
    assert not result.success.any()
    assert "moves these points by rounding alone, or not at all; raise h or " in result.message[0]


@pytest.mark.parametrize("solver", DIFFERENCES)
def test_values_that_are_too_large_for_the_radius_are_unresolved(solver):
    """Points move, but with an offset of 1e9 no value of F changes by 1e-9."""
    result = solve(problem(offset=1e9), solver, h=1e-9)
    assert not (result.status == Status.CONVERGED).any()
    if not solver.startswith("implicit"):  # it leaves by a step of length ``radius`` along no direction
        assert (result.status == Status.UNRESOLVED).any(), result.message


@pytest.mark.parametrize(
    ("solver", "options"),
    [("pzobo", {"eta": 1e-17}), ("hozog", {"eta": 1e-17}), ("hozog", {"eta": 1e-17, "training": "values"}),
     ("hf-zoba", {"eta": 1e-17}), ("zoba", {"eta": 1e-17}), ("zoba-mixed", {"eta": 1e-17}),
     ("zo-penalty", {"eta": 1e-17}), ("zmdsba", {"eta": 1e-17}), ("implicit", {"h2": 1e-17}),
     ("zo-sogd", {"rho_r": 1e-17}), ("zo-sogd", {"rho_s": 1e-17}), ("vrzsbo-like", {"nu": 1e-17}),
     ("gfm", {"eta": 1e-17}), ("s-szd", {"eta": 1e-17}), ("lozo", {"h": 1e-17})],
)  # fmt: skip
def test_every_radius_counts(solver, options):
    result = solve(problem(), solver, **options)
    assert (result.status == Status.UNRESOLVED).all(), result.message


@pytest.mark.parametrize(
    ("solver", "options"),
    [("f2sa", {"lam": 1e17, "alpha": 1e-19, "xi": 1e19, "gamma": 0.3}), ("meha", {"c": 1e17, "alpha": 0.1}),
     ("hf-zoba-shared", {"h_bar": 1e-17})],
)  # fmt: skip
def test_points_that_are_pushed_together_by_a_penalty_or_a_step_do_not_converge(solver, options):
    """What is left of a difference of derivatives is multiplied by 1e17, with its rounding."""
    result = solve(problem(scale=1e-6), solver, tolerance=1e-2, max_iterations=60, **options)
    assert not (result.status == Status.CONVERGED).any(), result.message


def test_the_same_runs_with_sensible_radii_do_converge():
    """Or the tests above could not fail."""
    for solver, options in {
        "implicit": {},
        "hf-zoba-shared": {"rho": 0.1, "gamma": 0.1, "schedule": "constant"},
    }.items():
        result = solve(problem(), solver, max_iterations=2000, **options)
        assert (result.status == Status.CONVERGED).all(), (solver, result.message)
        assert np.linalg.norm(2 * result.x - 1, axis=-1).max() < 0.1 < STEEP


def test_a_function_that_is_constant_converges_at_a_sensible_radius():
    """Its values do not change either; but the radius would have shown a slope above the tolerance."""
    made = zb.Problem.from_functions(lambda z, x: 1.0 + 0 * x[..., 0] + 0 * z[..., 0], problem().inner, 3, 3)
    result = solve(made, "hf-zoba")
    assert (result.status == Status.CONVERGED).all()
    assert (solve(made, "hf-zoba", h=1e-14, eta=1e-14).status == Status.UNRESOLVED).all()


def test_a_constant_of_zero_hides_nothing():
    made = zb.Problem.from_functions(lambda z, x: 0 * x[..., 0] + 0 * z[..., 0], problem().inner, 3, 3)
    assert (solve(made, "hf-zoba").status == Status.CONVERGED).all()


class Own(Solver):
    """A solver that forms its differences itself."""

    name = "own"
    tolerance_quantity = "the norm of forward differences of F in x"
    h = 1e-17

    def init(self, oracle, rng, z, v, x):
        return State(z, v, x, 0, oracle, rng)

    def step(self, s):
        values = s.oracle.outer(s.z[:, None, :], s.x[:, None, :] + self.h * np.vstack([np.zeros(3), np.eye(3)]))
        slope = (values[:, 1:] - values[:, :1]) / self.h
        return State(s.z, s.v, s.x - 0.1 * slope, s.k + 1, s.oracle, s.rng, np.linalg.norm(slope, axis=1))


def test_a_solver_of_ones_own_is_not_believed_where_no_value_changed():
    keywords = {**START, "rng": np.random.default_rng(0), "tolerance": 1e-3}
    result = run(problem(), Own(), **keywords)
    assert result.status.tolist() == [Status.UNRESOLVED]
    assert "no value of one of the functions changed" in result.message[0]
    right = Own()
    object.__setattr__(right, "h", 1e-6)
    assert run(problem(), right, **keywords).status.tolist() == [Status.CONVERGED]


def test_one_replicate_is_unresolved_and_the_others_go_on():
    """Replicates share a start; what is large for one of them alone are its values, by its samples."""
    offsets = np.array([0.0, 1e11])

    def outer(z, x, sample=None):
        value = problem().outer(z, x)
        return value + (offsets.mean() if sample is None else offsets[sample])

    made = zb.Problem.from_functions(outer, problem().inner, 3, 3, outer_samples=2)
    result = solve(made, "hf-zoba-shared", h=1e-8, eta=1e-8, b2=1, l1=1, l2=1, replicates=20, tolerance=50.0)
    assert {Status.UNRESOLVED, Status.CONVERGED} <= set(result.status)
    assert ((result.status == Status.UNRESOLVED) <= (result.nit <= 30)).all()


def test_a_stopped_replicate_keeps_its_status():
    """Its differences are zeros from then on, which is not held against it."""
    result = solve(
        problem(), "hf-zoba-shared", rho=0.1, gamma=0.1, schedule="constant", max_iterations=3000, replicates=5
    )
    assert set(result.status) == {Status.CONVERGED}


# What is noted, in numbers.


def noted(function, *arguments):
    with watching(2) as watch:
        function(*arguments)
        return watch.hidden, watch.coarse, watch.finest


def test_the_rounding_of_each_kind_of_difference():
    one, eight = np.ones((2, 3)), np.full((2, 3), 8.0)
    for function, arguments, divisor in (
        (est.central_difference, (eight, one, 0.5), 1.0),
        (est.forward_difference, (one, eight, 0.5), 0.5),
        (est.second_difference, (one, one, eight, 0.5, 0.25), 0.25),
        (est.mixed_difference, (one, one, eight, one, 0.5, 0.25), 0.125),
        (est.difference_along, (one, eight, 0.5), 0.5),
        (est.penalised_difference, (one, eight, 4.0), 0.25),
    ):
        hidden, coarse, _ = noted(function, *arguments)
        np.testing.assert_allclose(hidden, 8 * U / divisor, rtol=1e-12)
        assert not coarse.any()


def test_the_rounding_of_a_difference_of_differences_is_that_of_both():
    def twice():
        along = est.forward_difference(np.full((2, 3), 8.0), np.full((2, 3), 8.0), 1e-3)
        est.difference_along(along, along, 1e-2)

    np.testing.assert_allclose(noted(twice)[0], 8 * U / 1e-5, rtol=1e-12)


def test_replicates_are_told_apart_and_radii_remembered():
    values = np.array([[1.0, 1.0], [64.0, 2.0]])
    hidden, coarse, finest = noted(est.forward_difference, values, values, 1e-11)
    np.testing.assert_allclose(hidden, np.array([1.0, 64.0]) * U / 1e-11, rtol=1e-12)
    assert coarse.all()
    assert finest == 1e-11
    with watching(2) as watch:
        est.forward_difference(values, values, 1e-15)
        assert watch.unmoved(np.array([[1e-3], [5.0]])).tolist() == [False, True]


def test_many_differences_are_summed_up_without_being_kept():
    with watching(1) as watch:
        for size in range(1, 1000):
            est.forward_difference(np.full((1, 2), float(size)), np.zeros((1, 2)), 1.0)
        assert len(watch._noted) + len(watch._errors) <= 130
        np.testing.assert_allclose(watch.hidden, 999 * U)
        watch.clear()
        assert watch.hidden == 0


def test_nothing_is_noted_where_nobody_watches_and_symbols_never_are():
    import sympy

    h = sympy.Symbol("h")
    with watching(1) as watch:
        assert est.forward_difference(sympy.Integer(3), sympy.Integer(1), h) == 2 / h
        assert not watch._noted
    est.forward_difference(np.ones((1, 2)), np.zeros((1, 2)), 1.0)
    assert not watch._noted
