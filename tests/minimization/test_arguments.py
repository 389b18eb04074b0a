"""Arguments that users of scipy expect, what vectorised functions may return, and the result's forms."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from scipy.optimize import Bounds, OptimizeResult

import zoba_bench as zb
from zoba_bench.minimization.arguments import seed_of
from zoba_bench.minimization.outcome import Outcome


def inner(z, x):
    return 0.5 * np.sum((z - np.tanh(x)) ** 2, axis=-1)


def outer(z, x):
    return np.sum((z - 0.5) ** 2, axis=-1) + 0.1 * np.sum(x**2, axis=-1)


def solve(outer=outer, inner=inner, **more):
    return zb.minimize(outer, inner, **{"x0": [2.0, -1.0], "z0": [0.0, 0.0], "seed": 0, "vectorized": True, **more})


SOLUTION = 0.4737  # of each coordinate: (tanh x - 1/2) (1 - tanh(x)^2) + x / 10 = 0


# Names and units


def test_starts_are_positional_and_may_be_lists_of_integers():
    result = zb.minimize(outer, inner, [2, -1], [0, 0], seed=0)
    np.testing.assert_allclose(result.x, SOLUTION, atol=1e-2)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ({"maxfev": 1500}, {"budget": 1500}),
        ({"maxiter": 40}, {"max_iterations": 40}),
        ({"tol": 0.1}, {"tolerance": 0.1}),
    ],
)
def test_two_names_of_a_limit_are_one_thing(new, old):
    one, two = solve(**new), solve(**old)
    assert one.message == two.message
    assert one.x.tobytes() == two.x.tobytes()
    with pytest.raises(TypeError, match="are two names of one thing: give one of them"):
        solve(**new, **old)
    (name,) = new
    with pytest.raises(ValueError, match=f"{name} must be a positive"):
        solve(**{name: 0})


def test_further_arguments_reach_both_functions():
    result = solve(
        lambda z, x, target, b: outer(z + 0.5 - target, x), lambda z, x, target, b: b * inner(z, x), args=(0.25, 3.0)
    )
    np.testing.assert_allclose(result.z, np.tanh(result.x), atol=1e-2)
    plain = solve(lambda z, x: outer(z + 0.5 - 0.25, x), lambda z, x: 3.0 * inner(z, x))
    assert plain.x.tobytes() == result.x.tobytes()


def test_scales_are_another_unit_for_the_method_and_none_for_the_user():
    # Powers of two round nothing: in the scaled variables the run has the same bits.
    plain, a, b = solve(), 2.0**12, np.array([2.0**-8, 4.0])
    scaled = solve(
        lambda z, x: outer(z / b, x / a), lambda z, x: inner(z / b, x / a),
        x0=[2.0 * a, -a], z0=[0.0, 0.0], x_scale=a, z_scale=b,
    )  # fmt: skip
    np.testing.assert_array_equal(scaled.x, plain.x * a)
    np.testing.assert_array_equal(scaled.z, plain.z * b)
    np.testing.assert_array_equal(scaled.jac, plain.jac / a)
    # v = -G_zz^-1 F_z: G_zz has 1 / b^2, F_z has 1 / b.
    np.testing.assert_array_equal(scaled.v, plain.v * b)
    assert scaled.fun == plain.fun


@pytest.mark.parametrize("scale", [0.0, -1.0, [1.0, np.nan], [1.0, 2.0, 3.0], "big"])
def test_a_bad_scale_is_named(scale):
    with pytest.raises((TypeError, ValueError), match="x_scale must be a positive number or 2 of them"):
        solve(x_scale=scale)


@pytest.mark.parametrize("bounds", [[(-3, 3), (None, 2)], Bounds([-3, -np.inf], [3, 2])])
def test_a_method_that_does_not_keep_to_bounds_refuses_them(bounds):
    with pytest.raises(ValueError, match="method='hf-zoba' does not keep to bounds; method='implicit' may"):
        solve(bounds=bounds, method="hf-zoba")
    with pytest.raises(ValueError, match="does not keep to z_bounds"):
        solve(z_bounds=bounds, method="hf-zoba")


@pytest.mark.parametrize(
    ("bounds", "match"),
    [
        ([(0, 1)], "bounds must be scipy's Bounds, or 2 pairs"), (3.0, "bounds must be scipy's Bounds"),
        ([(1, 0), (0, 1)], "each lower bound must be below"), ([(0, 1), (0, 1)], "the start .* is outside"),
        ([(0, "a"), (0, 1)], "bounds must be"), ([(np.nan, 1), (0, 1)], "each lower bound must be below"),
    ],
)  # fmt: skip
def test_bad_bounds_are_named(bounds, match):
    with pytest.raises((TypeError, ValueError), match=match):
        solve(bounds=bounds)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"on_error": "ignore"}, "on_error must be one of 'raise', 'retry', 'skip', got 'ignore'"),
        ({"on_interrupt": "ask"}, "on_interrupt must be one of"),
        ({"callback": 3}, "callback must be a function of"),
        ({"max_seconds": -1}, "max_seconds must be a positive finite number"),
    ],
)
def test_a_bad_argument_is_named(change, match):
    with pytest.raises((TypeError, ValueError), match=match):
        solve(**change)


# The deterministic method's place


def test_the_deterministic_method_gets_whole_stencils_in_scaled_units(monkeypatch):
    seen = {}

    def minimize_implicit(values, z0, x0, *, tol, bounds, bounds_z, max_iterations, on_iteration):
        seen.update(tol=tol, bounds=bounds, bounds_z=bounds_z, limit=max_iterations, x0=x0)
        stencil = np.tile(z0, (5, 1)), np.tile(x0, (5, 1))
        found = values.outer(*stencil)
        assert found.shape == values.inner(*stencil).shape == (5,)
        outcome = Outcome(
            x=x0, z=z0, v=z0, status=zb.Status.CONVERGED, message="done", nit=3, fun=found[0], jac=np.ones(2),
            error_bound=0.1, history={"iteration": [0]},
        )  # fmt: skip
        if on_iteration(outcome):
            return outcome
        values.outer(np.zeros((1000, 2)), np.zeros((1000, 2)))
        raise AssertionError("the budget was exceeded")

    monkeypatch.setattr("zoba_bench.minimization.session.minimize_implicit", minimize_implicit)
    more = {"method": "implicit", "x_scale": 2.0, "bounds": [(-3, 4), (None, 2)], "maxiter": 7, "tol": 0.5}
    done = solve(**more, callback=lambda intermediate_result: True)
    assert done.success
    assert (done.nfev, done.nit) == (18, 3)
    np.testing.assert_array_equal(done.x, [2.0, -1.0])
    np.testing.assert_array_equal(done.jac, [0.5, 0.5])
    np.testing.assert_array_equal(seen["x0"], [1.0, -0.5])
    np.testing.assert_array_equal(seen["bounds"], [[-1.5, -np.inf], [2.0, 1.0]])
    assert (seen["tol"], seen["bounds_z"], seen["limit"]) == (0.5, None, 7)
    ended = solve(**more, maxfev=100)
    assert ended.status == zb.Status.BUDGET
    assert (ended.nfev, ended.nit) == (18, 3)
    np.testing.assert_array_equal(ended.x, [2.0, -1.0])
    with pytest.raises(TypeError, match="method='implicit' has no option 'rho'"):
        solve(method="implicit", rho=0.1)


# What vectorised functions return


@pytest.mark.parametrize(
    "function",
    [
        lambda z, x: np.sum((z - 1) ** 2, -1),
        lambda z, x: np.sum((z - 1) ** 2, -1).astype(np.float32),
        lambda z, x: list(np.sum((z - 1) ** 2, -1)),
    ],
    ids=["no x", "float32", "a list"],
)
def test_an_outer_function_may_leave_out_x(function):
    result = solve(function, lambda z, x: np.sum((z - x) ** 2, -1), maxfev=4000)
    assert np.sum((result.x - 1) ** 2) < 1.0  # 5 at the start


def test_integers_are_values():
    result = solve(lambda z, x: np.sum(np.int64(10) * (z - 1), -1).astype(int), maxfev=2000)
    assert result.nfev <= 2000


# The result


@pytest.fixture(scope="module")
def result():
    return solve()


def test_the_result_is_one_of_scipys(result):
    assert isinstance(result, OptimizeResult)
    assert result["x"] is result.x
    for name in ("x", "z", "success", "status", "message", "fun", "jac", "nfev", "nit", "counts"):
        assert name in result, name
        assert f"{name}:" in repr(result), name
    assert "history" not in repr(result)
    assert {"x", "counts"} <= set(dir(result))
    with pytest.raises(AttributeError, match="hess"):
        result.hess  # noqa: B018


def test_everything_in_the_result_is_plain(result):
    assert type(result.status) is int
    assert (type(result.success), type(result.fun), type(result.nfev), type(result.nit)) == (bool, float, int, int)
    assert result.nfev == sum(result.counts.values())
    text = json.loads(result.to_json())
    assert text["x"] == result.x.tolist()
    assert text["history"] == result.history
    json.dumps({name: value for name, value in result.items() if not isinstance(value, np.ndarray)}, allow_nan=False)


@pytest.mark.parametrize("copied", [lambda r: pickle.loads(pickle.dumps(r)), copy.deepcopy, copy.copy])
def test_the_result_can_be_copied(result, copied):
    again = copied(result)
    assert type(again) is type(result)
    assert again.to_json() == result.to_json()


def test_fun_and_jac_are_psi_and_its_gradient_there(result):
    psi = outer(np.tanh(result.x), result.x)
    slope = 2 * (np.tanh(result.x) - 0.5) / np.cosh(result.x) ** 2 + 0.2 * result.x
    assert abs(result.fun - psi) <= 1e-5  # Psi is flat there: what z is off counts with F_z, about 0.1
    np.testing.assert_allclose(result.jac, slope, atol=1e-3)


def test_a_run_that_is_not_finished_is_no_success():
    stopped = solve(maxfev=100)
    assert stopped.status == zb.Status.BUDGET
    assert stopped.success is False
    assert stopped.nfev <= 100


def test_the_picture_shows_value_hypergradient_and_evaluations(result, tmp_path):
    figure = result.plot()
    value, gradient, spent = figure.axes
    for axis, line, column in ((value, 0, "value"), (gradient, 0, "gradient_norm"), (spent, 0, "evaluations")):
        np.testing.assert_array_equal(axis.lines[line].get_ydata(), result.history[column])
        assert axis.get_xlabel()
        assert axis.get_ylabel()
    np.testing.assert_array_equal(spent.lines[0].get_xdata(), result.history["iteration"])
    figure.savefig(tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 10_000


def test_a_run_without_history_has_no_picture(result):
    empty = copy.deepcopy(result)
    empty.history = {}
    with pytest.raises(ValueError, match="nothing to draw"):
        empty.plot()


# Whole floats and Generators.


@pytest.mark.parametrize("name", ["maxfev", "maxiter"])
def test_a_limit_may_be_a_whole_float_and_no_other(name):
    runs = [solve(**{name: limit}) for limit in (60.0, 60)]
    assert runs[0].nfev == runs[1].nfev
    assert runs[0].x.tolist() == runs[1].x.tolist()
    with pytest.raises(ValueError, match=rf"{name} must be a positive integer, got 60\.5"):
        solve(**{name: 60.5})


def test_a_generator_is_a_seed_that_moves_on():
    first, second = np.random.default_rng(5), np.random.default_rng(5)
    drawn = [seed_of(first) for _ in range(2)]
    assert drawn == [seed_of(second) for _ in range(2)]
    assert drawn[0] != drawn[1]
    assert {type(seed) for seed in drawn} == {int}
    assert solve(maxfev=60, seed=first).nfev <= 60
    assert seed_of(first) != seed_of(second)  # one seed was drawn from the first in between


@pytest.mark.parametrize("name", ["options", "jac", "hess", "hessp", "constraints"])
def test_what_scipy_has_and_this_function_has_not_is_said(name):
    with pytest.raises(TypeError, match=f"minimize has no argument '{name}', unlike scipy's"):
        solve(**{name: ()})


def test_a_callback_may_name_its_argument_as_scipys_do():
    seen = []

    def keyword(*, intermediate_result):
        seen.append(intermediate_result.fun)
        return len(seen) == 2

    def positional(result, /):
        seen.append(result.fun)
        return True

    assert solve(callback=keyword).status == zb.Status.STOPPED
    assert len(seen) == 2
    assert solve(callback=positional).status == zb.Status.STOPPED
    assert len(seen) == 3
    assert solve(callback=seen.append).success
