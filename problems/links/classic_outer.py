"""Classical test functions at the outer level, behind a quadratic inner problem with z* = Qx.

G = (z-Qx)'A(z-Qx)/2 with any condition number; Psi is the test function itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.validation import check_real

from .._base import scalars
from .._base.family import family, orthogonal, positive_definite
from ..combinators import Scalar, planted
from ._link import common_size, expressions, quadratic_link

__all__ = ["logistic_outer", "rastrigin"]


_KAPPA_HINT = "it is the condition number of G_zz"


_RASTRIGIN = Card(
    summary="Rotated Rastrigin function behind a quadratic inner problem: a grid of local minima, one global.",
    source="the Rastrigin test function (single-level; Rastrigin 1974), rotated; bilevel form of this catalogue",
    assumptions={
        "A1": "holds",
        "A2": "holds, H = 0",
        "A3": "F_z grows with |x|: C_z and R on |x| <= radius; globally |v*| <= kappa |grad Psi|",
        "A4": "holds, in closed form",
        "A5": "holds",
    },
    quadratic_inner=True,
    psi_convexity="nonconvex",
    dimensions="p = d >= 1",
    small={"p": 2, "d": 2, "radius": 1.5},
)


@family(_RASTRIGIN)
def rastrigin(
    p: int = 4,
    d: int = 4,
    *,
    seed: int = 0,
    kappa: float = 10.0,
    a: float = 1.0,
    radius: float | None = None,
) -> BilevelProblem:
    """Rastrigin function at the outer level.

    G = (z-Qx)'A(z-Qx)/2, Q orthogonal, F = |z-t|^2/2 + a sum(1 - cos(2 pi (z_i-t_i))), t = Q x_o. z* = Qx,
    v* = -A^-1 f'(u) with u = Q(x-x_o), Psi = sum f(u_i), minimum 0 at x_o. The stationary points are those with
    u_i + 2 pi a sin(2 pi u_i) = 0 for every i; Psi is convex for a <= 1/(4 pi^2) only.

    Parameters
    ----------
    p, d : int
        The common dimension of z and x.
    seed : int
        Names the instance.
    kappa : float, at least 1
        Condition number of A, whose eigenvalues are log-spaced in [1/kappa, 1]. Psi does not depend on it.
    a : float, at least 0
        Amplitude of the cosines.
    radius : float or None
        If given, C_z and R are declared for |x| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    p = d = common_size("rastrigin", p, d)
    kappa = check_real("kappa", kappa, at_least=1.0, hint=_KAPPA_HINT)
    a = check_real("a", a, at_least=0.0)

    rng = np.random.default_rng(seed)
    link = quadratic_link(positive_definite(rng, np.geomspace(1 / kappa, 1, p)), orthogonal(rng, p))
    best = rng.standard_normal(d)

    # 1 - cos(2 pi u) = 2 sin^2(pi u), exact near 0.
    def loss(u: Array) -> Array:
        wave = np.sin(np.pi * u)
        wave *= wave
        wave *= 2 * a
        wave += 0.5 * u**2
        return wave

    turn = 2 * np.pi
    rippled = Scalar(
        loss,
        lambda u: u + (turn * a) * np.sin(turn * u),
        lambda u: 1 + (turn**2 * a) * np.cos(turn * u),
        second_bound=1 + turn**2 * a,
        third_bound=turn**3 * a,
        text="u**2/2 + 2*a*sin(pi*u)**2",
        terms=("u**2/2", "2*a*sin(pi*u)**2"),
        parameters={"a": a},
    )
    problem = planted(
        link,
        rippled,
        best,
        name="rastrigin",
        expressions=expressions("rastrigin", radius=radius),
        parameters={"seed": seed, "kappa": kappa, "a": a, "radius": radius},
        card=_RASTRIGIN,
    )
    # |v*| = |A^-1 F_z| and |grad Psi| = |Q'F_z| = |F_z|.
    mu = link.constants.mu or 0.0
    constants = replace(problem.constants, R_0=0.0, R_g=1 / mu)
    if radius is not None:
        # |u + 2 pi a sin(2 pi u)| <= |u| + 2 pi a sqrt p and |u| = |x - x_o|.
        C_z = radius + float(np.linalg.norm(best)) + turn * a * float(np.sqrt(p))
        constants = replace(constants, C_z=C_z, R=C_z / mu, radius=radius)
    return replace(problem, constants=constants)


_LOGISTIC = Card(
    summary="Logistic loss with soft labels behind a quadratic inner problem: every assumption holds, Psi is convex.",
    source="logistic regression with soft labels on rotated coordinates; bilevel form of this catalogue",
    assumptions={
        "A1": "holds",
        "A2": "holds, H = 0",
        "A3": "holds",
        "A4": "holds, in closed form",
        "A5": "holds",
    },
    quadratic_inner=True,
    psi_convexity="convex",
    dimensions="p = d >= 1",
    small={"p": 2, "d": 2},
)


@family(_LOGISTIC)
def logistic_outer(p: int = 6, d: int = 6, *, seed: int = 0, kappa: float = 10.0) -> BilevelProblem:
    """Logistic loss at the outer level.

    G = (z-Qx)'A(z-Qx)/2, Q orthogonal, F = (1/p) sum [softplus(z_i) - s_i z_i] with the labels s = sigmoid(Q x_o).
    z* = Qx, v* = -A^-1 (sigmoid(Qx) - s)/p; the minimum at x_o is the mean entropy of the labels.

    Parameters
    ----------
    p, d : int
        The common dimension of z and x.
    seed : int
        Names the instance.
    kappa : float, at least 1
        Condition number of A, whose eigenvalues are log-spaced in [1/kappa, 1]. Psi does not depend on it.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    p = d = common_size("logistic_outer", p, d)
    kappa = check_real("kappa", kappa, at_least=1.0, hint=_KAPPA_HINT)

    rng = np.random.default_rng(seed)
    Q = orthogonal(rng, p)
    link = quadratic_link(positive_definite(rng, np.geomspace(1 / kappa, 1, p)), Q)
    best = rng.standard_normal(d)
    t = Q @ best

    # softplus(z) - s z = log(2 cosh(z/2)) + (1/2 - s) z.
    offset = -scalars.half_tanh_half(t)

    def loss(u: Array) -> Array:
        z = t + u
        return scalars.log_2cosh_half(z) + offset * z

    labelled = Scalar(
        loss,
        lambda u: scalars.sigmoid_step(t, u),
        lambda u: scalars.sigmoid_first(t + u),
        first_bound=1.0,
        second_bound=0.25,
        third_bound=scalars.SIGMOID_SECOND,
        text="log(1 + exp(t + u)) - (t + u)*exp(t)/(1 + exp(t))",
        terms=("divergence(log(1 + exp(w)), t + u, t)",),
    )
    problem = planted(
        link,
        labelled,
        best,
        name="logistic_outer",
        weight=1 / p,
        expressions=expressions("logistic_outer"),
        parameters={"seed": seed, "kappa": kappa},
        card=_LOGISTIC,
    )
    # As for rastrigin.
    return replace(problem, constants=replace(problem.constants, R_0=0.0, R_g=link.inverse[0]))
