"""Steps on plans for G that is not quadratic: what third derivatives add, radii that keep it small, and the count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from ..proof.algebra import equal, require_equal, require_nonnegative
from ..proof.orders import dominates
from ..proof.rules import by_components
from ..proof.theorem import Step
from ..symbols import d, eps, eta, h, h_bar, l1, l2, p, ratio, w_a, w_b
from .curved import TENTH, Curvature
from .plan import Route, X
from .roots import Directions, Roots
from .state import STATE
from .weights import COEFFICIENTS, equal_shares
from .young import Trees, root_form

__all__ = ["curved_steps"]


def curved_steps(route: Route) -> tuple[Step, ...]:
    """Rests beyond second order; radii with which the plan is within eps; n(eps)."""
    curvature = route.curvature
    names = [sp.Symbol(f"q_{rest.row}{rest.column}") for rest in curvature.rests]
    mean, n = sp.Symbol("mean_of_squared_gradient"), sp.Symbol("n")
    return (
        Step(
            "rests beyond second order",
            sp.Eq(sp.Tuple(*names), sp.Tuple(*(rest.root for rest in curvature.rests))),
            "A direction of the second-order Taylor polynomial has the variance of quadratic G; the root mean square "
            "of the rest is at most q_0 + q_b b (Minkowski), for one direction, eta = h/r and h_bar = h.",
            lambda statement: by_components(tuple(_rests_again(curvature)), "curved less quadratic roots")(statement),
        ),
        Step(
            "plan for curved G",
            sp.Le(mean, eps),
            f"A tenth more of {route.grows} and two more, and a radius with which a rest adds at most a third of one: "
            + ", ".join(f"h <= {sp.sstr(rest.radius)}" for rest in curvature.rests)
            + "; the biases, those by third derivatives included, are at most eps/3.",
            lambda statement: _within(route, statement),
        ),
        Step(
            "count for curved G",
            sp.Le(n, route.curved_count),
            f"K times the evaluations of both levels an iteration; {route.grows} as for quadratic G times 11/10, and "
            "two for the rests.",
            lambda statement: _count(route, statement),
        ),
    )


def _rests_again(curvature: Curvature) -> Iterator[Any]:
    """What third derivatives add to a root, from the tree of its contributions."""
    trees = [Trees(curvature.preset, Directions(normalized=True, curved=curved)) for curved in (True, False)]
    for row in "zvx":
        with_rest, without = (root_form(getattr(tree, row)).entries for tree in trees)
        for state, one, two in zip(STATE, with_rest, without, strict=True):
            more = sp.expand(sp.sympify(one) - two)
            if more == 0:
                continue
            if str(state) not in ("1", "b"):
                raise ValueError(f"the rest of D_{row} grows with {state}")
            yield more.subs({eta: h / ratio, h_bar: h, l1: 1, l2: 1}, simultaneous=True)


def _within(route: Route, statement: Any) -> str:
    if statement.rhs != 3 * (eps / 3):
        raise ValueError(f"three times eps/3 are shown, stated {statement.rhs}")
    factor = _squares()
    _rests(route, factor)
    _sizes(route)
    _biases(route)
    return "rests: at most one for the noise, one for the weight of v; biases: at most eps/3; else as for quadratic G"


def _squares() -> Any:
    """(s + q_0 + q_b)^2 in squares; returns the factor of the squares of the rests."""
    s, rest, grown = sp.symbols("s q_0 q_b", nonnegative=True)
    factor = (1 + 1 / TENTH) * 2
    bound = (1 + TENTH) * s**2 + factor * (rest**2 + grown**2)
    squares = TENTH * (s - (rest + grown) / TENTH) ** 2 + (1 + 1 / TENTH) * (rest - grown) ** 2
    if not equal(bound - (s + rest + grown) ** 2, squares):
        raise ValueError("the bound less the square of the sum is not a sum of squares")
    return factor


def _rests(route: Route, factor: Any) -> None:
    """At its radius each rest's square, weighted as the certificate does, is what it may be; these add up."""
    curvature, certificate = route.curvature, route.certificate("rough")
    spent: dict[str, Any] = {"0": sp.Integer(0), "b": sp.Integer(0)}
    for rest in curvature.rests:
        weighted = equal_shares(certificate.weighted(rest.column))
        weight = sp.diff(weighted, COEFFICIENTS[f"s_{rest.row}{rest.column}"])
        require_equal(factor * weight, curvature.weight(rest.row).subs(X, route.definitions["X"]))
        # It grows with the radius: a smaller one is allowed as well.
        require_nonnegative(rest.at_one)
        if rest.power < 1:
            raise ValueError(f"the rest {rest.root} does not vanish with the radius")
        at_radius = sp.powsimp(curvature.weight(rest.row) * rest.root.subs(h, rest.radius) ** 2)
        require_equal(at_radius, curvature.share(rest.column))
        spent[rest.column] += at_radius
    require_nonnegative(eps / 6 - sp.simplify(spent["0"]))
    require_nonnegative(w_b / 2 - sp.simplify(spent["b"]))


def _sizes(route: Route) -> None:
    """With the size of the plan every condition is met, the rests included."""
    quadratic, curved = route.size_terms(), route.size_terms(curved=True)
    # What each condition leaves for the column of the variances that it is about, and for the rests.
    allowed = {
        "weight of z": ("a", w_a / 2, 0),
        "weight of v": ("b", w_b / 2, w_b / 2),
        "step of x": ("D", sp.Rational(1, 4) - route.coupling, 0),
        "noise": ("0", eps / 6, eps / 6),
    }
    if set(allowed) != set(curved):
        raise ValueError(f"the plan asks for {', '.join(curved)}, shown are {', '.join(allowed)}")
    for name, (column, room, rests) in allowed.items():
        if not equal(quadratic[name] * room, route.column(column)):
            raise ValueError(f"{route.grows} do not meet the condition {name!r} for quadratic G")
        left = room * curved[name] - (1 + TENTH) * route.column(column) - rests
        require_nonnegative(sp.expand(left))


def _biases(route: Route) -> None:
    """2 * (biases) <= eps / 3: every bias grows with the radii, which are at most those of the limit."""
    curvature, share = route.curvature, sp.Symbol("share", positive=True)
    forms = Roots(curvature.preset, Directions(normalized=True))
    moved_z, moved_x = sp.symbols("moved_z moved_x", nonnegative=True)
    # h^2 p (p + 4), eta^2 d (d + 4) and so h_bar^2 p (p + 4) are at most share <= 1.
    for bound in (share / 5 - share / (p + 4), share / 5 - share / (p * (p + 4))):
        require_nonnegative(bound, (p,))
    reached = {}
    for name, form in curvature.biases().items():
        used = getattr(forms, str(name))
        if not equal(form.expression, used.expression):
            raise ValueError(f"{name} of the radii is {form.expression}, that of the bound {used.expression}")
        inside = form.expression.subs({h: moved_z / sp.sqrt(p), eta: moved_x / sp.sqrt(d)}, simultaneous=True)
        for coefficient in sp.Poly(sp.expand(inside), moved_z, moved_x, h_bar).coeffs():
            require_nonnegative(coefficient)
        largest = dict.fromkeys((moved_z, moved_x, h_bar), sp.sqrt(share / 5))
        # With share <= 1 its square is at most itself.
        root = sp.sqrt(share) * curvature.biases_at_limit()[name]
        left = sp.expand(root - sp.expand(inside).subs(largest))
        more = sp.Symbol("more", nonnegative=True)
        require_nonnegative(sp.expand(left.subs(share, 1 / (1 + more) ** 2) * (1 + more) ** 2))
        reached[name] = sp.sqrt(curvature.radius_share * eps) * curvature.biases_at_limit()[name]
    require_nonnegative(eps / 3 - 2 * equal_shares(route.certificate("rough").bias).subs(reached))


def _count(route: Route, statement: Any) -> str:
    size = sp.Add(*((1 + TENTH) * term for term in route.size_terms().values())) + 2 + 1
    if statement.rhs != route.curved_count or not equal(
        route.iterations * route.cost.subs(route.sizes(size)), statement.rhs
    ):
        raise ValueError("the count is not K times the evaluations of both levels an iteration")
    return dominates(statement.rhs, route.complexity.order).statement
