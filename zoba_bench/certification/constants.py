"""Declared constants against the largest values that a search meets.

Difference quotients are lower bounds of a Lipschitz constant, also at kinks. A declared constant below one of them is
refuted. A constant that passes is not proved: the search may have missed the worst point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.certification.certificate import Check
from zoba_bench.certification.differences import (
    EPS,
    SECOND_STEP,
    STEP,
    Field,
    Measured,
    inside,
    secant,
    second_difference,
    settle,
    slopes,
)
from zoba_bench.problem import BilevelProblem

__all__ = ["compared", "measure_constants"]


#: Rounding, relative to the declared constant; zero is compared with a small absolute number.
_RELATIVE, _ABSOLUTE = 1e-6, 1e-7
#: Of second derivatives of exact functions: short, as points that a step takes out of the region do not count.
_BEND_STEP = 2e-3
# Constants of which it is worth saying what was met where none is declared.
_TOLD = ("mu", "L_zz", "L_xz", "L_xx", "m_zz", "m_xz", "m_xx", "C_z", "C_x", "R", "k_z", "k_v", "L_Psi")


@dataclass
class _State:
    """Points z (n, p), x (n, d) with directions a (n, p), b (n, d): where a quantity is looked for."""

    z: Array
    x: Array
    a: Array
    b: Array

    def take(self, index: NDArray[np.integer]) -> _State:
        return _State(self.z[index], self.x[index], self.a[index], self.b[index])

    def joined(self, other: _State) -> _State:
        return _State(*(np.concatenate(pair) for pair in zip(self.parts(), other.parts(), strict=True)))

    def parts(self) -> tuple[Array, Array, Array, Array]:
        return self.z, self.x, self.a, self.b

    @property
    def unit_a(self) -> Array:
        return _unit(self.a)

    @property
    def unit_b(self) -> Array:
        return _unit(self.b)


Quantity = Callable[[_State], Array]


def measure_constants(problem: BilevelProblem, rng: np.random.Generator, only: str | None = None) -> list[Check]:
    """One check for each constant that can be measured; ``only`` names a single one.

    A search looks for the largest difference quotient, over directions and over points in the declared radius and
    region. First differences of a derivative measure its Lipschitz constant, second differences that of the next
    derivative. No declared constant may be below a quotient that was met.
    """
    checks = []
    for name, quantity in _quantities(problem):
        declared = getattr(problem.constants, name)
        if (only is not None and name != only) or (declared is None and name not in _TOLD):
            continue
        met = _search(problem, quantity, rng, thorough=declared is not None)
        met = -met if name == "mu" else max(met, 0.0)
        checks.append(compared(problem, name, met))
    return checks


def compared(
    problem: BilevelProblem, name: str, met: float, *, title: str | None = None, absolute: float = _ABSOLUTE
) -> Check:
    """A declared constant against the largest value met (mu: the least), and how far it can be relied on."""
    declared, title = getattr(problem.constants, name), title or f"constant {name}"
    note = "; only sampled, no bound uses it" if name in problem.constants.sampled else ""
    if name == "mu" and np.isinf(met):
        return Check(title, True, "stated", f"could not be measured{note}")
    if declared is None:
        return Check(title, True, "stated", f"not declared; at least {met:.4g}")
    high = declared * (1 + _RELATIVE) + absolute
    ok = declared * (1 - _RELATIVE) <= met if name == "mu" else met <= high
    detail = f"declared {declared:.6g}, met {met:.6g}"
    if name == "R_0":
        detail += f" with R_g = {problem.constants.R_g:.6g}"
    return Check(title, bool(ok), "sampled", detail + note)


# What is looked for.


def _quantities(problem: BilevelProblem) -> Iterator[tuple[str, Quantity]]:
    """Name of a constant and the quotient that it bounds from above (mu: minus it)."""
    inner_z, inner_x = _gradient(problem, "inner", "z"), _gradient(problem, "inner", "x")
    outer_z, outer_x = _gradient(problem, "outer", "z"), _gradient(problem, "outer", "x")
    if inner_z is not None:
        yield "mu", _curvature(problem, inner_z)
        yield "L_zz", _slope(problem, inner_z, "z", block=("inner", 0))
    if inner_x is not None:
        yield "L_xz", _slope(problem, inner_x, "z", block=("inner", 1))
        yield "L_xx", _slope(problem, inner_x, "x", block=("inner", 2))
    if outer_z is not None:
        yield "m_zz", _slope(problem, outer_z, "z", block=("outer", 0))
    if outer_x is not None:
        yield "m_xz", _slope(problem, outer_x, "z", block=("outer", 1))
        yield "m_xx", _slope(problem, outer_x, "x", block=("outer", 2))
    # A symmetric multilinear form attains its norm on equal arguments: second derivatives of the gradient along one
    # direction reach the Lipschitz constant of each block.
    if inner_z is not None and inner_x is not None:
        yield "H", _bend_of_both(problem, inner_z, inner_x)
    if inner_z is not None:
        yield "H_zz", _bend(problem, inner_z, "z")
        yield "H_zx", _bend(problem, inner_z, "x")
    if inner_x is not None:
        yield "H_xz", _bend(problem, inner_x, "z")
        yield "H_xx", _bend(problem, inner_x, "x")
    solution, adjoint, hypergradient = problem.inner_solution, problem.adjoint, problem.hypergradient
    # C_z holds at every lower-level solution; R and k_v are those of the reduced adjoint where there is no other.
    offered = problem.capabilities
    chosen = solution or (offered.optimistic_solution if problem.constants.C_z is not None else None)
    if adjoint is None and None not in (problem.constants.R, offered.reduced_adjoint):
        adjoint = offered.reduced_adjoint
    if outer_z is not None and chosen is not None:
        yield "C_z", lambda s: _lower(outer_z(chosen(s.x), s.x))
    if outer_x is not None:
        yield "C_x", lambda s: np.where(inside(problem, s.z, s.x), _lower(outer_x(s.z, s.x)), -np.inf)
    if adjoint is not None:
        yield "R", lambda s: _norm(adjoint(s.x))
    if adjoint is not None and hypergradient is not None and problem.constants.R_g is not None:
        growth = problem.constants.R_g
        yield "R_0", lambda s: _norm(adjoint(s.x)) - growth * _norm(hypergradient(s.x))
    for jacobian, second, function in (
        ("k_z", "s_z", solution), ("k_v", "s_v", adjoint), ("L_Psi", "", hypergradient),
    ):  # fmt: skip
        if function is not None:
            yield jacobian, _of_x(problem, function, secant, STEP)
            if second:
                yield second, _of_x(problem, function, second_difference, _BEND_STEP)


def _gradient(problem: BilevelProblem, level: str, variable: str) -> Field | None:
    """The full gradient; None where it is neither declared nor small enough for differences."""
    size = problem.p if variable == "z" else problem.d
    if getattr(problem, f"{level}_grad_{variable}") is None and size > 32:
        return None
    return slopes(problem, level, variable, np.eye(size))


def _moved(field: Field, z: Array, x: Array, dz: Array | None, dx: Array | None) -> Callable[[float], Array]:
    return lambda t: field(z if dz is None else z + t * dz, x if dx is None else x + t * dx).value


def _derived(problem: BilevelProblem, field: Field, s: _State, of: str, bent: bool) -> Measured:
    """Quotient of a gradient in z or x along the state's direction, or second quotient: at most the constant."""
    moves = (s.unit_a, None) if of == "z" else (None, s.unit_b)
    noise = float(np.max(field(s.z, s.x).error, initial=0.0))
    step = SECOND_STEP if noise > 0 else (_BEND_STEP if bent else STEP)
    measured = (second_difference if bent else secant)(_moved(field, s.z, s.x, *moves), step, noise)
    there = [
        inside(problem, s.z + t * s.unit_a, s.x) if of == "z" else inside(problem, s.z, s.x + t * s.unit_b)
        for t in (step, -step)
    ]
    # Quotients that reach out of the radius or region say nothing.
    value = np.where((there[0] & there[1])[:, None], measured.value, np.nan)
    return Measured(value, measured.error)


def _aligned(problem: BilevelProblem, field: Field, s: _State, of: str, lowest: bool = False) -> _State:
    """The state with the direction in which the quotients along the axes say that it is largest (or lowest)."""
    n = problem.p if of == "z" else problem.d
    if len(s.z) > _FEW or n > _MOST_AXES:
        return s
    along = []
    for axis in np.eye(n):
        moved = np.broadcast_to(axis, (len(s.z), n))
        turned = _State(s.z, s.x, moved, s.b) if of == "z" else _State(s.z, s.x, s.a, moved)
        along.append(_derived(problem, field, turned, of, bent=False).value)
    blocks = np.nan_to_num(np.stack(along, axis=-1))
    if lowest:
        direction = np.linalg.eigh((blocks + blocks.swapaxes(-1, -2)) / 2)[1][..., 0]
    else:
        direction = np.linalg.svd(blocks)[2][..., 0, :]
    return _State(s.z, s.x, direction, s.b) if of == "z" else _State(s.z, s.x, s.a, direction)


def _curvature(problem: BilevelProblem, inner_z: Field) -> Quantity:
    def quantity(s: _State) -> Array:
        if problem.inner_hessian is not None and len(s.z) <= _FEW:
            with np.errstate(all="ignore"):
                lowest = [
                    float(np.linalg.eigvalsh(_block(problem, "inner", 0, z, x))[0])
                    for z, x in zip(s.z, s.x, strict=True)
                ]
            return np.where(inside(problem, s.z, s.x), -np.array(lowest), -np.inf)
        s = _aligned(problem, inner_z, s, "z", lowest=True)
        measured = _declared_product(problem, "inner_hvp_zz", s) or _derived(problem, inner_z, s, "z", bent=False)
        rounding: Array = np.linalg.norm(measured.error, axis=-1)
        found: Array = -np.vecdot(measured.value, s.unit_a) - rounding
        return found

    return quantity


def _slope(problem: BilevelProblem, field: Field, of: str, block: tuple[str, int]) -> Quantity:
    level, index = block

    def quantity(s: _State) -> Array:
        if getattr(problem, f"{level}_hessian") is not None and len(s.z) <= _FEW:
            norms = [
                float(np.linalg.norm(_block(problem, level, index, z, x), 2)) for z, x in zip(s.z, s.x, strict=True)
            ]
            return np.where(inside(problem, s.z, s.x), np.array(norms), -np.inf)
        s = _aligned(problem, field, s, of)
        products = {("inner", 0): "inner_hvp_zz", ("inner", 1): "inner_jvp_xz"}
        declared = _declared_product(problem, products.get(block, ""), s)
        return _lower(declared or _derived(problem, field, s, of, bent=False))

    return quantity


def _declared_product(problem: BilevelProblem, name: str, s: _State) -> Measured | None:
    """G_zz or G_xz times a direction, where it is declared: exact, also where no step stays in the region."""
    product = getattr(problem, name, None)
    if product is None:
        return None
    value = np.asarray(product(s.z, s.x, s.unit_a), dtype=np.float64)
    value = np.where(inside(problem, s.z, s.x)[:, None], value, np.nan)
    return Measured(value, np.zeros_like(value))


def _block(problem: BilevelProblem, level: str, index: int, z: Array, x: Array) -> Array:
    block = np.asarray(getattr(problem, f"{level}_hessian")(z, x)[index], dtype=np.float64)
    return np.where(np.isfinite(block), block, 0.0)


def _bend(problem: BilevelProblem, field: Field, of: str) -> Quantity:
    return lambda s: _lower(_derived(problem, field, s, of, bent=True))


def _bend_of_both(problem: BilevelProblem, inner_z: Field, inner_x: Field) -> Quantity:
    def bend(s: _State, dz: Array, dx: Array) -> Array:
        noise = max(float(np.max(f(s.z, s.x).error, initial=0.0)) for f in (inner_z, inner_x))
        step = SECOND_STEP if noise > 0 else _BEND_STEP

        def both(t: float) -> Array:
            z, x = s.z + t * dz, s.x + t * dx
            return np.concatenate([inner_z(z, x).value, inner_x(z, x).value], axis=-1)

        measured = second_difference(both, step, noise)
        there = inside(problem, s.z + step * dz, s.x + step * dx) & inside(problem, s.z - step * dz, s.x - step * dx)
        return np.where(there, _lower(measured), -np.inf)

    def quantity(s: _State) -> Array:
        size = np.sqrt(_norm(s.a) ** 2 + _norm(s.b) ** 2)[:, None]
        # In both spaces at once, and in each alone.
        directions = ((s.a / size, s.b / size), (s.unit_a, 0 * s.b), (0 * s.a, s.unit_b))
        largest: Array = np.max([bend(s, dz, dx) for dz, dx in directions], axis=0)
        return largest

    return quantity


def _of_x(
    problem: BilevelProblem, function: Callable[[Array], Any], rule: Callable[..., Measured], step: float
) -> Quantity:
    def at(s: _State, t: float) -> Any:
        return function(s.x + t * s.unit_b)

    def quantity(s: _State) -> Array:
        measured = rule(partial(at, s), step)
        ends = [inside(problem, s.z, s.x + sign * step * s.unit_b) for sign in (1, -1)]
        return np.where(ends[0] & ends[1], _lower(measured), -np.inf)

    return quantity


def _norm(vectors: Any) -> Array:
    return np.asarray(np.linalg.norm(np.asarray(vectors, dtype=np.float64), axis=-1))


def _lower(measured: Measured) -> Array:
    """Norms, less what they may be off by."""
    return np.maximum(_norm(measured.value) - _norm(measured.error), 0.0) - 4 * EPS * _norm(measured.value)


def _unit(vectors: Array) -> Array:
    unit: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-300)
    return unit


# The search.

_KEPT, _CHILDREN, _FEW, _MOST_AXES = 16, 8, 16, 64


def _search(problem: BilevelProblem, quantity: Quantity, rng: np.random.Generator, thorough: bool) -> float:
    """The largest value met: random points and directions, then smaller and smaller moves from the best ones."""
    size = problem.p + problem.d
    state = _draw(problem, rng, int(np.clip(16_384 // size, 2 * _KEPT, 256)))
    values = _values(quantity, state)
    for spread in np.geomspace(1.0, 0.02, (12 if size <= 64 else 4) if thorough else 2):
        best = np.argsort(values)[-_KEPT:]
        state, values = state.take(best), values[best]
        moved = _perturbed(problem, state, float(spread), rng)
        state, values = state.joined(moved), np.concatenate([values, _values(quantity, moved)])
    # Few points: there the norm of the Hessian is taken, or of its quotients along the best direction.
    few = state.take(np.argsort(values)[-(4 if size <= 200 else 1) :])
    return float(max(values.max(), _values(quantity, few).max()))


def _values(quantity: Quantity, state: _State) -> Array:
    with np.errstate(all="ignore"):
        values = np.asarray(quantity(state), dtype=np.float64)
    return np.where(np.isfinite(values), values, -np.inf)


def _draw(problem: BilevelProblem, rng: np.random.Generator, n: int) -> _State:
    """Points at all scales, around the origin, the start and the minimiser; z around z*(x) or anywhere."""
    p, d, radius = problem.p, problem.d, problem.constants.radius

    def ball(dimension: int, low: float, high: float) -> Array:
        reach = 10 ** rng.uniform(low, high, (n, 1)) if np.isinf(radius) else radius * rng.uniform(0, 1, (n, 1))
        return np.asarray(reach * _unit(rng.standard_normal((n, dimension))))

    x = ball(d, -2.0, 2.0)
    x[::4] += problem.initial_point(rng)[1]
    if problem.minimizer is not None:
        x[1::4] += problem.minimizer
        x[1] = problem.minimizer
    x = settle(problem, np.zeros((n, p)), x)[1]
    z = ball(p, -2.0, 2.0)
    if problem.inner_solution is not None:
        with np.errstate(all="ignore"):
            optimal = np.asarray(problem.inner_solution(x), dtype=np.float64)
        z[::2] = (optimal + 10 ** rng.uniform(-3, 1, (n, 1)) * _unit(rng.standard_normal((n, p))))[::2]
    a, b = rng.standard_normal((n, p)), rng.standard_normal((n, d))
    # Single coordinates, where separable functions bend most; and points on the same axis of both spaces.
    which = rng.integers(max(p, d), size=n)
    axes_z, axes_x = np.eye(p)[which % p], np.eye(d)[which % d]
    a[::5], b[::5] = axes_z[::5], axes_x[::5]
    x[2::10], z[2::10] = (axes_x * ball(1, -2.0, 2.0))[2::10], (axes_z * ball(1, -2.0, 2.0))[2::10]
    a[2::10], b[2::10] = axes_z[2::10], axes_x[2::10]
    return _State(*settle(problem, np.where(np.isfinite(z), z, 0.0), x), a, b)


def _perturbed(problem: BilevelProblem, state: _State, spread: float, rng: np.random.Generator) -> _State:
    def move(array: Array, scale: Array) -> Array:
        many = np.repeat(array, _CHILDREN, axis=0)
        steps = rng.standard_normal(many.shape)
        # Half of the moves change few coordinates.
        sparse = rng.uniform(size=many.shape) < 2 / many.shape[-1]
        steps = np.where(rng.uniform(size=(len(many), 1)) < 0.5, steps, steps * sparse)
        return np.asarray(many + spread * np.repeat(scale, _CHILDREN, axis=0) * steps)

    sizes = [np.maximum(0.3, np.abs(w).max(axis=-1, keepdims=True)) for w in (state.z, state.x)]
    z, x = settle(problem, move(state.z, sizes[0]), move(state.x, sizes[1]))
    one = np.ones((len(state.z), 1))
    return _State(z, x, move(_unit(state.a), 0.5 * one), move(_unit(state.b), 0.5 * one))
