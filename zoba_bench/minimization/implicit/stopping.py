"""How far the solution may be: what a step, the model of Psi, noise, and biases can hide."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.inner import Inner
from zoba_bench.minimization.implicit.noise import Level
from zoba_bench.minimization.implicit.symmetric import Symmetric

__all__ = ["Hidden", "hidden", "ritz"]

_TRUSTED = 0.25  # least share of a step that the model of Psi may be wrong by


@dataclass(frozen=True)
class Hidden:
    """Parts of |x - x*| that a vanishing step does not show.

    Attributes
    ----------
    noise : two standard deviations of what noise in the values does; averaging lowers it.
    bias : what differences, old curvature and an inexact z do; averaging does not lower it.
    adjoint, inner : the parts of ``bias`` from v and from z, which a check can lower.
    """

    noise: float
    bias: float
    adjoint: float
    inner: float


def hidden(
    F: Level, G: Level, inner: Inner, B: Symmetric, unit: Array, *, v: Array, outer_z: Array, cross_norm: float,
    through: float, slope: float, z_error: float, v_error: float, four: bool,
) -> Hidden:  # fmt: skip
    """The error model.

    With s = -B^-1 grad the error of grad counts through |B^-1|. |C| ``cross_norm`` and not |C v| multiplies the error
    of v: C v nearly cancels F_x at a solution, C dv does not. ``through`` bounds |C G_zz^-1|, ``slope`` is the largest
    |change of F_z| / |change of z| along the run, ``z_error`` what remains of |z - z*(x)|, ``v_error`` the expected
    relative error of v.
    """
    frobenius, spectral = B.weighted_inverse(unit)
    size, least = float(np.linalg.norm(v)), inner.H.least
    root_d, root_p = math.sqrt(F.d), math.sqrt(F.p)
    mixed_noise = G.mixed_noise(four)
    sigma = math.hypot(F.gradient_noise, mixed_noise * size, through * slope * G.gradient_noise / least)
    direct = root_d * (F.gradient_bias + G.mixed_bias(four) * size)
    adjoint = v_error * min(through * float(np.linalg.norm(outer_z)), 4 * cross_norm * size)
    z_part = z_error * slope * through
    bias = direct + adjoint + z_part
    if F.noisy or G.noisy:
        entry = inner.H.entry_error
        curved = G.second_bias if G.noisy else 0.0
        start = G.gradient_bias if G.noisy else 0.0
        bias += through * (slope * root_p * start / least + size * root_p * (entry + curved / 2))
    return Hidden(2 * sigma * frobenius, bias * spectral, adjoint * spectral, z_part * spectral)


def ritz(pairs: list[tuple[Array, Array]]) -> float:
    """Smallest Ritz value of the Hessian on the span of the steps, from pairs (step, change of the gradient)."""
    if not pairs:
        return math.inf
    S, Y = (np.column_stack(part) for part in zip(*pairs, strict=True))
    lengths = np.linalg.norm(S, axis=0)
    Q, R = np.linalg.qr(S / lengths)
    keep = np.abs(np.diag(R)) > 0.1  # steps that nearly repeat each other amplify the errors of their pairs
    if not keep.any():
        return math.inf
    Q, R = np.linalg.qr((S / lengths)[:, keep])
    M = np.linalg.solve(R.T, (Q.T @ (Y / lengths)[:, keep]).T)
    return float(np.linalg.eigvalsh((M + M.T) / 2).min())
