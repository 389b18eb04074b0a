"""What the factories share: the card, the checks of common arguments, random matrices, starts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, cast

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.pickling import made_by
from zoba_bench.validation import check_dimension, check_radius, check_seed

__all__ = [
    "family",
    "orthogonal",
    "positive_definite",
    "spectral_norm",
    "sphere_start",
    "with_singular_values",
]


Factory = TypeVar("Factory", bound=Callable[..., BilevelProblem])


#: Arguments that mean the same in every family.
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "p": functools.partial(check_dimension, "p"),
    "d": functools.partial(check_dimension, "d"),
    "seed": check_seed,
    "radius": check_radius,
}


def family(card: Card) -> Callable[[Factory], Factory]:
    """Attach the card to a factory, where it is read without building a problem, and to what the factory builds.

    The card's group is the factory's folder. The factory gets p, d, seed and a radius that may be None checked: a
    ValueError names the one that is wrong. It checks its other arguments itself.
    """

    def attach(factory: Factory) -> Factory:
        grouped = replace(card, group=factory.__module__.split(".")[-2])
        signature = inspect.signature(factory)
        defaults = {name: parameter.default for name, parameter in signature.parameters.items()}
        checks = {name: check for name, check in _CHECKS.items() if name in defaults}
        if defaults.get("radius") is not None:
            del checks["radius"]  # its message would say that None is allowed

        @functools.wraps(factory)
        def build(*args: Any, **keywords: Any) -> BilevelProblem:
            given = signature.bind(*args, **keywords)
            for name, check in checks.items():
                value = given.arguments.get(name, defaults[name])
                if value is not defaults[name]:
                    given.arguments[name] = check(value)
            built = factory(*given.args, **given.kwargs)
            # One that is made from a problem with kinks has them too.
            built = replace(built, card=replace(grouped, smooth=False) if grouped.smooth > built.smooth else grouped)
            for function in (built.inner, built.outer):
                function.stacks = True  # type: ignore[attr-defined]
            return made_by(built, build, *given.args, **given.kwargs)

        build.card = grouped  # type: ignore[attr-defined]
        return cast(Factory, build)

    return attach


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
