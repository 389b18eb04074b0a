"""A result as text, as scipy writes its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["printed", "together"]


def printed(items: Mapping[str, Any], alone: bool) -> str:
    """Names and values, a line or an array each, message, success, status, fun, x and nit first; without what is empty.

    Parameters
    ----------
    items : mapping
        Arrays (R,) or (R, n), and words.
    alone : bool
        R = 1, which is shown without its axis.
    """
    from scipy.optimize import OptimizeResult

    kept = {name: _only(value) if alone else value for name, value in items.items()}
    return str(OptimizeResult({name: value for name, value in kept.items() if not _nothing(value)}))


def together(messages: Sequence[str]) -> str:
    """The message that all replicates have, or how many have which, a line each."""
    found = Counter(messages)
    if len(found) < 2:
        return next(iter(found), "")
    return "\n".join(f"{n} of {len(messages)}: {message}" for message, n in found.most_common())


def _only(value: Any) -> Any:
    """What belongs to the one replicate, a number as one of Python's."""
    if not isinstance(value, np.ndarray):
        return value
    return value[0] if value.ndim > 1 else value.reshape(-1)[0].item()


def _nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value)
