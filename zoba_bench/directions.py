"""Direction laws: how the random directions of finite differences are drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["gaussian"]


def gaussian(rng: np.random.Generator, shape: tuple[int, ...], dimension: int) -> NDArray[np.float64]:
    """Independent standard normal directions, shape (*shape, dimension)."""
    return rng.standard_normal((*shape, dimension))
