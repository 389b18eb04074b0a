"""A linear term in z - z*(x) at the outer level: the adjoint moves, the value function does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zoba_bench.arrays import Array, Samples, blockwise, dot
from zoba_bench.problem import BilevelProblem, Constants
from zoba_bench.problem.symbolic import Symbolic

from .._base.bounds import plus, times

__all__ = ["slopes_by_differences", "tilted"]


def tilted(problem: BilevelProblem, b: ArrayLike, *, name: str | None = None) -> BilevelProblem:
    """The same problem with F + b'(z - z*(x)) at the outer level.

    The new term vanishes at z*(x). Psi, its minimiser, its minimum and its gradient stay as they are, and so does the
    inner level. The adjoint becomes v* - a(x) with a = G_zz(z*(x), x)^-1 b, so that it is not zero at the minimiser of
    Psi where F_z was. With w(x) = Dz*(x)'b = -G_xz(z*(x), x) a(x), F_z becomes F_z + b and F_x becomes F_x - w(x).
    F_zz and F_xz do not change, and F_xx loses Dw(x), the Hessian of b'z*.

    Where the problem declares s_z = 0, z* is affine and Dw = 0. Elsewhere Dw is a difference quotient of w of eighth
    order. Its error is estimated from the quotient of sixth order that has the same step, and the step with the
    smallest estimate is taken.

    Parameters
    ----------
    problem : BilevelProblem
        It declares inner_solution, adjoint, inner_hvp_zz and inner_jvp_xz.
    b : (p,) array_like
        The direction of the tilt.
    name : str, optional
        Default: "tilted_" and the problem's name.

    Returns
    -------
    BilevelProblem
        Without a card, without the problem's own ``extra_checks``, and without its distribution of tasks. Constants
        that do not follow from the problem's own are unknown.

    Raises
    ------
    ValueError
        For a problem that has kinks or declares too little, and for a b that is not a finite array of shape (p,).
    """
    missing = [n for n in ("inner_solution", "adjoint", "inner_hvp_zz", "inner_jvp_xz") if getattr(problem, n) is None]
    if missing:
        raise ValueError(f"problem {problem.name!r} cannot be tilted: it does not declare {', '.join(missing)}")
    if not problem.smooth:
        raise ValueError(f"problem {problem.name!r} cannot be tilted: it has kinks, and z* has no derivative there")
    tilt = np.array(b, dtype=np.float64)
    if tilt.shape != (problem.p,) or not np.isfinite(tilt).all():
        raise ValueError(f"b must be a finite array of shape ({problem.p},), one entry for each of p, got {b!r}")
    tilt.setflags(write=False)
    solution, adjoint = problem.inner_solution, problem.adjoint
    product, cross = problem.inner_hvp_zz, problem.inner_jvp_xz
    grad_z, grad_x, hessian = problem.outer_grad_z, problem.outer_grad_x, problem.outer_hessian
    assert solution is not None
    assert adjoint is not None
    assert product is not None
    assert cross is not None
    axes = np.eye(problem.p)

    def solved(x: Array) -> Array:
        """a(x) = G_zz(z*(x), x)^-1 b."""
        curvature = product(solution(x)[..., None, :], x[..., None, :], axes)
        return np.asarray(np.linalg.solve(curvature, tilt), dtype=np.float64)

    def pulled(x: Array) -> Array:
        """w(x) = Dz*(x)'b."""
        return -cross(solution(x), x, solved(x))

    @blockwise
    def added(z: Array, x: Array) -> Array:
        return dot(z - solution(x), tilt)

    def outer(z: Array, x: Array, sample: Samples | None = None) -> Array:
        return _called(problem.outer, z, x, sample) + added(z, x)

    def outer_grad_z(z: Array, x: Array, sample: Samples | None = None) -> Array:
        assert grad_z is not None
        return _called(grad_z, z, x, sample) + tilt

    def outer_grad_x(z: Array, x: Array, sample: Samples | None = None) -> Array:
        assert grad_x is not None
        return _called(grad_x, z, x, sample) - pulled(x)

    affine = problem.constants.bound("s_z") == 0

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        assert hessian is not None
        zz, xz, xx = hessian(z, x)
        return zz, xz, xx if affine else xx - slopes_by_differences(pulled, x)[0]

    made = replace(
        problem,
        name=f"tilted_{problem.name}" if name is None else name,
        outer=outer,
        adjoint=lambda x: adjoint(x) - solved(x),
        outer_grad_z=None if grad_z is None else outer_grad_z,
        outer_grad_x=None if grad_x is None else outer_grad_x,
        outer_hessian=None if hessian is None else outer_hessian,
        constants=_constants(problem.constants, float(np.linalg.norm(tilt))),
        parameters={**problem.parameters, "b": tilt.tolist()},
        card=None,
        extra_checks=None,
        capabilities=replace(problem.capabilities, reduced_adjoint=None, tasks=None),
    )
    if problem.symbolic is None:
        return made
    return replace(made, symbolic=partial(_symbolic, problem.symbolic, tilt, made.constants))


def _called(function: Callable[..., Array], z: Array, x: Array, sample: Samples | None) -> Array:
    return function(z, x) if sample is None else function(z, x, sample)


def _symbolic(base: Callable[[], Symbolic], b: Array, constants: Constants) -> Symbolic:
    from ._tilt_symbols import tilted_symbols

    return tilted_symbols(base(), b, constants)


def _constants(c: Constants, size: float) -> Constants:
    """With |b| = size: |a| <= |b|/mu and |Dw| <= s_z |b|, as w = Dz*'b.

    D(G_zz^-1 b) along u is -G_zz^-1 (G_zzz [Dz* u] + G_zzx [u]) a, so that a is Lipschitz with
    |b| (H_zz k_z + H_xz)/mu^2. That uses H_zz and H_xz at z*(x), which may lie outside of |z| <= radius: k_v is
    unknown there, unless G_zz is constant. s_v needs a third derivative of a path of G_zz: it is known for a constant
    G_zz alone. A constant that was only sampled is no bound, and what follows from it is unknown.
    """
    mu, k_z, s_z, H_zz, H_xz = map(c.bound, ("mu", "k_z", "s_z", "H_zz", "H_xz"))
    still = H_zz == H_xz == 0
    length = None if mu is None else size / mu
    turn = None if mu is None else times(size / mu**2, plus(times(H_zz, k_z), H_xz))
    if np.isfinite(c.radius) and not still:
        turn = None
    changed: dict[str, float | None] = {
        "m_xx": plus(c.bound("m_xx"), times(s_z, size)),
        "C_z": plus(c.bound("C_z"), size),
        "C_x": plus(c.bound("C_x"), times(k_z, size)),
        "R": plus(c.bound("R"), length),
        "R_0": plus(c.bound("R_0"), length),
        "k_v": plus(c.bound("k_v"), turn),
        "s_v": c.bound("s_v") if still else None,
    }
    named: dict[str, Any] = {**changed, "sampled": tuple(n for n in c.sampled if n not in changed)}
    return replace(c, **named)


#: Weights of the values at +-1, ..., +-4 steps in central differences, and the steps that are tried.
_EIGHTH = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
_SIXTH = np.array([3 / 4, -3 / 20, 1 / 60, 0.0])
_STEPS = 2.0 ** -np.arange(2, 9)


def slopes_by_differences(function: Callable[[Array], Array], x: Array) -> tuple[Array, float]:
    """The symmetric Jacobian (d, d) of a gradient field at one point x (d,), and an estimate of its error.

    The truncation error of the quotient of order eight is far below that of order six, which is about the difference
    of the two. Rounding adds at most 2 eps max|function| / step times the operations in a value, here 64.
    """
    offsets = _STEPS[:, None] * np.concatenate([np.arange(1, 5), -np.arange(1, 5)])
    points = x + offsets[..., None, None] * np.eye(len(x))
    values = function(points)
    gaps = (values[:, :4] - values[:, 4:]) / _STEPS[:, None, None, None]
    eighth, sixth = (np.einsum("k,sk...->s...", weights, gaps) for weights in (_EIGHTH, _SIXTH))
    eps = float(np.finfo(np.float64).eps)
    size = float(np.abs(values).max())
    errors = np.abs(eighth - sixth).max(axis=(1, 2)) + 128 * eps * size / _STEPS
    best = int(np.argmin(errors))
    return (eighth[best] + eighth[best].T) / 2, float(errors[best])
