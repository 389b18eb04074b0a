"""The surrogates of each solver preset, the evaluations they need, and the ratio h/eta of the radii it runs with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .surrogates import Surrogate, hf_zoba_surrogates, mixed_surrogates, zoba_surrogates
from .taylor import evaluations

__all__ = ["PRESETS", "Preset", "preset_named"]


@dataclass(frozen=True, eq=False)
class Preset:
    """Surrogates of one solver.

    Attributes
    ----------
    name : the solver's.
    surrogates : by name, in the order D_z, f_z, f_x, Hv, Cv.
    tuned : whether eta = h / r with r^2 = curvature_ratio (d + 2) / (p + 2); else r = 1.
    one_count : the outer surrogates use all the inner directions (l2 = l1, shared).
    """

    name: str
    surrogates: Mapping[str, Surrogate]
    tuned: bool = False
    one_count: bool = False

    @cached_property
    def inner(self) -> tuple[Surrogate, Surrogate, Surrogate]:
        """D_z, Hv and Cv: what the l1 inner directions estimate."""
        d_z, _, _, hv, cv = self.surrogates.values()
        return d_z, hv, cv

    @cached_property
    def outer(self) -> tuple[Surrogate, Surrogate]:
        """f_z and f_x: what the l2 outer directions estimate."""
        _, f_z, f_x, _, _ = self.surrogates.values()
        return f_z, f_x

    @cached_property
    def evaluations(self) -> dict[str, Any]:
        """Evaluations an iteration at each level, counted from the points asked for."""
        return evaluations(point for s in self.surrogates.values() for point in s.queries)

    def ratio(self, p: int, d: int, curvature_ratio: float = 1.0) -> float:
        """Radius ratio r = h/eta in use."""
        return math.sqrt(curvature_ratio * (d + 2) / (p + 2)) if self.tuned else 1.0

    def check(self) -> None:
        """Raise unless every surrogate is unbiased on quadratics with bounded moments."""
        for surrogate in self.surrogates.values():
            surrogate.check()


#: name -> (surrogates, radii tuned, l2 = l1).
PRESETS = {
    "zoba": (zoba_surrogates, False, False),
    "zoba-tuned": (zoba_surrogates, True, False),
    "zoba-mixed": (mixed_surrogates, False, False),
    "hf-zoba": (hf_zoba_surrogates, False, False),
    "hf-zoba-shared": (hf_zoba_surrogates, False, True),
}


def preset_named(name: str) -> Preset:
    """The preset of a solver, built from the coefficient functions as they are now."""
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}; known are {', '.join(PRESETS)}")
    build, tuned, one_count = PRESETS[name]
    return Preset(name, build(), tuned, one_count)
