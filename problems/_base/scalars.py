"""Scalar functions that the families are built from, accurate near zero and without overflow.

Planted problems have Psi* = 0: a value computed by subtraction (sqrt(1 + u^2) - 1, 1 - cos u)
would be rounding noise near the optimum, where an accuracy claim is measured. The functions of the
objectives work in place on two temporaries: at a megabyte an array, allocation costs as much as arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from zoba_bench.arrays import Array

__all__ = [
    "CUBIC_ROOT",
    "CUBIC_ROOT_SECOND",
    "EXPONENTIAL",
    "LOG_COSH",
    "PSEUDO_HUBER",
    "PSEUDO_HUBER_THIRD",
    "SECH2_LIPSCHITZ",
    "SIGMOID_SECOND",
    "SIGMOID_THIRD",
    "SOFTPLUS",
    "SQUARE",
    "TANH_THIRD",
    "Scalar",
    "cubic_root",
    "cubic_root_first",
    "cubic_root_second",
    "cubic_root_step",
    "half_tanh_half",
    "log_2cosh_half",
    "log_cosh",
    "pseudo_huber",
    "pseudo_huber_first",
    "pseudo_huber_second",
    "sech2",
    "sigmoid",
    "sigmoid_first",
    "sigmoid_second",
    "sigmoid_step",
    "tanh_step",
]


Elementwise = Callable[[Array], Array]

# max |H'''| = max 3|u| / (1 + u^2)^(5/2), at u = 1/2.
PSEUDO_HUBER_THIRD = 48 / (25 * 5**0.5)
# max |d/dr sech^2 r| = max 2 |t| (1 - t^2), at t = tanh r = 1/sqrt 3.
SECH2_LIPSCHITZ = 4 / (3 * 3**0.5)
# max |s''| = max q |1 - 2s| with q = s(1 - s), at s = 1/2 +- 1/sqrt 12.
SIGMOID_SECOND = 1 / (6 * 3**0.5)
# max |s'''| = max q |1 - 6q|, at q = 1/4.
SIGMOID_THIRD = 1 / 8
# max |d^2/dr^2 sech^2 r| = max 2 (1 - t^2) |1 - 3 t^2|, at t = tanh r = 0.
TANH_THIRD = 2.0
# max |c''| = max 6 |c| / (1 + 3 c^2)^3 for the real root c of c^3 + c = y, at c^2 = 1/15.
CUBIC_ROOT_SECOND = 125 / (36 * 15**0.5)


def pseudo_huber(u: Array) -> Array:
    """H(u) = sqrt(1 + u^2) - 1, without the subtraction."""
    values = u * u
    root = values + 1
    root = np.sqrt(root, out=root)
    root += 1
    values /= root
    return values


def pseudo_huber_first(u: Array) -> Array:
    """H'(u) = u / sqrt(1 + u^2), at most 1 in absolute value."""
    slope: Array = u / np.sqrt(1 + u * u)
    return slope


def pseudo_huber_second(u: Array) -> Array:
    """H''(u) = (1 + u^2)^(-3/2), in (0, 1]."""
    curvature: Array = (1 + u * u) ** -1.5
    return curvature


def log_2cosh_half(z: Array) -> Array:
    """log(2 cosh(z / 2)) = softplus(z) - z / 2.

    ``log(1 + e)`` is four times faster than ``log1p(e)`` and as accurate here: the result is at least log 2.
    """
    values = np.abs(z)
    tail = np.exp(-values)
    tail += 1
    values *= 0.5
    values += np.log(tail, out=tail)
    return values


def log_cosh(r: Array) -> Array:
    """log cosh r, to relative accuracy: log1p(2 sinh^2(r/2)), continued linearly beyond |r| = 40."""
    beyond = np.abs(r)
    values = np.minimum(beyond, 40.0)
    beyond -= values
    values *= 0.5
    values = np.sinh(values, out=values)
    values *= values
    values *= 2
    values = np.log1p(values, out=values)
    values += beyond
    return values


def sech2(r: Array) -> Array:
    """sech^2 r = 4 e / (1 + e)^2 with e = exp(-2|r|)."""
    tail = np.exp(-2 * np.abs(r))
    values: Array = 4 * tail / (1 + tail) ** 2
    return values


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)) = (1 + tanh(z/2)) / 2."""
    values: Array = 0.5 + 0.5 * np.tanh(0.5 * z)
    return values


def sigmoid_first(z: Array) -> Array:
    """s' = s (1 - s), in (0, 1/4]."""
    return 0.25 * sech2(0.5 * z)


def sigmoid_second(z: Array) -> Array:
    """s'' = s' (1 - 2s)."""
    values: Array = -sigmoid_first(z) * np.tanh(0.5 * z)
    return values


def half_tanh_half(z: Array) -> Array:
    """tanh(z / 2) / 2 = s(z) - 1/2, the derivative of ``log_2cosh_half``."""
    values: Array = 0.5 * np.tanh(0.5 * z)
    return values


def tanh_step(base: Array, step: Array) -> Array:
    """tanh(base + step) - tanh(base), to relative accuracy for bounded arguments."""
    values: Array = np.tanh(step) * (1 - np.tanh(base) * np.tanh(base + step))
    return values


def sigmoid_step(base: Array, step: Array) -> Array:
    """s(base + step) - s(base)."""
    return 0.5 * tanh_step(0.5 * base, 0.5 * step)


def cubic_root(y: Array) -> Array:
    """The real root c of c^3 + c = y: with y = (2 / sqrt 27) sinh(3 t), c = (2 / sqrt 3) sinh t."""
    values: Array = (2 / 3**0.5) * np.sinh(np.arcsinh(0.5 * 27**0.5 * y) / 3)
    return values


def cubic_root_first(y: Array) -> Array:
    """c' = 1 / (1 + 3 c^2)."""
    slope: Array = 1 / (1 + 3 * cubic_root(y) ** 2)
    return slope


def cubic_root_second(y: Array) -> Array:
    """c'' = -6 c / (1 + 3 c^2)^3."""
    c = cubic_root(y)
    values: Array = -6 * c / (1 + 3 * c**2) ** 3
    return values


def cubic_root_step(base: Array, step: Array) -> Array:
    """c(base + step) - c(base) = step / (1 + c1^2 + c1 c2 + c2^2)."""
    before, after = cubic_root(base), cubic_root(base + step)
    values: Array = step / (1 + before**2 + before * after + after**2)
    return values


@dataclass(frozen=True, eq=False)
class Scalar:
    """A function of one real variable, taken entry by entry, with its derivatives.

    Attributes
    ----------
    value, first, second : callable(array) -> array
        f, f' and f''.
    third : callable or None
        f'''; a Bregman link needs it for the block G_xx of its Hessian.
    step : callable(base, step) or None
        f(base + step) - f(base) without cancellation; a coupling through f needs it, so that values
        near a planted optimum keep their digits.
    first_bound, second_bound, third_bound : float or None
        Suprema of |f'|, |f''|, |f'''| over the reals; None where infinite or unknown.
    convexity : float
        A lower bound of f''.
    text : str or None
        f as an expression in ``u`` and the names of ``parameters`` that sympy reads. For a planted loss it
        may contain ``t``, the coordinate of the target. Without it nothing can be proved.
    curvature : str or None
        f'' - convexity in a form that sympy sees to be non-negative; default what sympy makes of f''.
    terms : tuple of str
        Terms in ``u`` that sympy sees to be non-negative and that sum to f(u) - f(0): the proof that a planted
        loss is lowest at the target. ``divergence(h, a, b)``, with h an expression in ``w``, stands for
        h(a) - h(b) - h'(b) (a - b), non-negative for a convex h.
    parameters : mapping
        Numbers of the instance that ``text`` names; the proof holds for all values of the same sign.
    """

    value: Elementwise
    first: Elementwise
    second: Elementwise
    third: Elementwise | None = None
    step: Callable[[Array, Array], Array] | None = None
    first_bound: float | None = None
    second_bound: float | None = None
    third_bound: float | None = None
    convexity: float = 0.0
    text: str | None = None
    curvature: str | None = None
    terms: tuple[str, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)


#: u^2/2.
SQUARE = Scalar(
    lambda u: 0.5 * u**2,
    lambda u: u,
    np.ones_like,
    np.zeros_like,
    lambda base, step: step * (base + 0.5 * step),
    second_bound=1.0,
    third_bound=0.0,
    convexity=1.0,
    text="u**2/2",
    curvature="0",
    terms=("u**2/2",),
)
#: H(u) = sqrt(1 + u^2) - 1.
PSEUDO_HUBER = Scalar(
    pseudo_huber,
    pseudo_huber_first,
    pseudo_huber_second,
    first_bound=1.0,
    second_bound=1.0,
    third_bound=PSEUDO_HUBER_THIRD,
    text="sqrt(1 + u**2) - 1",
    curvature="(1 + u**2)**Rational(-3, 2)",
    terms=("u**2/(1 + sqrt(1 + u**2))",),
)
#: log cosh u.
LOG_COSH = Scalar(
    log_cosh,
    np.tanh,
    sech2,
    lambda u: -2 * np.tanh(u) * sech2(u),
    first_bound=1.0,
    second_bound=1.0,
    third_bound=SECH2_LIPSCHITZ,
    text="log((exp(u) + exp(-u))/2)",
    curvature="4/(exp(u) + exp(-u))**2",
)
#: log(2 cosh(u/2)) = softplus(u) - u/2: the same Bregman link as softplus, without its rounding.
SOFTPLUS = Scalar(
    log_2cosh_half,
    half_tanh_half,
    sigmoid_first,
    sigmoid_second,
    first_bound=0.5,
    second_bound=0.25,
    third_bound=SIGMOID_SECOND,
    text="log(1 + exp(u)) - u/2",
    curvature="exp(u)/(1 + exp(u))**2",
)
#: exp u.
EXPONENTIAL = Scalar(np.exp, np.exp, np.exp, np.exp, text="exp(u)", curvature="exp(u)")
#: The real root c of c^3 + c = u.
CUBIC_ROOT = Scalar(
    cubic_root,
    cubic_root_first,
    cubic_root_second,
    step=cubic_root_step,
    first_bound=1.0,
    second_bound=CUBIC_ROOT_SECOND,
    text="cubic_root(u)",
)
