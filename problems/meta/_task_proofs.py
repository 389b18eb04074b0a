"""Two tasks of meta-learning in symbols, and proofs about their loss and their two gradients.

This module imports sympy: load it inside functions only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.problem.symbolic import Symbolic

from .._base.checks import by_terms, identities

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = ["task_proofs", "task_symbols"]


def task_symbols(a: Array, rho: Array, centre: Array, width: float, steps: int, step: float) -> Symbolic:
    """On the quadratic parts; rho_i = (1 - step a_i)^steps is one symbol."""
    a1, a2, rho1, rho2, c2, alpha, A = sp.symbols("a1 a2 rho1 rho2 c2 alpha A", positive=True)
    z, x = sp.symbols("z_1 z_2", real=True), sp.Symbol("x_1", real=True)
    curvatures, shrunk, centres = (a1, a2), (rho1, rho2), (sp.Integer(0), c2)
    numbers = [*a, *rho, centre[1], step, width]
    values = dict(zip((a1, a2, rho1, rho2, c2, alpha, A), map(float, numbers), strict=True))
    tasks = list(zip(curvatures, shrunk, centres, strict=True))
    weights = [k * m**2 for k, m, _ in tasks]
    best = weights[1] * c2 / sum(weights)
    top = [k * (A + sp.Rational(1, 2)) for k in curvatures]
    # phi_r'' gains -alpha f''' phi_r'^2 at a step, with |f'''| <= a and 0 < phi_r' <= 1; what it was before shrinks.
    turn = [sum(alpha * k for _ in range(steps)) for k in curvatures]

    def length(entries: Any) -> Any:
        return sp.sqrt(sum(e**2 for e in entries))

    return Symbolic(
        z=z,
        x=[x],
        inner=sum((e - c - m * (x - c)) ** 2 for e, (_, m, c) in zip(z, tasks, strict=True)) / 2,
        outer=sum(k * (e - c) ** 2 for e, (k, _, c) in zip(z, tasks, strict=True)) / 4,
        inner_solution=[c + m * (x - c) for _, m, c in tasks],
        adjoint=[-k * m * (x - c) / 2 for k, m, c in tasks],
        hypergradient=[sum(k * m**2 * (x - c) for k, m, c in tasks) / 2],
        value=sum(k * m**2 * (x - c) ** 2 for k, m, c in tasks) / 4,
        parameters=values,
        mu=sp.Integer(1),
        minimizer=[best],
        minimum=weights[0] * weights[1] * c2**2 / sum(weights) / 4,
        excess=[sum(weights) * (x - best) ** 2 / 4],
        constants={
            "mu": sp.Integer(1),
            "m_zz": sp.Max(*curvatures) / 2,
            # G_z = z - phi_r(x): G_xz = -phi_r', which changes as the derivative of z* = phi_r does.
            "L_zz": sp.Integer(1),
            "L_xz": sp.sqrt(2),
            "H_zx": length(turn),
            "C_z": length(top) / 2,
            "R": length(top) / 2,
            "k_z": sp.sqrt(2),
            "k_v": length(curvatures) / 2,
            "s_z": length(turn),
            "s_v": length([k + k * t for k, t in zip(curvatures, turn, strict=True)]) / 2,
            "L_Psi": sum(k + s * t for k, s, t in zip(curvatures, top, turn, strict=True)) / 2,
        },
        region="the quadratic parts, which contain both minimisers and x*",
    )


def task_proofs() -> list[Check]:
    """The loss is convex and C^2, a step keeps the side of the minimiser, and what first-order gradients do."""
    A, w, room = sp.symbols("A w room", nonnegative=True)
    s = sp.Symbol("s", nonnegative=True)
    square, cubic = w**2 / 2, A**2 / 2 + s * (A + s / 2 - s**2 / 6)
    line = cubic.subs(s, 1) + (A + sp.Rational(1, 2)) * w
    joints = [(square, w, A, cubic, s, 0), (cubic, s, 1, line, w, 0)]
    smooth = [
        sp.diff(f, u, n).subs(u, end) - sp.diff(g, v, n).subs(v, begin)
        for f, u, end, g, v, begin in joints
        for n in (0, 1, 2)
    ]
    a1, a2, rho1, rho2, c2, D, alpha_a = sp.symbols("a1 a2 rho1 rho2 c2 D alpha_a", positive=True)
    left = 1 - alpha_a
    x = sp.Symbol("x", real=True)
    first = (rho1 * a1 * x + rho2 * a2 * (x - c2)) / 2
    exact = (rho1**2 * a1 * x + rho2**2 * a2 * (x - c2)) / 2
    wrong = rho2 * a2 * c2 / (rho1 * a1 + rho2 * a2)
    best = rho2**2 * a2 * c2 / (rho1**2 * a1 + rho2**2 * a2)
    # b2 = c2 a2 = 2 sqrt(2D)/|pull|.
    pull = (a1 * rho1**2 + a2 * rho2**2) * rho2 / (a1 * rho1 + a2 * rho2) - rho2**2
    steep = exact.subs(x, wrong) ** 2 - 2 * D
    planted = steep.subs(c2, 2 * sp.sqrt(2 * D) / (pull * a2))
    return [
        identities("the loss is twice differentiable", smooth, "values, slopes and curvatures agree at A and at A + 1"),
        by_terms(
            "the loss is convex", sp.diff(cubic, s, 2).subs(s, 1 - room), [room], "f''/a = 1 - s on the cubic, s <= 1"
        ),
        by_terms(
            "its slope is bounded",
            A + sp.Rational(1, 2) - sp.diff(cubic, s),
            [(1 - s) ** 2 / 2],
            "A + 1/2 - f'/a = (1-s)^2/2 on the cubic",
        ),
        by_terms("f' <= a (phi - c) on the cubic", A + s - sp.diff(cubic, s), [s**2 / 2], "for phi > c"),
        by_terms("f' <= a (phi - c) on the line", A + 1 + w - sp.diff(line, w), [sp.Rational(1, 2) + w], "for phi > c"),
        by_terms(
            "a step keeps the order and the side",
            1 - alpha_a * (1 - room) - left,
            [alpha_a * room],
            "1 - step f'' >= 1 - step a > 0, f'' = a (1 - room): phi_r is increasing, phi_r - c has the sign of x - c, "
            "as has M' of each task; M has no stationary point outside [c_1, c_2]",
        ),
        identities("first-order gradients vanish at x_FO", [first.subs(x, wrong)], "their mean"),
        identities("the exact gradient vanishes at x*", [exact.subs(x, best)], "M' on the quadratic parts"),
        identities("|M'(x_FO)|^2 = 2 D", [planted], "for the b2 of the family"),
        by_terms("x_FO and x* lie between the minimisers", wrong + best, [wrong, best], "positive"),
        by_terms(
            "and below the second one",
            2 * c2 - wrong - best,
            [
                rho1 * a1 * c2 / (rho1 * a1 + rho2 * a2),
                rho1**2 * a1 * c2 / (rho1**2 * a1 + rho2**2 * a2),
            ],
            "c_2 - x_FO and c_2 - x* are positive",
        ),
    ]
