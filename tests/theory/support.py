"""Blocks to try formulas on, and Gauss-Hermite quadrature of the surrogates that run."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
from zoba_bench.problems.quadratic.reference import reference
from zoba_bench.theory.estimators.blocks import Blocks

from zoba_bench import estimators as est

PRESET_NAMES = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")


def random_blocks(p: int, d: int, seed: int = 0, stationary: bool = False) -> Blocks:
    """Blocks with nothing symmetric by accident: C, F_xz and all vectors are generic."""
    rng = np.random.default_rng(seed)

    def symmetric(n):
        q = rng.standard_normal((n, n))
        return q @ q.T / n + np.eye(n)

    a, b = symmetric(p), symmetric(d)
    c, f_xz = rng.standard_normal((d, p)), rng.standard_normal((d, p)) / 5
    v = rng.standard_normal(p)
    blocks = Blocks(A=a, C=c, B=b, v=v, F_zz=symmetric(p), F_xz=f_xz, F_xx=symmetric(d) * 3)
    if stationary:
        return blocks
    f_z, f_x, g_z = rng.standard_normal(p), rng.standard_normal(d), rng.standard_normal(p)
    return replace(blocks, F_z=f_z, F_x=f_x, G_z=g_z)


def identity_blocks(p: int, d: int) -> Blocks:
    """A = I, B = I, C the partial identity, |v| = 1."""
    return Blocks(A=np.eye(p), C=np.eye(d, p), B=np.eye(d), v=np.eye(p)[0])


@cache
def reference_blocks(p: int, d: int) -> Blocks:
    """The reference family at its solution."""
    problem = reference(p, d)
    return Blocks.at(problem, problem.minimizer)


def gauss_hermite(dimension: int, nodes: int = 6):
    """Nodes (N, dimension) and weights of a product rule, exact to degree 11 in each variable."""
    x, weight = np.polynomial.hermite_e.hermegauss(nodes)
    weight = weight / weight.sum()
    points = np.array(list(product(x, repeat=dimension)))
    return points, np.array([np.prod(w) for w in product(weight, repeat=dimension)])


def quadratics(b: Blocks):
    """G and F with the given derivatives at z = 0, x = 0 (G_x = 0 and constants are arbitrary)."""

    def bilinear(z, m, x):
        return np.einsum("...i,ij,...j->...", x, m, z)

    def g(z, x):
        return 0.7 + z @ b.G_z + bilinear(z, b.A, z) / 2 + bilinear(z, b.C, x) + bilinear(x, b.B, x) / 2

    def f(z, x):
        return (
            -1.1
            + z @ b.F_z
            + x @ b.F_x
            + bilinear(z, b.F_zz, z) / 2
            + bilinear(z, b.F_xz, x)
            + (bilinear(x, b.F_xx, x) / 2)
        )

    return g, f


def run_surrogates(name: str, b: Blocks, h: float, eta: float, h_bar: float, w, u, t, ow=None, ou=None):
    """(D_z, Hv, Cv, f_z, f_x) of the numpy contractions; directions (N, l, n)."""
    g, f = quadratics(b)
    n = w.shape[0]
    w, u, t = (q[:, None] for q in (w, u, t))
    ow, ou = (w if ow is None else ow[:, None]), (u if ou is None else ou[:, None])
    v = np.broadcast_to(b.v, (n, b.p))
    vv = b.v

    def g0(z):
        return g(z, np.zeros(b.d))

    zero = np.zeros((1, 1, 1, b.p))
    centre = np.broadcast_to(g0(zero), w.shape[:-1])
    wv = est.project(w, v)
    if name in ("zoba", "zoba-tuned", "zoba-mixed"):
        d_z = est.average(est.central_difference(g0(h * w), g0(-h * w), h), w)
    else:
        d_z = est.average(est.forward_difference(g0(h * w), centre, h), w)
    if name in ("zoba", "zoba-tuned"):
        hv = est.hessian_action(est.second_difference(g0(h * w), g0(-h * w), centre, h, h), wv, w, v)
        both = est.second_difference(g(h * w, eta * u), g(-h * w, -eta * u), centre, h, eta)
        cv = est.cross_action(both, wv, u)
    elif name == "zoba-mixed":
        k = est.mixed_difference(g0(h * w + h * t), g0(h * w), g0(h * t), centre, h, h)
        hv = est.cross_action(k, wv, t)
        c = est.mixed_difference(g(h * w, eta * u), g0(h * w), g(zero, eta * u), centre, h, eta)
        cv = est.cross_action(c, wv, u)
    else:
        moved = g0(h_bar * vv)
        along_w = est.forward_difference(g0(h * w), centre, h)
        along_u = est.forward_difference(g(zero, eta * u), centre, eta)
        shifted_w = est.forward_difference(g0(h_bar * vv + h * w), moved, h)
        shifted_u = est.forward_difference(g(h_bar * vv, eta * u), moved, eta)
        hv = est.average(est.difference_along(shifted_w, along_w, h_bar), w)
        cv = est.average(est.difference_along(shifted_u, along_u, h_bar), u)
    f0 = f(zero, np.zeros(b.d))
    f_z = est.average(est.forward_difference(f(h * ow, np.zeros(b.d)), f0, h), ow)
    f_x = est.average(est.forward_difference(f(zero, eta * ou), f0, eta), ou)
    return d_z, hv, cv, f_z, f_x


def weighted_covariance(samples, weights):
    """Exact mean and covariance of a quadrature rule."""
    mean = weights @ samples
    return mean, (samples - mean).T @ ((samples - mean) * weights[:, None])
