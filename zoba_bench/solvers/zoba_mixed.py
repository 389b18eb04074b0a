"""ZOBA with mixed differences: the Hessian surrogates' variance drops from cubic to quadratic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from zoba_bench.estimators import (
    average,
    central_difference,
    cross_action,
    mixed_difference,
    project,
)
from zoba_bench.oracle import Points
from zoba_bench.solvers.single_loop import Directions, SingleLoop, State, Surrogates

__all__ = ["ZobaMixed"]


@dataclass(frozen=True)
class ZobaMixed(SingleLoop):
    """Variant of ZOBA whose two Hessian surrogates are mixed differences (this project's variant).

    G_zz v is estimated by k (w'v) w2 with independent w, w2 and G_xz v by c (w'v) u, where
    k and c are mixed differences along (w, w2) and (w, u).
    Problem class: smooth F, smooth G strongly convex in z; values only, exact or of samples.
    Assumptions: those of ``zoba`` (A1 to A6 of theorem "zoba-mixed").
    Directions: every law; w, w2 and u are independent draws, and unbiasedness needs E ww' = I only.
    Cost: b1 (6 l1 + 1) evaluations of G and b2 (2 l2 + 1) of F an iteration.
    Rate: O(p (p + d) / eps^2) evaluations for |grad Psi|^2 <= eps with exact values (derived here, theorem
    "zoba-mixed", with constants).
    Source: the iteration of arXiv 2601.21836 with other surrogates, which are this project's.
    """

    name: ClassVar[str] = "zoba-mixed"
    rate: ClassVar[str] = "derived"
    needs_second_directions: ClassVar[bool] = True
    arrays_at_once: ClassVar[tuple[int, int]] = (9, 5)

    def surrogates(self, state: State, directions: Directions) -> Surrogates:
        """See :class:`Surrogates`. z moves by h, x by eta."""
        oracle, sample = state.oracle, directions.inner_sample
        w, u, w2 = directions.w, directions.u, directions.second_w
        assert w2 is not None  # drawn because needs_second_directions is set
        h, eta = self.h, self.outer_radius(oracle.p, oracle.d)
        z, x = state.z[:, None, None, :], state.x[:, None, None, :]
        hw, hw2, x_u = h * w, h * w2, x + eta * u
        z_w, z_w2 = z + hw, z + hw2

        def points() -> Iterator[Points]:
            yield z, x
            yield z_w, x
            yield z - hw, x
            yield z_w2, x
            yield z_w + hw2, x
            yield z, x_u
            yield z_w, x_u

        g, g_plus, g_minus, g_w2, g_w_w2, g_u, g_w_u = self.values(
            "inner", state, points(), max(w.size, u.size), sample, {0: "g"}
        )
        f_z, f_x = self.outer_surrogates(state, directions)

        wv = project(w, state.v)
        # D_z, f_z and f_x as in ZOBA; H v = k (w'v) w2 and C v = c (w'v) u with
        # k = [g(z + h w + h w2, x) - g(z + h w, x) - g(z + h w2, x) + g] / h^2,
        # c = [g(z + h w, x + eta u) - g(z + h w, x) - g(z, x + eta u) + g] / (h eta)
        return Surrogates(
            inner_gradient=average(central_difference(g_plus, g_minus, h), w),
            hessian_v=cross_action(mixed_difference(g_w_w2, g_plus, g_w2, g, h, h), wv, w2),
            cross_v=cross_action(mixed_difference(g_w_u, g_plus, g_u, g, h, eta), wv, u),
            outer_gradient_z=f_z,
            outer_gradient_x=f_x,
        )
