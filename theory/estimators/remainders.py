"""What third derivatives of G add to a surrogate of one direction.

The exact moments are those of a quadratic G. A surrogate is a coefficient, linear in values of G, times a
projection of the directions. Two facts about it hold for every G with Lipschitz Hessian:

- By Stein's identity its mean is a derivative of G smoothed over the directions, with a total weight
  that must be 1.
- It differs from the surrogate of the second-order Taylor polynomial by at most a sum of monomials in
  |w|, |t|, |u|, |v|. The Taylor remainder at a point is at most (1/6) sum of H |moves|^3. For a difference of
  differences along two moves it is at most (1/2) H |move_1| |move_2| (|move_1| + |move_2|).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import sympy as sp

from ..symbols import H_xx, H_xz, H_zx, H_zz, d, p
from .isserlis import expectation, form
from .surrogates import Surrogate
from .taylor import Values

__all__ = ["Remainder", "mean_weight", "pair_bound", "remainder", "third_order_bound"]

#: |w|, |t|, |u| and |v|.
NORMS: Mapping[str, Any] = {name: sp.Symbol(f"|{name}|", positive=True) for name in "wtuv"}
_BLOCKS = {0: H_zz, 1: H_xz, 2: H_zx, 3: H_xx}


@dataclass(frozen=True)
class Remainder:
    """One monomial of the remainder: it adds ``root * |v|^power`` to a root second moment."""

    root: Any
    power: int


def _sizes(moves: Mapping[str, Any]) -> tuple[Any, Any]:
    """Bounds of the moves of z and of x."""
    sizes = {name: sp.Abs(radius) * NORMS[name] for name, radius in moves.items()}
    return sum((size for name, size in sizes.items() if name != "u"), sp.Integer(0)), sizes.get("u", sp.Integer(0))


def third_order_bound(moves: Mapping[str, Any]) -> Any:
    """Bound on |G(q + delta) - second-order Taylor polynomial|: the integral of (1-s) s H |delta|^3 over [0, 1]."""
    s = sp.Symbol("s")
    weight = sp.integrate((1 - s) * s, (s, 0, 1))
    z, x = _sizes(moves)
    return sp.expand(weight * (H_zz * z**3 + 3 * H_xz * z**2 * x + 3 * H_zx * z * x**2 + H_xx * x**3))


def pair_bound(first: Mapping[str, Any], second: Mapping[str, Any]) -> Any:
    """Bound on |Delta - G''[first, second]| of the difference of differences Delta along two moves.

    Delta is the integral of G''(q + s first + t second)[first, second] over [0, 1]^2.
    """
    s, t = sp.symbols("s t")
    total = sp.Integer(0)
    for scale, moved in ((s, first), (t, second)):
        weight = sp.integrate(scale, (s, 0, 1), (t, 0, 1))
        for chosen in product((0, 1), repeat=3):
            # 0 takes the move of z and 1 that of x, of each of the three.
            sizes = [_sizes(moves)[index] for moves, index in zip((first, second, moved), chosen, strict=True)]
            total += weight * _BLOCKS[sum(chosen)] * sp.Mul(*sizes)
    return sp.expand(total)


def _terms(surrogate: Surrogate) -> list[tuple[Any, dict[str, Any]]]:
    if surrogate.coefficient is None:
        raise ValueError(f"{surrogate.name} is not a coefficient times a projection")
    values = Values()
    return [term for term in values.linear(surrogate.coefficient(values.at)) if term[0] != 0]


def mean_weight(surrogate: Surrogate) -> Any:
    """Total weight of the smoothed derivative in the mean, by Stein's identity; 1 if it is unbiased.

    Each projection onto a random direction differentiates the value along it, which brings the
    radius of that direction's move; points that differ by signs have the same smoothed law.
    """
    assert surrogate.projection is not None
    polynomial = sp.Poly(surrogate.projection("y1" + surrogate.space), *_ends(surrogate))
    (powers,) = [monomial for monomial in polynomial.monoms() if sum(monomial) == max(map(sum, polynomial.monoms()))]
    directions = [_direction(end) for end, power in zip(_ends(surrogate), powers, strict=True) if power]
    along_v = "v" in {name for _, moves in _terms(surrogate) for name in moves}
    total: dict[bool, Any] = {}
    for factor, moves in _terms(surrogate):
        weight = sp.Mul(*(moves.get(name, 0) for name in directions)) * factor
        total["v" in moves] = total.get("v" in moves, 0) + weight
    if not along_v:
        return sp.cancel(total[False])
    # A difference along v: the gradient's weight at q + step v, and its negative at q, over the step.
    step = next(moves["v"] for _, moves in _terms(surrogate) if "v" in moves)
    if sp.cancel(total[True] + total[False]) != 0:
        raise ValueError(f"{surrogate.name}: the two gradients have weights {total[True]} and {total[False]}")
    return sp.cancel(total[True] * step)


def _ends(surrogate: Surrogate) -> list[Any]:
    y = "y1" + surrogate.space
    return [form(y, "w"), form(y, "t"), form(y, "u"), form("w", "v"), form("u", "v")]


def _direction(symbol: Any) -> str:
    return next(name for name in "wtu" if name in str(symbol))


@cache
def remainder(surrogate: Surrogate) -> tuple[Remainder, ...]:
    """Monomials whose roots, times |v|^power, bound the root second moment of what G'' - const adds."""
    terms = _terms(surrogate)
    doubly = [(factor, moves) for factor, moves in terms if len(moves) == 2]
    paired = len(doubly) == 1 and len(terms) == 4
    if paired:
        ((factor, moves),) = doubly
        signs = {frozenset(m): sp.cancel(f / factor) for f, m in terms}
        one, two = moves
        if signs != {frozenset(moves): 1, frozenset([one]): -1, frozenset([two]): -1, frozenset(): 1}:
            raise ValueError(f"{surrogate.name} is not a difference of differences: {signs}")
        bound = sp.Abs(factor) * pair_bound({one: moves[one]}, {two: moves[two]})
    else:
        bound = sum(sp.Abs(factor) * third_order_bound(moves) for factor, moves in terms if moves)
    assert surrogate.projection is not None
    squared = sp.expand(surrogate.projection("y1" + surrogate.space) * surrogate.projection("y2" + surrogate.space))
    found = []
    for monomial, coefficient in sp.Poly(sp.expand(bound), *NORMS.values()).terms():
        radial = sp.Mul(*(form(n, n) ** k for n, k in zip("wtu", monomial[:3], strict=True)))
        moment = expectation(sp.expand(radial * squared)).contracted().expression
        # E|X|^2 is |v|^2 times a polynomial in p and d where the projection meets v, else without.
        norm = form("v", "v")
        per_square, power = (sp.cancel(moment / norm), 1) if moment.has(norm) else (moment, 0)
        if not per_square.free_symbols <= {p, d}:
            raise ValueError(f"{surrogate.name}: unexpected moment {moment}")
        found.append(Remainder(sp.factor(coefficient) * sp.sqrt(sp.factor(per_square)), power + monomial[3]))
    return tuple(found)
