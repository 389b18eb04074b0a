"""The drift of W = s (Psi - inf Psi) + phi_a a^2 + phi_b b^2 as one quadratic form, and its exact certificate.

With y = (a, b, g, D, 1) the one-step inequalities say E W+ - W <= y' M y, where M is linear in the
weights s, o, phi_a and phi_b. The weight o >= 0 is the free number of the inequality of x (see
``inequalities``), times s. Where

    gamma tau e_1 e_1' - M - gamma e_g e_g'   is positive semidefinite,

the mean of g^2 over K iterations is at most W_0 / (gamma K) + tau. The weights are searched for in
floating point; semidefiniteness is then decided in exact rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .. import symbols as names
from ..proof import semidefinite
from ..proof.rational import is_semidefinite, schur_complement
from .state import STATE, Linear, Matrix, quadratic_form

__all__ = ["WEIGHTS", "Certified", "Drift", "OneStep"]


#: Names of the weights.
WEIGHTS = ("s", "o", "phi_a", "phi_b")
_HALF = Fraction(1, 2)
_G_PLACE = STATE.index(names.g)
_A, _B, _G, _D = (Linear.of(**{name: 1}) for name in "abgD")


@dataclass(frozen=True)
class OneStep:
    """The numbers (or symbols) of the one-step inequalities.

    Attributes
    ----------
    mu, L_xz, L_Psi, M_v, M_x, k_z, k_v, rho, gamma : constants and steps.
    moved_z, moved_v : bounds of |E[z*(x+) - z*(x - gamma D)]|, and of that for v*.
    z, v, x : root variances of the three directions.
    bias_z, bias_v, bias_x : biases.
    independent : the noises of (z, v) and of x are independent.
    """

    mu: Any
    L_xz: Any
    L_Psi: Any
    M_v: Any
    M_x: Any
    k_z: Any
    k_v: Any
    rho: Any
    gamma: Any
    moved_z: Linear
    moved_v: Linear
    z: Linear
    v: Linear
    x: Linear
    bias_z: Linear
    bias_v: Linear
    bias_x: Linear
    independent: bool

    @property
    def mean_z(self) -> Linear:
        """Bound on |E[z+ - z*(x+)]|."""
        moved = Linear.of(D=self.k_z * self.gamma) + self.moved_z
        return Linear.of(a=1 - self.rho * self.mu) + self.bias_z.scaled(self.rho) + moved

    @property
    def mean_v(self) -> Linear:
        """Bound on |E[v+ - v*(x+)]|."""
        moved = Linear.of(D=self.k_v * self.gamma) + self.moved_v
        target = (Linear.of(a=self.M_v) + self.bias_v).scaled(self.rho)
        return Linear.of(b=1 - self.rho * self.mu) + target + moved

    @property
    def gradient_error(self) -> Linear:
        """Bound on |D - grad Psi|."""
        return Linear.of(a=self.M_x, b=self.L_xz) + self.bias_x


@dataclass(frozen=True)
class Drift:
    """The four quadratic forms of the drift of W, each a list of (factor, form, form)."""

    step: OneStep

    def _error(self, mean: Linear, own: Linear, slope: Any, error: Linear) -> list[tuple[Any, Linear, Linear]]:
        q = self.step
        inner, outer = own.scaled(q.rho), q.x.scaled(slope * q.gamma)
        noise = [(1, inner, inner), (1, outer, outer)] if q.independent else [(1, inner + outer, inner + outer)]
        return [(1, mean, mean), *noise, (-1, error, error)]

    def terms(self) -> dict[str, list[tuple[Any, Linear, Linear]]]:
        """Quadratic form by weight, as sums of products of linear forms."""
        q = self.step
        e = q.gradient_error
        descent = [(q.gamma, e, e), (-q.gamma, _G, _G), (-q.gamma, _D, _D)]
        smooth = q.L_Psi * q.gamma**2 * _HALF
        return {
            "s": [*((_HALF * f, one, two) for f, one, two in descent), (smooth, _D, _D), (smooth, q.x, q.x)],
            "o": [*descent, (2 * q.gamma, _G, _D)],
            "phi_a": self._error(q.mean_z, q.z, q.k_z, _A),
            "phi_b": self._error(q.mean_v, q.v, q.k_v, _B),
        }

    def matrices(self, zero: Any = 0) -> dict[str, Matrix]:
        """Symmetric matrix by weight, 5x5 here."""
        return {name: quadratic_form(terms, zero) for name, terms in self.terms().items()}

    def at_start(self, gap: Fraction, a_0: Fraction, b_0: Fraction) -> dict[str, Fraction]:
        """W_0 by weight, per unit of it, from Psi(x0) - inf Psi, |z0 - z*| and |v0 - v*|."""
        return dict(zip(WEIGHTS, (gap, Fraction(0), a_0**2, b_0**2), strict=True))


@dataclass(frozen=True)
class Certified:
    """A bound with everything that proves it.

    Attributes
    ----------
    bound : the mean of |grad Psi|^2 over K iterations is at most this.
    transient, tau : its two parts, W_0 / (gamma K) and what stays.
    weights : s, o, phi_a, phi_b by name, and those of a drift that has more.
    drift : symmetric matrix of the drift by weight, in the state of the drift.
    start : W_0 by weight, per unit of it.
    gamma, K : step of x, iterations.
    """

    bound: Fraction
    transient: Fraction
    tau: Fraction
    weights: Mapping[str, Fraction]
    drift: Mapping[str, Matrix]
    start: Mapping[str, Fraction]
    gamma: Fraction
    K: int

    @property
    def matrix(self) -> Matrix:
        """gamma tau e_1 e_1' - M - gamma e_g e_g', divided by gamma."""
        return slack(self.drift, self.weights, self.gamma, self.tau)

    def verify(self) -> bool:
        """Exact check: non-negative weights, a positive semidefinite matrix, and the sum that the bound is."""
        if set(self.weights) != set(self.drift):
            return False
        spent = sum((self.start[n] * self.weights[n] for n in self.drift), Fraction(0)) / (self.gamma * self.K)
        return (
            all(weight >= 0 for weight in self.weights.values())
            and is_semidefinite(self.matrix)
            and self.transient >= spent
            and self.bound >= self.transient + self.tau
        )


def slack(matrices: Mapping[str, Matrix], weights: Mapping[str, Any], gamma: Any, tau: Any) -> Matrix:
    """tau e_1 e_1' - M / gamma - e_g e_g'; the state has g at its place in ``STATE`` and the constant at its end."""
    size = range(len(next(iter(matrices.values()))))
    total = [[-sum(weights[n] * m[i][j] for n, m in matrices.items()) / gamma for j in size] for i in size]
    total[_G_PLACE][_G_PLACE] -= 1
    total[-1][-1] += tau
    return total


def certify(drift: Drift, start: Sequence[Fraction], K: int) -> Certified | None:
    """The smallest certified bound, or None where no weights make the drift negative.

    Parameters
    ----------
    drift : with exact rational numbers.
    start : Psi(x0) - inf Psi, |z0 - z*|, |v0 - v*|.
    K : iterations.
    """
    gamma = drift.step.gamma
    matrices = drift.matrices(Fraction(0))
    cost = drift.at_start(*start)
    floats = np.array([[[-float(e / gamma) for e in row] for row in matrix] for matrix in matrices.values()])
    offset = np.zeros(floats.shape[1:])
    offset[_G_PLACE, _G_PLACE] = -1.0
    found = semidefinite.smallest_bound(np.array([float(cost[n] / (gamma * K)) for n in matrices]), floats, offset)
    if found is None:
        return None
    weights = {name: _short(value) for name, value in zip(matrices, found, strict=True)}
    rest = schur_complement(slack(matrices, weights, gamma, Fraction(0)))
    if rest is None:
        return None
    tau = max(_above(-rest), Fraction(0))
    transient = _above(sum((cost[n] * weights[n] for n in matrices), Fraction(0)) / (gamma * K))
    result = Certified(transient + tau, transient, tau, weights, matrices, cost, gamma, K)
    return result if result.verify() else None


def _short(value: float) -> Fraction:
    """A rational with few digits near a weight: exact arithmetic stays fast."""
    mantissa, exponent = np.frexp(value)
    return Fraction(int(mantissa * 2**30)) * Fraction(2) ** (int(exponent) - 30)


def _above(value: Fraction) -> Fraction:
    """A short rational at or above a value, within 2^-60 of it."""
    if value <= 0:
        return Fraction(0) if value == 0 else -_below(-value)
    shift = 60 - (value.numerator.bit_length() - value.denominator.bit_length())
    scaled = value * Fraction(2) ** shift
    return Fraction(-(-scaled.numerator // scaled.denominator)) / Fraction(2) ** shift


def _below(value: Fraction) -> Fraction:
    shift = 60 - (value.numerator.bit_length() - value.denominator.bit_length())
    scaled = value * Fraction(2) ** shift
    return Fraction(scaled.numerator // scaled.denominator) / Fraction(2) ** shift
