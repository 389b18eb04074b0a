"""What the ratio r = h / eta of the two radii does to the cross surrogate's second moment."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ..proof.algebra import require_nonnegative
from ..symbols import BLOCK_BOUNDS, L_xx, L_zz, d, p, ratio
from .presets import preset_named

__all__ = ["RADIUS_RATIO", "best_ratio", "tuned_ratio", "verify_tuned_ratio", "worst_cross"]

RADIUS_RATIO = (
    "The cross surrogate's second moment has terms in r^2 p^2 d, in p d^2 and in d^3/r^2. With one radius "
    "(r = 1) the last makes it cubic in d; r^2 = (L_xx/L_zz)(d+2)/(p+2) balances the outer two and leaves "
    "p d^2. It is within 4/sqrt(15) (3.3 %) of the best ratio in those two terms."
)


def worst_cross() -> Any:
    """Largest E|Cv|^2 per |v|^2 of the second difference, as a function of r."""
    cross = preset_named("zoba").surrogates["Cv second difference"]
    return cross.worst_case(BLOCK_BOUNDS | {"v": sp.Integer(1)})


def _ends() -> tuple[Any, Any]:
    """Coefficients of r^2 and of 1/r^2."""
    moment = sp.expand(worst_cross())
    return sp.factor(moment.coeff(ratio, 2)), sp.factor(moment.coeff(ratio, -2))


def best_ratio() -> Any:
    """The minimiser of :func:`worst_cross`, as its fourth power."""
    growing, falling = _ends()
    return sp.factor(falling / growing)


def tuned_ratio() -> Any:
    """The rational square r^2 = (L_xx/L_zz)(d+2)/(p+2) in use."""
    return L_xx / L_zz * (d + 2) / (p + 2)


def verify_tuned_ratio() -> str:
    """Prove that the tuned ratio costs at most 4/sqrt(15) times the best one in the ratio's two terms.

    With x, y the two terms at the tuned ratio, the best value is 2 sqrt(xy), and
    (x+y)^2 <= (64/15) xy is (3x - 5y)(5x - 3y) <= 0, that is 3/5 <= x/y <= 5/3.
    """
    growing, falling = _ends()
    x, y = growing * tuned_ratio(), falling / tuned_ratio()
    one, two = sp.symbols("x y")
    if sp.expand(15 * (one + two) ** 2 - 64 * one * two - (3 * one - 5 * two) * (5 * one - 3 * two)) != 0:
        raise ValueError("the factorisation does not hold")
    for difference in (5 * y - 3 * x, 5 * x - 3 * y):
        require_nonnegative(sp.cancel(difference), (p, d))
    return "3/5 <= x/y <= 5/3 for all p, d >= 1, by coefficients"
