"""The same problem in other coordinates, and with faults in every number that a solver is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from zoba_bench.arrays import Array, frozen
from zoba_bench.problem import BilevelProblem, Constants
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.problem.noise import Noise
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_real, check_seed

from ._coordinates import Coordinates, coordinates

__all__ = ["perturbed"]

Function = Callable[..., Any]


def perturbed(
    problem: BilevelProblem, *, noise: float = 0.0, relative: float = 0.0, digits: int | None = None,
    nan_rate: float = 0.0, permute: bool = False, rotate: bool = False, scale: float = 1.0, seed: int = 0,
    name: str | None = None,
) -> BilevelProblem:  # fmt: skip
    """The same problem in other coordinates z = A z', x = B x', and with declared faults of its numbers.

    A and B are products of a permutation, a rotation and a diagonal matrix, each where it is asked for. Every closed
    form goes along: z*' = A^-1 z*(B x'), v*' = A^-1 v*, Psi' = Psi(B x'), grad Psi' = B' grad Psi, and the minimiser
    is B^-1 times what it was; the minimum is the same. Constants are those that follow from the least and the largest
    scale. Sines and cosines of the rotation are rational, so that a proof of the problem has no rounding in it.

    Noise, rounding and NaN are faults of what a solver is told, and no part of the functions: closed forms,
    measurements and certificates see exact numbers, and a run draws its faults from its own generator. They are in the
    values of F and G and in every component of a derivative, and counted as any other number.

    Parameters
    ----------
    problem : BilevelProblem
    noise, relative : float
        Standard deviations of additive and of multiplicative normal noise.
    digits : int, optional
        Significant decimal digits to which numbers are rounded.
    nan_rate : float
        How often a number is NaN instead.
    permute, rotate : bool
        Permute the coordinates of z and of x; rotate them in random planes.
    scale : float, at least 1
        Condition of the diagonal matrices: their entries rise from scale^(-1/2) to scale^(1/2).
    seed : int
        Of permutations, planes and noise.
    name : str, optional
        Default: "perturbed_" and the problem's name.

    Returns
    -------
    BilevelProblem
        In other coordinates without the problem's own ``extra_checks``, and without its distribution of tasks.

    Raises
    ------
    ValueError
        For a number out of range, for a problem that is perturbed by noise already, and for a scale where the problem
        has a projection, a prox or distances, which have no closed form in scaled coordinates.
    """
    for flag, value in (("permute", permute), ("rotate", rotate)):
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{flag} must be True or False, got {value!r}")
    check_real("noise", noise, at_least=0.0)
    check_real("scale", scale, at_least=1.0)
    check_seed(seed)
    faults = Noise(float(noise), float(relative), digits, float(nan_rate), seed)
    made = problem
    if permute or rotate or scale != 1.0:
        rng = np.random.default_rng([seed, 7])
        how: dict[str, Any] = {"permute": permute, "rotate": rotate, "scale": float(scale)}
        made = _moved(problem, coordinates(problem.p, rng, **how), coordinates(problem.d, rng, **how))
    if faults.any:
        if problem.capabilities.noise is not None:
            raise ValueError(f"problem {problem.name!r} has noise already; perturb the problem that it was made from")
        made = replace(made, capabilities=replace(made.capabilities, noise=faults))
    own = {"noise": noise, "relative": relative, "digits": digits, "nan_rate": nan_rate, "permute": permute,
           "rotate": rotate, "scale": scale, "perturbation_seed": seed}  # fmt: skip
    title = f"perturbed_{problem.name}" if name is None else name
    return replace(made, name=title, parameters={**problem.parameters, **own})


#: How each function of (z, x, ...) takes further vectors ("z" or "x"), and where its result belongs ("" for a number).
_FUNCTIONS = {
    "inner": ("", ""), "outer": ("", ""), "inner_grad_z": ("", "z"), "inner_grad_x": ("", "x"),
    "outer_grad_z": ("", "z"), "outer_grad_x": ("", "x"), "inner_hvp_zz": ("z", "z"), "inner_jvp_xz": ("z", "x"),
    "inner_jvp_zx": ("x", "z"),
}  # fmt: skip


def _moved(problem: BilevelProblem, a: Coordinates, b: Coordinates) -> BilevelProblem:
    """The problem in z' and x', exactly."""
    sides = {"z": a, "x": b}

    def function(of: Function | None, vector: str, result: str) -> Function | None:
        if of is None:
            return None

        def moved(z: Array, x: Array, *others: Any) -> Array:
            arguments = list(others)
            if vector:
                arguments[0] = sides[vector].old(arguments[0])
            found = of(a.old(z), b.old(x), *arguments)
            return sides[result].pulled(found) if result else found

        return moved

    def of_x(of: Function | None, result: Function) -> Function | None:
        return None if of is None else lambda x: result(of(b.old(x)))

    def blocks(of: Function | None) -> Function | None:
        if of is None:
            return None

        def moved(z: Array, x: Array) -> tuple[Array, Array, Array]:
            zz, xz, xx = of(a.old(z), b.old(x))
            return a.matrix.T @ zz @ a.matrix, b.matrix.T @ xz @ a.matrix, b.matrix.T @ xx @ b.matrix

        return moved

    def start(rng: np.random.Generator) -> tuple[Array, Array]:
        z, x = problem.initial_point(rng)
        return a.new(z), b.new(x)

    region = problem.region

    def settled(z: Array, x: Array) -> tuple[Array, Array]:
        assert region is not None
        z, x = region(a.old(z), b.old(x))
        return a.new(z), b.new(x)

    moved: dict[str, Any] = {name: function(getattr(problem, name), *how) for name, how in _FUNCTIONS.items()}
    made = replace(
        problem,
        **moved,
        inner_solution=of_x(problem.inner_solution, a.new),
        adjoint=of_x(problem.adjoint, a.new),
        value=of_x(problem.value, lambda value: value),
        hypergradient=of_x(problem.hypergradient, b.pulled),
        inner_hessian=blocks(problem.inner_hessian),
        outer_hessian=blocks(problem.outer_hessian),
        minimizer=None if problem.minimizer is None else frozen(b.new(np.asarray(problem.minimizer))),
        constants=_constants(problem.constants, a, b),
        start=start,
        region=None if region is None else settled,
        extra_checks=None,
        capabilities=_capabilities(problem, a, b),
        symbolic=None,
    )
    if problem.symbolic is None:
        return made
    return replace(made, symbolic=partial(_symbolic, problem.symbolic, a, b))


def _symbolic(base: Callable[[], Symbolic], a: Coordinates, b: Coordinates) -> Symbolic:
    from ._perturb_symbols import moved_symbols

    return moved_symbols(base(), a, b)


#: What has a closed form in rotated coordinates but none in scaled ones.
_METRIC = ("project_x", "project_z", "inner_prox", "mirror_step", "distance_to_lower", "distance_to_solutions")


def _capabilities(problem: BilevelProblem, a: Coordinates, b: Coordinates) -> Capabilities:
    of = problem.capabilities
    if not (a.orthogonal and b.orthogonal):
        kept = [name for name in _METRIC if getattr(of, name) is not None]
        if kept:
            raise ValueError(
                f"problem {problem.name!r} cannot be scaled: its {', '.join(kept)} would not be known any more"
            )

    def maybe(function: Function | None, made: Function) -> Any:
        return None if function is None else made

    return replace(
        of,
        project_x=maybe(of.project_x, lambda x: b.new(_given(of.project_x)(b.old(x)))),
        project_z=maybe(of.project_z, lambda z: a.new(_given(of.project_z)(a.old(z)))),
        inner_smooth=maybe(of.inner_smooth, lambda z, x: _given(of.inner_smooth)(a.old(z), b.old(x))),
        inner_smooth_grad_z=maybe(
            of.inner_smooth_grad_z, lambda z, x: a.pulled(_given(of.inner_smooth_grad_z)(a.old(z), b.old(x)))
        ),
        inner_smooth_grad_x=maybe(
            of.inner_smooth_grad_x, lambda z, x: b.pulled(_given(of.inner_smooth_grad_x)(a.old(z), b.old(x)))
        ),
        inner_rest=maybe(of.inner_rest, lambda z, x: _given(of.inner_rest)(a.old(z), b.old(x))),
        inner_rest_grad_x=maybe(
            of.inner_rest_grad_x, lambda z, x: b.pulled(_given(of.inner_rest_grad_x)(a.old(z), b.old(x)))
        ),
        inner_prox=maybe(
            of.inner_prox, lambda z, x, step: a.new(_given(of.inner_prox)(a.old(z), b.old(x), step))
        ),
        # A step along the old slope, by the divergence in the old coordinates.
        mirror_step=maybe(
            of.mirror_step, lambda z, slope, step: a.new(_given(of.mirror_step)(a.old(z), a.old(slope), step))
        ),
        optimistic_solution=maybe(of.optimistic_solution, lambda x: a.new(_given(of.optimistic_solution)(b.old(x)))),
        distance_to_lower=maybe(of.distance_to_lower, lambda z, x: _given(of.distance_to_lower)(a.old(z), b.old(x))),
        distance_to_solutions=maybe(of.distance_to_solutions, lambda x: _given(of.distance_to_solutions)(b.old(x))),
        reduced_adjoint=maybe(of.reduced_adjoint, lambda x: a.new(_given(of.reduced_adjoint)(b.old(x)))),
        pl=None if of.pl is None else of.pl * a.ends[0] ** 2,
        tasks=None,
    )  # fmt: skip


def _given(function: Function | None) -> Function:
    assert function is not None
    return function


def _constants(c: Constants, a: Coordinates, b: Coordinates) -> Constants:
    """Those of the problem times powers of the largest scales, and of the inverses of the least ones.

    In z' a derivative with respect to z has one factor A, a point or v one A^-1; the same with B in x'.
    """
    (low_a, high_a), (low_b, high_b) = a.ends, b.ends
    factors = {
        "mu": low_a**2, "L_zz": high_a**2, "L_xz": high_a * high_b, "L_xx": high_b**2,
        "H": max(high_a, high_b) ** 3, "H_zz": high_a**3, "H_xz": high_a**2 * high_b, "H_zx": high_a * high_b**2,
        "H_xx": high_b**3, "m_zz": high_a**2, "m_xz": high_a * high_b, "m_xx": high_b**2, "C_z": high_a,
        "C_x": high_b, "R": 1 / low_a, "R_0": 1 / low_a, "R_g": 1 / (low_a * low_b), "k_z": high_b / low_a,
        "k_v": high_b / low_a, "s_z": high_b**2 / low_a, "s_v": high_b**2 / low_a, "L_Psi": high_b**2,
        "sigma_gz": high_a, "sigma_zz": high_a**2, "sigma_xz": high_a * high_b, "sigma_fz": high_a,
        "sigma_fx": high_b,
    }  # fmt: skip
    changed: dict[str, Any] = {
        name: None if getattr(c, name) is None else getattr(c, name) * factor for name, factor in factors.items()
    }
    return replace(c, **changed, radius=c.radius / max(high_a, high_b))
