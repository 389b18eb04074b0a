"""Certificates that travel: what a plan, its bound and its count follow from, for ``zoba_bench.check_certificate``.

The checker has formulas of its own. A certificate is written only where they give what is derived here: moments and
count are equal polynomials, and the roots agree but for their rounding.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import sympy as sp

from zoba_bench import check_certificate as checker
from zoba_bench.check_count import count_of, steps_of

from .. import symbols
from ..estimators.presets import Preset
from ..proof.orders import ComplexityError, Dominance, dominates, order_of
from ..proof.theorem import TheoremError
from ..symbols import BLOCK_BOUNDS, d, eps, eta, h, p, ratio
from .assumptions import ASSUMPTIONS, PUBLISHED
from .drift import Drift, OneStep, certify
from .plan import X, radius_share
from .roots import Directions
from .run import SPREADS, Run, Start, ways

__all__ = ["certificate_of", "rounded_up"]

#: Roots of the checker and of the derivation differ by their rounding alone.
_ROUNDING = Fraction(1, 2**60)
_q = sp.Symbol("q", positive=True)
_SYMBOLS = {str(s): s for s in vars(symbols).values() if isinstance(s, sp.Symbol)}
_SYMBOLS |= {"X": X, "radius_share": radius_share, "q": _q, "n": sp.Symbol("n", nonnegative=True)}


def rounded_up(value: Fraction, bits: int = 60) -> Fraction:
    """A rational of few digits at or above a value, within 2^-bits of its size."""
    if value == 0:
        return value
    shift = bits + 1 - (value.numerator.bit_length() - value.denominator.bit_length())
    scaled = value * Fraction(2) ** shift
    return Fraction(-(-scaled.numerator // scaled.denominator)) / Fraction(2) ** shift


def certificate_of(
    route: Any, constants: Any, dimensions: tuple[int, int], accuracy: float, start: Start, about: Mapping[str, str]
) -> str:
    """The certificate of a plan: the text of its file, which is JSON with fractions as text.

    Parameters
    ----------
    route : of plan and count, ``plan.Route`` or ``soba.SobaRoute``.
    constants : the problem's, for quadratic G.
    dimensions, accuracy, start : p and d, eps, and where the run begins.
    about : what else is to stand in the file, in words.

    Raises
    ------
    TheoremError : G is curved, or the checker's formulas are not those that are derived; ValueError where a constant
        is unknown or only sampled.
    """
    if constants.bound("H") != 0:
        raise TheoremError(
            "a certificate that travels speaks of quadratic G, H = 0: the small checker has no remainders"
        )
    plan = route.plan(constants, *dimensions, accuracy, start)
    step, found = _best(route, constants, dimensions, plan, start)
    preset: Preset | None = route.explicit.preset
    sampled = preset is not None and route.model.sampled
    numbers = {"rho", "gamma", "K", "b1", "b2"} | ({"h", "eta", "l1", "l2"} if preset is not None else set())
    given: dict[str, Any] = {
        "method": "soba" if preset is None else preset.name,
        "samples": "yes" if sampled else "no",
        "eps": Fraction(accuracy),
        "plan": {name: Fraction(getattr(plan, name)) for name in sorted(numbers)},
        "start": {name: Fraction(getattr(start, name)) for name in ("gap", "z_error", "v_error")},
        "weights": dict(found.weights), "tau": Fraction(0),
    }  # fmt: skip
    if preset is not None:
        given |= {"p": Fraction(dimensions[0]), "d": Fraction(dimensions[1])}
    needed = checker.Certificate({**given, "constants": {}}).needed()
    given["constants"] = dict(zip(needed, map(Fraction, constants.require(*needed)), strict=True))
    # Where they are zero, nothing of the noise moves z* and v*.
    given["constants"] |= {name: Fraction(0) for name in ("s_z", "s_v") if constants.bound(name) == 0}
    known = _known(route, given)
    given["tau"] = _tau(given, found.tau)
    count = _count(route, known)
    _compare(route, checker.Certificate(given), step, known, count)
    given["count"] = _terms(count)
    given["orders"] = [_order(each) for each in _orders(preset, count)]
    try:
        derived = dict(checker.Certificate(given).parts())
    except ValueError as error:
        raise TheoremError(f"this plan has no certificate that travels: {error}") from error
    file: dict[str, Any] = {
        "format": checker.FORMAT,
        "given": _text(given),
        "derived": derived,
        "text": {"assumptions": list(ASSUMPTIONS), "code": _code(), **about},
    }
    file["checksum"] = hashlib.sha256(json.dumps(file, sort_keys=True).encode()).hexdigest()
    return json.dumps(file, indent=1, sort_keys=True) + "\n"


def _best(
    route: Any, constants: Any, dimensions: tuple[int, int], plan: Any, start: Start
) -> tuple[OneStep, Any]:  # fmt: skip
    """The smallest bound of the plan that the checker has formulas for, and the inequalities it comes from."""
    explicit = route.explicit
    run = Run.of(plan, *dimensions, derivatives=explicit.preset is None)
    sampled = any(constants.bound(name) != 0 for level in SPREADS for name in level)
    begin = tuple(Fraction(value) for value in (start.gap, start.z_error, start.v_error))
    found = [
        (step, certified)
        for way in ways(explicit.preset, constants, run, inside=False, sampled=sampled)
        if _spoken_of(explicit.preset, way)
        for step in explicit.one_steps(constants, run, way, second_order=False)
        if (certified := certify(Drift(step), begin, plan.K)) is not None
    ]
    if not found:
        raise TheoremError("no certificate of this plan uses bounds of |v*|, |F_z| and |F_x| alone")
    return min(found, key=lambda pair: pair[1].bound)


def _spoken_of(preset: Preset | None, way: Directions) -> bool:
    slopes = way.known_slopes or preset is None or preset.one_count
    return slopes and not (way.projected or way.growing or way.curved)


def _known(route: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Exact numbers of the symbols of the count by name; c = gamma/rho is rounded down: what it couples is less."""
    start = given["start"]
    found: dict[str, Any] = {"H_zz": 0, "H_xz": 0, **given["constants"]}
    found |= {"gap": start["gap"], "a_0": start["z_error"], "b_0": start["v_error"]}
    for name, definition in route.definitions.items():
        if name == "c":
            squared = _filled(definition**2, found)
            found["c"] = 1 / checker.root(1 / _fraction(squared)) if squared.is_finite else Fraction(1)
        else:
            # As in the plan's own numbers: where nothing is coupled any weight serves.
            fallback = {"w_b": Fraction(1), "w_a": Fraction(1, 10**9)}
            found[name] = _fraction(_filled(definition, found)) or fallback.get(name, Fraction(0))
    return found


def _filled(expression: Any, numbers: Mapping[str, Any]) -> Any:
    """An expression with rational numbers for symbols; an infinite one where they make it so."""
    exact = {_SYMBOLS[n]: sp.Rational(x.numerator, x.denominator) for n, x in numbers.items() if n in _SYMBOLS}
    return sp.sympify(expression).subs({symbol: exact[symbol] for symbol in expression.free_symbols & set(exact)})


def _fraction(number: Any) -> Fraction:
    return Fraction(int(number.p), int(number.q))


def _tau(given: dict[str, Any], near: Fraction) -> Fraction:
    """The least tau for which the slack is a sum of squares, rounded up."""
    ample = 2 * near + 1
    certificate = checker.Certificate(given)
    *_, left = certificate.squares(certificate.drift(certificate.roots()), ample)
    return rounded_up(max(ample - Fraction(left), Fraction(0)))


def _compare(
    route: Any, certificate: checker.Certificate, step: OneStep, known: Mapping[str, Any], count: Any
) -> None:  # fmt: skip
    """Refuse to write what the checker computes otherwise than the derivation."""
    forms = certificate.roots()
    if step.independent != certificate.independent or any(step.bias_z.entries):
        raise TheoremError("the checker joins the noises of (z, v) and of x otherwise")
    for name, form in forms.items():
        derived = getattr(step, name).entries
        names = [*(((letter, 1),) for letter in "abgD"), ()]
        if set(form) - set(names) or any(
            _apart(form.get(m, Fraction(0)), x) for m, x in zip(names, derived, strict=True)
        ):
            raise TheoremError(f"the checker's linear form of {name!r} is {form}, derived are {derived}")
    for name, derived in _moments(route.explicit.preset).items():
        if sp.expand(derived - _stated(certificate, name)) != 0:
            raise TheoremError(f"the checker's largest variance of {name} is not the derived one, {derived}")
    for name, value in steps_of(certificate).items():
        if known[name] != value:
            raise TheoremError(f"{name} of the explicit plan is {value} in the checker, derived is {known[name]}")
    if checker.Poly.of(_terms(count)) != count_of(certificate):
        raise TheoremError("the checker's count is not the one that is derived")


def _apart(one: Fraction, two: Fraction) -> bool:
    return abs(one - two) > _ROUNDING * max(one, two)


@cache
def _moments(preset: Preset | None) -> dict[str, Any]:
    """Largest variances of one direction, in n = |v| or the norm of the gradient and the radii."""
    surrogates = {} if preset is None else preset.surrogates
    bounds = {name: BLOCK_BOUNDS | {surrogate.target[-1]: _SYMBOLS["n"]} for name, surrogate in surrogates.items()}
    return {
        name.split()[0]: sp.expand(surrogate.worst_variance(bounds[name]).subs(ratio, h / eta))
        for name, surrogate in surrogates.items()
    }


def _stated(certificate: checker.Certificate, name: str) -> Any:
    """The same from the checker's parts."""
    constants = {x: checker.var(x) for x in ("L_zz", "L_xz", "L_xx", "m_zz", "m_xx")}
    parts = [_sympy(part) for part in certificate.variances(constants, checker.var("p"), checker.var("d"))[name]]
    radius, n = {"D_z": h, "f_z": h, "f_x": eta}.get(name), _SYMBOLS["n"]
    powers = [n**2, radius**2] if radius is not None else [n**2, n**2 * (h / eta) ** 2, n**2 * (eta / h) ** 2]
    return sum((part * power for part, power in zip(parts, powers, strict=False)), sp.Integer(0))


def _count(route: Any, known: Mapping[str, Any]) -> Any:
    """The derived count with numbers for everything but p, d and q = 1/eps."""
    if route.explicit.preset is None:
        return sp.expand(_filled(route.count, known).subs(eps, 1 / _q))
    size = sp.expand(sum((_filled(term, known) for term in route.size_terms().values()), sp.Integer(1)))
    count = sp.expand(_filled(route.iterations, known) * route.cost.subs(route.sizes(size)))
    return sp.expand(count.subs(eps, 1 / _q))


def _sympy(polynomial: Any) -> Any:
    terms = (
        sp.Rational(c.numerator, c.denominator) * sp.Mul(*(_SYMBOLS[name] ** power for name, power in monomial))
        for monomial, c in (checker.Poly() + polynomial).items()
    )
    return sp.Add(*terms)


def _orders(preset: Preset | None, count: Any) -> Iterator[Dominance]:
    """The order that the count has, and the published one where it is proved, with their constants."""
    in_eps = count.subs(_q, 1 / eps)
    yield dominates(in_eps, order_of(in_eps))
    for regime in ("p, d >= 1", "p >= d >= 1") if preset is not None else ():
        with suppress(ComplexityError):
            yield dominates(in_eps, PUBLISHED, regime)
            return


def _order(found: Dominance) -> dict[str, Any]:
    order = _terms(sp.expand(found.target.subs(eps, 1 / _q)))
    return {"constant": _fraction(found.constant), "regime": found.regime, "order": order}


def _terms(polynomial: Any) -> list[list[str]]:
    """Coefficients and exponents of p, d and q."""
    return [[str(_fraction(c)), *map(str, powers)] for powers, c in sp.Poly(polynomial, p, d, _q).terms()]


def _text(value: Any) -> Any:
    """Fractions as text."""
    if isinstance(value, dict):
        return {name: _text(each) for name, each in value.items()}
    return [_text(each) for each in value] if isinstance(value, list) else str(value)


@cache
def _code() -> dict[str, str]:
    """SHA-256 of the checker and of every file of the derivation."""
    theory = Path(__file__).resolve().parents[1]
    files = {path.relative_to(theory).as_posix(): path for path in theory.rglob("*.py")}
    files["check_certificate.py"] = Path(checker.__file__)
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(files.items())}
