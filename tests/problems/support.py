"""Instances of every family, at the sizes it takes, and the numerical derivatives they are checked with."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from zoba_bench.problems import PROBLEMS

from zoba_bench.certification.differences import settle
from zoba_bench.problem import BilevelProblem

EPS = float(np.finfo(np.float64).eps)
#: A few hundred operations, each rounded to half a unit in the last place of the largest value.
ROUNDING = 256 * EPS
#: A sum of a few hundred products, each rounded.
SUMS = 1e-12

OF_X = ["inner_solution", "adjoint", "value", "hypergradient"]
OF_ZX = ["inner", "outer", "inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x"]
PRODUCTS = ["inner_hvp_zz", "inner_jvp_xz", "inner_jvp_zx"]
FIRST_ORDER = ("inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x")

SIZES = [(1, 1), (2, 2), (5, 3), (3, 5), (40, 30)]
# Parameters away from the defaults: radii, conditioning, curvature of the target, sampling.
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("quad_general", {"p": 5, "d": 3, "seed": 1, "kappa": 100.0, "cross": 0.2, "radius": 2.0}),
    ("quad_general", {"p": 5, "d": 3, "seed": 1, "cross": 0.0, "radius": 2.0}),
    ("quad_tracking", {"p": 4, "d": 4, "seed": 2, "kappa": 1000.0, "radius": 3.0}),
    ("minimax_quad", {"p": 7, "d": 2, "seed": 1, "lam": 0.0}),
    ("logistic_bregman", {"p": 4, "d": 4, "seed": 1, "mu": 1.0}),
    ("logcosh_ripple", {"p": 4, "d": 2, "seed": 1, "a": 3.0, "mu": 0.5, "alpha": 0.1, "omega": 5.0}),
    ("reference", {"p": 5, "d": 3, "beta": 0.0, "lam": 0.4}),
    ("diabetes_ridge", {"seed": 1, "n_train": 300, "radius": 1.0}),
    ("diabetes_ridge", {"stochastic": True}),
]


def factory(name: str) -> Callable[..., BilevelProblem]:
    module, attribute = PROBLEMS[name].split(":")
    return getattr(importlib.import_module(module), attribute)


#: Families on data that a package ships: built once at their own size.
DATA = {name for name in PROBLEMS if factory(name).card.needs_data}
SYNTHETIC = sorted(set(PROBLEMS) - DATA)


@functools.cache
def accepts(name: str, p: int, d: int) -> bool:
    """Whether a family has an instance of that size; a refusal names the size and is a ValueError."""
    if name in DATA or not factory(name).card.scalable:
        return False
    try:
        factory(name)(p, d)
    except ValueError:
        return False
    return True


#: Families that can grow.
GROWING = [name for name in SYNTHETIC if accepts(name, 2, 2) and accepts(name, 30, 30)]


def own_size(name: str) -> dict[str, Any]:
    """Keywords of the instance that tests are made with: the default one, of a costly family the small one."""
    card = factory(name).card
    return dict(card.small) if card.costly else {}


def instances() -> list[Any]:
    """One pytest parameter for each instance: (name, keywords); of other sizes every third, the rest is slow."""
    chosen = [(name, own_size(name)) for name in PROBLEMS]
    chosen += [(name, {"p": p, "d": d, "seed": 3}) for name in SYNTHETIC for p, d in SIZES if accepts(name, p, d)]
    chosen += [(name, keywords) for name, keywords in VARIANTS if name in PROBLEMS]
    return [
        pytest.param(
            (name, keywords),
            id="-".join([name, *(f"{k}={v}" for k, v in keywords.items())]),
            marks=pytest.mark.slow if keywords != own_size(name) and place % 3 else (),
        )
        for place, (name, keywords) in enumerate(chosen)
    ]


def declared(problem: BilevelProblem, names: list[str]) -> list[str]:
    """Those of the names that the problem declares."""
    return [name for name in names if getattr(problem, name) is not None]


def require(problem: BilevelProblem, *names: str, smooth: bool = True) -> None:
    """Skip a test for a problem that lacks what it is about."""
    missing = [name for name in names if getattr(problem, name) is None]
    if missing:
        pytest.skip(f"{problem.name} declares no {', '.join(missing)}")
    if smooth and not problem.smooth:
        pytest.skip(f"{problem.name} has kinks")


class Points(NamedTuple):
    """Unit directions and points, in the radius and region where what is declared holds."""

    z: np.ndarray
    x: np.ndarray
    v: np.ndarray
    u: np.ndarray


def sample(problem: BilevelProblem, n: int, seed: int = 0) -> Points:
    rng = np.random.default_rng(seed)

    def unit(dimension: int) -> np.ndarray:
        w = rng.standard_normal((n, dimension))
        return w / np.linalg.norm(w, axis=-1, keepdims=True)

    reach = min(problem.constants.radius, 4.0) * rng.uniform(0, 1, (2, n, 1))
    p, d = problem.p, problem.d
    z, x = settle(problem, reach[0] * unit(p), reach[1] * unit(d))
    return Points(z, x, unit(p), unit(d))


def difference(function: Callable[[np.ndarray], np.ndarray], direction: np.ndarray, h: float = 1e-3):
    """Fourth-order central difference of t -> function(t direction) at 0.

    Truncation h^4 |f^(5)| / 30: at most 1e-10, as |f^(5)| <= sum alpha omega^5 |M u|^5 < 3000 for the ripple,
    the worst of the catalogue. Rounding about eps |f| / h = 2e-13 |f| for each elementary operation.
    """

    def at(t: float) -> np.ndarray:
        return function(t * direction)

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


# Both errors of ``difference`` with a factor of ten to spare.
DIFFERENCE = 1e-9


def assert_derivative(
    actual: Any, function: Callable[[np.ndarray], np.ndarray], direction: np.ndarray, scale: Any, what: str
) -> None:
    """``actual`` is the derivative of ``function`` along ``direction``; ``scale`` is the size of its terms.

    Where a function bends more than the catalogue's first families, as exponentials do, ten times the difference
    from twice the step is allowed too: far above the truncation, and large at a kink.
    """
    fine, coarse = difference(function, direction), difference(function, direction, 2e-3)
    allowed = DIFFERENCE * (1 + np.max(np.abs(scale), initial=0.0)) + 10 * np.abs(fine - coarse)
    gap = np.abs(np.asarray(actual) - fine)
    assert np.shape(actual) == fine.shape, f"{what}: shape {np.shape(actual)}, expected {fine.shape}"
    assert (gap <= allowed).all(), f"{what}: error {gap.max():.3g} above {allowed.min():.3g}"


def assert_close(actual: Any, expected: Any, tolerance: float, scale: Any = 0.0, what: str = "") -> None:
    """|actual - expected| <= tolerance (1 + scale), entry by entry, with the values in the message."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    limit = tolerance * (1 + np.max(np.abs(scale), initial=0.0))
    error = np.max(np.abs(actual - expected), initial=0.0)
    assert error <= limit, f"{what}: error {error:.3g} above {limit:.3g}: {actual} against {expected}"


# Along a line the fastest functions of the catalogue are sums of sines of frequency 2 pi: the truncation error
# h^8 (2 pi)^9 / 630 is far below rounding, eps / h for each operation on values of order one.
STEP = 1e-3
EIGHTH = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
SIXTH = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}


def assert_slope(actual, function, what: str) -> None:
    """``actual`` is the derivative of t -> function(t) at 0, to rounding and the difference between two orders."""
    values = {k: np.asarray(function(k * STEP)) for k in range(-4, 5)}
    eighth, sixth = (sum(c * (values[k] - values[-k]) for k, c in rule.items()) / STEP for rule in (EIGHTH, SIXTH))
    largest = max(np.max(np.abs(v), initial=0.0) for v in values.values())
    allowed = np.abs(eighth - sixth) + ROUNDING * (1 + largest) / STEP
    gap = np.abs(actual - eighth)
    assert np.shape(actual) == eighth.shape, f"{what}: shape {np.shape(actual)}, expected {eighth.shape}"
    assert (gap <= allowed).all(), f"{what}: error {gap.max():.3g} above {allowed.min():.3g}"


def assert_optimality_conditions(problem, x):
    z, v = problem.inner_solution(x), problem.adjoint(x)
    outer_z, product = problem.outer_grad_z(z, x), problem.inner_hvp_zz(z, x, v)
    # A solve is backward stable: its residual is rounding of the terms, without the condition number.
    curvature = np.max(np.abs(problem.inner_grad_z(z + 1.0, x)))
    terms = curvature * (1 + np.max(np.abs(z)))
    assert_close(problem.inner_grad_z(z, x), np.zeros_like(z), SUMS, terms, "G_z at z*")
    largest = problem.constants.L_zz or curvature
    scale = np.max(np.abs(v)) * largest + np.max(np.abs(outer_z))
    assert_close(product + outer_z, np.zeros_like(z), SUMS, scale, "G_zz v* + F_z")
    assembled = problem.outer_grad_x(z, x) + problem.inner_jvp_xz(z, x, v)
    # Here the forward error of v*, up to the condition number (1e3) times its residual, enters.
    assert_close(problem.hypergradient(x), assembled, 10 * SUMS, 100 * v, "F_x + G_xz v*")
    assert_close(problem.value(x), problem.outer(z, x), SUMS, problem.value(x), "F(z*, x)")
