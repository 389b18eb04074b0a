"""What smoothing does to the three mean directions: Lipschitz moves, integrated over the displacement.

The mean of a surrogate is a derivative of G or F at a displaced point, by Stein's identity. The displacement is read
off the points that the surrogate asks for: radii times independent directions, and a part s in [0, 1] of the step
along v. A derivative with Lipschitz constant H moves by at most H times the displacement, whose mean length is at most
the root of its mean square (Jensen's inequality).
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from ..estimators.isserlis import RANDOM, expectation, form
from ..estimators.presets import Preset
from ..estimators.surrogates import Surrogate
from ..symbols import H_xz, H_zx, H_zz, R, eta, h, h_bar, m_xx, m_zz
from .state import Linear

__all__ = ["mean_of_v", "mean_of_x", "mean_of_x_at_point", "mean_of_z"]

#: |w|, and the part of a step that a difference averages over.
_length, _part = sp.symbols("length part", nonnegative=True)
#: Mean of the part of a step: the integral of s over [0, 1].
_HALF = sp.integrate(_part, (_part, 0, 1))


def _names(surrogate: Surrogate) -> set[str]:
    return {name for _, moves in surrogate.queries for name, _ in moves}


def _shift(names: set[str], radius: Any) -> Any:
    """Root mean square of radius times a sum of independent normal directions, of which each has E|w|^2 = dimension."""
    squares = [expectation(form(name, name)).expression for name in sorted(names & set(RANDOM))]
    return radius * sp.sqrt(sp.Add(*squares))


def mean_of_z() -> Linear:
    """|E D_z| at z*, where G_z = 0 and the first-order term is odd in w.

    D_z averages G_z(z* + h w), which is the integral of (G_zz(z* + s h w) - G_zz(z*)) h w over s, in the mean.
    """
    inside = sp.integrate(H_zz * (_part * h * _length) * (h * _length), (_part, 0, 1))
    return Linear.of(one=inside.coeff(_length, 2) * expectation(form("w", "w")).expression)


def mean_of_v(preset: Preset, along: Linear, curved: bool) -> Linear:
    """|E D_v - (A v + F_z) - ...| beside the moves by z - z*: F_z, and G_zz v*.

    Parameters
    ----------
    preset : the surrogates.
    along : bound on the step along v over h_bar, |v| / max(1, |v|) or |v|.
    curved : whether G_zz moves.
    """
    total = Linear.of(one=m_zz * _shift(_names(preset.outer[0]), h))
    if curved:
        names = _names(preset.inner[1])
        total += Linear.of(one=H_zz * R * _shift(names, h))
        if "v" in names:
            total += along.scaled(H_zz * R * _HALF * h_bar)
    return total


def mean_of_x(preset: Preset, along: Linear, curved: bool) -> Linear:
    """|E D_x - (G_xz v + F_x)| at v = v*; parameters as of :func:`mean_of_v`."""
    total = Linear.of(one=m_xx * _shift(_names(preset.outer[1]), eta))
    if curved:
        names = _names(preset.inner[2])
        total += Linear.of(one=R * (H_zx * _shift(names & {"u"}, eta) + H_xz * _shift(names - {"u"}, h)))
        if "v" in names:
            total += along.scaled(H_xz * R * _HALF * h_bar)
    return total


def mean_of_x_at_point(preset: Preset, norm: Linear, along: Linear, curved: bool) -> Linear:
    """The same at any v, for differences along v: ``norm`` bounds |v|, ``along`` |v| times the step along v."""
    total = Linear.of(one=m_xx * _shift(_names(preset.outer[1]), eta))
    if curved:
        total += norm.scaled(H_zx * _shift(_names(preset.inner[2]) & {"u"}, eta)) + along.scaled(H_xz * _HALF * h_bar)
    return total
