"""Radii of differences that the rounding of the values allows.

The values of f are known to about eps |f|. A first difference of radius h has an error of about eps |f| / h from this,
a second one, or a difference of differences, of 4 eps |f| / h^2. In double precision h = 1e-3 leaves 1e-9 |f| of it. In
single precision, which is jax's default, it leaves 0.5 |f|, which is noise: there the smallest radius that is worth
something is near eps^(1/4), about 0.02.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["PrecisionWarning", "too_small", "widened"]

_MARGIN = 4.0  # a radius this much below eps^(1/root) is refused
_WAY_OUT = "set JAX_ENABLE_X64=1 before the benchmark starts, for values in double precision"


class PrecisionWarning(UserWarning):
    """Values in single precision, for which radii were widened."""


def least(eps: float, root: int) -> float:
    """The radius eps^(1/root), in two digits."""
    return float(f"{eps ** (1 / root):.2g}")


def too_small(given: Mapping[str, Any], roots: Mapping[str, int], dtype: np.dtype[Any]) -> str:
    """Why radii that somebody chose cannot be used with values of this type; empty where they can.

    Parameters
    ----------
    given : options by name; None for one that is left to us.
    roots : of each radius the root of eps below which rounding hides the differences: 2 for first ones, 3 for central
        first ones, 4 for second ones.
    """
    eps = float(np.finfo(dtype).eps)
    for name, root in roots.items():
        value = given.get(name)
        if value is not None and value < least(eps, root) / _MARGIN:
            return (
                f"{name}={value:g} is lost in rounding: the benchmark's values are {dtype}, for which {name} of about "
                f"{least(eps, root):g} is the least; leave {name} out, or {_WAY_OUT}"
            )
    return ""


def widened(
    given: Mapping[str, Any], defaults: Mapping[str, Any], roots: Mapping[str, int], dtype: np.dtype[Any]
) -> tuple[dict[str, Any], str]:
    """Radii in place of defaults that are too small for values of this type, and what to say of it.

    Nothing changes in double precision.
    """
    eps = float(np.finfo(dtype).eps)
    if eps <= np.finfo(np.float64).eps:
        return {}, ""
    wide = {
        name: least(eps, root) for name, root in roots.items()
        if given.get(name) is None and defaults[name] is not None and defaults[name] < least(eps, root)
    }  # fmt: skip
    if not wide:
        return {}, ""
    changes = ", ".join(f"{name}={value:g} in place of {defaults[name]:g}" for name, value in wide.items())
    return wide, f"the benchmark's values are {dtype}: {changes}, since rounding hides smaller differences; {_WAY_OUT}"
