"""Quadratic families with a structure: a chain, and meta-learning over tasks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zoba_bench.arrays import Array, Index, frozen, quadratic_form, spread, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.capabilities import Capabilities, Tasks
from zoba_bench.problem.pointwise import Pointwise
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_real

from .._base.checks import attach
from .._base.family import family, positive_definite
from .._base.tasks import task_checks
from ._affine import UNBOUNDED, build_quadratic
from ._maps import solve_maps
from ._pointwise import chain_inner, chain_outer, tasks_inner, tasks_outer

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = ["first_order_fixed_point", "imaml_quad", "nesterov_chain"]


_CHAIN = Card(
    summary="Nesterov's chain as Psi: its condition number grows like the square of the dimension.",
    source="the worst function of first-order methods in Nesterov, Introductory Lectures on Convex Optimization, "
    "section 2.1.2, put behind an inner problem with z* = x",
    assumptions={"A1": "holds", "A2": "holds, H = 0", "A3": UNBOUNDED, "A4": "holds", "A5": "holds"},
    quadratic_inner=True,
    psi_convexity="strongly convex",
    dimensions="any p = d >= 1",
    small={"p": 2, "d": 2},
)


@family(_CHAIN)
def nesterov_chain(
    p: int = 8,
    d: int = 8,
    *,
    seed: int = 0,
    kappa: float = 10.0,
    L0: float = 4.0,
    radius: float | None = None,
) -> BilevelProblem:
    """Nesterov's chain behind an ill-conditioned inner problem.

    G = (z-x)'A(z-x)/2,  F = (L0/4) (z'Tz/2 - z_1) with T = tridiag(-1, 2, -1). z* = x, Psi = F(x),
    v* = -(L0/4) A^-1 (Tx - e_1), x*_i = 1 - i/(d+1), minimum -(L0/8) d/(d+1). T has the eigenvalues
    2 - 2 cos(k pi/(d+1)): the condition number of Psi is about (2(d+1)/pi)^2, whatever A is. Evaluated as
    F = minimum + (L0/8) [u_1^2 + sum (u_(i+1) - u_i)^2 + u_d^2] with u = z - x*, the same function.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x, equal.
    seed : int
        Names the instance (the eigenvectors of A).
    kappa : float, at least 1
        Condition number of A, whose eigenvalues are log-spaced in [1/kappa, 1]. Psi does not depend on it.
    L0 : float, above 0
        Bound on the curvature of Psi.
    radius : float or None
        If given, C_z, C_x and R are declared for |x| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    if p != d:
        raise ValueError(f"p must equal d, as z* = x, got p={p}, d={d}; give both")
    kappa = check_real("kappa", kappa, at_least=1.0, hint="it is the condition number of G_zz")
    L0 = check_real("L0", L0, above=0.0, hint="it bounds the curvature of Psi")

    spectrum = np.geomspace(1 / kappa, 1, p)
    A = positive_definite(np.random.default_rng(seed), spectrum)
    chain = 2 * np.eye(d) - np.eye(d, k=1) - np.eye(d, k=-1)
    first = np.eye(d)[0]
    minimizer = np.arange(d, 0, -1) / (d + 1)
    minimum = -(L0 / 8) * d / (d + 1)
    half_A = A / 2

    def inner(z: Array, x: Array) -> Array:
        return quadratic_form(z - x, half_A)

    def outer(z: Array, x: Array) -> Array:
        u = z - minimizer
        ends = u[..., 0] ** 2 + u[..., -1] ** 2
        return spread(minimum + (L0 / 8) * (ends + square_norm(np.diff(u, axis=-1))), x)

    none = np.zeros((d, d))
    maps = solve_maps(
        inner_zz=A,
        inner_xz=-A,
        inner_xx=A,
        inner_z=np.zeros(d),
        outer_zz=(L0 / 4) * chain,
        outer_xz=none,
        outer_xx=none,
        outer_z=-(L0 / 4) * first,
        outer_x=np.zeros(d),
    )
    maps = replace(maps, J=np.eye(d), j=np.zeros(d))  # without the rounding of a solve

    def symbolic() -> Symbolic:
        from ._structured_symbols import chain_symbols

        return chain_symbols(A, float(spectrum[0]), L0)

    return build_quadratic(
        "nesterov_chain",
        maps,
        inner,
        outer,
        spectrum,
        radius=radius,
        parameters={"seed": seed, "kappa": kappa, "L0": L0, "radius": radius},
        card=_CHAIN,
        minimizer=minimizer,
        symbolic=symbolic,
        at_points=(Pointwise(chain_inner, (half_A,)), Pointwise(chain_outer, (minimizer, L0 / 8, minimum))),
    )


_META = Card(
    summary="Proximal meta-learning over quadratic tasks: dropping the implicit term leads to another point.",
    source="meta-learning with implicit gradients (arXiv 1909.04630), here with quadratic losses; the fixed point "
    "of the first-order method (arXiv 2106.02487) is known too",
    assumptions={"A1": "holds", "A2": "holds, H = 0", "A3": UNBOUNDED, "A4": "holds", "A5": "holds"},
    quadratic_inner=True,
    psi_convexity="strongly convex",
    dimensions="any d >= 1 (parameters of a task) and p = d times the number of tasks",
    small={"p": 3, "d": 1},
)


@family(_META)
def imaml_quad(
    p: int = 9,
    d: int = 3,
    *,
    seed: int = 0,
    kappa: float = 30.0,
    lam: float = 1.0,
    radius: float | None = None,
) -> BilevelProblem:
    """Meta-learning of an initial point x for T = p/d quadratic tasks, each adapted with a proximal term.

    G = sum_i (z_i-c_i)'A_i(z_i-c_i)/2 + lam |z_i-x|^2/2 (training), F = sum_i (z_i-s_i)'P_i(z_i-s_i)/(2T)
    (testing). With Q_i = lam (A_i + lam)^-1: z*_i = Q_i x + (I-Q_i) c_i,
    v*_i = -(A_i + lam)^-1 P_i (z*_i-s_i)/T, grad Psi = sum_i Q_i P_i (z*_i-s_i)/T, and x* solves
    (sum Q_i P_i Q_i) x = sum Q_i P_i (s_i - (I-Q_i) c_i). The first-order method takes dz*/dx = I instead of
    Q_i and stops elsewhere: :func:`first_order_fixed_point`.

    ``capabilities.tasks`` are the T tasks as a distribution: phi_0 = x and as many gradient steps on
    (phi-c_i)'A_i(phi-c_i)/2 + lam |phi-x|^2/2 as bring phi_r to z*_i up to rounding, for the best constant step.

    Parameters
    ----------
    p, d : int
        Dimensions of z (all tasks) and x (one task); p is a multiple of d.
    seed : int
        Names the instance.
    kappa : float, at least 1
        The eigenvalues of the A_i are log-uniform in [5/kappa, 5]; the tasks differ the more, the larger it is.
    lam : float, above 0
        Weight of the proximal term.
    radius : float or None
        If given, C_z, C_x and R are declared for |x| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    if p % d:
        raise ValueError(f"p must be a multiple of d (p/d tasks of d parameters each), got p={p}, d={d}")
    kappa = check_real("kappa", kappa, at_least=1.0, hint="it is the largest ratio of curvatures of the tasks")
    lam = check_real("lam", lam, above=0.0, hint="without it x has no effect")

    tasks = p // d
    rng = np.random.default_rng(seed)
    spectra = 5 * kappa ** rng.uniform(-1, 0, (tasks, d))
    A, P = np.zeros((2, p, p))
    for i, spectrum in enumerate(spectra):
        block = slice(i * d, (i + 1) * d)
        A[block, block] = positive_definite(rng, spectrum)
        P[block, block] = positive_definite(rng, np.linspace(0.5, 1.0, d))
    c, s = rng.standard_normal((2, p)) / np.sqrt(d)
    half_A, half_P = A / 2, P / (2 * tasks)

    def inner(z: Array, x: Array) -> Array:
        pull = z.reshape(*z.shape[:-1], tasks, d) - x[..., None, :]
        return quadratic_form(z - c, half_A) + (0.5 * lam) * square_norm(pull.reshape(*pull.shape[:-2], p))

    def outer(z: Array, x: Array) -> Array:
        return spread(quadratic_form(z - s, half_P), x)

    maps = solve_maps(
        inner_zz=A + lam * np.eye(p),
        inner_xz=-lam * np.tile(np.eye(d), tasks),
        inner_xx=lam * tasks * np.eye(d),
        inner_z=-A @ c,
        outer_zz=P / tasks,
        outer_xz=np.zeros((d, p)),
        outer_xx=np.zeros((d, d)),
        outer_z=-P @ s / tasks,
        outer_x=np.zeros(d),
    )

    def scalar_tasks() -> Symbolic:
        from ._structured_symbols import meta_symbols

        assert problem.minimizer is not None
        return meta_symbols(spectra[:, 0], np.diag(P), c, s, lam, float(problem.minimizer[0]))

    problem = build_quadratic(
        "imaml_quad",
        maps,
        inner,
        outer,
        lam + spectra.ravel(),
        radius=radius,
        parameters={"seed": seed, "kappa": kappa, "lam": lam, "radius": radius},
        card=_META,
        symbolic=scalar_tasks if d == 1 else None,
        at_points=(Pointwise(tasks_inner, (half_A, c, 0.5 * lam)), Pointwise(tasks_outer, (half_P, s))),
    )
    blocks = [np.stack([M[i * d : (i + 1) * d, i * d : (i + 1) * d] for i in range(tasks)]) for M in (A, P)]
    offered = _tasks(
        blocks[0],
        blocks[1],
        c.reshape(tasks, d),
        s.reshape(tasks, d),
        lam,
        (lam + float(spectra.min()), lam + float(spectra.max())),
        first_order_fixed_point(problem),
    )
    x = np.random.default_rng(0).standard_normal((5, d))
    return attach(
        problem,
        Capabilities(tasks=offered),
        lambda subject: [_first_order_check(subject), *task_checks(subject, x)],
    )


def _tasks(
    A: Array, P: Array, c: Array, s: Array, lam: float, ends: tuple[float, float], first_order_point: Array
) -> Tasks:
    """The tasks of :func:`imaml_quad`: A, P (T, d, d), c, s (T, d), ends of the spectra of A_i + lam."""
    count, d = c.shape
    # The best step contracts by (kappa - 1)/(kappa + 1); all at once where the spectrum is one number.
    low, high = ends
    contraction = (high - low) / (high + low)
    steps = math.ceil(math.log(np.finfo(np.float64).eps) / math.log(contraction)) if contraction > 0 else 1
    solved = np.asarray(np.linalg.inv(A + lam * np.eye(d)), dtype=np.float64)
    pulled = _apply(A, c)

    def adapted(theta: Array, task: Index) -> Array:
        return _apply(solved[task], lam * theta + pulled[task])

    return Tasks(
        probabilities=np.full(count, 1 / count),
        q=d,
        steps=steps,
        step=2 / (high + low),
        initial=lambda theta, task: spread_vectors(theta.copy(), c[task]),
        initial_pullback=lambda theta, task, v: spread_vectors(v.copy(), theta, c[task]),
        inner_grad=lambda phi, theta, task: _apply(A[task], phi - c[task]) + lam * (phi - theta),
        inner_hvp=lambda phi, theta, task, v: spread_vectors(_apply(A[task], v) + lam * v, phi, theta),
        inner_cross=lambda phi, theta, task, v: spread_vectors(-lam * v, phi, theta, c[task]),
        outer=lambda phi, theta, task: spread(0.5 * np.vecdot(phi - s[task], _apply(P[task], phi - s[task])), theta),
        outer_grad_phi=lambda phi, theta, task: spread_vectors(_apply(P[task], phi - s[task]), theta),
        outer_grad_theta=None,
        adapted=adapted,
        first_order_point=frozen(first_order_point),
    )


def _apply(matrices: Array, vectors: Array) -> Array:
    """Products of matrices (..., n, n) with vectors (..., n)."""
    product: Array = (matrices @ vectors[..., None])[..., 0]
    return product


def first_order_fixed_point(problem: BilevelProblem) -> Array:
    """Where the first-order method stops on an instance of :func:`imaml_quad`.

    It follows sum_i F_(z_i)(z*(x), x), as if every z*_i moved as x does, instead of the hypergradient. The
    fixed point x solves (sum P_i Q_i) x = sum P_i (s_i - (I-Q_i) c_i): affine, hence found from d + 1 values.

    Parameters
    ----------
    problem : BilevelProblem
        An instance of :func:`imaml_quad`.

    Returns
    -------
    (d,) array
    """
    d, solution, slope = problem.d, problem.inner_solution, problem.outer_grad_z
    assert solution is not None
    assert slope is not None
    points = np.concatenate([np.zeros((1, d)), np.eye(d)])
    followed = slope(solution(points), points).reshape(d + 1, -1, d).sum(axis=1)
    fixed: Array = np.linalg.solve((followed[1:] - followed[0]).T, -followed[0])
    return fixed


def _first_order_check(problem: BilevelProblem) -> Check:
    from zoba_bench.certification.certificate import Check

    solution, slope, value, hypergradient = (
        getattr(problem, name) for name in ("inner_solution", "outer_grad_z", "value", "hypergradient")
    )
    x = first_order_fixed_point(problem)
    followed = slope(solution(x), x).reshape(-1, problem.d).sum(axis=0)
    residual, left = np.linalg.norm(followed), np.linalg.norm(hypergradient(x))
    gap = float(value(x) - problem.minimum)
    detail = f"followed {residual:.1e}; there |grad Psi| = {left:.3g}, Psi - minimum = {gap:.3g}"
    return Check("first-order fixed point", bool(residual <= 1e-12) and gap >= -1e-14, "computed", detail)
