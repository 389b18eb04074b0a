"""Wrong versions of the zeroth-order rivals, see :mod:`zoba_bench.verification.wrong_solvers`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.solvers.gfm import Gfm
from zoba_bench.solvers.structured import OZd, SSzd
from zoba_bench.solvers.subspaces import Lozo, MezoBcd
from zoba_bench.solvers.vrzsbo import VrzsboLike
from zoba_bench.solvers.zo_sogd import ZoSogd
from zoba_bench.verification.wrong_first_order import WRONG_SOLVERS
from zoba_bench.verification.wrong_solvers import _after, _asking, _free, _late, _paired, _register

__all__ = ["WRONG_SOLVERS"]

for _base in (ZoSogd, VrzsboLike, Gfm, SSzd, OZd, MezoBcd, Lozo):
    _late(_base)
    _asking(_base, "unprojected", "x is not projected onto X.", _free)
    _after(_base, "paired", "Replicates are identical in pairs.", _paired)


def _in_the_ball(self: Any, oracle: Any, rng: Any) -> Any:
    """Uniform in the ball: unit directions times U^(1/n); the differences stay along them."""
    drawn = ZoSogd.draw(self, oracle, rng)

    def shrunk(units: Array) -> Array:
        inside: Array = units * rng.random((*units.shape[:-1], 1)) ** (1 / units.shape[-1])
        return inside

    return drawn._replace(
        inner_r=shrunk(drawn.inner_r), inner_s=shrunk(drawn.inner_s),
        outer_r=shrunk(drawn.outer_r), outer_s=shrunk(drawn.outer_s),
    )  # fmt: skip


def _here_twice(base: Any) -> Any:
    """The earlier point is overwritten by the new one, as in the released GFM+."""

    def step(self: Any, state: Any) -> Any:
        return base.step(self, replace(state, last_z=state.z, last_v=state.v, last_x=state.x))

    return step


def _doubled_products(self: Any, oracle: Any, z: Array, v: Array, x: Array, xi: Any, zeta: Any) -> Any:
    d_z, d_v, d_x = VrzsboLike.directions(self, oracle, z, v, x, xi, zeta)
    _, f_z, f_x = VrzsboLike.directions(self, oracle, z, 0 * v, x, xi, zeta)
    return d_z, 2 * d_v - f_z, 2 * d_x - f_x


_register(ZoSogd, "ball", "Directions are uniform in the ball, with the factor of the sphere.", draw=_in_the_ball)
for _base in (ZoSogd, VrzsboLike):
    _register(_base, "same-point", "Both terms of the correction are taken at the new point.", step=_here_twice(_base))
_register(
    VrzsboLike, "half-step", "Differences along v are divided by h, not 2 h.",
    directions=_doubled_products,
)  # fmt: skip


# Descents on the value after an inner run.


def _scaled_slope(base: Any, factor: Callable[[Any, Any], float]) -> Any:
    """x moves along a multiple of the slope."""

    def moved(self: Any, state: Any, slope: Array, ends: Array) -> Any:
        return base.moved(self, state, factor(self, state) * slope, ends)

    return moved


def _other_direction(self: Any, state: Any) -> Any:
    """Where V is new, or x a vector at k = 0, U is drawn again for the update, as in the released trainers."""
    right = Lozo.step(self, state)
    if state.k % self.refresh:
        return right
    other = state.rng.standard_normal(right.momentum.shape)
    kept = self.beta * state.momentum if self.columns == 1 else 0.0
    lost = right.momentum - kept
    momentum = kept + np.sqrt(np.mean(lost**2)) * other
    slope = (momentum @ np.swapaxes(right.basis, 1, 2)).reshape(state.x.shape) / self.rank
    x = state.oracle.project_x(state.x - self.lengths(state.k)[0] * slope)
    return replace(right, x=x, momentum=momentum)


for _base in (Gfm, OZd):
    _register(
        _base, "no-factor", "The difference lacks the factor d.",
        moved=_scaled_slope(_base, lambda self, state: 1 / state.oracle.d),
    )  # fmt: skip
_register(
    SSzd, "short-columns", "The columns of P have length 1, not sqrt(d/l).",
    moved=_scaled_slope(SSzd, lambda self, state: self.l / state.oracle.d),
)  # fmt: skip
_register(
    MezoBcd, "long-block", "The step is multiplied with the number of blocks.",
    moved=_scaled_slope(MezoBcd, lambda self, state: float(self.blocks(state.oracle.d)[1])),
)  # fmt: skip
_register(
    Lozo, "no-rank", "The step lacks the factor 1/r.",
    moved=_scaled_slope(Lozo, lambda self, state: float(self.rank)),
)  # fmt: skip
_register(Lozo, "other-direction", "Where V is new, x moves along another U than was evaluated.", step=_other_direction)
