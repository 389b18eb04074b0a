"""Penalties of ridge regression, with a planted outer optimum of value 0."""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial import Polynomial

from zoba_bench.arrays import Array, blockwise, dot, frozen, linear_map, spread, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_dimension, check_real

from .._base import scalars
from .._base.family import family
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
from ._bounds import scalar_constants

__all__ = ["ridge_ortho", "ridge_scalar"]


_RADIUS_HINT = "the constants hold for |x| <= radius"
_RIDGE_ORTHO = Card(
    summary="Ridge regression with an orthonormal design, one exponential penalty weight per feature.",
    source="per-feature exponential penalties as in github.com/benchopt/benchmark_bilevel (its ridge and logistic "
    "tasks), here for an orthonormal design with a planted solution",
    assumptions={
        "A1": "mu = 1 holds; upper bounds on |x| <= radius and |z| <= max(radius, sup |z*|): e^x and e^x z",
        **ON_REGION,
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions=f"any p = d >= 1; {UNIQUE}; the hypergradient vanishes as |x_i| grows",
    small={"p": 2, "d": 2},
)


@family(_RIDGE_ORTHO)
def ridge_ortho(p: int = 5, d: int = 5, *, seed: int = 0, radius: float = 2.0) -> BilevelProblem:
    """Ridge regression with an orthonormal design and one penalty weight per feature.

    G = |z-b|^2/2 + sum exp(x_i) z_i^2/2, F = |z-t|^2/2 with t = z*(x_o). With y = 1/(1+exp(x)):
    z*_i = b_i y_i, v*_i = -b_i (y_i - y_i(x_o)) y_i, Psi = sum b_i^2 (y_i - y_i(x_o))^2/2 and
    grad Psi_i = -b_i^2 (y_i - y_i(x_o)) y_i (1-y_i); minimum 0 at x_o.

    Parameters
    ----------
    p, d : int
        The number of features, both.
    seed : int
        Names the instance: b with 1/2 <= |b_i| <= 3/2, and x_o on |x| = radius/2.
    radius : float, above 0
        The constants hold for |x| <= radius and |z| <= max(radius, sup |z*|).

    Raises
    ------
    ValueError
        For a bad argument.
    """
    n = check_square(p, d)
    radius = check_real("radius", radius, above=0.0, hint=_RADIUS_HINT)
    b, planted = drawn(np.random.default_rng(seed), n, radius)

    def state(x: Array) -> Array:
        return scalars.sigmoid(-x)

    top = math.exp(radius)
    shrink = Shrinkage(
        state=state,
        offset=lambda x: -between_sigmoids(x, planted),
        planted=state(planted),
        slope=Polynomial([0.0, -1.0, 1.0]),  # y' = -y (1 - y)
        inverse=Polynomial([0.0, 1.0]),  # G_zz = 1 + e^x = 1 / y
        low=1 / (1 + top),
        high=top / (1 + top),
    )

    def symbolic() -> Symbolic:
        from ._symbols import ridge_ortho_symbols

        return ridge_ortho_symbols(b, planted, radius)

    return build_separable(
        "ridge_ortho",
        b=b,
        centre=np.zeros(n),
        base=1.0,
        anchor=b,
        weight=Weight(np.exp, np.exp, np.exp, (top, top, top, top)),
        shrink=shrink,
        minimizer=planted,
        mu=1 + 1 / top,  # 1 + e^x with x_i >= -radius
        radius=radius,
        symbolic=symbolic,
        parameters={"seed": seed, "radius": radius},
        card=_RIDGE_ORTHO,
    )


_RIDGE_SCALAR = Card(
    summary="Ridge regression with a single exponential penalty, tuned on validation rows with planted targets.",
    source="the textbook hyperparameter problem (Pedregosa, arXiv 1602.02355), here on random data with targets that "
    "the planted penalty fits exactly",
    assumptions={"A1": "on |x| <= radius and |z| <= max(radius, sup |z*|): e^x, e^x z", **ON_REGION},
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="any p >= 1 with d = 1; x_o is the only minimiser: z* is injective, A_v has full column rank",
    small={"p": 2},
)


@family(_RIDGE_SCALAR)
def ridge_scalar(
    p: int = 6,
    d: int = 1,
    *,
    seed: int = 0,
    n: int | None = None,
    m: int | None = None,
    planted: float = -2.0,
    radius: float = 3.0,
) -> BilevelProblem:
    """Ridge regression with one penalty for all features.

    G = |Az-y|^2/(2n) + exp(x) |z|^2/2, F = |A_v z - y_v|^2/(2m) with y_v = A_v z*(x_o). With S = A'A/n and
    K = S + exp(x) I: z* = K^-1 A'y/n, v* = -K^-1 A_v'(A_v z* - y_v)/m, grad Psi = exp(x) z*'v*; minimum 0 at
    x_o.

    Parameters
    ----------
    p : int
        The number of features.
    d : int
        1, the number of penalties.
    seed : int
        Names the instance.
    n, m : int or None
        Numbers of training and validation rows, at least p; 4p and 3p where None.
    planted : float
        x_o, inside the radius.
    radius : float, above 0
        The constants hold for |x| <= radius and |z| <= max(radius, sup |z*|).

    Raises
    ------
    ValueError
        For a bad argument.
    """
    if d != 1:
        raise ValueError(f"d must be 1, a single penalty, got {d!r}; leave it out")
    n = 4 * p if n is None else check_dimension("n", n)
    m = 3 * p if m is None else check_dimension("m", m)
    for name, rows in (("n", n), ("m", m)):
        if rows < p:
            raise ValueError(f"{name} must be at least p={p}, for a unique solution, got {rows!r}")
    radius = check_real("radius", radius, above=0.0, hint=_RADIUS_HINT)
    planted = check_real("planted", planted, above=-radius, below=radius, hint=_RADIUS_HINT)

    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, p)) / math.sqrt(n)
    y = A @ rng.standard_normal(p) + 0.3 * rng.standard_normal(n) / math.sqrt(n)
    root = np.linalg.qr(rng.standard_normal((m, p)) / math.sqrt(m))[1]
    S, A_T, root_T = A.T @ A, np.ascontiguousarray(A.T), np.ascontiguousarray(root.T)
    spectrum, axes = np.linalg.eigh(S)
    axes_T, S_v = np.ascontiguousarray(axes.T), root_T @ root
    slope = axes_T @ (A_T @ y)
    along = slope / (spectrum + math.exp(planted))  # t in the eigenvectors of S
    t, rotated = axes @ along, axes_T @ S_v @ axes

    def inner(z: Array, x: Array) -> Array:
        penalty: Array = (0.5 * np.exp(x[..., 0])) * square_norm(z)
        return penalty + 0.5 * square_norm(linear_map(z, A_T) - y)

    def outer(z: Array, x: Array) -> Array:
        return spread(0.5 * square_norm(linear_map(z - t, root_T)), x)

    def solution(x: Array) -> Array:
        return np.asarray(slope / (spectrum + np.exp(x)))

    def offset(x: Array) -> Array:
        """z* - t in the eigenvectors: 1/(s+e^x) - 1/(s+e^x_o) without cancellation."""
        return np.asarray(along * (-math.exp(planted) * np.expm1(x - planted) / (spectrum + np.exp(x))))

    def multiplier(x: Array) -> Array:
        return np.asarray(-linear_map(offset(x), rotated) / (spectrum + np.exp(x)))

    def inner_solution(x: Array) -> Array:
        return linear_map(solution(x), axes_T)

    def adjoint(x: Array) -> Array:
        return linear_map(multiplier(x), axes_T)

    def value(x: Array) -> Array:
        return 0.5 * square_norm(linear_map(linear_map(offset(x), axes_T), root_T))

    def hypergradient(x: Array) -> Array:
        return np.asarray(np.exp(x) * dot(solution(x), multiplier(x))[..., None])

    def inner_grad_z(z: Array, x: Array) -> Array:
        return np.asarray(linear_map(linear_map(z, A_T) - y, A) + np.exp(x) * z)

    def inner_grad_x(z: Array, x: Array) -> Array:
        return np.asarray(0.5 * np.exp(x) * square_norm(z)[..., None])

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(linear_map(z - t, S_v), x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(1), z, x)

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(linear_map(v, S) + np.exp(x) * v, z)

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        return np.asarray(np.exp(x) * dot(z, v)[..., None])

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        return np.asarray(np.exp(x) * u * z)

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        e = float(np.exp(x[0]))
        return S + e * np.eye(p), e * z[None], np.array([[0.5 * e * float(z @ z)]])

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return S_v.copy(), np.zeros((1, p)), np.zeros((1, 1))

    def start(rng: np.random.Generator) -> tuple[Array, Array]:
        # A sphere of R^1 is two points, one of which may be stationary.
        return np.zeros(p), SHARE_OF_RADIUS * radius * rng.uniform(0.2, 1.0, 1)

    def symbolic() -> Symbolic:
        from ._symbols import ridge_scalar_symbols

        return ridge_scalar_symbols(S, t, root, float(y @ y), planted, radius)

    return BilevelProblem(
        name="ridge_scalar",
        p=p,
        d=1,
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
        minimizer=frozen(np.array([planted])),
        minimum=0.0,
        constants=scalar_constants(spectrum, slope, rotated, planted, radius),
        start=start,
        symbolic=symbolic,
        parameters={"seed": seed, "n": n, "m": m, "planted": planted, "radius": radius},
        card=_RIDGE_SCALAR,
    )
