"""Families whose lower level has infinitely or finitely many isolated solutions: sines.

The solution that is meant is the optimistic one, the minimiser of G(., x) with the least F; ``inner_solution`` is that
choice and Psi(x) its F.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from zoba_bench.arrays import Array, blockwise, dot, frozen, row_sum, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_real

from .._base.checks import above, attach, clip, declared_checks, small
from .._base.family import family

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = ["bvfsm_sin", "iaptt_toy"]


# How far certificates keep from jumps: their differences reach 0.04.
_KEEP = 0.06


_SINE = Card(
    summary="Sine lower level: infinitely many solutions in every coordinate, a piecewise quadratic Psi.",
    source="the optimistic example of arXiv 2110.04974 (BVFSM), also in arXiv 2405.09927 (MEHA)",
    assumptions={
        "A1": "fails: G is not convex in z; L_zz, L_xz, L_xx hold",
        "A2": "holds",
        "A3": "holds except for C_x: F_x is affine; C_x on |x + a - C| <= pi, C the level of the optimum",
        "A4": "fails: z* is a set, the optimistic choice jumps midway between levels; on |x + a - C| <= pi",
        "A5": "holds",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="d = 1, any p >= 1. The solution is the optimistic one; between jumps z*, v* and grad Psi are affine",
    small={"p": 2},
)


@family(_SINE)
def bvfsm_sin(p: int = 2, d: int = 1, *, seed: int = 0, a: float = 2.0, c: float = 2.0) -> BilevelProblem:
    """Sine lower level.

    F = (x-a)^2 + sum (z_i-a-c)^2,  G = sum sin(x+z_i-c), x a number. The lower level is solved by
    z_i = C_i + c - x with any levels C_i in -pi/2 + 2 pi Z, where G_zz = I; the optimistic choice is the level C(x)
    nearest to x+a in every coordinate, v* = -2(C(x)-x-a) there, Psi = (x-a)^2 + p (C(x)-x-a)^2. With C the level
    nearest to 2a, x* = ((1-p)a + pC)/(1+p) and Psi* = p (C-2a)^2/(p+1); for a = 2 this is
    x* = (3 p pi/2 + 2 - 2p)/(p+1), at p = 1000 (1500 pi - 1998)/1001. Lower-level maxima (x+z_i-c at pi/2 + 2 pi Z)
    are stationary as well and stop methods that ask for G_z = 0 only. The start is x0 = -6, z0 = 0, as in the source.

    ``region`` is the interval on which C(x) is the level of the optimum: there Psi is one parabola, and C_x, k_z, k_v,
    s_z, s_v, L_Psi hold. The closed forms hold on every interval between jumps.

    Parameters
    ----------
    p : int
        Dimension of z.
    d : int
        1.
    seed : int
        Has no effect: the problem is a fixed one. Accepted as every factory does.
    a, c : float
        Of the outer objective, and of both; Psi does not depend on c.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    if d != 1:
        raise ValueError(f"d must be 1 (x is a number), got {d}")
    a, c = check_real("a", a), check_real("c", c)
    best_level = float(_level(np.array(2 * a)))
    best = np.array([((1 - p) * a + p * best_level) / (1 + p)])
    # Midway between two levels both give the minimum.
    unique = abs(best_level - 2 * a) < math.pi - 1e-9

    def phase(z: Array, x: Array) -> Array:
        u: Array = z + (x - c)
        return u

    # C(x) - x - a, in [-pi, pi].
    def gap(x: Array) -> Array:
        return _level(x + a) - (x + a)

    def spread_gap(x: Array) -> Array:
        return np.broadcast_to(gap(x), (*x.shape[:-1], p)).copy()

    def outer(z: Array, x: Array) -> Array:
        total: Array = square_norm(x - a) + square_norm(z - (a + c))
        return total

    def solution(x: Array) -> Array:
        return spread_gap(x) + (a + c)

    def value(x: Array) -> Array:
        return square_norm(x - a) + p * square_norm(gap(x))

    def weights(z: Array, x: Array) -> Array:
        return -np.sin(phase(z, x))

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        w = weights(z, x)
        return np.diag(w), w[None, :], np.array([[w.sum()]])

    # Where C(x) is the level of the optimum, as far from the jumps as differences reach.
    ends = np.array([best_level - a]) + np.array([-1.0, 1.0]) * (math.pi - _KEEP)

    def region(z: Array, x: Array) -> tuple[Array, Array]:
        return z, np.clip(x, *ends)

    def distance_to_lower(z: Array, x: Array) -> Array:
        u = phase(z, x)
        return np.sqrt(square_norm(u - _level(u)))

    def symbolic() -> Symbolic:
        from ._proofs import sine_symbols

        return sine_symbols(p, a, c, best_level)

    def checks(problem: BilevelProblem) -> list[Check]:
        from ._proofs import sine_proofs

        x = np.linspace(-9, 9, 61)[:, None]
        apart = x[np.abs(gap(x))[:, 0] < math.pi - _KEEP]
        fine = best + np.linspace(-20, 20, 4001)[:, None]
        assert problem.value is not None
        return [
            *sine_proofs(),
            small("levels are 2 pi apart, the nearest within pi", max(abs(best_level - 2 * a) - math.pi, 0.0)),
            above(
                "no point of a grid is below the minimum", problem.value(fine) - p * (best_level - 2 * a) ** 2 / (p + 1)
            ),
            *_other_levels(problem, x),
            *declared_checks(problem, x, apart),
        ]

    slope = 2 * math.sqrt(p) * math.pi
    problem = BilevelProblem(
        name="bvfsm_sin",
        p=p,
        d=1,
        inner=blockwise(lambda z, x: row_sum(np.sin(phase(z, x)))),
        outer=blockwise(outer),
        inner_solution=solution,
        adjoint=lambda x: -2 * spread_gap(x),
        value=value,
        hypergradient=lambda x: 2 * (x - a) - (2 * p) * gap(x),
        inner_grad_z=lambda z, x: np.cos(phase(z, x)),
        inner_grad_x=lambda z, x: row_sum(np.cos(phase(z, x)))[..., None],
        outer_grad_z=lambda z, x: spread_vectors(2 * (z - (a + c)), x),
        outer_grad_x=lambda z, x: spread_vectors(2 * (x - a), z),
        inner_hvp_zz=lambda z, x, v: weights(z, x) * v,
        inner_jvp_xz=lambda z, x, v: dot(weights(z, x), v)[..., None],
        inner_jvp_zx=lambda z, x, u: weights(z, x) * u,
        inner_hessian=inner_hessian,
        outer_hessian=lambda z, x: (2 * np.eye(p), np.zeros((1, p)), 2 * np.eye(1)),
        minimizer=frozen(best) if unique else None,
        minimum=float(value(best)),
        # Hess G = N' diag(-sin) N with N = (I, 1), |1| = sqrt p, |N|^2 = 1 + p, rows of norm sqrt 2; |sin|, |cos| <= 1.
        constants=Constants(
            L_zz=1.0,
            L_xz=math.sqrt(p),
            L_xx=float(p),
            H=math.sqrt(2) * (1 + p),
            H_zz=1.0,
            H_xz=1.0,
            H_zx=math.sqrt(p),
            H_xx=float(p),
            m_zz=2.0,
            m_xz=0.0,
            m_xx=2.0,
            C_z=slope,
            R=slope,  # |C(x)-x-a| <= pi in every coordinate, and G_zz = I at the choice
            C_x=2 * (abs(best_level - 2 * a) + math.pi),
            k_z=math.sqrt(p),
            k_v=2 * math.sqrt(p),
            s_z=0.0,
            s_v=0.0,
            L_Psi=2.0 + 2 * p,
        ),
        start=lambda rng: (np.zeros(p), np.array([-6.0])),
        symbolic=symbolic,
        parameters={"seed": seed, "a": a, "c": c},
        card=_SINE,
        region=region,
    )
    return attach(problem, Capabilities(optimistic_solution=solution, distance_to_lower=distance_to_lower), checks)


def _level(u: Array) -> Array:
    """The nearest point of -pi/2 + 2 pi Z."""
    level: Array = 2 * math.pi * np.round((u + math.pi / 2) / (2 * math.pi)) - math.pi / 2
    return level


def _other_levels(problem: BilevelProblem, x: Array) -> list[Check]:
    """Other lower-level solutions than the declared one: equal in G, not below in F."""
    solution = problem.capabilities.optimistic_solution
    assert solution is not None
    z = solution(x)
    shifts = 2 * math.pi * np.random.default_rng(2).integers(-3, 4, (50, *z.shape))
    level, chosen = problem.inner(z + shifts, x) - problem.inner(z, x), problem.outer(z, x)
    return [
        small("other levels solve the lower level", level, 20.0),
        above("no other level has a smaller F", problem.outer(z + shifts, x) - chosen, chosen),
    ]


_BOX = Card(
    summary="Multi-modal lower level on a box: Psi jumps down at the optimum, where a new solution enters the box.",
    source="github.com/vis-opt-group/IAPTT-GM (experiment/Numerical.py), whose boxes are these",
    assumptions={
        "A1": "fails: G is not convex in z; L_zz, L_xz, L_xx on 1 <= x <= 10, |z| <= 2",
        "A2": "on 1 <= x <= 10, |z| <= 2",
        "A3": "on 1 <= x <= 10, |z| <= 2",
        "A4": "fails: z* is a set; Psi jumps",
        "A5": "holds on X = [1, 10]",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    scalable=False,
    dimensions="p = d = 1. The solution is the optimistic one; Psi rises with slope 1 between its jumps, so that no "
    "hypergradient is declared: it is not zero at the minimiser",
)


@family(_BOX)
def iaptt_toy(p: int = 1, d: int = 1, *, seed: int = 0) -> BilevelProblem:
    """Multi-modal lower level on a box.

    F = x + x z,  G = -sin(x z), x in [1, 10], z in [-2, 2]. The lower level is solved by x z = pi/2 - 2 pi k with
    |x z| <= 2x; the optimistic choice is the largest k, k(x) = floor((2x + pi/2)/(2 pi)), and
    Psi = x + pi/2 - 2 pi k(x). It jumps down by 2 pi at x = k pi - pi/4 and rises with slope 1 in between:
    x* = 11 pi/4, z = -2, Psi* = -11 pi/4. The start is x0 = 1, z0 = 2, as in the source.

    ``value`` counts a solution as inside the box up to rounding (1e-12): at 11 pi/4 in float64 it is the lower one.

    Parameters
    ----------
    p, d : int
        Both 1.
    seed : int
        Has no effect: the problem is a fixed one. Accepted as every factory does.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    for name, size in (("p", p), ("d", d)):
        if size != 1:
            raise ValueError(f"{name} must be 1 (both variables are numbers), got {size}")
    project_x, project_z = clip(1.0, 10.0), clip(-2.0, 2.0)

    # x z at the optimistic choice; within |x| < pi/4, which is outside of X, the best point of the box is its end.
    def product(x: Array) -> Array:
        reach = 2 * np.abs(x)
        k = np.floor((reach + math.pi / 2) / (2 * math.pi) + 1e-12)
        u: Array = np.minimum(math.pi / 2, reach) - 2 * math.pi * k
        return u

    def solution(x: Array) -> Array:
        return project_z(product(x) / np.where(x == 0, 1.0, x))

    def weight_xz(z: Array, x: Array) -> Array:
        u = x * z
        w: Array = u * np.sin(u) - np.cos(u)
        return w

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        s = np.sin(x * z)
        return np.atleast_2d(x * x * s), np.atleast_2d(weight_xz(z, x)), np.atleast_2d(z * z * s)

    def value(x: Array) -> Array:
        return (x + product(x))[..., 0]

    def distance_to_lower(z: Array, x: Array) -> Array:
        k = np.arange(-4, 5)
        solutions = (math.pi / 2 - 2 * math.pi * k) / x
        distances: Array = np.where(np.abs(solutions) <= 2 + 1e-12, np.abs(z - solutions), np.inf).min(axis=-1)
        return distances

    def symbolic() -> Symbolic:
        from ._proofs import box_symbols

        return box_symbols()

    def checks(problem: BilevelProblem) -> list[Check]:
        from ._proofs import box_proofs

        assert problem.value is not None
        x = np.linspace(1, 10, 50)[:, None]
        grid = np.linspace(-2, 2, 20_001)
        values = np.asarray(problem.inner(grid[:, None, None], x), dtype=np.float64)
        # Points of the grid that are within its resolution of a solution, and the least F among them.
        near = values <= -1 + 0.5 * (10 * 2e-4) ** 2
        least = np.where(near, problem.outer(grid[:, None, None], x), np.inf).min(axis=0)
        declared = problem.value(x)
        return [
            *box_proofs(),
            above("no solution on a grid of the box has a smaller F", least - declared + 0.01, 10.0),
            above("the smallest F on the grid is no larger", declared - least + 0.01, 10.0),
            *declared_checks(problem, x),
        ]

    best = np.array([11 * math.pi / 4])
    problem = BilevelProblem(
        name="iaptt_toy",
        p=1,
        d=1,
        inner=blockwise(lambda z, x: -np.sin(x * z)[..., 0]),
        outer=blockwise(lambda z, x: (x + x * z)[..., 0]),
        inner_solution=solution,
        value=value,
        inner_grad_z=lambda z, x: -x * np.cos(x * z),
        inner_grad_x=lambda z, x: -z * np.cos(x * z),
        outer_grad_z=lambda z, x: spread_vectors(x.copy(), z),
        outer_grad_x=lambda z, x: spread_vectors(1 + z, x),
        inner_hvp_zz=lambda z, x, v: x * x * np.sin(x * z) * v,
        inner_jvp_xz=lambda z, x, v: weight_xz(z, x) * v,
        inner_jvp_zx=lambda z, x, u: weight_xz(z, x) * u,
        inner_hessian=inner_hessian,
        outer_hessian=lambda z, x: (np.zeros((1, 1)), np.ones((1, 1)), np.zeros((1, 1))),
        minimizer=frozen(best),
        minimum=float(value(best)),
        # With u = xz, |u| <= 20: G_xz = u sin u - cos u, and its derivatives in z and x are x and z times
        # 2 sin u + u cos u; |s sin u + t cos u| <= |(s, t)|.
        constants=Constants(
            L_zz=100.0,
            L_xz=math.sqrt(401),
            L_xx=4.0,
            H_zz=1000.0,
            H_xz=10 * math.sqrt(404),
            H_zx=2 * math.sqrt(404),
            H_xx=8.0,
            m_zz=0.0,
            m_xz=1.0,
            m_xx=0.0,
            C_z=10.0,
            C_x=3.0,
            radius=10.0,
        ),
        start=lambda rng: (np.array([2.0]), np.array([1.0])),
        symbolic=symbolic,
        parameters={"seed": seed},
        card=_BOX,
        region=lambda z, x: (project_z(z), project_x(x)),
    )
    offered = Capabilities(
        project_x=project_x, project_z=project_z, optimistic_solution=solution, distance_to_lower=distance_to_lower
    )
    return attach(problem, offered, checks)
