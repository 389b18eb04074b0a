"""Checks of a distribution of tasks against the closed forms of the problem that offers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.capabilities import Tasks

from .checks import slope, small

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = ["mean_gradients", "task_checks"]


def mean_gradients(tasks: Tasks, x: Array) -> tuple[Array, Array, Array]:
    """Of all tasks at x (n, d): phi_r (n, tasks, q), means of the first-order and of the exact gradients (n, d)."""
    every, theta = np.arange(tasks.count), x[:, None, :]
    path = [tasks.initial(theta, every)]
    for _ in range(tasks.steps):
        path.append(path[-1] - tasks.step * tasks.inner_grad(path[-1], theta, every))
    phi = path.pop()
    back = tasks.outer_grad_phi(phi, theta, every)
    direct = np.zeros(()) if tasks.outer_grad_theta is None else tasks.outer_grad_theta(phi, theta, every)
    first = direct + tasks.initial_pullback(theta, every, back)
    # The adjoint recursion, backwards along the path.
    while path:
        point = path.pop()
        if tasks.inner_cross is not None:
            direct = direct - tasks.step * tasks.inner_cross(point, theta, every, back)
        back = back - tasks.step * tasks.inner_hvp(point, theta, every, back)
    exact = direct + tasks.initial_pullback(theta, every, back)
    return phi, tasks.probabilities @ first, tasks.probabilities @ exact


def task_checks(problem: BilevelProblem, x: Array) -> list[Check]:
    """The tasks' inner loop, objective and gradients at x (n, d): theirs is the problem's value function."""
    tasks, value, gradient = problem.capabilities.tasks, problem.value, problem.hypergradient
    assert tasks is not None
    assert value is not None
    assert gradient is not None
    every, theta = np.arange(tasks.count), x[:, None, :]
    phi, _, exact = mean_gradients(tasks, x)
    v = np.cos(np.arange(phi.size)).reshape(phi.shape)
    along = slope(
        lambda point: np.vecdot(tasks.initial(point, every), v), np.broadcast_to(theta, (*v.shape[:-1], problem.d))
    )
    pulled = tasks.initial_pullback(theta, every, v)

    def moved(t: float) -> Array:
        return tasks.inner_grad(phi + t * v, theta, every)

    step = 1e-3
    numeric = (8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step)
    product = tasks.inner_hvp(phi, theta, every, v)
    checks = [
        small("tasks: probabilities add up to 1", tasks.probabilities.sum() - 1),
        small("tasks: pullback by the derivative of phi_0", pulled - along, along, 1e-7),
        small("tasks: adapted parameters are those of the inner loop", tasks.adapted(theta, every) - phi, phi),
        # Steps that have converged do not show their size. Second derivatives may have kinks.
        small("tasks: product with the inner Hessian", product - numeric, numeric, 1e-4),
        small("tasks: mean objective", tasks.outer(phi, theta, every) @ tasks.probabilities - value(x), value(x)),
        small("tasks: exact gradient by the adjoint recursion", exact - gradient(x), gradient(x)),
    ]
    point = tasks.first_order_point
    if point is not None:
        _, first, _ = mean_gradients(tasks, point[None])
        scale = mean_gradients(tasks, point[None] + 1)[1]
        checks.append(small("tasks: the mean first-order gradient vanishes at x_FO", first, scale))
    return checks
