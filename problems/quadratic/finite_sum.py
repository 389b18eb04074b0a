"""Quadratic finite sums: both levels are means over samples whose Hessian blocks have rank one.

A sample stores the factors of its blocks, O(p + d) numbers, and is evaluated by a few inner products; no
(n, p, p) array is ever formed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.arrays import Array, Index, blockwise, dot, linear_map, spread_vectors
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_dimension, check_real

from .._base.family import family, orthogonal, spectral_norm
from ._affine import build_quadratic
from ._maps import AffineMaps, solve_maps

__all__ = ["quad_sum"]


_ATTEMPTS = 20

_SUM = Card(
    summary="Quadratic finite sums with samples of rank one: the simulated problem of the bilevel benchmark.",
    source="the simulated quadratic problem of github.com/benchopt/benchmark_bilevel (datasets/quadratic.py, "
    "benchmark_utils/gen_matrices.py), here with closed forms of the mean of the samples that were drawn and with "
    "x-blocks of full rank (there, one direction has no curvature in x)",
    assumptions={
        "A1": "holds: L_zz, L_xz, L_xx bound every sample and grow like the dimension, mu is that of the mean",
        "A2": "holds, H = 0",
        "A3": "holds except for C_z and C_x: every sample's slopes are affine; given on |x|, |z| <= radius if asked "
        "for",
        "A4": "holds",
        "A5": "holds: bounds are per sample; the spreads sigma_zz and sigma_xz are global, sigma_gz, sigma_fz and "
        "sigma_fx grow with |z| and |x|: unknown unless asked for on |x|, |z| <= radius",
    },
    quadratic_inner=True,
    psi_convexity="strongly convex",
    dimensions="any p, d >= 1, with at least p samples of G; memory 24 (p + d) bytes for a sample",
    small={"p": 2, "d": 2, "n_inner": 4, "n_outer": 4},
    errata=(
        "The benchmark redraws until a matrix with half of the cross term, (CJ + J'C')/2, is positive definite; the "
        "Hessian of Psi has CJ + J'C', and is what is tested here.",
    ),
)


class _Level:
    """One objective, the mean over i of (alpha_i'z)^2/2 + (beta_i'x)^2/2 + (c_i'x)(e_i'z) + a_i'z + b_i'x.

    ``of_z`` (n, p, 3) has the columns alpha, e, a of each sample and ``of_x`` (n, d, 3) the columns beta, c, b.
    """

    def __init__(self, rng: np.random.Generator, n: int, p: int, d: int, mu: float, L: float, L_cross: float) -> None:
        rank = min(p, d)
        shared = rng.standard_normal((n, rank))
        cross = shared * np.geomspace(L_cross, min(mu, L_cross), rank)
        turn_x, turn_z = orthogonal(rng, d)[:, :rank], orthogonal(rng, p)[:, :rank]
        self.of_z, self.of_x = np.empty((n, p, 3)), np.empty((n, d, 3))
        for factors, size, coupling in ((self.of_z, p, shared @ turn_z.T), (self.of_x, d, cross @ turn_x.T)):
            roots = np.sqrt(np.geomspace(mu, L, size))
            factors[..., 0] = (rng.standard_normal((n, size)) * roots) @ orthogonal(rng, size)
            factors[..., 1] = coupling
            factors[..., 2] = rng.standard_normal((n, size))
        alpha, e, a = np.moveaxis(self.of_z, -1, 0)
        beta, c, b = np.moveaxis(self.of_x, -1, 0)
        self.zz, self.xx, self.xz = _second(alpha), _second(beta), np.ascontiguousarray(c.T @ e / n)
        self.z, self.x = a.mean(axis=0), b.mean(axis=0)
        self._half_zz, self._half_xx = self.zz / 2, self.xx / 2

    def mean(self, z: Array, x: Array) -> Array:
        """The mean over all samples."""
        of_x = linear_map(x, self._half_xx) + self.x
        of_z = linear_map(x, self.xz) + self.z
        return dot(linear_map(z, self._half_zz) + of_z, z) + dot(of_x, x)

    def sampled(self, z: Array, x: Array, sample: Index) -> Array:
        """The samples of the given indices, which broadcast with the leading axes."""
        u, w = _products(self.of_z, z, sample), _products(self.of_x, x, sample)
        values: Array = 0.5 * (u[..., 0] ** 2 + w[..., 0] ** 2) + u[..., 1] * w[..., 1] + u[..., 2] + w[..., 2]
        return values

    def objective(self) -> Callable[..., Array]:
        """The function of (z, x, sample=None)."""
        mean = blockwise(self.mean)

        def evaluate(z: Array, x: Array, sample: Index | None = None) -> Array:
            return mean(z, x) if sample is None else self.sampled(z, x, np.asarray(sample))

        return evaluate

    def grad_z(self, z: Array, x: Array, sample: Index) -> Array:
        """alpha_i (alpha_i'z) + e_i (c_i'x) + a_i."""
        along = _products(self.of_z[..., :1], z, sample), _products(self.of_x[..., 1:2], x, sample)
        return _combination(self.of_z, along, sample)

    def grad_x(self, z: Array, x: Array, sample: Index) -> Array:
        """beta_i (beta_i'x) + c_i (e_i'z) + b_i."""
        along = _products(self.of_x[..., :1], x, sample), _products(self.of_z[..., 1:2], z, sample)
        return _combination(self.of_x, along, sample)

    def hvp_zz(self, v: Array, sample: Index) -> Array:
        """alpha_i (alpha_i'v)."""
        alpha = self.of_z[..., :1]
        return _combination(alpha, (_products(alpha, v, sample),), sample)

    def jvp_xz(self, v: Array, sample: Index) -> Array:
        """c_i (e_i'v)."""
        return _combination(self.of_x[..., 1:2], (_products(self.of_z[..., 1:2], v, sample),), sample)

    def jvp_zx(self, u: Array, sample: Index) -> Array:
        """e_i (c_i'u)."""
        return _combination(self.of_z[..., 1:2], (_products(self.of_x[..., 1:2], u, sample),), sample)


def _gradient(exact: Callable[..., Array], sampled: Callable[..., Array]) -> Callable[..., Array]:
    """A gradient of (z, x, sample=None): that of the mean is ``exact``."""

    def evaluate(z: Array, x: Array, sample: Index | None = None) -> Array:
        return exact(z, x) if sample is None else sampled(z, x, np.asarray(sample))

    return evaluate


def _product(exact: Callable[..., Array], sampled: Callable[..., Array]) -> Callable[..., Array]:
    """A product of (z, x, v, sample=None) with second derivatives, which are constant: ``sampled`` takes v alone."""

    def evaluate(z: Array, x: Array, v: Array, sample: Index | None = None) -> Array:
        return exact(z, x, v) if sample is None else spread_vectors(sampled(v, np.asarray(sample)), z, x)

    return evaluate


def _products(factors: Array, y: Array, sample: Index) -> Array:
    """Inner products (..., m) of y (..., k) with the m factors (n, k, m) of each sample."""
    if sample.ndim and sample.shape[-1] == 1 and y.ndim > 1:
        # One sample for a row of directions, as solvers ask: one matrix product for each.
        whole: Array = y @ factors[sample[..., 0]]
        return whole
    single: Array = y[..., None, :] @ factors[sample]
    return single[..., 0, :]


def _combination(factors: Array, weights: tuple[Array, ...], sample: Index) -> Array:
    """The sum (..., k) of the factors (n, k, m) of each sample with the weights (..., 1); the last ones are 1."""
    missing = factors.shape[-1] - len(weights)
    columns = np.broadcast_arrays(*weights, *[np.ones(1)] * missing)
    each = np.concatenate(columns, axis=-1)
    if sample.ndim and sample.shape[-1] == 1 and each.ndim > 1:
        whole: Array = each @ factors[sample[..., 0]].swapaxes(-1, -2)
        return whole
    single: Array = factors[sample] @ each[..., None]
    return single[..., 0]


def _second(rows: Array, weights: Array | None = None) -> Array:
    """The mean of weight_i row_i row_i', symmetric."""
    product = (rows if weights is None else rows * weights[:, None]).T @ rows / len(rows)
    return np.ascontiguousarray((product + product.T) / 2)


def _spread(second: Array, mean: Array) -> float:
    """The largest, over unit vectors v, root mean square of (M_i - M) v, from the means of M_i'M_i and M_i."""
    return math.sqrt(max(float(np.linalg.eigvalsh(second - mean.T @ mean)[-1]), 0.0))


def _spreads(level: _Level) -> dict[str, float]:
    """Spreads of the blocks zz, xz, zx, xx and of the linear terms, exact.

    With M_i = r s', M_i'M_i = |r|^2 s s': its mean is a weighted second moment of the factors.
    """
    alpha, e, a = np.moveaxis(level.of_z, -1, 0)
    beta, c, b = np.moveaxis(level.of_x, -1, 0)
    size = {"alpha": np.vecdot(alpha, alpha), "e": np.vecdot(e, e), "beta": np.vecdot(beta, beta), "c": np.vecdot(c, c)}
    return {
        "zz": _spread(_second(alpha, size["alpha"]), level.zz),
        "xx": _spread(_second(beta, size["beta"]), level.xx),
        "xz": _spread(_second(e, size["c"]), level.xz),
        "zx": _spread(_second(c, size["e"]), level.xz.T),
        "z": float(np.sqrt(np.var(a, axis=0).sum())),
        "x": float(np.sqrt(np.var(b, axis=0).sum())),
    }


def _constants(exact: Constants, maps: AffineMaps, inner: _Level, outer: _Level, radius: float | None) -> Constants:
    """Bounds for every sample: a block r s' has the norm |r| |s|.

    On |x| <= radius, |z| <= Z with Z = max(radius, |J| radius + |j|), which holds z*(x) too, the triangle
    inequality in L^2 over the samples gives sigma_gz <= s_zz Z + s_zx radius + s_z, and so on. At z*(x),
    F_z of a sample is [rho (J'rho)' + l k'] x + rho (rho'j) + r, with rho, l, k, r = alpha, e, c, a of F.
    """
    found: dict[str, Any] = dict.fromkeys(("sigma_gz", "sigma_fz", "sigma_fx"))
    for level, (zz, xz, xx) in ((inner, ("L_zz", "L_xz", "L_xx")), (outer, ("m_zz", "m_xz", "m_xx"))):
        sizes_z, sizes_x = (np.linalg.norm(factors, axis=1) for factors in (level.of_z, level.of_x))
        found[zz] = float(sizes_z[:, 0].max()) ** 2
        found[xx] = float(sizes_x[:, 0].max()) ** 2
        found[xz] = float((sizes_z[:, 1] * sizes_x[:, 1]).max())
    of_g, of_f = _spreads(inner), _spreads(outer)
    if radius is not None:
        Z = max(radius, spectral_norm(maps.J) * radius + float(np.linalg.norm(maps.j)))
        found["sigma_gz"] = of_g["zz"] * Z + of_g["zx"] * radius + of_g["z"]
        found["sigma_fz"] = of_f["zz"] * Z + of_f["zx"] * radius + of_f["z"]
        found["sigma_fx"] = of_f["xx"] * radius + of_f["xz"] * Z + of_f["x"]
        rho, l, r = np.moveaxis(outer.of_z, -1, 0)
        eta, k, h = (np.linalg.norm(factor, axis=-1) for factor in np.moveaxis(outer.of_x, -1, 0))
        steep = np.linalg.norm(rho, axis=-1) * np.linalg.norm(rho @ maps.J, axis=-1) + np.linalg.norm(l, axis=-1) * k
        at_origin = np.linalg.norm(rho * (rho @ maps.j)[:, None] + r, axis=-1)
        found["C_z"] = float((steep * radius + at_origin).max())
        found["C_x"] = float((eta**2 * radius + k * np.linalg.norm(l, axis=-1) * Z + h).max())
    return replace(exact, **found, sigma_zz=of_g["zz"], sigma_xz=of_g["xz"])


@family(_SUM)
def quad_sum(
    p: int = 10,
    d: int = 5,
    *,
    seed: int = 0,
    mu: float = 0.1,
    L: float = 1.0,
    L_cross: float = 0.1,
    n_inner: int = 1024,
    n_outer: int = 1024,
    radius: float | None = None,
) -> BilevelProblem:
    """Quadratic finite sums at both levels, with samples of rank one.

    Sample i of either level is z'A_i z/2 + x'B_i x/2 + x'C_i z + a_i'z + b_i'x with A_i = alpha_i alpha_i',
    B_i = beta_i beta_i', C_i = c_i e_i'. The factors alpha_i and beta_i are normal with covariances of random
    eigenvectors and log-spaced eigenvalues in [mu, L]; c_i = U D g_i and e_i = V g_i for one normal g_i, so
    that the mean of C_i is near U D V' with log-spaced D up to L_cross; a_i and b_i are standard normal.

    Closed forms are those of the mean of the samples that were drawn: with A, C, a of G and A_F, ... of F,
    z* = -A^-1 (C'x + a), v* = -A^-1 (A_F z* + C_F'x + a_F), Hess Psi = B_F + J'A_F J + C_F J + J'C_F' with
    J = -A^-1 C'. The samples are redrawn, up to 20 times, until its smallest eigenvalue is at least mu/10.
    ``constants.mu`` is the smallest eigenvalue of A, about mu for n_inner much larger than p.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Names the instance.
    mu, L : float, 0 < mu <= L
        Ends of the spectra.
    L_cross : float, above 0
        Largest singular value of the mean cross terms.
    n_inner, n_outer : int
        Number of samples of G (at least p) and of F.
    radius : float or None
        If given, C_z, C_x and the spreads sigma_gz, sigma_fz, sigma_fx are declared for |x|, |z| <= radius.

    Raises
    ------
    ValueError
        For a bad argument, and where no draw makes Psi strongly convex (``L_cross`` too large for ``mu``).
    """
    mu = check_real("mu", mu, above=0.0, hint="it is the smallest curvature of the mean")
    L = check_real("L", L, at_least=mu, hint="it is the largest curvature of the mean, mu the smallest")
    L_cross = check_real("L_cross", L_cross, above=0.0, hint="without it x does not move z")
    n_inner, n_outer = check_dimension("n_inner", n_inner), check_dimension("n_outer", n_outer)
    if n_inner < p:
        raise ValueError(f"n_inner must be at least p = {p}, or the mean has no curvature somewhere, got {n_inner}")

    rng = np.random.default_rng(seed)
    for _ in range(_ATTEMPTS):
        inner, outer = (_Level(rng, n, p, d, mu, L, L_cross) for n in (n_inner, n_outer))
        maps = solve_maps(
            inner_zz=inner.zz,
            inner_xz=inner.xz,
            inner_xx=inner.xx,
            inner_z=inner.z,
            inner_x=inner.x,
            outer_zz=outer.zz,
            outer_xz=outer.xz,
            outer_xx=outer.xx,
            outer_z=outer.z,
            outer_x=outer.x,
        )
        lowest = float(np.linalg.eigvalsh(maps.curvature)[0])
        if lowest >= mu / 10:
            break
    else:
        raise ValueError(
            f"quad_sum: in {_ATTEMPTS} draws the smallest curvature of Psi was never mu/10, last {lowest:.3g}; "
            f"decrease L_cross (got {L_cross!r}) or increase mu (got {mu!r})"
        )
    parameters = {
        "seed": seed,
        "mu": mu,
        "L": L,
        "L_cross": L_cross,
        "n_inner": n_inner,
        "n_outer": n_outer,
        "radius": radius,
    }
    exact = build_quadratic(
        "quad_sum",
        maps,
        inner.mean,
        outer.mean,
        np.asarray(np.linalg.eigvalsh(inner.zz), dtype=np.float64),
        radius=radius,
        parameters=parameters,
        card=_SUM,
    )

    def symbolic() -> Symbolic:
        assert exact.symbolic is not None
        return _with_samples(exact.symbolic(), inner, outer)

    derivatives: dict[str, Any] = {
        f"{name}_{part}": _gradient(getattr(exact, f"{name}_{part}"), getattr(level, part))
        for name, level in (("inner", inner), ("outer", outer))
        for part in ("grad_z", "grad_x")
    }
    for part in ("hvp_zz", "jvp_xz", "jvp_zx"):
        derivatives[f"inner_{part}"] = _product(getattr(exact, f"inner_{part}"), getattr(inner, part))
    return replace(
        exact,
        inner=inner.objective(),
        outer=outer.objective(),
        inner_samples=n_inner,
        outer_samples=n_outer,
        constants=_constants(exact.constants, maps, inner, outer, radius),
        symbolic=symbolic,
        capabilities=Capabilities(sampled_derivatives=True),
        **derivatives,
    )


def _with_samples(mean: Symbolic, inner: _Level, outer: _Level) -> Symbolic:
    """The symbols of the mean problem; of few samples (and p, d <= 2) also bounds and spreads from their factors."""
    import sympy as sp

    from .._base.symbols import matrix, top_eigenvalue

    if max(len(mean.z), len(mean.x)) > 2 or max(len(inner.of_z), len(outer.of_z)) > 8:
        of_mean = ("mu", "k_z", "k_v", "L_Psi", "R_0", "R_g")
        return replace(mean, constants={name: e for name, e in mean.constants.items() if name in of_mean})
    values: dict[Any, float] = {}
    constants: dict[str, Any] = {}
    for letter, level in (("G", inner), ("F", outer)):
        n = len(level.of_z)
        alpha, e = (matrix(f"{letter}{name}", level.of_z[..., i], values) for i, name in enumerate("ae"))
        beta, c = (matrix(f"{letter}{name}", level.of_x[..., i], values) for i, name in enumerate("bc"))
        zz, xz, xx = ("L_zz", "L_xz", "L_xx") if level is inner else ("m_zz", "m_xz", "m_xx")
        square = [[row.dot(row) for row in (rows.row(i) for i in range(n))] for rows in (alpha, e, beta, c)]
        constants[zz], constants[xx] = sp.Max(*square[0]), sp.Max(*square[2])
        constants[xz] = sp.sqrt(sp.Max(*(a * b for a, b in zip(square[1], square[3], strict=True))))
        if level is inner:
            curvature, coupling = alpha.T * alpha / n, c.T * e / n
            second = alpha.T * sp.diag(*square[0]) * alpha / n
            constants["sigma_zz"] = sp.sqrt(top_eigenvalue(second - curvature * curvature))
            second = e.T * sp.diag(*square[3]) * e / n
            constants["sigma_xz"] = sp.sqrt(top_eigenvalue(second - coupling.T * coupling))
    return replace(mean, parameters={**mean.parameters, **values}, constants={**mean.constants, **constants})
