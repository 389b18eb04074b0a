"""Bounds on the bias of finite differences from the variation of the Hessian along the directions in use.

With M_3 a Lipschitz constant of the Hessian of q and M_4 one of its derivative, directions w as likely as -w and
E ww' = I:

==============================================  =====================================  =========================
estimate                                        mean                                   distance from the derivative
==============================================  =====================================  =========================
[q(y + h w) - q(y)]/h w, or central             grad q                                 M_3 h^2 E|w|^4 / 6
the same at y + h_bar v, minus, over h_bar      difference of gradients over h_bar     M_4 h^2 E|w|^4 |v| / 6
second difference times (ww' - I) v, w normal   E[Hess q(y + h w)] v                   M_4 h^2 n |v| / 2
==============================================  =====================================  =========================

The even terms of a difference vanish in the mean since the direction is symmetric. The third line is Stein's identity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

__all__ = ["fourth_power", "hessian_of", "noise_of_values", "require_quadratic", "variation"]

_DRAWS = 16


def hessian_of(problem: BilevelProblem, level: str) -> Callable[..., Any]:
    """The blocks (zz, xz, xx) of a level's Hessian: as declared, or central differences of the declared gradients.

    Differences at 1e-5 are off by 1e-10 in relative terms, which matters for no bound.
    """
    declared = getattr(problem, f"{level}_hessian")
    if declared is not None:
        return declared  # type: ignore[no-any-return]
    p, slopes = problem.p, [getattr(problem, f"{level}_grad_{letter}") for letter in "zx"]

    def differences(z: Array, x: Array) -> tuple[Array, Array, Array]:
        def slope(y: Array) -> Array:
            return np.concatenate([each(y[:p], y[p:]) for each in slopes])

        y, moves = np.concatenate([z, x]), 1e-5 * np.eye(z.size + x.size)
        rows = np.array([(slope(y + move) - slope(y - move)) / 2e-5 for move in moves])
        rows = (rows + rows.T) / 2
        return rows[:p, :p], rows[p:, :p], rows[p:, p:]

    return differences


def variation(hessian: Callable[..., Any], z: Array, x: Array, radius: float) -> tuple[float, float]:
    """Twice the largest M_3 and M_4 that were sampled around (z, x) within ``radius``.

    Difference quotients are lower bounds of both constants; the directions and distances are those that queries reach.
    """
    rng = np.random.default_rng(1)

    def whole(move: Array) -> Array:
        zz, xz, xx = hessian(z + move[: z.size], x + move[z.size :])
        return np.block([[zz, xz.T], [xz, xx]])

    centre, third, fourth = whole(np.zeros(z.size + x.size)), 0.0, 0.0
    for _ in range(_DRAWS):
        move = rng.standard_normal(z.size + x.size)
        move *= radius * (0.5 + 0.5 * rng.random()) / np.linalg.norm(move)
        plus, minus, length = whole(move), whole(-move), float(np.linalg.norm(move))
        third = max(third, float(np.linalg.norm(plus - centre, 2)) / length)
        fourth = max(fourth, float(np.linalg.norm(plus + minus - 2 * centre, 2)) / length**2)
    return 2 * third, 2 * fourth


def require_quadratic(problem: BilevelProblem, z: Array, x: Array) -> None:
    """Raise ValueError unless both Hessians are constant, up to rounding, over distances of order 1."""
    for level in ("inner", "outer"):
        third, _ = variation(hessian_of(problem, level), z, x, 1.0)
        if third > 1e-9:
            raise ValueError(f"the mean over samples is known for quadratic F and G, and the {level} one has a Hessian "
                             "that is not constant")  # fmt: skip


def fourth_power(law: str, n: int, block_size: int | None = None) -> float:
    """A bound on E|w|^4 of a law of directions with E ww' = I in R^n."""
    if law == "gaussian":
        return n * (n + 2.0)
    if law in ("sphere", "coordinate", "orthogonal"):
        return float(n * n)
    if law == "block":
        size = min(block_size or int(np.ceil(np.sqrt(n))), n)
        blocks = -(-n // size)  # one of them, sqrt(blocks) times as long
        return blocks**2 * size * (size + 2.0)
    if law == "low-rank":
        # |UV'|^2 / r has its largest fourth moment at r = 1, q (q + 2) k (k + 2) with q k >= n, of which n stay.
        side = int(np.ceil(np.sqrt(n)))
        rows = -(-n // side)
        return rows * (rows + 2.0) * side * (side + 2.0)
    raise ValueError(f"unknown law of directions {law!r}")


def noise_of_values(problem: BilevelProblem, level: str, z: Array, x: Array) -> float:
    """Rounding error of one value of a level near (z, x)."""
    value = float(getattr(problem, level)(z, x))
    return 16 * float(np.finfo(float).eps) * float(np.sqrt(problem.p + problem.d)) * (abs(value) + 1.0)
