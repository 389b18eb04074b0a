"""HF-ZOBA: the Hessian-free variant, which differentiates gradient surrogates along v."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.estimators import average, difference_along, forward_difference
from zoba_bench.oracle import Points
from zoba_bench.solvers.single_loop import Directions, SingleLoop, State, Surrogates
from zoba_bench.validation import check_positive

__all__ = ["HfZoba", "HfZobaShared"]


@dataclass(frozen=True)
class HfZoba(SingleLoop):
    """HF-ZOBA with the published defaults.

    Parameters beside those of :class:`~zoba_bench.solvers.single_loop.SingleLoop`

    h_bar : float
        Step along v of the difference of two gradient surrogates with the same
        directions and samples.
    normalize_h_bar : bool
        Use h_bar / max(1, |v|), which keeps the bias uniform in v.

    Problem class: smooth F, smooth G strongly convex in z; values only, exact or of samples.
    Assumptions: those of ``zoba`` (A1 to A6 of theorem "hf-zoba"); for curved G ``normalize_h_bar`` or ``v_radius``.
    Cost: b1 (4 l1 + 2) evaluations of G and b2 (2 l2 + 1) of F an iteration.
    Rate: O((p + d) / eps^2) evaluations for |grad Psi|^2 <= eps with exact values (derived here, theorem "hf-zoba",
    with constants); the abstract promises an improvement over ZOBA and no order.
    Directions: every law, since each surrogate is a mean of ww' or uu' times a derivative, up to the radii.
    Source: arXiv 2601.21836 (abstract) and its authors' public code.
    """

    h_bar: float = 1e-3
    normalize_h_bar: bool = False
    name: ClassVar[str] = "hf-zoba"
    rate: ClassVar[str] = "derived"
    arrays_at_once: ClassVar[tuple[int, int]] = (5, 4)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("h_bar", self.h_bar)

    def surrogates(self, state: State, directions: Directions) -> Surrogates:
        """See :class:`Surrogates`. z moves by h and by h_bar v, x by eta."""
        oracle, sample = state.oracle, directions.inner_sample
        w, u = directions.w, directions.u
        h, eta = self.h, self.outer_radius(oracle.p, oracle.d)
        z, x = state.z[:, None, None, :], state.x[:, None, None, :]
        v = state.v[:, None, None, :]
        h_bar = self.h_bar / np.maximum(1.0, np.sqrt(np.vecdot(v, v))) if self.normalize_h_bar else self.h_bar
        z_v = z + (h_bar[..., None] if isinstance(h_bar, np.ndarray) else h_bar) * v
        hw, x_u = h * w, x + eta * u

        def points() -> Iterator[Points]:
            yield z, x
            yield z + hw, x
            yield z, x_u
            yield z_v, x
            yield z_v + hw, x
            yield z_v, x_u

        g, g_w, g_u, g_v, g_v_w, g_v_u = self.values(
            "inner", state, points(), max(w.size, u.size), sample, {0: "g", 3: "g_v"}
        )
        f_z, f_x = self.outer_surrogates(state, directions)

        # D_z = g_z(z), the mean of [g(z + h w, x) - g(z, x)] / h w, and g_x likewise along u
        # H v = [g_z(z + h_bar v) - g_z(z)] / h_bar;  C v = [g_x(z + h_bar v) - g_x(z)] / h_bar
        # with the same directions and samples at both points; f_z and f_x are forward differences of f
        along_w = forward_difference(g_w, g, h)
        along_u = forward_difference(g_u, g, eta)
        return Surrogates(
            inner_gradient=average(along_w, w),
            hessian_v=average(difference_along(forward_difference(g_v_w, g_v, h), along_w, h_bar), w),
            cross_v=average(difference_along(forward_difference(g_v_u, g_v, eta), along_u, h_bar), u),
            outer_gradient_z=f_z,
            outer_gradient_x=f_x,
        )


@dataclass(frozen=True)
class HfZobaShared(HfZoba):
    """HF-ZOBA whose outer surrogates use all the inner directions (l2 = l1 by default).

    With exact values every surrogate is (1/l) sum ww' or (1/l) sum uu' times the exact
    direction, so the noise vanishes with the direction itself (this project's analysis). With
    ``law="orthogonal"`` and l1 a multiple of p and of d those means are I: up to the radii, SOBA.
    ``l2=None`` follows ``l1``.

    Problem class: smooth F, smooth G strongly convex in z; values only, exact or of samples.
    Assumptions: those of ``zoba`` (A1 to A6 of theorem "hf-zoba-shared").
    Cost: b1 (4 l1 + 2) evaluations of G and b2 (2 l1 + 1) of F an iteration.
    Rate: O((p + d) / eps) evaluations for |grad Psi|^2 <= eps with exact values, linear for quadratic F and G
    with strongly convex Psi (derived here, theorem "hf-zoba-shared", with constants).
    Source: the iteration of arXiv 2601.21836 with the directions of its authors' code at l2 = l1.
    """

    l2: int | None = None  # type: ignore[assignment]
    normalize_h_bar: bool = True
    name: ClassVar[str] = "hf-zoba-shared"
    rate: ClassVar[str] = "derived"

    def __post_init__(self) -> None:
        if self.l2 is None:
            object.__setattr__(self, "l2", self.l1)
        super().__post_init__()
        if self.l2 != self.l1 or self.outer_directions != "shared":
            raise ValueError(
                f"hf-zoba-shared needs l2 = l1 and outer_directions='shared', got l1={self.l1}, "
                f"l2={self.l2}, outer_directions={self.outer_directions!r}; use hf-zoba for anything else"
            )
