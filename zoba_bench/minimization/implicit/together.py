"""Stencils of both levels evaluated at once, for those who have workers."""

from __future__ import annotations

from collections.abc import Callable

from zoba_bench.minimization.implicit.noise import Level
from zoba_bench.minimization.outcome import Values

__all__ = ["together"]


def together(values: Values, F: Level, G: Level, *stencils: Callable[[], object]) -> None:
    """Evaluate what the stencils will ask for in one call; then each finds its values at hand.

    Which points they are may not depend on values: each stencil is called once with zeros.
    """
    eps = F.eps, G.eps
    for level in (F, G):
        level.ask()
    try:
        for stencil in stencils:
            stencil()
    finally:
        points = F.asked(), G.asked()
        F.eps, G.eps = eps
    found = values.both(*points)
    for level, (Z, X), each in zip((F, G), points, found, strict=True):
        level.keep(Z, X, each)
