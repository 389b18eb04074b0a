"""What can be measured of any problem's closed forms, with or without symbols."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.certification.certificate import Check
from zoba_bench.certification.differences import (
    Field,
    Measured,
    along,
    axes,
    columns,
    derivative,
    points,
    settle,
    slopes,
)
from zoba_bench.problem import BilevelProblem

__all__ = ["measure", "psi", "psi_slopes"]


#: Of quantities that closed forms give exactly, relative to their scale; rounding is far below.
_EXACT = 1e-8
#: Of differences, beside ten times their estimated error: relative to an entry, and to the largest one.
_ENTRY, _LARGEST = 1e-7, 1e-9
_CLOSED_FORMS = (
    "inner_solution", "adjoint", "value", "hypergradient", "inner_grad_z", "inner_grad_x", "outer_grad_z",
    "outer_grad_x", "inner_hvp_zz", "inner_jvp_xz", "inner_jvp_zx", "inner_hessian", "outer_hessian", "minimizer",
    "minimum",
)  # fmt: skip


def measure(problem: BilevelProblem, rng: np.random.Generator, number: int = 8) -> list[Check]:
    """Residuals of every declared closed form at random points inside the declared radius and region."""
    z, x = points(problem, rng, number if problem.p + problem.d <= 200 else 3)
    measured = _Measured(problem, z, x, rng)
    return [
        *measured.solution(),
        *measured.adjoint(),
        *measured.hypergradient(),
        *measured.gradients(),
        *measured.products(),
        *measured.hessians(),
        *_undeclared(problem),
    ]


def _undeclared(problem: BilevelProblem) -> Iterator[Check]:
    missing = [name for name in _CLOSED_FORMS if getattr(problem, name) is None]
    if missing:
        yield Check("closed forms", True, "stated", f"not declared: {', '.join(missing)}")


class _Measured:
    """The residuals of one problem at given points."""

    def __init__(self, problem: BilevelProblem, z: Array, x: Array, rng: np.random.Generator) -> None:
        self.problem, self.z, self.x, self.rng = problem, z, x, rng
        self.axes = {"z": axes(problem.p, rng), "x": axes(problem.d, rng)}
        self.optimal: Array | None = None
        if problem.inner_solution is not None:
            self.optimal = np.asarray(problem.inner_solution(x), dtype=np.float64)

    def field(self, level: str, variable: str) -> Field:
        return slopes(self.problem, level, variable, self.axes[variable])

    def exact(self, level: str, variable: str) -> bool:
        return getattr(self.problem, f"{level}_grad_{variable}") is not None

    def solution(self) -> Iterator[Check]:
        problem, z, x = self.problem, self.optimal, self.x
        if z is None:
            return
        if problem.smooth:
            field = self.field("inner", "z")
            slope, away = field(z, x), field(z + 0.1, x).value
            scale = float(np.max(np.abs(away))) + 1e-3
            yield _close("inner solution", slope, np.zeros_like(slope.value), "G_z(z*(x), x)", scale)
        yield self._rises(z)
        if problem.value is not None:
            outer = np.asarray(problem.outer(z, x), dtype=np.float64)
            gap = _given(np.asarray(problem.value(x), dtype=np.float64))
            yield _close("value", gap, outer, "Psi(x) - F(z*(x), x)", 1.0 + float(np.abs(outer).max()))

    def _rises(self, z: Array) -> Check:
        """G is nowhere below G(z*) nearby; at a kink as well as where it is smooth."""
        problem, x = self.problem, self.x
        directions = self.rng.standard_normal((24, *z.shape))
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        here = problem.inner(z, x)
        lowest, ok = np.inf, True
        for size in (0.1, 1e-3, 1e-5):
            moved, _ = settle(problem, z + size * directions, np.broadcast_to(x, (24, *x.shape)))
            rise = problem.inner(moved, x) - here
            # A slope of 1e-8 of the scale is let pass, as rounding in z* makes one.
            slack = 1e-12 * (1 + float(np.abs(here).max())) + _EXACT * size * (1 + float(np.abs(rise).max()) / size)
            lowest, ok = min(lowest, float(np.min(rise))), ok and bool(np.min(rise) >= -slack)
        return Check("inner solution is a minimum", ok, "sampled", f"lowest G - G(z*) nearby {lowest:.3g}")

    def adjoint(self) -> Iterator[Check]:
        problem, z, x = self.problem, self.optimal, self.x
        if problem.adjoint is None or z is None or not problem.smooth:
            return
        v = np.asarray(problem.adjoint(x), dtype=np.float64)
        outer = self.field("outer", "z")(z, x)
        product = self.product("inner_hvp_zz", z, v)
        scale = float(np.abs(outer.value).max() + np.abs(product.value).max()) + 1e-3
        whole = Measured(product.value + outer.value, product.error + outer.error)
        yield _close("adjoint", whole, np.zeros_like(whole.value), "G_zz v* + F_z", scale)

    def product(self, name: str, z: Array, direction: Array) -> Measured:
        """G_zz v, G_xz v or G_zx u along the axes: declared, or by differences of slopes."""
        declared = getattr(self.problem, name)
        to, of = {"inner_hvp_zz": ("z", "z"), "inner_jvp_xz": ("x", "z"), "inner_jvp_zx": ("z", "x")}[name]
        if declared is not None:
            return _given(np.asarray(declared(z, self.x, direction), dtype=np.float64) @ self.axes[to].T)
        return self.differentiated("inner", to, of, z, direction)

    def differentiated(self, level: str, to: str, of: str, z: Array, direction: Array) -> Measured:
        """Slopes in ``to``, differentiated in ``of`` along a direction."""
        dz, dx = (direction, None) if of == "z" else (None, direction)
        return along(self.field(level, to), z, self.x, dz, dx, exact=self.exact(level, to))

    def hypergradient(self) -> Iterator[Check]:
        problem, x = self.problem, self.x
        if problem.hypergradient is None:
            return
        found = np.asarray(problem.hypergradient(x), dtype=np.float64) @ self.axes["x"].T
        numeric = psi_slopes(problem, x, self.axes["x"])
        if numeric is not None:
            yield _close("hypergradient", numeric, found, "difference of Psi - grad Psi")
        z = self.optimal
        if problem.adjoint is None or z is None or None in (problem.inner_jvp_xz, problem.outer_grad_x):
            return
        v = np.asarray(problem.adjoint(x), dtype=np.float64)
        direct, implicit = self.field("outer", "x")(z, x).value, self.product("inner_jvp_xz", z, v).value
        scale = float(np.abs(direct).max() + np.abs(implicit).max()) + 1e-3
        yield _close(
            "hypergradient by the adjoint", _given(direct + implicit), found, "F_x + G_xz v* - grad Psi", scale
        )

    def gradients(self) -> Iterator[Check]:
        for level, variable in ((level, variable) for level in ("inner", "outer") for variable in ("z", "x")):
            name = f"{level}_grad_{variable}"
            if self.exact(level, variable):
                found = self.field(level, variable)(self.z, self.x).value
                numeric = slopes(self.problem, level, variable, self.axes[variable], declared=False)
                yield _close(name, numeric(self.z, self.x), found, f"difference - {name}")

    def products(self) -> Iterator[Check]:
        v, u = self.rng.uniform(-1, 1, self.z.shape), self.rng.uniform(-1, 1, self.x.shape)
        for name, to, of, direction in (
            ("inner_hvp_zz", "z", "z", v), ("inner_jvp_xz", "x", "z", v), ("inner_jvp_zx", "z", "x", u),
        ):  # fmt: skip
            if getattr(self.problem, name) is not None:
                numeric = self.differentiated("inner", to, of, self.z, direction)
                found = self.product(name, self.z, direction).value
                yield _close(name, numeric, found, f"difference - {name}")

    def hessians(self) -> Iterator[Check]:
        for level in ("inner", "outer"):
            function = getattr(self.problem, f"{level}_hessian")
            if function is None:
                continue
            listed = [function(a, b) for a, b in zip(self.z, self.x, strict=True)]
            for index, (to, of) in enumerate((("z", "z"), ("x", "z"), ("x", "x"))):
                block = np.stack([np.asarray(blocks[index], dtype=np.float64) for blocks in listed])
                found = self.axes[to] @ block @ self.axes[of].T
                numeric = columns(self.differentiated(level, to, of, self.z, axis) for axis in self.axes[of])
                name = f"{level}_hessian {to}{of}"
                yield _close(name, numeric, found, f"difference - {name}")


def psi(problem: BilevelProblem, x: Array) -> Array | None:
    """Psi at points: F at the inner solution, else as declared, else None."""
    if problem.inner_solution is not None:
        return np.asarray(problem.outer(problem.inner_solution(x), x), dtype=np.float64)
    return None if problem.value is None else np.asarray(problem.value(x), dtype=np.float64)


def psi_slopes(problem: BilevelProblem, x: Array, directions: Array) -> Measured | None:
    """Slopes of Psi (n, m) by differences."""
    if problem.inner_solution is None and problem.value is None:
        return None

    def moved(axis: Array, t: float) -> Array | None:
        return psi(problem, x + t * axis)

    return columns(derivative(partial(moved, axis)) for axis in directions)


def _given(value: Array) -> Measured:
    return Measured(value, np.zeros_like(value))


def _close(title: str, measured: Measured, found: Array, what: str, scale: float | None = None) -> Check:
    """|measured - found| entry by entry, against what the measurement may be off by.

    ``scale`` is that of quantities without differences. NaN compares as False: a closed form that is not a number
    fails.
    """
    gap = np.abs(measured.value - found)
    allowed = 10 * measured.error
    if scale is not None:
        allowed = allowed + _EXACT * scale
    if scale is None or measured.error.any():
        allowed = (
            allowed + _ENTRY * np.abs(measured.value) + _LARGEST * (1 + np.max(np.abs(measured.value), initial=0.0))
        )
    good = gap <= allowed
    worst = int(np.argmax(np.where(np.isnan(gap), np.inf, gap - allowed))) if gap.size else 0
    detail = f"|{what}| = {gap.flat[worst]:.3g}, allowed {allowed.flat[worst]:.2g}" if gap.size else "no entries"
    return Check(title, bool(good.all()), "computed", detail)
