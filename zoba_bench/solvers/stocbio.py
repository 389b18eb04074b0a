"""stocBiO: stochastic inner steps and a Neumann sum of Hessian products over independent batches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import State, batch_mean
from zoba_bench.solvers.hypergradient import HypergradientDescent
from zoba_bench.validation import check_count, check_positive

__all__ = ["StocBio"]


@dataclass(frozen=True)
class StocBio(HypergradientDescent):
    """stocBiO: stochastic gradient steps on z, and a Neumann sum of Q Hessian products for the adjoint.

    Parameters beside those of :class:`~zoba_bench.solvers.hypergradient.HypergradientDescent`

    eta : float
        Step of the Neumann sum.
    Q : int
        Hessian products of the sum.
    S, D_f, D_g, B : int or None
        Samples of an inner gradient, of the gradient of F, of the product with G_xz, and of the Hessian product that
        is applied first; None takes the exact mean. On a level without samples every derivative is exact.
    B_ratio : float
        Each Hessian batch is this many times the one before, rounded up; the paper's sizes fall by 1 - eta mu.

    Problem class: smooth F, smooth G strongly convex in z, on the whole space; finite sums with derivatives of
    single samples, or exact values.
    Assumptions: Lipschitz gradients of F and G, Lipschitz G_zz and G_xz, Lipschitz F, Psi bounded below, bounded
    variance of the inner gradients, eta <= 1/L (theorem "stocbio").
    Cost: D S inner gradients, B (1 + B_ratio + ... + B_ratio^(Q-1)) products with G_zz (rounded up term by term), D_g
    with G_xz and D_f gradients of F (both blocks) an iteration; D, Q, 1 and 1 with exact values.
    Rate: at alpha = 2/(L + mu), eta = 1/L and beta = 1/L_Phi the mean of E|grad Psi|^2 over K iterations is at most
    2 L_Phi gap/K plus the bias 2 kappa^2 M^2 (1 - eta mu)^(2 Q + 2), the inner error and the variance, derived here
    (theorem ``stocbio``): O(kappa^9 / eps^2) inner gradients up to a logarithm. The published bound is recalled, not
    proved here.
    Source: Algorithms 2 and 3 of arXiv 2010.07962 (recalled) and github.com/JunjieYang97/stocBiO.
    Deviations: the paper's v solves G_zz v = F_z; here v has the opposite sign, as the adjoint v* of this project, and
    the hypergradient is F_x + G_xz v. Of the released ``stocbio()`` four things are not taken over: its sum has lost
    the step eta and the first term F_z, it adds the last term once more with eta, it applies one Hessian batch Q
    times, which biases the products, and it leaves F_x out.
    """

    eta: float = 0.5
    Q: int = 10
    S: int | None = 100
    D_f: int | None = 100
    D_g: int | None = 100
    B: int | None = 100
    B_ratio: float = 1.0
    name: ClassVar[str] = "stocbio"
    rate: ClassVar[str] = "derived"
    cost_options: ClassVar[tuple[str, ...]] = ("Q", "D", "S", "D_f", "D_g", "B")
    loop_options: ClassVar[tuple[str, ...]] = ("D", "Q")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("eta", self.eta)
        for name in ("S", "D_f", "D_g", "B"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        check_positive("B_ratio", self.B_ratio)
        if self.B_ratio > 1:
            raise ValueError(f"B_ratio must be at most 1, for batches that do not grow, got {self.B_ratio!r}")

    def lacking(self, problem: BilevelProblem) -> list[str]:
        """What the solver needs that the problem does not have; of a finite sum, derivatives of its samples."""
        missing = super().lacking(problem)
        if problem.stochastic and not problem.capabilities.sampled_derivatives:
            missing.append(f"derivatives of single samples; {problem.name} declares those of the means only")
        return missing

    def _inner_steps(self) -> tuple[str, ...]:
        return ("alpha", "eta")

    def hessian_batches(self) -> list[int | None]:
        """Sizes of the Q Hessian batches, the one that is applied first first."""
        # 1e-9: a size that is an integer up to rounding is that integer.
        return [
            None if self.B is None else max(1, math.ceil(self.B * self.B_ratio**j * (1 - 1e-9))) for j in range(self.Q)
        ]

    def hypergradient(self, state: State) -> tuple[Array, Array, Array]:
        """See :meth:`HypergradientDescent.hypergradient`."""
        oracle, rng, x, z = state.oracle, state.rng, state.x, state.z

        def inner_batch(size: int | None) -> NDArray[np.int64] | None:
            return None if size is None else oracle.draw_inner(rng, size)

        # y_k^t = y_k^{t-1} - alpha grad_y G(x_k, y_k^{t-1}; S_{t-1}), t = 1..D, from y_k^0 = y_{k-1}^D.
        for _ in range(self.D):
            z = z - self.alpha * batch_mean(oracle.inner_grad_z, z, x, sample=inner_batch(self.S))
        # r_Q = grad_y F(x_k, y_k^D; D_F), and grad_x F with the same batch.
        outer_batch = None if self.D_f is None else oracle.draw_outer(rng, self.D_f)
        r = batch_mean(oracle.outer_grad_z, z, x, sample=outer_batch)
        f_x = batch_mean(oracle.outer_grad_x, z, x, sample=outer_batch)
        # r_{i-1} = r_i - eta grad_y^2 G(x_k, y_k^D; B_i) r_i, i = Q..1, a new batch for each; v_Q = eta sum r_i.
        total = r
        for size in self.hessian_batches():
            r = r - self.eta * batch_mean(oracle.inner_hvp_zz, z, x, r, sample=inner_batch(size))
            total = total + r
        v = -self.eta * total
        # grad_x F(x_k, y_k^D; D_F) - grad_x grad_y G(x_k, y_k^D; D_G) v_Q, with the sign of v here.
        return z, v, f_x + batch_mean(oracle.inner_jvp_xz, z, x, v, sample=inner_batch(self.D_g))
