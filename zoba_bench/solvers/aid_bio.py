"""AID-BiO: approximate implicit differentiation by warm-started conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.solvers.base import State
from zoba_bench.solvers.hypergradient import HypergradientDescent

__all__ = ["AidBio", "conjugate_gradients"]


@dataclass(frozen=True)
class AidBio(HypergradientDescent):
    """AID-BiO: warm-started gradient steps on z and conjugate gradients on G_zz v = -F_z.

    Parameters beside those of :class:`~zoba_bench.solvers.hypergradient.HypergradientDescent`

    N : int
        Steps of conjugate gradients an iteration, from where v ended.

    Problem class: smooth F, smooth G strongly convex in z, on the whole space; finite sums by their exact means.
    Assumptions: Lipschitz gradients of F and G, Lipschitz G_zz and G_xz, Lipschitz F, Psi bounded below; for the rate
    D and N so large that the inner loop shrinks by theta/2 and conjugate gradients by theta <= 1/4 (theorem "aid-bio").
    Cost: D inner gradients, N + 1 products with G_zz (one for the residual at the warm start), one with G_xz and
    one gradient of F (both blocks) an iteration.
    Rate: at alpha = 1/L and beta = 1/(2 L_Phi) the mean of |grad Psi|^2 over K iterations is at most
    (4 L_Phi gap + 2 theta^2 U_0^2)/K, derived here (theorem ``aid-bio``): O(kappa^4 / eps) inner gradients up to a
    logarithm. The published (64 L_Phi gap + 5 Delta_0)/K at beta = 1/(8 L_Phi) is recalled, not proved here.
    Source: Algorithm 1 of arXiv 2010.07962 (recalled) and github.com/JunjieYang97/stocBiO.
    Deviations: the paper's v solves G_zz v = F_z; here v has the opposite sign, as the adjoint v* of this project,
    and the hypergradient is F_x + G_xz v. The released code hands no v on to its conjugate gradients; here, as in the
    algorithm, they go on from the last one.
    """

    N: int = 10
    name: ClassVar[str] = "aid-bio"
    rate: ClassVar[str] = "derived"
    cost_options: ClassVar[tuple[str, ...]] = ("N", "D")
    loop_options: ClassVar[tuple[str, ...]] = ("D", "N")

    def hypergradient(self, state: State) -> tuple[Array, Array, Array]:
        """See :meth:`HypergradientDescent.hypergradient`."""
        oracle, x, z = state.oracle, state.x, state.z
        # y_k^t = y_k^{t-1} - alpha grad_y g(x_k, y_k^{t-1}), t = 1..D, from y_k^0 = y_{k-1}^D.
        for _ in range(self.D):
            z = z - self.alpha * oracle.inner_grad_z(z, x)
        # v_k^N: N steps of conjugate gradients from v_k^0 = v_{k-1}^N.
        v = conjugate_gradients(lambda u: oracle.inner_hvp_zz(z, x, u), -oracle.outer_grad_z(z, x), state.v, self.N)
        # grad_x f(x_k, y_k^D) - grad_x grad_y g(x_k, y_k^D) v_k^N, with the sign of v here.
        return z, v, oracle.outer_grad_x(z, x) + oracle.inner_jvp_xz(z, x, v)


def conjugate_gradients(apply: Callable[[Array], Array], target: Array, start: Array, steps: int) -> Array:
    """Steps of conjugate gradients on ``apply(v) = target`` for R systems at once, each with its own step lengths.

    ``steps + 1`` applications. A system whose residual is zero stays where it is.

    Parameters
    ----------
    apply : callable((R, p)) -> (R, p), symmetric positive definite for each of the R systems.
    target, start : (R, p) arrays
    steps : int
    """
    v = start
    residual = target - apply(v)
    direction, square = residual, np.vecdot(residual, residual)
    for _ in range(steps):
        image = apply(direction)
        length = _quotient(square, np.vecdot(direction, image))[:, None]
        v = v + length * direction
        residual = residual - length * image
        previous, square = square, np.vecdot(residual, residual)
        direction = residual + _quotient(square, previous)[:, None] * direction
    return v


def _quotient(numerator: Array, denominator: Array) -> Array:
    """The quotient, and 0 where the denominator is 0."""
    zero = np.zeros_like(numerator)
    return np.divide(numerator, denominator, out=zero, where=denominator != 0)
