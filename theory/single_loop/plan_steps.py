"""Steps of a theorem about its plan: steps free of the dimensions, three thirds of eps, and the count n(eps)."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ..proof.algebra import equal, require_nonnegative
from ..proof.rules import by_components
from ..proof.theorem import Step
from ..symbols import (
    CONSTANTS,
    SIGMA,
    W_0,
    K,
    L_Psi,
    L_zz,
    M_v,
    M_x,
    a_0,
    b1,
    b2,
    b_0,
    c,
    d,
    eps,
    eta,
    gamma,
    gap,
    h,
    l1,
    l2,
    mu,
    p,
    rho,
    w_a,
    w_b,
)
from .contributions import moved_direction
from .inequalities import bias_v, bias_x, bias_z
from .plan import Route, X, radius_share
from .roots import Directions, Roots
from .smoothing import mean_of_v, mean_of_x
from .state import Linear
from .weights import COEFFICIENTS, equal_shares, error_weight, explicit_step_ratio, explicit_weights

__all__ = ["cost_steps"]


#: Values of G a sample: along w the two points of a central difference; along (w, u) two more, or the points of mixed
#: differences; along v the moved centre, and one point in z and one in x beside it for each direction.
_VALUES = {
    "zoba": 4 * l1 + 1,
    "zoba-tuned": 4 * l1 + 1,
    "zoba-mixed": 6 * l1 + 1,
    "hf-zoba": 4 * l1 + 2,
    "hf-zoba-shared": 4 * l1 + 2,
}


def cost_steps(route: Route) -> tuple[Step, ...]:
    """Steps and weights without p, d, eps; the plan's three thirds; the count and its order."""
    n, mean = sp.Symbol("n"), sp.Symbol("mean_of_squared_gradient")
    inner, outer = _VALUES[route.model.preset.name], 2 * l2 + 1
    return (
        Step(
            "evaluations of an iteration",
            sp.Eq(sp.Tuple(sp.Symbol("values_of_G"), sp.Symbol("values_of_F")), sp.Tuple(b1 * inner, b2 * outer)),
            "Values of one sample: those along each direction, and at points that need none.",
            by_components(
                tuple(sp.expand(route.model.preset.evaluations[level]) for level in ("inner", "outer")),
                "the distinct points that the surrogates ask for",
            ),
        ),
        Step(
            "dimension-free steps",
            sp.Eq(gamma, route.definitions["gamma"]),
            "Steps and weights of the plan contain constants of the problem only, and satisfy "
            f"gamma <= 1/(2 L_Psi) and rho <= 2/(mu + L_zz); {route.grows} and radii absorb p, d and eps.",
            lambda statement: _dimension_free(route, statement),
        ),
        Step(
            "plan",
            sp.Le(mean, eps),
            f"K iterations bring 2 W_0/(gamma K), {route.grows} the noise, and radii with h^2 p (p+4) and "
            "eta^2 d (d+4) at most radius_share eps the biases to eps/3 each; the conditions are met too.",
            lambda statement: _thirds(route, statement),
        ),
        Step(
            "count",
            sp.Le(n, route.count),
            f"K times the evaluations of both levels an iteration, with {route.grows}; a ceiling costs at most 1.",
            lambda statement: _order(route, statement),
        ),
    )


def _dimension_free(route: Route, statement: Any) -> str:
    if statement.rhs != route.definitions["gamma"]:
        raise ValueError(f"the plan's step is {route.definitions['gamma']}, stated {statement.rhs}")
    for name, definition in route.definitions.items():
        if definition.free_symbols & {p, d, eps, l1, l2, h, eta}:
            raise ValueError(f"{name} depends on dimensions, eps, directions or radii: {definition}")
    explicit = {str(symbol): weight for symbol, weight in explicit_weights().items()}
    explicit |= {"c": explicit_step_ratio(route.certificate("rough"), route.coupling), "rho": gamma / c}
    for name, value in explicit.items():
        if route.definitions[name] != value:
            raise ValueError(f"{name} of the plan is {route.definitions[name]}, that of the certificate {value}")
    for name in ("v", "x"):
        if route.definitions[f"M_{name}"] != moved_direction(name):
            raise ValueError(f"M_{name} of the plan is not what the error of z costs in the mean of {name}")
    step = route.definitions["gamma"]
    for slack in (1 / (2 * L_Psi) - step, 2 / (mu + L_zz) - step / c):
        require_nonnegative(slack)
    return "none of " + ", ".join(route.definitions) + " contains p, d or eps"


def _thirds(route: Route, statement: Any) -> str:
    third = eps / 3
    if statement.rhs != 3 * third:
        raise ValueError(f"three times {third} are shown, stated {statement.rhs}")
    if sp.expand((2 * W_0 / (gamma * (route.iterations - 1))) - third) != 0:
        raise ValueError("K does not bring the start to eps / 3")
    terms = route.size_terms()
    for name, weight, column in (("weight of z", w_a, "a"), ("weight of v", w_b, "b")):
        left = weight / 2 - route.column(column) / terms[name] if terms[name] != 0 else sp.Integer(0)
        if sp.simplify(left) != 0 or (terms[name] == 0 and route.column(column) != 0):
            raise ValueError(f"{route.grows} do not meet the condition {name!r}: {left} is left")
    spare = sp.Rational(1, 4) - route.coupling
    if terms["step of x"] == 0 and route.column("D") != 0:
        raise ValueError(f"{route.grows} do not see the condition 'step of x'")
    if terms["step of x"] != 0 and sp.simplify(spare - route.column("D") / terms["step of x"]) != 0:
        raise ValueError(f"{route.grows} do not meet the condition 'step of x'")
    if sp.simplify(2 * route.column("0") / terms["noise"] - third) != 0:
        raise ValueError(f"{route.grows} do not bring the noise to eps / 3")
    _into_the_bound(route)
    _biases(route)
    for name, coefficient in route.model.coefficients.items():
        at_plan = sp.expand(equal_shares(coefficient))
        for radius in (h, eta):
            # Coefficients grow with the radii: taking the largest ones allowed is an upper bound.
            for term in sp.Add.make_args(sp.diff(at_plan, radius)):
                if not term.is_nonnegative:
                    raise ValueError(f"{name} falls with {radius}")
    return f"K: eps/3, {route.grows}: eps/3 and half of each weight, radii: at most eps/3"


def _into_the_bound(route: Route) -> None:
    """Put K and the size into the certificate's own bound: what is left of eps is a sum of non-negative slacks."""
    certificate = route.certificate("rough")
    size = sp.Symbol("size", positive=True)
    for name, value in route.model.coefficients.items():
        at_size, at_one = (value.subs(route.sizes(n)) for n in (size, sp.Integer(1)))
        if sp.expand(size * at_size - at_one) != 0:
            raise ValueError(f"{name} is not divided by {route.grows}")
    noises = Roots(route.model.preset, Directions(sampled=route.model.sampled))
    if route.model.independent != noises.independent:
        raise ValueError(f"the plan takes the noises of (z, v) and of x for independent: {route.model.independent}")
    share, planned = radius_share * eps, route.plan_variances()
    largest = {h: sp.sqrt(share / (p * (p + 4))), eta: sp.sqrt(share / (d * (d + 4)))}
    for name, value in route.model.coefficients.items():
        at_limit = equal_shares(value).subs(route.sizes(sp.Integer(1))).subs(largest)
        if not equal(at_limit, planned[name]):
            raise ValueError(f"{name} of the plan is not that at the largest radii allowed")
    variances = {COEFFICIENTS[name]: value for name, value in planned.items() if name in COEFFICIENTS}
    if any(value != 0 for name, value in planned.items() if name not in COEFFICIENTS):
        raise ValueError("the variances have a column that the certificate does not know")
    weight = equal_shares(certificate.noise_weight())
    start = gap + error_weight(w_a) * a_0**2 + error_weight(w_b) * b_0**2
    for name, own in (("X", weight), ("W_0", start)):
        if sp.expand(route.definitions[name] - own) != 0:
            raise ValueError(f"{name} of the plan is {route.definitions[name]}, that of the certificate {own}")
    for column in "0abD":
        filled = equal_shares(certificate.weighted(column)).subs(variances)
        if sp.expand(filled - route.column(column).subs(X, weight)) != 0:
            raise ValueError(f"column {column!r} of the plan is not the certificate's")
    # The bound is linear in the noise: one symbol stands for its column at size 1.
    noise, bias, more_K, more = sp.symbols("noise bias more_iterations more_size", nonnegative=True)
    residual = certificate.weighted("0") + certificate.bias
    if sp.expand(certificate.average_bound - 2 * W_0 / (gamma * K) - 2 * residual) != 0:
        raise ValueError("the bound over K iterations is not that of start, noise and bias")
    planned_K, size = route.iterations - 1 + more_K, route.noise_term(noise) + more
    left = eps - (2 * W_0 / (gamma * planned_K) + 2 * noise / size + 2 * bias)
    slacks = eps / 3 * (more_K / planned_K + more / size) + (eps / 3 - 2 * bias)
    if sp.simplify(left - slacks) != 0:
        raise ValueError(f"the plan leaves {sp.simplify(left)} of eps in the certificate's bound, not {slacks}")


def _biases(route: Route) -> None:
    share = route.definitions["radius_share"] * eps
    model = route.model
    nothing = Linear.of()
    of_v, of_x = (mean(model.preset, nothing, False).expression for mean in (mean_of_v, mean_of_x))
    if (model.bias_v, model.bias_x) != (of_v, of_x):
        raise ValueError(f"the plan's biases are {model.bias_v} and {model.bias_x}, derived {of_v} and {of_x}")
    bias = equal_shares(route.certificate("rough").bias).subs({bias_z: 0, bias_v: of_v, bias_x: of_x})
    largest = bias.subs({h: sp.sqrt(share / (p * (p + 4))), eta: sp.sqrt(share / (d * (d + 4)))})
    require_nonnegative(eps / 3 - 2 * largest, (p, d))


def _order(route: Route, statement: Any) -> str:
    if statement.rhs != route.count:
        raise ValueError("the stated count is not K times the evaluations an iteration")
    if sp.expand(route.size - sp.Add(*route.size_terms().values()) - 1) != 0:
        raise ValueError(f"{route.grows} are not the sum of what asks for them, and one for rounding up")
    at_size = sum(route.model.preset.evaluations.values()).subs(route.sizes(route.size))
    if sp.expand(route.iterations * at_size - route.count) != 0:
        raise ValueError("the count is not K times the evaluations of both levels an iteration")
    allowed = {p, d, eps, W_0, gamma, rho, w_a, w_b, X, radius_share, M_v, M_x, *CONSTANTS, *SIGMA}
    extra: set[Any] = route.count.free_symbols - allowed
    if extra:
        raise ValueError(f"the count contains {extra}")
    complexity = route.complexity
    return f"{complexity.statement} " + "; ".join(c.statement for c in complexity.certificates)
