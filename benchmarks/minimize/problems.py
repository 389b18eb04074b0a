"""Families of bilevel problems with known x*, drawn from a Generator, and changes of their values and units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .ridge import Ridge
from .white_box import NotSolvedError, hypergradient, inner_solution, minimiser, psi_hessian

__all__ = ["Instance", "at_the_solution", "kinks", "noisy", "offset", "rounded", "scaled", "smooth"]

Array = np.ndarray
Function = Callable[[Array, Array], float]
_CONVEX = 0.05  # least curvature of Psi, at sampled points, that a drawn problem must have; F curves by 1 or more in x


@dataclass
class Instance:
    """One problem: functions of z (p,) and x (d,), a start, and what only the referee knows.

    Attributes
    ----------
    outer, inner : callable(z, x) -> float, F and G
    z0, x0 : (p,), (d,) arrays
    minimizer, inner_minimizer : (d,), (p,) arrays, x* and z*(x*)
    unit : natural size of x; the accuracy asked for is relative to it
    noise_outer, noise_inner : standard deviation of the errors of the values, 0 where these are rounding
    """

    outer: Function
    inner: Function
    z0: Array
    x0: Array
    minimizer: Array
    inner_minimizer: Array
    unit: float = 1.0
    noise_outer: float = 0.0
    noise_inner: float = 0.0

    @property
    def start_error(self) -> float:
        """|x0 - x*| in natural units."""
        return float(np.linalg.norm(self.x0 - self.minimizer)) / self.unit


def _spectrum(rng: np.random.Generator, n: int, low: float, high: float) -> Array:
    rotation, _ = np.linalg.qr(rng.standard_normal((n, n)))
    return (rotation * np.geomspace(low, high, n)) @ rotation.T if n > 1 else np.array([[np.sqrt(low * high)]])


def _ridges(rng: np.random.Generator, m: int, p: int, d: int, size: float) -> tuple[Array, Array, Array]:
    A = rng.standard_normal((m, p + d)) * np.concatenate([np.full(p, p**-0.5), np.full(d, 0.5 * d**-0.5)])
    return size * A, rng.standard_normal(m), np.ones(m)


def _start(rng: np.random.Generator, minimizer: Array) -> Array:
    direction = rng.standard_normal(len(minimizer))
    return minimizer + rng.uniform(1.0, 4.0) * direction / np.linalg.norm(direction)


def smooth(
    rng: np.random.Generator, p: int, d: int, *, quadratic: bool, spectrum: tuple[float, float] = (1.0, 10.0)
) -> Instance:
    """Strongly convex G, and Psi that curves upwards at every sampled point; x* by construction and by Newton's method.

    Parameters
    ----------
    quadratic : bool
        Otherwise G has p terms log cosh(a'w + b) with |a| of 2, and F as many with |a| of 1.
    spectrum : least and greatest eigenvalue of the quadratic part of G in z, in random directions
    """
    for _ in range(200):
        A, B = _spectrum(rng, p, *spectrum), _spectrum(rng, d, 1.0, 5.0)
        M = rng.standard_normal((p, d)) / np.sqrt(max(p, d))
        K, target = 0.3 * rng.standard_normal((p, d)) / np.sqrt(max(p, d)), rng.standard_normal(p)
        # (z - Mx)'A(z - Mx)/2 + 0.15 |x|^2, and |z - target|^2/2 + z'Kx + x'Bx/2.
        G = Ridge.quadratic(np.block([[A, -A @ M], [-M.T @ A, M.T @ A @ M + 0.3 * np.eye(d)]]), np.zeros(p + d))
        F = Ridge.quadratic(np.block([[np.eye(p), K], [K.T, B]]), np.concatenate([-target, np.zeros(d)]))
        if not quadratic:
            G.A, G.b, G.c = _ridges(rng, p, p, d, 2.0)
            F.A, F.b, F.c = _ridges(rng, p, p, d, 1.0)
        solution, z0 = rng.standard_normal(d), rng.standard_normal(p)
        z = inner_solution(G, solution, M @ solution)
        F.q[p:] -= hypergradient(F, G, solution, z)[0]
        x0 = _start(rng, solution)
        if _curves_upwards(rng, F, G, solution, z, float(np.linalg.norm(x0 - solution))):
            break
    else:
        raise NotSolvedError("no convex problem in 200 draws")
    found, _ = minimiser(F, G, solution + 1e-3, z)
    if np.linalg.norm(found - solution) > 1e-11 * (1 + np.linalg.norm(solution)):
        raise NotSolvedError(f"Newton's method ends {np.linalg.norm(found - solution):.1g} from the constructed x*")
    return Instance(_of_two(F), _of_two(G), z0, x0, solution, z)


def _curves_upwards(rng: np.random.Generator, F: Ridge, G: Ridge, x: Array, z: Array, radius: float) -> bool:
    """Whether Psi does so at x and at 12 points up to 1.5 times the radius away: no other local minimum is in sight."""
    points = rng.standard_normal((12, len(x)))
    points *= radius * np.linspace(0.1, 1.5, 12)[:, None] / np.linalg.norm(points, axis=1, keepdims=True)
    for shift in (np.zeros(len(x)), *points):
        y = x + shift
        if np.linalg.eigvalsh(psi_hessian(F, G, y, inner_solution(G, y, z)))[0] < _CONVEX:
            return False
    return True


def _of_two(function: Ridge) -> Function:
    return lambda z, x: function.value(np.concatenate([z, x]))


def kinks(rng: np.random.Generator, p: int, d: int, *, where: str) -> Instance:
    """Problems that are not smooth, with x* by construction; Psi is convex, strongly unless ``where`` is "all".

    Parameters
    ----------
    where : "outer"
        F has |z_i - t_i|, two of them with the kink at z*(x*).
    where : "passed"
        The same, no kink at z*(x*).
    where : "inner"
        The curvature of G jumps at z*(x), for every x; Psi is quadratic.
    where : "all"
        F = sum of w_i |z_i - t_i| and G = |z - x|^2 (p = d): Psi has kinks in all coordinates at x*.
    """
    x = rng.standard_normal(d)
    x0, z0 = _start(rng, x), rng.standard_normal(p)
    weights = rng.uniform(0.5, 2.0, p)
    if where == "all":
        return Instance(
            lambda z, y: float(weights @ np.abs(z - x)), lambda z, y: float((z - y) @ (z - y)),
            z0, x0, x, x,
        )  # fmt: skip
    A, B = _spectrum(rng, p, 1.0, 10.0), _spectrum(rng, d, 1.0, 5.0)
    M = rng.standard_normal((p, d)) / np.sqrt(max(p, d))
    if where == "inner":
        target = rng.standard_normal(p)
        linear = M.T @ (M @ x - target) + B @ x

        def bent(z: Array, y: Array) -> float:
            r = z - M @ y
            return float(0.5 * r @ A @ r + 1.5 * np.sum(np.maximum(r, 0.0) ** 2))

        return Instance(
            lambda z, y: float(0.5 * np.sum((z - target) ** 2) + y @ (0.5 * (B @ y) - linear)), bent,
            z0, x0, x, M @ x,
        )  # fmt: skip
    active = min(2, p, d) if where == "outer" else 0
    slopes = rng.choice([-1.0, 1.0], p)  # of |z_i - t_i| at z*(x*); between -1 and 1 where the kink is
    slopes[:active] = rng.uniform(-0.7, 0.7, active)
    gaps = np.where(np.arange(p) < active, 0.0, slopes * rng.uniform(0.3, 1.0, p))
    t = M @ x - gaps
    linear = B @ x + M.T @ (weights * slopes)

    def outer(z: Array, y: Array) -> float:
        return float(weights @ np.abs(z - t) + y @ (0.5 * (B @ y) - linear))

    def inner(z: Array, y: Array) -> float:
        r = z - M @ y
        return float(0.5 * r @ A @ r)

    return Instance(outer, inner, z0, x0, x, M @ x)


def scaled(problem: Instance, *, z: float = 1.0, x: float = 1.0) -> Instance:
    """The same problem with z and x in other units."""
    F, G = problem.outer, problem.inner
    return replace(
        problem, outer=lambda a, b: F(a / z, b / x), inner=lambda a, b: G(a / z, b / x),
        z0=problem.z0 * z, x0=problem.x0 * x, minimizer=problem.minimizer * x,
        inner_minimizer=problem.inner_minimizer * z, unit=problem.unit * x,
    )  # fmt: skip


def at_the_solution(problem: Instance) -> Instance:
    """The same problem, started at x* and z*(x*)."""
    return replace(problem, x0=problem.minimizer.copy(), z0=problem.inner_minimizer.copy())


def noisy(problem: Instance, rng: np.random.Generator, *, outer: float = 0.0, inner: float = 0.0) -> Instance:
    """Independent normal errors in the values, of these standard deviations."""

    def add(function: Function, size: float) -> Function:
        return (lambda z, x: function(z, x) + size * float(rng.standard_normal())) if size else function

    return replace(
        problem, outer=add(problem.outer, outer), inner=add(problem.inner, inner),
        noise_outer=outer, noise_inner=inner,
    )  # fmt: skip


def rounded(problem: Instance, digits: int) -> Instance:
    """Values with so many significant digits, in both levels."""

    def cut(function: Function) -> Function:
        return lambda z, x: float(f"{function(z, x):.{digits - 1}e}")

    def error(function: Function) -> float:
        value = max(abs(function(problem.z0, problem.x0)), 1.0)
        return 10.0 ** (np.floor(np.log10(value)) + 1 - digits) / np.sqrt(12.0)

    return replace(
        problem, outer=cut(problem.outer), inner=cut(problem.inner),
        noise_outer=error(problem.outer), noise_inner=error(problem.inner),
    )  # fmt: skip


def offset(problem: Instance, *, outer: float = 0.0, inner: float = 0.0) -> Instance:
    """Values plus a constant, which costs their last digits."""
    F, G = problem.outer, problem.inner
    return replace(
        problem, outer=lambda z, x: F(z, x) + outer, inner=lambda z, x: G(z, x) + inner,
        noise_outer=float(np.spacing(outer)) / np.sqrt(12.0) if outer else 0.0,
        noise_inner=float(np.spacing(inner)) / np.sqrt(12.0) if inner else 0.0,
    )  # fmt: skip
