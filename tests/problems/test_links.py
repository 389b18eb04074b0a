"""Link families and classical outer functions: proofs, planted errors, facts of single families."""

from __future__ import annotations

import functools
from dataclasses import replace

import mpmath
import numpy as np
import pytest
import sympy as sp
from zoba_bench.problems._base import scalars

from zoba_bench.certification.against_symbols import compare, compare_constants
from zoba_bench.certification.certify import measured
from zoba_bench.certification.closed_forms import measure
from zoba_bench.certification.optimum import optimum
from zoba_bench.registry import entry

FAMILIES = sorted(
    [
        "logistic_bregman", "logcosh_ripple", "poisson_bregman", "quartic_cardano", "xdep_curvature", "softmax_bregman",
        "rosenbrock", "rastrigin", "logistic_outer",
    ]
)  # fmt: skip
LINKS = [name for name in FAMILIES if name not in ("rosenbrock", "rastrigin", "logistic_outer")]
ZERO_MINIMUM = [name for name in FAMILIES if name not in ("softmax_bregman", "logistic_outer")]
# Parameters away from the defaults, at the size of the proofs.
OTHERS = {
    "logistic_bregman": {"mu": 1.3},
    "logcosh_ripple": {"a": 2.0, "mu": 0.4, "alpha": 0.2, "omega": 1.7},
    "poisson_bregman": {"mu": 0.7, "radius": 0.8},
    "quartic_cardano": {"radius": 0.5},
    "xdep_curvature": {"kappa": 4.0, "rho": 0.6, "radius": 2.5},
    "softmax_bregman": {"tau": 1.5, "mu": 0.6},
    "rosenbrock": {"kappa": 3.0, "radius": 2.0},
    "rastrigin": {"kappa": 2.0, "a": 0.3, "radius": 3.0},
    "logistic_outer": {"kappa": 50.0},
}


def factory(name):
    return entry("problems", name)


@functools.cache
def small(name):
    # The proof of softmax_bregman for p = 3 takes seconds; the certificate of the registered problem has it.
    size = {"p": 2, "d": 1} if name == "softmax_bregman" else {}
    return factory(name)(**{**factory(name).card.small, **size})


@functools.cache
def symbols(name):
    return small(name).symbolic()


def failed(checks):
    return {check.name: check.detail for check in checks if not check.ok}


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", FAMILIES)
def test_other_parameters_agree_with_the_symbols(name):
    size = {"p": 2, "d": 1} if name == "softmax_bregman" else {"p": 2, "d": 2}
    problem = factory(name)(**size, seed=5, **OTHERS[name])
    q = problem.symbolic()
    assert not failed(compare(problem, q, np.random.default_rng(0)))
    assert not failed(compare_constants(problem, q))
    declared = {key for key in problem.constants.known() if key != "radius"}
    assert set(q.constants) == declared, "a declared constant has no expression, or the other way round"


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("name", "p", "d"),
    [
        *((name, 3, 6) for name in LINKS),
        *((name, 6, 6) for name in FAMILIES if name not in LINKS),
        *((name, 1, 1) for name in FAMILIES if name not in ("softmax_bregman", "rosenbrock")),
    ],
)
def test_other_sizes_and_seeds_pass_every_measurement(name, p, d):
    parameters = dict(OTHERS[name])
    if "radius" in parameters:
        parameters["radius"] = 4.0  # beyond the planted optimum, which the certificate looks for inside
    assert not failed(measured(factory(name)(p, d, seed=11, **parameters)))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *((name, form) for name in FAMILIES for form in ("adjoint", "hypergradient")),
        *((name, form) for name in ("quartic_cardano", "rosenbrock") for form in ("inner_solution", "outer_grad_z")),
        *(("softmax_bregman", form) for form in ("value", "outer_grad_z", "inner_grad_x")),
        *(("xdep_curvature", form) for form in ("inner_hvp_zz", "inner_jvp_xz", "inner_jvp_zx")),
    ],
)
def test_a_planted_error_in_a_closed_form_is_seen(name, form):
    right = getattr(small(name), form)
    wrong = replace(small(name), **{form: lambda *at: 1.001 * right(*at)})
    assert failed(measure(wrong, np.random.default_rng(0)))


@pytest.mark.parametrize("name", ["quartic_cardano", "softmax_bregman", "rosenbrock", "rastrigin"])
def test_a_wrong_optimum_is_seen(name):
    problem, rng = small(name), np.random.default_rng(0)
    assert failed(optimum(replace(problem, minimizer=problem.minimizer + 1e-4), rng))
    assert failed(optimum(replace(problem, minimum=problem.minimum + 1e-4), rng))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_wrong_constant_is_seen(name):
    problem = small(name)
    known = {key: value for key, value in problem.constants.known().items() if key != "radius"}
    wrong = replace(problem.constants, **{key: 1.001 * value + 1e-6 for key, value in known.items()})
    seen = failed(compare_constants(replace(problem, constants=wrong), symbols(name)))
    assert set(seen) == {f"constant {key}" for key in known}


@pytest.mark.parametrize("name", ZERO_MINIMUM)
def test_value_and_hypergradient_keep_their_digits_near_the_optimum(name):
    problem = factory(name)(4, 4, seed=2)
    u = np.random.default_rng(0).standard_normal(4)
    u /= np.linalg.norm(u)
    values, slopes = [], []
    for distance in (2.0**-26, 2.0**-36):
        x = problem.minimizer + distance * u
        step = x - problem.minimizer  # what the float64 point really is
        scale = np.linalg.norm(step)
        # Along the step that was taken; rounding of x turns it by 1e-16/distance = 1e-5 at most.
        values.append(problem.value(x) / scale**2)
        slopes.append(problem.hypergradient(x) / scale)
    np.testing.assert_allclose(values[0], values[1], rtol=1e-3)
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=0, atol=1e-3 * np.abs(slopes[0]).max())


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("poisson_bregman", {"mu": 0.2}, {"mu": 5.0}),
        ("softmax_bregman", {"mu": 0.2, "tau": 0.1}, {"mu": 5.0, "tau": 2.0}),
        ("xdep_curvature", {"kappa": 1.0}, {"kappa": 100.0}),
        ("rastrigin", {"kappa": 1.0}, {"kappa": 100.0}),
        ("logistic_outer", {"kappa": 1.0}, {"kappa": 100.0}),
        ("rosenbrock", {"kappa": 1.0}, {"kappa": 100.0}),
    ],
)
def test_inner_parameters_leave_psi_alone(name, one, other):
    first, second = factory(name)(4, 4, **one), factory(name)(4, 4, **other)
    x = np.random.default_rng(0).standard_normal((20, 4))
    np.testing.assert_array_equal(first.value(x), second.value(x))
    np.testing.assert_array_equal(first.hypergradient(x), second.hypergradient(x))


def points(problem, n=20):
    rng = np.random.default_rng(3)
    return rng.standard_normal((n, problem.p)), rng.standard_normal((n, problem.d))


def coupling(problem):
    """M of z* = Mx."""
    return problem.inner_solution(np.eye(problem.d)).T


CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def test_poisson_bregman_matches_its_formula():
    problem = factory("poisson_bregman")(4, 3, mu=0.3)
    z, x = points(problem)
    m, t = x @ coupling(problem).T, coupling(problem) @ problem.minimizer
    inner = np.exp(z) - np.exp(m) * z + 0.15 * (z - m) ** 2
    np.testing.assert_allclose(problem.inner(z, x), inner.sum(-1), **CLOSE)
    np.testing.assert_allclose(problem.outer(z, x), ((z - t) ** 2).sum(-1) / 2, **CLOSE)


def test_quartic_cardano_matches_its_formula():
    problem = factory("quartic_cardano")(4, 3)
    z, x = points(problem)
    # G_zx = -M', everywhere.
    y = -problem.inner_jvp_zx(z, x, x)
    root = problem.inner_solution(x)
    np.testing.assert_allclose(root**3 + root, y, **CLOSE)
    np.testing.assert_allclose(problem.inner(z, x), (z**4 / 4 + z**2 / 2 - z * y).sum(-1), **CLOSE)
    t = problem.inner_solution(problem.minimizer)
    np.testing.assert_allclose(problem.outer(z, x), ((z - t) ** 2).sum(-1) / 2, **CLOSE)


def test_softmax_bregman_matches_its_formula():
    tau, mu = 0.5, 0.3
    problem = factory("softmax_bregman")(5, 3, tau=tau, mu=mu)
    z, x = points(problem)
    m = x @ coupling(problem).T
    weights = np.exp(m / tau)
    weights /= weights.sum(-1, keepdims=True)
    labels = np.exp(coupling(problem) @ problem.minimizer)
    labels /= labels.sum()
    inner = tau * np.log(np.exp(z / tau).sum(-1)) - (weights * z).sum(-1) + mu / 2 * ((z - m) ** 2).sum(-1)
    np.testing.assert_allclose(problem.inner(z, x), inner, **CLOSE)
    np.testing.assert_allclose(problem.outer(z, x), np.log(np.exp(z).sum(-1)) - z @ labels, **CLOSE)
    np.testing.assert_allclose(np.ones(5) @ coupling(problem), 0, atol=1e-15)
    assert problem.minimum == pytest.approx(-(labels * np.log(labels)).sum())


def test_softmax_values_are_finite_and_slopes_right_far_away():
    problem = factory("softmax_bregman")(5, 4, tau=0.01)
    z, x = 1e4 * points(problem)[0], 1e4 * points(problem)[1]
    assert np.isfinite([problem.inner(z, x), problem.outer(z, x), problem.value(x)]).all()
    m = problem.inner_solution(x)
    np.testing.assert_allclose(problem.hypergradient(x), problem.outer_grad_z(m, x) @ coupling(problem), atol=1e-12)


def test_softmax_has_one_minimiser_up_to_p_minus_one_dimensions():
    assert factory("softmax_bregman")(4, 3).minimizer is not None
    assert factory("softmax_bregman")(4, 4).minimizer is None


def test_xdep_cross_block_has_a_term_that_vanishes_at_the_solution_only():
    problem, still = factory("xdep_curvature")(4, 3, kappa=20.0), factory("xdep_curvature")(4, 3, kappa=1.0)
    _, x = points(problem)
    z = problem.inner_solution(x)
    u = np.ones(3)
    # At z*, G_zx u = -G_zz Dz* u.
    moved = -problem.inner_hvp_zz(z, x, -still.inner_jvp_zx(z, x, u))
    np.testing.assert_allclose(problem.inner_jvp_zx(z, x, u), moved, **CLOSE)
    gap = problem.inner_jvp_zx(z + 0.1, x, u) - problem.inner_jvp_zx(z, x, u)
    assert np.abs(gap).max() > 0.05
    np.testing.assert_allclose(still.inner_jvp_zx(z + 0.1, x, u), still.inner_jvp_zx(z, x, u), **CLOSE)


def test_rastrigin_stationary_points_decouple():
    a = 1.0
    problem = factory("rastrigin")(3, 3, a=a)
    Q = coupling(problem)
    np.testing.assert_allclose(Q @ Q.T, np.eye(3), atol=1e-14)
    # A root of u + 2 pi a sin(2 pi u) between two and three quarters.
    u = float(mpmath.findroot(lambda v: v + 2 * mpmath.pi * a * mpmath.sin(2 * mpmath.pi * v), 0.97))
    x = problem.minimizer + Q.T @ np.array([u, 0.0, -u])
    assert np.abs(problem.hypergradient(x)).max() < 1e-12
    assert problem.value(x) > 0.5


def test_logistic_outer_minimum_is_the_mean_entropy_of_its_labels():
    problem = factory("logistic_outer")(4, 4)
    s = 1 / (1 + np.exp(-coupling(problem) @ problem.minimizer))
    assert problem.minimum == pytest.approx(-np.mean(s * np.log(s) + (1 - s) * np.log(1 - s)), rel=1e-14)
    z, x = points(problem)
    np.testing.assert_allclose(problem.outer(z, x), np.mean(np.logaddexp(0, z) - s * z, axis=-1), **CLOSE)


def rosenbrock_hessian(problem, x):
    zz, xz, xx = problem.outer_hessian(x, x)
    return zz + xz + xz.T + xx


@pytest.mark.parametrize("d", [4, 5, 6, 7, 8, 12, 30])
def test_rosenbrock_has_a_second_local_minimum_from_four_dimensions_on(d):
    problem = factory("rosenbrock")(d, d)
    x = np.concatenate([[-1.0], np.ones(d - 1)])
    for _ in range(2000):
        # Damped until the Hessian is positive definite, then Newton's steps.
        hessian = rosenbrock_hessian(problem, x)
        shift = max(0.0, 1.0 - np.linalg.eigvalsh(hessian)[0]) if np.linalg.eigvalsh(hessian)[0] < 0.3 else 0.0
        x = x - np.linalg.solve(hessian + shift * np.eye(d), problem.hypergradient(x))
    lowest = np.linalg.eigvalsh(rosenbrock_hessian(problem, x))[0]
    size = np.linalg.norm(problem.hypergradient(x))
    # Newton-Kantorovich: |H^-1|^2 |g| L <= 1/2 with a Lipschitz constant L of the Hessian gives a stationary point
    # within 2 |H^-1 g|, where the Hessian is still positive definite. On |x| <= 6, L <= 2400 * 6 + 3 * 400.
    assert lowest > 0.3
    assert size / lowest**2 * (2400 * 6 + 1200) < 1e-6
    assert x[0] < -0.7
    assert 3.7 < problem.value(x) < 3.99


def test_rosenbrock_has_no_other_stationary_point_in_two_and_three_dimensions():
    # G_x = 0 gives x_2, x_3 in turn as rational functions of x_1 (which is not 0), and one polynomial for x_1.
    x = sp.Symbol("x_1")
    for d in (2, 3):
        at, residual = [x], sp.cancel(-(1 - x) / (200 * x))
        for _ in range(d - 2):
            at.append(sp.cancel(at[-1] ** 2 + residual))
            residual = sp.cancel((100 * residual - (1 - at[-1])) / (200 * at[-1]))
        polynomial = sp.Poly(sp.numer(sp.together(residual)), x)
        assert polynomial.count_roots() == 1
        assert polynomial.eval(1) == 0


# Pieces.


@pytest.mark.parametrize("y", [0.0, 1e-12, 1e-4, 0.3, 2.0, 1e3, 1e9])
@pytest.mark.parametrize("sign", [1, -1])
def test_cubic_root_is_accurate_to_relative_rounding(y, sign):
    with mpmath.workdps(40):
        root = mpmath.findroot(lambda c: c**3 + c - y, mpmath.cbrt(y) if y > 1 else y) if y else 0
    np.testing.assert_allclose(scalars.cubic_root(np.array([sign * y])), [sign * float(root)], rtol=3e-15)


@pytest.mark.parametrize("step", [0.0, 1e-14, 1e-6, 0.5, -3.0])
@pytest.mark.parametrize("base", [0.0, 0.7, -2.0])
@pytest.mark.parametrize(
    ("function", "exact"),
    [
        (scalars.tanh_step, mpmath.tanh),
        (scalars.sigmoid_step, lambda u: 1 / (1 + mpmath.exp(-u))),
        (scalars.cubic_root_step, lambda y: (lambda a: (a - 1 / a) / mpmath.sqrt(3))(_radical(y))),
        (scalars.SQUARE.step, lambda u: u**2 / 2),
    ],
)
def test_steps_are_accurate_to_relative_rounding(function, exact, base, step):
    with mpmath.workdps(60):
        expected = float(exact(mpmath.mpf(base) + mpmath.mpf(step)) - exact(mpmath.mpf(base)))
    np.testing.assert_allclose(function(np.array([base]), np.array([step])), [expected], rtol=1e-14, atol=1e-300)


def _radical(y):
    w = 3 * mpmath.sqrt(3) / 2 * y
    return mpmath.cbrt(w + mpmath.sqrt(1 + w**2))


@pytest.mark.parametrize(
    ("constant", "function"),
    [
        (scalars.SIGMOID_THIRD, lambda u: scalars.sigmoid_first(u) * (1 - 6 * scalars.sigmoid_first(u))),
        (scalars.TANH_THIRD, lambda u: 2 * scalars.sech2(u) * (1 - 3 * np.tanh(u) ** 2)),
        (scalars.CUBIC_ROOT_SECOND, scalars.cubic_root_second),
        (scalars.CUBIC_ROOT.first_bound, scalars.cubic_root_first),
    ],
)
def test_suprema_are_attained_and_not_exceeded(constant, function):
    largest = np.abs(function(np.linspace(0, 10, 1_000_001))).max()
    assert constant * (1 - 1e-9) <= largest <= constant * (1 + 1e-15)


def test_rules_of_the_functions_in_symbols_are_theorems():
    from zoba_bench.problems.links._softmax_symbols import log_sum_exp, softmax
    from zoba_bench.problems.links._symbols import cubic_root

    y = sp.Symbol("y", real=True)
    written = cubic_root(y).expand(func=True)
    assert sp.simplify(sp.expand(written**3 + written - y)) == 0
    rule = sp.diff(cubic_root(y), y).expand(func=True)
    assert sp.simplify(sp.diff(written, y) / rule) == 1
    z = sp.symbols("z_1:4", real=True)
    for function in (log_sum_exp(*z), softmax(sp.Integer(2), *z)):
        for a in z:
            by_rule = sp.diff(function, a).expand(func=True)
            assert sp.simplify(sp.diff(function.expand(func=True), a) - by_rule) == 0


def test_a_divergence_is_non_negative_for_a_convex_function_only():
    from zoba_bench.problems.links._symbols import divergence

    w, (a, b) = sp.Symbol("w"), sp.symbols("a b", real=True)
    p, q = sp.symbols("p q", positive=True)
    assert divergence(sp.exp(w), a, b).is_nonnegative
    assert divergence(w * sp.log(w), p, q).is_nonnegative
    assert divergence(w * sp.log(w), a, b).is_nonnegative is None
    assert divergence(-sp.exp(w), a, b).is_nonnegative is None
    assert divergence(sp.sin(w), a, b).is_nonnegative is None
    assert sp.expand(divergence(w**2, a, b) - (a - b) ** 2) == 0


@pytest.mark.parametrize(
    ("name", "keywords", "message"),
    [
        *((name, {"p": 0}, "p must be .* got 0") for name in FAMILIES),
        *((name, {"seed": -1}, "seed must be .* got -1") for name in FAMILIES),
        *(
            (name, {"radius": 0.0}, "radius must be .* above 0, got 0.0; leave it None")
            for name in ("poisson_bregman", "quartic_cardano", "xdep_curvature", "rosenbrock", "rastrigin")
        ),
        ("poisson_bregman", {"mu": 0.0}, "mu must be .* above 0, got 0.0; without it"),
        ("softmax_bregman", {"p": 1}, "p must be at least 2, got 1"),
        ("softmax_bregman", {"tau": -1.0}, "tau must be .* got -1.0"),
        ("xdep_curvature", {"kappa": 0.9}, "kappa must be .* at least 1, got 0.9"),
        ("xdep_curvature", {"rho": 0.0}, "rho must be .* got 0.0"),
        ("rosenbrock", {"p": 1, "d": 1}, "rosenbrock needs p = d >= 2, got 1"),
        ("rosenbrock", {"p": 3, "d": 4}, "rosenbrock has p = d .* got p=3 and d=4"),
        ("rastrigin", {"p": 3, "d": 4}, "rastrigin has p = d .* got p=3 and d=4"),
        ("rastrigin", {"a": float("nan")}, "a must be a finite number .* got nan"),
        ("logistic_outer", {"kappa": "2"}, "kappa must be .* got '2'; it is the condition"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(name, keywords, message):
    with pytest.raises(ValueError, match=message):
        factory(name)(**keywords)
