"""Products and sums of bounds, of which some may be unknown (None)."""

from __future__ import annotations

__all__ = ["plus", "times"]


def times(*factors: float | None) -> float | None:
    """A product of bounds: zero where one of them is, else unknown if one of them is."""
    if 0.0 in factors:
        return 0.0
    product = 1.0
    for factor in factors:
        if factor is None:
            return None
        product *= factor
    return product


def plus(*terms: float | None) -> float | None:
    """A sum of bounds, unknown if one of them is."""
    total = 0.0
    for term in terms:
        if term is None:
            return None
        total += term
    return total
