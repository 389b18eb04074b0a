"""Exact facts on the three test problems of MEHA: solutions, and what the penalised problem makes of them.

Merely convex, non-convex (sine) and non-smooth (weighted l1) lower level; sources of the problems:
the public code of arXiv 2405.09927 and of BVFSM. All facts here are derived.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, sides
from ...proof.rules import Proof, by_components, by_derivation, by_sum
from ...proof.theorem import Step

__all__ = ["example_steps", "merely_convex_gap", "sine_optimum"]

gamma, c = sp.symbols("gamma c", positive=True)
x, y, y_1, y_2, a, level = sp.symbols("x y y1 y2 a C", real=True)
n = sp.Symbol("n", integer=True, positive=True)


@cache
def merely_convex_gap() -> Any:
    """phi - v_gamma of phi = y1^2/2 - x y1, y2 free, in one coordinate."""
    theta = sp.Symbol("theta", real=True)

    def phi(point: Any) -> Any:
        return point**2 / 2 - x * point

    moved = phi(theta) + (theta - y_1) ** 2 / (2 * gamma)
    # theta_2 = y2 costs nothing.
    best = sp.solve(sp.diff(moved, theta), theta)[0]
    return sp.cancel(phi(y_1) - moved.subs(theta, best))


def _merely_convex() -> tuple[Step, ...]:
    F = (x - y_2) ** 2 / 2 + (y_1 - 1) ** 2 / 2
    variables = (x, y_1, y_2)

    def psi() -> Any:
        return F / c + merely_convex_gap()

    def residual() -> Any:
        at = dict.fromkeys(variables, 1)
        return sum(sp.diff(c * psi(), symbol).subs(at) ** 2 for symbol in variables)

    return (
        Step(
            "merely convex lower level: gap",
            sp.Eq(sp.Symbol("f - v_gamma"), gamma * (y_1 - x) ** 2 / (2 * (gamma + 1))),
            "f = |y1|^2/2 - x'y1, coordinate by coordinate; zero exactly at lower-level solutions y1 = x.",
            by_derivation(merely_convex_gap, "envelope minimised over theta"),
        ),
        Step(
            "merely convex lower level: stationary point",
            sp.Eq(sp.Symbol("R^2 at x = y1 = y2 = e"), sp.Integer(0)),
            "The residual of the reformulated problem vanishes for every c and gamma.",
            by_derivation(residual, "each partial derivative at e"),
        ),
        Step(
            "merely convex lower level: minimiser",
            sp.Eq(
                sp.Symbol("psi"),
                ((x - y_2) ** 2 + (y_1 - 1) ** 2) / (2 * c) + gamma * (y_1 - x) ** 2 / (2 * (gamma + 1)),
            ),
            "A sum of squares that vanishes at x = y1 = y2 = e only: the solution for every c.",
            by_derivation(psi, "F/c + f - v_gamma"),
        ),
    )


def sine_optimum(count: Any, centre: Any, root: Any) -> tuple[Any, Any]:
    """x* and F* with y_i + x - c_i = C for all i: minimiser and minimum of F on that set.

    Parameters
    ----------
    count, centre, root : n, a and C.
    """
    objective = (x - centre) ** 2 + count * (root - x - centre) ** 2
    best = sp.solve(sp.diff(objective, x), x)[0]
    return best, objective.subs(x, best)


def _sine() -> tuple[Step, ...]:
    offset = sp.Symbol("c_i", real=True)
    k = sp.Symbol("k", integer=True)
    root = 2 * k * sp.pi - sp.pi / 2
    total = sp.Symbol("S", real=True)
    spread, excess = sp.symbols("spread excess", nonnegative=True)
    distance, mean_f = sp.Symbol("delta", nonnegative=True), sp.Symbol("F", nonnegative=True)
    shift = sp.Symbol("x - a", real=True)
    # With D_i = C_i - 2a and S = sum D_i: sum D_i^2 = n delta^2 + excess (every |D_i| >= delta), and
    # n sum D_i^2 - S^2 = spread >= 0 (Cauchy-Schwarz).
    squares = n * distance**2 + excess
    objective = shift**2 + squares - 2 * shift * total + n * shift**2
    certificate = {(shift - total / (n + 1)) ** 2: n + 1, excess: 1 / (n + 1), spread: 1 / (n + 1)}

    def lower(statement: Any) -> str:
        best, _ = sine_optimum(n, a, root)
        coordinate = root + offset - best
        require_equal(sp.sin(sp.expand(best + coordinate - offset)), sides(statement)[1])
        return "sin(-pi/2 + 2 k pi) for integer k"

    def nearest(statement: Any) -> str:
        found = sides(statement)[1]
        index = sp.simplify((found + sp.pi / 2) / (2 * sp.pi))
        # Levels are 2 pi apart, so one within pi of 2a = 4 is the nearest.
        if not (index.is_integer and bool(sp.Abs(found - 4) < sp.pi)):
            raise ValueError(f"{found} is not the nearest level to 4")
        return "a level of the form -pi/2 + 2 k pi within pi of 2a"

    return (
        Step(
            "sine lower level: solutions",
            sp.Eq(sp.Symbol("sin(x* + y_i* - c_i)"), sp.Integer(-1)),
            "y_i* = C + c_i - x* with C = -pi/2 + 2 k pi minimises sin(x* + y_i - c_i).",
            lower,
        ),
        Step(
            "sine lower level: x*",
            sp.Eq(sp.Symbol("x*"), ((1 - n) * a + n * level) / (1 + n)),
            "Stationary point of (x - a)^2 + sum_i (y_i - a - c_i)^2 with y_i = C + c_i - x.",
            by_derivation(lambda: sine_optimum(n, a, level)[0], "solved for x, any n"),
        ),
        Step(
            "sine lower level: F*",
            sp.Eq(sp.Symbol("F*"), n * (level - 2 * a) ** 2 / (1 + n)),
            "F at x* and y*.",
            by_derivation(lambda: sine_optimum(n, a, level)[1], "substituted, any n"),
        ),
        Step(
            "sine lower level: optimality",
            sp.Le(n * distance**2 / (1 + n), mean_f),
            "Over every x and every choice of levels C_i, one a coordinate; delta = min |C - 2a| over the levels.",
            by_sum(
                certificate,
                "a square, the excess over the nearest level, and Cauchy-Schwarz over the coordinates",
                stands_for={mean_f: objective},
                where={spread: n * squares - total**2},
            ),
        ),
        Step(
            "sine lower level: nearest level",
            sp.Eq(level, sp.Rational(3, 2) * sp.pi),
            "For a = 2.",
            nearest,
        ),
        *(_sine_values(number, value) for number, value in SINE_X.items()),
    )


#: x* of the sine problem with a = c = 2, by n.
SINE_X = {
    1: 3 * sp.pi / 4,
    2: sp.pi - sp.Rational(2, 3),
    10: (15 * sp.pi - 18) / 11,
    100: (150 * sp.pi - 198) / 101,
    1000: (1500 * sp.pi - 1998) / 1001,
}


def _sine_values(number: int, value: Any) -> Step:
    best, least = sine_optimum(sp.Integer(number), sp.Integer(2), sp.Rational(3, 2) * sp.pi)
    level_2 = sp.Rational(3, 2) * sp.pi + 2
    return Step(
        f"sine lower level: n = {number}",
        sp.Eq(
            sp.Tuple(*sp.symbols("x* y_i* F*")),
            sp.Tuple(value, level_2 - value, number * (sp.Rational(3, 2) * sp.pi - 4) ** 2 / (number + 1)),
        ),
        "a = c_i = 2, C = 3 pi/2.",
        by_components((best, level_2 - best, least), f"x* = {sp.N(best, 6)}, F* = {sp.N(least, 6)}"),
    )


def _soft(centre: Any, weight: Any) -> Any:
    return sp.sign(centre) * sp.Max(sp.Abs(centre) - weight, 0)


def _minimal_at(objective: Any, solution: dict[Any, Any], certificate: dict[Any, Any], detail: str) -> Proof:
    """Proof of ``value at the solution <= objective``."""

    def proof(statement: Any) -> str:
        require_equal(objective.subs(solution, simultaneous=True), sides(statement, sp.LessThan)[0])
        return by_sum(certificate, detail)(statement)

    return proof


def _non_smooth() -> tuple[Step, ...]:
    weight, above, below, centre = sp.symbols("x above below a", nonnegative=True)
    plus, minus = sp.symbols("y_plus y_minus", nonnegative=True)
    part, rest = sp.symbols("first second", nonnegative=True)
    F = sp.Symbol("F", real=True)

    def value(at: Any, threshold: Any) -> Any:
        """Lower-level objective of one coordinate at y = y_plus - y_minus, |y| = y_plus + y_minus."""
        return (plus - minus - at) ** 2 / 2 + threshold * (plus + minus)

    outside, inside = value(weight + above, weight), value(centre, centre + below)
    half = sp.Rational(1, 2)
    return (
        Step(
            "weighted l1 lower level: |a| > x",
            sp.Le(weight**2 / 2 + weight * above, outside),
            "a = x + above: the solution is a - x, for negative a mirrored.",
            _minimal_at(
                outside,
                {plus: above, minus: 0},
                {(plus - minus - above) ** 2: half, minus: 2 * weight},
                "half the squared distance to the solution, and what |y| - y costs",
            ),
        ),
        Step(
            "weighted l1 lower level: |a| <= x",
            sp.Le(centre**2 / 2, inside),
            "x = a + below: the solution is 0, for negative a mirrored.",
            _minimal_at(
                inside,
                {plus: 0, minus: 0},
                {(plus - minus) ** 2: half, plus: below, minus: 2 * centre + below},
                "half the squared distance to 0, and (x - a) y_plus + (x + a) y_minus",
            ),
        ),
        Step(
            "weighted l1 lower level: bound",
            sp.Le(-half, F),
            "F = sum_i soft(a_i, x_i) = first - (n/2)(1/n) + second: first = sum of (1/n - x_i)_+ over the first half, "
            "second = sum of min(1/n, x_i) over the other.",
            by_sum(
                {part: sp.Integer(1), rest: sp.Integer(1)},
                "F + 1/2 is a sum of non-negative terms",
                {F: part + (n / 2) * (-1 / n) + rest},
            ),
        ),
        Step(
            "weighted l1 lower level: optimum",
            sp.Eq(sp.Symbol("F*"), -half),
            "At x_i >= 1/n in the first half (y_i = 0) and x_i = 0 in the other (y_i = -1/n).",
            by_derivation(
                lambda: (n / 2) * _soft(1 / n, 1 / n) + (n / 2) * _soft(-1 / n, sp.Integer(0)),
                "soft-thresholding in each half",
            ),
        ),
    )


def example_steps() -> tuple[Step, ...]:
    """The steps on all three problems."""
    return (*_merely_convex(), *_sine(), *_non_smooth())
