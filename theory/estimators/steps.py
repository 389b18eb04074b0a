"""Steps of a theorem about one direction: mean, variance and its largest value, and what third derivatives add."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import sympy as sp

from ..proof.algebra import equal
from ..proof.rules import by_derivation
from ..proof.theorem import Step
from ..symbols import BLOCK_BOUNDS, THIRD, H_xx, H_xz, H_zx, H_zz, d, eta, h, h_bar, p, ratio
from .isserlis import Form, Trace, expectation, form, forms_of, invariant_symbol
from .presets import Preset
from .remainders import mean_weight, remainder
from .surrogates import Surrogate, SurrogateError

__all__ = ["mean_steps", "moment_steps", "remainder_steps"]


def _symbol(prefix: str, surrogate: Surrogate) -> Any:
    return sp.Symbol(f"{prefix}_{surrogate.name.replace(' ', '_')}")


def mean_steps(preset: Preset) -> tuple[Step, ...]:
    """Unbiasedness, for quadratics by moments and for every smooth function by Stein's identity."""
    return tuple(step for surrogate in preset.surrogates.values() for step in _mean_steps(surrogate))


@cache
def _mean_steps(surrogate: Surrogate) -> tuple[Step, ...]:
    def unbiased(statement: Any) -> str:
        surrogate.check()
        if str(statement.rhs) != surrogate.required_mean:
            raise ValueError(f"stated {statement.rhs}, derived {surrogate.mean}")
        return f"E X = {surrogate.mean}; the second moment stays finite as the radii go to zero"

    def weight() -> Any:
        if surrogate.coefficient is None:
            raise SurrogateError(f"{surrogate.name} is no coefficient times a projection")
        return mean_weight(surrogate)

    return (
        Step(
            f"mean of {surrogate.name}",
            sp.Eq(_symbol("mean", surrogate), sp.Symbol(surrogate.required_mean)),
            "Isserlis' theorem on the coefficient function applied to a quadratic.",
            unbiased,
        ),
        Step(
            f"smoothed mean of {surrogate.name}",
            sp.Eq(_symbol("weight", surrogate), sp.Integer(1)),
            "Stein's identity: every projection onto a direction differentiates the values along it; the total weight "
            "of the smoothed derivative is 1, whatever the function.",
            by_derivation(weight, "the factors of the coefficient function times the radii sum to 1"),
        ),
    )


def moment_steps(preset: Preset) -> tuple[Step, ...]:
    """Exact variance of one direction on a quadratic, and its largest value within the bounds."""
    return tuple(step for surrogate in preset.surrogates.values() for step in _moment_steps(surrogate))


@cache
def _moment_steps(surrogate: Surrogate) -> tuple[Step, ...]:
    vector = {surrogate.target[-1]: sp.Symbol(f"norm_{surrogate.target[-1]}", nonnegative=True)}
    return (
        Step(
            f"variance of {surrogate.name}",
            sp.Eq(_symbol("variance", surrogate), surrogate.centred_moment.expression),
            "Isserlis' theorem: the sum over all perfect matchings of the random ends.",
            _exact_variance(surrogate),
        ),
        Step(
            f"largest variance of {surrogate.name}",
            sp.Le(_symbol("variance", surrogate), surrogate.worst_variance(BLOCK_BOUNDS | vector)),
            "Every coefficient is non-negative for p, d >= 1, and every invariant is at most its value at the "
            "bounds: at multiples of the identity (|C|_F^2 <= p L_xz^2).",
            _largest(surrogate, BLOCK_BOUNDS | vector),
        ),
    )


def _exact_variance(surrogate: Surrogate) -> Callable[[Any], str]:
    def proof(statement: Any) -> str:
        again = surrogate.centred_moment.expression
        if not equal(again, statement.rhs):
            raise ValueError(f"the matchings give {again}, stated {statement.rhs}")
        _in_one_dimension(surrogate, statement.rhs)
        return "sum over matchings; for p = d = 1 also by the moments of one normal variable"

    return proof


def _in_one_dimension(surrogate: Surrogate, stated: Any) -> None:
    """The variance for p = d = 1 from E w^(2k) = (2k-1)!!, without matchings."""
    scalars = {symbol: _scalar(item) for symbol, item in forms_of(surrogate.tested(1)).items()}
    value = sp.expand(surrogate.tested(1).subs(scalars))
    variance = _normal_mean(value**2) - _normal_mean(value) ** 2
    invariants = {invariant_symbol(i): _scalar(i) for _, product in surrogate.centred_moment.terms for i in product}
    expected = stated.subs({p: 1, d: 1} | invariants)
    if not equal(variance, expected):
        raise ValueError(f"for p = d = 1 the variance is {variance}, the statement gives {expected}")


def _scalar(item: Form | Trace) -> Any:
    names = [letter.rstrip("'") for letter in item.word]
    if isinstance(item, Form):
        names += [end for end in (item.left, item.right) if not end.startswith("y")]
    return sp.Mul(*(sp.Symbol(name, real=True) for name in names))


def _normal_mean(polynomial: Any) -> Any:
    """Expectation over independent standard normal w, t, u."""
    ends = [sp.Symbol(name, real=True) for name in "wtu"]
    total = sp.Integer(0)
    for powers, coefficient in sp.Poly(sp.expand(polynomial), *ends).terms():
        if all(power % 2 == 0 for power in powers):
            total += coefficient * sp.Mul(*(sp.factorial2(power - 1) for power in powers))
    return total


def _largest(surrogate: Surrogate, bounds: dict[str, Any]) -> Callable[[Any], str]:
    def proof(statement: Any) -> str:
        again = surrogate.worst_variance(bounds)
        if sp.expand(again - statement.rhs) != 0:
            raise ValueError(f"the largest value is {again}, stated {statement.rhs}")
        _attained(surrogate, bounds, statement.rhs)
        return "every coefficient of the derived moment is non-negative: largest at the bounds, and attained there"

    return proof


def _attained(surrogate: Surrogate, bounds: dict[str, Any], stated: Any) -> None:
    """The variance at multiples of the identity (C = L_xz [I 0]') for p = 2, d = 3, by products of matrices."""
    sizes = {"p": 2, "d": 3}

    def block(letter: str) -> Any:
        name = letter.rstrip("'")
        rows, columns = {"C": (3, 2), "B": (3, 3), "F_xx": (3, 3)}.get(name, (2, 2))
        matrix = bounds[name] * sp.Matrix(rows, columns, lambda i, j: int(i == j))
        return matrix.T if letter.endswith("'") else matrix

    def value(item: Form | Trace) -> Any:
        if isinstance(item, Trace):
            return sp.prod([block(letter) for letter in item.word]).trace() if item.word else sizes[item.dimension]
        ends = [bounds[end] * sp.Matrix(3, 1, [1, 0, 0]) for end in (item.left, item.right)]
        product = sp.eye(3)
        for letter in item.word:
            matrix = block(letter)
            product = product[:, : matrix.rows] * matrix
        return (ends[0].T * product * ends[1][: product.cols, :])[0]

    found = sp.Add(*(c * sp.Mul(*map(value, product)) for c, product in surrogate.centred_moment.terms))
    at = {p: sizes["p"], d: sizes["d"]}
    if not equal(sp.sympify(found).subs(at), stated.subs(at)):
        raise ValueError(f"at multiples of the identity, p = 2 and d = 3, the variance is {found}, stated {stated}")


def remainder_steps(preset: Preset) -> tuple[Step, ...]:
    """What lies beyond the second-order Taylor polynomial of G."""
    s, t = sp.symbols("s t")
    first = sp.Integral((1 - s) * s, (s, 0, 1))
    second = sp.Integral(sp.Integral(s, (t, 0, 1)), (s, 0, 1))
    steps = [
        Step(
            "third-order remainder",
            sp.Eq(first, sp.Rational(1, 6)),
            "Taylor's theorem: G(q + delta) minus its second-order polynomial is the integral of (1-s) "
            "(G''(q + s delta) - G''(q))[delta, delta], and G'' moves by at most H s |delta|.",
            _integral,
        ),
        Step(
            "remainder of a difference of differences",
            sp.Eq(second, sp.Rational(1, 2)),
            "It is the integral of G''(q + s one + t two)[one, two] over the unit square; G'' moves by at most "
            "H (s |one| + t |two|).",
            _integral,
        ),
    ]
    return (*steps, *(_remainder_step(surrogate) for surrogate in preset.inner))


@cache
def _remainder_step(surrogate: Surrogate) -> Step:
    norm = sp.Symbol("norm_v", nonnegative=True)
    stated = sum((term.root * norm**term.power for term in remainder(surrogate)), sp.Integer(0))
    return Step(
        f"remainder of {surrogate.name}",
        sp.Le(_symbol("root_remainder", surrogate), stated),
        "Minkowski's inequality over the monomials of the remainder, each by Isserlis' theorem.",
        _remainder(surrogate, norm),
    )


def _integral(statement: Any) -> str:
    if sp.expand(statement.lhs.doit() - statement.rhs) != 0:
        raise ValueError(f"the integral is {statement.lhs.doit()}")
    return "by integration"


def _remainder(surrogate: Surrogate, norm: Any) -> Callable[[Any], str]:
    def proof(statement: Any) -> str:
        again = sum((term.root * norm**term.power for term in remainder(surrogate)), sp.Integer(0))
        if not equal(again, statement.rhs):
            raise ValueError(f"the monomials sum to {again}, stated {statement.rhs}")
        for cubic, constants in _CUBICS:
            _beyond_cubic(surrogate, statement.rhs, norm, cubic, constants)
        # Its largest radial moment once more, by chi-square moments: E|w|^(2k) = p (p+2) ... (p+2k-2).
        for size, letter in ((p, "w"), (d, "u")):
            _radial(size, letter)
        return f"roots of exact moments; each vanishes with the radii {h} and r = {ratio}"

    return proof


_z, _x = sp.symbols("z x", real=True)
#: Functions of p = d = 1 without second-order polynomial at 0, and the constants that are 1; the others are 0.
_CUBICS = (
    (_z**3 / 6, (H_zz,)),
    (_z**2 * _x / 2, (H_xz,)),
    (_z * _x**2 / 2, (H_zx,)),
    (_x**3 / 6, (H_xx,)),
    (sp.Abs(_z) ** 3 / 6, (H_zz,)),
    (sp.Abs(_x) ** 3 / 6, (H_xx,)),
    (sp.Abs(_z + _x) ** 3 / 6, THIRD),
)


def _beyond_cubic(surrogate: Surrogate, stated: Any, norm: Any, cubic: Any, constants: tuple[Any, ...]) -> None:
    """The mean square that a cubic adds to the surrogate, exactly, is at most the square of the bound."""
    if surrogate.coefficient is None or surrogate.projection is None:
        raise ValueError(f"{surrogate.name} is no coefficient times a projection")
    v = sp.Symbol("v", real=True)
    letters = {name: sp.Symbol(name, real=True) for name in "wtu"} | {"v": v}

    def at(**moves: Any) -> Any:
        inner = sum((radius * letters[name] for name, radius in moves.items() if name != "u"), sp.Integer(0))
        return cubic.subs({_z: inner, _x: moves.get("u", 0) * letters["u"]}, simultaneous=True)

    y = f"y1{surrogate.space}"
    projection = surrogate.projection(y)
    ends = {form(y, name): letters[name] for name in letters} | {form(n, "v"): letters[n] * v for n in "wtu"}
    squared = sp.expand(sp.expand(surrogate.coefficient(at) * projection.subs(ends)) ** 2)
    if squared.has(sp.Abs):
        # Absolute values at points that are not opposite have no polynomial square: other cubics decide here.
        return
    square = _normal_mean(squared)
    others = {block: int(block in constants) for block in THIRD}
    bound = stated.subs(others | {p: 1, d: 1, norm: v}).subs(ratio, h / eta)
    letters_left = (h, eta, h_bar, v)
    found: dict[Any, Any] = {}
    for term in sp.Add.make_args(sp.expand(sp.expand(bound**2) - square)):
        coefficient, monomial = term.as_independent(*letters_left, as_Add=False)
        found[monomial] = found.get(monomial, 0) + coefficient
    if any(sp.sympify(coefficient).is_negative for coefficient in found.values()):
        raise ValueError(f"of {cubic} the remainder has the mean square {square}, above the square of {bound}")


def _radial(size: Any, letter: str) -> None:
    for k in range(1, 5):
        derived = expectation(form(letter, letter) ** k).expression
        if sp.expand(derived - sp.prod([size + 2 * i for i in range(k)])) != 0:
            raise ValueError(f"E|{letter}|^{2 * k} is {derived}")
