"""Steps of a theorem about the virtual iterate: its mean direction, its noise, the change of Psi, and the drift."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..proof.algebra import equal, require_equal
from ..proof.rules import by_nonnegative_terms, by_relation
from ..proof.theorem import Step
from ..symbols import D, E, L_Psi, M_v, M_x, a, b, b_0, g, gamma, gap, k_v, k_z, o_y, rho
from .contributions import error_of_y, noise_of_y
from .drift import Drift, OneStep, slack
from .drift_steps import forms_of, generic_step
from .inequalities import V_v, V_x, bias_v, bias_x, moved_v
from .state import STATE
from .virtual import VirtualDrift

__all__ = ["after_y", "direction_error", "noise_square_of_y", "virtual_steps"]

_LAG = gamma / rho * k_z
_WIDE = (*STATE[:-1], E, STATE[-1])
_slack, _aligned, _turned = sp.symbols("slack aligned turned", nonnegative=True)


def direction_error() -> Any:
    """Bound on |E - grad Psi(x)|."""
    return M_x * a + bias_x + k_z * (M_v * a + bias_v) + k_z / rho * (k_v * gamma * D + moved_v)


def noise_square_of_y(independent: bool) -> Any:
    """Bound on the variance of y+."""
    of_x, of_v = gamma * (1 + _LAG * k_v) * sp.sqrt(V_x), gamma * k_z * sp.sqrt(V_v)
    return of_x**2 + of_v**2 + (sp.Integer(0) if independent else 2 * of_x * of_v)


def after_y(independent: bool) -> Any:
    """Right-hand side of the inequality of y, the mean change of Psi(y); every o_y >= 0 gives a bound."""
    polarised = (sp.Rational(1, 2) + o_y) * gamma * (direction_error() ** 2 - g**2 - E**2)
    turned = gamma * L_Psi * _LAG * b * E
    return polarised + 2 * o_y * gamma * g * E + turned + L_Psi * (gamma**2 * E**2 + noise_square_of_y(independent)) / 2


@cache
def virtual_steps(independent: bool) -> tuple[Step, ...]:
    """For quadratic G with constants that hold everywhere, and v not projected."""
    noises = "the two noises are independent" if independent else "the root of the sum is at most the sum of the roots"
    step = generic_step(independent)
    weights = sp.symbols("s_y o_y", nonnegative=True)
    y = sp.Matrix(_WIDE)
    matrices = VirtualDrift(step).matrices(sp.Integer(0))
    stated = sum((w * (y.T * sp.Matrix(matrices[str(w)]) * y)[0] for w in weights), sp.Integer(0))
    distance = _LAG * b_0
    return (
        Step(
            "slope of the virtual iterate",
            sp.Le(sp.Symbol("|C A^-1|"), k_z),
            "G is quadratic: z* is affine, and its Jacobian J = -A^-1 C', of norm |C A^-1|, has the bound k_z.",
            by_relation(_slope, "A J + C' = 0, the derivative of G_z(z*(x), x) = 0"),
        ),
        Step(
            "mean direction of the virtual iterate",
            sp.Le(sp.Symbol("|E - grad Psi|"), direction_error()),
            "y = x - (gamma/rho) C A^-1 (v - v*(x)); A v* + F_z* = 0, and C (v - v*) of D_x cancels against A (v - v*) "
            "of D_v; v* moves by at most k_v gamma D and the mean motion by the noise.",
            by_relation(
                lambda: sp.Le(sp.Symbol("|E - grad Psi|"), error_of_y(bias_v, bias_x, moved_v)),
                "identity of operators from the definition of y before and after a step, then the triangle inequality",
            ),
        ),
        Step(
            "noise of the virtual iterate",
            sp.Le(sp.Symbol("mean_squared_noise"), noise_square_of_y(independent)),
            f"The noise of D_x moves x+ and v*(x+), that of D_v enters times gamma C A^-1; {noises} (Minkowski).",
            by_relation(lambda: _noise(independent), "the terms of mean zero of the same identity, and their roots"),
        ),
        Step(
            "inequality of the virtual iterate",
            sp.Le(sp.Symbol("mean_change_of_Psi_at_y"), after_y(independent)),
            "L_Psi-smoothness at y; -<grad Psi(y), E> is -<grad Psi(x), E>, bounded as in the inequality of x, and at "
            "most L_Psi |x - y| E, where |x - y| <= (gamma/rho) k_z b.",
            _descent(independent),
        ),
        Step(
            "virtual iterate at the start",
            sp.Le(
                sp.Symbol("Psi(y_0) - inf Psi"),
                gap + sp.sqrt(2 * L_Psi * gap) * distance + L_Psi * distance**2 / 2,
            ),
            "L_Psi-smoothness over |x_0 - y_0| <= (gamma/rho) k_z b_0, with |grad Psi|^2 <= 2 L_Psi (Psi - inf Psi).",
            by_relation(_start, "a step of length |grad Psi|/L_Psi lowers Psi by |grad Psi|^2/(2 L_Psi) or more"),
        ),
        Step(
            "drift of Psi at the virtual iterate",
            sp.Le(sp.Symbol("mean_drift_of_s_y_Psi_at_y"), stated),
            "The inequality of y as a quadratic form in (a, b, g, D, E, 1), with generic coefficients; the other parts "
            "of W drift as before, whatever E.",
            lambda statement: _drift(statement, step, weights, independent),
        ),
    )


def _slope() -> Any:
    A, C_, inverse = sp.symbols("A C_transposed A_inverse", commutative=False)
    jacobian = -inverse * C_
    require_equal((A * jacobian + C_).subs(A * inverse, sp.Integer(1)), sp.Integer(0))
    return sp.Le(sp.Symbol("|C A^-1|"), k_z)


def _noise(independent: bool) -> Any:
    of_x, of_v = noise_of_y(sp.sqrt(V_x), sp.sqrt(V_v))
    square = of_x**2 + of_v**2 if independent else (of_x + of_v) ** 2
    return sp.Le(sp.Symbol("mean_squared_noise"), sp.expand(square))


def _descent(independent: bool) -> Any:
    """Proof with |E - grad Psi(x)|^2 = e^2 - slack, <grad Psi(x), E> = g E - aligned, and the rest of <., E> turned."""
    error = sp.sqrt(E**2 + g**2 - 2 * (g * E - _aligned) + _slack)
    rest = direction_error().subs(a, 0)
    change = -(g * E - _aligned) + (L_Psi * _LAG * b * E - _turned)
    left = gamma * change + L_Psi * (gamma**2 * E**2 + noise_square_of_y(independent)) / 2
    return by_nonnegative_terms(
        sp.expand(left),
        "right-hand side minus change of Psi = (1/2 + o_y) gamma slack + 2 o_y gamma aligned + gamma turned",
        attained={_slack: 0, _aligned: 0, _turned: 0},
        where={a: (error - rest) / (M_x + k_z * M_v)},
    )


def _start() -> Any:
    length, distance = g / L_Psi, _LAG * b_0
    # Psi falls by at least g length - L_Psi length^2/2, and by no more than the gap.
    require_equal(g * length - L_Psi * length**2 / 2, g**2 / (2 * L_Psi))
    steepest = sp.sqrt(2 * L_Psi * gap)
    require_equal((g**2 / (2 * L_Psi)).subs(g, steepest), gap)
    return sp.Le(sp.Symbol("Psi(y_0) - inf Psi"), gap + steepest * distance + L_Psi * distance**2 / 2)


def _drift(statement: Any, step: OneStep, weights: Any, independent: bool) -> str:
    s_y, other = weights
    # o_y counts per unit of s_y in the inequality of y, and by itself as a weight.
    total = sp.expand(s_y * after_y(independent).subs(o_y, other / s_y))
    difference = sp.expand(total.subs(forms_of(step), simultaneous=True)) - sp.expand(statement.rhs)
    if sp.expand(difference) != 0:
        raise ValueError("the quadratic form is not that of the inequality of y")
    whole = VirtualDrift(step).matrices(sp.Integer(0))
    E_place = _WIDE.index(E)
    for name, matrix in Drift(step).matrices(sp.Integer(0)).items():
        wide = sp.Matrix(whole[name])
        if any(wide[E_place, j] != 0 for j in range(len(_WIDE))):
            raise ValueError(f"the drift of {name} depends on E")
        wide.row_del(E_place)
        wide.col_del(E_place)
        if not all(equal(one, two) for one, two in zip(wide, sp.Matrix(matrix), strict=True)):
            raise ValueError(f"the drift of {name} is another one")
    nothing = {name: [[sp.Integer(0)] * len(_WIDE) for _ in _WIDE] for name in whole}
    tau = sp.Symbol("tau", nonnegative=True)
    state = sp.Matrix(_WIDE)
    left = (state.T * sp.Matrix(slack(nothing, dict.fromkeys(whole, sp.Integer(0)), gamma, tau)) * state)[0]
    require_equal(left, tau - g**2)
    return "y' M y minus s_y times the inequality of y vanishes identically; the other weights' forms are unchanged"
