"""What is wrong with every number that a query returns, as a problem declares it: noise, rounding, NaN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.validation import check_dimension, check_real, check_seed

__all__ = ["Noise"]


@dataclass(frozen=True)
class Noise:
    """Declared faults of the numbers that queries return; the problem's own functions stay exact.

    A number y becomes (1 + relative e_1) y + additive e_2 with independent standard normal e_1 and e_2, then rounded to
    so many significant digits, then NaN at the rate. Values and every component of a derivative are treated alike.

    Attributes
    ----------
    additive, relative : float, at least 0
        Standard deviations.
    digits : int or None
        Significant decimal digits.
    nan_rate : float in [0, 1)
    seed : int
        Of the draws, beside what a run hands in.

    Raises
    ------
    ValueError
        For a number out of its range.
    """

    additive: float = 0.0
    relative: float = 0.0
    digits: int | None = None
    nan_rate: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("additive", "relative", "nan_rate"):
            check_real(name, getattr(self, name), at_least=0.0)
        if self.nan_rate >= 1:
            raise ValueError(f"nan_rate must be below 1, got {self.nan_rate!r}")
        if self.digits is not None:
            check_dimension("digits", self.digits)
        check_seed(self.seed)

    @property
    def any(self) -> bool:
        """Whether anything is changed."""
        return bool(self.additive or self.relative or self.digits or self.nan_rate)

    def stream(self, rng: np.random.Generator | None = None) -> np.random.Generator:
        """The generator of the draws: of the seed alone, or of a run too, whose generator moves on."""
        words = [] if rng is None else [int(word) for word in rng.integers(2**32, size=4)]
        return np.random.default_rng([self.seed, *words])

    def applied(self, values: Array, rng: np.random.Generator) -> Array:
        """The values with their faults."""
        found = values
        if self.relative:
            found = found * (1.0 + self.relative * rng.standard_normal(values.shape))
        if self.additive:
            found = found + self.additive * rng.standard_normal(values.shape)
        if self.digits is not None:
            found = _rounded(found, int(self.digits))
        if self.nan_rate:
            found = np.where(rng.random(values.shape) < self.nan_rate, np.nan, found)
        return found


def _rounded(values: Array, digits: int) -> Array:
    """To so many significant digits; what is not finite stays, and so does 0."""
    size = np.abs(values)
    usual = np.isfinite(values) & (size > 0)
    exponent = np.floor(np.log10(np.where(usual, size, 1.0)))
    unit = 10.0 ** (exponent - (digits - 1))
    with np.errstate(all="ignore"):
        found = np.rint(values / unit) * unit
    return np.where(usual & np.isfinite(found), found, values)
