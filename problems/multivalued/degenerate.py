"""Families whose lower level has many solutions, by its linear algebra: free, rank-deficient or bilinear.

The solution that is meant is the optimistic one, the minimiser of G(., x) with the least F. ``inner_solution`` is
that choice and Psi(x) its F; where a box binds, G_z does not vanish at the choice and ``inner_solution`` is left out:
``capabilities.optimistic_solution`` gives it in every family here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from zoba_bench.arrays import (
    Array,
    blockwise,
    dot,
    frozen,
    linear_map,
    quadratic_form,
    row_sum,
    spread_vectors,
    square_norm,
)
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_dimension, check_real

from .._base.checks import above, attach, clip, declared_checks, small, tied
from .._base.family import family, orthogonal, spectral_norm, sphere_start, with_singular_values

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = ["bda_lls", "bome_minmax", "pl_rankdef"]


_LLS = Card(
    summary="Merely convex lower level: half of z is free, and the outer objective chooses it.",
    source="the merely convex example of arXiv 2102.07976 (BDA) and arXiv 2405.09927 (MEHA), "
    "github.com/vis-opt-group/MEHA",
    assumptions={
        "A1": "fails: G_zz = diag(I, 0) is singular; L_zz, L_xz, L_xx hold",
        "A2": "holds, H = 0",
        "A3": "holds except for C_z, C_x: F_z and F_x are affine",
        "A4": "fails: z* is a set; k_z is that of the optimistic choice, v* is unique up to ker G_zz only",
        "A5": "holds",
    },
    quadratic_inner=True,
    psi_convexity="strongly convex",
    dimensions="p = 2 d. The solution is the optimistic one; with y2 frozen, methods go to x = (1 + y2)/2 instead",
    small={"d": 1},
)


@family(_LLS)
def bda_lls(p: int | None = None, d: int | None = None, *, seed: int = 0) -> BilevelProblem:
    """Merely convex lower level, z = (y1, y2) with y2 free.

    G = |y1|^2/2 - x'y1,  F = |x-y2|^2/2 + |y1-e|^2/2 with e = (1, ..., 1). The lower level is solved by y1 = x and
    any y2; the optimistic choice is y2 = x, Psi = |x-e|^2/2, minimum 0 at x = e. The reduced adjoint, of least norm,
    is (e-x, 0). A method that keeps y2 where it is minimises |x-y2|^2/2 + |x-e|^2/2, at x = (e+y2)/2.
    The start is 0.01 everywhere, as in the source.

    Parameters
    ----------
    p, d : int or None
        p = 2 d; d = 5 by default.
    seed : int
        Has no effect: the problem is a fixed one. Accepted as every factory does.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    p, d = tied(p, d, ratio=2, default=5)

    def split(z: Array) -> tuple[Array, Array]:
        return z[..., :d], z[..., d:]

    def joined(y1: Array, y2: Array) -> Array:
        return np.concatenate(np.broadcast_arrays(y1, y2), axis=-1)

    def inner(z: Array, x: Array) -> Array:
        y1, _ = split(z)
        return dot(0.5 * y1 - x, y1)

    def outer(z: Array, x: Array) -> Array:
        y1, y2 = split(z)
        total: Array = 0.5 * square_norm(x - y2) + 0.5 * square_norm(y1 - 1)
        return total

    def solution(x: Array) -> Array:
        return joined(x, x)

    def reduced_adjoint(x: Array) -> Array:
        return joined(1 - x, np.zeros(d))

    def distance_to_lower(z: Array, x: Array) -> Array:
        return np.sqrt(square_norm(split(z)[0] - x))

    zz, zeros = np.diag(np.repeat([1.0, 0.0], d)), np.zeros((d, d))

    def symbolic() -> Symbolic:
        from ._proofs import lls_symbols

        return lls_symbols(d)

    def checks(problem: BilevelProblem) -> list[Check]:
        from ._proofs import lls_proofs

        points = np.random.default_rng(1).standard_normal((20, d))
        other = joined(points, 3 * points[::-1])
        equal = problem.inner(other, points) - problem.inner(solution(points), points)
        return [
            *lls_proofs(),
            small("every y2 solves the lower level", equal),
            *declared_checks(problem, points, points),
        ]

    problem = BilevelProblem(
        name="bda_lls",
        p=p,
        d=d,
        inner=blockwise(inner),
        outer=blockwise(outer),
        inner_solution=solution,
        value=lambda x: 0.5 * square_norm(x - 1),
        hypergradient=lambda x: x - 1,
        inner_grad_z=lambda z, x: joined(split(z)[0] - x, np.zeros(d)),
        inner_grad_x=lambda z, x: spread_vectors(-split(z)[0], x),
        outer_grad_z=lambda z, x: joined(split(z)[0] - 1, split(z)[1] - x),
        outer_grad_x=lambda z, x: x - split(z)[1],
        inner_hvp_zz=lambda z, x, v: spread_vectors(joined(split(v)[0], np.zeros(d)), z, x),
        inner_jvp_xz=lambda z, x, v: spread_vectors(-split(v)[0], z, x),
        inner_jvp_zx=lambda z, x, u: spread_vectors(joined(-u, np.zeros(d)), z, x),
        inner_hessian=lambda z, x: (zz, np.hstack([-np.eye(d), zeros]), zeros),
        outer_hessian=lambda z, x: (np.eye(p), np.hstack([zeros, -np.eye(d)]), np.eye(d)),
        minimizer=frozen(np.ones(d)),
        minimum=0.0,
        constants=Constants(
            L_zz=1.0,
            L_xz=1.0,
            L_xx=0.0,
            H=0.0,
            H_zz=0.0,
            H_xz=0.0,
            H_zx=0.0,
            H_xx=0.0,
            m_zz=1.0,
            m_xz=1.0,
            m_xx=1.0,
            k_z=math.sqrt(2),
            s_z=0.0,
            L_Psi=1.0,
        ),
        start=lambda rng: (np.full(p, 0.01), np.full(d, 0.01)),
        symbolic=symbolic,
        parameters={"seed": seed},
        card=_LLS,
    )
    offered = Capabilities(
        optimistic_solution=solution, distance_to_lower=distance_to_lower, reduced_adjoint=reduced_adjoint, pl=1.0
    )
    return attach(problem, offered, checks)


_RANK = Card(
    summary="Rank-deficient least squares at the lower level: Polyak-Lojasiewicz instead of strongly convex.",
    source="standard Polyak-Lojasiewicz lower level; no single origin",
    assumptions={
        "A1": "fails: G_zz = A'A is singular; |G_z|^2 >= 2 mu_PL (G - min G) with the least non-zero eigenvalue",
        "A2": "holds, H = 0",
        "A3": "holds except for C_z, C_x: F_z and F_x are affine",
        "A4": "fails: z* is a set; k_z is that of the optimistic choice, v* is unique up to ker A only",
        "A5": "holds",
    },
    quadratic_inner=True,
    psi_convexity="strongly convex",
    dimensions="any p, d >= 1, rank from 1 to p; symbols for p = 2, rank 1. The solution is the optimistic one",
    small={"p": 2, "d": 2, "rank": 1},
)


@family(_RANK)
def pl_rankdef(p: int = 5, d: int = 3, *, seed: int = 0, rank: int | None = None, lam: float = 0.1) -> BilevelProblem:
    """Rank-deficient lower level.

    G = |Az-Bx|^2/2 with A (p, p) of the given rank, F = |z-t|^2/2 + lam |x|^2/2. With N = A^+A and J = A^+B the
    lower level is solved by Jx + ker A; the optimistic choice is z* = Jx + (I-N)t, Psi = |Jx-Nt|^2/2 + lam |x|^2/2,
    x* = (J'J + lam I)^-1 J'Nt. At the choice F_z = Jx-Nt is orthogonal to ker A, and the reduced adjoint, of least
    norm, is v = -(A'A)^+ F_z; at any other solution A'Av = -F_z has no solution. The solution Jx of least norm has
    the same x*, with F larger by |(I-N)t|^2/2.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Names the instance.
    rank : int or None
        Rank of A, between 1 and p; p - 2, or 1, by default.
    lam : float, above 0
        Outer regularisation.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    rng = np.random.default_rng(seed)
    lam = check_real("lam", lam, above=0.0, hint="without it the minimiser is not unique")
    rank = max(p - 2, 1) if rank is None else check_dimension("rank", rank)
    if rank > p:
        raise ValueError(f"rank must be at most p, got rank={rank}, p={p}")
    left, right = orthogonal(rng, p)[:, :rank], orthogonal(rng, p)[:, :rank]
    singular = np.linspace(1.5, 0.5, rank)
    B = with_singular_values(rng, p, d, 0.5, 1.5)
    t = rng.standard_normal(p) / np.sqrt(p)
    A = (left * singular) @ right.T
    N = right @ right.T
    J = (right / singular) @ (left.T @ B)
    H, cross, BB = A.T @ A, -B.T @ A, B.T @ B
    pinv = (right / singular**2) @ right.T  # (A'A)^+
    A_T, B_T, J_T, cross_T = (np.ascontiguousarray(m.T) for m in (A, B, J, cross))
    free, seen = t - N @ t, N @ t
    curvature = J.T @ J + lam * np.eye(d)
    best = np.linalg.solve(curvature, J.T @ seen)
    rest = J @ best - seen
    minimum = 0.5 * float(rest @ rest) + 0.5 * lam * float(best @ best)

    def residual(z: Array, x: Array) -> Array:
        r: Array = linear_map(z, A_T) - linear_map(x, B_T)
        return r

    def outer(z: Array, x: Array) -> Array:
        return 0.5 * square_norm(z - t) + (0.5 * lam) * square_norm(x)

    def solution(x: Array) -> Array:
        z: Array = linear_map(x, J_T) + free
        return z

    # |z - (solution nearest to z)| = |A^+ (Az - Bx)|.
    def distance_to_lower(z: Array, x: Array) -> Array:
        return np.sqrt(square_norm(linear_map(z, N) - linear_map(x, J_T)))

    def symbolic() -> Symbolic:
        from ._proofs import rank_one_symbols

        return rank_one_symbols(A, B, t, lam)

    def checks(problem: BilevelProblem) -> list[Check]:
        rng = np.random.default_rng(1)
        x, z = rng.standard_normal((20, d)), rng.standard_normal((20, p))
        at, least = solution(x), linear_map(x, J_T)
        kernel = z - linear_map(z, N)
        wider = problem.outer(at + kernel, x) - problem.outer(at, x) - 0.5 * square_norm(kernel)
        far = problem.outer(least, x) - problem.outer(at, x) - 0.5 * float(free @ free)
        return [
            small("A^+A is a projection with the kernel of A", np.concatenate([N @ N - N, A @ N - A])),
            small("A'A (A'A)^+ = A^+A, A'AJ = A'B", np.concatenate([H @ pinv - N, A.T @ (A @ J - B)], axis=1), 10.0),
            small("optimistic choice: F grows by |w|^2/2 along ker A", wider, 10.0),
            small("least-norm choice: F larger by |(I-A^+A)t|^2/2 for every x", far, 10.0),
            small("F_z is orthogonal to ker A at the choice", (at - t) - linear_map(at - t, N)),
            *declared_checks(problem, x, x),
        ]

    problem = BilevelProblem(
        name="pl_rankdef",
        p=p,
        d=d,
        inner=blockwise(lambda z, x: 0.5 * square_norm(residual(z, x))),
        outer=blockwise(outer),
        inner_solution=solution,
        value=lambda x: minimum + 0.5 * quadratic_form(x - best, curvature),
        hypergradient=lambda x: linear_map(x - best, curvature),
        inner_grad_z=lambda z, x: linear_map(residual(z, x), A),
        inner_grad_x=lambda z, x: -linear_map(residual(z, x), B),
        outer_grad_z=lambda z, x: spread_vectors(z - t, x),
        outer_grad_x=lambda z, x: spread_vectors(lam * x, z),
        inner_hvp_zz=lambda z, x, v: spread_vectors(linear_map(v, H), z, x),
        inner_jvp_xz=lambda z, x, v: spread_vectors(linear_map(v, cross_T), z, x),
        inner_jvp_zx=lambda z, x, u: spread_vectors(linear_map(u, cross), z, x),
        inner_hessian=lambda z, x: (H, cross, BB),
        outer_hessian=lambda z, x: (np.eye(p), np.zeros((d, p)), lam * np.eye(d)),
        minimizer=frozen(best),
        minimum=minimum,
        constants=Constants(
            L_zz=float(singular[0]) ** 2,
            L_xz=spectral_norm(cross),
            L_xx=spectral_norm(BB),
            H=0.0,
            H_zz=0.0,
            H_xz=0.0,
            H_zx=0.0,
            H_xx=0.0,
            m_zz=1.0,
            m_xz=0.0,
            m_xx=lam,
            k_z=spectral_norm(J),
            s_z=0.0,
            L_Psi=spectral_norm(curvature),
        ),
        start=sphere_start(p, d),
        symbolic=symbolic if rank == 1 and p == 2 else None,
        parameters={"seed": seed, "rank": rank, "lam": lam},
        card=_RANK,
    )
    offered = Capabilities(
        optimistic_solution=solution,
        distance_to_lower=distance_to_lower,
        reduced_adjoint=lambda x: -linear_map(linear_map(x, J_T) - seen, pinv),
        pl=float(singular[-1]) ** 2,
    )
    return attach(problem, offered, checks)


_MINMAX = Card(
    summary="Bilinear min-max problem on a box: the lower level is linear, its solution a vertex.",
    source="the mini-max toy of BOME (Liu, Ye, Wright, Stone and Liu, NeurIPS 2022); its formulas only",
    assumptions={
        "A1": "fails: G_zz = 0; L_zz, L_xz, L_xx hold",
        "A2": "holds, H = 0",
        "A3": "on X and Z: F_z and F_x are linear",
        "A4": "fails: z* jumps between vertices, and is all of Z at the optimum",
        "A5": "holds on X and Z",
    },
    quadratic_inner=True,
    psi_convexity="convex",
    dimensions="p >= d >= 1 (else the minimiser is not unique). F = -G: every lower-level solution has the same F; "
    "inner_solution is not declared, as G_z does not vanish at a vertex",
    small={"p": 2, "d": 2},
)


@family(_MINMAX)
def bome_minmax(p: int = 3, d: int = 2, *, seed: int = 0) -> BilevelProblem:
    """Bilinear min-max problem on boxes.

    F = x'Az, G = -F, x in [-1, 1]^d, z in [-1, 1]^p, A (d, p) of full row rank. The lower level is solved by
    z = sign(A'x), with any entry of [-1, 1] where (A'x)_k = 0; Psi = |A'x|_1, minimum 0 at x = 0, where every z
    solves the lower level. ``hypergradient`` is A sign(A'x): the derivative where it exists, a subgradient elsewhere.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x, d <= p.
    seed : int
        Names the instance.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    rng = np.random.default_rng(seed)
    if d > p:
        raise ValueError(f"d must be at most p for a unique minimiser, got p={p}, d={d}")
    A = with_singular_values(rng, d, p, 0.5, 1.5)
    A_T = np.ascontiguousarray(A.T)
    box, norm = clip(-1.0, 1.0), spectral_norm(A)
    reach = math.sqrt(p)

    def outer(z: Array, x: Array) -> Array:
        return dot(linear_map(x, A), z)

    def solution(x: Array) -> Array:
        return np.sign(linear_map(x, A))

    def distance_to_lower(z: Array, x: Array) -> Array:
        slopes = linear_map(x, A)
        return np.sqrt(square_norm(z - np.where(slopes == 0, box(z), np.sign(slopes))))

    def start(rng: np.random.Generator) -> tuple[Array, Array]:
        return np.zeros(p), rng.uniform(-1, 1, d)

    def symbolic() -> Symbolic:
        from ._proofs import minmax_symbols

        return minmax_symbols(A)

    def checks(problem: BilevelProblem) -> list[Check]:
        from ._proofs import minmax_proofs

        assert problem.value is not None
        x = np.random.default_rng(1).uniform(-1, 1, (60, d))
        apart = x[np.abs(linear_map(x, A)).min(axis=-1) > 0.02]
        lowest = float(np.linalg.svd(A, compute_uv=False)[-1])
        vertices = np.sign(np.random.default_rng(2).standard_normal((20, p)))
        at_best = problem.outer(vertices, np.zeros(d))
        return [
            *minmax_proofs(),
            above("A has full row rank", lowest - 0.1),
            above("Psi >= |A'x| >= sigma_min |x|", problem.value(x) - lowest * np.sqrt(square_norm(x))),
            small(
                "F = -G: optimistic and pessimistic choice agree",
                problem.outer(vertices, x[:20]) + problem.inner(vertices, x[:20]),
            ),
            small("every z solves the lower level at the minimiser", at_best),
            *declared_checks(problem, x, apart),
        ]

    problem = BilevelProblem(
        name="bome_minmax",
        p=p,
        d=d,
        inner=blockwise(lambda z, x: -outer(z, x)),
        outer=blockwise(outer),
        value=lambda x: row_sum(np.abs(linear_map(x, A))),
        hypergradient=lambda x: linear_map(solution(x), A_T),
        inner_grad_z=lambda z, x: spread_vectors(-linear_map(x, A), z),
        inner_grad_x=lambda z, x: spread_vectors(-linear_map(z, A_T), x),
        outer_grad_z=lambda z, x: spread_vectors(linear_map(x, A), z),
        outer_grad_x=lambda z, x: spread_vectors(linear_map(z, A_T), x),
        inner_hvp_zz=lambda z, x, v: spread_vectors(np.zeros(v.shape), z, x),
        inner_jvp_xz=lambda z, x, v: spread_vectors(-linear_map(v, A_T), z, x),
        inner_jvp_zx=lambda z, x, u: spread_vectors(-linear_map(u, A), z, x),
        inner_hessian=lambda z, x: (np.zeros((p, p)), -A, np.zeros((d, d))),
        outer_hessian=lambda z, x: (np.zeros((p, p)), A.copy(), np.zeros((d, d))),
        minimizer=frozen(np.zeros(d)),
        minimum=0.0,
        # The ball of radius sqrt p contains both boxes.
        constants=Constants(
            L_zz=0.0,
            L_xz=norm,
            L_xx=0.0,
            H=0.0,
            H_zz=0.0,
            H_xz=0.0,
            H_zx=0.0,
            H_xx=0.0,
            m_zz=0.0,
            m_xz=norm,
            m_xx=0.0,
            C_z=norm * reach,
            C_x=norm * reach,
            radius=reach,
        ),
        start=start,
        symbolic=symbolic,
        parameters={"seed": seed},
        card=_MINMAX,
        region=lambda z, x: (box(z), box(x)),
    )
    offered = Capabilities(
        project_x=box, project_z=box, optimistic_solution=solution, distance_to_lower=distance_to_lower
    )
    return attach(problem, offered, checks)
