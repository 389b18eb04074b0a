"""Weights of training rows (data cleaning), with a planted outer optimum of value 0."""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial import Polynomial

from zoba_bench.arrays import Array, blockwise, dot, frozen, linear_map, spread, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_dimension, check_real, is_integer

from .._base import scalars
from .._base.family import family, sphere_start
from .._base.separable import (
    ON_REGION,
    SHARE_OF_RADIUS,
    UNIQUE,
    Shrinkage,
    Weight,
    between_sigmoids,
    build_separable,
    check_square,
    drawn,
)
from ._bounds import cleaning_constants

__all__ = ["dataclean_linear", "dataclean_ortho"]


_RADIUS_HINT = "the constants hold for |x| <= radius"

_CLEAN_ORTHO = Card(
    summary="Data cleaning with an orthonormal design: one sigmoid weight per observation.",
    source="sigmoid-weighted hyper-cleaning task of the bilevel literature (for example stocBiO, arXiv 2010.07962), "
    "here for an orthonormal design with a planted solution",
    assumptions={
        "A1": "mu and L_zz hold; G_xz and G_xx contain z: on |z| <= max(radius, sup |z*|)",
        **ON_REGION,
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions=f"any p = d >= 1; {UNIQUE}; the hypergradient vanishes as |x_i| grows",
    small={"p": 2, "d": 2},
)


@family(_CLEAN_ORTHO)
def dataclean_ortho(p: int = 5, d: int = 5, *, seed: int = 0, mu: float = 0.3, radius: float = 2.0) -> BilevelProblem:
    """Data cleaning with an orthonormal design.

    G = sum s(x_i) (z_i - b_i)^2/2 + mu |z|^2/2 with the sigmoid s, F = |z-t|^2/2 with t = z*(x_o). With
    y = s/(s+mu): z*_i = b_i y_i, v*_i = -(z*_i - t_i)/(s+mu), grad Psi_i = (z*_i - t_i) mu b_i s'/(s+mu)^2;
    minimum 0 at x_o.

    Parameters
    ----------
    p, d : int
        The number of observations, both.
    seed : int
        Names the instance: b with 1/2 <= |b_i| <= 3/2, and x_o on |x| = radius/2.
    mu : float, above 0
        Ridge penalty.
    radius : float, above 0
        The constants hold for |x| <= radius and |z| <= max(radius, sup |z*|).

    Raises
    ------
    ValueError
        For a bad argument.
    """
    n = check_square(p, d)
    mu = check_real("mu", mu, above=0.0, hint="without it an observation of weight zero leaves z_i free")
    radius = check_real("radius", radius, above=0.0, hint=_RADIUS_HINT)
    b, planted = drawn(np.random.default_rng(seed), n, radius)
    low, high = (float(scalars.sigmoid(np.array(end))) for end in (-radius, radius))

    def state(x: Array) -> Array:
        s = scalars.sigmoid(x)
        return np.asarray(s / (s + mu))

    def offset(x: Array) -> Array:
        between = between_sigmoids(x, planted)
        return np.asarray(mu * between / ((scalars.sigmoid(x) + mu) * (scalars.sigmoid(planted) + mu)))

    shrink = Shrinkage(
        state=state,
        offset=offset,
        planted=state(planted),
        slope=Polynomial([0.0, 1.0, -(1 + mu)]),  # y' = mu s (1-s)/(s+mu)^2 = y (1 - (1+mu) y)
        inverse=Polynomial([1 / mu, -1 / mu]),  # 1/(s+mu) = (1-y)/mu
        low=low / (low + mu),
        high=high / (high + mu),
    )

    def symbolic() -> Symbolic:
        from ._symbols import dataclean_ortho_symbols

        return dataclean_ortho_symbols(b, planted, mu, radius)

    return build_separable(
        "dataclean_ortho",
        b=b,
        centre=b,
        base=mu,
        anchor=np.zeros(n),
        weight=Weight(
            scalars.sigmoid,
            scalars.sigmoid_first,
            scalars.sigmoid_second,
            (high, 0.25, scalars.SIGMOID_SECOND, 0.125),  # |s'''| = s' |1 - 6 s'| <= 1/8
        ),
        shrink=shrink,
        minimizer=planted,
        mu=mu + low,
        radius=radius,
        symbolic=symbolic,
        parameters={"seed": seed, "mu": mu, "radius": radius},
        card=_CLEAN_ORTHO,
    )


_CLEAN_LINEAR = Card(
    summary="Data cleaning: one sigmoid weight per training row, some labels corrupted, validation labels planted.",
    source="sigmoid-weighted hyper-cleaning task of the bilevel literature (for example stocBiO, arXiv 2010.07962), "
    "here with least squares, random data and labels that planted weights fit exactly",
    assumptions={
        "A1": "mu and L_zz hold; G_xz and G_xx contain the residual: on |z| <= max(radius, sup |z*|)",
        **ON_REGION,
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="any p, d >= 1 with d the number of training rows; for d > p the minimisers form a manifold of "
    "dimension d - p and none is declared, for d <= p x_o is the only one",
    small={"p": 2, "d": 1},
)


@family(_CLEAN_LINEAR)
def dataclean_linear(
    p: int = 4,
    d: int = 12,
    *,
    seed: int = 0,
    m: int | None = None,
    mu: float = 0.1,
    corrupted: int | None = None,
    radius: float = 2.0,
) -> BilevelProblem:
    """Weights of training rows, some of which have corrupted labels.

    G = sum_j s(x_j) (a_j'z - b_j)^2/(2d) + mu |z|^2/2 with the sigmoid s, F = |A_v z - b_v|^2/(2m) with
    b_v = A_v t, t = z*(x_o). With K = sum s(x_j) a_j a_j'/d + mu I: z* = t + K^-1 sum (s(x_j) - s(x_oj)) r_j a_j/d for
    r = b - A t, v* = -K^-1 A_v'A_v (z* - t)/m, grad Psi_j = s'(x_j) (a_j'z* - b_j)(a_j'v*)/d.

    z*(x) = t says that sum s(x_j) r_j a_j = d mu t, which is linear in the weights s(x_j): a manifold of dimension
    d - p where d > p; only x_o where d <= p (the a_j are independent then, and no r_j is zero).

    Parameters
    ----------
    p, d : int
        Numbers of features and of training rows.
    seed : int
        Names the instance.
    m : int or None
        Number of validation rows, at least p; 3p where None.
    mu : float, above 0
        Ridge penalty.
    corrupted : int or None
        How many labels are corrupted, at most d; d // 3 where None. x_o, on |x| = radius/2, gives those rows less
        weight.
    radius : float, above 0
        The constants hold for |x| <= radius and |z| <= max(radius, sup |z*|).

    Raises
    ------
    ValueError
        For a bad argument.
    """
    m = 3 * p if m is None else check_dimension("m", m)
    if m < p:
        raise ValueError(f"m must be at least p={p}, for F to tell all z apart, got {m!r}")
    mu = check_real("mu", mu, above=0.0, hint="without it rows of weight zero leave z free")
    corrupted = d // 3 if corrupted is None else corrupted
    if not is_integer(corrupted) or not 0 <= corrupted <= d:
        raise ValueError(f"corrupted must be an integer between 0 and d={d}, got {corrupted!r}")
    radius = check_real("radius", radius, above=0.0, hint=_RADIUS_HINT)

    rng = np.random.default_rng(seed)
    bad = np.arange(d) < corrupted
    # Divided by sqrt d, so that sums over the rows are means.
    A = rng.standard_normal((d, p)) / math.sqrt(d)
    b = A @ rng.standard_normal(p) + np.where(bad, 2.0, 0.1) * rng.standard_normal(d) / math.sqrt(d)
    root = np.linalg.qr(rng.standard_normal((m, p)) / math.sqrt(m))[1]
    planted = np.where(bad, -1.0, 1.0) * (0.5 * radius / math.sqrt(d))
    A_T, root_T = np.ascontiguousarray(A.T), np.ascontiguousarray(root.T)
    S_v = root_T @ root

    def curvature(x: Array) -> Array:
        matrix: Array = (A_T * scalars.sigmoid(x)[..., None, :]) @ A + mu * np.eye(p)
        return matrix

    def solve(x: Array, right: Array) -> Array:
        return np.asarray(np.linalg.solve(curvature(x), right[..., None])[..., 0], dtype=np.float64)

    t = solve(planted, A_T @ (scalars.sigmoid(planted) * b))
    r = b - A @ t

    def residual(z: Array) -> Array:
        return linear_map(z, A_T) - b

    def inner(z: Array, x: Array) -> Array:
        misfit = residual(z)
        misfit *= misfit
        total: Array = 0.5 * dot(misfit, scalars.sigmoid(x))
        total += (0.5 * mu) * square_norm(z)
        return total

    def outer(z: Array, x: Array) -> Array:
        return spread(0.5 * square_norm(linear_map(z - t, root_T)), x)

    def offset(x: Array) -> Array:
        return solve(x, linear_map(between_sigmoids(x, planted) * r, A))

    def inner_solution(x: Array) -> Array:
        return t + offset(x)

    def adjoint(x: Array) -> Array:
        return solve(x, -linear_map(offset(x), S_v))

    def value(x: Array) -> Array:
        return 0.5 * square_norm(linear_map(offset(x), root_T))

    def hypergradient(x: Array) -> Array:
        gap = offset(x)
        v = solve(x, -linear_map(gap, S_v))
        return np.asarray(scalars.sigmoid_first(x) * (linear_map(gap, A_T) - r) * linear_map(v, A_T))

    def inner_grad_z(z: Array, x: Array) -> Array:
        return np.asarray(linear_map(scalars.sigmoid(x) * residual(z), A) + mu * z)

    def inner_grad_x(z: Array, x: Array) -> Array:
        return np.asarray(0.5 * scalars.sigmoid_first(x) * residual(z) ** 2)

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(linear_map(z - t, S_v), x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(d), z, x)

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(linear_map(scalars.sigmoid(x) * linear_map(v, A_T), A) + mu * v, z)

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        return np.asarray(scalars.sigmoid_first(x) * residual(z) * linear_map(v, A_T))

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        return linear_map(scalars.sigmoid_first(x) * residual(z) * u, A)

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        misfit = residual(z)
        cross = (scalars.sigmoid_first(x) * misfit)[:, None] * A
        return curvature(x), cross, np.diag(0.5 * scalars.sigmoid_second(x) * misfit**2)

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return S_v.copy(), np.zeros((d, p)), np.zeros((d, d))

    def symbolic() -> Symbolic:
        from ._symbols import dataclean_linear_symbols

        return dataclean_linear_symbols(A, b, t, root, planted, mu, radius)

    return BilevelProblem(
        name="dataclean_linear",
        p=p,
        d=d,
        inner=blockwise(inner),
        outer=blockwise(outer),
        inner_solution=inner_solution,
        adjoint=adjoint,
        value=value,
        hypergradient=hypergradient,
        inner_grad_z=inner_grad_z,
        inner_grad_x=inner_grad_x,
        outer_grad_z=outer_grad_z,
        outer_grad_x=outer_grad_x,
        inner_hvp_zz=inner_hvp_zz,
        inner_jvp_xz=inner_jvp_xz,
        inner_jvp_zx=inner_jvp_zx,
        inner_hessian=inner_hessian,
        outer_hessian=outer_hessian,
        minimizer=frozen(planted) if d <= p else None,
        minimum=0.0,
        constants=cleaning_constants(A, b, r, float(np.linalg.norm(t)), S_v, scalars.sigmoid(planted), mu, radius),
        start=sphere_start(p, d, SHARE_OF_RADIUS * radius),
        symbolic=symbolic,
        parameters={"seed": seed, "m": m, "mu": mu, "corrupted": int(corrupted), "radius": radius},
        card=_CLEAN_LINEAR,
    )
