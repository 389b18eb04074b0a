"""Choose weight decays of a regression on validation data.

The inner problem is a ridge regression with one weight decay exp(x_i) a coefficient, the outer one the error on other
data. The last two coefficients of the truth are zero: their decays come out large. A small penalty on x keeps them
finite; without it Psi has no minimiser, and the run would end with a status that says so.
"""

import sys

import numpy as np

import zoba_bench as zb

rng = np.random.default_rng(0)
true = np.array([1.5, -1.0, 0.0, 0.0])
A, B = rng.standard_normal((20, 4)), rng.standard_normal((40, 4))
a, b = A @ true + rng.standard_normal(20), B @ true + rng.standard_normal(40)


def inner(z, x):
    """Training error with weight decay; z (n, 4) are coefficients, x (n, 4) logarithms of their decays."""
    return np.mean((z @ A.T - a) ** 2, axis=-1) + np.sum(np.exp(x) * z**2, axis=-1)


def outer(z, x):
    """Error on validation data, with a small penalty on x."""
    return np.mean((z @ B.T - b) ** 2, axis=-1) + 1e-3 * np.sum(x**2, axis=-1)


if __name__ == "__main__":
    result = zb.minimize(outer, inner, x0=-np.ones(4), z0=np.zeros(4), vectorized=True, seed=0, maxfev=8000)
    print("decays:", np.exp(result.x).round(3))
    print("coefficients:", result.z.round(2), "of", true)
    print("validation error and penalty:", round(result.fun, 4), "-", result.message)
    if len(sys.argv) > 1:
        result.plot().savefig(sys.argv[1])
