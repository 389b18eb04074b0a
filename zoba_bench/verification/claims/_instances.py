"""Instances and options that the claims of several protocols share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["BATCHES", "DIABETES", "RATIO", "REFERENCE_OPTIONS", "SMALL", "reference", "references"]

#: Small sizes of every problem on which tensor quadrature reaches; p != d keeps roles apart.
SMALL: dict[str, dict[str, Any]] = {
    name: {"name": name, "p": 3, "d": 2}
    for name in ("quad_general", "quad_tracking", "minimax_quad", "logistic_bregman", "logcosh_ripple", "reference")
}
#: Real data, with exact values and with batches of samples.
DIABETES: dict[str, Any] = {"name": "diabetes_ridge"}
BATCHES: dict[str, Any] = {"name": "diabetes_ridge", "stochastic": True}

#: Options with which each solver runs on the reference family; 2 is L_xx / L_zz there.
REFERENCE_OPTIONS: dict[str, dict[str, Any]] = {
    "zoba": {},
    "zoba-tuned": {"curvature_ratio": 2.0},
    "zoba-mixed": {},
    "hf-zoba": {"outer_directions": "independent"},
    "hf-zoba-shared": {},
}
#: gamma / rho of the runs on the reference family.
RATIO = 0.25


def reference(p: int, d: int) -> dict[str, Any]:
    """One instance of the reference family."""
    return {"name": "reference", "p": p, "d": d}


def references(along: str, sizes: Iterable[int]) -> list[dict[str, Any]]:
    """Instances of the reference family along "p=d", or along "d" at p = 2."""
    return [reference(n if along == "p=d" else 2, n) for n in sizes]
