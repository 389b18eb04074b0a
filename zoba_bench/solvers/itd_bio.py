"""ITD-BiO: iterative differentiation, backwards through the inner gradient steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.solvers.base import State
from zoba_bench.solvers.hypergradient import HypergradientDescent

__all__ = ["ItdBio"]


@dataclass(frozen=True)
class ItdBio(HypergradientDescent):
    """ITD-BiO: the derivative in x of F(z^D(x), x) through D gradient steps, whose start counts as constant.

    Parameters: see :class:`~zoba_bench.solvers.hypergradient.HypergradientDescent`

    Problem class: smooth F, smooth G strongly convex in z, on the whole space; finite sums by their exact means.
    Assumptions: Lipschitz gradients of F and G, Lipschitz G_zz and G_xz, Lipschitz F, Psi bounded below (theorem
    "itd-bio").
    Cost: D inner gradients, D products with G_xz, D - 1 with G_zz (the one at z^0 would multiply nothing) and one
    gradient of F (both blocks) an iteration; memory of D vectors z.
    Rate: at alpha = 1/L and beta = 1/L_Phi the mean of |grad Psi|^2 over K iterations is at most
    2 L_Phi gap/K + B^2 exp(-D/kappa), derived here (theorem ``itd-bio``): a bias stays that only D makes small;
    O(kappa^4 / eps) inner gradients up to a logarithm. The published 16 L_Phi gap/K + 2 eps/3 at beta = 1/(4 L_Phi)
    is recalled, not proved here.
    Source: Algorithm 1 of arXiv 2010.07962 (recalled) and github.com/JunjieYang97/stocBiO.
    Deviations: the released hyperparameter code differentiates the last few steps only ("reverse" with hessian_q);
    here it is all D, as in the algorithm. v in the state is -alpha times the sum of the backward vectors b^t, which is
    what takes the place of the adjoint: it tends to v* with D, and the estimate is F_x + G_xz v where G_xz is constant.
    """

    name: ClassVar[str] = "itd-bio"
    rate: ClassVar[str] = "derived"
    cost_options: ClassVar[tuple[str, ...]] = ("D",)

    def hypergradient(self, state: State) -> tuple[Array, Array, Array]:
        """See :meth:`HypergradientDescent.hypergradient`."""
        oracle, x = state.oracle, state.x
        # y_k^t = y_k^{t-1} - alpha grad_y g(x_k, y_k^{t-1}), t = 1..D, from y_k^0 = y_{k-1}^D.
        path = [state.z]
        for _ in range(self.D):
            path.append(path[-1] - self.alpha * oracle.inner_grad_z(path[-1], x))
        z = path[-1]
        # grad_x f - alpha sum_t grad_x grad_y g(x_k, y_k^t) b^{t+1}, b^D = grad_y f(x_k, y_k^D) and
        # b^t = (I - alpha grad_y^2 g(x_k, y_k^t)) b^{t+1}: the products of the sum, from the right.
        b = oracle.outer_grad_z(z, x)
        h = oracle.outer_grad_x(z, x)
        v = np.zeros_like(z)
        for t in reversed(range(self.D)):
            h = h - self.alpha * oracle.inner_jvp_xz(path[t], x, b)
            v = v - self.alpha * b
            if t > 0:
                b = b - self.alpha * oracle.inner_hvp_zz(path[t], x, b)
        return z, v, h
