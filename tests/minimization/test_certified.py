"""What a stochastic method takes for a solution: CONVERGED only where differences confirm the distance."""

from __future__ import annotations

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.result import Status

TOL = 1e-2
SOLUTION = np.full(2, 1 / 1.1)


def total(a):
    return float(np.sum(a))


def inner(z, x):
    return total((z - x) ** 2) / 2


def outer(z, x):
    return total((z - 1) ** 2) / 2 + 0.05 * total(x**2)


def digits(value, n):
    return float(f"{value:.{n - 1}e}")


def noisy(function, size):
    rng = np.random.default_rng(0)
    return lambda z, x: function(z, x) + size * rng.standard_normal()


#: F, G, what may be the status beside BUDGET, and whether the solution is (1, 1) / 1.1.
CASES = {
    "F 4 digits": (lambda z, x: digits(outer(z, x), 4), inner, True),
    "F 6 digits": (lambda z, x: digits(outer(z, x), 6), inner, True),
    "int(10 F)": (lambda z, x: int(10 * outer(z, x)), inner, True),
    "F float16": (lambda z, x: float(np.float16(outer(z, x))), inner, True),
    "F + 1e12": (lambda z, x: outer(z, x) + 1e12, inner, True),
    "noise 1e-6 in F": (noisy(outer, 1e-6), inner, True),
    "noise 1e-3 in both": (noisy(outer, 1e-3), noisy(inner, 1e-3), True),
    "constant F": (lambda z, x: 3.0, inner, False),
    "F saturated": (lambda z, x: total(np.tanh(z + 50) ** 2), inner, False),
    "G bilinear": (outer, lambda z, x: total(z * x), False),
    "G concave": (outer, lambda z, x: -inner(z, x), False),
    "G flat along z_2": (outer, lambda z, x: (z[0] - x[0]) ** 2, False),
    "saddle": (lambda z, x: z[0] ** 2 - z[1] ** 2, inner, False),
}


@pytest.mark.parametrize("method", ["hf-zoba", "hf-zoba-shared"])
@pytest.mark.parametrize("name", CASES)
def test_no_stochastic_method_converges_far_from_a_solution(name, method):
    F, G, known = CASES[name]
    found = zb.minimize(F, G, [3.0, 2.0], [0.0, 0.0], method=method, seed=0, maxfev=2500, tol=TOL)
    assert found.success is (found.status == Status.CONVERGED)
    if found.success:
        assert known
        assert np.linalg.norm(found.x - SOLUTION) <= TOL


@pytest.mark.parametrize("method", ["hf-zoba", "hf-zoba-shared", "zoba", "zoba-tuned", "zoba-mixed"])
@pytest.mark.parametrize("options", [{}, {"rho": 0.1, "gamma": 0.1, "h": 1e-3}])
def test_a_constant_outer_function_is_flat(method, options):
    found = zb.minimize(
        lambda z, x: 3.0, inner, [3.0, 2.0], [0.0, 0.0], method=method, seed=0, tol=1e-3, maxfev=100_000, **options
    )
    assert found.status == Status.FLAT, found.message
    np.testing.assert_array_equal(found.x, [3.0, 2.0])
    assert found.error_bound == np.inf or np.isnan(found.error_bound)


def test_an_estimate_that_is_small_by_chance_is_no_success():
    # The outer function of tiny curvature has a hypergradient of 2e-4; with few directions its estimate varies by more.
    def slope(z, x):
        return 1e-4 * total(z) + 1e-8 * total(z**2)

    found = zb.minimize(
        slope, inner, [3.0, 2.0], [3.0, 2.0], method="hf-zoba", rho=1e-9, gamma=1e-9, h=1e-4, l1=1, l2=1, tol=1e-6,
        seed=0, maxfev=20_000,
    )  # fmt: skip
    assert not found.success


def test_converged_says_what_differences_confirm():
    found = zb.minimize(outer, inner, [3.0, 2.0], [0.0, 0.0], method="hf-zoba-shared", seed=0, tol=TOL)
    assert found.success, found.message
    assert "differences confirm" in found.message
    assert np.linalg.norm(found.x - SOLUTION) <= found.error_bound <= TOL
