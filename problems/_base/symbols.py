"""Symbols, norms and roots that the symbolic forms of families share.

This module imports sympy: load it inside functions only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array

__all__ = [
    "matrix",
    "norm",
    "reals",
    "root",
    "symmetric",
    "top_eigenvalue",
    "vector",
]


def reals(name: str, n: int) -> list[Any]:
    """Real symbols name_1 ... name_n."""
    return list(sp.symbols(f"{name}_1:{n + 1}", real=True))


def matrix(name: str, value: Array, values: dict[Any, float]) -> Any:
    """A matrix of real symbols, whose numbers are noted in ``values``."""
    symbols = sp.Matrix(*value.shape, lambda i, j: sp.Symbol(f"{name}_{i + 1}{j + 1}", real=True))
    values.update({s: float(v) for s, v in zip(symbols, np.ravel(value), strict=True)})
    return symbols


def vector(name: str, value: Array, values: dict[Any, float]) -> Any:
    """A column of real symbols, whose numbers are noted in ``values``."""
    symbols = sp.Matrix(reals(name, len(value)))
    values.update({s: float(v) for s, v in zip(symbols, value, strict=True)})
    return symbols


def norm(matrix: Any, lowest: bool = False) -> Any:
    """The spectral norm of a matrix with at most two rows or columns, in closed form, or its lowest singular value."""
    return sp.sqrt(top_eigenvalue(matrix * matrix.T if matrix.rows <= matrix.cols else matrix.T * matrix, lowest))


def top_eigenvalue(matrix: Any, lowest: bool = False) -> Any:
    """The largest eigenvalue of a symmetric matrix of one or two rows, in closed form, or the lowest one."""
    if matrix.rows == 1:
        return matrix[0]
    if matrix.rows > 2:
        raise ValueError(f"no closed form for the eigenvalues of a matrix of shape {matrix.shape}")
    # The discriminant as a sum of squares: rounding cannot make it negative.
    gap = sp.sqrt((matrix[0, 0] - matrix[1, 1]) ** 2 + 4 * matrix[0, 1] ** 2)
    return (matrix[0, 0] + matrix[1, 1] + (-gap if lowest else gap)) / 2


def root(matrix: Array) -> Array:
    """R with R R' = matrix, for a positive semidefinite one up to rounding."""
    spectrum, axes = np.linalg.eigh(matrix)
    # Rounding leaves tiny negative eigenvalues where the smallest one is zero.
    root: Array = axes * np.sqrt(np.maximum(spectrum, 0))
    return root


def symmetric(name: str, value: Array, values: dict[Any, float]) -> Any:
    """A symmetric matrix of real symbols, whose numbers are noted in ``values``."""
    n = len(value)
    symbols = sp.Matrix(n, n, lambda i, k: sp.Symbol(f"{name}_{min(i, k) + 1}{max(i, k) + 1}", real=True))
    values.update({symbols[i, k]: float(value[i, k]) for i in range(n) for k in range(i, n)})
    return symbols
