"""What one step adds to W and how large it may be, in variance coefficients s_z0, ..., s_xD of the directions in use.

With rho = gamma/c the residual of the certificate is N_1 gamma + N_2 gamma^2 + B, and its conditions hold for
gamma <= 1/(inverse step). Shares and weights of Young's inequality are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ...symbols import C_x, L_Psi, L_xz, L_zz, R_v, c, eps, k_v, k_z, mu, s_v, s_z, w_a, w_b
from ..weights import COEFFICIENTS, Certificate, equal_shares

__all__ = ["FIXED_KINDS", "N_1", "N_2", "X_1", "B", "Noise", "root_kappa"]

#: Kinds of solution maps whose mean motion is of second order.
FIXED_KINDS = ("flat", "smooth", "free")
#: What a step adds per gamma, gamma^2 and 1; the weight of V_x per gamma; the root of what the curvature of z* and v*
#: costs.
N_1, N_2, B = sp.symbols("N_1 N_2 B", nonnegative=True)
X_1, root_kappa = sp.symbols("X_1 root_kappa", nonnegative=True)


@dataclass(frozen=True)
class Noise:
    """The noise of a step with fixed directions, for one kind of solution maps.

    Attributes
    ----------
    certificate : of that kind.
    coupling : Y of the explicit steps; what it leaves of 1/4 takes the noise proportional to D^2.
    """

    certificate: Certificate
    coupling: Any

    @property
    def spare(self) -> Any:
        """What the condition on the step of x leaves for noise proportional to D^2."""
        return sp.Rational(1, 4) - self.coupling

    @property
    def kind(self) -> str:
        """The kind of solution maps."""
        return self.certificate.kind

    @property
    def coefficients(self) -> Mapping[str, Any]:
        """Variance coefficients; those that must vanish are zero.

        Nothing of V_x grows with the errors where v is projected, nor with D where the coupling leaves no room.
        """
        none = {"s_xa", "s_xb"} if self.kind == "smooth" else set()
        none |= {"s_xD"} if self.spare == 0 else set()
        return {name: sp.Integer(0) if name in none else symbol for name, symbol in COEFFICIENTS.items()}

    @property
    def definitions(self) -> dict[str, Any]:
        """X_1 and the root of kappa: no dimension, no eps, no step."""
        factor = 1 if self.certificate.independent else 2
        shares = {"flat": (0, 0), "smooth": (3, 4), "free": (3, 4)}[self.kind]
        curved = c**2 * (shares[0] * w_a * s_z**2 + shares[1] * w_b * s_v**2) / (4 * mu**2)
        return {
            "X_1": L_Psi / 2 + factor * c * (w_a * k_z**2 + w_b * k_v**2) / mu,
            "root_kappa": sp.sqrt(curved),
        }

    def column(self, column: str) -> Any:
        """What one column of the variances adds per gamma, apart from the motion of z* and v*."""
        s = self.coefficients
        z, v, x = (s.get(f"s_{row}{column}", sp.Integer(0)) for row in "zvx")
        factor = 1 if self.certificate.independent else 2
        return X_1 * x + factor * (w_a * z + w_b * v) / (c * mu)

    @property
    def linear(self) -> Any:
        """N_1."""
        return self.column("0")

    @property
    def largest(self) -> Any:
        """A bound on V_x along a run with v in its ball: |D| <= L_xz R_v + C_x."""
        s = self.coefficients
        return s["s_x0"] + s["s_xD"] * (L_xz * R_v + C_x) ** 2

    @property
    def quadratic(self) -> Any:
        """N_2."""
        s_x0 = self.coefficients["s_x0"]
        costs = {"flat": 0, "smooth": self.largest * s_x0, "free": 4 * s_x0**2}
        return root_kappa**2 * costs[self.kind]

    @property
    def size_terms(self) -> Mapping[str, Any]:
        """How many directions are needed at least, if the coefficients are those of one; else each is at most 1."""
        s = self.coefficients
        if self.kind != "free":
            return {}
        terms = {"weight of z": 8 * self.coupling * s["s_xa"] / w_a, "weight of v": 8 * self.coupling * s["s_xb"] / w_b}
        return terms if self.spare == 0 else terms | {"step of x": 4 * self.coupling * s["s_xD"] / self.spare}

    @property
    def inverse_terms(self) -> Mapping[str, Any]:
        """Lower bounds on 1/gamma from the conditions of the certificate; their sum serves for all of them.

        "steps" holds no noise, so that more directions do not change it.
        """
        terms = {
            "steps": 2 * L_Psi + (mu + L_zz) / (2 * c),
            "weight of z": 4 * self.column("a") / w_a,
            "weight of v": 4 * self.column("b") / w_b,
        }
        if self.spare != 0:
            terms["step of x"] = 2 * self.column("D") / self.spare
            if self.kind == "smooth":
                terms["motion"] = root_kappa * (self.largest + 2 * self.coefficients["s_xD"] / self.spare) / 2
        return terms

    @property
    def accuracy_terms(self) -> Mapping[str, Any]:
        """What an accuracy asks of 1/gamma beside: each part of the noise adds at most eps/6."""
        s_x0 = self.coefficients["s_x0"]
        terms = {"noise": 12 * self.linear / eps}
        if self.kind == "smooth":
            # The arithmetic mean of V_x_bar and 12 s_x0/eps is above the geometric one.
            already = self.largest if "motion" in self.inverse_terms else sp.Integer(0)
            terms["curved motion"] = root_kappa * (self.largest - already + 12 * s_x0 / eps) / 2
        if self.kind == "free":
            terms["curved motion"] = root_kappa * s_x0 * (2 + 6 / eps)
        return terms

    @property
    def bias(self) -> Any:
        """B: what the biases add per gamma."""
        return equal_shares(self.certificate.bias)
