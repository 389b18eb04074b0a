"""Checks of what the families outside the assumptions declare.

Such a family has constraints, kinks, many lower-level solutions or a distribution of tasks. What a solver needs
to know of that is a capability; what can be proved of it is a check of the family's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.capabilities import Capabilities

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = [
    "above",
    "attach",
    "by_terms",
    "clip",
    "declared_checks",
    "identities",
    "proved",
    "slope",
    "small",
    "tied",
]


Checks = Callable[[BilevelProblem], "list[Check]"]

# Rounding of a few hundred operations, relative to the size of what is compared.
_ROUNDING = 1e-10


def attach(problem: BilevelProblem, offered: Capabilities, checks: Checks) -> BilevelProblem:
    """The problem with its capabilities and its own checks, which can be called with a changed copy of it."""

    def extra_checks(subject: BilevelProblem | None = None) -> list[Check]:
        return checks(attached if subject is None else subject)

    attached = replace(problem, capabilities=offered, extra_checks=extra_checks)
    return attached


def tied(p: int | None, d: int | None, ratio: int, default: int) -> tuple[int, int]:
    """(p, d) with p = ratio d from either or both; ``default`` is d where none is given."""
    from zoba_bench.validation import check_dimension

    if p is not None:
        p = check_dimension("p", p)
    if d is not None:
        d = check_dimension("d", d)
    if d is None:
        d = default if p is None else max(p // ratio, 1)
    if p is not None and p != ratio * d:
        raise ValueError(f"p must be {'d' if ratio == 1 else f'{ratio} d'}, got p={p}, d={d}; give one of them only")
    return ratio * d, d


def clip(low: float, high: float) -> Callable[[Array], Array]:
    """Projection onto a box."""

    def project(point: Array) -> Array:
        return np.clip(point, low, high)

    return project


# Checks. Each is one statement; its kind says how it is known.


def proved(name: str, proof: Callable[[], str]) -> Check:
    """A proof: a function that returns its reason, or raises ValueError."""
    from zoba_bench.certification.certificate import Check

    try:
        return Check(name, True, "proved", proof())
    except ValueError as error:
        return Check(name, False, "proved", str(error))


def identities(name: str, differences: Sequence[Any], detail: str) -> Check:
    """Proof that sympy expressions vanish identically."""

    def proof() -> str:
        from zoba_bench.certification.identities import vanishes

        for difference in differences:
            if not vanishes(difference):
                raise ValueError(f"{str(difference)[:200]} is not zero")
        return detail

    return proved(name, proof)


def by_terms(name: str, gap: Any, terms: Sequence[Any], detail: str) -> Check:
    """Proof that a sympy expression is the sum of terms that are seen to be non-negative."""

    def proof() -> str:
        from zoba_bench.certification.identities import vanishes

        for term in terms:
            if not term.is_nonnegative:
                raise ValueError(f"the term {term} is not seen to be non-negative")
        if not vanishes(gap - sum(terms)):
            raise ValueError("the terms do not sum to what they should")
        return detail

    return proved(name, proof)


def small(name: str, error: Any, scale: Any = 1.0, tolerance: float = _ROUNDING) -> Check:
    """A residual that is rounding, or the error of a difference."""
    from zoba_bench.certification.certificate import Check

    size = float(np.max(np.abs(error), initial=0.0))
    allowed = tolerance * (1 + float(np.max(np.abs(scale), initial=0.0)))
    return Check(name, size <= allowed, "computed", f"residual {size:.3g}, allowed {allowed:.3g}")


def above(name: str, gap: Any, scale: Any = 1.0) -> Check:
    """Sampled values that are not negative beyond rounding."""
    from zoba_bench.certification.certificate import Check

    lowest, allowed = float(np.min(gap)), _ROUNDING * (1 + float(np.max(np.abs(scale))))
    return Check(name, lowest >= -allowed, "sampled", f"lowest {lowest:.3g}, allowed {-allowed:.3g}")


def slope(function: Callable[[Array], Array], point: Array, step: float = 1e-3) -> Array:
    """Gradient (..., n) by fourth-order central differences of a function with values (...)."""

    def along(axis: Array) -> Array:
        def at(t: float) -> Array:
            return function(point + t * axis)

        found: Array = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
        return found

    return np.stack([along(axis) for axis in np.eye(point.shape[-1])], axis=-1)


def declared_checks(
    problem: BilevelProblem, x: Array, apart: Array | None = None, growth: float = 0.0, step: float = 1e-3
) -> list[Check]:
    """What holds of any problem's capabilities, at feasible points x (n, d).

    Parameters
    ----------
    apart : points (m, d); Psi is differentiable within 2 ``step`` of them, and the hypergradient is compared there.
    growth : the lower level grows as G(z, x) - min G >= growth |z - z*|^2 / 2 on Z.
    """
    rng = np.random.default_rng(0)
    return [
        *_projections(problem, x, rng),
        *_splitting(problem, x, rng),
        *_levels(problem, x, apart, growth, step, rng),
    ]


def _projections(problem: BilevelProblem, x: Array, rng: np.random.Generator) -> Iterator[Check]:
    offered = problem.capabilities
    for name, project, size in (("X", offered.project_x, problem.d), ("Z", offered.project_z, problem.p)):
        if project is None:
            continue
        outside = 3 * rng.standard_normal((40, size))
        nearest = project(outside)
        yield small(f"projection onto {name} leaves {name} alone", project(nearest) - nearest)
        others = project(4 * rng.standard_normal((60, 1, size)))
        # The nearest point of a convex set is the one with no obtuse corner towards the rest of the set.
        angles = np.vecdot(outside - nearest, nearest - others)
        yield above(f"projection onto {name} is the nearest point", angles, 10.0)
    if offered.project_x is not None:
        yield small("points of the checks are in X", offered.project_x(x) - x)


def _splitting(problem: BilevelProblem, x: Array, rng: np.random.Generator) -> Iterator[Check]:
    offered = problem.capabilities
    z = rng.standard_normal((len(x), problem.p))
    smooth, rest, prox = offered.inner_smooth, offered.inner_rest, offered.inner_prox
    if smooth is not None and rest is not None:
        total = problem.inner(z, x)
        yield small("G = f + g", smooth(z, x) + rest(z, x) - total, total)
        for letter, gradient, point in (
            ("z", offered.inner_smooth_grad_z, z),
            ("x", offered.inner_smooth_grad_x, x),
        ):
            if gradient is not None:
                along = slope(lambda s, at=letter: smooth(s, x) if at == "z" else smooth(z, s), point)  # type: ignore[misc]
                yield small(f"derivative of f in {letter}", gradient(z, x) - along, along, 1e-7)
        if offered.inner_rest_grad_x is not None:
            along = slope(lambda s: rest(z, s), x)
            yield small("derivative of g in x", offered.inner_rest_grad_x(z, x) - along, along, 1e-7)
    if rest is not None and prox is not None:
        for step in (0.1, 1.0):
            near = prox(z, x, step)

            def objective(y: Array, step: float = step) -> Array:
                distance = y - z
                total: Array = rest(y, x) + np.vecdot(distance, distance) / (2 * step)
                return total

            moves = rng.standard_normal((50, *z.shape)) * 10.0 ** rng.uniform(-4, 0.5, (50, len(x), 1))
            # g(., x) is convex, so that the objective grows with |y - prox|^2 / (2 step).
            gain = objective(near + moves) - objective(near) - np.vecdot(moves, moves) / (2 * step)
            yield above(f"prox with step {step:g} is the minimiser", gain, objective(near + moves))


def _levels(
    problem: BilevelProblem, x: Array, apart: Array | None, growth: float, step: float, rng: np.random.Generator
) -> Iterator[Check]:
    offered = problem.capabilities
    solution = offered.optimistic_solution
    if solution is not None:
        z = solution(x)
        project = offered.project_z or (lambda y: y)
        yield small("lower-level solution is in Z", project(z) - z)
        lowest = problem.inner(z, x)
        others = project(z + rng.standard_normal((200, *z.shape)) * 10.0 ** rng.uniform(-4, 1, (200, len(x), 1)))
        moved = others - z
        gain = problem.inner(others, x) - lowest - 0.5 * growth * np.vecdot(moved, moved)
        words = f"G grows by {growth:g} |z - z*|^2 / 2" if growth else "nothing in Z is below"
        yield above(f"lower-level solution: {words}", gain, problem.inner(others, x))
        if offered.distance_to_lower is not None:
            yield small("lower-level solution is in the set", offered.distance_to_lower(z, x))
            far, at = z + rng.standard_normal(z.shape), offered.distance_to_lower
            yield _grows("distance to the lower-level solutions", lambda y: at(y, x), project(far))
        if problem.value is not None:
            yield small("value at the lower-level solution", problem.value(x) - problem.outer(z, x), problem.value(x))
        if problem.inner_solution is not None:
            yield small("inner_solution is the declared choice", problem.inner_solution(x) - z, z)
        if offered.pl is not None and problem.inner_grad_z is not None and problem.inner_hessian is not None:
            # Along the eigenvectors of G_zz, of which the weakest one attains mu_PL where G is quadratic.
            away = z + np.linalg.eigh(problem.inner_hessian(z[0], x[0])[0])[1].T[:, None, :]
            slopes = np.asarray(problem.inner_grad_z(away, x))
            gap = np.vecdot(slopes, slopes) - 2 * offered.pl * (problem.inner(away, x) - lowest)
            yield above("Polyak-Lojasiewicz inequality", gap, 1.0)
    if offered.distance_to_solutions is not None:
        yield _grows("distance to the minimisers", offered.distance_to_solutions, x)
    if problem.value is not None and problem.minimum is not None:
        yield above("nothing in X is below the minimum", problem.value(x) - problem.minimum, problem.minimum)
        if problem.minimizer is not None:
            gap = problem.value(problem.minimizer) - problem.minimum
            yield small("minimum is attained at the minimiser", gap, problem.minimum)
    if problem.value is not None and problem.hypergradient is not None and apart is not None:
        along = slope(problem.value, apart, step)
        yield small("hypergradient away from kinks", problem.hypergradient(apart) - along, along, 1e-6)
        reduced, F_x, G_xz = offered.reduced_adjoint, problem.outer_grad_x, problem.inner_jvp_xz
        if reduced is not None and solution is not None and F_x is not None and G_xz is not None:
            z, v = solution(apart), reduced(apart)
            found = F_x(z, apart) + G_xz(z, apart, v)
            yield small("F_x + G_xz v with the reduced adjoint", found - problem.hypergradient(apart), v)
        if reduced is not None and solution is not None and problem.inner_hessian is not None:
            few = apart[:5]
            F_z = slope(lambda y: problem.outer(y, few), solution(few))
            blocks = [problem.inner_hessian(y, w)[0] for y, w in zip(solution(few), few, strict=True)]
            least = np.stack([-np.linalg.pinv(H, rcond=1e-10) @ f for H, f in zip(blocks, F_z, strict=True)])
            yield small("the reduced adjoint has the least norm", reduced(few) - least, least, 1e-7)
    if offered.reduced_adjoint is not None and problem.constants.R is not None:
        size = np.linalg.norm(offered.reduced_adjoint(x), axis=-1)
        yield above("the reduced adjoint is bounded by R", problem.constants.R - size)


def _grows(name: str, distance: Callable[[Array], Array], points: Array) -> Check:
    """A distance to a set has slope 1 outside of it: with zero on the set, that is what makes it the distance.

    Short steps, and the median: some points may lie near others where there is no derivative.
    """
    outside = distance(points) > 0.01
    steepness = np.sqrt(np.sum(slope(distance, points, 1e-7) ** 2, axis=-1))[outside]
    return small(f"{name}: its slope is 1", np.median(steepness) - 1 if steepness.size else 1.0, 1.0, 1e-6)
