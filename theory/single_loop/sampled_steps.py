"""Steps of a theorem about samples alone: how many directions a sample should get, and what spreads may not do."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ..proof.algebra import require_nonnegative
from ..proof.orders import order_of
from ..proof.theorem import Step
from ..symbols import d, eps, p, sigma_fx, sigma_fz, sigma_gz
from .plan import SampledRoute

__all__ = ["allocation_steps", "growing_spread_steps"]

#: Values c l + e of a sample with l directions; variance s + S/l of a sample's mean.
_c, _l, _s, _S = sp.symbols("c_values l s_sample S_direction", positive=True)
_e = sp.Symbol("e_values", nonnegative=True)


def allocation_steps(route: SampledRoute) -> tuple[Step, ...]:
    """One direction a sample costs at most (c + e)/c of the best number of directions."""
    least = sp.Min(*(_ratio(values) for values in route.model.preset.evaluations.values()))
    return (
        Step(
            "directions a sample",
            sp.Ge((_c * _l + _e) * (_s + _S / _l), _c * (_s + _S)),
            "A mean over b samples of l directions each has variance (s + S/l)/b and takes b (c l + e) values: at a "
            "given variance the values are a multiple of the left side. At l = 1 it is (c + e)(s + S), at most "
            f"{1 / least} times the right side here, so that one direction a sample is nearly the best choice.",
            _allocation,
        ),
    )


def _ratio(values: Any) -> Any:
    """c / (c + e) of one level's values an iteration."""
    (directions,) = [symbol for symbol in values.free_symbols if str(symbol).startswith("l")]
    (batch,) = values.free_symbols - {directions}
    a_sample = sp.expand(values / batch)
    return a_sample.coeff(directions, 1) / a_sample.subs(directions, 1)


def _allocation(statement: Any) -> str:
    # With l = 1 + t everything beside the right-hand side has non-negative coefficients.
    t = sp.Symbol("t", nonnegative=True)
    difference = sp.expand(((statement.lhs - statement.rhs) * _l).subs(_l, 1 + t))
    require_nonnegative(difference)
    if sp.expand(difference.subs({t: 0, _e: 0})) != 0:
        raise ValueError("the right-hand side is not reached at l = 1, e = 0")
    return "l times (left - right) has non-negative coefficients in l - 1, and vanishes at l = 1, e = 0"


def growing_spread_steps(route: SampledRoute) -> tuple[Step, ...]:
    """The order when samples spread by one unit in every coordinate, so that three of the spreads grow with p and d."""
    grown = sp.expand(route.count.subs({sigma_gz**2: p * sigma_gz**2, sigma_fz**2: p * sigma_fz**2}))
    grown = sp.expand(grown.subs(sigma_fx**2, d * sigma_fx**2))
    order = order_of(grown)
    return (
        Step(
            "order with a unit of spread a coordinate",
            sp.Eq(sp.Symbol("order"), order),
            "sigma_gz^2 and sigma_fz^2 are p times, and sigma_fx^2 d times what a coordinate spreads: the order above "
            "holds for constants that do not grow with p and d, and this is what becomes of it otherwise.",
            lambda statement: _grown(route, statement),
        ),
    )


def _grown(route: SampledRoute, statement: Any) -> str:
    count = sp.expand(route.count.subs({sigma_gz: sp.sqrt(p) * sigma_gz, sigma_fz: sp.sqrt(p) * sigma_fz}))
    found = order_of(sp.expand(count.subs(sigma_fx, sp.sqrt(d) * sigma_fx)))
    if sp.expand(statement.rhs - found) != 0:
        raise ValueError(f"read off the count the order is {found}, stated {statement.rhs}")
    if order_of(route.count) == found:
        return "the order does not change"
    return f"instead of {sp.sstr(order_of(route.count))}, at constants that do not grow; both in 1/{eps}"
