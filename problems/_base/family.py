"""What the factories share: the card, validation, random matrices, starts."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from zoba_bench.problem import BilevelProblem, Card

__all__ = [
    "check_radius",
    "check_real",
    "check_seed",
    "family",
    "frozen",
    "orthogonal",
    "positive_definite",
    "spectral_norm",
    "sphere_start",
    "with_singular_values",
]

Array = NDArray[np.float64]
Factory = TypeVar("Factory", bound=Callable[..., BilevelProblem])


def family(card: Card) -> Callable[[Factory], Factory]:
    """Attach the card to a factory, where it is read without building a problem, and to what the factory builds.

    The card's group is the factory's folder.
    """

    def attach(factory: Factory) -> Factory:
        grouped = replace(card, group=factory.__module__.split(".")[-2])

        @functools.wraps(factory)
        def build(*args: Any, **keywords: Any) -> BilevelProblem:
            return replace(factory(*args, **keywords), card=grouped)

        build.card = grouped  # type: ignore[attr-defined]
        return cast(Factory, build)

    return attach


def check_real(
    name: str,
    value: Any,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    hint: str = "",
) -> float:
    """A finite number inside the limits, or an error that names argument, value and way out."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not (math.isfinite(value) and above < value < below and value >= at_least):
        limits = [
            f"{word} {limit:.6g}"
            for word, limit in (("above", above), ("at least", at_least), ("below", below))
            if math.isfinite(limit)
        ]
        wanted = " and ".join(["a finite number", *limits]) if limits else "a finite number"
        raise ValueError(f"{name} must be {wanted}, got {value!r}{'; ' + hint if hint else ''}")
    return float(value)


def check_seed(value: Any) -> int:
    """A non-negative int: the family's instance is a function of it."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(f"seed must be a non-negative integer (it names the instance), got {value!r}")
    return int(value)


def check_radius(radius: float | None) -> float | None:
    """A positive radius, or None for global constants only."""
    hint = "leave it None for the global constants only"
    return None if radius is None else check_real("radius", radius, above=0.0, hint=hint)


def frozen(array: Array) -> Array:
    """A read-only copy."""
    copy = array.copy()
    copy.setflags(write=False)
    return copy


def orthogonal(rng: np.random.Generator, n: int) -> Array:
    """A Haar-distributed orthogonal matrix (n, n)."""
    q, r = np.linalg.qr(rng.standard_normal((n, n)))
    # Without the signs QR's convention would bias the law.
    return np.ascontiguousarray(q * np.sign(np.diag(r)))


def positive_definite(rng: np.random.Generator, spectrum: Array) -> Array:
    """A symmetric matrix with random eigenvectors and the given eigenvalues."""
    q = orthogonal(rng, len(spectrum))
    matrix = (q * spectrum) @ q.T
    return np.ascontiguousarray((matrix + matrix.T) / 2)


def with_singular_values(rng: np.random.Generator, rows: int, columns: int, low: float, high: float) -> Array:
    """A full-rank matrix with singular values evenly spaced in [low, high] (``high`` first)."""
    rank = min(rows, columns)
    left, right = orthogonal(rng, rows)[:, :rank], orthogonal(rng, columns)[:, :rank]
    return np.ascontiguousarray((left * np.linspace(high, low, rank)) @ right.T)


def spectral_norm(matrix: Array) -> float:
    """The largest singular value."""
    return float(np.linalg.norm(matrix, 2))


def sphere_start(p: int, d: int, radius: float = 2.0) -> Callable[[np.random.Generator], tuple[Array, Array]]:
    """z0 = 0 and x0 uniform on a sphere: a start whose distance does not grow with d."""

    def start(rng: np.random.Generator) -> tuple[Array, Array]:
        direction = rng.standard_normal(d)
        return np.zeros(p), radius * direction / np.linalg.norm(direction)

    return start
