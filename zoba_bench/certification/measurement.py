"""What can be measured of any problem's closed forms, with or without symbols."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.certification.outcome import Check
from zoba_bench.problem import BilevelProblem

__all__ = ["measure", "measure_constants", "shapes"]

Array = NDArray[np.float64]

#: Fourth-order differences with step 1e-3: truncation below 1e-9 of the scale for the functions met here,
#: rounding about 1e-12 of it. A wrong closed form is off by far more.
_STEP, _DIFFERENCE = 1e-3, 1e-6
_EXACT = 1e-8


def difference(function: Callable[[Array], Array], direction: Array) -> Array:
    """Fourth-order central difference of t -> function(t direction) at 0."""

    def at(t: float) -> Array:
        return np.asarray(function(t * direction), float)

    h = _STEP
    found: Array = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    return found


def _gradient(function: Callable[[Array], Array], point: Array) -> Array:
    """Gradient (n, m) at points (n, m) of a function with values (n,)."""

    def along(axis: Array) -> Array:
        return difference(lambda step: function(point + step), axis)

    return np.stack([along(axis) for axis in np.eye(point.shape[-1])], axis=-1)


def shapes(problem: BilevelProblem, rng: np.random.Generator) -> list[Check]:
    """Functions take any leading axes, broadcast, and return float64 of the right shape."""
    checks = []
    z, x = rng.uniform(-0.5, 0.5, (3, 1, problem.p)), rng.uniform(-0.5, 0.5, (1, 2, problem.d))
    v, u = rng.uniform(-1, 1, (3, 1, problem.p)), rng.uniform(-1, 1, (1, 2, problem.d))
    sizes = {"z": problem.p, "x": problem.d}
    listed: list[tuple[str, tuple[Array, ...], tuple[int, ...]]] = [
        ("inner", (z, x), (3, 2)),
        ("outer", (z, x), (3, 2)),
        *((f"{level}_grad_{k}", (z, x), (3, 2, n)) for level in ("inner", "outer") for k, n in sizes.items()),
        ("inner_hvp_zz", (z, x, v), (3, 2, problem.p)),
        ("inner_jvp_xz", (z, x, v), (3, 2, problem.d)),
        ("inner_jvp_zx", (z, x, u), (3, 2, problem.p)),
        ("inner_solution", (x[0],), (2, problem.p)),
        ("adjoint", (x[0],), (2, problem.p)),
        ("value", (x[0],), (2,)),
        ("hypergradient", (x[0],), (2, problem.d)),
    ]
    for name, arguments, shape in listed:
        function = getattr(problem, name)
        if function is not None:
            checks.append(_shape(name, function, arguments, shape))
    return checks


def _shape(name: str, function: Callable[..., Any], arguments: tuple[Array, ...], shape: tuple[int, ...]) -> Check:
    title = f"{name}: shape and broadcasting"
    try:
        whole = np.asarray(function(*arguments))
    except Exception as error:  # a user's function may raise anything
        hint = "not vectorised? pass vectorize=True to from_functions"
        return Check(title, False, "computed", f"raises {type(error).__name__}: {error} ({hint})")
    if whole.shape != shape:
        return Check(title, False, "computed", f"returns shape {whole.shape}, needs {shape} (leading axes broadcast)")
    if whole.dtype != np.float64:
        return Check(title, False, "computed", f"returns {whole.dtype}, needs float64")
    many = [
        np.broadcast_to(a, (*np.broadcast_shapes(*(b.shape[:-1] for b in arguments)), a.shape[-1])) for a in arguments
    ]
    lead = many[0].shape[:-1]
    single = np.reshape([function(*(m[i] for m in many)) for i in np.ndindex(*lead)], shape)
    gap = float(np.max(np.abs(whole - single)) / (1 + np.max(np.abs(single))))
    return Check(title, gap <= _EXACT, "computed", f"whole against one by one: {gap:.1e}")


def measure(problem: BilevelProblem, rng: np.random.Generator, points: int = 8) -> list[Check]:
    """Residuals of every declared closed form at random points inside the declared radius."""
    return list(_measured(problem, _points(problem, rng, points), rng))


def _points(problem: BilevelProblem, rng: np.random.Generator, points: int) -> Array:
    direction = rng.standard_normal((points, problem.d))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    reach = min(problem.constants.radius, 2.0)
    return np.asarray(reach * rng.uniform(0, 1, (points, 1)) * direction)


def _measured(problem: BilevelProblem, x: Array, rng: np.random.Generator) -> Iterator[Check]:
    solution = problem.inner_solution
    if solution is not None:
        z = np.asarray(solution(x), float)
        slope = _slope_z(problem, "inner", z, x)
        curvature = np.abs(_gradient(lambda s: problem.inner(s, x), z + 0.1)).max() + 1.0
        yield _residual("inner solution", slope, curvature, "G_z(z*(x), x)", difference=problem.inner_grad_z is None)
        moves = 0.05 * rng.standard_normal((16, *z.shape))
        lowest = float(np.min(problem.inner(z + moves, x) - problem.inner(z, x)))
        scale = 1e-9 * (1 + float(np.abs(problem.inner(z, x)).max()))
        yield Check("inner solution is a minimum", lowest >= -scale, "sampled", f"lowest G - G(z*) nearby {lowest:.3g}")
        if problem.value is not None:
            gap = problem.value(x) - problem.outer(z, x)
            yield _residual("value", gap, np.abs(problem.outer(z, x)).max() + 1.0, "Psi(x) - F(z*(x), x)")
        if problem.adjoint is not None:
            v = np.asarray(problem.adjoint(x), float)
            product = _hessian_product(problem, z, x, v)
            outer = _slope_z(problem, "outer", z, x)
            exact = problem.inner_hvp_zz is not None and problem.outer_grad_z is not None
            yield _residual(
                "adjoint", product + outer, np.abs(outer).max() + 1.0, "G_zz v* + F_z", difference=not exact
            )
        if problem.hypergradient is not None:
            numeric = _gradient(lambda s: problem.outer(solution(s), s), x)
            found = np.asarray(problem.hypergradient(x), float)
            yield _residual(
                "hypergradient", found - numeric, np.abs(numeric).max() + 1.0, "grad Psi - difference", True
            )
    for level in ("inner", "outer"):
        z = rng.uniform(-0.5, 0.5, (len(x), problem.p))
        function = getattr(problem, level)
        for k, point in (("z", z), ("x", x)):
            gradient = getattr(problem, f"{level}_grad_{k}")
            if gradient is not None:
                numeric = _gradient(partial(_moved, function, k, z, x), point)
                gap = np.asarray(gradient(z, x)) - numeric
                name = f"{level}_grad_{k}"
                yield _residual(name, gap, np.abs(numeric).max() + np.abs(function(z, x)).max() + 1.0, name, True)
    yield from _products(problem, x, rng)
    yield from _minimum(problem, x, rng)


def _moved(function: Callable[..., Any], variable: str, z: Array, x: Array, point: Array) -> Array:
    return np.asarray(function(point, x) if variable == "z" else function(z, point))


def _products(problem: BilevelProblem, x: Array, rng: np.random.Generator) -> Iterator[Check]:
    z = rng.uniform(-0.5, 0.5, (len(x), problem.p))
    v, u = rng.uniform(-1, 1, z.shape), rng.uniform(-1, 1, x.shape)
    grad_z, grad_x = problem.inner_grad_z, problem.inner_grad_x
    cases: list[tuple[str, Callable[[Array], Array] | None, Array, Array]] = []
    if grad_z is not None:
        cases += [
            ("inner_hvp_zz", lambda s: grad_z(z + s, x), v, v),
            ("inner_jvp_zx", lambda s: grad_z(z, x + s), u, u),
        ]
    if grad_x is not None:
        cases.append(("inner_jvp_xz", lambda s: grad_x(z + s, x), v, v))
    for name, moved, direction, argument in cases:
        function = getattr(problem, name)
        if function is not None and moved is not None:
            numeric = difference(moved, direction)
            gap = np.asarray(function(z, x, argument)) - numeric
            yield _residual(name, gap, np.abs(numeric).max() + 1.0, name, True)


def _minimum(problem: BilevelProblem, x: Array, rng: np.random.Generator) -> Iterator[Check]:
    if problem.minimizer is not None and problem.hypergradient is not None:
        best = np.asarray(problem.minimizer, float)
        steep = np.abs(problem.hypergradient(best + 0.1 * rng.standard_normal((8, problem.d)))).max()
        yield _residual("minimizer", problem.hypergradient(best), float(steep) + 1e-12, "grad Psi(x*)")
    if problem.minimum is not None and problem.value is not None:
        if problem.minimizer is not None:
            gap = np.asarray(problem.value(np.asarray(problem.minimizer))) - problem.minimum
            yield _residual("minimum", gap, 1.0 + abs(problem.minimum), "Psi(x*) - minimum")
        spread = np.concatenate([x, 3 * rng.standard_normal((2000, problem.d))])
        if np.isfinite(problem.constants.radius):
            spread = _points(problem, rng, 2000)
        with np.errstate(all="ignore"):
            values = np.asarray(problem.value(spread))
        below = float(np.nanmin(values) - problem.minimum)
        scale = 1e-9 * (1 + abs(problem.minimum))
        yield Check("nothing below the minimum", below >= -scale, "sampled", f"lowest Psi - minimum {below:.3g}")


def _slope_z(problem: BilevelProblem, level: str, z: Array, x: Array) -> Array:
    gradient = getattr(problem, f"{level}_grad_z")
    if gradient is not None:
        return np.asarray(gradient(z, x), float)
    function = getattr(problem, level)
    return _gradient(lambda s: function(s, x), z)


def _hessian_product(problem: BilevelProblem, z: Array, x: Array, v: Array) -> Array:
    if problem.inner_hvp_zz is not None:
        return np.asarray(problem.inner_hvp_zz(z, x, v), float)
    return difference(lambda s: _slope_z(problem, "inner", z + s, x), v)


def _residual(title: str, residual: Any, scale: float, what: str, difference: bool = False) -> Check:
    size = float(np.max(np.abs(residual)))
    allowed = (_DIFFERENCE if difference else _EXACT) * scale
    # NaN compares as False: a closed form that is not a number fails.
    return Check(title, size <= allowed, "computed", f"|{what}| = {size:.3g}, allowed {allowed:.3g}")


def measure_constants(problem: BilevelProblem, rng: np.random.Generator, points: int = 200) -> list[Check]:
    """Declared constants against the largest values met: a constant that is too small is refuted, none is proved."""
    x = _points(problem, rng, points)
    reach = min(problem.constants.radius, 2.0)
    z = rng.standard_normal((points, problem.p))
    z *= reach * rng.uniform(0, 1, (points, 1)) / np.linalg.norm(z, axis=-1, keepdims=True)
    return [_dominated(problem, name, value) for name, value in _largest(problem, z, x) if value is not None]


def _largest(problem: BilevelProblem, z: Array, x: Array) -> Iterator[tuple[str, float | None]]:
    if problem.inner_hessian is not None:
        blocks = [problem.inner_hessian(a, b) for a, b in zip(z, x, strict=True)]
        yield "mu", min(float(np.linalg.eigvalsh(zz)[0]) for zz, _, _ in blocks)
        for index, name in enumerate(("L_zz", "L_xz", "L_xx")):
            yield name, max(float(np.linalg.norm(block[index], 2)) for block in blocks)
    if problem.outer_hessian is not None:
        blocks = [problem.outer_hessian(a, b) for a, b in zip(z, x, strict=True)]
        for index, name in enumerate(("m_zz", "m_xz", "m_xx")):
            yield name, max(float(np.linalg.norm(block[index], 2)) for block in blocks)
    solution = problem.inner_solution
    if problem.outer_grad_z is not None and solution is not None:
        yield "C_z", float(np.linalg.norm(problem.outer_grad_z(solution(x), x), axis=-1).max())
    if problem.outer_grad_x is not None:
        yield "C_x", float(np.linalg.norm(problem.outer_grad_x(z, x), axis=-1).max())
    if problem.adjoint is not None:
        yield "R", float(np.linalg.norm(problem.adjoint(x), axis=-1).max())
    near = x + 1e-3 * np.random.default_rng(0).standard_normal(x.shape)
    distance = np.linalg.norm(near - x, axis=-1)
    for name, function in (("k_z", solution), ("k_v", problem.adjoint), ("L_Psi", problem.hypergradient)):
        if function is not None:
            yield name, float((np.linalg.norm(function(near) - function(x), axis=-1) / distance).max())


def _dominated(problem: BilevelProblem, name: str, largest: float) -> Check:
    declared = getattr(problem.constants, name)
    if declared is None:
        return Check(f"constant {name}", True, "stated", f"not declared; met {largest:.4g}")
    # Quotients of neighbouring points carry rounding of about 1e-12 over the distance 1e-3.
    slack = 1e-6 * (1 + abs(declared))
    ok = declared <= largest + slack if name == "mu" else largest <= declared + slack
    return Check(f"constant {name}", ok, "sampled", f"declared {declared:.6g}, met {largest:.6g}")
