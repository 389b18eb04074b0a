"""Hypothesis strategies for symmetric positive definite matrices whose spectrum is known."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

__all__ = ["Definite", "orthogonal_matrices", "spd_matrices", "spectra"]


class Definite(NamedTuple):
    """A symmetric matrix and the eigenvalues that it was made with, ascending."""

    matrix: np.ndarray
    spectrum: np.ndarray


@st.composite
def orthogonal_matrices(draw: st.DrawFn, n: int) -> np.ndarray:
    """Products of up to n reflections I - 2 u u'/|u|^2, whose vectors shrink to coordinate axes; det +1 and -1."""
    matrix = np.eye(n)
    for _ in range(draw(st.integers(0, n))):
        u = np.array(draw(st.lists(st.integers(-8, 8), min_size=n, max_size=n)), dtype=float)
        if u.any():
            matrix = matrix - np.outer(2 * (matrix @ u) / (u @ u), u)
    return matrix


@st.composite
def spectra(draw: st.DrawFn, n: int, low: float, high: float, attained: bool = True) -> np.ndarray:
    """n numbers in [low, high], ascending, on a logarithmic scale; with both ends among them if ``attained``.

    Shrinks to ``low`` in every place. A single number is ``high`` where it is to be attained.
    """
    shares = draw(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=n, max_size=n))
    values = low * np.exp(np.array(shares) * math.log(high / low))
    values = np.sort(np.clip(values, low, high))
    if attained:
        values[0], values[-1] = low, high
    return values


@st.composite
def spd_matrices(
    draw: st.DrawFn,
    n: int | st.SearchStrategy[int] = st.integers(1, 6),  # noqa: B008
    *,
    low: float = 1e-3,
    high: float = 1.0,
    condition: float | None = None,
    attained: bool = True,
) -> Definite:
    """Symmetric positive definite matrices with eigenvalues in [low, high].

    Parameters
    ----------
    n : int or strategy of int
    low, high : ends of the spectrum.
    condition : replaces ``low`` by ``high`` / ``condition``.
    attained : whether the ends are eigenvalues (for n = 1: ``high`` is), so that the condition number is exact.
    """
    size = n if isinstance(n, int) else draw(n)
    low = high / condition if condition is not None else low
    if not 0 < low <= high < math.inf:
        raise ValueError(f"the ends of the spectrum must be 0 < low <= high, got {low!r} and {high!r}")
    spectrum = draw(spectra(size, low, high, attained))
    axes: Any = draw(orthogonal_matrices(size))
    matrix = (axes * spectrum) @ axes.T
    return Definite((matrix + matrix.T) / 2, spectrum)
