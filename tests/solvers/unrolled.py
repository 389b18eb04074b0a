"""A slow reference for unrolled inner loops, and the exact moments of runs whose gradients are affine in x."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.capabilities import Tasks

EPS = float(np.finfo(np.float64).eps)


class Loop(NamedTuple):
    """One inner loop at one theta (d,): functions of single points phi (q,)."""

    steps: int
    alpha: float
    start: np.ndarray
    start_derivative: np.ndarray  # (q, d)
    grad: Callable[[np.ndarray], np.ndarray]
    hvp: Callable[[np.ndarray, np.ndarray], np.ndarray]
    cross: Callable[[np.ndarray, np.ndarray], np.ndarray]
    outer_phi: Callable[[np.ndarray], np.ndarray]
    outer_theta: Callable[[np.ndarray], np.ndarray]


def task_loop(tasks: Tasks, theta: np.ndarray, t: int) -> Loop:
    """The inner loop of task t."""
    task, units = np.array(t), np.eye(tasks.q)
    none = np.zeros(len(theta))
    return Loop(
        tasks.steps,
        tasks.step,
        tasks.initial(theta, task),
        np.array([tasks.initial_pullback(theta, task, e) for e in units]),
        lambda phi: tasks.inner_grad(phi, theta, task),
        lambda phi, v: tasks.inner_hvp(phi, theta, task, v),
        lambda phi, v: none if tasks.inner_cross is None else tasks.inner_cross(phi, theta, task, v),
        lambda phi: tasks.outer_grad_phi(phi, theta, task),
        lambda phi: none if tasks.outer_grad_theta is None else tasks.outer_grad_theta(phi, theta, task),
    )


def problem_loop(problem: BilevelProblem, z0: np.ndarray, x: np.ndarray, steps: int = 10, alpha: float = 0.1) -> Loop:
    """The inner loop of a bilevel problem from the constant z0."""
    return Loop(
        steps,
        alpha,
        z0,
        np.zeros((problem.p, problem.d)),
        lambda z: problem.inner_grad_z(z, x),
        lambda z, v: problem.inner_hvp_zz(z, x, v),
        lambda z, v: problem.inner_jvp_xz(z, x, v),
        lambda z: problem.outer_grad_z(z, x),
        lambda z: problem.outer_grad_x(z, x),
    )


def slow_gradients(loop: Loop) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """phi_r, the first-order and the exact gradient, by the chain rule with full matrices, in scalar loops."""
    q, d = loop.start_derivative.shape
    phi, J = loop.start.copy(), loop.start_derivative.copy()
    for _ in range(loop.steps):
        H = np.array([loop.hvp(phi, e) for e in np.eye(q)])  # symmetric
        C = np.array([loop.cross(phi, e) for e in np.eye(q)])  # (q, d)
        new = J.copy()
        for a in range(q):
            for i in range(d):
                new[a, i] -= loop.alpha * (sum(H[a, b] * J[b, i] for b in range(q)) + C[a, i])
        phi, J = phi - loop.alpha * loop.grad(phi), new
    slope, direct = loop.outer_phi(phi), loop.outer_theta(phi)
    first, exact = direct.copy(), direct.copy()
    for i in range(d):
        for a in range(q):
            first[i] += loop.start_derivative[a, i] * slope[a]
            exact[i] += J[a, i] * slope[a]
    return phi, first, exact


# Runs whose gradients are affine: x <- x - gamma (S x + s), with (S, s) one of finitely many at random.


class Gradient(NamedTuple):
    """The gradient S x + s, which is drawn with a probability."""

    probability: float
    S: np.ndarray
    s: np.ndarray


def affine(function: Callable[[np.ndarray], np.ndarray], d: int, probability: float = 1.0) -> Gradient:
    """An affine function of x (d,), from its values at the origin and at the unit vectors."""
    s = function(np.zeros(d))
    return Gradient(probability, np.stack([function(e) - s for e in np.eye(d)], axis=1), s)


def mixed(parts: Sequence[tuple[float, Gradient]]) -> Gradient:
    """A linear combination, of probability 1."""
    return Gradient(1.0, sum(w * g.S for w, g in parts), sum(w * g.s for w, g in parts))


class Pair(NamedTuple):
    """A task's first-order and exact gradient, and its weight in the mean."""

    weight: float
    first: Gradient
    exact: Gradient


def pairs(problem: BilevelProblem, z0: np.ndarray) -> list[Pair]:
    """Of all tasks of a problem, or of the one that it is with the default inner loop."""
    tasks, d = problem.capabilities.tasks, problem.d
    loops: list[tuple[float, Any]] = [(1.0, lambda x: problem_loop(problem, z0, x))]
    if tasks is not None:
        weights = enumerate(tasks.probabilities)
        loops = [(float(w), lambda x, t=t: task_loop(tasks, x, t)) for t, w in weights]
    return [
        Pair(w, *(affine(lambda x, of=loop, i=i: slow_gradients(of(x))[i], d) for i in (1, 2))) for w, loop in loops
    ]


def outcomes(tasks: Sequence[Pair], q: float, batch: int | None) -> list[Gradient]:
    """All gradients that UFOM may draw: g_FO + (xi / q)(g - g_FO) of one task, or of the mean over all tasks."""

    def drawn(task: Pair, coin: int) -> Gradient:
        chance = q if coin else 1 - q
        combined = mixed([(1 - coin / q, task.first), (coin / q, task.exact)])
        return combined._replace(probability=chance)

    if batch == 1:
        single = [(task, drawn(task, coin)) for task in tasks for coin in (0, 1)]
        return [g._replace(probability=task.weight * g.probability) for task, g in single]
    found = []
    for coins in product((0, 1), repeat=len(tasks)):
        each = [drawn(task, coin) for task, coin in zip(tasks, coins, strict=True)]
        total = mixed([(task.weight, g) for task, g in zip(tasks, each, strict=True)])
        found.append(total._replace(probability=float(np.prod([g.probability for g in each]))))
    return found


def zero(gradients: Iterable[Gradient]) -> np.ndarray:
    """Where the mean of the gradients vanishes."""
    mean = mixed([(g.probability, g) for g in gradients])
    return np.linalg.solve(mean.S, -mean.s)


def moments(gradients: Sequence[Gradient], x0: np.ndarray, steps: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and covariance (d, d) of x after steps of the given sizes from x0, exactly."""
    origin = zero(gradients)
    mean, covariance, identity = x0 - origin, np.zeros((len(x0), len(x0))), np.eye(len(x0))
    for gamma in steps:
        maps = [(g.probability, identity - gamma * g.S, -gamma * (g.S @ origin + g.s)) for g in gradients]
        images = [(p, M @ mean + b, M @ covariance @ M.T) for p, M, b in maps]
        mean = sum(p * image for p, image, _ in images)
        covariance = sum(p * (spread + np.outer(image - mean, image - mean)) for p, image, spread in images)
    return origin + mean, covariance
