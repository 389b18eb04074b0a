"""Values that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["strict_json"]


def strict_json(value: Any) -> Any:
    """The value in Python's own types: lists for arrays and tuples, numbers for numpy's.

    NaN and infinities, which JSON does not have, become None.
    """
    if isinstance(value, Mapping):
        return {str(k): strict_json(v) for k, v in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return strict_json(value.tolist())
    if isinstance(value, (list, tuple)):
        return [strict_json(v) for v in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
