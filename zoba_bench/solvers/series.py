"""The adjoint by a truncated Neumann series: all of its terms, or one of them drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.solvers.base import batch_mean

__all__ = ["adjoints"]


def adjoints(
    oracle: Oracle, rng: np.random.Generator, points: Sequence[tuple[Array, Array]], slopes: Sequence[Array],
    terms: int, eta: float, b1: int | None, series: str,
) -> list[Array]:  # fmt: skip
    """Estimates v (R, p) of v* = -G_zz^-1 F_z at one or more points (z, x), which see the same batches.

    "sum":    v = -eta sum over j < terms of (I - eta H_j) ... (I - eta H_1) F_z
    "random": v = -eta terms (I - eta H_P) ... (I - eta H_1) F_z,  P uniform on 0, ..., terms - 1 in each replicate

    with a new batch for each H_j = G_zz(z, x; xi_j). Both have the mean -(I - (I - eta G_zz)^terms) G_zz^-1 F_z.

    Parameters
    ----------
    points, slopes : z (R, p) and x (R, d), and F_z (R, p) there.
    b1 : samples of a batch; None is the exact mean.
    series : {"sum", "random"}
    """
    drawn = rng.integers(terms, size=oracle.replicates) if series == "random" else None
    current, totals = list(slopes), list(slopes)
    for j in range(terms - 1):
        xi = None if b1 is None else oracle.draw_inner(rng, b1)
        # Replicates with P <= j are neither evaluated nor counted: their product is zero, and the term stays.
        with nullcontext() if drawn is None else oracle.only(drawn > j):
            products = [
                batch_mean(oracle.inner_hvp_zz, z, x, r, sample=xi) for (z, x), r in zip(points, current, strict=True)
            ]
        current = [r - eta * product for r, product in zip(current, products, strict=True)]
        totals = [total + r for total, r in zip(totals, current, strict=True)]
    found = totals if drawn is None else [terms * r for r in current]
    return [-eta * each for each in found]
