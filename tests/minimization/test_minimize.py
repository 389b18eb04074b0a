"""``minimize`` with no options: accuracy, counts, determinism, statuses and errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.driver import run
from zoba_bench.registry import UnknownNameError, make_solver


@dataclass
class Pair:
    """Two functions of (z, x) for one point or many, a start, and the minimiser of Psi."""

    outer: Any
    inner: Any
    z0: np.ndarray
    x0: np.ndarray
    minimizer: np.ndarray


def spectrum(rng, n, condition):
    rotation, _ = np.linalg.qr(rng.standard_normal((n, n)))
    return (rotation * np.geomspace(1.0, condition, n)) @ rotation.T


def form(matrix, u):
    return 0.5 * np.sum((u @ matrix) * u, axis=-1)


def log_cosh(u):
    return np.logaddexp(u, -u) - np.log(2.0)


def quadratic(p, d, inner_condition=10.0, outer_condition=5.0, distance=1.0, scale_f=1.0, scale_g=1.0, seed=0):
    rng = np.random.default_rng(seed)
    A, B = spectrum(rng, p, inner_condition), spectrum(rng, d, outer_condition)
    M = rng.standard_normal((p, d)) / np.sqrt(max(p, d))
    target = rng.standard_normal(p)
    minimizer = rng.standard_normal(d)
    minimizer *= distance / np.linalg.norm(minimizer)
    # z*(x) = M x; the linear term makes the gradient of Psi vanish at the chosen minimiser, v* does not.
    linear = M.T @ (M @ minimizer - target) + B @ minimizer

    def inner(z, x):
        return scale_g * (form(A, z - x @ M.T) + 0.3 * np.sum(x**2, axis=-1))

    def outer(z, x):
        return scale_f * (0.5 * np.sum((z - target) ** 2, axis=-1) + form(B, x) - x @ linear)

    return Pair(outer, inner, np.zeros(p), np.zeros(d), minimizer)


def link(p, d, phi, slope, seed=0, far=1.0):
    """z*(x) = phi(M x), inner not quadratic in z; Psi is convex as phi''(phi - target) >= 0 or small."""
    rng = np.random.default_rng(seed)
    M = rng.standard_normal((p, d)) / np.sqrt(d)
    target, minimizer = -np.abs(rng.standard_normal(p)), rng.standard_normal(d)
    z_star = phi(M @ minimizer)
    linear = M.T @ (slope(M @ minimizer) * (z_star - target)) + 2.0 * minimizer

    def inner(z, x):
        residual = z - phi(x @ M.T)
        return np.sum(0.5 * residual**2 + 2.0 * log_cosh(residual), axis=-1)

    def outer(z, x):
        return 0.5 * np.sum((z - target) ** 2, axis=-1) + np.sum(x**2, axis=-1) - x @ linear

    return Pair(outer, inner, rng.standard_normal(p), far * rng.standard_normal(d), minimizer)


def sigmoid(u):
    return 0.5 * (1.0 + np.tanh(u / 2))


def logistic_link(p, d, **kw):
    return link(p, d, sigmoid, lambda u: sigmoid(u) * (1 - sigmoid(u)), **kw)


def log_cosh_link(p, d, **kw):
    return link(p, d, log_cosh, np.tanh, **kw)


def exponential_ridge(n, seed=0):
    """z*_i = b_i / (1 + exp(x_i)): regularisation weights exp(x).

    The curvature of x -> (z* - target)^2 / 2 is above -0.2 |z* - target| > -1.5, so Psi is convex.
    """
    rng = np.random.default_rng(seed)
    b, target, minimizer = 1.0 + rng.random(n), rng.standard_normal(n), rng.uniform(-1, 1, n)
    z_star = b * sigmoid(-minimizer)
    slope = -b * sigmoid(minimizer) * sigmoid(-minimizer)
    linear = slope * (z_star - target) + 1.5 * minimizer

    def inner(z, x):
        return np.sum(0.5 * (z - b) ** 2 + 0.5 * np.exp(x) * z**2, axis=-1)

    def outer(z, x):
        return np.sum(0.5 * (z - target) ** 2 + 0.75 * x**2, axis=-1) - x @ linear

    return Pair(outer, inner, np.zeros(n), 2.0 * rng.standard_normal(n), minimizer)


def anisotropic(p, d, seed=0):
    """Coordinates of z and x whose natural sizes differ by up to 1e4; the error is relative to them."""
    plain = log_cosh_link(p, d, seed=seed)
    a, c = np.geomspace(1e-2, 1e2, p), np.geomspace(30.0, 3e-2, d)
    return Pair(
        lambda z, x: plain.outer(z / a, x / c), lambda z, x: plain.inner(z / a, x / c),
        plain.z0 * a, plain.x0 * c, plain.minimizer * c,
    )  # fmt: skip


PAIRS = {
    "quadratic 1x1": lambda: quadratic(1, 1),
    "quadratic 1x7": lambda: quadratic(1, 7, inner_condition=1.0),
    "quadratic 7x1": lambda: quadratic(7, 1, inner_condition=20.0),
    "quadratic 5x3, condition 1": lambda: quadratic(5, 3, inner_condition=1.0, outer_condition=1.0),
    "quadratic 12x12, conditions 20 and 10": lambda: quadratic(12, 12, 20.0, 10.0),
    "quadratic at distance 0.1": lambda: quadratic(6, 4, distance=0.1),
    "quadratic at distance 10": lambda: quadratic(6, 4, distance=10.0),
    "quadratic at distance 100": lambda: quadratic(6, 4, distance=100.0),
    "quadratic, F 1e3, G 1e-3": lambda: quadratic(4, 6, scale_f=1e3, scale_g=1e-3),
    "quadratic, F 1e-3, G 1e3": lambda: quadratic(4, 6, scale_f=1e-3, scale_g=1e3),
    "quadratic, F and G 1e3": lambda: quadratic(4, 6, scale_f=1e3, scale_g=1e3),
    "quadratic, F and G 1e-3": lambda: quadratic(4, 6, scale_f=1e-3, scale_g=1e-3),
    "logistic link 3x2": lambda: logistic_link(3, 2),
    "logistic link 10x10": lambda: logistic_link(10, 10, far=3.0),
    "log-cosh link 4x6": lambda: log_cosh_link(4, 6),
    "log-cosh link 12x8": lambda: log_cosh_link(12, 8, far=3.0),
    "exponential ridge 1": lambda: exponential_ridge(1),
    "exponential ridge 8": lambda: exponential_ridge(8),
    "anisotropic 6x6": lambda: anisotropic(6, 6),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", PAIRS)
def test_default_settings_reach_the_minimiser(name, seed):
    pair = PAIRS[name]()
    result = zb.minimize(pair.outer, pair.inner, x0=pair.x0, z0=pair.z0, seed=seed, vectorized=True)
    error = np.linalg.norm(result.x - pair.minimizer)
    assert error <= 1e-2, f"|x - x*| = {error}: {result.message}"
    assert result.status == zb.Status.CONVERGED, result.message


CATALOGUE = [name for name in zb.list_problems() if name in (
    "quad_general", "quad_tracking", "minimax_quad", "reference", "logistic_bregman",
)]  # fmt: skip


@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogue_minimiser_is_reached(name):
    problem = zb.load_problem(name)
    assert problem.minimizer is not None
    z0, x0 = problem.initial_point(np.random.default_rng(0))
    result = zb.minimize(problem.outer, problem.inner, x0=x0, z0=z0, seed=0, vectorized=True)
    error = np.linalg.norm(result.x - problem.minimizer)
    assert error <= 1e-2, f"|x - x*| = {error}: {result.message}"


def test_adjoint_and_inner_solution_are_returned_in_the_users_units():
    # G = 2 (z - x)^2 and F = 3 (z - 1)^2 + x^2: Psi' = 6 (x - 1) + 2 x, x* = 3/4, v* = -F_z / 4 = 3/8.
    result = zb.minimize(
        lambda z, x: 3 * (z[0] - 1) ** 2 + x[0] ** 2, lambda z, x: 2 * (z[0] - x[0]) ** 2, x0=[5.0], z0=[0.0], seed=0
    )
    np.testing.assert_allclose([result.x[0], result.z[0], result.v[0]], [0.75, 0.75, 0.375], atol=1e-2)


def test_vectorized_and_single_point_functions_agree():
    pair = log_cosh_link(4, 3)
    arguments = {"x0": pair.x0, "z0": pair.z0, "seed": 3}
    many = zb.minimize(pair.outer, pair.inner, vectorized=True, **arguments)
    one = zb.minimize(pair.outer, pair.inner, vectorized=False, **arguments)
    # Rounding differs between the two (BLAS), so the runs do; both meet the default tolerance 1e-3.
    assert np.linalg.norm(many.x - one.x) <= 1e-2


@pytest.mark.parametrize("method", ["hf-zoba", "hf-zoba-shared"])
def test_method_is_recorded(method):
    pair = quadratic(2, 2)
    result = zb.minimize(pair.outer, pair.inner, x0=pair.x0, z0=pair.z0, seed=0, method=method)
    assert result.solver == method
    assert np.linalg.norm(result.x - pair.minimizer) <= 1e-2


@pytest.mark.sample(1)
@pytest.mark.parametrize("method", ["zoba", "zoba-tuned", "zoba-mixed"])
def test_other_solvers_run_within_their_budget(method):
    pair = quadratic(2, 2)
    result = zb.minimize(pair.outer, pair.inner, x0=pair.x0, z0=pair.z0, seed=0, method=method, budget=40_000)
    assert result.nfev <= 40_000
    assert np.linalg.norm(result.x - pair.minimizer) < np.linalg.norm(pair.x0 - pair.minimizer)


# Result


def test_result_is_that_of_one_run():
    pair = quadratic(3, 2)
    result = zb.minimize(pair.outer, pair.inner, x0=pair.x0, z0=pair.z0, seed=0)
    assert (result.x.shape, result.z.shape, result.v.shape) == ((2,), (3,), (3,))
    assert isinstance(result.message, str)
    for name in ("nit", "n_inner", "n_outer", "nfev"):
        assert isinstance(getattr(result, name), int), name
    assert type(result.status) is int
    assert result.success is True
    assert "message: converged" in repr(result)
    assert {len(column) for column in result.history.values()} == {len(result.history["iteration"])}
    assert (np.diff(result.history["evaluations"]) >= 0).all()


@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"budget": 3000}, {"rho": 0.05, "gamma": 0.01, "h": 1e-4, "max_iterations": 20}]
)
def test_counts_equal_an_independent_count(vectorized, options):
    pair = log_cosh_link(4, 3)
    calls = {"inner": 0, "outer": 0}

    def counted(level):
        function = getattr(pair, level)

        def wrapper(z, x):
            values = function(z, x)
            calls[level] += np.size(values)
            return values

        return wrapper

    result = zb.minimize(
        counted("outer"), counted("inner"), x0=pair.x0, z0=pair.z0, seed=0, vectorized=vectorized, **options
    )
    assert (result.n_inner, result.n_outer) == (calls["inner"], calls["outer"])
    assert result.nfev == result.n_inner + result.n_outer


@pytest.mark.parametrize(
    ("method", "budget"),
    [*(("hf-zoba", n) for n in (700, 1000, 1500, 2500)), *(("implicit", n) for n in (20, 60, 150, 300))],
)
def test_budget_is_never_exceeded(method, budget):
    pair = log_cosh_link(5, 5)
    calls = 0

    def counted(function):
        def wrapper(z, x):
            nonlocal calls
            calls += 1
            return function(z, x)

        return wrapper

    result = zb.minimize(
        counted(pair.outer), counted(pair.inner), x0=pair.x0, z0=pair.z0, seed=0, method=method, budget=budget
    )
    assert calls == result.nfev <= budget
    assert result.status == zb.Status.BUDGET


def test_budget_below_one_iteration_is_refused_before_any_evaluation():
    def never(z, x):
        raise AssertionError("evaluated")

    with pytest.raises(ValueError, match="budget=50 is below the cost of the automatic tuning"):
        zb.minimize(never, never, x0=np.zeros(4), z0=np.zeros(4), method="hf-zoba", budget=50)


@pytest.mark.parametrize(("method", "limit"), [("hf-zoba", 1), ("hf-zoba", 15), ("hf-zoba", 40), ("implicit", 1)])
def test_iteration_limit_holds_over_all_stages(method, limit):
    pair = log_cosh_link(5, 5)
    result = zb.minimize(pair.outer, pair.inner, x0=pair.x0, z0=pair.z0, seed=0, method=method, max_iterations=limit)
    assert result.nit == limit
    assert result.status == zb.Status.MAX_ITERATIONS


def test_tighter_tolerance_gives_a_better_solution():
    pair = quadratic(4, 4)
    result = zb.minimize(pair.outer, pair.inner, x0=pair.x0, z0=pair.z0, seed=0, tolerance=1e-5, vectorized=True)
    assert result.status == zb.Status.CONVERGED
    # The local model is exact here, so that the predicted distance is the distance up to noise.
    assert np.linalg.norm(result.x - pair.minimizer) <= 2e-5


def test_same_seed_gives_the_same_bits_and_none_gives_fresh_ones():
    pair = log_cosh_link(4, 3)

    def solve(seed):
        return zb.minimize(pair.outer, pair.inner, x0=pair.x0, z0=pair.z0, seed=seed, method="hf-zoba")

    one, two, other = solve(5), solve(5), solve(6)
    assert one.x.tobytes() == two.x.tobytes()
    assert one.v.tobytes() == two.v.tobytes()
    assert one.nfev == two.nfev
    assert one.x.tobytes() != other.x.tobytes()
    assert solve(None).x.tobytes() != solve(None).x.tobytes()


def test_start_is_not_changed_even_by_functions_that_write_to_their_arguments():
    x0, z0 = np.ones(2), np.zeros(2)

    def inner(z, x):
        z -= x
        return np.sum(z**2)

    def outer(z, x):
        x -= 2.0
        return np.sum(z**2) + np.sum(x**2)

    result = zb.minimize(outer, inner, x0=x0, z0=z0, seed=0)
    np.testing.assert_array_equal([x0, z0], [np.ones(2), np.zeros(2)])
    np.testing.assert_allclose(result.x, 1.0, atol=1e-2)  # Psi = |x|^2 + |x - 2|^2


# Explicit options


@pytest.mark.parametrize(
    "options", [{"h": 1e-4}, {"rho": 0.05}, {"gamma": 0.02}, {"rho": 0.05, "gamma": 0.02}, {"l1": 30}]
)
def test_an_explicit_option_leaves_the_rest_automatic(options):
    pair = quadratic(5, 5, outer_condition=5.0)
    result = zb.minimize(pair.outer, pair.inner, x0=pair.x0, z0=pair.z0, seed=0, vectorized=True, **options)
    assert np.linalg.norm(result.x - pair.minimizer) <= 1e-2, result.message


def in_rows(function):
    def rows(z, x):
        shape = np.broadcast_shapes(z.shape[:-1], x.shape[:-1])
        points = (
            np.array(np.broadcast_to(a, (*shape, a.shape[-1])), order="C").reshape(-1, a.shape[-1]) for a in (z, x)
        )
        return function(*points).reshape(shape)

    return rows


def test_with_steps_and_radius_given_the_run_is_that_of_solve():
    pair = quadratic(3, 2)
    options = {"rho": 0.05, "gamma": 0.02, "h": 1e-4, "l1": 6, "l2": 6, "schedule": "constant", "normalize_h_bar": True}
    result = zb.minimize(
        pair.outer, pair.inner, x0=pair.x0, z0=pair.z0, seed=0, vectorized=True, max_iterations=30, **options
    )
    # minimize hands points over in rows: products of matrices of another shape round differently.
    outer, inner = (in_rows(function) for function in (pair.outer, pair.inner))
    problem = zb.BilevelProblem.from_functions(outer, inner, 3, 2)
    solver = make_solver("hf-zoba", **options)
    reference = run(problem, solver, z0=pair.z0, x0=pair.x0, rng=np.random.default_rng(0), max_iterations=30)
    np.testing.assert_array_equal(result.x, reference.x[0])
    assert result.nit == 30


def test_unknown_method_and_option_are_named_with_suggestions():
    pair = quadratic(2, 2)
    with pytest.raises(UnknownNameError, match="did you mean 'hf-zoba'"):
        zb.minimize(pair.outer, pair.inner, x0=pair.x0, z0=pair.z0, method="hf-zobba")
    with pytest.raises(TypeError, match="no option 'gama'; did you mean 'gamma'"):
        zb.minimize(pair.outer, pair.inner, x0=pair.x0, z0=pair.z0, gama=0.1)


# Values that are not numbers


def bowl(z, x):
    return float(np.sum((z - x) ** 2))


def minimise_bad(outer=bowl, inner=bowl, **options):
    arguments = {"x0": [1.0, 2.0], "z0": [0.0, 0.0], "seed": 0, **options}
    return zb.minimize(outer, inner, **arguments)


@pytest.mark.parametrize("level", ["outer", "inner"])
@pytest.mark.parametrize(
    ("value", "error", "match"),
    [
        (None, TypeError, "returned None; it must return its value"),
        ("1.0", TypeError, "returned '1.0'; it must return one real number"),
        (1j, TypeError, "must return one real number"),
        (object(), TypeError, "must return one real number"),
        (np.zeros(2), ValueError, r"array of shape \(2,\)"),
        ([1.0], ValueError, r"array of shape \(1,\)"),
        (np.nan, ValueError, "returned nan at the start point"),
        (np.inf, ValueError, "returned inf at the start point"),
    ],
)
def test_a_value_that_is_not_a_finite_number_is_refused_at_the_start(level, value, error, match):
    with pytest.raises(error, match=f"{level} .*{match}|{level} {match}"):
        minimise_bad(**{level: lambda z, x: value})


@pytest.mark.parametrize("value", [1, np.float32(1.0), np.array(1.0), np.int64(1)])
def test_any_real_scalar_is_a_value(value):
    result = minimise_bad(outer=lambda z, x: value)
    assert result.status == zb.Status.FLAT  # Psi is constant


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda z, x: np.sum(z**2), r"returned shape \(\)"),
        (lambda z, x: z**2, r"returned shape \(1, 2\)"),
        (lambda z, x: None, "returned None"),
        (lambda z, x: np.sum((z - x - np.mean(z + x**2)) ** 2, axis=-1), "it mixes the points.*vectorized=False"),
    ],
)
def test_a_function_that_is_not_vectorised_is_recognised(function, match):
    with pytest.raises(ValueError, match=match):
        minimise_bad(inner=function, outer=lambda z, x: np.sum(x**2, axis=-1), vectorized=True)


def test_an_exception_of_a_function_that_is_not_vectorised_gets_a_note():
    def inner(z, x):
        return z @ np.eye(2) @ z

    with pytest.raises(ValueError, match="matmul") as caught:
        minimise_bad(inner=inner, vectorized=True)
    assert "vectorized=False to minimize" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("method", "after"),
    [*(("hf-zoba", n) for n in (0, 1, 40, 300, 700)), *(("implicit", n) for n in (0, 1, 15, 25))],
)
@pytest.mark.parametrize("kind", [KeyboardInterrupt, ZeroDivisionError])  # Ctrl-C: where it is asked to propagate
def test_exceptions_of_the_functions_propagate_unchanged(kind, method, after):
    calls = 0
    raised = kind("mine")

    def outer(z, x):
        nonlocal calls
        calls += 1
        if calls > after:
            raise raised
        return bowl(z, x) + np.sum((x - 1) ** 4)

    with pytest.raises(kind) as caught:
        minimise_bad(outer=outer, on_interrupt="raise", method=method)
    assert caught.value is raised


@pytest.mark.parametrize(
    ("method", "after"), [*(("hf-zoba", n) for n in (60, 200, 400)), *(("implicit", n) for n in (2, 12, 16, 24))]
)
def test_nan_later_is_a_status_at_the_last_finite_iterate(method, after):
    calls = 0

    def outer(z, x):
        nonlocal calls
        calls += 1
        return bowl(z, x) + np.sum((x - 1) ** 4) if calls <= after else np.nan

    result = minimise_bad(outer=outer, method=method)
    ends = (zb.Status.NON_FINITE,) if method == "hf-zoba" else (zb.Status.NON_FINITE, zb.Status.STOPPED)
    assert result.status in ends, result.message
    assert np.isfinite(result.x).all()
    assert np.isfinite(result.z).all()
    assert not result.success


def test_a_region_without_values_is_left_again():
    # -log needs x > 0; Psi = sum x - log x + x^2 / 2 has its minimum at the golden ratio minus 1.
    def outer(z, x):
        if (x <= 0).any():
            return np.nan
        return float(np.sum(x - np.log(x) + z**2 / 2))

    result = zb.minimize(outer, bowl, x0=[0.05, 3.0], z0=[0.0, 0.0], seed=0)
    np.testing.assert_allclose(result.x, (np.sqrt(5) - 1) / 2, atol=1e-2)


def test_a_value_function_that_is_unbounded_below_diverges():
    result = minimise_bad(outer=lambda z, x: float(-np.sum(x**2)))
    assert result.status == zb.Status.DIVERGED


def test_a_stationary_point_that_is_not_a_minimum_is_said_to_be_one():
    result = zb.minimize(lambda z, x: x[0] ** 2 - x[1] ** 2, bowl, x0=[0.0, 0.0], z0=[0.0, 0.0], seed=0,
                         method="hf-zoba")  # fmt: skip
    assert "not a minimum" in result.message


def test_noisy_values_are_reported():
    rng = np.random.default_rng(0)
    result = minimise_bad(outer=lambda z, x: bowl(z, x) + np.sum(x**2) + 1e-4 * rng.standard_normal(), budget=3000,
                          method="hf-zoba")  # fmt: skip
    assert "values of outer look noisy" in result.message


# Arguments


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"x0": 1.0}, ValueError, r"x0 must be one-dimensional.*wrap a number as \[x0\]"),
        ({"z0": np.zeros((2, 2))}, ValueError, r"z0 must be one-dimensional.*\(2, 2\)"),
        ({"x0": []}, ValueError, "x0 must be one-dimensional and not empty"),
        ({"x0": [np.nan, 0.0]}, ValueError, "x0 must be finite"),
        ({"z0": [np.inf, 0.0]}, ValueError, "z0 must be finite"),
        ({"x0": "ab"}, TypeError, "x0 must be a vector of real numbers, got 'ab'"),
        ({"x0": [1j, 0.0]}, TypeError, "x0 must be a vector of real numbers"),
        ({"x0": [[1.0], [1.0, 2.0]]}, TypeError, "x0 must be a vector of real numbers"),
        ({"budget": 0}, ValueError, "budget must be a positive integer, got 0"),
        ({"budget": 1.5}, ValueError, "budget must be a positive integer, got 1.5"),
        ({"budget": True}, ValueError, "budget must be a positive integer, got True"),
        ({"max_iterations": -3}, ValueError, "max_iterations must be a positive integer, got -3"),
        ({"tolerance": 0.0}, ValueError, "tolerance must be a positive finite number or None, got 0.0"),
        ({"tolerance": np.nan}, ValueError, "tolerance must be a positive finite number or None, got nan"),
        ({"tolerance": "1e-3"}, ValueError, "tolerance must be a positive finite number or None"),
        ({"seed": -1}, ValueError, "seed must be a non-negative integer, a numpy Generator or None, got -1"),
        ({"seed": 1.5}, ValueError, "seed must be a non-negative integer, a numpy Generator or None, got 1.5"),
        ({"vectorized": 1}, TypeError, "vectorized must be True or False, got 1"),
        ({"outer": 3}, TypeError, r"outer must be a function of \(z, x\), got 3"),
        ({"inner": None}, TypeError, r"inner must be a function of \(z, x\), got None"),
        ({"rho": -1.0}, ValueError, "rho must be a positive finite number, got -1.0"),
        ({"l1": 0}, ValueError, "l1 must be a positive integer, got 0"),
    ],
)  # fmt: skip
def test_a_bad_argument_is_named_with_its_value(options, error, match):
    with pytest.raises(error, match=match):
        minimise_bad(**options)


def test_a_misspelt_argument_is_named_with_the_one_that_is_meant():
    def outer(z, x):
        return float(np.sum(z**2))

    with pytest.raises(TypeError, match=r"minimize has no argument 'max_fev'; did you mean 'maxfev'\?"):
        zb.minimize(outer, outer, [0.0], [0.0], max_fev=100)
    with pytest.raises(TypeError, match=r"solve has no argument 'max_iteration'; did you mean 'max_iterations'\?"):
        zb.solve("reference", "hf-zoba", max_iteration=5)
    with pytest.raises(TypeError, match=r"solver 'hf-zoba' has no option 'gama'; did you mean 'gamma'\?"):
        zb.solve("reference", "hf-zoba", gama=5)
