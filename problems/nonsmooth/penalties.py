"""Families with a non-smooth lower level: weighted l1 and group penalties, whose weights are the outer variable.

G = |z-a|^2/2 + sum over groups g of x_g |z_g|, in groups of equal size; of size 1 for the l1 norm. Its minimiser
shrinks each group, z*_g = (1 - x_g/|a_g|)_+ a_g, for every real x (for x_g < 0 as well, where G is not convex).
With s = |a_g| this follows from

    G(z) - G(z*) = (|z_g| - (s-x_g))^2/2 + (s|z_g| - a_g'z_g)      for x_g <= s,
    G(z) - G(z*) = |z_g|^2/2 + (x_g-s)|z_g| + (s|z_g| - a_g'z_g)   for x_g >= s,

summed over the groups, as a_g'z_g <= s|z_g|. At x_g = s the solution has a kink; beyond, z*_g = 0 and Psi is flat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array, blockwise, frozen, row_sum, spread, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.symbolic import Symbolic

from .._base.checks import above, attach, by_terms, declared_checks, small, tied
from .._base.family import family
from ._shrinkage import Shrinkage, planted_proofs

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = ["group_lasso", "l1_meha", "l1_tracking"]


_A1 = "fails: G has kinks where z_g = 0, no L_zz; strongly convex with mu = 1 for x >= 0; L_xz, L_xx of G_x = (|z_g|)"
_A4 = "fails: grad Psi and the reduced adjoint jump where x_g = |a_g|; k_z holds"


def _nonnegative(x: Array) -> Array:
    return np.maximum(x, 0.0)


def _unit_box(x: Array) -> Array:
    return np.clip(x, 0.0, 1.0)


_MEHA = Card(
    summary="Weighted l1 lower level with a linear outer objective: a set of minimisers, Psi with kinks.",
    source="the non-smooth example of arXiv 2405.09927 (MEHA), github.com/vis-opt-group/MEHA",
    assumptions={
        "A1": _A1,
        "A2": "fails: G is not twice differentiable",
        "A3": "holds with m = 0",
        "A4": _A4,
        "A5": "holds on X = [0, 1]^d only: F is unbounded below outside",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="p = d, even. The minimisers are the set {x_i >= 1/d in the first half, x_i = 0 in the other}: none is "
    "declared, capabilities.distance_to_solutions measures the distance to the set; the minimum is that over X",
    smooth=False,
    small={"p": 4},
    errata=(
        "The source's code takes x = (1/n, ..., 1/n, 0, ..., 0) for the solution and measures the distance to it; the "
        "minimisers are the set with x_i >= 1/n in the first half and x_i = 0 in the other. Its start, all ones, has "
        "grad Psi = 0 and Psi = 0, above the minimum -1/2.",
    ),
)


@family(_MEHA)
def l1_meha(p: int | None = None, d: int | None = None, *, seed: int = 0) -> BilevelProblem:
    """Weighted l1 lower level, F the sum of z.

    F = sum z_i,  G = |z-a|^2/2 + sum x_i |z_i|, a = 1/d in the first half and -1/d in the other, x in [0, 1]^d.
    z*_i = sign(a_i)(1/d - x_i)_+, grad_i Psi = -sign(a_i) where x_i < 1/d and 0 beyond. Psi* = -1/2, at the set of x
    with x_i >= 1/d in the first half and x_i = 0 in the other; the point 1/d, 0 of the source is one corner of it.
    Psi - Psi* = sum of (1/d - x_i)_+ over the first half + sum of min(1/d, x_i) over the other, at least the
    distance to the set divided by d.

    The start is x0 = 1/(2d), z0 = 0. That of the source, all ones, is a point where grad Psi = 0.

    Parameters
    ----------
    p, d : int or None
        Equal, even; 4 by default.
    seed : int
        Has no effect: the problem is a fixed one. Accepted as every factory does.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    p, d = tied(p, d, ratio=1, default=4)
    if d % 2:
        raise ValueError(f"d must be even (two halves of opposite sign), got {d}")
    sign = np.repeat([1.0, -1.0], d // 2)
    lower = Shrinkage((sign / d)[:, None])
    first = sign > 0

    def outer(z: Array, x: Array) -> Array:
        return spread(row_sum(z), x)

    def value(x: Array) -> Array:
        return row_sum(sign * lower.below(x))

    def hypergradient(x: Array) -> Array:
        slopes: Array = -sign * (x < lower.size)
        return slopes

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(np.ones(p), z, x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(d), z, x)

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return np.zeros((p, p)), np.zeros((d, p)), np.zeros((d, d))

    def reduced_adjoint(x: Array) -> Array:
        return -(x < lower.size).astype(np.float64)

    def distance_to_solutions(x: Array) -> Array:
        nearest = np.where(first, np.clip(x, lower.size, 1.0), 0.0)
        return np.sqrt(square_norm(x - nearest))

    def start(rng: np.random.Generator) -> tuple[Array, Array]:
        return np.zeros(p), lower.size / 2

    def symbolic() -> Symbolic:
        import sympy as sp

        z, x = sp.symbols(f"z_1:{p + 1}", real=True), sp.symbols(f"x_1:{d + 1}", nonnegative=True)
        s, half = sp.Rational(1, d), d // 2
        signs = [1] * half + [-1] * half
        # sign (s - x)_+, in the second half as min(s, x) - s.
        excess = [sp.Max(s - e, 0) for e in x[:half]] + [sp.Min(s, e) for e in x[half:]]
        return Symbolic(
            z=z,
            x=x,
            inner=sum((e - k * s) ** 2 / 2 + w * sp.Abs(e) for e, w, k in zip(z, x, signs, strict=True)),
            outer=sum(z),
            hypergradient=[-k * sp.Heaviside(s - e) for e, k in zip(x, signs, strict=True)],
            value=sum(excess) - sp.Rational(1, 2),
            minimum=-sp.Rational(1, 2),
            excess=excess,
            constants={"mu": 1, "k_z": 1, "C_z": sp.sqrt(d), "R": sp.sqrt(d)},
            region="x >= 0",
        )

    def checks(problem: BilevelProblem) -> list[Check]:
        x, apart = lower.points(_unit_box)
        return [
            *lower.proofs(),
            *declared_checks(problem, x, apart, growth=1.0, step=lower.step),
            *_set_of_minimisers(problem, x, first),
        ]

    constants = Constants(
        mu=1.0,  # |z-a|^2/2 plus a convex function for x >= 0
        L_xz=1.0,  # G_x = (|z_i|)
        L_xx=0.0,
        m_zz=0.0,
        m_xz=0.0,
        m_xx=0.0,
        C_z=float(np.sqrt(p)),  # F_z = (1, ..., 1)
        C_x=0.0,
        R=float(np.sqrt(p)),  # the reduced adjoint: -1 where z* is not zero
        k_z=1.0,  # each coordinate of z* moves by at most that of x
    )
    problem = BilevelProblem(
        name="l1_meha",
        p=p,
        d=d,
        inner=blockwise(lower.inner),
        outer=blockwise(outer),
        inner_solution=lower.solution,
        value=value,
        hypergradient=hypergradient,
        inner_grad_z=lower.inner_grad_z,
        inner_grad_x=lower.inner_grad_x,
        outer_grad_z=outer_grad_z,
        outer_grad_x=outer_grad_x,
        inner_jvp_xz=lower.inner_jvp_xz,
        inner_jvp_zx=lower.inner_jvp_zx,
        outer_hessian=outer_hessian,
        minimum=-0.5,
        constants=constants,
        start=start,
        symbolic=symbolic,
        parameters={"seed": seed},
        card=_MEHA,
        region=lower.region(_unit_box),
    )
    return attach(problem, lower.capabilities(_unit_box, reduced_adjoint, distance_to_solutions), checks)


def _set_of_minimisers(problem: BilevelProblem, x: Array, first: NDArray[np.bool_]) -> list[Check]:
    """The minimisers of l1_meha are the points at distance zero, and Psi grows away from them."""
    import sympy as sp

    d = problem.d
    n, short, room = (
        sp.Symbol("n", positive=True),
        sp.Symbol("short", nonnegative=True),
        sp.Symbol("r", nonnegative=True),
    )
    distance = problem.capabilities.distance_to_solutions
    assert distance is not None
    assert problem.value is not None
    corner = np.where(first, 1.0 / d, 0.0)
    inside = np.where(first, np.maximum(x, 1.0 / d), 0.0)
    optimal = np.concatenate([inside, corner[None]])
    share = 1 / (n + 1)  # 1/d, with d = n + 1 > 1
    return [
        by_terms(
            "growth of Psi, x_i < 1/d in the first half",
            short - short * share,
            [short * n / (n + 1)],
            "short = 1/d-x_i",
        ),
        by_terms("growth of Psi, x_i < 1/d in the other half", room - room * share, [room * n / (n + 1)], "r = x_i"),
        by_terms("growth of Psi, x_i > 1/d in the other half", share - (1 - room) * share, [room * share], "r = 1-x_i"),
        above("Psi - Psi* is at least the distance to the set over d", problem.value(x) + 0.5 - distance(x) / d),
        small("minimisers have distance zero", distance(optimal)),
        small("minimisers have the value -1/2", problem.value(optimal) + 0.5),
    ]


_TRACKING = Card(
    summary="Weighted l1 lower level tracking a planted target: kinks, and flat regions that are not optimal.",
    source="the lower level of the non-smooth example of arXiv 2405.09927, with a planted target; no published origin",
    assumptions={
        "A1": _A1,
        "A2": "fails: G is not twice differentiable",
        "A3": "holds on x >= 0 (C_z)",
        "A4": _A4,
        "A5": "holds",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="p = d. Psi is flat, with a positive value, where x_i > |a_i|",
    smooth=False,
    small={"p": 2},
)


@family(_TRACKING)
def l1_tracking(p: int | None = None, d: int | None = None, *, seed: int = 0) -> BilevelProblem:
    """Weighted l1 lower level with a planted target.

    G = |z-a|^2/2 + sum x_i |z_i| for x >= 0, F = |z-t|^2/2 with t = z*(x_o), 0 < x_o,i < |a_i|.
    z*_i = sign(a_i)(|a_i| - x_i)_+, Psi = sum (min(x_i, |a_i|) - x_o,i)^2 / 2, minimum 0 at x_o only. Where
    x_i > |a_i| Psi does not depend on x_i: a descent from there never returns. The start is x0 = 0, z0 = 0.

    Parameters
    ----------
    p, d : int or None
        Equal; 4 by default.
    seed : int
        Names the instance.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    p, d = tied(p, d, ratio=1, default=4)
    rng = np.random.default_rng(seed)
    sign = np.where(rng.uniform(size=d) < 0.5, -1.0, 1.0)
    return _tracking("l1_tracking", (sign * rng.uniform(0.5, 1.5, d))[:, None], rng, seed, _TRACKING)


_GROUPS = Card(
    summary="Group lasso with one weight per group, tracking a planted target: kinks, flat regions, curved pieces.",
    source="the group-penalty lower level of arXiv 2405.09927 with an orthonormal design and a planted target; "
    "no published origin",
    assumptions=_TRACKING.assumptions,
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="p a multiple of d, the number of groups. Psi is flat, with a positive value, where x_g > |a_g|",
    smooth=False,
    small={"p": 4, "d": 2},
)


@family(_GROUPS)
def group_lasso(p: int = 6, d: int = 3, *, seed: int = 0) -> BilevelProblem:
    """Group lasso lower level with a planted target.

    G = |z-a|^2/2 + sum x_g |z_g| over d groups of p/d coordinates, x >= 0; F = |z-t|^2/2 with t = z*(x_o),
    0 < x_o,g < |a_g|. z*_g = (1 - x_g/|a_g|)_+ a_g, Psi = sum (min(x_g, |a_g|) - x_o,g)^2 / 2, minimum 0 at x_o
    only; flat where x_g > |a_g|. The reduced adjoint is v_g = -(I + (x_g/|z_g|)(I - z_g z_g'/|z_g|^2))^-1 F_z,g
    on groups that are not zero, which is -F_z,g, as F_z,g is parallel to z_g. The start is x0 = 0, z0 = 0.

    Parameters
    ----------
    p, d : int
        Dimension of z and number of groups, which divides p.
    seed : int
        Names the instance.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    rng = np.random.default_rng(seed)
    if p % d:
        raise ValueError(f"p must be a multiple of d (groups of equal size), got p={p}, d={d}")
    directions = rng.standard_normal((d, p // d))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    return _tracking("group_lasso", directions * rng.uniform(0.5, 1.5, (d, 1)), rng, seed, _GROUPS)


def _tracking(name: str, centre: Array, rng: np.random.Generator, seed: int, card: Card) -> BilevelProblem:
    """F = |z - z*(x_o)|^2/2, with x_o between a quarter and three quarters of |a_g|."""
    lower = Shrinkage(centre)
    (d, group), p = centre.shape, centre.size
    planted = lower.size * rng.uniform(0.25, 0.75, d)
    t = lower.solution(planted)

    def outer(z: Array, x: Array) -> Array:
        return spread(0.5 * square_norm(z - t), x)

    # min(x, s) - x_o = (s - x_o) - (s - x)_+, without the subtraction of nearly equal norms near x_o.
    def gap(x: Array) -> Array:
        return np.minimum(x, lower.size) - planted

    def value(x: Array) -> Array:
        return 0.5 * square_norm(gap(x))

    def hypergradient(x: Array) -> Array:
        return gap(x) * (x < lower.size)

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(z - t, x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(d), z, x)

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return np.eye(p), np.zeros((d, p)), np.zeros((d, d))

    def reduced_adjoint(x: Array) -> Array:
        return lower.flat((gap(x) * (x < lower.size))[..., None] * lower.unit)

    def start(rng: np.random.Generator) -> tuple[Array, Array]:
        return np.zeros(p), np.zeros(d)

    def symbolic() -> Symbolic:
        import sympy as sp

        from .._base.symbols import matrix, reals

        values: dict[Any, float] = {}
        z, x = reals("z", p), reals("x", d)
        unit = matrix("e", lower.unit, values)
        best, room = (sp.symbols(f"{letter}_1:{d + 1}", positive=True) for letter in ("xopt", "m"))
        values.update(dict(zip([*best, *room], [*planted, *(lower.size - planted)], strict=True)))
        inner = outer_value = sp.Integer(0)
        for g in range(d):
            block = z[g * group : (g + 1) * group]
            norm = sp.Abs(block[0]) if group == 1 else sp.sqrt(sum(e**2 for e in block))
            inner += sum((e - (best[g] + room[g]) * unit[g, k]) ** 2 / 2 for k, e in enumerate(block)) + x[g] * norm
            outer_value += sum((e - room[g] * unit[g, k]) ** 2 / 2 for k, e in enumerate(block))
        gaps = [sp.Min(e, b + m) - b for e, b, m in zip(x, best, room, strict=True)]
        # |F_z,g| = |gap_g| is largest at x_g = 0, or where x_g reaches |a_g|.
        slope = sp.sqrt(sum(sp.Max(*e) ** 2 for e in zip(best, room, strict=True)))
        return Symbolic(
            z=z,
            x=x,
            inner=inner,
            outer=outer_value,
            value=sum(e**2 / 2 for e in gaps),
            hypergradient=[e * sp.Heaviside(b + m - w) for e, w, b, m in zip(gaps, x, best, room, strict=True)],
            parameters=values,
            minimizer=list(best),
            minimum=sp.Integer(0),
            excess=[e**2 / 2 for e in gaps],
            constants={
                "mu": 1,
                "k_z": 1,
                "m_zz": 1,
                "C_z": slope,
                # On active groups G_zz e = e along e = z_g/|z_g|, and F_z,g = -gap_g e: v_g = gap_g e, else v_g = 0.
                "R": slope,
                "L_xz": 1,  # G_x = (|z_g|)
            },
        )

    def checks(problem: BilevelProblem) -> list[Check]:
        x, apart = lower.points(_nonnegative)
        assert problem.value is not None
        assert problem.hypergradient is not None
        flat = lower.size + 1.0
        return [
            *lower.proofs(),
            *planted_proofs(group),
            *declared_checks(problem, x, apart, growth=1.0, step=lower.step),
            small("Psi is flat beyond the kinks", problem.hypergradient(flat)),
            above("and not optimal there", problem.value(flat) - 0.125 * square_norm(0.5 * lower.size)),
        ]

    slope = float(np.linalg.norm(np.maximum(planted, lower.size - planted)))
    constants = Constants(
        mu=1.0,  # |z-a|^2/2 plus a convex function for x >= 0
        L_xz=1.0,  # G_x = (|z_g|)
        L_xx=0.0,
        m_zz=1.0,
        m_xz=0.0,
        m_xx=0.0,
        C_z=slope,  # |F_z,g| = |min(x_g, s) - x_o,g|, 0 <= x_g
        C_x=0.0,
        R=slope,  # the reduced adjoint: -F_z where z*_g is not zero
        k_z=1.0,  # the norm of each group of z* moves by at most x_g, its direction is fixed
    )
    problem = BilevelProblem(
        name=name,
        p=p,
        d=d,
        inner=blockwise(lower.inner),
        outer=blockwise(outer),
        inner_solution=lower.solution,
        value=value,
        hypergradient=hypergradient,
        inner_grad_z=lower.inner_grad_z,
        inner_grad_x=lower.inner_grad_x,
        outer_grad_z=outer_grad_z,
        outer_grad_x=outer_grad_x,
        inner_jvp_xz=lower.inner_jvp_xz,
        inner_jvp_zx=lower.inner_jvp_zx,
        outer_hessian=outer_hessian,
        minimizer=frozen(planted),
        minimum=0.0,
        constants=constants,
        start=start,
        symbolic=symbolic,
        parameters={"seed": seed},
        card=card,
        region=lower.region(_nonnegative),
    )
    return attach(problem, lower.capabilities(_nonnegative, reduced_adjoint), checks)
