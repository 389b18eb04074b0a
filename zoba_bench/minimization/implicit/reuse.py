"""Values of a level that are at hand: of points that were evaluated before, or ahead of being asked for."""

from __future__ import annotations

import hashlib

from zoba_bench.arrays import Array

__all__ = ["Ahead", "Known", "names"]

_MOST = 20_000


def names(Z: Array, X: Array) -> list[bytes]:
    """One for each point, by the bits of its coordinates."""
    return [hashlib.blake2b(z.tobytes() + x.tobytes(), digest_size=16).digest() for z, x in zip(Z, X, strict=True)]


class Known:
    """Values by point, for good: stencils at one point share some.

    Only for values without noise: a second value of a noisy function says more than the first one again.
    """

    def __init__(self) -> None:
        self._values: dict[bytes, float] = {}

    def get(self, name: bytes) -> float | None:
        """The value, if it is known."""
        return self._values.get(name)

    def add(self, name: bytes, value: float) -> None:
        """Remember a value; the oldest one is forgotten."""
        self._values[name] = value
        if len(self._values) > _MOST:
            self._values.pop(next(iter(self._values)))


class Ahead:
    """Values that were evaluated ahead, each to be taken once."""

    def __init__(self) -> None:
        self._values: dict[bytes, list[float]] = {}

    def get(self, name: bytes) -> float | None:
        """The next value at the point, if there is one."""
        values = self._values.get(name)
        return values.pop(0) if values else None

    def add(self, name: bytes, value: float) -> None:
        """Put a value by."""
        self._values.setdefault(name, []).append(value)
