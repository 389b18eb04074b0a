"""Estimators of the two-loop methods as one-direction surrogates, their moments, and what they ask for.

As for the single-loop presets, the scalar coefficient functions of ``zoba_bench.estimators`` are
applied to a quadratic at the points an algorithm asks for; means and second moments then follow
from the Isserlis engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import sympy as sp

from ...estimators.isserlis import RANDOM, Moment, expectation, form
from ...estimators.surrogates import Surrogate
from ...estimators.taylor import Point, Quadratic
from ...proof.algebra import sides
from ...proof.rules import by_derivation
from ...proof.theorem import Step
from ...symbols import d, eta, h

__all__ = [
    "Response",
    "average_step",
    "count",
    "joint_gradient",
    "joint_hessian",
    "mean_step",
    "moment_step",
    "over_sphere",
    "response_estimate",
    "separation_difference",
    "sphere_difference",
    "tau",
]

Difference = Callable[..., Any]

#: Length of a Gaussian direction: u / tau is uniform on the sphere and independent of tau.
tau = sp.Symbol("tau", positive=True)


@cache
def joint_gradient(forward: Difference, level: str, block: str) -> Surrogate:
    """Forward difference along (w, u) together, over the radius of a block, times its direction.

    Parameters
    ----------
    level : {"inner", "outer"}
    block : {"z", "x"}
    """
    q = Quadratic(level)
    direction, radius, space = ("w", h, "p") if block == "z" else ("u", eta, "d")
    c = forward(q.at(w=h, u=eta), q.at(), radius)
    letter = {"inner": "G", "outer": "F"}[level]
    return Surrogate(
        f"{letter.lower()}_{block} joint",
        (f"{letter}_{block}",),
        space,
        lambda y: c * form(y, direction),
        frozenset(q.queries),
    )


@cache
def joint_hessian(second: Difference) -> Surrogate:
    """s [(w'v) w - v] with the second difference s along (w, u) together, over the inner radius."""
    q = Quadratic("inner")
    s = second(q.at(w=h, u=eta), q.at(w=-h, u=-eta), q.at(), h, h)
    return Surrogate(
        "Hv joint",
        ("A", "v"),
        "p",
        lambda y: s * (form("w", "v") * form(y, "w") - form(y, "v")),
        frozenset(q.queries),
    )


@cache
def separation_difference(forward: Difference) -> Surrogate:
    """Difference of the forward differences of g in x at z + s and at z, along the same u."""
    q = Quadratic("inner")
    c = forward(q.at(s=1, u=eta), q.at(s=1), eta) - forward(q.at(u=eta), q.at(), eta)
    return Surrogate("g_x difference", ("C", "s"), "d", lambda y: c * form(y, "u"), frozenset(q.queries))


class Response:
    """An inner solution that is affine in x with slope J, seen through its product with F_z."""

    def __init__(self) -> None:
        self.queries: set[Point] = set()

    def at(self, **moves: Any) -> Any:
        """y(x moved)'F_z; every point asked for is one more inner problem to be solved."""
        self.queries.add(("response", tuple(sorted((name, str(radius)) for name, radius in moves.items()))))
        value = sp.Symbol("y(x)'F_z", real=True)
        for name, radius in moves.items():
            value += radius * form(name, "J'", "F_z")
        return value


@cache
def response_estimate(forward: Difference, length: Any = 1, factor: Any = 1) -> Surrogate:
    """Forward difference of the inner solution along u/length, its product with F_z, times u/length.

    Parameters
    ----------
    length, factor : 1; :data:`tau` and d for directions on the unit sphere.
    """
    y = Response()
    c = factor * forward(y.at(u=eta / length), y.at(), eta)
    return Surrogate("response", ("J'", "F_z"), "d", lambda test: c * form(test, "u") / length, frozenset(y.queries))


@cache
def sphere_difference(forward: Difference, factor: Any = d) -> Surrogate:
    """``factor`` times the forward difference of a black box along u/|u|, times u/|u|."""
    q = Quadratic("outer")
    c = factor * forward(q.at(u=eta / tau), q.at(), eta)
    return Surrogate("sphere difference", ("F_x",), "d", lambda y: c * form(y, "u") / tau, frozenset(q.queries))


def over_sphere(moment: Moment) -> Any:
    """Expectation for u uniform on the sphere of a Gaussian moment of u/tau.

    Length and direction of a Gaussian vector are independent, so a polynomial of degree 2k in
    u/|u| has the Gaussian expectation of the same polynomial in u, over E|u|^{2k}.
    """
    total = sp.Integer(0)
    for (power,), coefficient in sp.Poly(sp.expand(moment.expression), 1 / tau).terms():
        if power % 2:
            raise ValueError(f"an odd power of u does not vanish: {coefficient}")
        total += coefficient / expectation(form("u", "u") ** (power // 2)).expression
    return sp.expand(total)


def mean_step(surrogate: Surrogate) -> Step:
    """Step: the surrogate is unbiased on quadratics, and its second moment does not grow as radii vanish."""

    def verify(statement: Any) -> str:
        surrogate.check()
        if str(sides(statement)[1]) != surrogate.mean:
            raise ValueError(f"derived mean {surrogate.mean}, stated {statement.rhs}")
        return f"E X = {surrogate.mean}"

    return Step(
        f"mean of {surrogate.name}",
        sp.Eq(sp.Function("E")(sp.Symbol(surrogate.name)), sp.Symbol(surrogate.required_mean)),
        "Isserlis' theorem on the coefficient function applied to a quadratic.",
        verify,
    )


def moment_step(surrogate: Surrogate, stated: Any, justification: str) -> Step:
    """Step: the second moment of one direction, exactly, on quadratics."""
    return Step(
        f"second moment of {surrogate.name}",
        sp.Eq(sp.Symbol(f"E|{surrogate.name}|^2"), stated),
        justification,
        by_derivation(lambda: surrogate.second_moment, "the sum over all matchings of the engine, term by term"),
    )


def average_step(number: Any) -> Step:
    """Step: mean square of an average of independent copies."""
    mean, second = sp.symbols("|EX|^2 E|X|^2", nonnegative=True)
    # number^2 pairs: the diagonal has E|X|^2, the others |EX|^2.
    return Step(
        "average of directions",
        sp.Eq(sp.Symbol("E|mean of X|^2"), mean + (second - mean) / number),
        f"{number} independent copies of X: only the diagonal pairs have more than |EX|^2.",
        by_derivation(
            lambda: (number * second + number * (number - 1) * mean) / number**2, "the sum over all pairs of copies"
        ),
    )


def count(queries: Iterable[Point], directions: Any = 1, samples: Any = 1) -> Any:
    """Evaluations at a set of distinct points: once a direction if it is along one, and once a sample.

    Parameters
    ----------
    queries : points relative to the current one.
    directions : directions a sample.
    samples : samples, or inner iterations for points at which a problem is solved.
    """
    each = [directions if any(name in RANDOM for name, _ in moves) else 1 for _, moves in set(queries)]
    return sp.expand(samples * sp.Add(*each))
