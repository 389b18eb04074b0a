"""Drift of a Lyapunov function with Psi at a virtual iterate, from which the noise of v is averaged out.

x follows v, whose error has a mean square of order rho times the noise of D_v. Over many steps these errors cancel, and
x keeps a part of order gamma. The inequality of x does not see that, for it speaks of one step. The virtual iterate

    y = x - (gamma/rho) C A^-1 (v - v*(x)),    A = G_zz and C = G_xz, which are constant where G is quadratic,

moves as if there were no v: C (v - v*) cancels from its mean step, and the noise of D_v enters times gamma. So two
weights come to those of ``drift``: s_y, of Psi(y) - inf Psi, and o_y, which is s_y times the free number of the
inequality of y. The state is (a, b, g, D, E, 1): E is the norm of the mean direction of y, all else is about x.

z* is affine with Jacobian -A^-1 C', so that |C A^-1| <= k_z: nothing more needs to be known of the problem.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..proof.rational import root_above
from .drift import Drift
from .run import Run
from .state import Linear

__all__ = ["VirtualDrift", "applies"]

_HALF = Fraction(1, 2)
_B, _G = (Linear.of(**{name: 1}).widened() for name in "bg")
_E = Linear.of().widened(1)


def applies(constants: Any, run: Run) -> bool:
    """Whether y has its recursion: G is quadratic, v is not projected, and Psi is smooth wherever y is.

    A radius bounds x, not y.
    """
    return constants.bound("H") == 0 and run.v_radius is None and constants.radius == float("inf")


class VirtualDrift(Drift):
    """The quadratic forms of the drift of W = s (Psi(x) - inf) + s_y (Psi(y) - inf) + phi_a a^2 + phi_b b^2."""

    @property
    def lag(self) -> Any:
        """|x - y| is at most this times b."""
        return self.step.gamma / self.step.rho * self.step.k_z

    @property
    def direction_error(self) -> Linear:
        """Bound on |E - grad Psi(x)|, E the mean direction of y; b is not in it."""
        q = self.step
        moved = Linear.of(D=q.k_v * q.gamma) + q.moved_v
        through_v = Linear.of(a=q.M_v) + q.bias_v + moved.scaled(1 / q.rho)
        return Linear.of(a=q.M_x) + q.bias_x + through_v.scaled(q.k_z)

    def _noise(self) -> list[tuple[Any, Linear, Linear]]:
        """Bound on the variance of y+: the noises of D_x, which moves v* too, and of D_v."""
        q = self.step
        of_x = q.x.scaled(q.gamma * (1 + self.lag * q.k_v)).widened()
        of_v = q.v.scaled(q.gamma * q.k_z).widened()
        return [(1, of_x, of_x), (1, of_v, of_v)] if q.independent else [(1, of_x + of_v, of_x + of_v)]

    def terms(self) -> dict[str, list[tuple[Any, Linear, Linear]]]:
        """Quadratic form by weight, as sums of products of linear forms."""
        q, e = self.step, self.direction_error.widened()
        before = {
            name: [(factor, one.widened(), two.widened()) for factor, one, two in terms]
            for name, terms in super().terms().items()
        }
        descent = [(q.gamma, e, e), (-q.gamma, _G, _G), (-q.gamma, _E, _E)]
        smooth = q.L_Psi * _HALF
        return before | {
            "s_y": [
                *((_HALF * factor, one, two) for factor, one, two in descent),
                (q.gamma * q.L_Psi * self.lag, _B, _E),
                (smooth * q.gamma**2, _E, _E),
                *((smooth * factor, one, two) for factor, one, two in self._noise()),
            ],
            "o_y": [*descent, (2 * q.gamma, _G, _E)],
        }

    def at_start(self, gap: Fraction, a_0: Fraction, b_0: Fraction) -> dict[str, Fraction]:
        """W_0 by weight; |grad Psi(x_0)|^2 <= 2 L_Psi gap, and y_0 is at most lag b_0 away."""
        distance, L = self.lag * b_0, self.step.L_Psi
        gap_y = gap + root_above(2 * L * gap) * distance + _HALF * L * distance**2
        return super().at_start(gap, a_0, b_0) | {"s_y": gap_y, "o_y": Fraction(0)}
