"""The Rosenbrock function at the outer level, split between z and x, behind a quadratic inner problem."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zoba_bench.arrays import Array, blockwise, frozen, square_norm
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_real

from .._base.family import family, positive_definite, sphere_start
from ._link import common_size, quadratic_link

__all__ = ["rosenbrock"]


_CARD = Card(
    summary="Rosenbrock function of (z, x) behind a quadratic inner problem: a curved valley, F_x and F_xz not zero.",
    source="the Rosenbrock test function (single-level, doi:10.1093/comjnl/3.3.175), chained; bilevel form of this "
    "catalogue",
    assumptions={
        "A1": "holds",
        "A2": "holds, H = 0",
        "A3": "F is quartic: bounds on |x|, |z| <= radius",
        "A4": "k_z and s_z hold; k_v, s_v and L_Psi on |x| <= radius",
        "A5": "holds",
    },
    quadratic_inner=True,
    psi_convexity="nonconvex",
    dimensions="p = d >= 2",
    small={"p": 2, "d": 2, "radius": 1.5},
)


@family(_CARD)
def rosenbrock(
    p: int = 4, d: int = 4, *, seed: int = 0, kappa: float = 10.0, radius: float | None = None
) -> BilevelProblem:
    """Rosenbrock function at the outer level.

    G = (z-x)'A(z-x)/2, F = sum over i < d of [100 (x_(i+1) - z_i^2)^2 + (1-z_i)^2]. z* = x, so that Psi is the
    chained Rosenbrock function, with the minimum 0 at (1, ..., 1), as a sum of squares; v* = -A^-1 F_z.

    The minimiser is the only stationary point for d = 2 and 3. For larger d there is a second local minimum, at
    (-0.776, 0.613, 0.382, 0.146) with Psi = 3.701 for d = 4 and near (-0.993, 0.997, 1, ..., 1) with Psi = 3.987
    for large d, which catches descent from that side; for d = 4 and 5 these two and one saddle are all.

    Parameters
    ----------
    p, d : int
        The common dimension of z and x, at least 2.
    seed : int
        Names the instance: it draws the eigenvectors of A.
    kappa : float, at least 1
        Condition number of A, whose eigenvalues are log-spaced in [1/kappa, 1]. Psi does not depend on it.
    radius : float or None
        If given, the constants of F, of v* and of Psi are declared for |x|, |z| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    p = d = common_size("rosenbrock", p, d, lowest=2)
    kappa = check_real("kappa", kappa, at_least=1.0, hint="it is the condition number of G_zz")

    A = positive_definite(np.random.default_rng(seed), np.geomspace(1 / kappa, 1, p))
    link = quadratic_link(A, np.eye(p))

    # With e = z - 1 and f = x - 1, x_(i+1) - z_i^2 = f_(i+1) - e_i (2 + e_i): exact near the minimiser.
    def parts(z: Array, x: Array) -> tuple[Array, Array]:
        e = z[..., :-1] - 1
        bend: Array = (x[..., 1:] - 1) - e * (2 + e)
        return e, bend

    def outer(z: Array, x: Array) -> Array:
        e, bend = parts(z, x)
        return 100 * square_norm(bend) + square_norm(e)

    def outer_grad_z(z: Array, x: Array) -> Array:
        e, bend = parts(z, x)
        slope = np.zeros((*bend.shape[:-1], p))
        slope[..., :-1] = 2 * e - 400 * (1 + e) * bend
        return slope

    def outer_grad_x(z: Array, x: Array) -> Array:
        _, bend = parts(z, x)
        slope = np.zeros((*bend.shape[:-1], d))
        slope[..., 1:] = 200 * bend
        return slope

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        zz, xz, xx = np.zeros((p, p)), np.zeros((d, p)), np.zeros((d, d))
        i = np.arange(p - 1)
        zz[i, i] = 1200 * z[:-1] ** 2 - 400 * x[1:] + 2
        xz[i + 1, i] = -400 * z[:-1]
        xx[i + 1, i + 1] = 200.0
        return zz, xz, xx

    def symbolic() -> Symbolic:
        from ._symbols import rosenbrock_symbols

        assert link.symbols is not None
        return rosenbrock_symbols(link.coupling, link.symbols, radius)

    return BilevelProblem(
        name="rosenbrock",
        p=p,
        d=d,
        inner=blockwise(link.inner),
        outer=blockwise(outer),
        inner_solution=lambda x: x.copy(),
        adjoint=lambda x: -link.solve(x, outer_grad_z(x, x)),
        value=lambda x: outer(x, x),
        hypergradient=lambda x: outer_grad_z(x, x) + outer_grad_x(x, x),
        inner_grad_z=link.inner_grad_z,
        inner_grad_x=link.inner_grad_x,
        outer_grad_z=outer_grad_z,
        outer_grad_x=outer_grad_x,
        inner_hvp_zz=link.inner_hvp_zz,
        inner_jvp_xz=link.inner_jvp_xz,
        inner_jvp_zx=link.inner_jvp_zx,
        inner_hessian=link.inner_hessian,
        outer_hessian=outer_hessian,
        minimizer=frozen(np.ones(d)),
        minimum=0.0,
        constants=_constants(link.constants, p, radius),
        start=sphere_start(p, d),
        symbolic=symbolic,
        parameters={"seed": seed, "kappa": kappa, "radius": radius},
        card=_CARD,
    )


def _constants(inner: Constants, p: int, radius: float | None) -> Constants:
    """F_xx is constant; the rest on |x|, |z| <= r, where the vectors (z_i^2), (z_i^3) are at most r^2, r^3 long
    and (x_i x_(i+1)) at most r^2/2, as sum w_i w_(i+1) <= (sum w_i)^2/4 for w >= 0.

    v* = -A^-1 F_z(x, x): k_v and s_v bound 1/mu times F_zz + F_zx and its derivative, whose entries along u twice are
    2400 x_i u_i^2 - 800 u_i u_(i+1). Hess Psi has the diagonal 1200 x_i^2 - 400 x_(i+1) + 2 (i < d) + 200 (i > 1)
    and -400 x_i beside it, which adds at most 800 sum |x_i u_i u_(i+1)| <= 400 r.
    """
    constants = replace(inner, m_xx=200.0)
    if radius is None:
        return constants
    r, mu = radius, inner.mu or 0.0
    m_zz, m_xz = 1200 * r**2 + 400 * r + 2, 400 * r
    C_z = 400 * r**3 + 200 * r**2 + 2 * r + 2 * float(np.sqrt(p - 1))
    return replace(
        constants,
        m_zz=m_zz,
        m_xz=m_xz,
        C_z=C_z,
        C_x=200 * (r + r**2),
        R=C_z / mu,
        k_v=(m_zz + m_xz) / mu,
        s_v=(2400 * r + 400) / mu,
        L_Psi=m_zz + 200 + 400 * r,
        radius=radius,
    )
