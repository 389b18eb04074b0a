"""A lower level on the probability simplex: entropic regularisation, as in optimal transport.

Steps that stay on the simplex are mirror steps (``capabilities.mirror_step``) or projected ones (``project_z``).
The link family ``softmax_bregman`` has an unconstrained lower level with a similar solution.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from zoba_bench.arrays import (
    Array,
    blockwise,
    covariance,
    dot,
    frozen,
    linear_map,
    softmax,
    spread,
    spread_vectors,
    square_norm,
)
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_real

from .._base.checks import attach, by_terms, declared_checks, identities, small
from .._base.family import family, spectral_norm, sphere_start, with_singular_values

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = ["entropic_simplex"]


_TINY = float(np.finfo(np.float64).tiny)
#: Bound on the third central moments of <u, z> for |u| = 1, z a unit vector of a basis: range at most sqrt 2.
_THIRD = math.sqrt(2) ** 3 / (6 * math.sqrt(3))

_CARD = Card(
    summary="Entropic lower level on the probability simplex, with a planted distribution.",
    source="entropic regularisation of a linear program on the simplex, as in optimal transport; no single origin",
    assumptions={
        "A1": "fails: Z is the simplex; mu = tau on it, G_zz = tau diag(1/z) has no bound; L_xz, L_xx hold",
        "A2": "fails: G_zz is not Lipschitz near the boundary of the simplex",
        "A3": "holds on the simplex",
        "A4": "holds, in closed form, with v* on the tangent space of the simplex",
        "A5": "holds",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="p >= 2, any d >= 1; for d >= p the minimisers are not unique and none is declared. G has an infinite "
    "slope at the boundary of the simplex, and G_z is a multiple of (1, ..., 1) at the solution, not zero",
    smooth=False,
    small={"p": 3, "d": 2},
)


def project_simplex(z: Array, mass: float = 1.0) -> Array:
    """Nearest point with non-negative entries that sum to ``mass``."""
    n = z.shape[-1]
    ordered = -np.sort(-z, axis=-1)
    excess = (np.cumsum(ordered, axis=-1) - mass) / np.arange(1, n + 1)
    # The largest k for which the k-th entry stays positive.
    last = np.count_nonzero(ordered > excess, axis=-1) - 1
    shift = np.take_along_axis(excess, last[..., None], axis=-1)
    projected: Array = np.maximum(z - shift, 0.0)
    return projected


@family(_CARD)
def entropic_simplex(p: int = 5, d: int = 3, *, seed: int = 0, tau: float = 0.5) -> BilevelProblem:
    """Entropic lower level on the simplex.

    G = <c + Cx, z> + tau sum z_i log z_i for z >= 0, sum z = 1, F = |z-q|^2/2 with q = z*(x_o); the columns of C sum
    to zero. z* = softmax(-(c + Cx)/tau), min G = -tau log sum exp(-(c + Cx)/tau), v* = -(diag z* - z*z*')(z*-q)/tau on
    the tangent space, grad Psi = C'v*, minimum 0 at x_o.

    Off the simplex z log z is continued by z log max(z, 2e-308), which is finite and convex: a steep line for z < 0.
    G - min G = tau KL(z, z*) >= tau |z-z*|^2/2 on the simplex.

    Parameters
    ----------
    p, d : int
        Dimensions of z, at least 2, and x.
    seed : int
        Names the instance.
    tau : float, above 0
        Weight of the entropy.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    rng = np.random.default_rng(seed)
    tau = check_real("tau", tau, above=0.0, hint="without entropy the lower level is a linear program")
    if p < 2:
        raise ValueError(f"p must be at least 2 (the simplex of one entry is a point), got {p}")
    # Columns in the tangent space: orthogonal to (1, ..., 1), with rank min(p - 1, d).
    frame = np.linalg.svd(np.ones((1, p)))[2][1:].T
    C = frame @ with_singular_values(rng, p - 1, d, 0.5, 1.5)
    c = 0.5 * rng.standard_normal(p)
    planted = rng.standard_normal(d) / np.sqrt(d)
    C_T = np.ascontiguousarray(C.T)
    C = np.ascontiguousarray(C)
    norm = spectral_norm(C)

    def costs(x: Array) -> Array:
        total: Array = linear_map(x, C_T) + c
        return total

    q = softmax(-costs(planted) / tau)

    def entropy_slope(z: Array) -> Array:
        return np.log(np.maximum(z, _TINY))

    def inner(z: Array, x: Array) -> Array:
        return dot(costs(x), z) + tau * dot(entropy_slope(z), z)

    def outer(z: Array, x: Array) -> Array:
        return spread(0.5 * square_norm(z - q), x)

    def solution(x: Array) -> Array:
        return softmax(-costs(x) / tau)

    # z* - q = q (exp(s) - m)/m, m = q'exp(s), s = -C(x-x_o)/tau: without the subtraction where s is small.
    def gap(x: Array) -> Array:
        s = linear_map(x - planted, C_T) / -tau
        near = np.abs(s).max(axis=-1, keepdims=True) < 1
        e = np.expm1(np.where(near, s, 0.0))
        mean = dot(e, q)[..., None]
        return np.where(near, q * (e - mean) / (1 + mean), solution(x) - q)

    def reduced_adjoint(x: Array) -> Array:
        return covariance(solution(x), gap(x)) / -tau

    def inner_grad_z(z: Array, x: Array) -> Array:
        return costs(x) + tau * (entropy_slope(z) + (z >= _TINY))

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        weight = np.where(z >= _TINY, tau / np.maximum(z, _TINY), 0.0)
        return spread_vectors(weight * v, x)

    floor = 0.1 / p

    def region(z: Array, x: Array) -> tuple[Array, Array]:
        # The part of the simplex with z_i >= floor, where differences stay inside z > 0.
        return floor + project_simplex(z - floor, 1 - p * floor), x

    def mirror_step(z: Array, slope: Array, step: float) -> Array:
        return softmax(entropy_slope(z) - step * slope)

    def symbolic() -> Symbolic:
        return _symbols(C, c, planted, tau)

    def checks(problem: BilevelProblem) -> list[Check]:
        x = np.concatenate([2 * np.random.default_rng(1).standard_normal((30, d)), planted[None]])
        return [*_proofs(), *declared_checks(problem, x, x, growth=tau), *_on_the_simplex(problem, x, tau)]

    # With z* = S(-(c+Cx)/tau), S = softmax: |S'| = |diag z - zz'| <= 1/2. S'' is the third cumulant of the indicator
    # of a random index, a symmetric form, whose norm is the largest |third central moment| of <u, e_i>, |u| = 1: its
    # range is at most sqrt 2, and a variable of range r has third central moments up to r^3/(6 sqrt 3) (_THIRD).
    # v* = -w/tau with w the gradient of |S - q|^2/2: |Dw| <= |S''||S-q| + |S'|^2, |S-q| <= sqrt 2.
    bend = _THIRD * math.sqrt(2) + 0.25
    constants = Constants(
        mu=tau,  # G_zz = tau diag(1/z), z_i <= 1
        L_xz=norm,
        L_xx=0.0,
        H_xz=0.0,
        H_zx=0.0,
        H_xx=0.0,
        m_zz=1.0,
        m_xz=0.0,
        m_xx=0.0,
        C_z=math.sqrt(2),  # the diameter of the simplex
        C_x=0.0,
        R=math.sqrt(2) / (2 * tau),
        k_z=norm / (2 * tau),
        k_v=norm * bend / tau**2,
        s_z=norm**2 * _THIRD / tau**2,
        L_Psi=norm**2 * bend / tau**2,
    )
    problem = BilevelProblem(
        name="entropic_simplex",
        p=p,
        d=d,
        inner=blockwise(inner),
        outer=blockwise(outer),
        inner_solution=solution,
        value=lambda x: 0.5 * square_norm(gap(x)),
        hypergradient=lambda x: linear_map(reduced_adjoint(x), C),
        inner_grad_z=inner_grad_z,
        inner_grad_x=lambda z, x: spread_vectors(linear_map(z, C), x),
        outer_grad_z=lambda z, x: spread_vectors(z - q, x),
        outer_grad_x=lambda z, x: spread_vectors(np.zeros(d), z, x),
        inner_hvp_zz=inner_hvp_zz,
        inner_jvp_xz=lambda z, x, v: spread_vectors(linear_map(v, C), z, x),
        inner_jvp_zx=lambda z, x, u: spread_vectors(linear_map(u, C_T), z, x),
        outer_hessian=lambda z, x: (np.eye(p), np.zeros((d, p)), np.zeros((d, d))),
        minimizer=frozen(planted) if d < p else None,
        minimum=0.0,
        constants=constants,
        start=lambda rng: (np.full(p, 1 / p), sphere_start(p, d)(rng)[1]),
        symbolic=symbolic,
        parameters={"seed": seed, "tau": tau},
        card=_CARD,
        region=region,
    )
    offered = Capabilities(
        project_z=project_simplex,
        mirror_step=mirror_step,
        optimistic_solution=solution,
        reduced_adjoint=reduced_adjoint,
    )
    return attach(problem, offered, checks)


def _symbols(C: Array, c: Array, planted: Array, tau: float) -> Symbolic:
    import sympy as sp

    from .._base.symbols import matrix, norm, reals, vector

    (p, d), values = C.shape, dict[Any, float]()
    z, x = reals("z", p), sp.Matrix(reals("x", d))
    map_, offset, best = matrix("C", C, values), vector("c", c, values), vector("xopt", planted, values)
    weight = sp.Symbol("tau", positive=True)
    values[weight] = tau

    def shares(point: Any) -> list[Any]:
        powers = [sp.exp(-e / weight) for e in offset + map_ * point]
        return [e / sum(powers) for e in powers]

    at, target = shares(x), shares(best)
    gaps = [e - f for e, f in zip(at, target, strict=True)]
    mean = sum(e * g for e, g in zip(at, gaps, strict=True))
    adjoint = sp.Matrix([-e * (g - mean) / weight for e, g in zip(at, gaps, strict=True)])
    inner = sum(e * w + weight * e * sp.log(e) for e, w in zip(z, offset + map_ * x, strict=True))
    constants = {"mu": weight, "C_z": sp.sqrt(2), "R": 1 / (sp.sqrt(2) * weight), "m_zz": sp.Integer(1)}
    if min(p, d) <= 2:
        # S = softmax of -costs/tau: |S'| <= 1/2 and |S - q| <= sqrt 2; |S''| is at most the third central moment of
        # a variable with two values, sqrt 2 apart, at its largest. v* = -w/tau with Dw = S''(S - q) + S'S'.
        share = sp.Symbol("s", positive=True)
        moment = share * (1 - share) * (1 - 2 * share) * sp.sqrt(2) ** 3
        third = moment.subs(share, min(sp.solve(sp.diff(moment, share), share)))
        steep, bend = norm(map_) / weight, third * sp.sqrt(2) + sp.Rational(1, 4)
        constants |= {
            "L_xz": norm(map_),
            "k_z": steep / 2,
            "s_z": steep**2 * third,
            "k_v": steep * bend / weight,
            "L_Psi": steep**2 * bend,
        }
    return Symbolic(
        z=z,
        x=list(x),
        inner=inner,
        outer=sum((e - f) ** 2 / 2 for e, f in zip(z, target, strict=True)),
        hypergradient=list(map_.T * adjoint),
        value=sum(e**2 / 2 for e in gaps),
        parameters=values,
        minimizer=list(best),
        minimum=sp.Integer(0),
        excess=[e**2 / 2 for e in gaps],
        constants=constants,
        region="z in the simplex",
    )


def _proofs() -> list[Check]:
    """The solution on the simplex, its value and its derivative, for three entries with any weights."""
    import sympy as sp

    n = 3
    w, q = sp.symbols(f"w_1:{n + 1}", positive=True), sp.symbols(f"q_1:{n + 1}", real=True)
    tau, t = sp.symbols("tau t", positive=True)
    bowl = t * sp.log(t) - t + 1
    total = sum(w)
    z = [e / total for e in w]
    # exp(-costs/tau) = w, so that costs = -tau log w.
    slopes = [-tau * sp.log(e) + tau * (sp.log(e) - sp.log(total) + 1) for e in w]
    lowest = sum(s * (-tau * sp.log(e)) + tau * s * (sp.log(e) - sp.log(total)) for s, e in zip(z, w, strict=True))
    gaps = [s - e for s, e in zip(z, q, strict=True)]
    psi = sum(g**2 for g in gaps) / 2
    mean = sum(s * g for s, g in zip(z, gaps, strict=True))
    adjoint = [-s * (g - mean) / tau for s, g in zip(z, gaps, strict=True)]
    hessian = [tau / s for s in z]
    multiplier = hessian[0] * adjoint[0] + gaps[0]
    point = [sp.Symbol(f"y_{i + 1}", positive=True) for i in range(n - 1)]
    point.append(1 - sum(point))
    logs = [sp.Symbol(f"l_{i + 1}", real=True) for i in range(n)]  # log y_i
    far = sum(y * (tau * k - tau * sp.log(e)) for y, k, e in zip(point, logs, w, strict=True)) + tau * sp.log(total)
    divergence = tau * sum(y * (k - sp.log(e) + sp.log(total)) for y, k, e in zip(point, logs, w, strict=True))
    return [
        identities(
            "lower level: G_z is constant along the entries",
            [s - slopes[0] for s in slopes],
            "G_z = tau (1 - log sum exp(-costs/tau)) in every entry: the multiplier of sum z = 1",
        ),
        identities("minimum of G", [sp.expand(lowest + tau * sp.log(total) * sum(z))], "-tau log sum exp(-costs/tau)"),
        identities("G - min G on the simplex", [sp.expand(far - divergence)], "tau KL(z, z*), zero at z* only"),
        identities(
            "KL: t log t - t + 1 and its slope are 0 at t = 1", [bowl.subs(t, 1), sp.diff(bowl, t).subs(t, 1)], ""
        ),
        by_terms(
            "KL: and it is convex", sp.diff(bowl, t, 2), [1 / t], "KL is its mean over z*, at t = z/z*: not negative"
        ),
        by_terms(
            "mu = tau on the simplex", tau * (1 + t) - tau, [tau * t], "G_zz = tau diag(1/z), 1/z_i = 1 + t, z_i <= 1"
        ),
        identities(
            "adjoint on the tangent space",
            [*(h * v + g - multiplier for h, v, g in zip(hessian, adjoint, gaps, strict=True)), sum(adjoint)],
            "G_zz v + F_z is a multiple of (1, ..., 1), and v sums to 0",
        ),
        identities(
            "derivative of Psi along each cost",
            [-e * sp.diff(psi, e) / tau - v for e, v in zip(w, adjoint, strict=True)],
            "dPsi/dcost_i = v_i, as dw_i/dcost_i = -w_i/tau: grad Psi = C'v",
        ),
    ]


def _on_the_simplex(problem: BilevelProblem, x: Array, tau: float) -> list[Check]:
    """Multipliers and steps, in numbers."""
    offered = problem.capabilities
    solution, adjoint, step = offered.optimistic_solution, offered.reduced_adjoint, offered.mirror_step
    grad, product, outer = problem.inner_grad_z, problem.inner_hvp_zz, problem.outer_grad_z
    assert None not in (solution, adjoint, step, grad, product, outer)
    z, v = solution(x), adjoint(x)  # type: ignore[misc]
    inside = z.min(axis=-1) > 1e-6
    z, v, x = z[inside], v[inside], x[inside]
    slope = grad(z, x)  # type: ignore[misc]
    residual = product(z, x, v) + outer(z, x)  # type: ignore[misc]
    # From any point, a mirror step of length 1/tau along G_z lands on the solution.
    even = np.full(z.shape, 1 / problem.p)
    landed = step(even, grad(even, x), 1 / tau)  # type: ignore[misc]
    return [
        small("G_z is a multiple of (1, ..., 1) at the solution", slope - slope.mean(axis=-1, keepdims=True), slope),
        small("adjoint equation on the tangent space", residual - residual.mean(axis=-1, keepdims=True), residual),
        small("the adjoint is tangent", v.sum(axis=-1), v),
        small("a mirror step of length 1/tau solves the lower level", landed - z),
    ]
