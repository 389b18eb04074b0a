"""Exact third cumulants of one iteration's surrogates (D_z, D_v, D_x)."""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement, permutations
from typing import Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array

from ..estimators.isserlis import Environment, Form, Moment, Product, Trace, expectation, form
from ..estimators.presets import Preset
from ..estimators.surrogates import Surrogate

__all__ = ["iteration_skewness"]


@cache
def _triple(one: Surrogate, two: Surrogate, three: Surrogate) -> Moment:
    """E of the product of three centred surrogates along the same directions."""
    centred = (s.tested(i) - form(f"y{i}{s.space}", *s.target) for i, s in enumerate((one, two, three), start=1))
    return expectation(sp.expand(sp.Mul(*centred)))


def iteration_skewness(
    preset: Preset,
    matrices: dict[str, Array],
    vectors: dict[str, Array],
    l1: int,
    l2: int,
    r: float,
    radius: float,
    outer_directions: str,
) -> Array:
    """Third cumulants of (D_z, D_v, D_x), each a mean over directions: (n, n, n) with n = 2p + d.

    Third cumulants of independent sums add, so l1 inner directions of weight 1/l1 give 1/l1^2 times one direction's.
    With shared directions the first min(l1, l2) ones serve both levels: two inner factors and an outer one have
    min(l1, l2) / (l1^2 l2) = 1 / (l1 max(l1, l2)), one inner and two outer ones 1 / (l2 max(l1, l2)).

    Parameters
    ----------
    preset : the solver's surrogates.
    matrices, vectors : derivatives at the point, and v, as in ``Blocks``.
    l1, l2, r, radius, outer_directions : as in ``covariance.environment_noise``.
    """
    environment = Environment.exact(matrices, vectors)
    p, d = len(matrices["A"]), len(matrices["B"])
    slots = (slice(0, p), slice(p, 2 * p), slice(2 * p, 2 * p + d))
    levels = [(one, slot, 0) for one, slot in zip(preset.inner, (0, 1, 2), strict=True)]
    levels += [(one, slot, 1) for one, slot in zip(preset.outer, (1, 2), strict=True)]
    most = max(l1, l2)
    weights = [1 / l1**2, 1 / (l1 * most), 1 / (l2 * most), 1 / l2**2]
    if outer_directions != "shared":
        weights[1] = weights[2] = 0.0
    total = np.zeros((2 * p + d,) * 3)
    for chosen in combinations_with_replacement(range(len(levels)), 3):
        of = [levels[i] for i in chosen]
        weight = weights[sum(level for _, _, level in of)]
        if weight == 0.0:
            continue
        tensor = weight * _tensor(_triple(*(surrogate for surrogate, _, _ in of)), environment, vectors, r, radius)
        if not tensor.any():
            continue
        # Each ordered triple of surrogates once: orders that only swap one surrogate with itself are the same triple.
        for order in {tuple(chosen[i] for i in turn): turn for turn in permutations(range(3))}.values():
            total[tuple(slots[of[i][1]] for i in order)] += tensor.transpose(order)
    return total


def _tensor(moment: Moment, environment: Environment, vectors: dict[str, Array], r: float, radius: float) -> Array:
    total: Any = 0.0
    for value, (_, product) in zip(moment._coefficients(r, radius, 0.0), moment.terms, strict=True):
        if value != 0.0:
            total = total + value * _term(product, environment, vectors)
    return np.asarray(total)


def _term(product: Product, environment: Environment, vectors: dict[str, Array]) -> Array:
    """The tensor of y1, y2 and y3 in a product of invariants."""
    scalar, operands, axes = 1.0, [], []
    for item in product:
        if isinstance(item, Trace):
            scalar *= environment.trace(item)
            continue
        turned = item if item.left.startswith("y") else item.reversed()
        if not turned.left.startswith("y"):
            scalar *= float(vectors[item.left] @ _applied(item, environment, vectors))
        elif turned.right.startswith("y"):
            operands.append(environment.word(turned.word) if turned.word else np.eye(environment.size(turned)))
            axes.append(turned.left[1] + turned.right[1])
        else:
            operands.append(_applied(turned, environment, vectors))
            axes.append(turned.left[1])
    subscripts = ",".join(axes).translate(str.maketrans("123", "abc"))
    found: Array = scalar * np.einsum(f"{subscripts}->abc", *operands)
    return found


def _applied(item: Form, environment: Environment, vectors: dict[str, Array]) -> Array:
    return environment.word(item.word) @ vectors[item.right] if item.word else vectors[item.right]
