"""Wrong versions of the first-order rivals, made as in :mod:`zoba_bench.verification.wrong_solvers`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.solvers.amigo import Amigo
from zoba_bench.solvers.bome import Bome
from zoba_bench.solvers.bsa import Bsa, Ttsa
from zoba_bench.solvers.iaptt import IapttGm
from zoba_bench.solvers.periodic import Srba, Vrbo
from zoba_bench.solvers.recursions import Fsla, Mrbo, Sustain
from zoba_bench.verification.wrong_solvers import (
    WRONG_SOLVERS,
    _after,
    _asking,
    _at_old_z,
    _free,
    _last,
    _late,
    _paired,
    _register,
    _scaled,
)

__all__ = ["WRONG_SOLVERS"]

_EVERY: tuple[Any, ...] = (Amigo, Bsa, Ttsa, Sustain, Mrbo, Fsla, Srba, Vrbo, Bome, IapttGm)
for _base in _EVERY:
    _late(_base)
    _last(_base)
    if _base not in (Bome, IapttGm):  # which draw nothing
        _after(_base, "paired", "Replicates are identical in pairs.", _paired)
    _asking(_base, "unprojected", "x is not projected onto X.", _free)


def _at_old_x(name: str) -> Callable[[Any, Any], dict[str, Callable[..., Any]]]:
    def queries(self: Any, state: Any) -> dict[str, Callable[..., Any]]:
        query = getattr(state.oracle, name)
        return {
            name: lambda z, x, *more, **named: query(z, state.x if x.ndim == 2 else state.x[:, None], *more, **named)
        }

    return queries


def _without_memory(*names: str) -> Callable[[Any, Any, Any], Any]:
    """The next state has lost these directions."""
    return lambda self, state, right: replace(right, **{name: 0 * getattr(right, name) for name in names})


def _cold_system(self: Any, state: Any) -> Any:
    return Amigo.step(self, replace(state, v=np.zeros_like(state.v)))


_register(Amigo, "cold", "The steps on v start at zero, not where they ended.", step=_cold_system)
_asking(Amigo, "stale", "F_z is taken at the z before the inner steps.", _at_old_z("outer_grad_z"))
_asking(Bsa, "old-x", "The inner steps are taken at the old x.", _at_old_x("inner_grad_z"))
_asking(Ttsa, "stale", "F_z is taken at the z before the inner step.", _at_old_z("outer_grad_z"))
for _base in (Bsa, Ttsa):
    _asking(_base, "sign", "The implicit part has the opposite sign.", _scaled("inner_jvp_xz", -1.0))
for _base in (Sustain, Mrbo):
    _after(_base, "forgetful", "The remembered directions are lost.", _without_memory("d_z", "d_x"))
_after(Fsla, "forgetful", "The remembered direction is lost.", _without_memory("d_x"))
_after(
    Sustain, "stale", "The differences are to the first point, not to the last one.",
    lambda self, state, right: replace(right, z_old=state.z_old, x_old=state.x_old),
)  # fmt: skip
_after(
    Fsla, "stale", "The differences are to the first x, not to the last one.",
    lambda self, state, right: replace(right, x_old=state.x_old),
)  # fmt: skip
_register(
    Mrbo, "short-series", "The Neumann series has one product less.",
    kind=lambda self: (self.N, "sum"),
)  # fmt: skip


def _earlier(*names: str) -> Callable[[Any, Any, Any], Any]:
    """The next state keeps the earlier points."""
    return lambda self, state, right: replace(right, **{name: getattr(state, name) for name in names})


_after(Srba, "forgetful", "The remembered directions are lost.", _without_memory("d_z", "d_v", "d_x"))
_after(Srba, "stale", "The differences are to the first point.", _earlier("z_old", "v_old", "x_old"))
_after(Vrbo, "forgetful", "The remembered directions are lost.", _without_memory("d_z", "d_x"))
_after(Vrbo, "stale", "The differences are to the first point.", _earlier("z_old", "x_old"))
_register(
    Vrbo, "short-series", "The Neumann series has one product less.",
    step=lambda self, state: Vrbo.step(replace(self, N=max(1, self.N - 1)), state),
)  # fmt: skip
_register(
    Bome, "half-penalty", "phi is half of what eta says.",
    step=lambda self, state: Bome.step(replace(self, eta=self.eta / 2), state),
)  # fmt: skip
_register(
    Bome, "stale", "y is one step short.",
    step=lambda self, state: Bome.step(replace(self, inner_steps=max(1, self.inner_steps - 1)), state),
)  # fmt: skip


def _largest_last(self: Any, state: Any) -> dict[str, Callable[..., Any]]:
    """Each value of F is larger than those before it."""
    number = iter(range(self.inner_steps))
    return {"outer": lambda z, x: 0 * state.oracle.outer(z, x) + next(number)}


_asking(IapttGm, "last-point", "The whole path is differentiated, wherever F is largest.", _largest_last)
_after(
    IapttGm, "fixed-start", "The start of the path does not move.",
    lambda self, state, right: replace(right, start=state.start),
)  # fmt: skip
