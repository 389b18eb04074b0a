"""Hypothesis strategies: symmetric positive definite matrices whose spectrum is known, and problems of any size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from zoba_bench.problems import PROBLEMS

from zoba_bench.problem import BilevelProblem

from .support import DATA, factory

__all__ = ["CHEAP", "LARGEST", "Definite", "Drawn", "orthogonal_matrices", "problems", "spd_matrices", "spectra"]

#: Families with closed forms; tasks with data solve their lower level by iterations, at sizes of their own.
CHEAP = [name for name in PROBLEMS if not factory(name).card.costly]
#: The largest p or d of a drawn problem.
LARGEST = 40


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


def _near(p: int, d: int) -> Iterator[tuple[int, int]]:
    """Sizes near (p, d): as they are, ordered, p a multiple of d, equal, equal and even, p = 2 d, d = 1."""
    few, half = 1 + d % 8, min(d, LARGEST // 2)
    even = min(2 * ((p + 1) // 2), LARGEST)
    yield from ((p, d), (max(p, d), min(p, d)), (few * min(p, LARGEST // few), few))
    yield from ((p, p), (even, even), (2 * half, half), (p, 1))


class Drawn(NamedTuple):
    """What names an instance; a test builds it, so that an example that fails is shown in one line."""

    name: str
    p: int
    d: int
    seed: int

    def build(self) -> BilevelProblem:
        """The family's instance of the first size near (p, d) that it takes; of its own size where it takes none."""
        for size in _near(self.p, self.d) if self.name not in DATA else ():
            try:
                return factory(self.name)(*size, seed=self.seed)
            except ValueError:  # the family's refusal names the size; the tests of the catalogue see to that
                continue
        return factory(self.name)(seed=self.seed)


def problems(names: list[str] | None = None) -> st.SearchStrategy[Drawn]:
    """Instances of registered families, with p and d up to 40 and any seed; shrinks to p = d = 1 and the seed 0."""
    sizes = st.integers(1, LARGEST)
    return st.builds(Drawn, st.sampled_from(CHEAP if names is None else names), sizes, sizes, st.integers(0, 2**32 - 1))
