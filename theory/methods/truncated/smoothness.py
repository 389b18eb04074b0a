"""Smoothness of M from the constants of the inner loop: L_M is not an assumption of its own.

Here V is the identity: phi_0 = theta, phi_j = phi_{j-1} - alpha grad L_in(phi_{j-1}), M = L_out(phi_r), with the
gradients at most L_1, the Hessians at most L_2 and L_3-Lipschitz.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, triangle
from ...proof.rules import by_induction, by_relation
from ...proof.theorem import Step
from .coin import L_M
from .unrolled import L_1, L_2, alpha, r

__all__ = ["L_3", "smoothness_steps"]

L_3 = sp.Symbol("L_3", positive=True)
#: |I - alpha H| is at most this.
_RATE = 1 + alpha * L_2
#: Lipschitz constant of the slope of r inner steps.
_SLOPE = L_3 / L_2 * _RATE ** (r - 1) * (_RATE**r - 1)


def smoothness_steps() -> tuple[Step, ...]:
    """The slope of training, its Lipschitz constant, and that of grad M."""
    return (
        Step(
            "slope of training",
            sp.Eq(sp.Function("bound")(sp.Symbol("|D phi_r|")), _RATE**r),
            "D phi_j = (I - alpha H) D phi_{j-1} with |H| <= L_2.",
            by_induction(r, sp.Integer(1), lambda value: _RATE * value, "base and step of the recursion"),
        ),
        Step(
            "Lipschitz constant of the slope of training",
            sp.Eq(sp.Symbol("Lip(D phi_r)"), _SLOPE),
            "At two points D phi_j differs by (I - alpha H) times the difference before, and by alpha times the "
            "difference of the Hessians, which is L_3 |D phi_{j-1}| at most, times D phi_{j-1}.",
            by_induction(r, sp.Integer(0), _next, "base and step of the recursion"),
        ),
        Step(
            "smoothness of M",
            sp.Le(L_M, L_2 * _RATE ** (2 * r) + L_1 * _SLOPE),
            "grad M = D phi_r' grad L_out(phi_r): one of the factors moves at a time.",
            by_relation(_of_gradient, "an identity of operators, then the triangle inequality"),
        ),
    )


def _next(before: Any) -> Any:
    """One more inner step, per distance of the two points."""
    J, J_, H, H_ = sp.symbols("J J_other H H_other", commutative=False)
    one = sp.Symbol("one", commutative=False)
    terms = [(one - alpha * H, J - J_), (-alpha, H - H_, J_)]
    difference = sp.expand((one - alpha * H) * J - (one - alpha * H_) * J_)
    norms = {one - alpha * H: _RATE, J - J_: before, H - H_: L_3 * _RATE**r, J_: _RATE**r}
    return triangle(difference, terms, norms)


def _of_gradient() -> Any:
    J, J_, g, g_ = sp.symbols("J J_other g g_other", commutative=False)
    total = triangle(J * g - J_ * g_, [(J - J_, g), (J_, g - g_)],
                     {J - J_: _SLOPE, g: L_1, J_: _RATE**r, g - g_: L_2 * _RATE**r})  # fmt: skip
    require_equal(total.subs(L_3, 0), L_2 * _RATE ** (2 * r))
    return sp.Le(L_M, total)
