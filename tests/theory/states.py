"""States of problems, one step from them, and the two sides of the one-step inequalities, in floats."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
from hypothesis import strategies as st
from zoba_bench.problems._base import scalars
from zoba_bench.problems.links.linear import logcosh_ripple, logistic_bregman
from zoba_bench.problems.quadratic._affine import build_quadratic
from zoba_bench.problems.quadratic._maps import AffineMaps, adjoint_map
from zoba_bench.problems.quadratic.general import minimax_quad, quad_general, quad_tracking
from zoba_bench.problems.quadratic.reference import reference
from zoba_bench.theory.estimators.blocks import Blocks
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.covariance import iteration_noise
from zoba_bench.theory.single_loop.bound import ExplicitBound
from zoba_bench.theory.single_loop.drift import Drift, OneStep
from zoba_bench.theory.single_loop.roots import Directions
from zoba_bench.theory.single_loop.run import Run
from zoba_bench.theory.single_loop.state import Linear

from zoba_bench.driver import run
from zoba_bench.problem import BilevelProblem, Constants
from zoba_bench.solvers import SOLVERS
from zoba_bench.solvers.base import StepWarning

#: Both levels quadratic: every expectation of one step is exact.
QUADRATIC = {
    "general": lambda: quad_general(3, 2, radius=3.0, cross=0.3),
    "general, no radius": lambda: quad_general(2, 3, seed=1, kappa=4.0),
    "tracking": lambda: quad_tracking(3, 2, kappa=5.0, radius=3.0),
    "minimax": lambda: minimax_quad(3, 2),
}
#: Constants hold globally; expectations by quadrature and simulation.
CURVED = {
    "reference": lambda: reference(2, 2, beta=0.5),
    "ripple": lambda: logcosh_ripple(2, 2),
    "steep ripple": lambda: logcosh_ripple(2, 1, a=2.0, mu=0.3, alpha=0.2, omega=2.0),
    "no ripple": lambda: logcosh_ripple(1, 2, alpha=0.0),
    "logistic": lambda: logistic_bregman(2, 2, mu=0.3),
    "bent": lambda: bent(2),
}


@cache
def problem_named(name):
    """One of the problems above, built once."""
    return (QUADRATIC | CURVED)[name]()


def bent(n, curvatures=(1.0, 0.5), target=0.4, tilt=0.0):
    """G = sum alpha_i (z_i - sin x_i)^2 / 2, F = sum H(z_i - t) + tilt x_i: z* = sin x is not linear, as s_z = 1 says.

    With a tilt Psi has no infimum, which is nothing to one step.
    """
    alpha, t = np.resize(curvatures, n), np.full(n, target)

    def slope(x):
        return scalars.pseudo_huber_first(np.sin(x) - t)

    # |Psi''| of one coordinate is 2 pi-periodic and moves by less than 10 times the step of the grid.
    grid = np.linspace(0, 2 * np.pi, 20_001)
    u = np.sin(grid) - target
    bend = scalars.pseudo_huber_second(u) * np.cos(grid) ** 2 - scalars.pseudo_huber_first(u) * np.sin(grid)
    low, high = float(alpha.min()), float(alpha.max())
    return BilevelProblem(
        name="bent",
        p=n,
        d=n,
        inner=lambda z, x: 0.5 * np.sum(alpha * (z - np.sin(x)) ** 2, axis=-1),
        outer=lambda z, x: np.sum(scalars.pseudo_huber(z - t) + tilt * x, axis=-1),
        inner_solution=np.sin,
        adjoint=lambda x: -slope(x) / alpha,
        value=lambda x: np.sum(scalars.pseudo_huber(np.sin(x) - t) + tilt * x, axis=-1),
        hypergradient=lambda x: slope(x) * np.cos(x) + tilt,
        inner_grad_z=lambda z, x: alpha * (z - np.sin(x)),
        outer_grad_z=lambda z, x: scalars.pseudo_huber_first(z - t) + 0 * x,
        outer_grad_x=lambda z, x: tilt + 0 * (z + x),
        inner_hvp_zz=lambda z, x, v: alpha * v + 0 * (z + x),
        inner_jvp_xz=lambda z, x, v: -alpha * np.cos(x) * v + 0 * z,
        inner_hessian=lambda z, x: (
            np.diag(alpha),
            -np.diag(alpha * np.cos(x)),
            np.diag(alpha * (np.cos(x) ** 2 + (z - np.sin(x)) * np.sin(x))),
        ),
        constants=Constants(
            mu=low,
            L_zz=high,
            L_xz=high,
            H_zz=0.0,
            H_xz=0.0,
            H_zx=high,
            m_zz=1.0,
            m_xz=0.0,
            m_xx=0.0,
            C_z=float(np.sqrt(n)),
            C_x=abs(tilt) * float(np.sqrt(n)),
            R=float(np.linalg.norm(1 / alpha)),
            k_z=1.0,
            k_v=1 / low,
            s_z=1.0,
            s_v=(scalars.PSEUDO_HUBER_THIRD + 1) / low,
            L_Psi=float(np.abs(bend).max() + 10 * grid[1]),
        ),
    )


@dataclass(frozen=True, eq=False)
class FiniteSum:
    """Quadratics as means of samples that differ in their Hessians and in their linear terms.

    Attributes
    ----------
    problem : with sigma_zz and sigma_xz exact; the other spreads grow with (z, x), see :meth:`constants`.
    inner, outer : blocks zz, xz, xx and the terms linear in z and in x, one a sample.
    """

    problem: BilevelProblem
    inner: tuple[np.ndarray, ...]
    outer: tuple[np.ndarray, ...]

    def gradient_z(self, level, z, x, sample=slice(None)):
        zz, xz, _, linear, _ = (part[sample] for part in level)
        return np.einsum("...ij,...j->...i", zz, z) + np.einsum("...ij,...i->...j", xz, x) + linear

    def gradient_x(self, level, z, x, sample=slice(None)):
        _, xz, xx, _, linear = (part[sample] for part in level)
        return np.einsum("...ij,...j->...i", xz, z) + np.einsum("...ij,...j->...i", xx, x) + linear

    def constants(self, *points):
        """Constants with the largest spreads at some points: where all is quadratic, smoothing leaves them alone."""
        found = {"sigma_gz": 0.0, "sigma_fz": 0.0, "sigma_fx": 0.0}
        for z, x in points:
            samples = (
                self.gradient_z(self.inner, z, x),
                self.gradient_z(self.outer, z, x),
                self.gradient_x(self.outer, z, x),
            )
            for name, values in zip(found, samples, strict=True):
                found[name] = max(found[name], float(np.sqrt(values.var(axis=0).sum())))
        return replace(self.problem.constants, **found)


def finite_sum(p=2, d=3, *, seed=0, samples=(4, 3), hessians=1.0):
    """A :class:`FiniteSum`; ``hessians`` scales how much the Hessians of the samples differ."""
    rng = np.random.default_rng(seed)

    def definite(size):
        root = rng.standard_normal((size, size))
        return root @ root.T / size + np.eye(size)

    def spread(mean, count, symmetric=False):
        drawn = hessians * rng.standard_normal((count, *mean.shape))
        drawn = (drawn + np.swapaxes(drawn, 1, 2)) / 2 if symmetric else drawn
        return mean + drawn - drawn.mean(axis=0)

    def level(count, zz, xz, xx, z_term, x_term):
        terms = [term + rng.standard_normal((count, len(term))) for term in (z_term, x_term)]
        terms = [drawn + term - drawn.mean(axis=0) for drawn, term in zip(terms, (z_term, x_term), strict=True)]
        return spread(zz, count, True), spread(xz, count), spread(xx, count, True), *terms

    A, C, B, P = definite(p), rng.standard_normal((d, p)), definite(d), definite(p)
    Q, S, j = 0.2 * rng.standard_normal((d, p)), 2 * definite(d), rng.standard_normal(p)
    t, s = rng.standard_normal(p), rng.standard_normal(d)
    J = -np.linalg.solve(A, C.T)
    V, v = adjoint_map(A, P, Q, t, J, j)
    maps = AffineMaps(
        inner_zz=A, inner_xz=C, inner_xx=B, inner_x=np.zeros(d), outer_zz=P, outer_xz=Q, outer_xx=S,
        outer_z=t, outer_x=s, J=J, j=j, V=V, v=v,
    )  # fmt: skip
    inner = level(samples[0], A, C, B, -A @ j, np.zeros(d))
    outer = level(samples[1], P, Q, S, t, s)

    def values_of(parts):
        def one(z, x, zz, xz, xx, of_z, of_x):
            return np.vecdot(z @ (zz / 2) + x @ xz + of_z, z) + np.vecdot(x @ (xx / 2) + of_x, x)

        def values(z, x, sample=None):
            if sample is None:
                return one(z, x, *(part.mean(axis=0) for part in parts))
            return np.choose(sample, [one(z, x, *terms) for terms in zip(*parts, strict=True)])

        return values

    problem = build_quadratic(
        "finite_sum", maps, values_of(outer), values_of(outer), np.linalg.eigvalsh(A), radius=None,
        parameters={"lam": 0.0}, card=None,
    )  # fmt: skip

    def largest(matrices):
        return max(float(np.linalg.norm(matrix, 2)) for matrix in matrices)

    def root(matrices):
        added = matrices - matrices.mean(axis=0)
        return float(np.sqrt(np.linalg.norm(np.einsum("nij,nik->jk", added, added) / len(added), 2)))

    names = ("L_zz", "L_xz", "L_xx"), ("m_zz", "m_xz", "m_xx")
    bounds = {n: largest(part) for group, parts in zip(names, (inner, outer), strict=True)
              for n, part in zip(group, parts, strict=False)}  # fmt: skip
    constants = replace(
        problem.constants, sigma_zz=root(inner[0]), sigma_xz=root(inner[1]), sigma_gz=1.0, sigma_fz=1.0, **bounds
    )
    problem = replace(
        problem, inner=values_of(inner), outer=values_of(outer), inner_samples=samples[0], outer_samples=samples[1],
        constants=constants,
    )  # fmt: skip
    return FiniteSum(problem, inner, outer)


def solver_of(preset, problem, **options):
    """A solver with constant steps; its radius ratio is tuned to the problem where it has one."""
    module, _, name = SOLVERS[preset].partition(":")
    options = {"schedule": "constant"} | options
    if preset == "hf-zoba-shared":
        options.pop("outer_directions", None)
        options["l2"] = options["l1"]
    if not preset.startswith("hf"):
        options = {k: v for k, v in options.items() if k not in ("h_bar", "normalize_h_bar")}
    if preset == "zoba-tuned":
        options["curvature_ratio"] = (problem.constants.L_xx or 1.0) / problem.constants.L_zz
    return getattr(importlib.import_module(module), name)(**options)


def usable(preset, problem):
    """Whether the problem declares the constants of the preset: the links of Bregman kind have no L_xx."""
    return problem.constants.L_xx is not None or preset not in ("zoba", "zoba-tuned")


def quadratic(problem):
    """Whether both levels are quadratic."""
    return problem.constants.H == 0 and problem.name != "reference"


# States.


@dataclass(frozen=True, eq=False)
class State:
    """One state of a problem, with its errors."""

    problem: BilevelProblem
    z: np.ndarray
    v: np.ndarray
    x: np.ndarray

    @property
    def a(self):
        return float(np.linalg.norm(self.z - self.problem.inner_solution(self.x)))

    @property
    def b(self):
        return float(np.linalg.norm(self.v - self.problem.adjoint(self.x)))

    @property
    def g(self):
        return float(np.linalg.norm(self.problem.hypergradient(self.x)))

    def y(self, mean_x):
        """(a, b, g, D, 1) with the mean direction of x."""
        return np.array([self.a, self.b, self.g, float(np.linalg.norm(mean_x)), 1.0])


def direction(kind, hessian, rng):
    """A unit vector: random, or the eigenvector of the smallest or of the largest eigenvalue."""
    if kind == "random":
        vector = rng.standard_normal(len(hessian))
        return vector / np.linalg.norm(vector)
    vectors = np.linalg.eigh(hessian)[1]
    return vectors[:, 0 if kind == "smallest" else -1] * rng.choice([-1.0, 1.0])


def state_at(problem, a, b, far, kind="random", seed=0):
    """|z - z*| = a along a direction of a kind, |v - v*| = b, x at a distance ``far`` from a minimiser."""
    rng = np.random.default_rng(seed)
    x = far * direction("random", np.eye(problem.d), rng)
    if problem.minimizer is not None:
        x = x + problem.minimizer
    x *= min(1.0, problem.constants.radius / max(float(np.linalg.norm(x)), 1e-300))
    z = problem.inner_solution(x)
    hessian = problem.inner_hessian(z, x)[0]
    z = z + a * direction(kind, hessian, rng)
    return State(problem, z, problem.adjoint(x) + b * direction(kind, hessian, rng), x)


@st.composite
def states(draw, problem):
    """States near and far, with an error of v or z alone too."""
    sizes = st.sampled_from([0.0, 0.03, 0.3, 1.0, 3.0])
    kind = draw(st.sampled_from(["random", "smallest", "largest"]))
    return state_at(problem, draw(sizes), draw(sizes), draw(sizes), kind, draw(st.integers(0, 2**16)))


# The left-hand sides.


@dataclass(frozen=True)
class Measured:
    """E|a+|^2, E|b+|^2 and E Psi(x+) - Psi, each with a standard error (0 where exact)."""

    a: float
    b: float
    psi: float
    errors: tuple[float, float, float] = (0.0, 0.0, 0.0)


def linear_part(function, size):
    """Matrix of an affine function of R^size."""
    return (function(np.eye(size)) - function(np.zeros(size))).T


def covariance(preset, state, solver):
    """Covariance of (D_z, D_v, D_x) of one step of a quadratic problem."""
    problem = state.problem
    return iteration_noise(
        preset_named(preset),
        Blocks.at(problem, state.x, z=state.z, v=state.v),
        solver.l1,
        solver.l2,
        h=solver.h,
        eta=solver.outer_radius(problem.p, problem.d),
        outer_directions=solver.outer_directions,
    )


def exact_directions(state):
    """G_z, G_zz v + F_z and G_xz v + F_x."""
    q, z, v, x = state.problem, state.z, state.v, state.x
    return (
        q.inner_grad_z(z, x),
        q.inner_hvp_zz(z, x, v) + q.outer_grad_z(z, x),
        q.inner_jvp_xz(z, x, v) + q.outer_grad_x(z, x),
    )


def exact_step(preset, state, solver):
    """One step of a quadratic problem, without simulation (and without projection of v)."""
    q, p = state.problem, state.problem.p
    noise = covariance(preset, state, solver)
    rho, gamma = solver.steps(0)
    mean_z, mean_v, mean_x = exact_directions(state)

    def error(start, solution, mean, block):
        slope = linear_part(solution, q.d)
        moved = start - rho * mean - solution(state.x - gamma * mean_x)
        lift = np.zeros((p, 2 * p + q.d))
        lift[:, block] = -rho * np.eye(p)
        lift[:, 2 * p :] = gamma * slope
        return float(moved @ moved + np.trace(lift @ noise @ lift.T))

    curvature = linear_part(q.hypergradient, q.d)
    x_noise = noise[2 * p :, 2 * p :]
    psi = float(q.value(state.x - gamma * mean_x) - q.value(state.x)) + gamma**2 * np.trace(curvature @ x_noise) / 2
    return Measured(
        error(state.z, q.inner_solution, mean_z, slice(0, p)),
        error(state.v, q.adjoint, mean_v, slice(p, 2 * p)),
        float(psi),
    )


def slope_of_y(problem):
    """C A^-1 of a quadratic G, which is the transpose of minus the slope of z*."""
    return -linear_part(problem.inner_solution, problem.d).T


def virtual(problem, solver, v, x):
    """The virtual iterate of v and x, of one or of many replicates."""
    return x - solver.gamma / solver.rho * (v - problem.adjoint(x)) @ slope_of_y(problem).T


def exact_virtual_step(preset, state, solver):
    """E Psi(y+) - Psi(y) of one step where all is quadratic, and the norm of the mean direction of y."""
    q, p = state.problem, state.problem.p
    _, mean_v, mean_x = exact_directions(state)
    start = virtual(q, solver, state.v, state.x)
    mean = virtual(q, solver, state.v - solver.rho * mean_v, state.x - solver.gamma * mean_x)
    lift = np.zeros((q.d, 2 * p + q.d))
    lift[:, p : 2 * p] = solver.gamma * slope_of_y(q)
    moves = slope_of_y(q) @ linear_part(q.adjoint, q.d)
    lift[:, 2 * p :] = -solver.gamma * (np.eye(q.d) + solver.gamma / solver.rho * moves)
    curvature = linear_part(q.hypergradient, q.d)
    noise = lift @ covariance(preset, state, solver) @ lift.T
    change = float(q.value(mean) - q.value(start)) + np.trace(curvature @ noise) / 2
    return float(change), float(np.linalg.norm(start - mean)) / solver.gamma


def after_one_step(state, solver, replicates, seed):
    """z, v and x of many replicates after one step of the solver itself."""
    rng = np.random.Generator(np.random.SFC64(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepWarning)  # one step does not diverge, and the theory holds for any
        result = run(
            state.problem, solver, z0=state.z, v0=state.v, x0=state.x, rng=rng, replicates=replicates,
            max_iterations=1, record_every=None,
        )  # fmt: skip
    assert (result.nit == 1).all()
    return result.z, result.v, result.x


def sampled_step(state, solver, replicates, seed=0):
    """One step by simulation."""
    q = state.problem
    z, v, x = after_one_step(state, solver, replicates, seed)
    found = (
        np.sum((z - q.inner_solution(x)) ** 2, axis=1),
        np.sum((v - q.adjoint(x)) ** 2, axis=1),
        q.value(x) - q.value(state.x),
    )
    means = [float(values.mean()) for values in found]
    return Measured(*means, errors=tuple(float(values.std()) / np.sqrt(replicates) for values in found))


def sampled_virtual_step(state, solver, replicates, seed=0):
    """Psi(y+) - Psi(y) by simulation, with its standard error, and the norm of the mean direction of y."""
    q = state.problem
    _, v, x = after_one_step(state, solver, replicates, seed)
    start, after = virtual(q, solver, state.v, state.x), virtual(q, solver, v, x)
    change = q.value(after) - q.value(start)
    direction = float(np.linalg.norm(start - after.mean(axis=0))) / solver.gamma
    return float(change.mean()), float(change.std()) / np.sqrt(replicates), direction


@cache
def _hermite(dimension, nodes):
    """Nodes and weights of E over standard normal vectors."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.array(list(product(points, repeat=dimension)))
    return grid, np.array([np.prod(w) for w in product(weights / weights.sum(), repeat=dimension)])


def mean_directions(preset, state, solver, nodes=12):
    """Means of D_z, D_v and D_x by quadrature of the smoothed derivatives, not of differences."""
    q, z, v, x = state.problem, state.z, state.v, state.x
    h, eta = solver.h, solver.outer_radius(q.p, q.d)
    w, w_weights = _hermite(q.p, nodes)
    u, u_weights = _hermite(q.d, nodes)
    along_v = preset.startswith("hf")
    mean_z = w_weights @ q.inner_grad_z(z + h * w, x)
    if along_v:
        step = solver.h_bar / max(1.0, float(np.linalg.norm(v))) if solver.normalize_h_bar else solver.h_bar
        s, s_weights = np.polynomial.legendre.leggauss(8)
        shifts = (s[:, None, None] + 1) / 2 * step * v
        hessian_v = np.einsum("s,n,snp->p", s_weights / 2, w_weights, q.inner_hvp_zz(z + shifts + h * w, x, v))
        cross_v = np.einsum("s,n,snd->d", s_weights / 2, u_weights, q.inner_jvp_xz(z + shifts, x + eta * u, v))
    else:
        wide = np.sqrt(2) if preset == "zoba-mixed" else 1.0
        hessian_v = w_weights @ q.inner_hvp_zz(z + wide * h * w, x, v)
        both = q.inner_jvp_xz((z + h * w)[:, None], x + eta * u, v)
        cross_v = np.einsum("n,m,nmd->d", w_weights, u_weights, np.broadcast_to(both, (len(w), len(u), q.d)))
    return (
        mean_z,
        hessian_v + w_weights @ q.outer_grad_z(z + h * w, x),
        cross_v + u_weights @ q.outer_grad_x(z, x + eta * u),
    )


# The right-hand sides.


@cache
def explicit(preset):
    """Bounds of a preset, or with exact derivatives (None); the linear forms are derived once."""
    return ExplicitBound(None if preset is None else preset_named(preset))


def value(form, y):
    """A linear form at a state."""
    return float(np.dot([float(entry) for entry in form.entries], y))


def in_floats(step):
    """The same numbers as floats."""
    found = {}
    for field in fields(OneStep):
        entry = getattr(step, field.name)
        found[field.name] = (
            entry.map(float) if isinstance(entry, Linear) else entry if isinstance(entry, bool) else float(entry)
        )
    return OneStep(**found)


def exact_one_steps(preset, problem, solver, directions, *, v_radius=None, constants=None):
    """Numbers of the one-step inequalities for a way to use the constants.

    ``v_radius`` says how large v is, whether the solver projects it or not.
    """
    constants = problem.constants if constants is None else constants
    numbers = Run.of(solver, problem.p, problem.d, derivatives=preset is None)
    if v_radius is not None:
        numbers = replace(numbers, v_radius=Fraction(v_radius))
    return list(explicit(preset).one_steps(constants, numbers, directions))


def one_steps(*arguments, **options):
    """:func:`exact_one_steps` in floats."""
    return [in_floats(step) for step in exact_one_steps(*arguments, **options)]


def right_sides(step, y, o=0.0):
    """Bounds of E|a+|^2, E|b+|^2 and E Psi(x+) - Psi at y = (a, b, g, D, 1)."""
    forms = {
        name: sum(f * value(one, y) * value(two, y) for f, one, two in terms)
        for name, terms in Drift(step).terms().items()
    }
    return Measured(forms["phi_a"] + y[0] ** 2, forms["phi_b"] + y[1] ** 2, forms["s"] + o * forms["o"])


def ways(constants, solver, sampled=False):
    """Every way to use the constants of a problem along a run; v is bounded where R is."""
    base = Directions(
        normalized=getattr(solver, "normalize_h_bar", False),
        outer_shared=solver.outer_directions == "shared",
        curved=constants.H != 0,
        sampled=sampled,
    )
    known = constants.C_z is not None and constants.C_x is not None
    sizes = [] if constants.R is None else [{}, {"projected": True}]
    sizes += [] if constants.R_0 is None or base.curved else [{"growing": True}]
    for size in sizes:
        for slopes in (False, True) if known else (False,):
            yield replace(base, known_slopes=slopes, **size)
