"""Steps on plan and count of a preset at fixed directions: thirds and sixths of eps, and n(eps).

The pieces are taken from ``noise`` with symbols for the variance coefficients, and only then filled with those of the
preset; the count is put together once more from them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, require_nonnegative
from ...proof.theorem import Step
from ...symbols import W_0, K, b1, b2, d, eps, eta, gamma, h, l1, l2, p
from ..inequalities import bias_v, bias_x, bias_z
from ..plan import radius_share
from ..smoothing import mean_of_v, mean_of_x
from ..state import Linear
from ..weights import COEFFICIENTS, equal_shares
from .noise import N_1, N_2, B, root_kappa
from .route import FixedRoute, l

__all__ = ["route_steps"]


def route_steps(route: FixedRoute) -> tuple[Step, ...]:
    """Plan and count of one kind of solution maps."""
    sizes = (
        "any number l of directions" if not route.size_terms else "l directions, no fewer than the conditions ask for"
    )
    return (
        Step(
            f"plan at fixed directions, {route.kind} solutions",
            sp.Le(sp.Symbol("mean_of_squared_gradient"), eps),
            f"With {sizes}, 1/gamma the sum of what conditions and accuracy ask for, and K = 6 W_0/(gamma eps): "
            "the start is brought to eps/3, the noise to eps/6 and eps/6, radii with h^2 p (p+4) and eta^2 d (d+4) at "
            "most radius_share eps bring the biases to eps/3.",
            partial(_plan, route=route),
        ),
        Step(
            f"count at fixed directions, {route.kind} solutions",
            sp.Le(sp.Symbol("n"), route.count),
            "K times the evaluations of both levels; l directions cost at most l times one, a ceiling of K at most 1.",
            partial(_count, route=route),
        ),
    )


def _plan(statement: Any, route: FixedRoute) -> str:
    if statement.rhs != eps:
        raise ValueError(f"the parts of {eps} are shown, stated {statement.rhs}")
    _models(route)
    noise, more = route.noise, sp.Symbol("more", nonnegative=True)
    least = sp.Add(*noise.inverse_terms.values())
    inverse = least + sp.Add(*noise.accuracy_terms.values()) + more
    require_nonnegative(eps / 6 * inverse - 2 * noise.linear)
    s_x0 = noise.coefficients["s_x0"]
    if noise.kind == "smooth":
        # At least half the sum of two numbers, the square of which is at least their product.
        other = 12 * s_x0 / eps
        require_nonnegative(inverse - root_kappa * (noise.largest + other) / 2)
        require_nonnegative(eps / 6 * root_kappa**2 * noise.largest * other - 2 * noise.quadratic)
    elif noise.kind == "free":
        # (2 + 6/eps)^2 - 48/eps = (2 - 6/eps)^2.
        require_nonnegative(inverse - root_kappa * s_x0 * (2 + 6 / eps))
        require_equal((2 + 6 / eps) ** 2 - 48 / eps, (2 - 6 / eps) ** 2)
        require_nonnegative(eps / 6 * root_kappa**2 * s_x0**2 * 48 / eps - 2 * noise.quadratic)
    else:
        require_equal(noise.quadratic, sp.Integer(0))
    _biases(route)
    # The parts in the bound of the average, K being 6 W_0/(gamma eps) and something more.
    planned = 6 * W_0 / (gamma * eps) + more
    bound = (2 * W_0 / (gamma * K) + 2 * gamma * N_1 + 2 * gamma**2 * N_2 + 2 * B).subs(K, planned)
    parts = {"one": 2 * gamma * N_1, "two": 2 * gamma**2 * N_2, "three": 2 * B}
    rest = eps - bound - (eps / 6 - parts["one"]) - (eps / 6 - parts["two"]) - (eps / 3 - parts["three"])
    require_nonnegative(rest)
    return "start eps/3; noise eps/6 + eps/6; biases eps/3; the largest step is kept"


def _models(route: FixedRoute) -> None:
    """The preset's coefficients are those that ``noise`` speaks of, one direction's over l."""
    noise, size = route.noise, sp.Symbol("size", positive=True)
    share = radius_share * eps
    limits = {h: sp.sqrt(share / (p * (p + 4))), eta: sp.sqrt(share / (d * (d + 4)))}
    for name, value in route.model.coefficients.items():
        at = [value.subs({l1: n, l2: n, b1: 1, b2: 1}) for n in (size, sp.Integer(1))]
        if sp.expand(size * at[0] - at[1]) != 0:
            raise ValueError(f"{name} is not divided by the directions")
        if noise.coefficients.get(name, sp.Integer(0)) == 0 and value != 0:
            raise ValueError(f"{name} is {value}, but no term of the plan is for it")
        one = equal_shares(at[1])
        if name in COEFFICIENTS:
            require_equal(one.subs(limits), route.at_one[COEFFICIENTS[name]])
        for radius in (h, eta):
            # Coefficients grow with the radii: taking the largest ones allowed is an upper bound.
            for term in sp.Add.make_args(sp.expand(sp.diff(one, radius))):
                if not term.is_nonnegative:
                    raise ValueError(f"{name} falls with {radius}")
    for name, definition in route.definitions.items():
        if definition.free_symbols & {p, d, eps, l1, l2, h, eta, l}:
            raise ValueError(f"{name} depends on dimensions, eps, directions or radii: {definition}")
    for name, value in noise.definitions.items():
        require_equal(route.definitions[name], value)


def _biases(route: FixedRoute) -> None:
    nothing = Linear.of()
    of_v, of_x = (mean(route.preset, nothing, False).expression for mean in (mean_of_v, mean_of_x))
    share = route.definitions["radius_share"] * eps
    at_limit = {h: sp.sqrt(share / (p * (p + 4))), eta: sp.sqrt(share / (d * (d + 4)))}
    largest = route.noise.bias.subs({bias_z: 0, bias_v: of_v, bias_x: of_x}).subs(at_limit)
    require_nonnegative(eps / 3 - 2 * largest, (p, d))


def _count(statement: Any, route: FixedRoute) -> str:
    noise = route.noise
    terms = {**noise.inverse_terms, **{f"accuracy, {name}": term for name, term in noise.accuracy_terms.items()}}
    quiet, noisy = terms.pop("steps"), sp.Add(*terms.values())
    require_equal(noisy.subs({symbol: symbol / l for symbol in COEFFICIENTS.values()}, simultaneous=True), noisy / l)
    if quiet.free_symbols & set(COEFFICIENTS.values()):
        raise ValueError(f"the steps without noise contain noise: {quiet}")
    needed = sum(noise.size_terms.values(), sp.Integer(0))
    # Rounding up costs at most the one direction that is added, or l was given.
    size = l + needed
    each = sp.Symbol("size", positive=True)
    iterations = 6 * W_0 / eps * (quiet + noisy / each) + 1
    together = 6 * W_0 / eps * (quiet * each + noisy) + each
    require_equal(iterations * each, together)
    at_one = {level: value.subs({l1: 1, l2: 1, b1: 1, b2: 1}) for level, value in route.preset.evaluations.items()}
    for level, value in route.preset.evaluations.items():
        require_nonnegative(at_one[level] * l - value.subs({l1: l, l2: l, b1: 1, b2: 1}), (l,))
    found = sp.expand(together.subs(each, size).subs(route.at_one) * sum(at_one.values()))
    if sp.expand(found - statement.rhs) != 0:
        raise ValueError("the stated count is not K times the evaluations an iteration")
    complexity = route.complexity
    return f"{complexity.statement} " + "; ".join(c.statement for c in complexity.certificates)
