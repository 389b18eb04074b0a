"""A distribution of two tasks on which first-order gradients lead to a point that is not stationary."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from zoba_bench.arrays import Array, Index, blockwise, dot, frozen, row_sum, spread, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.capabilities import Capabilities, Tasks
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_dimension, check_real

from .._base.checks import above, attach, slope, small
from .._base.family import family
from .._base.tasks import task_checks

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = ["two_task"]


_CARD = Card(
    summary="Two one-dimensional tasks with an unrolled inner loop: first-order gradients vanish at a wrong point.",
    source="the counterexample of arXiv 2106.02487 (UFOM), github.com/xingyousong/ufom (toy.py)",
    assumptions={
        "A1": "holds except L_xx: G_xx contains (z - phi_r(x)) phi_r''(x)",
        "A2": "holds except H and H_xx: G_xx grows with |z|",
        "A3": "holds: every task is linear far out",
        "A4": "holds",
        "A5": "holds",
    },
    quadratic_inner=False,
    psi_convexity="convex",
    scalable=False,
    dimensions="p = 2, d = 1. What fails is the first-order gradient: its mean vanishes at "
    "capabilities.tasks.first_order_point, where |grad Psi|^2 = 2 D",
)


class _Loss:
    """f_i(phi): quadratic within ``width`` of its minimiser, a cubic on a length of 1, then a line.

    The curvature is a, falls linearly to 0 over the cubic, and stays there: f is convex, f' bounded by
    a (width + 1/2), f'' Lipschitz with constant a. Arrays of curvatures and centres broadcast with phi.
    """

    def __init__(self, a: Array, centre: Array, width: float) -> None:
        self.a, self.centre, self.width = a, centre, width

    def _parts(self, phi: Array) -> tuple[Array, Array]:
        """phi - centre, cut where the line begins, and how much of its size lies on the cubic."""
        reach = self.width + 1
        u: Array = np.clip(phi - self.centre, -reach, reach)
        return u, np.maximum(np.abs(u) - self.width, 0)

    def value(self, phi: Array) -> Array:
        u, s = self._parts(phi)
        line = np.abs(phi - self.centre - u)
        # u^2/2 on the quadratic; (A+s)^2/2 - s^3/6 = A^2/2 + A s + s^2/2 - s^3/6 on the cubic.
        total: Array = self.a * (0.5 * u * u - s**3 / 6 + (self.width + 0.5) * line)
        return total

    def slope(self, phi: Array) -> Array:
        u, s = self._parts(phi)
        slope: Array = self.a * (u - np.copysign(0.5 * s * s, u))
        return slope

    def curvature(self, phi: Array) -> Array:
        curvature: Array = self.a * (1 - self._parts(phi)[1])
        return curvature


@family(_CARD)
def two_task(
    p: int = 2,
    d: int = 1,
    *,
    seed: int = 0,
    steps: int = 10,
    step: float = 0.1,
    a1: float = 0.5,
    a2: float = 1.5,
    D: float = 0.06,
    b2: float | None = None,
    width: float | None = None,
) -> BilevelProblem:
    """Two tasks, of probability 1/2 each, with an unrolled inner loop.

    Task i adapts phi_0 = x by ``steps`` gradient steps on f_i and pays f_i(phi_r). f_i is a_i (phi-c_i)^2/2 for
    |phi-c_i| <= A = ``width``, a cubic on a length of 1, then a line; c_1 = 0, c_2 = b2/a2. As a bilevel problem:
    G = |z-phi_r(x)|^2/2 with z* = phi_r(x) = (phi_r,1, phi_r,2), F = (f_1(z_1) + f_2(z_2))/2, v* = -F_z, and Psi is the
    mean M of the tasks. With rho_i = (1 - step a_i)^steps, on the quadratic part phi_r,i - c_i = rho_i (x-c_i) and

        x* = rho_2^2 b2 / (rho_1^2 a1 + rho_2^2 a2),   x_FO = rho_2 b2 / (rho_1 a1 + rho_2 a2),

    where x* minimises Psi and x_FO is where the mean of the first-order gradients f_i'(phi_r,i) vanishes. b2 is such
    that |grad Psi(x_FO)|^2 = 2 D. Psi is convex: each f_i(phi_r,i(x)) is even around c_i, and for x > c_i both
    f_i' phi_r'' and f_i'' phi_r'^2 are non-negative.

    The default is the instance of the source. Its tasks, as a distribution with an inner loop, are
    ``capabilities.tasks``. The start is x0 uniform on [-10, 30] and z0 = x0, as there.

    Parameters
    ----------
    p, d : int
        2 and 1.
    seed : int
        Has no effect: the problem is a fixed one. Accepted as every factory does.
    steps : int
        Inner gradient steps r.
    step : float, above 0
        Their size; step a_i < 1.
    a1, a2 : float, above 0
        Curvatures, which differ.
    D : float, above 0
        Half of the squared slope at x_FO.
    b2, width : float or None, above 0
        Given instead of D, and instead of A = c_2 + 1 (at least c_2).

    Raises
    ------
    ValueError
        For a bad argument.
    """
    for name, size, only in (("p", p, 2), ("d", d, 1)):
        if size != only:
            raise ValueError(f"{name} must be {only} (one number a task, one shared), got {size}")
    r = check_dimension("steps", steps)
    step = check_real("step", step, above=0.0)
    a1, a2 = (
        check_real(name, value, above=0.0, below=1 / step, hint="step times the curvature must be below 1")
        for name, value in (("a1", a1), ("a2", a2))
    )
    if a1 == a2:
        raise ValueError(f"a1 and a2 must differ (equal curvatures leave no bias), both are {a1}")
    D = check_real("D", D, above=0.0)
    a = np.array([a1, a2])
    rho = (1 - step * a) ** r
    given = b2 is not None
    if b2 is None:
        pull = float((a * rho**2).sum() / (a * rho).sum() * rho[1] - rho[1] ** 2)
        b2 = 2 * math.sqrt(2 * D) / abs(pull)
    b2 = check_real("b2", b2, above=0.0)
    centre = np.array([0.0, b2 / a2])
    hint = "both minimisers must lie on both quadratic parts"
    width = float(centre[1]) + 1 if width is None else check_real("width", width, at_least=float(centre[1]), hint=hint)
    loss = _Loss(a, centre, width)
    best = np.array([float((rho**2 * a * centre).sum() / (rho**2 * a).sum())])
    wrong = np.array([float((rho * a * centre).sum() / (rho * a).sum())])
    if given:
        D = 0.5 * float(0.5 * (rho**2 * a * (wrong - centre)).sum()) ** 2

    def path(x: Array) -> Array:
        """phi_r, shape (..., 2)."""
        phi = np.broadcast_to(x, (*x.shape[:-1], 2))
        for _ in range(r):
            phi = phi - step * loss.slope(phi)
        return phi

    def adapt(x: Array) -> tuple[Array, Array]:
        """phi_r (..., 2) and its derivative in x."""
        phi = np.broadcast_to(x, (*x.shape[:-1], 2))
        derivative = np.ones(phi.shape)
        for _ in range(r):
            derivative = derivative * (1 - step * loss.curvature(phi))
            phi = phi - step * loss.slope(phi)
        return phi, derivative

    def bend(x: Array) -> Array:
        """Second derivative of phi_r in x."""
        phi = np.broadcast_to(x, (*x.shape[:-1], 2))
        first, second = np.ones(phi.shape), np.zeros(phi.shape)
        for _ in range(r):
            u = phi - centre
            cubic = (np.abs(u) > width) & (np.abs(u) < width + 1)
            third = np.where(cubic, -a * np.sign(u), 0.0)
            second = second * (1 - step * loss.curvature(phi)) - step * third * first**2
            first = first * (1 - step * loss.curvature(phi))
            phi = phi - step * loss.slope(phi)
        return second

    def residual(z: Array, x: Array) -> Array:
        gap: Array = z - path(x)
        return gap

    def inner_grad_x(z: Array, x: Array) -> Array:
        phi, derivative = adapt(x)
        return -dot(derivative, z - phi)[..., None]

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        phi, derivative = adapt(x)
        upper = dot(derivative, derivative) - dot(z - phi, bend(x))
        return np.eye(2), -derivative[None, :], np.atleast_2d(upper)

    def outer(z: Array, x: Array) -> Array:
        return spread(0.5 * row_sum(loss.value(z)), x)

    def value(x: Array) -> Array:
        return 0.5 * row_sum(loss.value(path(x)))

    def hypergradient(x: Array) -> Array:
        phi, derivative = adapt(x)
        return 0.5 * dot(loss.slope(phi), derivative)[..., None]

    def start(rng: np.random.Generator) -> tuple[Array, Array]:
        x0 = rng.uniform(-10, 30, 1)
        return np.repeat(x0, 2), x0

    def symbolic() -> Symbolic:
        from ._task_proofs import task_symbols

        return task_symbols(a, rho, centre, width, r, step)

    def checks(problem: BilevelProblem) -> list[Check]:
        from ._task_proofs import task_proofs

        return [*task_proofs(), *_numbers(problem, rho, centre, D)]

    # |phi_r'| <= 1 as 0 < 1 - step f'' <= 1. phi'' of one more step is phi'' (1 - step f'') - step f''' phi'^2, where
    # |f'''| <= a: |phi_r''| <= r step a. The slope of each task is at most a (A + 1/2).
    top = a * (width + 0.5)
    turn = r * step * a
    constants = Constants(
        mu=1.0,
        L_zz=1.0,
        L_xz=math.sqrt(2),
        H_zz=0.0,
        H_xz=0.0,
        H_zx=float(np.linalg.norm(turn)),
        m_zz=0.5 * float(a.max()),
        m_xz=0.0,
        m_xx=0.0,
        C_z=0.5 * float(np.linalg.norm(top)),
        C_x=0.0,
        R=0.5 * float(np.linalg.norm(top)),  # v* = -F_z
        k_z=math.sqrt(2),
        k_v=0.5 * float(np.linalg.norm(a)),  # v_i' = -f'' phi'/2
        s_z=float(np.linalg.norm(turn)),
        s_v=0.5 * float(np.linalg.norm(a + a * turn)),  # v_i'' = -(f''' phi'^2 + f'' phi'')/2
        L_Psi=0.5 * float((a + top * turn).sum()),  # M'' = mean of f'' phi'^2 + f' phi''
    )
    problem = BilevelProblem(
        name="two_task",
        p=2,
        d=1,
        inner=blockwise(lambda z, x: 0.5 * square_norm(residual(z, x))),
        outer=blockwise(outer),
        inner_solution=path,
        adjoint=lambda x: -0.5 * loss.slope(path(x)),
        value=value,
        hypergradient=hypergradient,
        inner_grad_z=residual,
        inner_grad_x=inner_grad_x,
        outer_grad_z=lambda z, x: spread_vectors(0.5 * loss.slope(z), x),
        outer_grad_x=lambda z, x: spread_vectors(np.zeros(1), z, x),
        inner_hvp_zz=lambda z, x, v: spread_vectors(v.copy(), z, x),
        inner_jvp_xz=lambda z, x, v: spread_vectors(-dot(adapt(x)[1], v)[..., None], z),
        inner_jvp_zx=lambda z, x, u: spread_vectors(-adapt(x)[1] * u, z),
        inner_hessian=inner_hessian,
        outer_hessian=lambda z, x: (np.diag(0.5 * loss.curvature(z)), np.zeros((1, 2)), np.zeros((1, 1))),
        minimizer=frozen(best),
        minimum=float(value(best)),
        constants=constants,
        start=start,
        # Comparisons are made on |x|, |z_i| <= 1, which must lie on both quadratic parts.
        symbolic=symbolic if width >= centre[1] + 1 else None,
        parameters={"seed": seed, "steps": r, "step": step, "a1": a1, "a2": a2, "D": D, "b2": b2, "width": width},
        card=_CARD,
    )
    return attach(problem, Capabilities(tasks=_tasks(a, centre, width, r, step, wrong)), checks)


def _tasks(a: Array, centre: Array, width: float, steps: int, step: float, wrong: Array) -> Tasks:
    def loss(task: Index) -> _Loss:
        return _Loss(a[task][..., None], centre[task][..., None], width)

    def with_task(vector: Array, theta: Array, task: Index) -> Array:
        shape = np.broadcast_shapes(vector.shape[:-1], theta.shape[:-1], np.shape(task))
        return np.broadcast_to(vector, (*shape, 1)).copy()

    def adapted(theta: Array, task: Index) -> Array:
        phi, of_task = with_task(theta, theta, task), loss(task)
        for _ in range(steps):
            phi = phi - step * of_task.slope(phi)
        return phi

    return Tasks(
        probabilities=np.array([0.5, 0.5]),
        q=1,
        steps=steps,
        step=step,
        initial=lambda theta, task: with_task(theta, theta, task),
        initial_pullback=lambda theta, task, v: with_task(v, theta, task),
        inner_grad=lambda phi, theta, task: with_task(loss(task).slope(phi), theta, task),
        inner_hvp=lambda phi, theta, task, v: with_task(loss(task).curvature(phi) * v, theta, task),
        inner_cross=None,
        outer=lambda phi, theta, task: with_task(loss(task).value(phi), theta, task)[..., 0],
        outer_grad_phi=lambda phi, theta, task: with_task(loss(task).slope(phi), theta, task),
        outer_grad_theta=None,
        adapted=adapted,
        first_order_point=frozen(wrong),
    )


def _numbers(problem: BilevelProblem, rho: Array, centre: Array, D: float) -> list[Check]:
    """The unrolled loop against the closed form on the quadratic parts, and the tasks against the problem."""
    tasks = problem.capabilities.tasks
    assert tasks is not None
    assert tasks.first_order_point is not None
    solution, value, gradient = problem.inner_solution, problem.value, problem.hypergradient
    assert solution is not None
    assert value is not None
    assert gradient is not None
    inside = np.linspace(0, centre[1], 30)[:, None]
    x = np.linspace(-15, 35, 101)[:, None]
    both, theta = np.arange(tasks.count), x[:, None, :]
    phi = tasks.adapted(theta, both)
    wrong = tasks.first_order_point
    numeric = slope(lambda point: tasks.outer(point, theta, both), phi)
    steepness = float(gradient(wrong)[0])
    return [
        small("closed form of the adapted parameters", solution(inside) - centre - rho * (inside - centre), centre),
        small("tasks: adapted parameters", phi[..., 0] - solution(x), x),
        *task_checks(problem, x),
        small("tasks: slope of the outer loss", tasks.outer_grad_phi(phi, theta, both) - numeric, numeric, 1e-6),
        small("|grad Psi(x_FO)|^2 = 2 D", steepness**2 - 2 * D, 2 * D),
        above("Psi is convex: its slope does not fall", np.diff(gradient(x)[:, 0])),
        above("Psi is larger at x_FO", float(value(wrong)) - float(value(np.asarray(problem.minimizer)))),
    ]
