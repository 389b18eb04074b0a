"""ZOBA: single-loop zeroth-order bilevel optimisation with second-difference Hessian surrogates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from zoba_bench.estimators import (
    average,
    central_difference,
    cross_action,
    hessian_action,
    project,
    second_difference,
)
from zoba_bench.oracle import Points
from zoba_bench.solvers.single_loop import Directions, SingleLoop, State, Surrogates

__all__ = ["Zoba", "ZobaTuned"]


@dataclass(frozen=True)
class Zoba(SingleLoop):
    """ZOBA with the published defaults.

    Problem class: smooth F, smooth G strongly convex in z; values only, exact or of samples.
    Assumptions: A1 to A6 of theorem "zoba": Lipschitz Hessian of G, bounded Hessian of F, |v*| <= R (or, with quadratic
    G, <= R_0 + R_g |grad Psi|), Psi bounded below, samples of bounded spread.
    Cost: b1 (4 l1 + 1) evaluations of G and b2 (2 l2 + 1) of F an iteration.
    Rate: O((p + d) (p^2 + d^2) / eps^2) evaluations for |grad Psi|^2 <= eps with exact values (derived here, theorem
    "zoba", with constants); O(p (p + d)^2 / eps^2) (quoted from the abstract).
    Directions: Gaussian only. The mean of s [(w'v) w - v] is (M(A) - tr(A) I) v / 2 for the Hessian A, M as in
    :mod:`zoba_bench.directions`, and that is A v for the Gaussian M(A) = tr(A) I + 2 A alone.
    Source: arXiv 2601.21836 (abstract) and its authors' public code.
    """

    name: ClassVar[str] = "zoba"
    rate: ClassVar[str] = "derived"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.law != "gaussian":
            raise ValueError(
                f"{self.name} needs law='gaussian', got law={self.law!r}: its Hessian surrogate s [(w'v) w - v] is "
                "unbiased for Gaussian directions only; use zoba-mixed, hf-zoba or hf-zoba-shared with other laws"
            )

    def surrogates(self, state: State, directions: Directions) -> Surrogates:
        """See :class:`Surrogates`. z moves by h, x by eta."""
        oracle, sample = state.oracle, directions.inner_sample
        w, u = directions.w, directions.u
        h, eta = self.h, self.outer_radius(oracle.p, oracle.d)
        z, x = state.z[:, None, None, :], state.x[:, None, None, :]
        hw, eta_u = h * w, eta * u
        z_plus, z_minus = z + hw, z - hw

        def points() -> Iterator[Points]:
            yield z, x
            yield z_plus, x
            yield z_minus, x
            yield z_plus, x + eta_u
            yield z_minus, x - eta_u

        g, g_plus, g_minus, g_both_plus, g_both_minus = self.values(
            "inner", state, points(), max(w.size, u.size), sample, {0: "g"}
        )
        f_z, f_x = self.outer_surrogates(state, directions)

        wv = project(w, state.v)
        # Means over b1 samples and l1 directions, with the second differences
        # s = [g(z + h w, x) + g(z - h w, x) - 2 g] / (2 h^2), c = [g(z + h w, x + eta u) + ... - 2 g] / (2 h eta):
        # D_z = [g(z + h w, x) - g(z - h w, x)] / (2 h) w;  H v = s ((w'v) w - v);  C v = c (w'v) u
        # Means over b2 samples and l2 directions:
        # f_z = [f(z + h w, x) - f] / h w;  f_x = [f(z, x + eta u) - f] / eta u
        return Surrogates(
            inner_gradient=average(central_difference(g_plus, g_minus, h), w),
            hessian_v=hessian_action(second_difference(g_plus, g_minus, g, h, h), wv, w, state.v),
            cross_v=cross_action(second_difference(g_both_plus, g_both_minus, g, h, eta), wv, u),
            outer_gradient_z=f_z,
            outer_gradient_x=f_x,
        )


@dataclass(frozen=True)
class ZobaTuned(Zoba):
    """ZOBA with the radius ratio that balances the cross surrogate's variance (this project's variant).

    Problem class: smooth F, smooth G strongly convex in z; values only, exact or of samples.
    Assumptions: those of ``zoba``, with ``curvature_ratio`` for L_xx / L_zz.
    Cost: b1 (4 l1 + 1) evaluations of G and b2 (2 l2 + 1) of F an iteration.
    Rate: O(p (p^2 + d^2) / eps^2) evaluations for |grad Psi|^2 <= eps with exact values (derived here, theorem
    "zoba-tuned", with constants).
    Source: the iteration of arXiv 2601.21836 and its authors' public code; the ratio is this project's.
    """

    radius_rule: str = "tuned"
    name: ClassVar[str] = "zoba-tuned"
    rate: ClassVar[str] = "derived"
