"""Direction laws: how the random directions of finite differences are drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["gaussian", "generator"]


def gaussian(rng: np.random.Generator, shape: tuple[int, ...], dimension: int) -> NDArray[np.float64]:
    """Independent standard normal directions, shape (*shape, dimension)."""
    return rng.standard_normal((*shape, dimension))


def generator(seed: np.random.SeedSequence) -> np.random.Generator:
    """The generator of a run: SFC64, which draws normals a fifth faster than the default PCG64."""
    return np.random.Generator(np.random.SFC64(seed))
