"""Explicit weights of the Lyapunov function W = Psi - inf Psi + phi_a a^2 + phi_b b^2, for plan and count.

With phi_a = c w_a / mu and phi_b = c w_b / mu, the mean change of W in one step, divided by gamma, is a
polynomial in a, b, D and the biases. It is at most -g^2/2 plus a residual. The proof writes the right-hand
side minus the left-hand side as a sum of squares; the multipliers of the squares are non-negative under
three conditions, on the weight of z, on the weight of v and on the step of x.

How z* and v* move with x decides which residual is left. There are three kinds of solution maps:

- "flat": z* and v* are affine in x. Noise of x with mean zero moves them by zero in the mean.
- "smooth": their Jacobians are Lipschitz, with constants s_z and s_v, and V_x is bounded along the run, as where v is
  projected. The mean motion is of order gamma^2.
- "free": the Jacobians are Lipschitz, and V_x grows with the errors. Only what grows with them moves the solutions by
  order gamma in the mean.
- "rough": they are Lipschitz only, with constants k_z and k_v. The mean motion is of order gamma.

Variances enter as V <= s_0 + s_a a^2 + s_b b^2 + s_D D^2 with free coefficients, so that one certificate
serves every preset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import sympy as sp

from ..proof.algebra import require_nonnegative
from ..symbols import (
    SHARES,
    W_0,
    YOUNG,
    D,
    K,
    L_Psi,
    L_xz,
    M_v,
    M_x,
    a,
    b,
    c,
    g,
    gamma,
    k_v,
    k_z,
    mu,
    o,
    rho,
    s_v,
    s_z,
    u_va,
    u_vD,
    u_ve,
    u_vm,
    u_xa,
    u_xb,
    u_xe,
    u_zD,
    u_ze,
    u_zm,
    w_a,
    w_b,
)
from .inequalities import (
    V_v,
    V_x,
    V_z,
    after_v,
    after_x,
    after_z,
    bias_v,
    bias_x,
    bias_z,
    moved_v,
    moved_z,
    noise_factors,
)

__all__ = [
    "COEFFICIENTS",
    "Certificate",
    "check_explicit_choice",
    "equal_shares",
    "error_weight",
    "explicit_step_ratio",
    "explicit_weights",
]

#: Coefficients of the variance bounds; z does not depend on v, nor z and v on D.
COEFFICIENTS: dict[str, Any] = {
    name: sp.Symbol(name, nonnegative=True)
    for name in ("s_z0", "s_za", "s_v0", "s_va", "s_vb", "s_x0", "s_xa", "s_xb", "s_xD")
}
#: Square root of V_x, and a bound on V_x along the whole run.
root_V_x, V_x_bar = sp.symbols("root_V_x V_x_bar", nonnegative=True)

#: Kinds of the maps z* and v*: affine; with Lipschitz Jacobians, V_x bounded along the run or not; Lipschitz only.
KINDS = ("flat", "smooth", "free", "rough")


def _gap(terms: Mapping[Any, Any]) -> Any:
    """U sum x_i^2/u_i - (sum x_i)^2 with shares u_i -> x_i of sum U, as the sum of squares that it is."""
    pairs = combinations(terms.items(), 2)
    return sum((u * v * (x / u - y / v) ** 2 for (u, x), (v, y) in pairs), sp.Integer(0))


def _motion(kind: str, slope: Any, second: Any) -> Any:
    """Square of a bound on |E[z*(x+) - z*(y)]| where x+ = y - gamma n, E n = 0 and E|n|^2 = V_x.

    By Taylor's theorem it is the mean of the integral over t of (Dz*(y - t gamma n) - Dz*(y)) gamma n, in which the
    Jacobian moves by at most s t gamma |n|; where that is not known, the mean of k gamma |n| bounds it.
    """
    t = sp.Symbol("t", nonnegative=True)
    if kind == "flat":
        return sp.Integer(0)
    rough, curved = slope * gamma, sp.integrate((second * t * gamma) * gamma, (t, 0, 1))
    if kind == "rough":
        return rough**2 * V_x
    if kind == "smooth":
        # V_x is the product of its root, which is at most that of V_x_bar, with itself.
        return curved**2 * V_x_bar * V_x
    constant, grown, more = sp.symbols("constant grown more", nonnegative=True)
    stated = (curved * 2 * constant) ** 2 + 2 * rough**2 * grown
    # V_x = constant + grown: the curved bound where the constant part is the larger one, the rough bound else.
    require_nonnegative((stated - (curved * (constant + grown)) ** 2).subs(constant, grown + more))
    require_nonnegative((stated - rough**2 * (constant + grown)).subs(grown, constant + more))
    return stated.subs({constant: COEFFICIENTS["s_x0"], grown: _grown()})


def _grown() -> Any:
    """What of V_x grows with the errors and with D."""
    return COEFFICIENTS["s_xa"] * a**2 + COEFFICIENTS["s_xb"] * b**2 + COEFFICIENTS["s_xD"] * D**2


def error_weight(weight: Any) -> Any:
    """The factor phi of a squared error in W, from its weight w_a or w_b."""
    return c * weight / mu


@dataclass(frozen=True)
class Certificate:
    """The certificate in explicit constants, for one noise factor and one kind of solution maps.

    Attributes
    ----------
    independent : the noises of (z, v) and of x are independent.
    kind : one of :data:`KINDS`.
    """

    independent: bool
    kind: str = "rough"

    def moved(self, slope: Any, second: Any) -> Any:
        """Bound on |E[z*(x+) - z*(x - gamma D)]|, and on that of v*."""
        if self.kind == "free":
            constant = second**2 * gamma**4 * COEFFICIENTS["s_x0"] ** 2
            return sp.sqrt(constant + 2 * slope**2 * gamma**2 * _grown())
        return self._slope(slope, second) * root_V_x

    def _slope(self, slope: Any, second: Any, column: str = "0") -> Any:
        """What multiplies the root of V_x in the mean motion, or the root of one column of it."""
        if self.kind == "flat":
            return sp.Integer(0)
        if self.kind == "smooth":
            return second * gamma**2 * sp.sqrt(V_x_bar) / 2
        if self.kind == "free":
            constant = second * gamma**2 * sp.sqrt(COEFFICIENTS["s_x0"])
            return constant if column == "0" else sp.sqrt(2) * slope * gamma
        return slope * gamma

    def split_x(self, share: Any) -> Any:
        """Factor U/u of one squared term of |D - grad Psi|."""
        return (u_xa + u_xb + u_xe) / share

    def split_z(self, share: Any) -> Any:
        """Factor U/u of one squared term beside the contraction in the inequality of z."""
        return (u_ze + u_zD + (0 if self.kind == "flat" else u_zm)) / share

    def split_v(self, share: Any) -> Any:
        """Factor U/u of one squared term beside the contraction in the inequality of v."""
        return (u_va + u_ve + u_vD + (0 if self.kind == "flat" else u_vm)) / share

    @property
    def coupling(self) -> Any:
        """Y: what the motion of z* and v* costs per D^2."""
        return c**2 * (self.split_z(u_zD) * w_a * k_z**2 + self.split_v(u_vD) * w_b * k_v**2) / mu**2

    def theta(self, column: str = "0") -> Any:
        """What the noise in the motion of z* and v* costs per V_x, or per column of it, beyond the variance."""
        of_z, of_v = self._slope(k_z, s_z, column), self._slope(k_v, s_v, column)
        beside = self.split_z(u_zm) * w_a * of_z**2 + self.split_v(u_vm) * w_b * of_v**2
        return sp.expand((c / (gamma * mu)) ** 2 * beside)

    def noise_weight(self, column: str = "0") -> Any:
        """X + theta: the factor of V_x."""
        _, factor = noise_factors(self.independent)
        moving = factor * c * gamma * (w_a * k_z**2 + w_b * k_v**2) / mu
        return L_Psi * gamma / 2 + moving + self.theta(column)

    def weighted(self, column: str) -> Any:
        """Contribution of one column ("0", "a", "b", "D") of the variance bounds."""
        z, v, x = (COEFFICIENTS.get(f"s_{row}{column}", sp.Integer(0)) for row in "zvx")
        factor, _ = noise_factors(self.independent)
        return factor * rho / mu * (w_a * z + w_b * v) + self.noise_weight(column) * x

    @property
    def conditions(self) -> Mapping[str, Any]:
        """Quantities that must be non-negative, by name."""
        return {
            "weight of z": w_a
            - self.split_x(u_xa) * M_x**2 / 2
            - self.split_v(u_va) * w_b * M_v**2 / mu**2
            - self.weighted("a"),
            "weight of v": w_b - self.split_x(u_xb) * L_xz**2 / 2 - self.weighted("b"),
            "step of x": sp.Rational(1, 2) - L_Psi * gamma / 2 - self.coupling - self.weighted("D"),
        }

    @property
    def bias(self) -> Any:
        """Contribution of the biases to the residual."""
        beside = self.split_z(u_ze) * w_a * bias_z**2 + self.split_v(u_ve) * w_b * bias_v**2
        return self.split_x(u_xe) * bias_x**2 / 2 + beside / mu**2

    @property
    def residual(self) -> Any:
        """drift / gamma + g^2/2 is at most this."""
        return self.weighted("0") + self.bias

    @property
    def average_bound(self) -> Any:
        """Bound on the mean of E|grad Psi|^2 over K iterations.

        The drift inequality summed over k < K, with W_K >= 0, divided by gamma K / 2.
        """
        return 2 * W_0 / (gamma * K) + 2 * self.residual

    @property
    def drift(self) -> Any:
        """Bound on (drift of W) / gamma + g^2/2 from the one-step inequalities, at o = 0."""
        factors = noise_factors(self.independent)
        total = after_x().subs(o, 0) / gamma + g**2 / 2
        for weight, error, right, own, slope, moved, target in (
            (w_a, a, after_z(True), V_z, k_z, moved_z, self.moved(k_z, s_z)),
            (w_b, b, after_v(True), V_v, k_v, moved_v, self.moved(k_v, s_v)),
        ):
            (bound,) = [part.base for part in sp.Add.make_args(right) if part.is_Pow and part.base.is_Add]
            # The mean ((1 - rho mu) e + rho mu y)^2 by convexity, the noise by Young's inequality.
            y = (bound.subs(moved, target) - (1 - rho * mu) * error) / (rho * mu)
            square = (1 - rho * mu) * error**2 + rho * mu * y**2
            noise = factors[0] * rho**2 * own + factors[1] * slope**2 * gamma**2 * V_x
            total += (error_weight(weight) * (square - error**2 + noise) / gamma).subs(rho, gamma / c)
        return sp.expand(total)

    def verify(self, statement: Any = None) -> str:
        """The sum-of-squares identity, for the right-hand side of a statement (default: the residual)."""
        right = self.residual if statement is None else statement.rhs
        for slope, second in ((k_z, s_z), (k_v, s_v)):
            square = sp.expand(self.moved(slope, second) ** 2).subs(root_V_x**2, V_x)
            if sp.expand(square - _motion(self.kind, slope, second)) != 0:
                raise ValueError(f"the mean motion of {self.kind} solutions is not {self.moved(slope, second)}")
        s = COEFFICIENTS
        variances = {
            V_z: s["s_z0"] + s["s_za"] * a**2,
            V_v: s["s_v0"] + s["s_va"] * a**2 + s["s_vb"] * b**2,
            V_x: s["s_x0"] + s["s_xa"] * a**2 + s["s_xb"] * b**2 + s["s_xD"] * D**2,
        }
        drift = self.drift
        for variance in variances:
            for term in sp.Add.make_args(sp.diff(drift, variance)):
                if not term.is_nonnegative:
                    raise ValueError(f"the drift falls with {variance}: a bound may not replace it")
        conditions = self.conditions
        of_z, of_v = {u_ze: bias_z, u_zD: c * k_z * D}, {u_va: M_v * a, u_ve: bias_v, u_vD: c * k_v * D}
        if self.kind != "flat":
            of_z[u_zm] = self.moved(k_z, s_z) * c / gamma
            of_v[u_vm] = self.moved(k_v, s_v) * c / gamma
        squares = (
            conditions["weight of z"] * a**2
            + conditions["weight of v"] * b**2
            + conditions["step of x"] * D**2
            + _gap({u_xa: M_x * a, u_xb: L_xz * b, u_xe: bias_x}) / 2
            + (w_a * _gap(of_z) + w_b * _gap(of_v)) / mu**2
        )
        difference = right.subs(rho, gamma / c) - drift - squares.subs(rho, gamma / c)
        difference = sp.expand(sp.expand(difference).subs(root_V_x**2, V_x).subs(variances))
        if difference != 0:
            raise ValueError(f"the certificate leaves the residual {sp.factor(difference)}")
        return "right-hand side minus drift is a sum of squares with residual 0"


def explicit_weights() -> dict[Any, Any]:
    """The explicit weights of the Lyapunov function."""
    weight_b = 3 * L_xz**2
    return {w_b: weight_b, w_a: 3 * M_x**2 + 8 * weight_b * M_v**2 / mu**2}


def equal_shares(expression: Any) -> Any:
    """The expression with all shares equal and all weights of Young's inequality 1."""
    return expression.xreplace(dict.fromkeys((*SHARES, *YOUNG), sp.Integer(1)))


def explicit_step_ratio(certificate: Certificate, coupling: Any) -> Any:
    """The c = gamma / rho at which Y, with equal shares, is ``coupling``."""
    return mu * sp.sqrt(coupling) / sp.sqrt(equal_shares(certificate.coupling).subs(c, mu))


def check_explicit_choice(certificate: Certificate, coupling: Any, weights: dict[Any, Any], ratio: Any) -> str:
    """Verify that weights and step ratio leave room for the variances.

    With equal shares the conditions on the weights must keep half of each weight; with
    gamma <= 1/(2 L_Psi) and Y = ``coupling`` the condition on the step must keep 1/4 - coupling.
    """
    noiseless = dict.fromkeys(COEFFICIENTS.values(), sp.Integer(0))
    conditions = {name: equal_shares(value.subs(noiseless)) for name, value in certificate.conditions.items()}
    for name, weight in (("weight of v", w_b), ("weight of z", w_a)):
        slack = sp.expand((conditions[name] - weight / 2).subs(w_a, weights[w_a]).subs(w_b, weights[w_b]))
        if not slack.is_nonnegative:
            raise ValueError(f"{name}: {slack} is left, not a non-negative rest: the weight is below its threshold")
    reached = equal_shares(certificate.coupling)
    step = (conditions["step of x"] + reached - coupling).subs(gamma, 1 / (2 * L_Psi))
    if sp.expand(step - (sp.Rational(1, 4) - coupling)) != 0:
        raise ValueError(f"step of x: {step} is left")
    if sp.simplify(reached.subs(c, ratio) - coupling) != 0:
        raise ValueError("the step ratio c does not give the announced coupling")
    return f"half of w_b = {weights[w_b]} and of w_a = {weights[w_a]} is left for the variances"
