"""The outer variable: the Hessian of Psi from differences, trust-region steps inside of the bounds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.differences import second, third
from zoba_bench.minimization.implicit.noise import Level, weyl
from zoba_bench.minimization.implicit.symmetric import Symmetric
from zoba_bench.minimization.implicit.together import together
from zoba_bench.minimization.outcome import Values

__all__ = ["held", "hessian", "step"]


def hessian(
    F: Level, G: Level, z: Array, x: Array, v: Array, response: Array, base: float, values: Values | None = None
) -> tuple[Array, float, bool]:
    """Hess Psi = Z'(F'' + (v.G_z)'')Z with Z = [response; I], the error of an entry, and whether the last part counts.

    ``response`` (p, d) is dz*/dx = -G_zz^-1 C'. d (d + 3) / 2 values of F (noisy: d^2 + d); of G 10, and (d + 1)(d + 2)
    more where they show that third derivatives matter.
    """
    d = F.d
    Z = np.vstack([response, np.eye(d)])
    length = np.maximum(np.linalg.norm(Z, axis=0), 1.0)
    S = (Z / length).T
    size = float(np.linalg.norm(v))
    combined = np.vstack([weyl(d, 2), weyl(d, 3)])
    reach = np.maximum(np.linalg.norm(combined @ S, axis=1), 1.0)[:, None]

    def some() -> Array:
        """Third derivatives that tell whether they count: along two lines, or all of them where these are few."""
        return third(G, z, x, v / size, S if d <= 2 else combined @ S / reach, pairs=d <= 2) * size

    if values is not None and size > 0.0:
        together(values, F, G, lambda: second(F, z, x, S, base), some)
    M = second(F, z, x, S, base)
    error = F.second_noise + (F.second_bias if F.noisy else F.phi * F.h2)
    counts = False
    if size > 0.0:
        noise = 8 * G.eps / G.h3**3 * size if not G.noisy else G.eps / G.h3**3 * size
        trial = some()
        if d <= 2:
            counts = True
        else:
            part = np.einsum("ij,jk,ik->i", combined / reach, M, combined / reach)
            biggest = float(np.abs(trial).max())
            counts = biggest > 0.05 * float(np.abs(part).max()) and biggest > 3 * noise
        if counts:
            added = trial if d <= 2 else third(G, z, x, v / size, S, pairs=True) * size
            if d > 2 or float(np.abs(added).max()) > 2 * noise:
                M = M + added
                error = math.hypot(error, noise)
    return M * np.outer(length, length), error * float(length.max()) ** 2, counts


def held(x: Array, gradient: Array, low: Array, high: Array) -> NDArray[np.bool_]:
    """Which x are at a bound that minus the gradient pushes outwards."""
    at_bound: NDArray[np.bool_] = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
    return at_bound


def step(B: Symmetric, x: Array, g: Array, radius: float, low: Array, high: Array) -> tuple[Array, float]:
    """A step of at most ``radius`` inside of the bounds, and the decrease that the model |B| predicts.

    Coordinates that would leave the box are put on its border and the others solved for again.
    """
    s = np.zeros_like(x)
    fixed = held(x, g, low, high)
    M = (B.vectors * B.size) @ B.vectors.T if len(B.free) == len(x) else None
    for _ in range(len(x) + 1):
        free = np.flatnonzero(~fixed)
        if not len(free):
            break
        if M is None:
            part = B.with_free(free)
        elif len(free) == len(x):
            part = B
        else:
            part = Symmetric(M, B.entry_error, free)
        pull = g if M is None else g + M @ np.where(fixed, s, 0.0)
        trial = -part.shifted(pull, radius)
        out = (~fixed) & ((x + trial < low) | (x + trial > high))
        s[free] = trial[free]
        if not out.any():
            break
        s[out] = np.clip(x + trial, low, high)[out] - x[out]
        fixed = fixed | out
    model = 0.5 * (s @ M @ s if M is not None else B.absolute(s))
    return s, float(-(g @ s) - model)
