"""Two one-dimensional tasks on which the first-order gradient leads to a point that is not stationary.

Task i has L_in = L_out = f_i, V the identity, and f_i(phi) = a_i/2 (phi - b_i/a_i)^2 within A of its
minimiser, then a cubic on a length of 1 and a line, so that f_i' is bounded and f_i'' Lipschitz. Both tasks
have probability 1/2, b_1 = 0. While all iterates stay on the quadratic part everything has a
closed form in rho_i = (1 - alpha a_i)^r.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp

from .optimal_q import optimal_q

__all__ = ["Counterexample", "Toy", "counterexample", "in_millionths", "mean_slope", "released", "second_slope", "toy"]


def task_objective(theta: Any, a: Any, b: Any, rho: Any) -> Any:
    """f(phi_r) for phi_r - b/a = rho (theta - b/a)."""
    return a / 2 * (rho * (theta - b / a)) ** 2


def first_order(theta: Any, a: Any, b: Any, rho: Any) -> Any:
    """f'(phi_r): the first-order gradient of a task."""
    return rho * (a * theta - b)


def exact(theta: Any, a: Any, b: Any, rho: Any) -> Any:
    """Derivative of the task's objective: the exact gradient."""
    return rho**2 * (a * theta - b)


def mean_slope(theta: Any, a: tuple[Any, Any], b: tuple[Any, Any], rho: tuple[Any, Any]) -> Any:
    """M'(theta), by differentiating the mean of the tasks' objectives."""
    letter = sp.Symbol("theta_", real=True)
    value = sum(task_objective(letter, *task) for task in zip(a, b, rho, strict=True)) / 2
    return sp.diff(value, letter).subs(letter, theta)


def second_slope(a: tuple[Any, Any], rho: tuple[Any, Any], D: Any) -> Any:
    """The b_2 > 0 that makes |M'(theta_FO)|^2 = 2 D."""
    (a1, a2), (rho1, rho2) = a, rho
    bracket = (a1 * rho1**2 + a2 * rho2**2) * rho2 / (a1 * rho1 + a2 * rho2) - rho2**2
    return 2 * sp.sqrt(2 * D) / sp.Abs(sp.factor(bracket))


@dataclass(frozen=True)
class Counterexample:
    """A member of the family, in exact numbers or symbols.

    Attributes
    ----------
    a : curvatures of the two tasks.
    rho : contraction ``(1 - alpha a_i)^r`` of each task's inner loop.
    b2 : slope of the second task at 0, up to sign; the first has b_1 = 0.
    """

    a: tuple[Any, Any]
    rho: tuple[Any, Any]
    b2: Any

    @property
    def minimisers(self) -> tuple[Any, Any]:
        """b_i/a_i."""
        return sp.Integer(0), self.b2 / self.a[1]

    @property
    def A(self) -> Any:
        """Half width of the quadratic part: the distance of the minimisers, plus 1."""
        return self.minimisers[1] + 1

    @property
    def theta_fo(self) -> Any:
        """Where the mean of the first-order gradients vanishes."""
        (a1, a2), (rho1, rho2) = self.a, self.rho
        return rho2 * self.b2 / (rho1 * a1 + rho2 * a2)

    @property
    def theta_star(self) -> Any:
        """The minimiser of M."""
        (a1, a2), (rho1, rho2) = self.a, self.rho
        return rho2**2 * self.b2 / (rho1**2 * a1 + rho2**2 * a2)

    def value(self, theta: Any) -> Any:
        """M(theta), on the quadratic branch."""
        return sum(task_objective(theta, *task) for task in self._tasks) / 2

    def slope(self, theta: Any) -> Any:
        """M'(theta), on the quadratic branch."""
        return sum(exact(theta, *task) for task in self._tasks) / 2

    def first_order_slope(self, theta: Any) -> Any:
        """Mean of the first-order gradients, on the quadratic branch."""
        return sum(first_order(theta, *task) for task in self._tasks) / 2

    @property
    def _tasks(self) -> tuple[tuple[Any, Any, Any], ...]:
        return tuple(zip(self.a, (sp.Integer(0), self.b2), self.rho, strict=True))


def counterexample(r: Any, alpha: Any, a1: Any, a2: Any, D: Any) -> Counterexample:
    """The family's member with r inner steps of size alpha.

    Parameters
    ----------
    r : int or sympy expression
        Inner steps.
    alpha, a1, a2, D : int, Fraction or sympy expression
        Inner step size, curvatures, half the squared slope that is left. Exact: no floats.

    Returns
    -------
    Counterexample : ``b2``, ``A``, ``theta_fo``, ``theta_star``, ``value``, ``slope`` as sympy expressions.

    Raises
    ------
    ValueError : a float; numbers that are not positive; equal curvatures, for which
        the first-order gradient is not biased; ``alpha a_i >= 1``, where rho_i may vanish.
    """
    given = {"r": r, "alpha": alpha, "a1": a1, "a2": a2, "D": D}
    values = {name: sp.sympify(value) for name, value in given.items()}
    for name, value in values.items():
        if value.has(sp.Float):
            raise ValueError(f"{name} must be exact, got the float {value}; use a Fraction or sympy.Rational")
        if value.is_positive is False or (name == "r" and value.is_integer is False):
            raise ValueError(f"{name} must be a positive {'integer' if name == 'r' else 'number'}, got {value}")
    r, alpha, a1, a2, D = values.values()
    if a1 == a2:
        raise ValueError(f"the curvatures must differ, both are {a1}")
    for name, a in (("a1", a1), ("a2", a2)):
        if (1 - alpha * a).is_positive is False:
            raise ValueError(f"alpha {name} must be below 1, got {alpha * a}")
    curvatures, rho = (a1, a2), ((1 - alpha * a1) ** r, (1 - alpha * a2) ** r)
    return Counterexample(curvatures, rho, second_slope(curvatures, rho, D))


@cache
def released() -> Counterexample:
    """The instance of the authors' public code: r = 10, alpha = 1/10, a = (1/2, 3/2), D = 6/100."""
    return counterexample(10, sp.Rational(1, 10), sp.Rational(1, 2), sp.Rational(3, 2), sp.Rational(6, 100))


def in_millionths(value: Any) -> Any:
    """A number u + v sqrt(w) with rational u, v and w in millionths, rounded to the nearest in integers."""
    value = sp.expand(sp.radsimp(value))
    roots = [power for power in value.atoms(sp.Pow) if power.exp == sp.Rational(1, 2)]
    if len(roots) > 1:
        raise ValueError(f"{value} has more than one root")
    rational, factor, square = value, sp.Integer(0), sp.Integer(0)
    if roots:
        polynomial = sp.Poly(value, roots[0])
        rational, factor = polynomial.coeff_monomial(1), polynomial.coeff_monomial(roots[0])
        square = factor**2 * roots[0].base
    if not (rational.is_Rational and square.is_Rational):
        raise ValueError(f"{value} is not a number")
    rational = rational * 10**6 + sp.Rational(1, 2)
    square = square * 10**12
    # floor(P/d + sqrt(S/d^2)) = floor((P + floor(sqrt(S)))/d), in integers.
    d = math.lcm(int(rational.q), int(square.q))
    P, S = int(rational * d), int(square * d * d)
    root = math.isqrt(S)
    if factor < 0:
        root = -root - (root * root != S)
    return sp.Integer((P + root) // d)


# The toy that compares probabilities: a, b, |theta| <= 50, half width of the quadratic part, r.

_TOY_A, _TOY_B = (sp.Rational(1, 2), sp.Rational(3, 2)), (sp.Integer(0), sp.Integer(10))
_TOY_RADIUS, _TOY_WIDTH, _TOY_STEPS = sp.Integer(50), sp.Integer(400), 10


@dataclass(frozen=True)
class Toy:
    """Constants of the toy at one inner step size, exact.

    Attributes
    ----------
    V2, D2 : suprema over theta of the means of the squared exact gradient, and of its squared
        distance from the first-order one.
    q : the best probability for the stored trajectory at s = 1/2, a float.
    """

    V2: Any
    D2: Any
    q: float


def toy_moments(rho: tuple[Any, Any]) -> tuple[Any, Any]:
    """V^2 and D^2 of the toy as expressions in the contractions, with a proof that theta = -50 is the worst point.

    Both means are sums of squares of affine functions, hence convex in theta: the supremum is at
    an end of the interval. That the lower one is larger shows in every term.
    """
    if any(_TOY_RADIUS + b / a > _TOY_WIDTH for a, b in zip(_TOY_A, _TOY_B, strict=True)):
        raise ValueError("the interval leaves the quadratic part")
    found = []
    for part in (exact, lambda *task: exact(*task) - first_order(*task)):
        low, high = (
            [part(end, *task) ** 2 / 2 for task in zip(_TOY_A, _TOY_B, rho, strict=True)]
            for end in (-_TOY_RADIUS, _TOY_RADIUS)
        )
        # Each term is a square of the contraction's polynomial, times a number.
        if not all(sp.cancel(upper / lower) <= 1 for lower, upper in zip(low, high, strict=True)):
            raise ValueError("theta = -50 is not the worst point")
        found.append(sum(low))
    return found[0], found[1]


def toy(alpha: Any) -> Toy:
    """V^2, D^2 and the best q of the toy at inner step ``alpha`` (exact)."""
    rho = tuple((1 - sp.sympify(alpha) * a) ** _TOY_STEPS for a in _TOY_A)
    V2, D2 = toy_moments((rho[0], rho[1]))
    return Toy(V2, D2, optimal_q(float(V2), float(D2), _TOY_STEPS + 1, _TOY_STEPS, 0.5))
